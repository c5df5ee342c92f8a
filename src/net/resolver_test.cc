// The resolver against real name servers on loopback: NSD with a zone signed here, and unbound.
#include "net/resolver.h"

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "net/task.h"
#include "net/test_support.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <future>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <utility>
#include <vector>

namespace sekisho::net {
namespace {

using test::run;

constexpr const char* kZone = R"($ORIGIN signed.test.
$TTL 300
@ IN SOA ns.signed.test. hostmaster.signed.test. 1 3600 600 86400 300
@ IN NS ns
ns IN A 127.0.0.1
@ IN MX 20 MX2
@ IN MX 10 mx1
mx1 IN A 192.0.2.1
mx1 IN AAAA 2001:db8::1
mx2 IN A 192.0.2.2
four IN A 192.0.2.4
alias IN CNAME @
away IN CNAME mx1.plain.test.
null IN MX 0 .
text IN TXT "v=spf1 " "-all"
text IN TXT "second"
bad IN A 192.0.2.66
_submission._tcp IN SRV 0 1 587 MX1
_imap._tcp IN SRV 0 0 0 .
_25._tcp.mx1 IN TLSA 3 1 1 00FF000000000000000000000000000000000000000000000000000000000000
)";
constexpr const char* kPlainZone = R"($ORIGIN plain.test.
$TTL 300
@ IN SOA ns.signed.test. hostmaster.signed.test. 1 3600 600 86400 300
@ IN NS ns.signed.test.
mx1 IN A 192.0.2.11
)";
constexpr const char* kReverseZone = R"($ORIGIN 2.0.192.in-addr.arpa.
$TTL 300
@ IN SOA ns.signed.test. hostmaster.signed.test. 1 3600 600 86400 300
@ IN NS ns.signed.test.
1 IN PTR mx1.signed.test.
)";

// The servers live for the whole suite: signing and starting takes longer than asking.
class ResolverTest : public test::NetTest {
  protected:
    static void SetUpTestSuite() {
        for (const char* program : {"nsd", "ldns-keygen", "ldns-signzone", "unbound"}) {
            if (!test::has_program(program)) {
                missing = program;
                return;
            }
        }
        folder = std::make_unique<test::Folder>();
        sign();
        nsd_port = test::free_port(SOCK_DGRAM);
        start_nsd();
        unbound_port = test::free_port(SOCK_DGRAM);
        start_unbound();
    }
    static void TearDownTestSuite() {
        unbound.reset();
        nsd.reset();
        folder.reset();
    }
    void SetUp() override {
        if (missing != nullptr) {
            GTEST_SKIP() << missing << " isn't installed";
        }
    }

    static void sign() {
        folder->write("signed.test", kZone);
        folder->write("plain.test", kPlainZone);
        folder->write("reverse", kReverseZone);
        const auto signed_zone =
            run("cd " + folder->path() +
                " && KEY=$(ldns-keygen -a ECDSAP256SHA256 -k signed.test) && cp $KEY.key anchor && "
                "ldns-signzone -n signed.test $KEY");
        ASSERT_EQ(signed_zone.status, 0) << signed_zone.output;
        // After the signing, so that the signature is of another address: bogus.
        const auto forged =
            run("cd " + folder->path() +
                " && sed -i 's/192\\.0\\.2\\.66/192.0.2.99/' signed.test.signed && grep -c "
                "192.0.2.99 signed.test.signed");
        ASSERT_EQ(forged.output, "1\n");
    }

    static void start_nsd() {
        const std::string dir = folder->path();
        folder->write(
            "nsd.conf",
            "server:\n  ip-address: 127.0.0.1@" + std::to_string(nsd_port) +
                "\n  username: \"\"\n  zonesdir: \"" + dir + "\"\n  pidfile: \"" + dir +
                "/nsd.pid\"\n  database: \"\"\n  xfrdfile: \"" + dir +
                "/xfrd\"\n  zonelistfile: \"" + dir + "/zone.list\"\n  xfrdir: \"" + dir +
                "\"\n  server-count: 1\nremote-control:\n  control-enable: no\n"
                "zone:\n  name: signed.test\n  zonefile: signed.test.signed\n"
                "zone:\n  name: plain.test\n  zonefile: plain.test\n"
                "zone:\n  name: 2.0.192.in-addr.arpa\n  zonefile: reverse\n"
        );
        nsd = std::make_unique<test::Process>(
            std::vector<std::string>{"/usr/sbin/nsd", "-d", "-c", dir + "/nsd.conf"},
            dir + "/nsd.log"
        );
        ASSERT_TRUE(test::eventually([] { return test::answers(nsd_port); }))
            << folder->read("nsd.log");
    }

    // Forwards to NSD, doesn't validate: what a provider's resolver may look like to us.
    static void start_unbound() {
        const std::string dir = folder->path();
        const std::string at = "  stub-addr: 127.0.0.1@" + std::to_string(nsd_port) + "\n";
        folder->write(
            "unbound.conf",
            "server:\n  interface: 127.0.0.1@" + std::to_string(unbound_port) +
                "\n  username: \"\"\n  chroot: \"\"\n  directory: \"" + dir + "\"\n  pidfile: \"" +
                dir +
                "/unbound.pid\"\n  use-syslog: no\n  do-daemonize: no\n  do-not-query-localhost: "
                "no\n"
                "  module-config: \"iterator\"\n  local-zone: \"test.\" nodefault\n"
                "  local-zone: \"broken.test.\" always_refuse\n"
                "  local-zone: \"2.0.192.in-addr.arpa.\" nodefault\n"
                "remote-control:\n  control-enable: no\n"
                "stub-zone:\n  name: signed.test\n" +
                at + "stub-zone:\n  name: plain.test\n" + at +
                "stub-zone:\n  name: 2.0.192.in-addr.arpa\n" + at
        );
        unbound = std::make_unique<test::Process>(
            std::vector<std::string>{"/usr/sbin/unbound", "-d", "-c", dir + "/unbound.conf"},
            dir + "/unbound.log"
        );
        ASSERT_TRUE(test::eventually([] { return test::answers(unbound_port); }))
            << folder->read("unbound.log");
    }

    std::unique_ptr<Resolver> make(std::uint16_t port, bool validate = true) {
        ResolverOptions options;
        options.forward_to = {"127.0.0.1@" + std::to_string(port)};
        if (validate) {
            options.trust_anchor_file = *folder / "anchor";
        }
        auto made = Resolver::make(loops->executor(1), options);
        EXPECT_TRUE(made) << made.error().message;
        return std::move(*made);
    }

    static inline std::unique_ptr<test::Folder> folder;
    static inline std::unique_ptr<test::Process> nsd, unbound;
    static inline std::uint16_t nsd_port = 0, unbound_port = 0;
    static inline const char* missing = nullptr;
};

std::string text(const Result<Answer<IpAddress>>& answer) {
    if (!answer) {
        return name(answer.error().code);
    }
    std::string result = answer->secure ? "secure" : "insecure";
    for (const IpAddress& address : answer->records) {
        result += " " + address.text();
    }
    return result;
}

std::string text(const Result<Answer<Mx>>& answer) {
    if (!answer) {
        return name(answer.error().code);
    }
    std::vector<Mx> sorted = answer->records;
    std::ranges::sort(sorted, {}, &Mx::preference);
    std::string result = answer->secure ? "secure" : "insecure";
    for (const Mx& mx : sorted) {
        result += " " + std::to_string(mx.preference) + ":" + mx.host;
    }
    return result;
}

std::string text(const Result<Answer<std::string>>& answer) {
    if (!answer) {
        return name(answer.error().code);
    }
    std::vector<std::string> sorted = answer->records;
    std::ranges::sort(sorted);
    std::string result = answer->secure ? "secure" : "insecure";
    for (const std::string& record : sorted) {
        result += " [" + record + "]";
    }
    return result;
}

TEST_F(ResolverTest, ValidatesThroughNsdAndThroughUnbound) {
    for (const std::uint16_t port : {nsd_port, unbound_port}) {
        const auto resolver = make(port);
        EXPECT_EQ(
            text(wait(resolver->mx("signed.test"))), "secure 10:mx1.signed.test 20:mx2.signed.test"
        );
        EXPECT_EQ(
            text(wait(resolver->addresses("mx1.signed.test", true, true))),
            "secure 2001:db8::1 192.0.2.1"
        );
        EXPECT_EQ(
            text(wait(resolver->addresses("mx1.signed.test", true, false))), "secure 192.0.2.1"
        );
        EXPECT_EQ(
            text(wait(resolver->addresses("mx1.signed.test", false, true))), "secure 2001:db8::1"
        );
        EXPECT_EQ(
            text(wait(resolver->addresses("mx1.plain.test", true, true))), "insecure 192.0.2.11"
        );
        EXPECT_EQ(text(wait(resolver->txt("text.signed.test"))), "secure [second] [v=spf1 -all]");
        const auto srv = wait(resolver->srv("_submission._tcp.signed.test"));
        ASSERT_TRUE(srv && srv->records.size() == 1);
        EXPECT_TRUE(srv->secure);
        EXPECT_EQ(srv->records.front().target, "mx1.signed.test");
        EXPECT_EQ(srv->records.front().port, 587);
        EXPECT_EQ(wait(resolver->srv("_imap._tcp.signed.test"))->records.front().target, "");
        const auto tlsa = wait(resolver->tlsa("_25._tcp.mx1.signed.test"));
        ASSERT_TRUE(tlsa && tlsa->records.size() == 1);
        EXPECT_EQ(tlsa->records.front().selector, 1);
        EXPECT_EQ(tlsa->records.front().data.size(), 32U);
        EXPECT_EQ(
            text(wait(resolver->ptr(*IpAddress::parse("192.0.2.1")))), "insecure [mx1.signed.test]"
        );
    }
}

TEST_F(ResolverTest, FollowsAliases) {
    const auto resolver = make(unbound_port);
    EXPECT_EQ(
        text(wait(resolver->mx("alias.signed.test."))),
        "secure 10:mx1.signed.test 20:mx2.signed.test"
    );
    EXPECT_EQ(
        text(wait(resolver->addresses("away.signed.test", true, false))), "insecure 192.0.2.11"
    );
    EXPECT_EQ(
        wait(resolver->addresses("away.signed.test", true, true))->canonical, "mx1.plain.test"
    );
    EXPECT_EQ(wait(resolver->addresses("MX1.signed.test.", true, true))->canonical, "");
}

TEST_F(ResolverTest, NullMxHasAnEmptyHost) {
    const auto resolver = make(unbound_port);
    EXPECT_EQ(text(wait(resolver->mx("null.signed.test"))), "secure 0:");
}

TEST_F(ResolverTest, WhatDoesNotExistIsEmpty) {
    const auto resolver = make(unbound_port);
    EXPECT_EQ(text(wait(resolver->mx("absent.signed.test"))), "secure");
    EXPECT_EQ(text(wait(resolver->mx("mx1.signed.test"))), "secure");
    EXPECT_EQ(text(wait(resolver->addresses("four.signed.test", true, true))), "secure 192.0.2.4");
    EXPECT_EQ(text(wait(resolver->ptr(*IpAddress::parse("192.0.2.200")))), "insecure");
}

TEST_F(ResolverTest, ForgedAnswersAreUnavailableOnlyToThoseWhoValidate) {
    for (const std::uint16_t port : {nsd_port, unbound_port}) {
        const auto resolver = make(port);
        const auto forged = wait(resolver->addresses("bad.signed.test", true, false));
        ASSERT_FALSE(forged);
        EXPECT_EQ(forged.error().code, Errc::Unavailable);
        EXPECT_NE(forged.error().message.find("DNSSEC"), std::string::npos)
            << forged.error().message;
    }
    const auto trusting = make(unbound_port, false);
    EXPECT_EQ(
        text(wait(trusting->addresses("bad.signed.test", true, false))), "insecure 192.0.2.99"
    );
}

TEST_F(ResolverTest, RefusalsSilenceAndNonsenseAreErrors) {
    const auto resolver = make(unbound_port);
    EXPECT_EQ(text(wait(resolver->mx("broken.test"))), "unavailable");
    EXPECT_EQ(text(wait(resolver->mx("a..b.test"))), "invalid");
    EXPECT_EQ(text(wait(resolver->mx(std::string(300, 'x')))), "invalid");
    EXPECT_EQ(text(wait(resolver->addresses("x.test", false, false))), "insecure");
    ResolverOptions options;
    options.forward_to = {"192.0.2.1"};
    options.timeout = Duration{50};
    const auto silent = Resolver::make(loops->executor(0), options);
    ASSERT_TRUE(silent);
    const auto answer = wait((*silent)->mx("signed.test"));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Errc::Unavailable);
}

Task<int> ask_many(Resolver& resolver) {
    int good = 0;
    for (int i = 0; i < 200; ++i) {
        const auto answer = co_await resolver.mx("signed.test");
        good += answer && answer->records.size() == 2 ? 1 : 0;
    }
    co_return good;
}

TEST_F(ResolverTest, IsAskedFromAllLoopsAtOnce) {
    const auto resolver = make(unbound_port);
    auto first = std::async(std::launch::async, [&] {
        return wait_for(loops->executor(0), ask_many(*resolver));
    });
    EXPECT_EQ(wait_for(loops->executor(1), ask_many(*resolver)), 200);
    EXPECT_EQ(first.get(), 200);
}

TEST_F(ResolverTest, DestructionEndsOpenQuestions) {
    ResolverOptions options;
    options.forward_to = {"192.0.2.1"};
    auto silent = Resolver::make(loops->executor(1), options);
    ASSERT_TRUE(silent);
    auto asked = std::async(std::launch::async, [&, &resolver = **silent] {
        return wait_for(loops->executor(0), resolver.mx("signed.test"));
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    silent->reset();
    const auto answer = asked.get();
    ASSERT_FALSE(answer);
}

TEST_F(ResolverTest, BadOptionsAreErrorsThatNameThem) {
    ResolverOptions options;
    options.forward_to = {"not an address"};
    const auto bad_server = Resolver::make(loops->executor(0), options);
    ASSERT_FALSE(bad_server);
    EXPECT_NE(bad_server.error().message.find("not an address"), std::string::npos);
    options.forward_to = {"127.0.0.1"};
    options.trust_anchor_file = "/nonexistent/root.key";
    const auto no_file = Resolver::make(loops->executor(0), options);
    ASSERT_FALSE(no_file);
    EXPECT_NE(no_file.error().message.find("/nonexistent/root.key"), std::string::npos);
    folder->write("junk", "nothing of use\n");
    options.trust_anchor_file = *folder / "junk";
    EXPECT_FALSE(Resolver::make(loops->executor(0), options));
    folder->write("junk2", ". IN DS gibberish\n");
    options.trust_anchor_file = *folder / "junk2";
    EXPECT_FALSE(Resolver::make(loops->executor(0), options));
}

}  // namespace
}  // namespace sekisho::net
