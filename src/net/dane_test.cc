// DANE (RFC 7672): which TLSA records let a connection through to which certificate.
#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "net/server.h"
#include "net/stream.h"
#include "net/task.h"
#include "net/test_support.h"
#include "net/tls.h"
#include "net/tlsa.h"

#include <cstdint>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::net {
namespace {

using test::loopback;
using test::run;
constexpr Duration kLong{20'000};

Task<void> secure_only(std::unique_ptr<Stream> stream, std::shared_ptr<const TlsContext> context) {
    stream->expires_after(kLong);
    const Status secured = co_await stream->start_tls_server(std::move(context));
    if (secured) {
        co_await stream->linger(kLong);
    }
}

// A CA, and certificates of it: "right" for mx.example.net, "other" for other.example.net, "old"
// for mx.example.net but expired.
class DaneTest : public test::NetTest {
  protected:
    DaneTest() {
        const auto made = run(
            "cd " + folder.path() +
            " && exec 2>&1 && set -e\n"
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key "
            "-out ca.crt -subj /CN=ca -days 10\n"
            "leaf() {\n"
            "  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $1.key -out "
            "$1.csr -subj /CN=$1\n"
            "  printf 'subjectAltName=DNS:%s' $2 > $1.ext\n"
            "  openssl x509 -req -in $1.csr -CA ca.crt -CAkey ca.key -extfile $1.ext -out $1.crt "
            "-days $3\n"
            "  cat $1.crt ca.crt > $1.chain\n"
            "  openssl x509 -in $1.crt -outform DER -out $1.der\n"
            "  openssl x509 -in $1.crt -noout -pubkey | openssl pkey -pubin -outform DER -out "
            "$1.spki\n"
            "}\n"
            "leaf right mx.example.net 10\nleaf other other.example.net 10\n"
            "leaf old mx.example.net -1\n"
            "openssl x509 -in ca.crt -outform DER -out ca.der\n"
            "openssl x509 -in ca.crt -noout -pubkey | openssl pkey -pubin -outform DER -out ca.spki"
        );
        EXPECT_EQ(made.status, 0) << made.output;
    }
    // Serves a certificate and connects with the records; empty: it was let through.
    std::string reach(
        const std::string& certificate,
        std::vector<Tlsa> records,
        std::vector<std::string> names = {}
    ) {
        const auto context =
            TlsContext::server(folder / (certificate + ".chain"), folder / (certificate + ".key"));
        EXPECT_TRUE(context) << context.error().message;
        auto listener = listen(*loops, loopback(), "dane", [held = *context](auto stream) {
            return secure_only(std::move(stream), held);
        });
        EXPECT_TRUE(listener) << listener.error().message;
        auto client = TlsContext::client_dane(std::move(records), std::move(names));
        if (!client) {
            return client.error().message;
        }
        auto stream = wait(connect(loops->executor(0), (*listener)->local(), std::nullopt, kLong));
        EXPECT_TRUE(stream) << stream.error().message;
        (*stream)->expires_after(kLong);
        const Status secured = wait((*stream)->start_tls_client(*client, "mx.example.net"));
        if (secured) {
            EXPECT_TRUE((*stream)->tls()->peer_verified);
            EXPECT_EQ((*stream)->tls()->server_name, "mx.example.net");
        }
        // A stream belongs to its loop.
        wait((*stream)->shutdown());
        (*stream)->close();
        return secured ? "" : secured.error().message;
    }
    // `file`: "right.spki"; matching 0: all of it, 1: SHA-256.
    [[nodiscard]] Tlsa record(
        std::uint8_t usage, const std::string& file, std::uint8_t matching = 1
    ) const {
        Tlsa tlsa;
        tlsa.usage = usage;
        tlsa.selector = file.ends_with(".spki") ? 1 : 0;
        tlsa.matching = matching;
        tlsa.data = folder.read(file);
        EXPECT_FALSE(tlsa.data.empty()) << file;
        if (matching == 1) {
            tlsa.data = sha256(tlsa.data);
        }
        return tlsa;
    }

    test::Folder folder;
};

// RFC 7672 §3.1.1: the key is bound to the host; names and dates don't matter.
TEST_F(DaneTest, UsageThreeIsTheHostsOwnKey) {
    for (const char* what : {"right.spki", "right.der"}) {
        EXPECT_EQ(reach("right", {record(3, what)}), "");
        EXPECT_EQ(reach("right", {record(3, what, 0)}), "");
    }
    EXPECT_EQ(reach("other", {record(3, "other.spki")}), "");
    EXPECT_EQ(reach("old", {record(3, "old.spki")}), "");
    EXPECT_NE(reach("right", {record(3, "other.spki")}), "");
    EXPECT_EQ(reach("right", {record(3, "other.spki"), record(3, "right.spki")}), "")
        << "one that matches is enough: keys are rolled this way";
    EXPECT_NE(reach("right", {record(3, "ca.spki")}), "") << "usage 3 is the host's own";
}

// RFC 7672 §3.1.2, §3.2.2
TEST_F(DaneTest, UsageTwoIsAnAuthorityAndTheNameCounts) {
    EXPECT_EQ(reach("right", {record(2, "ca.spki")}), "");
    EXPECT_EQ(reach("right", {record(2, "ca.der", 0)}), "");
    const std::string named = reach("other", {record(2, "ca.spki")});
    EXPECT_NE(named.find("ostname mismatch"), std::string::npos) << named;
    EXPECT_EQ(reach("other", {record(2, "ca.spki")}, {"other.example.net"}), "")
        << "the domain of the address is a name too";
    const std::string old = reach("old", {record(2, "ca.spki")});
    EXPECT_NE(old.find("expired"), std::string::npos) << old;
    EXPECT_NE(reach("right", {record(2, "other.spki")}), "");
}

// RFC 7672 §3.1.3, §2.2
TEST_F(DaneTest, WhatHasNoMeaningIsNotUsed) {
    EXPECT_EQ(reach("right", {record(1, "right.spki")}), "DANE: no usable TLSA record");
    EXPECT_EQ(reach("right", {}), "DANE: no usable TLSA record");
    EXPECT_EQ(reach("right", {record(0, "ca.spki"), record(3, "right.spki")}), "");
    Tlsa one = record(3, "right.spki");
    EXPECT_TRUE(usable(one));
    one.data.pop_back();
    EXPECT_FALSE(usable(one)) << "no SHA-256";
    one.matching = 2;
    EXPECT_FALSE(usable(one));
    one.data.resize(64);
    EXPECT_TRUE(usable(one));
    one.matching = 3;
    EXPECT_FALSE(usable(one));
    Tlsa whole = record(3, "right.der", 0);
    EXPECT_TRUE(usable(whole));
    whole.data += "x";
    EXPECT_FALSE(usable(whole));
    whole.selector = 2;
    EXPECT_FALSE(usable(whole));
}

}  // namespace
}  // namespace sekisho::net
