#include "dkim/tags.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace sekisho::dkim {
namespace {

TEST(Tags, ReadsNamesAndValuesAroundWhiteSpaceAndFolds) {
    const auto tags = TagList::parse(" v=1 ;\r\n\ta = rsa-sha256; b=AB\r\n CD ;");
    ASSERT_TRUE(tags);
    ASSERT_EQ(tags->tags().size(), 3U);
    EXPECT_EQ(tags->value("v"), "1");
    EXPECT_EQ(tags->value("a"), "rsa-sha256");
    EXPECT_EQ(without_spaces(tags->value("b")), "ABCD");
    EXPECT_EQ(tags->value("A"), "") << "names are case-sensitive";
    EXPECT_EQ(tags->find("z"), nullptr);
}

TEST(Tags, KnowsWhereAValueStands) {
    const std::string text = "v=1; b= AB\r\n CD ; d=x";
    const auto tags = TagList::parse(text);
    ASSERT_TRUE(tags);
    const Tag* b = tags->find("b");
    ASSERT_NE(b, nullptr);
    EXPECT_EQ(text.substr(b->begin, b->end - b->begin), " AB\r\n CD ");
}

TEST(Tags, AValueMayBeEmptyOrHaveEqualsSigns) {
    const auto tags = TagList::parse("p=;b=AA==");
    ASSERT_TRUE(tags);
    ASSERT_NE(tags->find("p"), nullptr);
    EXPECT_EQ(tags->value("p"), "");
    EXPECT_EQ(tags->value("b"), "AA==");
}

TEST(Tags, RefusesWhatIsNoTagList) {
    for (const char* text :
         {"v", "v=1;;a=b", "=x", "1v=1", "v=1; v=2", "v-x=1", "v=1\x01", "a b=1", ";"}) {
        EXPECT_FALSE(TagList::parse(text)) << text;
    }
    EXPECT_TRUE(TagList::parse(""));
}

TEST(Tags, SplitsLists) {
    EXPECT_EQ(
        colon_list("from : to\r\n :subject"), (std::vector<std::string>{"from", "to", "subject"})
    );
}

}  // namespace
}  // namespace sekisho::dkim
