// HTTP/1.1 over our streams: bytes are read here and put into Beast's parser, so that TLS,
// deadlines and cancelling are those of Stream.
#include "net/http.h"

#include "base/bytes.h"
#include "base/ip.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "net/http_target.h"
#include "net/server.h"
#include "net/task.h"
#include "net/tls.h"
#include "net/workers.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/string_type.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/verb.hpp>
#include <boost/optional/optional.hpp>
#include <boost/system/error_code.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::net {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using Parser = http::request_parser<http::string_body>;

constexpr std::size_t kWriteChunk = 256UL * 1024;
constexpr Duration kLinger{2'000};
// A body may take this many times the time that a head may.
constexpr int kBodyTimes = 4;

struct Site {
    HttpOptions options;
    HttpHandler handler;
    Workers& workers;
    std::atomic<std::size_t> connections{0};
};
using SitePtr = std::shared_ptr<Site>;

class CountedConnection {
  public:
    explicit CountedConnection(SitePtr site)
        : site_(std::move(site)), number_(++site_->connections) {}
    CountedConnection(const CountedConnection&) = delete;
    CountedConnection& operator=(const CountedConnection&) = delete;
    ~CountedConnection() { --site_->connections; }
    [[nodiscard]] bool too_many() const { return number_ > site_->options.connections_max; }

  private:
    SitePtr site_;
    std::size_t number_;
};

std::string reason_of(int status) {
    const auto text = http::obsolete_reason(http::int_to_status(static_cast<unsigned>(status)));
    return {text.data(), text.size()};
}

HttpResponse plain(int status) {
    HttpResponse response;
    response.status = status;
    response.content_type = "text/plain; charset=utf-8";
    response.body = fmt::format("{} {}\n", status, reason_of(status));
    return response;
}

// A field of the handler's that would end the line early, or isn't a token, is left out.
bool sound_field(std::string_view name, std::string_view value) {
    const auto token = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
    };
    const auto breaks = [](char c) { return c == '\r' || c == '\n' || c == '\0'; };
    return !name.empty() && std::ranges::all_of(name, token) && std::ranges::none_of(value, breaks);
}

// RFC 9110 §6.4.1: these have no body.
bool bodiless(int status) {
    return status < 200 || status == 204 || status == 304;
}

std::string serialize(const HttpResponse& response, bool head, bool keep_alive) {
    std::string out =
        fmt::format("HTTP/1.1 {} {}\r\n", response.status, reason_of(response.status));
    // RFC 9110 §5.6.7 wants the zone written as GMT.
    const std::string date = rfc5322_date(now());
    out += "Date: " + date.substr(0, date.rfind(' ')) + " GMT\r\n";
    if (!bodiless(response.status)) {
        if (sound_field("Content-Type", response.content_type) && !response.content_type.empty()) {
            out += "Content-Type: " + response.content_type + "\r\n";
        }
        out += fmt::format("Content-Length: {}\r\n", response.body.size());
    }
    for (const auto& [name, value] : response.headers) {
        if (sound_field(name, value)) {
            out += name;
            out += ": ";
            out += value;
            out += "\r\n";
        }
    }
    out += keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
    if (!head && !bodiless(response.status)) {
        out += response.body;
    }
    return out;
}

int status_for(const boost::system::error_code& problem) {
    if (problem == http::error::body_limit) {
        return 413;
    }
    return problem == http::error::header_limit ? 431 : 400;
}

// Empty: nothing came (the peer is done, or idle too long). A status: the request can't be taken.
struct Received {
    std::unique_ptr<Parser> parser;
    int refused = 0;
};

class Connection {
  public:
    Connection(SitePtr site, std::unique_ptr<Stream> stream)
        : site_(std::move(site)), stream_(std::move(stream)) {}

    Task<void> run() {
        bool more = true;
        while (more) {
            more = co_await one_request();
        }
        co_await stream_->linger(kLinger);
    }

    Task<void> refuse(int status) {
        stream_->expires_after(site_->options.idle_timeout);
        HttpResponse response = plain(status);
        co_await write(std::move(response), false, false);
        co_await stream_->linger(kLinger);
    }

  private:
    // False: the connection ends.
    Task<bool> one_request() {
        Received received = co_await receive();
        if (received.refused != 0) {
            HttpResponse response = plain(received.refused);
            co_await write(std::move(response), false, false);
            co_return false;
        }
        if (!received.parser) {
            co_return false;
        }
        const auto& message = received.parser->get();
        const bool keep_alive = message.keep_alive();
        const bool head = message.method() == http::verb::head;
        HttpRequest request;
        if (!convert(message, request)) {
            HttpResponse response = plain(400);
            co_await write(std::move(response), head, false);
            co_return false;
        }
        HttpResponse response = co_await respond(std::move(request));
        const bool written = co_await write(std::move(response), head, keep_alive);
        co_return written&& keep_alive;
    }

    Task<Received> receive() {
        Received result;
        auto parser = std::make_unique<Parser>();
        parser->eager(true);
        parser->header_limit(static_cast<std::uint32_t>(site_->options.header_max));
        parser->body_limit(site_->options.body_max);
        stream_->expires_after(site_->options.idle_timeout);
        bool asked_to_go_on = false;
        while (true) {
            boost::system::error_code problem;
            const std::size_t used =
                input_.empty() ? 0 : parser->put(asio::buffer(input_), problem);
            input_.erase(0, used);
            if (problem && problem != http::error::need_more) {
                result.refused = status_for(problem);
                co_return result;
            }
            if (parser->is_done()) {
                result.parser = std::move(parser);
                co_return result;
            }
            if (parser->is_header_done() && !asked_to_go_on) {
                asked_to_go_on = true;
                stream_->expires_after(site_->options.idle_timeout * kBodyTimes);
                const bool went_on = co_await go_on(*parser);
                if (!went_on) {
                    co_return result;
                }
            }
            if (used > 0 && !problem && !input_.empty()) {
                continue;
            }
            // Beast leaves an unfinished line in our buffer, so the limit is ours to keep too.
            if (!parser->is_header_done() && input_.size() > site_->options.header_max) {
                result.refused = 431;
                co_return result;
            }
            const auto got = co_await stream_->read_some(chunk_);
            if (!got) {
                const bool begun = parser->got_some() || !input_.empty();
                if (got.error().code == Errc::Timeout && begun) {
                    stream_->expires_after(site_->options.idle_timeout);
                    result.refused = 408;
                }
                co_return result;
            }
            input_.append(chunk_.data(), *got);
        }
    }

    // RFC 9110 §10.1.1: the client waits for it before it sends the body.
    Task<bool> go_on(const Parser& parser) {
        const auto expect = parser.get().find(http::field::expect);
        if (expect == parser.get().end() || !iequals(view(expect->value()), "100-continue")) {
            co_return true;
        }
        const auto written = co_await stream_->write_all("HTTP/1.1 100 Continue\r\n\r\n");
        co_return written.has_value();
    }

    static std::string_view view(boost::beast::string_view text) {
        return {text.data(), text.size()};
    }

    bool convert(const http::request<http::string_body>& message, HttpRequest& request) const {
        // RFC 9112 §3.2: exactly one Host field in HTTP/1.1.
        if (message.version() >= 11 && message.count(http::field::host) != 1) {
            return false;
        }
        auto target = parse_target(view(message.target()));
        if (!target) {
            return false;
        }
        request.method =
            message.method() == http::verb::head ? "GET" : view(message.method_string());
        request.path = std::move(target->path);
        request.query = std::move(target->query);
        for (const auto& field : message) {
            std::string& value = request.headers[to_lower(view(field.name_string()))];
            if (!value.empty()) {
                value += ", ";
            }
            value += view(field.value());
        }
        request.body = message.body();
        request.peer = stream_->peer().address;
        request.tls = stream_->tls().has_value();
        return true;
    }

    Task<HttpResponse> respond(HttpRequest request) {
        const std::string path = request.path;
        std::function<HttpResponse()> work = [site = site_, request = std::move(request)] {
            return site->handler(request);
        };
        std::string problem;
        try {
            HttpResponse response = co_await run_on<HttpResponse>(site_->workers, std::move(work));
            co_return response;
        } catch (const std::exception& error) {
            problem = error.what();
        } catch (...) {
            problem = "an exception of unknown type";
        }
        log::error(
            "HTTP_HANDLER_FAILED",
            "a request ended with an exception",
            {{"site", site_->options.name}, {"path", path}, {"error", problem}}
        );
        co_return plain(500);
    }

    Task<bool> write(HttpResponse response, bool head, bool keep_alive) {
        const std::string bytes = serialize(response, head, keep_alive);
        std::string_view rest = bytes;
        while (!rest.empty()) {
            stream_->expires_after(site_->options.idle_timeout);
            const std::string_view part = rest.substr(0, kWriteChunk);
            const auto written = co_await stream_->write_all(part);
            if (!written) {
                co_return false;
            }
            rest.remove_prefix(part.size());
        }
        co_return true;
    }

    SitePtr site_;
    std::unique_ptr<Stream> stream_;
    std::string input_;  // come and not parsed yet
    std::array<char, 8192> chunk_{};
};

Task<void> serve(SitePtr site, std::unique_ptr<Stream> stream) {
    const CountedConnection counted(site);
    if (site->options.tls) {
        stream->expires_after(site->options.idle_timeout);
        auto context = site->options.tls->get();
        const Status secured = co_await stream->start_tls_server(std::move(context));
        if (!secured) {
            log::debug(
                "HTTP_TLS_FAILED",
                "a TLS handshake failed",
                {{"peer", stream->peer().text()}, {"error", secured.error().message}}
            );
            co_return;
        }
    }
    const bool too_many = counted.too_many();
    const auto connection = std::make_unique<Connection>(site, std::move(stream));
    if (too_many) {
        co_await connection->refuse(503);
    } else {
        co_await connection->run();
    }
}

}  // namespace

Result<std::unique_ptr<Listener>> serve_http(
    Loops& loops, Workers& workers, const Endpoint& at, HttpOptions options, HttpHandler handler
) {
    const std::string name = options.name;
    auto site = std::make_shared<Site>(std::move(options), std::move(handler), workers);
    Accepted accepted = [site](std::unique_ptr<Stream> stream) {
        return serve(site, std::move(stream));
    };
    return listen(loops, at, name, std::move(accepted));
}

}  // namespace sekisho::net
