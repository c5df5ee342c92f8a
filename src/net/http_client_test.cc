// The HTTP client against our own server, and against servers that break the rules.
#include "net/http_client.h"

#include "base/result.h"
#include "base/time.h"
#include "net/http.h"
#include "net/resolver.h"
#include "net/server.h"
#include "net/stream.h"
#include "net/task.h"
#include "net/test_support.h"
#include "net/tls.h"

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <utility>

namespace sekisho::net {
namespace {

using test::loopback;

std::string parsed(const std::string& text) {
    const auto url = HttpUrl::parse(text);
    return url ? fmt::format(
                     "{} {} {} {} {}",
                     url->tls ? "tls" : "plain",
                     url->host,
                     url->port,
                     url->target,
                     url->authority()
                 )
               : "refused";
}

TEST(HttpUrl, IsReadStrictly) {
    EXPECT_EQ(parsed("https://Login.example"), "tls login.example 443 / login.example");
    EXPECT_EQ(parsed("HTTP://h:8080/a?b=c"), "plain h 8080 /a?b=c h:8080");
    EXPECT_EQ(parsed("https://h?b"), "tls h 443 /?b h");
    EXPECT_EQ(parsed("https://[2001:DB8::1]:443/x"), "tls 2001:db8::1 443 /x [2001:db8::1]");
    for (const char* text :
         {"",
          "h",
          "ftp://h/",
          "https://",
          "https:///path",
          "https://u@h/",
          "https://u:p@h/",
          "https://h:0/",
          "https://h:65536/",
          "https://h:/",
          "https://h:8x/",
          "https://[::1/",
          "https://[1.2.3.4]/",
          "https://[::1]x/",
          "https://h/#part",
          "https://h/a b",
          "https://h/\r\nX: y",
          "https://h/\xC3\xA9",
          "https://-h/"}) {
        EXPECT_EQ(parsed(text), "refused") << text;
    }
}

class HttpClientTest : public test::NetTest {
  protected:
    HttpClientTest() {
        folder.write("hosts", "127.0.0.1 keys.example wrong.example\n");
        ResolverOptions options;
        options.hosts_file = folder / "hosts";
        options.forward_to = {"127.0.0.1@9"};
        options.timeout = Duration{2'000};
        resolver = std::move(Resolver::make(loops->executor(0), options).value());
    }
    ~HttpClientTest() override {
        listener.reset();
        loops->stop();
        resolver.reset();
    }

    void serve(std::shared_ptr<TlsHolder> tls = nullptr) {
        HttpOptions options;
        options.tls = std::move(tls);
        HttpHandler handler = [](const HttpRequest& request) {
            HttpResponse response;
            response.content_type = "text/plain";
            if (request.path == "/moved") {
                response.status = 302;
                response.headers = {{"Location", "/"}};
            } else if (request.path == "/big") {
                response.body.assign(100'000, 'b');
            } else {
                const auto type = request.headers.find("content-type");
                response.body = request.method + " " + request.path + " " +
                                request.headers.at("host") + " [" + request.body + "]" +
                                (type == request.headers.end() ? "" : " " + type->second);
            }
            return response;
        };
        auto made =
            serve_http(*loops, *workers, loopback(), std::move(options), std::move(handler));
        ASSERT_TRUE(made) << made.error().message;
        listener = std::move(*made);
    }
    // A server that says these bytes to any request, and then ends the connection, or stays.
    void serve_raw(std::string bytes, bool stays = false) {
        auto made = listen(
            *loops,
            loopback(),
            "raw",
            [bytes = std::move(bytes), stays](std::unique_ptr<Stream> stream) {
                return say(std::move(stream), bytes, stays);
            }
        );
        ASSERT_TRUE(made) << made.error().message;
        listener = std::move(*made);
    }
    static Task<void> say(std::unique_ptr<Stream> stream, std::string bytes, bool stays) {
        std::array<char, 4096> buffer{};
        stream->expires_after(Duration{20'000});
        std::string request;
        while (!request.contains("\r\n\r\n")) {
            const auto got = co_await stream->read_some(buffer);
            if (!got) {
                co_return;
            }
            request.append(buffer.data(), *got);
        }
        const Status written = co_await stream->write_all(bytes);
        if (stays && written) {
            const auto end = co_await stream->read_some(buffer);
            static_cast<void>(end);
        }
        co_await stream->shutdown();
    }
    [[nodiscard]] HttpCall call_of(
        const std::string& scheme, const std::string& host, const std::string& path
    ) const {
        HttpCall call;
        call.url =
            HttpUrl::parse(fmt::format("{}://{}:{}{}", scheme, host, listener->local().port, path))
                .value();
        return call;
    }
    Result<HttpAnswer> get(const std::string& path, const std::string& host = "127.0.0.1") {
        return make(call_of("http", host, path));
    }
    Result<HttpAnswer> make(HttpCall call) {
        return wait(http_call(*resolver, loops->executor(0), std::move(call)));
    }
    [[nodiscard]] std::string port() const { return std::to_string(listener->local().port); }

    test::Folder folder;
    std::unique_ptr<Resolver> resolver;
    std::unique_ptr<Listener> listener;
};

TEST_F(HttpClientTest, GetsAndPosts) {
    serve();
    const auto got = get("/a?b=c", "keys.example");
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(got->status, 200);
    EXPECT_EQ(got->body, "GET /a keys.example:" + port() + " []");
    EXPECT_EQ(got->headers.at("content-type"), "text/plain");
    EXPECT_FALSE(got->tls);

    HttpCall post = call_of("http", "127.0.0.1", "/form");
    post.method = "POST";
    post.content_type = "application/x-www-form-urlencoded";
    post.body = "token=abc";
    post.headers = {{"Accept", "application/json"}};
    const auto posted = make(std::move(post));
    ASSERT_TRUE(posted) << posted.error().message;
    EXPECT_EQ(
        posted->body,
        "POST /form 127.0.0.1:" + port() + " [token=abc] application/x-www-form-urlencoded"
    );

    HttpCall head = call_of("http", "127.0.0.1", "/a");
    head.method = "HEAD";
    const auto headed = make(std::move(head));
    ASSERT_TRUE(headed) << headed.error().message;
    EXPECT_EQ(headed->body, "");
}

TEST_F(HttpClientTest, RedirectsAreAnswers) {
    serve();
    const auto moved = get("/moved");
    ASSERT_TRUE(moved) << moved.error().message;
    EXPECT_EQ(moved->status, 302);
    EXPECT_EQ(moved->headers.at("location"), "/");
}

TEST_F(HttpClientTest, LargeBodiesAreRefused) {
    serve();
    const auto big = get("/big");
    ASSERT_FALSE(big);
    EXPECT_EQ(big.error().code, Errc::Full) << big.error().message;
    HttpCall more = call_of("http", "127.0.0.1", "/big");
    more.body_max = 100'000;
    EXPECT_EQ(make(std::move(more)).value_or(HttpAnswer{}).body.size(), 100'000U);
}

TEST_F(HttpClientTest, ChunkedAndEndlessBodies) {
    serve_raw(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
        true
    );
    EXPECT_EQ(get("/").value_or(HttpAnswer{}).body, "abcde");
    serve_raw("HTTP/1.0 200 OK\r\n\r\nto the end");
    EXPECT_EQ(get("/").value_or(HttpAnswer{}).body, "to the end");
    serve_raw(
        "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno",
        true
    );
    const auto late = get("/").value_or(HttpAnswer{});
    EXPECT_EQ(late.status, 404);
    EXPECT_EQ(late.body, "no");
    serve_raw("HTTP/1.1 204 No Content\r\n\r\n", true);
    EXPECT_EQ(get("/").value_or(HttpAnswer{}).status, 204);
}

TEST_F(HttpClientTest, BrokenAnswersAreErrors) {
    const auto code_of = [this](std::string bytes) {
        serve_raw(std::move(bytes));
        const auto answer = get("/");
        EXPECT_FALSE(answer);
        EXPECT_TRUE(answer || answer.error().message.starts_with("127.0.0.1:"));
        return answer ? Errc::Invalid : answer.error().code;
    };
    EXPECT_EQ(code_of(""), Errc::Unavailable);
    EXPECT_EQ(code_of("220 mail.example.net ESMTP\r\n"), Errc::Unavailable);
    EXPECT_EQ(code_of("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"), Errc::Unavailable);
    EXPECT_EQ(code_of("HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x')), Errc::Unavailable);
    EXPECT_EQ(code_of("HTTP/1.1 200 OK\r\n\r\n" + std::string(70'000, 'x')), Errc::Full);
    std::string interim;
    for (int i = 0; i < 20; ++i) {
        interim += "HTTP/1.1 100 Continue\r\n\r\n";
    }
    EXPECT_EQ(code_of(interim), Errc::Unavailable);
}

TEST_F(HttpClientTest, SilenceIsATimeout) {
    serve_raw("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", true);
    HttpCall call = call_of("http", "127.0.0.1", "/");
    call.timeout = Duration{200};
    const auto answer = make(std::move(call));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Errc::Timeout) << answer.error().message;
}

TEST_F(HttpClientTest, NobodyThere) {
    serve_raw("");
    HttpCall call = call_of("http", "127.0.0.1", "/");
    call.url.port = test::free_port();
    EXPECT_EQ(make(std::move(call)).error().code, Errc::Unavailable);
}

TEST_F(HttpClientTest, RequestsThatCantBeMade) {
    serve();
    HttpCall split = call_of("http", "127.0.0.1", "/");
    split.headers = {{"Authorization", "x\r\nHost: other"}};
    EXPECT_EQ(make(std::move(split)).error().code, Errc::Invalid);
    HttpCall name = call_of("http", "127.0.0.1", "/");
    name.headers = {{"A b", "x"}};
    EXPECT_EQ(make(std::move(name)).error().code, Errc::Invalid);
    EXPECT_EQ(make(call_of("https", "127.0.0.1", "/")).error().code, Errc::Invalid);
}

TEST_F(HttpClientTest, CertificatesMustBeForTheName) {
    ASSERT_TRUE(make_self_signed(folder / "crt", folder / "key", {"keys.example", "127.0.0.1"}, 10)
    );
    auto server = TlsContext::server(folder / "crt", folder / "key");
    ASSERT_TRUE(server);
    serve(std::make_shared<TlsHolder>(*server));
    const auto ours = TlsContext::client_verified(folder / "crt");
    ASSERT_TRUE(ours) << ours.error().message;
    const auto with = [this](const std::string& host, std::shared_ptr<const TlsContext> tls) {
        HttpCall call = call_of("https", host, "/s");
        call.tls = std::move(tls);
        return make(std::move(call));
    };
    for (const char* host : {"keys.example", "127.0.0.1"}) {
        const auto good = with(host, *ours);
        ASSERT_TRUE(good) << good.error().message;
        EXPECT_EQ(good->status, 200);
        EXPECT_TRUE(good->tls && good->tls->peer_verified);
    }
    const auto wrong = with("wrong.example", *ours);
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().code, Errc::Unavailable);
    EXPECT_TRUE(wrong.error().message.contains("ostname mismatch")) << wrong.error().message;
    const auto strange = with("keys.example", TlsContext::client_verified().value());
    ASSERT_FALSE(strange);
    EXPECT_TRUE(strange.error().message.contains("self-signed")) << strange.error().message;
    EXPECT_EQ(TlsContext::client_verified(folder / "none").error().code, Errc::NotFound);
}

}  // namespace
}  // namespace sekisho::net
