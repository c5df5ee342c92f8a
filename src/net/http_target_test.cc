#include "net/http_target.h"

#include <gtest/gtest.h>
#include <string>

namespace sekisho::net {
namespace {

std::string path(const std::string& target) {
    const auto read = parse_target(target);
    return read ? read->path : "refused";
}

TEST(HttpTarget, PathsAreDecodedAndNormalised) {
    EXPECT_EQ(path("/"), "/");
    EXPECT_EQ(path(""), "/");
    EXPECT_EQ(path("/a/b"), "/a/b");
    EXPECT_EQ(path("//a/./b//"), "/a/b/");
    EXPECT_EQ(path("/a/."), "/a/");
    EXPECT_EQ(path("/%E3%81%82%20+"), "/\xE3\x81\x82 +");
    EXPECT_EQ(path("/..a/b.."), "/..a/b..");
    EXPECT_EQ(path("http://h.example:80/x?y"), "/x");
    EXPECT_EQ(path("HTTPS://h.example"), "/");
    EXPECT_EQ(path("http://h.example?y"), "/");
}

TEST(HttpTarget, TricksAreRefused) {
    for (const char* target :
         {"/..",
          "/../etc",
          "/a/../b",
          "/%2e%2E/etc",
          "/a%2f..%2fb",
          "/%",
          "/%4",
          "/%zz",
          "/a%00b",
          "*",
          "host:443",
          "a/b"}) {
        EXPECT_EQ(path(target), "refused") << target;
    }
}

TEST(HttpTarget, QueriesAreDecoded) {
    const auto read = parse_target("/p?a=1&b=%26+x&c&=e&a=2&&d=%3D=");
    ASSERT_TRUE(read);
    const std::map<std::string, std::string> expected{
        {"a", "2"}, {"b", "& x"}, {"c", ""}, {"", "e"}, {"d", "=="}
    };
    EXPECT_EQ(read->query, expected);
    EXPECT_FALSE(parse_target("/p?a=%"));
    std::string many = "x";
    for (std::size_t i = 0; i < kFormKeysMax; ++i) {
        many += "&x";
    }
    EXPECT_FALSE(parse_form(many));
}

}  // namespace
}  // namespace sekisho::net
