#include "smtp/address.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace sekisho::smtp {
namespace {

struct Good {
    const char* in;
    const char* local;
    const char* domain;
    const char* text;
};

TEST(AddressTest, ReadsAndWritesTheNormalForm) {
    const std::vector<Good> table{
        {"user@example.net", "user", "example.net", "user@example.net"},
        {"User.Name+tag@EXAMPLE.Net", "User.Name+tag", "example.net", "User.Name+tag@example.net"},
        {"!#$%&'*+-/=?^_`{|}~@x", "!#$%&'*+-/=?^_`{|}~", "x", "!#$%&'*+-/=?^_`{|}~@x"},
        {"\"user\"@example.net", "user", "example.net", "user@example.net"},
        {"\"a b\"@example.net", "a b", "example.net", "\"a b\"@example.net"},
        {R"("a\"b\\c"@example.net)", R"(a"b\c)", "example.net", R"("a\"b\\c"@example.net)"},
        {R"("\u\s\e\r"@example.net)", "user", "example.net", "user@example.net"},
        {"\"@\"@example.net", "@", "example.net", "\"@\"@example.net"},
        {"a..b@docomo.ne.jp", "a..b", "docomo.ne.jp", "\"a..b\"@docomo.ne.jp"},
        {"a.@docomo.ne.jp", "a.", "docomo.ne.jp", "\"a.\"@docomo.ne.jp"},
        {".a@docomo.ne.jp", ".a", "docomo.ne.jp", "\".a\"@docomo.ne.jp"},
        {"u@[192.0.2.1]", "u", "[192.0.2.1]", "u@[192.0.2.1]"},
        {"u@[IPv6:2001:DB8:0:0::1]", "u", "[IPv6:2001:db8::1]", "u@[IPv6:2001:db8::1]"},
        {"u@[ipv6:2001:db8::1]", "u", "[IPv6:2001:db8::1]", "u@[IPv6:2001:db8::1]"},
        {"u@[IPv6:::ffff:192.0.2.1]", "u", "[192.0.2.1]", "u@[192.0.2.1]"},
        {"u@sub_domain.example", "u", "sub_domain.example", "u@sub_domain.example"},
        {"1@2.3", "1", "2.3", "1@2.3"},
    };
    for (const Good& row : table) {
        const auto address = parse_address(row.in);
        ASSERT_TRUE(address) << row.in << ": " << address.error().message;
        EXPECT_EQ(address->local, row.local) << row.in;
        EXPECT_EQ(address->domain, row.domain) << row.in;
        EXPECT_EQ(address->text(), row.text) << row.in;
        const auto again = parse_address(address->text());
        ASSERT_TRUE(again) << row.in;
        EXPECT_EQ(*again, *address) << row.in;
    }
}

TEST(AddressTest, RefusesWhatIsNone) {
    for (const std::string& bad : std::vector<std::string>{
             "",
             "user",
             "@example.net",
             "user@",
             "user@@example.net",
             "us er@example.net",
             "user@exa mple.net",
             "user@-example.net",
             "user@example-.net",
             "user@.example.net",
             "user@example..net",
             "user@example.net.",
             "user@[192.0.2]",
             "user@[192.0.2.256]",
             "user@[2001:db8::1]",
             "user@[IPv6:192.0.2.1]",
             "user@[tag:x]",
             "user@[192.0.2.1",
             "user@[192.0.2.1]x",
             "\"user@example.net",
             "\"\"@example.net",
             "\"a\"b@example.net",
             "a\"b\"@example.net",
             "\"a\\",
             "(c)user@example.net",
             "user@example.net ",
             "<u@x>",
             "u\r@x",
             std::string("u\0@x", 4),
             std::string("\"a\nb\"@x"),
             "u@x:y",
             "u,v@x",
             "u;@x",
             "\xe3\x83\xa1@example.net",
             "u@\xe3\x83\xa1.example",
             "\"\xe3\x83\xa1\"@x",
             "\"\x7f\"@x",
         }) {
        EXPECT_FALSE(parse_address(bad)) << bad;
    }
}

TEST(AddressTest, StrictDotsOnRequest) {
    const AddressRules strict{.loose_dots = false};
    EXPECT_TRUE(parse_address("a.b@x", strict));
    for (const char* bad : {"a..b@x", ".a@x", "a.@x"}) {
        EXPECT_FALSE(parse_address(bad, strict)) << bad;
    }
    EXPECT_TRUE(parse_address("\"a..b\"@x", strict));
}

// RFC 6531 §3.3
TEST(AddressTest, Utf8WhereAllowed) {
    const AddressRules utf8{.utf8 = true};
    const auto address = parse_address("\xe3\x83\xa1@\xe4\xbe\x8b.example", utf8);
    ASSERT_TRUE(address);
    EXPECT_FALSE(address->ascii());
    EXPECT_EQ(address->text(), "\xe3\x83\xa1@\xe4\xbe\x8b.example");
    EXPECT_TRUE(parse_address("\"\xe3\x83\xa1 x\"@x", utf8));
    EXPECT_FALSE(parse_address("\xe3\x83@x", utf8));
    EXPECT_FALSE(parse_address("\xff@x", utf8));
    EXPECT_FALSE(parse_address("u@\xe3\x83.example", utf8));
    EXPECT_FALSE(parse_address("\"\\\xe3\x83\xa1\"@x", utf8));
}

// RFC 5321 §4.5.3.1
TEST(AddressTest, Lengths) {
    const std::string l64(64, 'a');
    EXPECT_TRUE(parse_address(l64 + "@x"));
    EXPECT_FALSE(parse_address(l64 + "a@x"));
    EXPECT_TRUE(parse_address(l64 + "a@x", {.local_max = 65}));
    const std::string label(63, 'd');
    const std::string d255 = label + "." + label + "." + label + "." + label;
    EXPECT_TRUE(parse_address("u@" + d255));
    EXPECT_FALSE(parse_address("u@" + d255 + "x"));
    EXPECT_FALSE(parse_address("u@" + label + "d"));
    // 256 octets of path with its punctuation
    const std::string d190 = label + "." + label + "." + std::string(62, 'd');
    EXPECT_EQ(
        parse_path("<" + l64 + "@" + d190.substr(0, 189) + ">", PathKind::Forward)->length, 256U
    );
    EXPECT_FALSE(parse_path("<" + l64 + "@" + d190 + ">", PathKind::Forward));
}

TEST(PathTest, ReverseAndForward) {
    const auto null = parse_path("<> SIZE=1", PathKind::Reverse);
    ASSERT_TRUE(null);
    EXPECT_FALSE(null->address);
    EXPECT_EQ(null->length, 2U);
    EXPECT_FALSE(parse_path("<>", PathKind::Forward));

    for (const char* name : {"<postmaster>", "<Postmaster>", "<POSTMASTER>"}) {
        const auto postmaster = parse_path(name, PathKind::Forward);
        ASSERT_TRUE(postmaster && postmaster->address) << name;
        EXPECT_EQ(postmaster->address->local, "postmaster");
        EXPECT_EQ(postmaster->address->domain, "");
        EXPECT_EQ(postmaster->address->text(), "postmaster");
        EXPECT_FALSE(parse_path(name, PathKind::Reverse));
    }
    const auto path = parse_path("<\"x>y\"@example.net> A=B", PathKind::Forward);
    ASSERT_TRUE(path && path->address);
    EXPECT_EQ(path->address->local, "x>y");
    EXPECT_EQ(path->length, 19U);
}

// RFC 5321 §4.1.1.3: MUST be accepted, SHOULD be ignored.
TEST(PathTest, SourceRoutesAreForgotten) {
    const auto path = parse_path("<@a.example,@[192.0.2.1]:user@b.example>", PathKind::Forward);
    ASSERT_TRUE(path && path->address) << path.error().message;
    EXPECT_EQ(path->address->text(), "user@b.example");
    EXPECT_EQ(path->length, 40U);
    for (const char* bad :
         {"<@:u@x>", "<@a u@x>", "<@a,:u@x>", "<@a,b:u@x>", "<@a:>", "<@a:u>", "<@a"}) {
        EXPECT_FALSE(parse_path(bad, PathKind::Forward)) << bad;
    }
}

TEST(PathTest, RefusesBrokenBrackets) {
    for (const char* bad :
         {"", "<", "u@x", "<u@x", "u@x>", "< u@x>", "<u@x >", "<<u@x>>", "<\"u@x>"}) {
        EXPECT_FALSE(parse_path(bad, PathKind::Reverse)) << bad;
        EXPECT_FALSE(parse_path(bad, PathKind::Forward)) << bad;
    }
}

TEST(AddressTest, KeyIsInLowerCase) {
    EXPECT_EQ(parse_address("\"User\"@Example.NET")->key(), "user@example.net");
}

}  // namespace
}  // namespace sekisho::smtp
