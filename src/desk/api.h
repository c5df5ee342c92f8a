// /api/v1: JSON for operators and support, errors as problem+json (RFC 9457). The caller has shown
// the operator's token before anything here is asked.
#pragma once

#include "desk/context.h"

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::desk {

struct ApiRequest {
    std::string method;
    std::string path;  // below /api/v1, "/events"
    std::map<std::string, std::string> query;
    std::string body;
    std::string peer;
};

struct ApiAnswer {
    int status = 200;
    Json body;
    std::string allow;  // for 405
};

[[nodiscard]] ApiAnswer answer_api(const Context& context, const ApiRequest& request);
[[nodiscard]] ApiAnswer problem(int status, std::string_view title, std::string_view detail);

}  // namespace sekisho::desk
