// What a server learns of a client by its certificate and its protocols, with OpenSSL's own client.
#include "base/result.h"
#include "net/server.h"
#include "net/stream.h"
#include "net/task.h"
#include "net/test_support.h"
#include "net/tls.h"

#include <fmt/format.h>

#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::net {
namespace {

using test::run;

class ClientCertificate : public test::NetTest {
  protected:
    void SetUp() override {
        for (const char* ca : {"ca", "other"}) {
            openssl(fmt::format(
                "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "
                "/CN={0} "
                "-keyout {1}/{0}.key -out {1}/{0}.pem",
                ca,
                folder.path()
            ));
        }
        sign("taro", "ca");
        sign("forged", "other");
        ASSERT_TRUE(make_self_signed(folder / "crt", folder / "key", {"localhost"}, 2));
    }
    static void openssl(const std::string& arguments) {
        const auto done = run("openssl " + arguments);
        ASSERT_EQ(done.status, 0) << done.output;
    }
    void sign(const std::string& name, const std::string& ca) {
        folder.write("ext", "subjectAltName = email:taro@example.net,DNS:pc.example.net\n");
        openssl(fmt::format(
            "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN={0} -keyout "
            "{1}/{0}.key -out {1}/{0}.csr",
            name,
            folder.path()
        ));
        openssl(fmt::format(
            "x509 -req -in {0}/{1}.csr -CA {0}/{2}.pem -CAkey {0}/{2}.key -CAcreateserial -days 2 "
            "-extfile {0}/ext -out {0}/{1}.pem",
            folder.path(),
            name,
            ca
        ));
    }
    // Says to each client what it knows of it.
    void serve(std::vector<std::string> protocols, bool ask) {
        auto context = TlsContext::server(folder / "crt", folder / "key", folder / "ca.pem");
        ASSERT_TRUE(context) << context.error().message;
        const ServerTls how(*context, std::move(protocols), ask);
        Accepted accepted = [how](std::unique_ptr<Stream> stream) {
            return tell(std::move(stream), how);
        };
        auto made = listen(*loops, test::loopback(), "test", std::move(accepted));
        ASSERT_TRUE(made) << made.error().message;
        listener = std::move(*made);
    }
    static Task<void> tell(std::unique_ptr<Stream> stream, ServerTls how) {
        stream->expires_after(Duration{20'000});
        const Status started = co_await stream->start_tls_server(std::move(how));
        if (!started) {
            co_return;
        }
        const TlsInfo info = stream->tls().value_or(TlsInfo{});
        std::string text = info.peer_verified ? "<verified" : "<stranger";
        for (const std::string& name : info.mail_names) {
            text += " " + name;
        }
        text += " " + info.protocol + ">\n";
        const Status written = co_await stream->write_all(text);
        static_cast<void>(written);
        co_await stream->shutdown();
    }
    // What the server said; else "refused".
    std::string ask(const std::string& options) {
        const auto done =
            run("timeout 20 openssl s_client -quiet -connect " + listener->local().text() + " " +
                options + " </dev/null");
        const std::size_t at = done.output.find('<');
        return at == std::string::npos ? "refused"
                                       : done.output.substr(at, done.output.find('>') - at + 1);
    }
    std::string certificate(const std::string& name) {
        return "-cert " + (folder / (name + ".pem")) + " -key " + (folder / (name + ".key"));
    }
    test::Folder folder;
    std::unique_ptr<Listener> listener;
};

TEST_F(ClientCertificate, CountsWhenItsAuthorityIsOurs) {
    serve({}, true);
    for (const char* version : {" -tls1_2", " -tls1_3"}) {
        EXPECT_EQ(ask(certificate("taro") + version), "<verified taro@example.net >") << version;
        EXPECT_EQ(ask(certificate("forged") + version), "<stranger >")
            << version << ": a strange certificate is as good as none";
        EXPECT_EQ(ask(version), "<stranger >") << version;
    }
}

TEST_F(ClientCertificate, IsNotLookedAtUnlessItIsAskedFor) {
    serve({}, false);
    EXPECT_EQ(ask(certificate("taro")), "<stranger >");
}

// RFC 7301 §3.2
TEST_F(ClientCertificate, ProtocolsAreChosenInOurOrder) {
    serve({"smtp", "http/1.1"}, false);
    EXPECT_EQ(ask("-alpn smtp"), "<stranger smtp>");
    EXPECT_EQ(ask("-alpn h2,http/1.1,smtp"), "<stranger smtp>");
    EXPECT_EQ(ask("-alpn h2,http/1.1"), "<stranger http/1.1>");
    EXPECT_EQ(ask(""), "<stranger >") << "who names none is served";
    EXPECT_EQ(ask("-alpn imap"), "refused");
    serve({}, false);
    EXPECT_EQ(ask("-alpn imap"), "<stranger >") << "not looked at";
}

}  // namespace
}  // namespace sekisho::net
