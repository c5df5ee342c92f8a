// TLS between our own ends, and with OpenSSL's programs and curl.
#include "net/tls.h"

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "net/server.h"
#include "net/stream.h"
#include "net/task.h"
#include "net/test_support.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <future>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <utility>

namespace sekisho::net {
namespace {

using test::loopback;
using test::Ran;
using test::run;
constexpr Duration kLong{20'000};

class TlsTest : public test::NetTest {
  protected:
    TlsTest() {
        auto made = make("server", "mail.example.net");
        EXPECT_TRUE(made) << made.error().message;
        server = std::make_shared<TlsHolder>(*made);
        client = *TlsContext::client_opportunistic();
    }
    Result<std::shared_ptr<const TlsContext>> make(
        const std::string& file, const std::string& name
    ) {
        const Status wrote =
            make_self_signed(folder / (file + ".crt"), folder / (file + ".key"), {name}, 30);
        EXPECT_TRUE(wrote) << wrote.error().message;
        return TlsContext::server(folder / (file + ".crt"), folder / (file + ".key"));
    }
    std::unique_ptr<Stream> connected() {
        auto stream = wait(connect(loops->executor(0), listener->local(), std::nullopt, kLong));
        EXPECT_TRUE(stream) << stream.error().message;
        return std::move(*stream);
    }
    void serve(Task<void> (*conversation)(std::unique_ptr<Stream>, std::shared_ptr<TlsHolder>)) {
        auto made = listen(
            *loops,
            loopback(),
            "test",
            [conversation, holder = server](std::unique_ptr<Stream> stream) {
                return conversation(std::move(stream), holder);
            }
        );
        ASSERT_TRUE(made) << made.error().message;
        listener = std::move(*made);
    }
    [[nodiscard]] std::string at() const { return listener->local().text(); }

    test::Folder folder;
    std::shared_ptr<TlsHolder> server;
    std::shared_ptr<const TlsContext> client;
    std::unique_ptr<Listener> listener;
};

Task<std::string> read_until(Stream& stream, std::string end) {
    std::string all;
    std::array<char, 4096> chunk{};
    while (!all.ends_with(end)) {
        const auto got = co_await stream.read_some(chunk);
        if (!got) {
            co_return all + "[" + name(got.error().code) + "]";
        }
        all.append(chunk.data(), *got);
    }
    co_return all;
}

// Implicit TLS; gives every line back with what TLS says of itself, until the peer ends.
Task<void> tls_echo(std::unique_ptr<Stream> stream, std::shared_ptr<TlsHolder> holder) {
    stream->expires_after(kLong);
    const Status secured = co_await stream->start_tls_server(holder->get());
    if (!secured) {
        co_return;
    }
    const TlsInfo info = stream->tls().value_or(TlsInfo{});
    while (true) {
        const std::string line = co_await read_until(*stream, "\n");
        if (!line.ends_with('\n')) {
            break;
        }
        const std::string back = info.version + " " + info.server_name + " " + line;
        const Status written = co_await stream->write_all(back);
        if (!written) {
            break;
        }
    }
    co_await stream->shutdown();
}

// SMTP's way: plain lines, then the handshake on the same connection.
Task<void> starttls(std::unique_ptr<Stream> stream, std::shared_ptr<TlsHolder> holder) {
    stream->expires_after(kLong);
    co_await stream->write_all("220 mail.example.net ESMTP\r\n");
    co_await read_until(*stream, "\r\n");
    co_await stream->write_all("250-mail.example.net\r\n250 STARTTLS\r\n");
    const std::string command = co_await read_until(*stream, "\r\n");
    EXPECT_EQ(command, "STARTTLS\r\n");
    co_await stream->write_all("220 2.0.0 go on\r\n");
    const Status secured = co_await stream->start_tls_server(holder->get());
    EXPECT_TRUE(secured) << secured.error().message;
    co_await read_until(*stream, "\n");
    co_await stream->write_all("250 secured\r\n");
    co_await stream->linger(kLong);
}

Task<std::string> talk(
    Stream& stream, std::shared_ptr<const TlsContext> context, std::string name
) {
    stream.expires_after(kLong);
    const Status secured = co_await stream.start_tls_client(std::move(context), std::move(name));
    if (!secured) {
        co_return "handshake: " + secured.error().message;
    }
    co_await stream.write_all("hello\n");
    std::string back = co_await read_until(stream, "\n");
    co_await stream.shutdown();
    std::string rest = co_await read_until(stream, "never");
    co_return back + rest;
}

TEST_F(TlsTest, BetweenOurOwnEnds) {
    serve(tls_echo);
    auto stream = connected();
    EXPECT_EQ(
        wait(talk(*stream, client, "mail.example.net.")), "TLSv1.3 mail.example.net hello\n[closed]"
    );
    const auto info = stream->tls();
    ASSERT_TRUE(info);
    EXPECT_EQ(info->version, "TLSv1.3");
    EXPECT_NE(info->cipher, "");
    // Self-signed: the handshake goes on (RFC 7435), but nothing was verified.
    EXPECT_FALSE(info->peer_verified);
    EXPECT_EQ(certificate_fault(info->fault), CertificateFault::Untrusted) << info->fault;
}

TEST(CertificateFaults, AreReadFromTheWordsOfAHandshake) {
    EXPECT_EQ(certificate_fault("certificate has expired"), CertificateFault::Expired);
    EXPECT_EQ(
        certificate_fault("TLS with a.example: certificate verify failed (hostname mismatch)"),
        CertificateFault::OtherName
    );
    EXPECT_EQ(certificate_fault("x (self-signed certificate)"), CertificateFault::Untrusted);
    EXPECT_EQ(
        certificate_fault("x (no matching DANE TLSA records)"), CertificateFault::NoTlsaMatch
    );
    EXPECT_EQ(certificate_fault("no shared cipher"), CertificateFault::None);
    EXPECT_EQ(certificate_fault(""), CertificateFault::None);
}

Task<std::string> starttls_client(Stream& stream, std::shared_ptr<const TlsContext> context) {
    stream.expires_after(kLong);
    co_await read_until(stream, "\r\n");
    co_await stream.write_all("EHLO me\r\n");
    co_await read_until(stream, "STARTTLS\r\n");
    co_await stream.write_all("STARTTLS\r\n");
    co_await read_until(stream, "\r\n");
    std::string back = co_await talk(stream, std::move(context), "");
    co_return back;
}

TEST_F(TlsTest, StartsInTheMiddleOfAConnection) {
    serve(starttls);
    auto stream = connected();
    EXPECT_EQ(wait(starttls_client(*stream, client)), "250 secured\r\n[closed]");
    const Ran ran = run(
        "(printf 'x\\n'; sleep 0.5) | timeout 20 openssl s_client -starttls smtp -quiet -connect " +
        at()
    );
    EXPECT_NE(ran.output.find("250 secured"), std::string::npos) << ran.output;
}

TEST_F(TlsTest, OpensslClientSpeaksTls12And13AndNothingOlder) {
    serve(tls_echo);
    const auto client_of = [&](const std::string& options) {
        return run(
            "(printf 'hi\\n'; sleep 0.5) | timeout 20 openssl s_client -servername a.example " +
            options + " -connect " + at()
        );
    };
    const Ran three = client_of("-tls1_3");
    EXPECT_NE(three.output.find("TLSv1.3 a.example hi"), std::string::npos) << three.output;
    const Ran two = client_of("-tls1_2");
    EXPECT_NE(two.output.find("TLSv1.2 a.example hi"), std::string::npos) << two.output;
    EXPECT_NE(two.output.find("Secure Renegotiation IS supported"), std::string::npos);
    const Ran one = client_of("-tls1_1 -cipher DEFAULT@SECLEVEL=0");
    EXPECT_EQ(one.output.find("a.example hi"), std::string::npos) << one.output;
    EXPECT_NE(one.output.find("alert"), std::string::npos) << one.output;
}

TEST_F(TlsTest, ResumesByTicket) {
    serve(tls_echo);
    const std::string session = folder / "session";
    for (const char* version : {"-tls1_2", "-tls1_3"}) {
        const Ran first =
            run("(printf 'hi\\n'; sleep 0.5) | timeout 20 openssl s_client " +
                std::string(version) + " -sess_out " + session + " -connect " + at());
        const Ran second =
            run("(printf 'hi\\n'; sleep 0.5) | timeout 20 openssl s_client " +
                std::string(version) + " -sess_in " + session + " -connect " + at());
        EXPECT_NE(second.output.find("Reused, TLS"), std::string::npos)
            << first.output << second.output;
    }
}

TEST_F(TlsTest, TalksToOpensslServerOfTls12) {
    const std::uint16_t port = test::free_port();
    const test::Process peer(
        {"openssl",
         "s_server",
         "-quiet",
         "-rev",
         "-tls1_2",
         "-port",
         std::to_string(port),
         "-cert",
         folder / "server.crt",
         "-key",
         folder / "server.key"},
        folder / "log"
    );
    ASSERT_TRUE(test::eventually([&] { return test::answers(port); })) << folder.read("log");
    auto stream = wait(connect(loops->executor(0), loopback(port), std::nullopt, kLong));
    ASSERT_TRUE(stream);
    const std::string back = wait(talk(**stream, client, "mail.example.net"));
    EXPECT_TRUE(back.starts_with("olleh\n")) << back;
    EXPECT_EQ((*stream)->tls()->version, "TLSv1.2");
}

TEST_F(TlsTest, AReloadReachesNewConnectionsAndLeavesOldOnes) {
    serve(tls_echo);
    auto old = connected();
    old->expires_after(kLong);
    const auto secure = [](Stream& stream, std::shared_ptr<const TlsContext> with) -> Task<Status> {
        const Status done = co_await stream.start_tls_client(std::move(with), "mail.example.net");
        co_return done;
    };
    ASSERT_TRUE(wait(secure(*old, client)));
    auto next = make("next", "next.example.net");
    ASSERT_TRUE(next) << next.error().message;
    server->set(*next);
    const Ran shown =
        run("timeout 20 openssl s_client -connect " + at() +
            " </dev/null | openssl x509 -noout -subject -ext subjectAltName");
    EXPECT_NE(shown.output.find("next.example.net"), std::string::npos) << shown.output;
    const auto line = [](Stream& stream) -> Task<std::string> {
        co_await stream.write_all("still\n");
        std::string back = co_await read_until(stream, "\n");
        co_return back;
    };
    EXPECT_EQ(wait(line(*old)), "TLSv1.3 mail.example.net still\n");
}

Task<Status> handshake(
    Stream& stream, std::shared_ptr<const TlsContext> context, Duration timeout
) {
    stream.expires_after(timeout);
    const Status done = co_await stream.start_tls_client(std::move(context), "x.example");
    co_return done;
}

TEST_F(TlsTest, APeerWithoutTlsIsAnError) {
    auto made =
        listen(*loops, loopback(), "plain", [](std::unique_ptr<Stream> stream) -> Task<void> {
            co_await stream->write_all("220 not TLS\r\n");
            co_await stream->linger(kLong);
        });
    ASSERT_TRUE(made);
    listener = std::move(*made);
    auto stream = connected();
    const Status secured = wait(handshake(*stream, client, kLong));
    ASSERT_FALSE(secured);
    EXPECT_EQ(secured.error().code, Errc::Unavailable);
    EXPECT_NE(secured.error().message.find("wrong version number"), std::string::npos)
        << secured.error().message;
    EXPECT_FALSE(stream->tls());
    // The connection is of no use any more, and says so.
    const auto write = [](Stream& broken) -> Task<Status> {
        const Status done = co_await broken.write_all("x");
        co_return done;
    };
    const Status after = wait(write(*stream));
    ASSERT_FALSE(after);
    EXPECT_EQ(after.error().code, Errc::Closed);
}

TEST_F(TlsTest, AHandshakeThatHangsEndsAtTheDeadline) {
    auto made =
        listen(*loops, loopback(), "mute", [](std::unique_ptr<Stream> stream) -> Task<void> {
            co_await stream->linger(kLong);
        });
    ASSERT_TRUE(made);
    listener = std::move(*made);
    auto stream = connected();
    const Status secured = wait(handshake(*stream, client, Duration{30}));
    ASSERT_FALSE(secured);
    EXPECT_TRUE(secured.error().code == Errc::Timeout || secured.error().code == Errc::Unavailable);
}

Task<std::size_t> read_size(Stream& stream, std::shared_ptr<const TlsContext> context) {
    stream.expires_after(kLong);
    const Status secured = co_await stream.start_tls_client(std::move(context), "");
    EXPECT_TRUE(secured);
    std::size_t total = 0;
    std::array<char, 65536> chunk{};
    while (true) {
        const auto got = co_await stream.read_some(chunk);
        if (!got) {
            EXPECT_EQ(got.error().code, Errc::Closed);
            co_return total;
        }
        total += *got;
    }
}

TEST_F(TlsTest, WritesMoreThanTheKernelHolds) {
    constexpr std::size_t size = 16UL * 1024 * 1024;
    serve([](std::unique_ptr<Stream> stream, std::shared_ptr<TlsHolder> holder) -> Task<void> {
        stream->expires_after(kLong);
        co_await stream->start_tls_server(holder->get());
        const std::string bytes(size, 'x');
        const Status written = co_await stream->write_all(bytes);
        EXPECT_TRUE(written);
        co_await stream->shutdown();
    });
    auto stream = connected();
    EXPECT_EQ(wait(read_size(*stream, client)), size);
}

TEST_F(TlsTest, SeesInputThatWaitsInsideTls) {
    serve([](std::unique_ptr<Stream> stream, std::shared_ptr<TlsHolder> holder) -> Task<void> {
        stream->expires_after(kLong);
        co_await stream->start_tls_server(holder->get());
        co_await stream->write_all("220 early\r\n");
        co_await stream->linger(kLong);
    });
    auto stream = connected();
    ASSERT_TRUE(wait(handshake(*stream, client, kLong)));
    // Session tickets (RFC 8446 §4.6.1) come first and aren't input.
    EXPECT_TRUE(test::eventually([&] { return stream->input_waiting(); }));
    EXPECT_EQ(wait(read_until(*stream, "\r\n")), "220 early\r\n");
    EXPECT_FALSE(stream->input_waiting());
}

TEST_F(TlsTest, SelfSignedCertificateIsWhatItShouldBe) {
    ASSERT_TRUE(make_self_signed(folder / "c", folder / "k", {"a.example", "192.0.2.1"}, 10));
    const Ran text = run("openssl x509 -noout -text -in " + (folder / "c"));
    for (const char* part :
         {"NIST CURVE: P-256",
          "ecdsa-with-SHA256",
          "DNS:a.example, IP Address:192.0.2.1",
          "CA:FALSE",
          "TLS Web Server Authentication",
          "Version: 3"}) {
        EXPECT_NE(text.output.find(part), std::string::npos) << part << "\n" << text.output;
    }
    EXPECT_EQ(
        run("openssl verify -x509_strict -CAfile " + (folder / "c") + " " + (folder / "c")).status,
        0
    );
    struct stat key{};
    ASSERT_EQ(::stat((folder / "k").c_str(), &key), 0);
    EXPECT_EQ(key.st_mode & 0777U, 0600U);
    EXPECT_FALSE(make_self_signed(folder / "c", folder / "k", {"a.example,DNS:b"}, 10));
    EXPECT_FALSE(make_self_signed(folder / "c", folder / "k", {}, 10));
}

TEST_F(TlsTest, ErrorsNameTheFileAndTheReason) {
    const auto message = [](const Result<std::shared_ptr<const TlsContext>>& result) {
        return result ? std::string("no error") : result.error().message;
    };
    folder.write("bad.pem", "no PEM at all\n");
    const std::string good_crt = folder / "server.crt";
    const std::string good_key = folder / "server.key";
    EXPECT_EQ(
        message(TlsContext::server(folder / "absent", good_key)),
        (folder / "absent") + ": No such file or directory"
    );
    EXPECT_EQ(
        message(TlsContext::server(folder / "bad.pem", good_key)),
        (folder / "bad.pem") + ": no start line"
    );
    const std::string bad_key = message(TlsContext::server(good_crt, folder / "bad.pem"));
    EXPECT_TRUE(bad_key.starts_with(folder / "bad.pem")) << bad_key;
    ASSERT_TRUE(make("other", "other.example"));
    const std::string mismatch = message(TlsContext::server(good_crt, folder / "other.key"));
    EXPECT_NE(mismatch.find("other.key"), std::string::npos) << mismatch;
    EXPECT_NE(mismatch.find("key values mismatch"), std::string::npos) << mismatch;
}

}  // namespace
}  // namespace sekisho::net
