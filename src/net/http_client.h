// One HTTP/1.1 request to another's server (parsing by Boost.Beast): a policy, a key set, a report.
// Everything is bounded: one deadline for all of it, head and body by size, no redirects followed
// (they are answers like others: RFC 8461 §3.3 forbids to follow them), one request a connection.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "net/resolver.h"
#include "net/stream.h"
#include "net/task.h"
#include "net/tls.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::net {

// "https://host:port/path?query". Refused: other schemes, names and passwords before the host,
// fragments, what isn't printable ASCII.
struct HttpUrl {
    bool tls = true;
    std::string host;  // lower case; an IPv6 address without its brackets
    std::uint16_t port = 443;
    std::string target;  // path and query, begins with '/'

    [[nodiscard]] static Result<HttpUrl> parse(std::string_view text);
    [[nodiscard]] std::string authority() const;  // as in the Host field
    [[nodiscard]] std::string text() const;
    friend bool operator==(const HttpUrl&, const HttpUrl&) = default;
};

struct HttpCall {
    HttpUrl url;
    std::string method = "GET";
    std::vector<std::pair<std::string, std::string>> headers;
    std::string content_type;  // of the body
    std::string body;
    std::size_t body_max = 64UL * 1024;  // of the answer
    Duration timeout{30'000};            // for all: names, connection, TLS, answer
    // For https, as a rule TlsContext::client_verified(); the name in the URL is what the
    // certificate must be for.
    std::shared_ptr<const TlsContext> tls;
    // The URL is a stranger's: nothing is called at addresses that only we can reach.
    bool public_only = false;
};

struct HttpAnswer {
    int status = 0;
    std::map<std::string, std::string> headers;  // names in lower case
    std::string body;
    std::optional<TlsInfo> tls;
};

// Any complete answer, whatever its status. Invalid: the call can't be made (a field with a line
// end, https without a context). Unavailable: no address, no connection, no TLS, or what came isn't
// HTTP. Full: the body is larger than body_max. Timeout. Errors name the URL's host.
Task<Result<HttpAnswer>> http_call(Resolver& resolver, Executor executor, HttpCall call);

}  // namespace sekisho::net
