#include "net/http_client.h"

#include "base/bytes.h"
#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "net/lookups.h"
#include "net/resolver.h"
#include "net/stream.h"
#include "net/task.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/string_type.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/system/error_code.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace sekisho::net {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using Parser = http::response_parser<http::string_body>;
using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kHeadMax = 16UL * 1024;
constexpr std::size_t kAddressesTried = 4;
constexpr Duration kConnectTimeout{10'000};
constexpr int kInterimMax = 10;  // 1xx answers before the real one

bool alnum(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool printable_ascii(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

bool host_name(std::string_view text) {
    return !text.empty() && text.size() <= 253 && text.front() != '.' && text.front() != '-' &&
           std::ranges::all_of(text, [](char c) {
               return alnum(c) || c == '-' || c == '.' || c == '_';
           });
}

bool token(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) {
        return alnum(c) || std::string_view("!#$%&'*+-.^_`|~").contains(c);
    });
}

bool field_value(std::string_view text) {
    return std::ranges::none_of(text, [](char c) {
        return (c >= 0 && c < 0x20 && c != '\t') || c == 0x7f;
    });
}

std::string_view view(boost::beast::string_view text) {
    return {text.data(), text.size()};
}

// Takes the host out of "host:port"; what is left is "" or ":port".
Result<std::string> take_host(std::string_view& authority) {
    std::string host;
    if (authority.starts_with('[')) {
        const std::size_t end = authority.find(']');
        const auto address =
            IpAddress::parse(authority.substr(1, std::min(end, authority.size()) - 1));
        if (end == std::string_view::npos || !address || address->is_v4()) {
            return fail(Errc::Invalid, "the address in brackets is not an IPv6 address");
        }
        host = address->text();
        authority.remove_prefix(end + 1);
    } else {
        host = to_lower(authority.substr(0, authority.find(':')));
        authority.remove_prefix(host.size());
        if (!host_name(host)) {
            return fail(Errc::Invalid, "no host name");
        }
    }
    return host;
}

Status check(const HttpCall& call) {
    const bool sound = token(call.method) && field_value(call.content_type) &&
                       std::ranges::all_of(call.headers, [](const auto& field) {
                           return token(field.first) && field_value(field.second);
                       });
    if (!sound) {
        return fail(Errc::Invalid, call.url.host + ": a field of the request has a line end");
    }
    if (call.url.tls && !call.tls) {
        return fail(Errc::Invalid, call.url.host + ": https without TLS settings");
    }
    return {};
}

std::string request_of(const HttpCall& call) {
    std::string out = fmt::format(
        "{} {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: Sekisho\r\nConnection: close\r\n",
        call.method,
        call.url.target,
        call.url.authority()
    );
    for (const auto& [name, value] : call.headers) {
        out += name + ": " + value + "\r\n";
    }
    if (!call.content_type.empty()) {
        out += "Content-Type: " + call.content_type + "\r\n";
    }
    // RFC 9110 §8.6: a method that has a meaning for a body says how long it is, also when empty.
    if (!call.body.empty() || call.method == "POST" || call.method == "PUT") {
        out += fmt::format("Content-Length: {}\r\n", call.body.size());
    }
    return out + "\r\n" + call.body;
}

HttpAnswer answer_of(const http::response<http::string_body>& message) {
    HttpAnswer answer;
    answer.status = message.result_int();
    answer.body = message.body();
    for (const auto& field : message) {
        std::string& value = answer.headers[to_lower(view(field.name_string()))];
        if (!value.empty()) {
            value += ", ";
        }
        value += view(field.value());
    }
    return answer;
}

class Call {
  public:
    Call(Resolver& resolver, Executor executor, HttpCall call)
        : resolver_(resolver),
          executor_(std::move(executor)),
          call_(std::move(call)),
          deadline_(Clock::now() + call_.timeout) {}

    Task<Result<HttpAnswer>> run() {
        if (Status sound = check(call_); !sound) {
            co_return fail(sound.error());
        }
        Status step = co_await connect_any();
        if (step && call_.url.tls) {
            step = co_await stream_->start_tls_client(call_.tls, call_.url.host);
        }
        if (step) {
            step = co_await stream_->write_all(request_of(call_));
        }
        if (!step) {
            co_return fail(named(step.error()));
        }
        Result<HttpAnswer> answer = co_await receive();
        if (!answer) {
            co_return fail(named(answer.error()));
        }
        answer->tls = stream_->tls();
        co_return answer;
    }

  private:
    [[nodiscard]] Error named(const Error& error) const {
        Error out = error;
        out.message = call_.url.authority() + ": " + error.message;
        if (out.code != Errc::Full && out.code != Errc::Timeout && out.code != Errc::Cancelled) {
            out.code = Errc::Unavailable;
        }
        return out;
    }
    [[nodiscard]] Duration left() const {
        const auto rest = std::chrono::duration_cast<Duration>(deadline_ - Clock::now());
        return std::max(rest, Duration{0});
    }

    Task<Result<std::vector<IpAddress>>> addresses() {
        if (const auto literal = IpAddress::parse(call_.url.host)) {
            co_return std::vector<IpAddress>{*literal};
        }
        auto found = std::make_shared<Result<std::vector<IpAddress>>>(
            fail(Errc::Timeout, "its address was not found in time")
        );
        Lookups::Then<IpAddress> then = [found](Result<Answer<IpAddress>> answer) {
            if (answer) {
                *found = std::move(answer->records);
            } else {
                *found = fail(answer.error());
            }
        };
        Lookups lookups(&resolver_, executor_, deadline_);
        lookups.addresses(call_.url.host, true, true, std::move(then));
        co_await lookups.wait();
        if (*found && call_.public_only) {
            std::erase_if(**found, [](const IpAddress& one) { return !one.is_public(); });
        }
        co_return std::move(*found);
    }

    Task<Status> connect_any() {
        const auto found = co_await addresses();
        if (!found) {
            co_return fail(found.error());
        }
        Status last = fail(Errc::Unavailable, "the name has no address");
        const std::size_t count = std::min(found->size(), kAddressesTried);
        for (std::size_t i = 0; i < count; ++i) {
            const Endpoint to{(*found)[i], call_.url.port};
            const Duration time = std::min(left(), kConnectTimeout);
            auto connected = co_await connect(executor_, to, std::nullopt, time);
            if (connected) {
                stream_ = std::move(*connected);
                stream_->expires_after(left());
                co_return Status{};
            }
            last = fail(connected.error());
        }
        co_return last;
    }

    Task<Result<HttpAnswer>> receive() {
        for (int interim = 0; interim <= kInterimMax; ++interim) {
            Parser parser;
            parser.eager(true);
            parser.header_limit(kHeadMax);
            parser.body_limit(call_.body_max);
            parser.skip(call_.method == "HEAD");
            Status whole = co_await fill(parser);
            if (!whole) {
                co_return fail(whole.error());
            }
            // RFC 9110 §15.2: interim answers may come before the final one.
            if (parser.get().result_int() >= 200) {
                co_return answer_of(parser.get());
            }
        }
        co_return fail(Errc::Unavailable, "it says only 1xx");
    }

    Task<Status> fill(Parser& parser) {
        while (true) {
            boost::system::error_code problem;
            const std::size_t used = input_.empty() ? 0 : parser.put(asio::buffer(input_), problem);
            input_.erase(0, used);
            if (problem == http::error::body_limit) {
                co_return fail(
                    Errc::Full, fmt::format("its answer is larger than {} bytes", call_.body_max)
                );
            }
            if ((problem && problem != http::error::need_more) ||
                (!parser.is_header_done() && input_.size() > kHeadMax)) {
                co_return fail(Errc::Unavailable, "its answer is not HTTP");
            }
            if (parser.is_done()) {
                co_return Status{};
            }
            if (used > 0 && !problem && !input_.empty()) {
                continue;
            }
            const auto got = co_await stream_->read_some(chunk_);
            if (got) {
                input_.append(chunk_.data(), *got);
                continue;
            }
            if (got.error().code != Errc::Closed) {
                co_return fail(got.error());
            }
            if (!parser.got_some()) {
                co_return fail(Errc::Unavailable, "it closed the connection without an answer");
            }
            // A body without a length ends with the connection (RFC 9112 §6.3).
            parser.put_eof(problem);
            if (problem || !parser.is_done()) {
                co_return fail(Errc::Unavailable, "its answer broke off");
            }
            co_return Status{};
        }
    }

    Resolver& resolver_;
    Executor executor_;
    HttpCall call_;
    Clock::time_point deadline_;
    std::unique_ptr<Stream> stream_;
    std::string input_;  // come and not parsed yet
    std::array<char, 8192> chunk_{};
};

}  // namespace

Result<HttpUrl> HttpUrl::parse(std::string_view text) {
    HttpUrl url;
    std::string_view rest = text;
    const std::size_t scheme = rest.find("://");
    url.tls = iequals(rest.substr(0, scheme), "https");
    if (scheme == std::string_view::npos ||
        (!url.tls && !iequals(rest.substr(0, scheme), "http"))) {
        return fail(Errc::Invalid, "a URL begins with https:// or http://");
    }
    url.port = url.tls ? 443 : 80;
    rest.remove_prefix(scheme + 3);
    if (!printable_ascii(rest) || rest.contains('#')) {
        return fail(Errc::Invalid, "a URL is printable ASCII without '#'");
    }
    const std::size_t path = std::min(rest.find_first_of("/?"), rest.size());
    std::string_view authority = rest.substr(0, path);
    url.target = rest.substr(path);
    if (!url.target.starts_with('/')) {
        url.target.insert(0, 1, '/');
    }
    auto host = take_host(authority);
    if (!host) {
        return fail(Errc::Invalid, "the URL's host: " + host.error().message);
    }
    url.host = std::move(*host);
    if (authority.empty()) {
        return url;
    }
    const char* end = authority.data() + authority.size();
    const auto read = std::from_chars(authority.data() + 1, end, url.port);
    if (authority[0] != ':' || read.ec != std::errc{} || read.ptr != end || url.port == 0) {
        return fail(Errc::Invalid, "the URL's port is not a number from 1 to 65535");
    }
    return url;
}

std::string HttpUrl::authority() const {
    std::string out = host.contains(':') ? "[" + host + "]" : host;
    if (port != (tls ? 443 : 80)) {
        out += fmt::format(":{}", port);
    }
    return out;
}

std::string HttpUrl::text() const {
    return (tls ? "https://" : "http://") + authority() + target;
}

Task<Result<HttpAnswer>> http_call(Resolver& resolver, Executor executor, HttpCall call) {
    const auto running = std::make_unique<Call>(resolver, std::move(executor), std::move(call));
    Result<HttpAnswer> answer = co_await running->run();
    co_return answer;
}

}  // namespace sekisho::net
