#include "base/file.h"
#include "base/time.h"
#include "config/reader.h"
#include "delivery/tls/policy.h"
#include "limit/quota.h"
#include "limit/spec.h"
#include "policy/policy.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace sekisho::config {
namespace {

std::string first_problem(const std::string& text) {
    const auto loaded = parse(text, "sekisho.toml");
    return loaded ? "no problem" : loaded.error().front().message();
}

TEST(Config, TheDefaultFileIsTheDefaults) {
    const auto from_nothing = parse("", "sekisho.toml");
    const auto from_defaults = parse(defaults_toml(), "sekisho.toml");
    ASSERT_TRUE(from_nothing) << from_nothing.error().front().message();
    ASSERT_TRUE(from_defaults) << from_defaults.error().front().message();
    EXPECT_EQ(from_nothing->mail.recipients_max, Mail{}.recipients_max);
    EXPECT_EQ(from_nothing->queue.expire, Queue{}.expire);
    EXPECT_EQ(from_nothing->mail.submission.size(), 2U);
    EXPECT_EQ(from_defaults->queue.retry.size(), 7U);
}

TEST(Config, LimitsAreReadWithTheirDayAndChecked) {
    const auto loaded = parse(
        "[[limit]]\nname = \"a\"\nby = [\"account\", \"domain\"]\nrate = \"300/1h\"\nburst = 50\n"
        "[[limit]]\nname = \"b\"\nby = [\"line\"]\ncount = \"bytes\"\nper_day = \"2GiB\"\n"
        "where = \"abroad\"\nshadow = true\n[limits]\ntime_zone = \"Asia/Tokyo\"\n",
        "sekisho.toml"
    );
    ASSERT_TRUE(loaded) << loaded.error().front().message();
    ASSERT_EQ(loaded->limit.size(), 2U);
    EXPECT_EQ(loaded->limit[0].allowance(), "300 in 1h, 50 at once");
    EXPECT_EQ(loaded->limit[0].by_text(), "account+domain");
    EXPECT_EQ(loaded->limit[1].allowance(), "2147483648 a day");
    EXPECT_EQ(std::get<limit::Day>(loaded->limit[1].how).zone, *TimeZone::parse("Asia/Tokyo"));
    EXPECT_TRUE(loaded->limit[1].shadow);
    const std::string a = "[[limit]]\nname = \"a\"\nby = [\"account\"]\n";
    EXPECT_EQ(first_problem(a), "sekisho.toml:1: limit: \"a\": needs either rate or per_day");
    EXPECT_EQ(
        first_problem(a + "rate = \"300\"\n"),
        "sekisho.toml:1: limit: \"a\": rate: expected a number or size and a time, such as "
        "\"300/1h\" or \"1GiB/1d\""
    );
    EXPECT_EQ(
        first_problem(a + "per_day = 5\n" + a + "per_day = 5\n"),
        "sekisho.toml:5: limit.name: \"a\" is there already"
    );
    EXPECT_EQ(
        first_problem(a + "per_day = 5\ncount = \"connections\"\n"),
        "sekisho.toml:1: limit: \"a\": connections can't be counted by account, which isn't known "
        "then"
    );
    EXPECT_EQ(
        first_problem("[limits]\ntime_zone = \"JST\"\n"),
        "sekisho.toml:2: limits.time_zone: \"JST\" is no time zone, such as \"Asia/Tokyo\" or "
        "\"+09:00\""
    );
}

TEST(Config, FaultsNameFileLineAndKey) {
    EXPECT_EQ(
        first_problem("[mail]\n\nrecipients_mux = 5\n"),
        "sekisho.toml:3: mail.recipients_mux: unknown key; did you mean `recipients_max`?"
    );
    EXPECT_EQ(
        first_problem("[mail]\nrecipients_max = 5\n"),
        "sekisho.toml:2: mail.recipients_max: expected an integer from 100 to 50000"
    );
    EXPECT_EQ(first_problem("[mial]\n"), "sekisho.toml:1: mial: unknown key; did you mean `mail`?");
    EXPECT_EQ(
        first_problem("[gate]\nengine = \"ipfw\"\n"),
        "sekisho.toml:2: gate.engine: expected one of: xdp, nftables, none"
    );
    EXPECT_EQ(
        first_problem("[gate]\nengine = 5\n"),
        "sekisho.toml:2: gate.engine: expected one of: xdp, nftables, none"
    );
    EXPECT_NE(first_problem("[mail\n").find("sekisho.toml:1"), std::string::npos);
    EXPECT_EQ(
        first_problem("[[rule]]\nname = \"a\"\nfrom = \"*\"\n"),
        "sekisho.toml:1: rule.to: is missing"
    );
    EXPECT_EQ(
        first_problem("[[class]]\nname = \"a\"\nprefixes = [\"192.0.2.1/24\"]\n"),
        "sekisho.toml:3: class.prefixes: \"192.0.2.1/24\" has host bits set; the prefix is "
        "192.0.2.0/24"
    );
    EXPECT_EQ(first_problem("mail = 3\n"), "sekisho.toml:1: mail: expected a table, [mail]");
    EXPECT_EQ(first_problem("rule = 3\n"), "sekisho.toml:1: rule: expected tables, [[rule]]");
}

TEST(Config, EveryFaultIsReportedAtOnce) {
    const auto loaded = parse("[mail]\na = 1\nb = 2\n[gate]\nc = 3\n", "f");
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().size(), 3U);
}

TEST(Config, ImpossibleValues) {
    EXPECT_NE(
        first_problem("[tls]\ncertificate = \"x\"\n").find("both or neither"), std::string::npos
    );
    EXPECT_NE(
        first_problem("[mail]\nmessage_size_max = \"100MiB\"\n").find("queue.segment_size"),
        std::string::npos
    );
    EXPECT_NE(
        first_problem("[delivery]\nlocal = \"lmtp\"\n").find("delivery.lmtp"), std::string::npos
    );
    EXPECT_NE(
        first_problem("[radius]\nlisten = [\"127.0.0.1:1813\"]\n").find("radius.client"),
        std::string::npos
    );
    EXPECT_NE(
        first_problem("[mail]\nport_fallback = [\"587\"]\n").find("PORT=PORT"), std::string::npos
    );
    EXPECT_NE(
        first_problem("[[rule]]\nname=\"r\"\nfrom=\"nowhere\"\nto=\"*\"\n").find("nowhere"),
        std::string::npos
    );
}

TEST(Config, TlsRulesAreATableOfDomains) {
    const auto loaded = parse(
        "[delivery]\ntrust_anchor = \"root.key\"\ntrust_ca = \"ca.pem\"\nmta_sts = false\n"
        "[delivery.tls]\n\"Bank.example\" = \"verified mx1.bank.example *.MX.bank.example\"\n"
        "\".example.net\" = \"dane\"\n\"*\" = \"required\"\n",
        "/etc/sekisho/sekisho.toml"
    );
    ASSERT_TRUE(loaded) << loaded.error().front().message();
    EXPECT_FALSE(loaded->delivery.mta_sts);
    EXPECT_EQ(loaded->resolved().delivery.trust_ca, "/etc/sekisho/ca.pem");
    const auto rule = delivery::tls_rule_for(loaded->delivery.tls, "bank.example");
    EXPECT_EQ(rule.level, delivery::TlsLevel::Verified);
    EXPECT_EQ(rule.mx, (std::vector<std::string>{"mx1.bank.example", "*.mx.bank.example"}));
    EXPECT_EQ(
        delivery::tls_rule_for(loaded->delivery.tls, "a.example.net").level,
        delivery::TlsLevel::Dane
    );
    EXPECT_TRUE(parse("[delivery]\n", "f")->delivery.tls.empty());

    EXPECT_EQ(
        first_problem("[delivery]\ntls = 1\n"),
        "sekisho.toml:2: delivery.tls: expected a table, [delivery.tls]"
    );
    const auto wrong = [](const std::string& line) {
        return first_problem("[delivery.tls]\n" + line + "\n");
    };
    EXPECT_NE(wrong("\"a.example\" = \"strict\"").find("expected none, opp"), std::string::npos);
    EXPECT_NE(wrong("\"a.example\" = 1").find("a string for \"a.example\""), std::string::npos);
    EXPECT_NE(wrong("\"a..b\" = \"none\"").find("is no domain"), std::string::npos);
    EXPECT_NE(
        wrong("\"a.example\" = \"none\"\n\"A.example\" = \"dane\"").find("twice"), std::string::npos
    );
    EXPECT_NE(wrong("\"a.example\" = \"dane\"").find("delivery.trust_anchor"), std::string::npos)
        << "nothing could be validated";
}

TEST(Config, DnsListsHaveAnswersAndPoints) {
    const auto list = DnsList::parse("ZEN.example.org.=127.0.0.8/29*40");
    ASSERT_TRUE(list) << list.error().message;
    EXPECT_EQ(list->zone, "zen.example.org");
    EXPECT_EQ(list->answers.text(), "127.0.0.8/29");
    EXPECT_EQ(list->points, 40);
    const auto plain = DnsList::parse("bl.example");
    ASSERT_TRUE(plain);
    EXPECT_EQ(plain->answers.text(), "127.0.0.0/8");
    EXPECT_EQ(plain->points, 25);
    for (const char* bad :
         {"",
          "local",
          "a..b",
          "bl.example*0",
          "bl.example*101",
          "bl.example*x",
          "bl.example*",
          "bl.example=192.0.2.1",
          "bl.example=127.0.0.1/29",
          "bl.example=0.0.0.0/0",
          "bl example.org",
          "*25"}) {
        EXPECT_FALSE(DnsList::parse(bad)) << bad;
    }
    const auto read = parse("[mail]\ndnsbl = [\"bl.example*5\"]\ndnswl = [\"wl.example\"]\n", "t");
    ASSERT_TRUE(read);
    EXPECT_EQ(read->mail.dnsbl.at(0).points, 5);
    EXPECT_EQ(read->mail.dnswl.at(0).zone, "wl.example");
    EXPECT_FALSE(parse("[mail]\ndnsbl = [\"local\"]\n", "t"));
}

TEST(Config, LoginsFromElsewhere) {
    const std::string keys = "[oauth]\nkeys = \"https://login.example/keys\"\n";
    EXPECT_TRUE(first_problem(keys).contains("issuer and audiences are missing"));
    const std::string whole = keys + "issuer = \"https://login.example\"\naudiences = [\"mail\"]\n";
    EXPECT_TRUE(parse(whole, "t"));
    EXPECT_TRUE(parse(whole, "t")->oauth.enabled());
    EXPECT_TRUE(first_problem(whole + "introspection = \"https://x.example\"\n").contains("one of")
    );
    EXPECT_TRUE(first_problem(whole + "claim = \"\"\n").contains("oauth.claim"));
    EXPECT_TRUE(first_problem("[tls]\nclient_logins = [\"abc=taro\"]\n").contains("SHA256=LOGIN"));

    const std::string ldap =
        "[[account_source]]\nname = \"d\"\nkind = \"ldap\"\nserver = \"ldap://h\"\n";
    EXPECT_TRUE(first_problem(ldap).contains("account_source.base"));
    const std::string good = ldap + "base = \"dc=example\"\n";
    const auto read = parse(good, "t");
    ASSERT_TRUE(read);
    EXPECT_EQ(read->account_sources.at(0).filter, "(mail={login})");
    EXPECT_TRUE(read->account_sources.at(0).recipients);
    EXPECT_TRUE(first_problem(ldap + "base = \"b\"\nuserdb = \"/x\"\n").contains("userdb"));
    EXPECT_TRUE(first_problem("[[account_source]]\nname = \"d\"\nkind = \"dovecot\"\nserver = "
                              "\"/a\"\nuserdb = \"x\"\n")
                    .contains("no path"));
    EXPECT_TRUE(first_problem("[mail]\nscram = \"sometimes\"\n").contains("mail.scram"));
    EXPECT_EQ(read->account_sources.at(0).connections, 4U);
    EXPECT_TRUE(first_problem(good + "filter = \"(uid=taro)\"\n").contains("{login}"));
    EXPECT_TRUE(first_problem(good + good).contains("is there already"));
    EXPECT_TRUE(first_problem("[[account_source]]\nname = \"d\"\n").contains("is missing"));
    EXPECT_TRUE(first_problem("[mail]\nproxy_from = [\"192.0.2.1/24\"]\n").contains("192.0.2.0/24")
    );
}

TEST(Config, Milters) {
    const std::string one = "[[milter]]\nname = \"spam\"\nsocket = ";
    const auto read = parse(one + "\"inet:11332@::1\"\nservices = [\"exchange\"]\n", "t");
    ASSERT_TRUE(read);
    EXPECT_EQ(read->milters.at(0).endpoint.text(), "[::1]:11332");
    EXPECT_EQ(read->milters.at(0).away, "tempfail");
    EXPECT_EQ(parse(one + "\"inet:localhost:99\"\n", "t")->milters.at(0).endpoint.port, 99);
    EXPECT_EQ(parse(one + "\"local:/run/m\"\n", "t")->milters.at(0).path, "/run/m");
    EXPECT_TRUE(first_problem(one + "\"/run/m\"\n").contains("milter.socket"));
    EXPECT_TRUE(first_problem(one + "\"inet:0@127.0.0.1\"\n").contains("milter.socket"));
    EXPECT_TRUE(first_problem(one + "\"unix:run\"\n").contains("milter.socket"));
    EXPECT_TRUE(first_problem(one + "\"unix:/m\"\n" + one + "\"unix:/m\"\n").contains("there"));
    const std::string good = one + "\"unix:/m\"\n";
    EXPECT_TRUE(first_problem(good + "services = [\"imap\"]\n").contains("milter.services"));
    EXPECT_TRUE(first_problem(good + "spam_fields = [\"X\"]\n").contains("milter.spam_fields"));
    EXPECT_TRUE(first_problem(good + "away = \"drop\"\n").contains("expected one of"));
}

TEST(Config, Forwarding) {
    const std::string ours = "[mail]\ndomains = [\"example.net\", \"example.jp\"]\n[forwarding]\n";
    EXPECT_EQ(parse(ours, "t")->resolved().forwarding.srs_domain, "example.net");
    EXPECT_EQ(
        parse(ours + "srs_domain = \"Example.JP\"\n", "t")->resolved().forwarding.srs_domain,
        "example.jp"
    );
    EXPECT_TRUE(first_problem(ours + "srs_domain = \"x.org\"\n").contains("not one of mail.domains")
    );
}

TEST(Config, SourcesAreCheckedWithTheRoutesThatNameThem) {
    const std::string source = "[[source]]\nname = \"s\"\n";
    const std::string good =
        source + "addresses = [\"192.0.2.1\", \"2001:db8::1 Out.example\"]\ndomains = [\"*\"]\n";
    const auto read = parse(good + "spread = \"round_robin\"\ngrades = [\"bulk\"]\n", "t");
    ASSERT_TRUE(read) << read.error().front().message();
    EXPECT_EQ(read->delivery.sources.at(0).addresses.at(1).helo, "Out.example");
    EXPECT_EQ(read->delivery.sources.at(0).spread, delivery::SourcePool::Spread::RoundRobin);
    EXPECT_TRUE(first_problem(good + good).contains("is there already"));
    EXPECT_TRUE(first_problem(source).contains("source.addresses"));
    EXPECT_TRUE(first_problem(source + "addresses = [\"x\"]\n").contains("list of addresses"));
    EXPECT_TRUE(first_problem(good + "spread = \"any\"\n").contains("account, round_robin"));
    EXPECT_TRUE(first_problem(source + "addresses = [\"::1\"]\n").contains("nothing leaves"));
    const std::string route = "[[route]]\nname = \"r\"\ndomains = [\"*\"]\nsource = ";
    EXPECT_TRUE(first_problem(route + "\"t\"\n").contains("no [[source]]"));
    EXPECT_TRUE(parse(route + "\"s\"\n" + source + "addresses = [\"::1\"]\n", "t"));
}

TEST(Config, RoutesAreCheckedAndTheirLoginsGoUnderTls) {
    const std::string route = "[[route]]\nname = \"r\"\ndomains = [\"B.example\"]\n";
    const std::string via = route + "via = [\"relay.example:587\"]\n";
    const auto routed = parse(
        via + "login = \"taro\"\npassword_file = \"pw\"\nprotocol = \"submissions\"\n", "/etc/t"
    );
    ASSERT_TRUE(routed);
    EXPECT_EQ(routed->delivery.routes.at(0).domains.at(0), "b.example");
    EXPECT_EQ(routed->delivery.routes.at(0).tls->level, delivery::TlsLevel::Verified);
    EXPECT_EQ(routed->resolved().delivery.routes.at(0).password_file, "/etc/pw");
    EXPECT_TRUE(first_problem(via + via).contains("is there already"));
    EXPECT_TRUE(first_problem(via + "login = \"taro\"\n").contains("go together"));
    EXPECT_TRUE(first_problem(via + "tls = \"maybe\"\n").contains("expected none"));
    EXPECT_TRUE(first_problem(via + "protocol = \"uucp\"\n").contains("smtp, submissions, lmtp"));
    EXPECT_TRUE(first_problem(route + "via = [\"relay.example\"]\n").contains("HOST:PORT"));
    EXPECT_TRUE(first_problem("[[route]]\nname = \"r\"\n").contains("all missing"));
    EXPECT_TRUE(first_problem("[[route]]\nname = \"a:b\"\ndomains = [\"*\"]\n").contains("colon"));
}

TEST(Config, PrefixFiles) {
    const std::string folder = ::testing::TempDir();
    ASSERT_TRUE(write_file_atomic(
        folder + "/pools.txt", "# dynamic pools\n192.0.2.0/25\n2001:db8::/48 # v6\n\n"
    ));
    const auto loaded = parse(
        "[[class]]\nname = \"subscribers\"\nfiles = [\"pools.txt\"]\n", folder + "/sekisho.toml"
    );
    ASSERT_TRUE(loaded) << loaded.error().front().message();
    EXPECT_EQ(loaded->policy.classes.at(0).prefixes.size(), 2U);
    EXPECT_EQ(loaded->watched_files.size(), 1U);
    const auto bad = parse_prefix_file("192.0.2.0/25\nx\n192.0.2.1/25", "pools.txt");
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().at(0).message(), "pools.txt:2: \"x\" is not a prefix");
    EXPECT_EQ(bad.error().size(), 2U);
}

constexpr const char* kStaged = R"toml(
[[class]]
name = "subscribers"
note = "a \"quoted\" note with a \\ in it"
prefixes = ["198.51.100.0/24", "2001:db8:1::/48"]
[[class]]
name = "mobile"
prefixes = ["203.0.113.0/24"]
[[region]]
name = "east"
prefixes = ["198.51.100.0/25"]
[[rule]]
name = "op25b"
from = "subscribers"
to = "*"
action = "refuse"
stage = "observe"
note = "from April on"
steps = [
    { at = 2027-04-01T09:00:00+09:00, stage = "enforce", to = "mobile" },
    { at = 2027-05-01, stage = "enforce", regions = ["east"], share = 10 },
    { at = 2027-06-01T07:30:00, stage = "enforce" },
]
[[rule]]
name = "slow"
from = "mobile"
to = "*"
action = "limit"
rate = "30/1h"
regions = ["east"]
share = 50
)toml";

TEST(Config, StepsOfARuleHaveDatesInTheMachinesZoneOrTheirOwn) {
    const char* before = std::getenv("TZ");
    const std::string old = before == nullptr ? "" : before;
    setenv("TZ", "Asia/Tokyo", 1);
    tzset();
    const auto loaded = parse(kStaged, "f");
    if (before == nullptr) {
        unsetenv("TZ");
    } else {
        setenv("TZ", old.c_str(), 1);
    }
    tzset();
    ASSERT_TRUE(loaded) << loaded.error().front().message();
    const policy::RuleSource& rule = loaded->policy.rules.at(0);
    ASSERT_EQ(rule.steps.size(), 3U);
    EXPECT_EQ(rfc3339(rule.steps[0].at), "2027-04-01T00:00:00.000Z");
    EXPECT_EQ(rule.steps[0].to, "mobile");
    EXPECT_EQ(rule.steps[0].origin, "f:20");
    EXPECT_EQ(rfc3339(rule.steps[1].at), "2027-04-30T15:00:00.000Z");
    EXPECT_EQ(rfc3339(rule.steps[2].at), "2027-05-31T22:30:00.000Z");
    EXPECT_EQ(rule.steps[1].scope, (policy::Scope{{"east"}, 10}));
    EXPECT_EQ(loaded->policy.rules.at(1).scope, (policy::Scope{{"east"}, 50}));
    EXPECT_EQ(loaded->policy.regions.at(0).prefixes.size(), 1U);
}

TEST(Config, BadStepsSayWhere) {
    const auto with = [](const std::string& steps) {
        return first_problem(
            "[[rule]]\nname = \"r\"\nfrom = \"*\"\nto = \"*\"\nsteps = " + steps + "\n"
        );
    };
    EXPECT_EQ(with("[]"), "no problem");
    EXPECT_NE(with("[{ at = 2027-04-01 }]").find("stage: is missing"), std::string::npos);
    EXPECT_NE(with("[{ stage = \"enforce\" }]").find("at: is missing"), std::string::npos);
    EXPECT_NE(
        with("[{ at = \"2027-04-01\", stage = \"enforce\" }]").find("without quotes"),
        std::string::npos
    );
    EXPECT_NE(
        with("[{ at = 2027-04-01, stage = \"enforced\" }]").find("stage: expected one of"),
        std::string::npos
    );
    EXPECT_NE(
        with("[{ at = 2027-04-01, stage = \"enforce\", region = \"x\" }]")
            .find("region: a step has"),
        std::string::npos
    );
    EXPECT_NE(
        with("[{ at = 2027-04-01, stage = \"enforce\", share = 101 }]").find("share: expected"),
        std::string::npos
    );
    EXPECT_NE(with("\"2027-04-01\"").find("expected a list"), std::string::npos);
    EXPECT_NE(
        with("[{ at = 2027-04-01, stage = \"enforce\", regions = [\"nowhere\"] }]").find("nowhere"),
        std::string::npos
    );
}

TEST(Config, APolicysTextIsReadAsTheSamePolicy) {
    const auto loaded = parse(kStaged, "f");
    ASSERT_TRUE(loaded);
    const std::string text = policy_text(loaded->policy);
    const auto again = parse(text, "again");
    ASSERT_TRUE(again) << again.error().front().message() << "\n" << text;
    EXPECT_EQ(policy_text(again->policy), text);
    EXPECT_EQ(again->policy.classes.at(0).note, loaded->policy.classes.at(0).note);
    EXPECT_EQ(again->policy.rules.at(0).steps.size(), 3U);
    EXPECT_EQ(again->policy.rules.at(0).steps[1].at, loaded->policy.rules.at(0).steps[1].at);
    EXPECT_EQ(again->policy.rules.at(1).rate.text(), "30/1h");
    const auto a = policy::Policy::compile(loaded->policy);
    const auto b = policy::Policy::compile(again->policy);
    ASSERT_TRUE(a && b);
    EXPECT_EQ((*a)->digest(), (*b)->digest());
    EXPECT_EQ(policy_text({}), "");
}

TEST(Config, TheReferencePageInDocsIsUpToDate) {
    const auto page = read_file(std::string(SEKISHO_SOURCE_DIR) + "/docs/configuration.md");
    ASSERT_TRUE(page) << page.error().message;
    EXPECT_EQ(*page, reference_markdown())
        << "write it anew: sekisho config reference > docs/configuration.md";
}

}  // namespace
}  // namespace sekisho::config
