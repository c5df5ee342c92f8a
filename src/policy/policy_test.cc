#include "policy/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>

namespace sekisho::policy {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;

Prefix prefix(const char* text) {
    return *Prefix::parse(text);
}
IpAddress ip(const char* text) {
    return *IpAddress::parse(text);
}
ClassSource group(const char* name, std::vector<const char*> prefixes, const char* origin = "") {
    ClassSource c{name, "", {}, origin};
    for (const char* text : prefixes) {
        c.prefixes.push_back(prefix(text));
    }
    return c;
}
RuleSource rule(
    const char* name, const char* from, const char* to, Action action, Stage stage = Stage::Enforce
) {
    return RuleSource{
        name,
        from,
        to,
        action,
        stage,
        "",
        "",
        action == Action::Limit ? *Rate::parse("30/1h") : Rate{}
    };
}
std::string error_of(const Source& source) {
    const auto compiled = Policy::compile(source);
    return compiled ? std::string() : compiled.error().message;
}

Source op25b() {
    Source source;
    source.classes = {
        group("subscribers", {"198.51.100.0/24", "2001:db8:1::/48"}),
        group("static", {"198.51.100.128/28", "2001:db8:1:ff::/64"}),
        group("exchange", {"192.0.2.25", "2001:db8::25"}),
    };
    source.rules = {
        rule("own-exchange", "subscribers", "exchange", Action::Drop, Stage::Observe),
        rule("op25b", "subscribers", "*", Action::Refuse),
    };
    return source;
}

TEST(Policy, TheLongestPrefixDecidesTheClass) {
    const auto p = *Policy::compile(op25b());
    EXPECT_EQ(p->classes()[p->classify(ip("198.51.100.127"))].name, "subscribers");
    EXPECT_EQ(p->classes()[p->classify(ip("198.51.100.128"))].name, "static");
    EXPECT_EQ(p->classes()[p->classify(ip("198.51.100.143"))].name, "static");
    EXPECT_EQ(p->classes()[p->classify(ip("198.51.100.144"))].name, "subscribers");
    EXPECT_EQ(p->classes()[p->classify(ip("198.51.101.0"))].name, "outside");
    EXPECT_EQ(p->classes()[p->classify(ip("198.51.99.255"))].name, "outside");
    EXPECT_EQ(p->classes()[p->classify(ip("2001:db8:1:ff::1"))].name, "static");
    EXPECT_EQ(p->classes()[p->classify(ip("2001:db8:1:100::"))].name, "subscribers");
    EXPECT_EQ(p->classify(ip("2001:db8:2::")), 0);
    EXPECT_EQ(p->matched(ip("2001:db8:1:ff::1"))->text(), "2001:db8:1:ff::/64");
    EXPECT_FALSE(p->matched(ip("203.0.113.1")));
}

TEST(Policy, TheFirstRuleThatNamesBothClassesDecides) {
    const auto p = *Policy::compile(op25b());
    const Verdict own = p->judge(ip("198.51.100.1"), ip("192.0.2.25"), Direction::ToPort25);
    EXPECT_EQ(own.rule, 0);
    EXPECT_EQ(own.action, Action::Pass);
    EXPECT_EQ(own.declared, Action::Drop);
    EXPECT_TRUE(own.would_block());
    const Verdict out = p->judge(ip("198.51.100.1"), ip("203.0.113.1"), Direction::ToPort25);
    EXPECT_EQ(out.rule, 1);
    EXPECT_EQ(out.action, Action::Refuse);
    EXPECT_FALSE(out.would_block());
}

TEST(Policy, TheAnswerIsJudgedByTheSameCellAsTheQuestion) {
    const auto p = *Policy::compile(op25b());
    const Verdict answer = p->judge(ip("203.0.113.1"), ip("198.51.100.1"), Direction::FromPort25);
    EXPECT_EQ(answer.rule, 1);
    EXPECT_EQ(p->classes()[answer.client].name, "subscribers");
    EXPECT_EQ(p->classes()[answer.server].name, "outside");
    // The subscriber's own server answering somebody outside is another flow, which no rule names.
    EXPECT_EQ(p->judge(ip("198.51.100.1"), ip("203.0.113.1"), Direction::FromPort25).rule, -1);
}

TEST(Policy, WhatNoRuleNamesPasses) {
    const auto p = *Policy::compile(op25b());
    const Verdict v = p->judge(ip("198.51.100.130"), ip("203.0.113.1"), Direction::ToPort25);
    EXPECT_EQ(v.rule, -1);
    EXPECT_EQ(v.action, Action::Pass);
    EXPECT_FALSE(blocks(v.declared));
}

TEST(Policy, BothPortsBeing25MeetsBothDirections) {
    const auto p = *Policy::compile(op25b());
    const Endpoint line{ip("198.51.100.1"), 25};
    const Endpoint outside{ip("203.0.113.1"), 25};
    const auto out = judge_packet(*p, line, outside);
    ASSERT_EQ(out.size(), 1U);  // blocked as one to port 25; nothing more to ask
    EXPECT_EQ(out[0].verdict.action, Action::Refuse);
    const auto back = judge_packet(*p, outside, line);
    ASSERT_EQ(back.size(), 2U);
    EXPECT_EQ(back[0].verdict.action, Action::Pass);
    EXPECT_EQ(back[1].verdict.action, Action::Refuse);
    EXPECT_EQ(back[1].direction, Direction::FromPort25);
    EXPECT_TRUE(judge_packet(*p, {ip("198.51.100.1"), 4000}, {ip("203.0.113.1"), 587}).empty());
}

TEST(Policy, TheDefaultClassCanBeNamedAndCarvedOut) {
    Source source;
    source.default_class = "world";
    source.classes = {
        group("pool", {"10.0.0.0/8"}),
        group("world", {"10.1.0.0/16"}),
    };
    source.rules = {rule("closed", "pool", "world", Action::Drop)};
    const auto p = *Policy::compile(source);
    ASSERT_EQ(p->classes().size(), 2U);
    EXPECT_EQ(p->classes()[0].name, "world");
    EXPECT_EQ(p->classes()[0].prefixes, 1U);
    EXPECT_EQ(p->classify(ip("10.1.2.3")), 0);
    EXPECT_EQ(p->matched(ip("10.1.2.3"))->text(), "10.1.0.0/16");
    EXPECT_EQ(p->classify(ip("10.2.0.0")), p->find_class("pool")->id);
    EXPECT_EQ(p->find_class("outside"), nullptr);
}

TEST(Policy, TheEndsOfTheAddressSpacesAreInside) {
    Source source;
    source.classes = {
        group("all", {"0.0.0.0/0", "::/0"}),
        group("top", {"255.255.255.255", "ff00::/8"}),
        group("bottom", {"0.0.0.0", "::/128"}),
        group("low", {"::/80"})
    };
    const auto p = *Policy::compile(source);
    const auto class_of = [&](const char* text) {
        return p->classes()[p->classify(ip(text))].name;
    };
    EXPECT_EQ(class_of("0.0.0.0"), "bottom");
    EXPECT_EQ(class_of("0.0.0.1"), "all");
    EXPECT_EQ(class_of("255.255.255.254"), "all");
    EXPECT_EQ(class_of("255.255.255.255"), "top");
    EXPECT_EQ(class_of("::"), "bottom");
    EXPECT_EQ(class_of("::1"), "low");
    EXPECT_EQ(class_of("::1:0:0:0"), "all");
    EXPECT_EQ(class_of("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), "top");
}

TEST(Policy, ErrorsNameBothOrigins) {
    Source source = op25b();
    source.classes[0].origin = "s.toml:3";
    source.classes.push_back(group("roaming", {"198.51.100.0/24"}, "s.toml:9"));
    EXPECT_EQ(
        error_of(source),
        "s.toml:9: 198.51.100.0/24 is in class \"roaming\" and in class \"subscribers\" "
        "(s.toml:3); "
        "an address belongs to one class"
    );
    source = op25b();
    source.classes.push_back(group("static", {}, "s.toml:9"));
    EXPECT_EQ(error_of(source), "s.toml:9: class \"static\" is declared already");
    source = op25b();
    source.rules.push_back(rule("op25b", "*", "*", Action::Pass));
    source.rules[1].origin = "a:1";
    source.rules[2].origin = "b:2";
    EXPECT_EQ(error_of(source), "b:2: rule \"op25b\" is declared already (a:1)");
    source = op25b();
    source.rules[0].to = "exchnage";
    source.rules[0].origin = "a:1";
    EXPECT_EQ(
        error_of(source),
        "a:1: rule \"own-exchange\" names class \"exchnage\", which is not declared"
    );
}

TEST(Policy, NamesAreWordsAndNumbersAreBounded) {
    Source source;
    for (const char* bad : {"", "*", "-a", "a b", "a\"b", "\xe9"}) {
        source.classes = {group(bad, {})};
        EXPECT_THAT(error_of(source), HasSubstr("class name")) << bad;
    }
    source.classes.clear();
    for (std::size_t i = 0; i + 1 < kClassesMax; ++i) {
        source.classes.push_back(group(("c" + std::to_string(i)).c_str(), {}));
    }
    EXPECT_EQ(error_of(source), "");
    source.classes.push_back(group("extra", {}, "x:1"));
    EXPECT_THAT(error_of(source), HasSubstr("x:1: class \"extra\" is one too many"));
    source.classes.clear();
    for (std::size_t i = 0; i <= kRulesMax; ++i) {
        source.rules.push_back(rule(("r" + std::to_string(i)).c_str(), "*", "*", Action::Pass));
    }
    EXPECT_EQ(error_of(source), "more than 4096 rules");
}

TEST(Policy, TheSamePrefixTwiceInOneClassIsOnePrefix) {
    Source source;
    source.classes = {group("a", {"10.0.0.0/8", "10.0.0.0/8"})};
    const auto p = *Policy::compile(source);
    EXPECT_EQ(p->prefixes().size(), 1U);
    EXPECT_EQ(p->classes()[1].prefixes, 1U);
}

TEST(Policy, TheDigestFollowsMeaningNotOrderOrPlace) {
    Source source = op25b();
    const std::string digest = (*Policy::compile(source))->digest();
    std::swap(source.classes[0].prefixes[0], source.classes[0].prefixes[1]);
    source.rules[0].origin = "elsewhere:1";
    EXPECT_EQ((*Policy::compile(source))->digest(), digest);
    source.rules[0].stage = Stage::Enforce;
    EXPECT_NE((*Policy::compile(source))->digest(), digest);
    source = op25b();
    source.classes[0].prefixes[0] = prefix("198.51.100.0/25");
    EXPECT_NE((*Policy::compile(source))->digest(), digest);
}

TEST(Policy, WithStageChangesEveryRuleAndNothingElse) {
    const auto p = *Policy::compile(op25b());
    const auto observed = with_stage(*p, Stage::Observe);
    const Verdict v = observed->judge(ip("198.51.100.1"), ip("203.0.113.1"), Direction::ToPort25);
    EXPECT_EQ(v.action, Action::Pass);
    EXPECT_EQ(v.declared, Action::Refuse);
    EXPECT_NE(observed->digest(), p->digest());
    EXPECT_EQ(with_stage(*observed, Stage::Enforce)->rules()[0].stage, Stage::Enforce);
}

// Against the definition: of all prefixes that contain the address, the longest.
TEST(Policy, AgreesWithALinearSearchOnRandomNestedPrefixes) {
    std::mt19937_64 random(25);
    for (int round = 0; round < 20; ++round) {
        Source source;
        for (const char* name : {"a", "b", "c"}) {
            source.classes.push_back(group(name, {}));
        }
        std::vector<std::pair<Prefix, std::size_t>> all;
        std::vector<IpAddress> probes;
        for (int i = 0; i < 200; ++i) {
            const bool v4 = random() % 2 == 0;
            std::array<std::uint8_t, 16> bytes{0x20, 0x01};
            for (std::size_t b = 2; b < 16; ++b) {  // few distinct bytes, so that prefixes nest
                bytes[b] = static_cast<std::uint8_t>((random() % 3) * 0x7f);
            }
            const IpAddress address =
                v4 ? IpAddress::v4(
                         static_cast<std::uint32_t>((random() & 0x0303ff7fU) | 0x0a000000U)
                     )
                   : IpAddress::v6(bytes);
            const Prefix p(
                address, static_cast<int>(random() % static_cast<unsigned>(address.bits() + 1))
            );
            probes.push_back(address);
            probes.push_back(p.address());
            probes.push_back(p.last());
            if (std::none_of(all.begin(), all.end(), [&](const auto& e) { return e.first == p; })) {
                all.emplace_back(p, random() % 3);
                source.classes[all.back().second].prefixes.push_back(p);
            }
        }
        const auto policy = Policy::compile(source);
        ASSERT_TRUE(policy) << policy.error().message;
        for (const IpAddress& probe : probes) {
            const std::pair<Prefix, std::size_t>* best = nullptr;
            for (const auto& entry : all) {
                if (entry.first.contains(probe) &&
                    (best == nullptr || entry.first.length() > best->first.length())) {
                    best = &entry;
                }
            }
            const ClassId expected = best == nullptr ? 0 : static_cast<ClassId>(best->second + 1);
            ASSERT_EQ((*policy)->classify(probe), expected) << probe.text();
            ASSERT_EQ((*policy)->matched(probe).has_value(), best != nullptr);
            if (best != nullptr) {
                ASSERT_EQ(*(*policy)->matched(probe), best->first);
            }
        }
    }
}

TEST(Explain, NamesClassPrefixRuleStageAndBothDirections) {
    Source source = op25b();
    source.rules[1].note = "sent past our server";
    source.rules[1].origin = "sekisho.toml:40";
    const auto p = *Policy::compile(source);
    const auto lines = explain(*p, ip("198.51.100.1"), ip("203.0.113.1"));
    EXPECT_THAT(lines[0], AllOf(HasSubstr("\"subscribers\""), HasSubstr("198.51.100.0/24")));
    EXPECT_THAT(lines[1], HasSubstr("the default class"));
    EXPECT_THAT(lines, Contains(AllOf(HasSubstr("rule \"op25b\""), HasSubstr("sekisho.toml:40"))));
    EXPECT_THAT(lines, Contains(HasSubstr("sent past our server")));
    EXPECT_THAT(
        lines,
        Contains("  packet 198.51.100.1 -> 203.0.113.1:25 is refused at once with a TCP reset")
    );
    EXPECT_THAT(lines, Contains("  answer 203.0.113.1:25 -> 198.51.100.1 is dropped"));
    // The other way round nothing names the pair, and the hint says what would.
    EXPECT_THAT(lines, Contains(HasSubstr("no rule names \"outside\" -> \"subscribers\"")));
    EXPECT_THAT(lines, Contains(AllOf(HasSubstr("to close it"), HasSubstr("from = \"outside\""))));
}

TEST(Explain, SaysWhatAStageWouldDo) {
    const auto p = *Policy::compile(op25b());
    const auto lines = explain(*p, ip("198.51.100.1"), ip("192.0.2.25"));
    EXPECT_THAT(
        lines, Contains(AllOf(HasSubstr("stage observe"), HasSubstr("would be blocked (drop)")))
    );
    EXPECT_THAT(
        explain(*p, ip("198.51.100.1"), ip("2001:db8::25")),
        Contains(HasSubstr("no packet runs between them"))
    );
}

TEST(Words, ReadBackWhatTheyWrite) {
    for (int i = 0; i < 6; ++i) {
        EXPECT_EQ(parse_action(name(static_cast<Action>(i))), static_cast<Action>(i));
    }
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(parse_stage(name(static_cast<Stage>(i))), static_cast<Stage>(i));
    }
    EXPECT_FALSE(parse_action("block"));
    EXPECT_FALSE(parse_stage("Enforce"));
}

TEST(Rates, AreParsedAndShown) {
    const auto rate = Rate::parse("30/1h");
    ASSERT_TRUE(rate);
    EXPECT_EQ(rate->connections, 30U);
    EXPECT_EQ(rate->per, std::chrono::hours(1));
    EXPECT_EQ(rate->text(), "30/1h");
    for (const char* bad :
         {"", "30", "30/", "/1h", "0/1h", "-1/1h", "30/0s", "30/8d", "1000001/1s", "3x/1h", "30/1h "
         }) {
        EXPECT_FALSE(Rate::parse(bad)) << bad;
    }
}

TEST(Rates, BelongToTheActionLimitAndToNoOther) {
    Source source;
    source.rules = {rule("slow", "*", "*", Action::Limit)};
    EXPECT_TRUE(Policy::compile(source));
    const std::string digest = (*Policy::compile(source))->digest();
    source.rules[0].rate.connections = 31;
    EXPECT_NE((*Policy::compile(source))->digest(), digest);
    source.rules[0].rate = {};
    const auto missing = Policy::compile(source);
    ASSERT_FALSE(missing);
    EXPECT_NE(missing.error().message.find("needs a rate"), std::string::npos);
    source.rules[0] = rule("no", "*", "*", Action::Refuse);
    source.rules[0].rate = *Rate::parse("30/1h");
    EXPECT_FALSE(Policy::compile(source));
}

}  // namespace
}  // namespace sekisho::policy
