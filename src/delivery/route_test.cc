#include "delivery/route.h"

#include "base/ip.h"

#include <cstdint>
#include <gtest/gtest.h>
#include <map>
#include <string>
#include <vector>

namespace sekisho::delivery {
namespace {

using Kind = Destination::Kind;

RouteOptions options() {
    RouteOptions result;
    result.hostname = "mail.example.net";
    result.domains = {"example.net", "xn--r8jz45g.example"};
    result.port = 2525;
    return result;
}

// "kind" or "kind host:port host:port ..." or "code enhanced".
std::string text(const Destination& to) {
    switch (to.kind) {
        case Kind::Local:
            return "local";
        case Kind::MxOf:
            return "mx of " + to.domain;
        case Kind::Failed:
            return std::to_string(to.failure.code) + " " + to.failure.enhanced;
        case Kind::Hosts:
            break;
    }
    std::string result = "hosts";
    for (const Host& host : to.hosts) {
        result += " " + host.name + ":" + std::to_string(host.port) + (host.address ? "!" : "");
    }
    return result;
}

TEST(Route, DomainOfAnAddress) {
    EXPECT_EQ(domain_of("a@Example.NET"), "example.net");
    EXPECT_EQ(domain_of("\"a@b\"@c.example"), "c.example");
    EXPECT_EQ(domain_of("Postmaster"), "");
}

TEST(Route, DestinationsBeforeAnyLookUp) {
    struct Row {
        const char* domain;
        const char* expected;
    };
    for (const Row& row : std::vector<Row>{
             {"example.net", "local"},
             {"Example.NET.", "local"},
             {"", "local"},
             {"例え.example", "local"},
             {"other.example", "mx of other.example"},
             {"sub.example.net", "mx of sub.example.net"},
             {"例え.test", "mx of xn--r8jz45g.test"},
             {"BÜCHER.example", "mx of xn--bcher-kva.example"},
             {"a\xFF.example", "550 5.1.2"},
             {"[192.0.2.1]", "hosts 192.0.2.1:2525!"},
             {"[IPv6:2001:db8::1]", "hosts 2001:db8::1:2525!"},
             {"[2001:db8::1]", "550 5.1.2"},
             {"[0.0.0.0]", "550 5.1.2"},
             {"[IPv6:::]", "550 5.1.2"},
             {"[x]", "550 5.1.2"},
         }) {
        EXPECT_EQ(text(destination({std::string(row.domain), "", ""}, options())), row.expected)
            << row.domain;
    }
}

TEST(Route, TheSmarthostTakesAllThatIsNotOurs) {
    RouteOptions with = options();
    with.smarthost = "relay.example:587";
    EXPECT_EQ(
        text(destination({std::string("other.example"), "", ""}, with)), "hosts relay.example:587"
    );
    EXPECT_EQ(
        text(destination({std::string("[192.0.2.1]"), "", ""}, with)), "hosts relay.example:587"
    );
    EXPECT_EQ(text(destination({std::string("example.net"), "", ""}, with)), "local");
    with.smarthost = "nonsense";
    EXPECT_EQ(text(destination({std::string("other.example"), "", ""}, with)), "451 4.3.5");
}

TEST(Route, HostsAreParsed) {
    EXPECT_EQ(parse_host("Mail.Example.:25")->name, "mail.example");
    EXPECT_EQ(parse_host("192.0.2.1:24")->address, *IpAddress::parse("192.0.2.1"));
    EXPECT_EQ(parse_host("[2001:db8::1]:24")->address, *IpAddress::parse("2001:db8::1"));
    for (const char* bad :
         {"mail.example", ":25", ".:77", "a:0", "a:65536", "a:x", "2001:db8::1:24", "[a]:1", ""}) {
        EXPECT_FALSE(parse_host(bad)) << bad;
    }
}

std::string order(std::vector<MxRecord> records, std::uint64_t seed = 1) {
    return text(hosts_of_mx("d.example", std::move(records), options(), seed));
}

TEST(Route, MxByPreference) {
    EXPECT_EQ(order({{20, "b"}, {10, "a."}, {30, "C"}}), "hosts a:2525 b:2525 c:2525");
    EXPECT_EQ(order({}), "hosts d.example:2525") << "the implicit MX";
    EXPECT_EQ(order({{10, "a"}, {20, "a"}}), "hosts a:2525") << "once is enough";
}

TEST(Route, EqualPreferencesAreMixedAndOthersNot) {
    std::map<std::string, int> first;
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        const std::string hosts =
            order({{10, "a"}, {10, "b"}, {10, "c"}, {5, "z"}, {20, "y"}}, seed);
        EXPECT_TRUE(hosts.starts_with("hosts z:2525 ")) << hosts;
        EXPECT_TRUE(hosts.ends_with(" y:2525")) << hosts;
        ++first[hosts.substr(13, 1)];
    }
    EXPECT_EQ(first.size(), 3U);
    for (const auto& [host, times] : first) {
        EXPECT_GT(times, 50) << host;
    }
}

TEST(Route, DomainsWithTheSameBestHostsShareAPlace) {
    const auto to = [](const char* domain, std::vector<MxRecord> records, std::uint64_t seed) {
        return hosts_of_mx(domain, std::move(records), options(), seed);
    };
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        const auto one = to("one.example", {{10, "B."}, {10, "a"}, {20, "one-backup"}}, seed);
        EXPECT_EQ(one.place, "a b");
        EXPECT_EQ(one.best, 2U);
    }
    EXPECT_EQ(to("two.example", {{5, "a"}, {5, "b"}, {5, "a"}}, 1).place, "a b");
    EXPECT_EQ(to("three.example", {{5, "a"}, {10, "b"}}, 1).place, "a");
    EXPECT_EQ(to("four.example", {}, 1).place, "four.example");
    EXPECT_EQ(destination({std::string("[192.0.2.1]"), "", ""}, options()).place, "[192.0.2.1]");
    EXPECT_EQ(destination({std::string("Example.Net"), "", ""}, options()).place, "example.net");
}

TEST(Route, NullMx) {
    EXPECT_EQ(order({{0, ""}}), "556 5.1.10");
    EXPECT_EQ(order({{0, ""}, {10, "a"}}), "hosts a:2525");
}

TEST(Route, OurOwnHostEndsTheList) {
    EXPECT_EQ(order({{10, "a"}, {20, "Mail.Example.Net."}, {20, "b"}, {30, "c"}}), "hosts a:2525");
    EXPECT_EQ(order({{10, "mail.example.net"}, {20, "b"}}), "554 5.4.6");
    EXPECT_EQ(order({{10, "mail.example.net"}, {10, "b"}, {5, "a"}}), "hosts a:2525");
}

TEST(Route, AddressesThatCanNotBeMeant) {
    for (const char* good : {"192.0.2.1", "127.0.0.1", "2001:db8::1", "::1", "10.0.0.1"}) {
        EXPECT_TRUE(usable(*IpAddress::parse(good))) << good;
    }
    for (const char* bad :
         {"0.0.0.0", "0.1.2.3", "224.0.0.1", "255.255.255.255", "::", "ff02::1"}) {
        EXPECT_FALSE(usable(*IpAddress::parse(bad))) << bad;
    }
}

TEST(RouteTest, AnOperatorsRouteGoesBeforeTheSmarthost) {
    RouteOptions with = options();
    with.smarthost = "relay.example:587";
    RouteRule rule;
    rule.name = "partner";
    rule.domains = {"partner.example"};
    rule.via = {"[2001:db8::1]:2525", "second.example:25"};
    with.routes.push_back(rule);
    rule.name = "direct";
    rule.domains = {"direct.example", "xn--wgv71a.example"};
    rule.via.clear();
    with.routes.push_back(rule);
    rule.name = "inside";
    rule.domains = {"example.net"};
    rule.protocol = RouteRule::Protocol::Lmtp;
    rule.via = {"/run/lmtp"};
    with.routes.push_back(rule);
    const Destination partner = destination({"Partner.example", "", ""}, with);
    EXPECT_EQ(partner.rule->name, "partner");
    EXPECT_EQ(partner.hosts.size(), 2U);
    EXPECT_EQ(partner.best, 1U) << "the second only when the first fails";
    EXPECT_EQ(partner.place, "[2001:db8::1]:2525 second.example:25");
    const Destination direct = destination({"direct.example", "", ""}, with);
    EXPECT_EQ(direct.kind, Destination::Kind::MxOf);
    EXPECT_EQ(direct.rule->name, "direct");
    EXPECT_EQ(
        destination({"\xe6\x97\xa5\xe6\x9c\xac.example", "", ""}, with).kind,
        Destination::Kind::MxOf
    ) << "the same domain in Unicode";
    const Destination inside = destination({"example.net", "", ""}, with);
    EXPECT_TRUE(inside.hosts.empty());
    EXPECT_EQ(inside.place, "/run/lmtp");
    EXPECT_FALSE(destination({"other.example", "", ""}, with).rule);
}

}  // namespace
}  // namespace sekisho::delivery
