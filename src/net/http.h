// A small HTTP/1.1 server (parsing by Boost.Beast): requests in, responses out, body limits,
// keep-alive, time-outs.
#pragma once

#include "base/ip.h"
#include "base/result.h"
#include "net/server.h"
#include "net/task.h"
#include "net/tls.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::net {

struct HttpRequest {
    std::string method;  // "GET", also for HEAD: the server leaves the body out
    std::string path;    // decoded, starts with '/', without query; no "." or ".." segments, no
                         // empty ones but the last
    std::map<std::string, std::string> query;    // decoded; the last of a repeated key
    std::map<std::string, std::string> headers;  // names in lower case
    std::string body;
    IpAddress peer;
    bool tls = false;
};

struct HttpResponse {
    int status = 200;
    std::string content_type = "text/html; charset=utf-8";
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;
};

struct HttpOptions {
    std::size_t body_max = 64 * 1024;
    Duration idle_timeout{15'000};
    std::shared_ptr<TlsHolder> tls;  // null: plain HTTP; asked anew for each connection
    std::size_t header_max = 16 * 1024;
    std::size_t connections_max = 1000;  // more are answered 503
    std::string name = "http";           // for errors and logs
};

// Called on a worker thread, so it may look things up in the store; exceptions become 500.
using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;

[[nodiscard]] Result<std::unique_ptr<Listener>> serve_http(
    Loops& loops, Workers& workers, const Endpoint& at, HttpOptions options, HttpHandler handler
);

}  // namespace sekisho::net
