// /api/v1: JSON for operators and support, errors as problem+json (RFC 9457). One table of routes
// (routes.h) says what there is, who may, and what is needed; it is what the router goes by and
// what the OpenAPI document and docs/api.md are made from.
//
// Invariants: nobody without a role that the route names gets further than that; what shows a
// person's data needs a reason and is shown only after it stands in the audit; a write stands there
// before it is done; a write with an Idempotency-Key is done once.
#pragma once

#include "desk/access.h"
#include "desk/context.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::desk {

struct Route;

struct ApiRequest {
    std::string method;
    std::string path;  // below /api/v1, "/events"
    std::map<std::string, std::string> query;
    std::map<std::string, std::string> headers;  // names in lower case
    std::string body;
    std::string peer;
    bool secure = false;  // over TLS, or from this machine
};

struct ApiAnswer {
    int status = 200;
    Json body;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string next;    // cursor of the next page
    std::string stream;  // instead of the body: text/event-stream
};

// A request that was found sound: every parameter is of its type.
struct Call {
    const Context& context;
    const ApiRequest& request;
    const Route& route;
    const Identity& who;
    std::map<std::string, std::string> path;  // what stands for {name}
    Json body;
    std::string reason;

    // A parameter of the path or the query; empty, or the fallback, when it wasn't given.
    [[nodiscard]] std::string text(const std::string& name) const;
    [[nodiscard]] std::int64_t number(const std::string& name, std::int64_t fallback) const;
    [[nodiscard]] std::optional<Time> time(const std::string& name) const;
    // "hanako at the desk", for other roles' records.
    [[nodiscard]] std::string by() const;
};

[[nodiscard]] ApiAnswer answer_api(const Context& context, const ApiRequest& request);

[[nodiscard]] ApiAnswer problem(int status, std::string_view title, std::string_view detail);
[[nodiscard]] ApiAnswer problem_of(const Error& error);
[[nodiscard]] ApiAnswer answered(const Result<Json>& result);
[[nodiscard]] ApiAnswer too_many(Time until, Time now, std::string_view detail);

}  // namespace sekisho::desk
