#include "gate/render/nftables.h"

#include "base/file.h"

#include <cstdlib>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sekisho::gate {
namespace {

using policy::Action;
using policy::Stage;
using testing::HasSubstr;
using testing::Not;

policy::ClassSource group(const char* name, const std::vector<const char*>& prefixes) {
    policy::ClassSource out{name, "", {}, ""};
    for (const char* text : prefixes) {
        out.prefixes.push_back(*Prefix::parse(text));
    }
    return out;
}
policy::RuleSource rule(
    const char* name, const char* from, const char* to, Action action, Stage stage = Stage::Enforce
) {
    policy::Rate rate;
    if (action == Action::Limit) {
        rate = *policy::Rate::parse("30/1h");
    }
    return {name, from, to, action, stage, "", "", rate};
}
std::shared_ptr<const policy::Policy> compile(const policy::Source& source) {
    return *policy::Policy::compile(source);
}

// Compares with tests/golden/gate_render/NAME.nft; SEKISHO_GOLDEN=update writes it.
void expect_golden(const std::string& name, const std::string& text) {
    const std::string path =
        std::string(SEKISHO_SOURCE_DIR) + "/tests/golden/gate_render/" + name + ".nft";
    const char* update = std::getenv("SEKISHO_GOLDEN");  // NOLINT(concurrency-mt-unsafe)
    if (update != nullptr && std::string(update) == "update") {
        ASSERT_TRUE(write_file_atomic(path, text));
    }
    const auto expected = read_file(path);
    ASSERT_TRUE(expected) << expected.error().message;
    EXPECT_EQ(text, *expected) << "SEKISHO_GOLDEN=update accepts the new text";
}

policy::Source founding_page() {
    policy::Source source;
    source.classes = {
        group("subscribers", {"198.51.100.0/24", "2001:db8:1::/48"}),
        group("static", {"198.51.100.128/28", "198.51.100.7", "2001:db8:1:ff::/64"}),
        group("roaming", {"10.64.0.0/10"}),
        group("exchange", {"192.0.2.25", "2001:db8::25"}),
        group("empty", {}),
    };
    source.rules = {
        rule("own-exchange", "subscribers", "exchange", Action::Refuse),
        rule("static-pass", "static", "*", Action::Pass),
        rule("op25b", "subscribers", "*", Action::Refuse),
        rule("op25b-roaming", "roaming", "*", Action::Drop, Stage::Observe),
        rule("ip25b", "outside", "exchange", Action::Limit),
        rule("tell", "outside", "subscribers", Action::Answer),
    };
    return source;
}

TEST(Nftables, TheFoundingPage) {
    expect_golden("founding_page", render_nftables(*compile(founding_page())).text);
}

TEST(Nftables, AnEmptyPolicyOnTwoInterfaces) {
    NftOptions options;
    options.interfaces = {"eth0", "eth1"};
    options.priority = 5;
    expect_golden("empty", render_nftables(*compile({}), options).text);
}

TEST(Nftables, APrefixInsideAnotherClassIsCutOutOfIt) {
    policy::Source source;
    source.classes = {
        group("pool", {"10.0.0.0/8", "2001:db8::/32"}),
        group("hole", {"10.1.2.3", "2001:db8:0:1::/64"}),
        group("outside", {"10.255.0.0/16"}),  // the default class, carved out
    };
    const std::string text = render_nftables(*compile(source)).text;
    EXPECT_THAT(
        text, HasSubstr("elements = { 10.0.0.0-10.1.2.2,\n\t\t\t10.1.2.4-10.254.255.255 }")
    );
    EXPECT_THAT(text, HasSubstr("elements = { 10.1.2.3 }"));
    EXPECT_THAT(
        text,
        HasSubstr("elements = { 2001:db8::/64,\n\t\t\t"
                  "2001:db8:0:2::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff }")
    );
    EXPECT_THAT(text, Not(HasSubstr("10.255.0.0")));
}

TEST(Nftables, NeighboursOfOneClassAreOneElement) {
    policy::Source source;
    source.classes = {group("pool", {"10.0.0.0/9", "10.128.0.0/9", "10.3.0.0/16"})};
    EXPECT_THAT(render_nftables(*compile(source)).text, HasSubstr("elements = { 10.0.0.0/8 }"));
}

TEST(Nftables, DowngradesAreListed) {
    NftOptions options;
    const auto downgrades = render_nftables(*compile(founding_page()), options).downgrades;
    ASSERT_EQ(downgrades.size(), 1U);
    EXPECT_EQ(downgrades[0].rule, "tell");
    EXPECT_EQ(downgrades[0].used, Action::Refuse);
    EXPECT_EQ(downgrades[0].reason, "no responder runs here: connections are refused");
    options.handover = {2525, 2526, 0x25};
    EXPECT_TRUE(render_nftables(*compile(founding_page()), options).downgrades.empty());
}

// Answered for one client class towards all but one, and for all clients towards one.
policy::Source answering() {
    policy::Source source;
    source.classes = {
        group("subscribers", {"198.51.100.0/24", "2001:db8:1::/48"}),
        group("static", {"198.51.100.128/28"}),
        group("exchange", {"192.0.2.25", "2001:db8::25"}),
        group("unused", {"192.0.2.128/25"}),
    };
    source.rules = {
        rule("own-exchange", "subscribers", "exchange", Action::Pass),
        rule("op25b", "subscribers", "*", Action::Answer),
        rule("later", "static", "*", Action::Answer, Stage::Notify),
    };
    return source;
}

TEST(Nftables, PacketsOfAnAnswerAreHandedOverBeforeRouting) {
    NftOptions options;
    options.interfaces = {"eth0"};
    options.handover = {2525, 2526, 0x25};
    expect_golden("answering", render_nftables(*compile(answering()), options).text);
}

TEST(Nftables, TheHandoverAloneHasNoMoreThanItTakes) {
    NftOptions options;
    options.handover = {2525, 0, 0x25};
    const NftHandoverRendering alone = render_nft_handover(*compile(answering()), options);
    EXPECT_EQ(alone.prefixes, 5U) << "subscribers in three parts, the exchange in two";
    expect_golden("handover", alone.text);

    policy::Source everybody = answering();
    everybody.rules = {
        rule("ip25b", "outside", "exchange", Action::Answer),
        rule("mail-out", "*", "unused", Action::Answer),
    };
    options.handover->port_v6 = 2526;
    const NftHandoverRendering all = render_nft_handover(*compile(everybody), options);
    expect_golden("handover_everybody", all.text);
    EXPECT_TRUE(answers(*compile(everybody)));
    everybody.rules[0].stage = everybody.rules[1].stage = Stage::Notify;
    EXPECT_FALSE(answers(*compile(everybody))) << "nothing is enforced";
}

TEST(Nftables, ARateThatItCannotSayIsADowngrade) {
    policy::Source source;
    source.rules = {rule("slow", "*", "*", Action::Limit)};
    const auto rendered = [&](const char* rate) {
        source.rules[0].rate = *policy::Rate::parse(rate);
        return render_nftables(*compile(source));
    };
    EXPECT_THAT(rendered("10/7m").text, HasSubstr("limit rate over 14400/week burst 10 packets"));
    EXPECT_THAT(rendered("1/30s").text, HasSubstr("limit rate over 2/minute burst 1 packets"));
    const NftRendering never = rendered("1/61m");
    EXPECT_THAT(never.text, Not(HasSubstr("limit")));
    ASSERT_EQ(never.downgrades.size(), 1U);
    EXPECT_EQ(never.downgrades[0].used, Action::Count);
    EXPECT_THAT(never.downgrades[0].reason, HasSubstr("1/61m"));
}

TEST(Nftables, CountersAreNamedByRuleAndDirection) {
    EXPECT_EQ(nft_counter("op25b", policy::Direction::ToPort25), "to_op25b");
    EXPECT_EQ(nft_counter("op25b", policy::Direction::FromPort25), "from_op25b");
    EXPECT_EQ(nft_counter("", policy::Direction::ToPort25), "to__unnamed");
}

}  // namespace
}  // namespace sekisho::gate
