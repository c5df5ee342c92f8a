#include "message/address.h"

#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::message {
namespace {

// One line a mailbox: "display|address" and "@group" when in one.
std::string shown(const AddressList& list) {
    std::string out;
    for (const Mailbox& mailbox : list.mailboxes) {
        out += mailbox.display_name + "|" + mailbox.address();
        out += mailbox.group.empty() ? "" : "|" + mailbox.group;
        out += "\n";
    }
    return out;
}

struct Case {
    const char* value;
    const char* expected;
    bool well_formed = true;
};

TEST(AddressList, ReadsWhatRfc5322Allows) {
    const std::vector<Case> cases{
        {"taro@example.net", "|taro@example.net\n"},
        {"Taro Yamada <taro@Example.NET>", "Taro Yamada|taro@example.net\n"},
        {"\"Yamada, Taro\" <taro@example.net>", "Yamada, Taro|taro@example.net\n"},
        {"\"a \\\"b\\\" \\\\ c\" <t@e.net>", "a \"b\" \\ c|t@e.net\n"},
        {"=?ISO-2022-JP?B?GyRCOzNFRBsoQg==?= <t@e.net>",
         "=?ISO-2022-JP?B?GyRCOzNFRBsoQg==?=|t@e.net\n"},
        {"\xe5\xb1\xb1\xe7\x94\xb0 <\xe5\xb1\xb1@e.net>",
         "\xe5\xb1\xb1\xe7\x94\xb0|\xe5\xb1\xb1@e.net\n"},
        {"a@b.c, d@e.f", "|a@b.c\n|d@e.f\n"},
        {",, a@b.c ,, d@e.f,", "|a@b.c\n|d@e.f\n"},
        {"Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", "Pete|pete@silly.test\n"
        },
        {"(a (nested (comment))) a@b.c (end)", "|a@b.c\n"},
        {"A Group(Some people):Chris Jones <c@public.example>,joe@example.org, John "
         "<jdoe@one.test>;",
         "Chris Jones|c@public.example|A Group\n|joe@example.org|A Group\nJohn|jdoe@one.test|A "
         "Group\n"},
        {"undisclosed-recipients:;", ""},
        {"g: a@b.c;, d@e.f", "|a@b.c|g\n|d@e.f\n"},
        {"Joe Q. Public <john.q.public@example.com>", "Joe Q. Public|john.q.public@example.com\n"},
        {"J.R. Smith <j@e.net>", "J.R. Smith|j@e.net\n"},
        {"Mary Smith <@node.test,@b.test:mary@example.net>", "Mary Smith|mary@example.net\n"},
        {"john . q @ example . com", "|john.q@example.com\n"},
        {"<a@[192.0.2.1]>", "|a@[192.0.2.1]\n"},
        {"a@[IPv6:2001:db8::1]", "|a@[ipv6:2001:db8::1]\n"},
        {"\"a b\"@e.net", "|\"a b\"@e.net\n"},
        {"\"ab\"@e.net", "|ab@e.net\n"},
        {"\"a\\\"b\"@e.net", "|\"a\\\"b\"@e.net\n"},
        {"\"\"@e.net", "|\"\"@e.net\n"},
        {" \r\n\t a@b.c \r\n", "|a@b.c\n"},
        {"", ""},
    };
    for (const Case& c : cases) {
        const AddressList list = parse_address_list(c.value);
        EXPECT_EQ(shown(list), c.expected) << c.value;
        EXPECT_TRUE(list.well_formed) << c.value;
    }
    EXPECT_EQ(parse_address_list("undisclosed-recipients:;").groups.size(), 1U);
}

TEST(AddressList, WhatItCanNotReadIsSkippedAndReported) {
    const std::vector<Case> cases{
        {"nobody, a@b.c", "|a@b.c\n", false},
        {"a@, b@c.d", "|b@c.d\n", false},
        {"@b.c, d@e.f", "|d@e.f\n", false},
        {"a b@c.d", "", false},
        {"a..b@c.d, e@f.g", "|e@f.g\n", false},
        {".a@c.d", "", false},
        {"a.@c.d", "", false},
        {"<a@b.c", "", false},
        {"<a b@c.d>, e@f.g", "|e@f.g\n", false},
        {"<>, a@b.c", "|a@b.c\n", false},
        {"\"open, a@b.c", "", false},
        {"a@b.c (open", "|a@b.c\n", false},
        {"a@[1.2.3", "", false},
        {"a@b..c", "", false},
        {"g: a@b.c", "|a@b.c|g\n", false},
        {"g: h: a@b.c;, d@e.f", "|d@e.f\n", false},
        {"a@b.c x, d@e.f", "|a@b.c\n|d@e.f\n", false},
        {"\"bad, quoted\" text, d@e.f", "|d@e.f\n", false},
        {"a;b@c.d", "", false},
        {"\"a\\\rb\"@c.d, d@e.f", "|d@e.f\n", false},
        {"\"a\x01\"@c.d, d@e.f", "|d@e.f\n", false},
        {"a@[\x01], d@e.f", "|d@e.f\n", false},
        {"a\x01@c.d, d@e.f", "|d@e.f\n", false},
    };
    for (const Case& c : cases) {
        const AddressList list = parse_address_list(c.value);
        EXPECT_EQ(shown(list), c.expected) << c.value;
        EXPECT_EQ(list.well_formed, c.well_formed) << c.value;
    }
}

TEST(AddressList, IsBounded) {
    std::string many;
    for (int i = 0; i < 50; ++i) {
        many += "a@b.c, ";
    }
    EXPECT_FALSE(parse_address_list(many, 50).truncated);
    const AddressList cut = parse_address_list(many, 49);
    EXPECT_EQ(cut.mailboxes.size(), 49U);
    EXPECT_TRUE(cut.truncated);
    EXPECT_FALSE(parse_address_list(std::string(100000, '(')).well_formed);
    EXPECT_FALSE(parse_address_list("a@[" + std::string(400, '1') + "]").well_formed);
    EXPECT_FALSE(parse_address_list("<@" + std::string(2000, 'r') + ":a@b.c>").well_formed);
    EXPECT_TRUE(parse_address_list("<@" + std::string(500, 'r') + ":a@b.c>").well_formed);
}

}  // namespace
}  // namespace sekisho::message
