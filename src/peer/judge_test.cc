#include "peer/judge.h"

#include "base/ip.h"
#include "peer/evidence.h"
#include "peer/name_patterns.h"
#include "peer/past.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::peer {
namespace {

using testing::HasSubstr;

Facts from(const char* address) {
    Facts facts;
    facts.address = *IpAddress::parse(address);
    facts.our_names = {"mx.example.net", "example.net"};
    return facts;
}

Facts named(const char* address, const char* name, const char* helo, bool leads_back) {
    Facts facts = from(address);
    facts.ptr_names = {name};
    facts.confirmed = {name};
    facts.helo = helo;
    facts.helo_leads_back = leads_back;
    return facts;
}

int usual(Kind kind) {
    return Rules{}.of(kind).weight;
}

struct Row {
    const char* what;
    Facts facts;
    Opinion opinion;
};

std::vector<Row> rows() {
    std::vector<Row> rows;
    const auto add = [&](const char* what, Facts facts, Opinion opinion) {
        rows.push_back({what, std::move(facts), opinion});
    };
    add("a provider's outgoing server",
        named("192.0.2.25", "smtp-out1.example.com", "smtp-out1.example.com", true),
        Opinion::Server);
    add("a small server with a name of its own",
        named("192.0.2.25", "kaze.example.org", "kaze.example.org", true),
        Opinion::Server);
    add("a rented machine with its provider's name that greets by its own",
        named("203.0.113.7", "ik1-123-45678.vs.sakura.ne.jp", "mail.example.org", true),
        Opinion::Server);
    add("a server at home on a dynamic line, well set up: not certain",
        named("198.51.100.7", "ppp-198-51-100-7.dyn.example.com", "mail.example.org", true),
        Opinion::Unknown);
    add("an infected PC on a dynamic line",
        named("198.51.100.7", "ppp-198-51-100-7.dyn.example.com", "DESKTOP-4F2K", false),
        Opinion::Client);
    add("one that takes its line's name for its greeting",
        named(
            "126.12.34.56",
            "softbank126012034056.bbtec.net",
            "softbank126012034056.bbtec.net",
            false
        ),
        Opinion::Client);
    Facts program = named("192.0.2.9", "gw.example.org", "[192.168.0.5]", false);
    program.helo_leads_back.reset();
    add("a mail program behind an office router", program, Opinion::Unknown);
    Facts home = named("124.144.12.34", "124-144-12-34.rev.home.ne.jp", "[192.168.0.5]", false);
    add("a mail program at home", home, Opinion::Client);
    Facts nameless = from("198.51.100.7");
    nameless.helo = "[198.51.100.7]";
    add("no name at all", nameless, Opinion::Client);
    Facts unsure = from("198.51.100.7");
    unsure.names_known = false;
    unsure.helo = "mail.example.org";
    add("the DNS is away: no evidence", unsure, Opinion::Unknown);
    Facts liar = named("192.0.2.25", "kaze.example.org", "mx.example.net", false);
    liar.early_talker = true;
    add("one that greets with our name, too early", liar, Opinion::Client);
    Facts declared = named("198.51.100.7", "smtp-out1.example.com", "smtp-out1.example.com", true);
    declared.policy_class = "others-dynamic";
    declared.tls = true;
    add("a partner declared the network dynamic", declared, Opinion::Unknown);
    Facts declared_client = from("198.51.100.7");
    declared_client.policy_class = "others-dynamic";
    add("the same without a name", declared_client, Opinion::Client);
    Facts trusted = from("198.51.100.7");
    trusted.policy_class = "mail-servers";
    trusted.helo = "odd";
    add("the operator declared a mail server", trusted, Opinion::Server);
    Facts forged = from("198.51.100.7");
    forged.ptr_names = {"mail.bank.example"};
    forged.helo = "mail.bank.example";
    forged.helo_leads_back = false;
    add("a forged PTR never speaks for a server", forged, Opinion::Unknown);
    add("before its greeting and its names are known", from("198.51.100.7"), Opinion::Unknown);
    return rows;
}

TEST(Judge, RealisticPeers) {
    for (const Row& row : rows()) {
        const Judgement judgement = judge(row.facts);
        EXPECT_EQ(name(judgement.opinion), name(row.opinion))
            << row.what << ": " << judgement.text();
        int sum = 0;
        for (const Reason& reason : judgement.reasons) {
            EXPECT_FALSE(reason.sentence.empty());
            sum += reason.weight;
        }
        EXPECT_EQ(sum, judgement.score) << "every point is explained";
    }
}

TEST(Judge, TheForgedNameCountsNothing) {
    Facts facts = from("198.51.100.7");
    facts.ptr_names = {"mail.bank.example"};
    EXPECT_EQ(judge(facts).score, usual(Kind::NameUnconfirmed));
    facts.ptr_names = {"ppp.dyn.example.com"};
    EXPECT_EQ(judge(facts).score, usual(Kind::NameUnconfirmed) + usual(Kind::NameDynamic));
}

TEST(Judge, SaysWhyHeaviestFirst) {
    const Judgement judgement =
        judge(named("198.51.100.7", "ppp-198-51-100-7.dyn.example.com", "DESKTOP\r\n", false));
    EXPECT_EQ(
        judgement.text(),
        "client (-55): its name ppp-198-51-100-7.dyn.example.com looks like a subscriber's line "
        "(\"dyn\"); it greets as \"DESKTOP\\x0d\\x0a\", which is not a full host name; its name "
        "ppp-198-51-100-7.dyn.example.com leads back to its address"
    );
}

TEST(Judge, OfSeveralNamesTheWorstCounts) {
    Facts facts = from("198.51.100.7");
    facts.ptr_names = facts.confirmed = {"mail.example.org", "ppp-7.dyn.example.com"};
    const Judgement judgement = judge(facts);
    EXPECT_EQ(judgement.score, usual(Kind::NameConfirmed) + usual(Kind::NameDynamic));
    EXPECT_THAT(judgement.text(), HasSubstr("ppp-7.dyn.example.com looks like"));
}

TEST(Judge, WeightsAreTheCallers) {
    Rules rules;
    rules.of(Kind::NoName).weight = 0;
    rules.client_at = -1000;
    Facts facts = from("198.51.100.7");
    EXPECT_TRUE(judge(facts, rules).reasons.empty());
    facts.early_talker = true;
    EXPECT_EQ(judge(facts, rules).opinion, Opinion::Unknown);
    EXPECT_EQ(judge(facts).opinion, Opinion::Client);
}

// Everything at once that can be said of a peer, so that each kind is found.
Facts everything() {
    Facts facts = named("198.51.100.7", "ppp-7.dyn.example.com", "ppp-7.dyn.example.com", true);
    facts.early_talker = facts.bare_newline = facts.tls = true;
    facts.spf_domain = "example.org";
    facts.listings = {{"bl.example", "127.0.0.2", -25}, {"wl.example", "127.0.10.1", 40}};
    facts.policy_class = "others-dynamic";
    facts.own_line = "L-17";
    facts.dynamic_network = "198.51.100.0/24";
    facts.past = {Record::Bad, "it was refused"};
    return facts;
}

TEST(Judge, EachKindCanBeSwitchedAndHasAnActionOfItsOwn) {
    const Judgement usually = judge(everything());
    EXPECT_EQ(usually.reasons.size(), 15U) << usually.text();
    for (const Reason& found : usually.reasons) {
        SCOPED_TRACE(name(found.kind));
        Rules rules;
        rules.of(found.kind).basis = "decision 7";
        rules.of(found.kind).action = Action::Off;
        const Judgement off = judge(everything(), rules);
        EXPECT_EQ(off.reasons.size(), usually.reasons.size() - 1);
        EXPECT_EQ(off.score, usually.score - found.weight);

        rules.of(found.kind).action = Action::Note;
        const Judgement noted = judge(everything(), rules);
        EXPECT_EQ(noted.score, usually.score - found.weight);
        EXPECT_EQ(noted.reasons.back().kind, found.kind) << "it is told, last";
        EXPECT_EQ(noted.reasons.back().basis, "decision 7");
        EXPECT_THAT(noted.text(), HasSubstr(found.sentence + ", which counts for nothing"));

        rules.of(found.kind).action = Action::Accept;
        const Judgement accepted = judge(everything(), rules);
        EXPECT_EQ(accepted.opinion, Opinion::Server);
        EXPECT_EQ(accepted.reasons.front().kind, found.kind) << "what settles it is told first";

        rules.of(found.kind).action = Action::Delay;
        EXPECT_TRUE(judge(everything(), rules).delay);
        EXPECT_FALSE(usually.delay);
    }
}

TEST(Judge, OneKindMayRefuseWhateverTheSumIs) {
    Facts facts = named("192.0.2.25", "smtp-out1.example.com", "smtp-out1.example.com", true);
    facts.bare_newline = true;
    EXPECT_EQ(judge(facts).opinion, Opinion::Server);
    Rules rules;
    rules.of(Kind::BareNewline).action = Action::Refuse;
    const Judgement refused = judge(facts, rules);
    EXPECT_EQ(refused.opinion, Opinion::Client);
    EXPECT_THAT(refused.text(), testing::StartsWith("client (+50): it ended a line without CRLF"));
    // Whom the operator accepts by a list stays accepted.
    rules.of(Kind::KnownList).action = Action::Accept;
    facts.listings = {{"wl.example", "127.0.10.1", 10}};
    EXPECT_EQ(judge(facts, rules).opinion, Opinion::Server);
}

TEST(Judge, OfSeveralNamesOneIsJudgedByWhatIsSwitchedOn) {
    Facts facts = from("198.51.100.7");
    facts.ptr_names = facts.confirmed = {"mail.example.org", "ppp-7.dyn.example.com"};
    Rules rules;
    rules.of(Kind::NameDynamic).action = Action::Off;
    EXPECT_EQ(judge(facts, rules).score, usual(Kind::NameConfirmed) + usual(Kind::NameMail));
}

TEST(Judge, TheOperatorsWordsCount) {
    const Facts facts = named("198.51.100.7", "kaisen7.example.com", "kaisen7.example.com", true);
    EXPECT_EQ(judge(facts).opinion, Opinion::Server);
    const auto patterns = NamePatterns::built_in().with("[dynamic]\nkaisen\n");
    ASSERT_TRUE(patterns);
    EXPECT_EQ(judge(facts, {}, *patterns).opinion, Opinion::Unknown);
}

TEST(Judge, SpfAndListsCountWithTheirWeights) {
    Facts facts = from("192.0.2.25");
    facts.spf_domain = "example.org";
    facts.listings = {{"bl.example", "127.0.0.2", -25}, {"wl.example", "127.0.10.1", 40}};
    const Judgement judgement = judge(facts);
    EXPECT_EQ(judgement.score, -25 + 15 - 25 + 40);
    EXPECT_EQ(judgement.opinion, Opinion::Unknown);
    EXPECT_THAT(
        judgement.text(), HasSubstr("on the list of known servers wl.example (127.0.10.1)")
    );
    EXPECT_THAT(judgement.text(), HasSubstr("on the block list bl.example (127.0.0.2)"));
    EXPECT_THAT(judgement.text(), HasSubstr("SPF record of example.org names it as a sender"));
}

// Neither makes a judgement by itself.
TEST(Judge, OneListOrSpfAloneDecidesNothing) {
    Facts facts = named("192.0.2.25", "ik1-123-45678.vs.sakura.ne.jp", "", false);
    const int before = judge(facts).score;
    facts.spf_domain = "example.org";
    EXPECT_EQ(judge(facts).score, before + usual(Kind::SpfPass));
    EXPECT_LT(usual(Kind::SpfPass), Rules{}.server_at);
}

}  // namespace
}  // namespace sekisho::peer
