// The HTTP server with curl, and byte by byte where curl is too polite.
#include "net/http.h"

#include "base/result.h"
#include "base/time.h"
#include "net/server.h"
#include "net/stream.h"
#include "net/task.h"
#include "net/test_support.h"
#include "net/tls.h"

#include <boost/asio/this_coro.hpp>

#include <array>
#include <cstddef>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace sekisho::net {
namespace {

using test::loopback;
using test::Ran;
using test::run;

HttpResponse handle(const HttpRequest& request) {
    HttpResponse response;
    response.content_type = "text/plain; charset=utf-8";
    if (request.path == "/throw") {
        throw std::runtime_error("a bug");
    }
    if (request.path == "/none") {
        response.status = 204;
        return response;
    }
    if (request.path == "/big") {
        response.body.assign(5'000'000, 'b');
        return response;
    }
    if (request.path == "/split") {
        response.headers = {
            {"X-Good", "yes"}, {"X-Bad", "a\r\nSet-Cookie: stolen=1"}, {"X Bad", "name"}
        };
        return response;
    }
    response.body = request.method + " " + request.path;
    for (const auto& [key, value] : request.query) {
        response.body += " " + key + "=" + value;
    }
    response.body += request.tls ? " tls" : " plain";
    response.body += " " + request.peer.text() + " body " + std::to_string(request.body.size());
    return response;
}

class HttpTest : public test::NetTest {
  protected:
    void serve(HttpOptions options = {}) {
        auto made = serve_http(*loops, *workers, loopback(), std::move(options), handle);
        ASSERT_TRUE(made) << made.error().message;
        listener = std::move(*made);
    }
    [[nodiscard]] std::string url(const std::string& path) const {
        return "http://" + listener->local().text() + path;
    }
    static Ran curl(const std::string& rest) { return run("curl -sS -m 20 --noproxy '*' " + rest); }
    // Everything that comes back for these bytes until the server ends the connection.
    std::string raw(const std::string& bytes) { return wait(exchange(listener->local(), bytes)); }
    static Task<std::string> exchange(Endpoint to, std::string bytes) {
        const auto executor = co_await boost::asio::this_coro::executor;
        auto stream = co_await connect(executor, to, std::nullopt, Duration{20'000});
        if (!stream) {
            co_return stream.error().message;
        }
        (*stream)->expires_after(Duration{20'000});
        const Status written = co_await (*stream)->write_all(bytes);
        std::string all;
        std::array<char, 4096> chunk{};
        while (written) {
            const auto got = co_await (*stream)->read_some(chunk);
            if (!got) {
                all += std::string("[") + name(got.error().code) + "]";
                break;
            }
            all.append(chunk.data(), *got);
        }
        co_return all;
    }
    std::string status_of(const std::string& bytes) {
        const std::string back = raw(bytes);
        return back.substr(0, back.find("\r\n"));
    }
    std::unique_ptr<Listener> listener;
};

TEST_F(HttpTest, Gets) {
    serve();
    EXPECT_EQ(
        curl("'" + url("/a%20b/./c?x=1&y=%26") + "'").output,
        "GET /a b/c x=1 y=& plain 127.0.0.1 body 0"
    );
}

TEST_F(HttpTest, HeadHasTheLengthAndNoBody) {
    serve();
    const std::string head = raw("HEAD /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    EXPECT_NE(head.find("Content-Length: 29\r\n"), std::string::npos) << head;
    EXPECT_TRUE(head.ends_with("\r\n\r\n[closed]")) << head;
}

TEST_F(HttpTest, PostsWithLengthChunkedAndExpect) {
    serve();
    test::Folder folder;
    folder.write("body", std::string(60'000, 'p'));
    const std::string data = " --data-binary @" + (folder / "body") + " " + url("/p");
    EXPECT_EQ(curl(data).output, "POST /p plain 127.0.0.1 body 60000");
    EXPECT_EQ(
        curl("-H 'Transfer-Encoding: chunked'" + data).output, "POST /p plain 127.0.0.1 body 60000"
    );
    const Ran expecting = curl("-v -H 'Expect: 100-continue' --expect100-timeout 15" + data);
    EXPECT_NE(expecting.output.find("< HTTP/1.1 100 Continue"), std::string::npos);
    EXPECT_NE(expecting.output.find("body 60000"), std::string::npos);
}

TEST_F(HttpTest, KeepsTheConnection) {
    serve();
    const Ran ran = curl("-v " + url("/1") + " " + url("/2"));
    EXPECT_NE(ran.output.find("Re-using existing connection"), std::string::npos) << ran.output;
    // Pipelined, the last ends it.
    const std::string back = raw(
        "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nPOST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: "
        "3\r\n\r\nabc"
        "GET /3 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\nGET /4 HTTP/1.1\r\nHost: h\r\n\r\n"
    );
    EXPECT_NE(back.find("GET /1 plain"), std::string::npos) << back;
    EXPECT_NE(back.find("POST /2 plain 127.0.0.1 body 3"), std::string::npos) << back;
    EXPECT_NE(back.find("GET /3 plain"), std::string::npos) << back;
    EXPECT_EQ(back.find("GET /4"), std::string::npos) << back;
    EXPECT_TRUE(back.ends_with("[closed]"));
}

TEST_F(HttpTest, Http10EndsByItself) {
    serve();
    const std::string back = raw("GET /old HTTP/1.0\r\n\r\n");
    EXPECT_NE(back.find("GET /old plain"), std::string::npos) << back;
    EXPECT_TRUE(back.ends_with("[closed]"));
}

TEST_F(HttpTest, BadRequestsAreAnswered400) {
    serve();
    for (const std::string bytes :
         {"nonsense\r\n\r\n",
          "GET /\r\n\r\n",
          "GET / HTTP/9.9\r\nHost: h\r\n\r\n",
          "GET / HTTP/1.1\r\n\r\n",
          "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
          "GET /../etc/passwd HTTP/1.1\r\nHost: h\r\n\r\n",
          "GET /%2e%2e/x HTTP/1.1\r\nHost: h\r\n\r\n",
          "GET /%00 HTTP/1.1\r\nHost: h\r\n\r\n",
          "GET / HTTP/1.1\r\nHost: h\r\nBad Name: x\r\n\r\n",
          "GET / HTTP/1.1\r\nHost: h\r\nX: a\001b\r\n\r\n",
          "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n",
          "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
          "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: "
          "chunked\r\n\r\n0\r\n\r\n",
          "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
          "\x16\x03\x01\x02\r\n\r\n"}) {
        EXPECT_EQ(status_of(bytes), "HTTP/1.1 400 Bad Request") << bytes;
    }
    EXPECT_EQ(curl(url("/fine")).output, "GET /fine plain 127.0.0.1 body 0");
}

TEST_F(HttpTest, LimitsOnHeadAndBody) {
    HttpOptions options;
    options.body_max = 1000;
    options.header_max = 4000;
    serve(std::move(options));
    const std::string post = "POST / HTTP/1.1\r\nHost: h\r\n";
    EXPECT_EQ(
        status_of(post + "Content-Length: 1001\r\n\r\n" + std::string(1001, 'x')),
        "HTTP/1.1 413 Payload Too Large"
    );
    EXPECT_EQ(
        status_of(
            post + "Transfer-Encoding: chunked\r\n\r\n5dc\r\n" + std::string(1500, 'x') + "\r\n"
        ),
        "HTTP/1.1 413 Payload Too Large"
    );
    const std::string large = "HTTP/1.1 431 Request Header Fields Too Large";
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\nX: " + std::string(100'000, 'x')), large);
    EXPECT_EQ(status_of("GET /" + std::string(100'000, 'x')), large);
    std::string many = "GET / HTTP/1.1\r\nHost: h\r\n";
    for (int i = 0; i < 1000; ++i) {
        many += "X-" + std::to_string(i) + ": y\r\n";
    }
    EXPECT_EQ(status_of(many + "\r\n"), large);
}

TEST_F(HttpTest, SlowRequestsAreEnded) {
    HttpOptions options;
    options.idle_timeout = Duration{60};
    serve(std::move(options));
    EXPECT_EQ(raw(""), "[closed]");
    EXPECT_EQ(status_of("GET / HTT"), "HTTP/1.1 408 Request Timeout");
    EXPECT_EQ(
        status_of("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc"),
        "HTTP/1.1 408 Request Timeout"
    );
}

TEST_F(HttpTest, HandlersThatThrowAndOddAnswers) {
    serve();
    EXPECT_EQ(curl("-w '%{http_code}' " + url("/throw")).output, "500 Internal Server Error\n500");
    EXPECT_EQ(curl("-w '%{http_code} %{size_download}' " + url("/none")).output, "204 0");
    EXPECT_EQ(curl("-o /dev/null -w '%{size_download}' " + url("/big")).output, "5000000");
    const Ran split = curl("-D - " + url("/split"));
    EXPECT_NE(split.output.find("X-Good: yes"), std::string::npos);
    EXPECT_EQ(split.output.find("stolen"), std::string::npos);
    EXPECT_EQ(split.output.find("X Bad"), std::string::npos);
    EXPECT_NE(split.output.find(" GMT\r\n"), std::string::npos);
}

TEST_F(HttpTest, TooManyConnectionsAreRefused) {
    HttpOptions options;
    options.connections_max = 1;
    serve(std::move(options));
    auto first =
        wait(connect(loops->executor(0), listener->local(), std::nullopt, Duration{20'000}));
    ASSERT_TRUE(first);
    EXPECT_TRUE(test::eventually([&] {
        return status_of("GET / HTTP/1.0\r\n\r\n") == "HTTP/1.1 503 Service Unavailable";
    }));
    first->reset();
    EXPECT_TRUE(test::eventually([&] {
        return status_of("GET / HTTP/1.0\r\n\r\n") == "HTTP/1.1 200 OK";
    }));
}

TEST_F(HttpTest, SpeaksTls) {
    test::Folder folder;
    ASSERT_TRUE(make_self_signed(folder / "crt", folder / "key", {"localhost"}, 10));
    auto context = TlsContext::server(folder / "crt", folder / "key");
    ASSERT_TRUE(context);
    HttpOptions options;
    options.tls = std::make_shared<TlsHolder>(*context);
    serve(std::move(options));
    const std::string port = std::to_string(listener->local().port);
    const std::string target = " --cacert " + (folder / "crt") + " --resolve localhost:" + port +
                               ":127.0.0.1 https://localhost:" + port + "/s";
    EXPECT_EQ(curl(target).output, "GET /s tls 127.0.0.1 body 0");
    EXPECT_EQ(curl("--tls-max 1.2" + target).output, "GET /s tls 127.0.0.1 body 0");
    EXPECT_NE(curl(url("/plain")).status, 0);
}

}  // namespace
}  // namespace sekisho::net
