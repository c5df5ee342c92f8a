#include "account/alias_import.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>

namespace sekisho::account {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(AliasImport, ReadsMapsOfPostfix) {
    const auto read = read_aliases(
        "# virtual(5)\n"
        "Sales@example.net  taro@example.net,\n"
        "# between\n"
        "    hanako@example.net\n"
        "\n"
        "@example.org\tcatch@example.net\n"
        "abuse: postmaster\n"
        "list: |/bin/program\n"
        "sales@example.net x@example.net\n"
        "empty@example.net\n",
        {.domain = "example.net"}
    );
    ASSERT_TRUE(read);
    ASSERT_EQ(read->rows.size(), 3U);
    EXPECT_EQ(read->rows[0].alias.address, "sales@example.net");
    EXPECT_THAT(read->rows[0].alias.targets, ElementsAre("taro@example.net", "hanako@example.net"));
    EXPECT_EQ(read->rows[0].line, 2U);
    EXPECT_EQ(read->rows[1].alias.address, "@example.org");
    EXPECT_EQ(read->rows[2].alias.address, "abuse@example.net");
    EXPECT_THAT(read->rows[2].alias.targets, ElementsAre("postmaster@example.net"));
    ASSERT_EQ(read->faults.size(), 3U);
    EXPECT_EQ(read->faults[0].line, 8U);
    EXPECT_EQ(read->faults[1].why, "sales@example.net is in line 2 already");
    EXPECT_EQ(read->faults[2].why, "empty@example.net leads nowhere");
}

TEST(AliasImport, NamesWithoutADomainNeedOne) {
    const auto read = read_aliases("info taro@example.net\n", {});
    ASSERT_TRUE(read);
    ASSERT_EQ(read->faults.size(), 1U);
    EXPECT_THAT(read->faults[0].why, HasSubstr("--domain"));
}

TEST(AliasImport, ReadsPostfixAdminsTable) {
    const auto read = read_aliases(
        "INSERT INTO alias (address, goto, domain, active) VALUES\n"
        "('taro@example.net','taro@example.net','example.net',1),\n"
        "('sales@example.net','taro@example.net,hanako@example.net','example.net',1),\n"
        "('old@example.net','taro@example.net','example.net',0);\n",
        {.format = AliasFormat::Sql}
    );
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->passed_over, 2U);
    ASSERT_EQ(read->rows.size(), 1U);
    EXPECT_EQ(read->rows[0].alias.address, "sales@example.net");
}

}  // namespace
}  // namespace sekisho::account
