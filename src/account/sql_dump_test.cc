#include "account/sql_dump.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <string_view>

namespace sekisho::account {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(SqlDump, MysqlEscapesWithBackslashesAndNamesColumnsInCreateTable) {
    const auto table = read_sql_table(
        "-- MySQL dump 10.13\n"
        "/*!40101 SET NAMES utf8mb4; 'not closed */;\n"
        "CREATE TABLE `other` (`x` int);\nINSERT INTO `other` VALUES (1,'it\\'s');\n"
        "CREATE TABLE `mailbox` (\n  `username` varchar(255) DEFAULT 'a,(b',\n"
        "  `password` varchar(255) COMMENT 'x, y',\n  `name` varchar(9),\n"
        "  PRIMARY KEY (`username`),\n  KEY `n` (`name`)\n) ENGINE=InnoDB;\n"
        "INSERT INTO `mailbox` VALUES ('taro@example.net','a\\'b;c',NULL),\n"
        "('hanako@example.net','it''s',_binary 'H');\n",
        "MailBox"
    );
    ASSERT_TRUE(table) << table.error().message;
    EXPECT_THAT(table->columns, ElementsAre("username", "password", "name"));
    ASSERT_EQ(table->rows.size(), 2U);
    EXPECT_THAT(table->rows[0].fields, ElementsAre("taro@example.net", "a'b;c", ""));
    EXPECT_EQ(table->rows[0].line, 12U);
    EXPECT_THAT(table->rows[1].fields, ElementsAre("hanako@example.net", "it's", "H"));
    EXPECT_EQ(table->rows[1].line, 13U);
}

TEST(SqlDump, PostgresCopiesAndHasNoBackslashesInStrings) {
    const auto table = read_sql_table(
        "-- PostgreSQL database dump\n"
        "CREATE FUNCTION f() AS $body$ don't; $body$;\n"
        "COPY public.vacation (email) FROM stdin;\nit's ' no SQL\n\\.\n"
        "COPY public.mailbox (username, password, name) FROM stdin;\n"
        "taro@example.net\tback\\\\slash\t\\N\n"
        "few@example.net\n"
        "\\.\n"
        "INSERT INTO public.mailbox (password, username) VALUES ('c:\\', E'x\\'y');\n",
        "mailbox"
    );
    ASSERT_TRUE(table) << table.error().message;
    ASSERT_EQ(table->rows.size(), 3U);
    EXPECT_THAT(table->rows[0].fields, ElementsAre("taro@example.net", "back\\slash", ""));
    EXPECT_EQ(table->rows[1].fault, "it has 1 values, the table 3 columns");
    EXPECT_EQ(table->rows[1].line, 8U);
    EXPECT_THAT(table->rows[2].fields, ElementsAre("x'y", "c:\\", ""))
        << "the columns of another list are put where they belong";
}

TEST(SqlDump, AValueThatMustBeComputedIsAFault) {
    const auto table = read_sql_table(
        "INSERT INTO mailbox (username, created) VALUES ('a', now()), ('b', -1.5);", "mailbox"
    );
    ASSERT_TRUE(table);
    ASSERT_EQ(table->rows.size(), 2U);
    EXPECT_THAT(table->rows[0].fault, HasSubstr("no plain value"));
    EXPECT_THAT(table->rows[1].fields, ElementsAre("b", "-1.5"));
}

TEST(SqlDump, WhatIsCutOffOrNamelessIsRefusedAsAWhole) {
    const auto why = [](std::string_view text) {
        const auto table = read_sql_table(text, "mailbox");
        return table ? std::string("read") : table.error().message;
    };
    EXPECT_EQ(
        why("\nINSERT INTO mailbox (username) VALUES ('taro"),
        "line 2: a string begins and has no end"
    );
    EXPECT_THAT(why("COPY mailbox (username) FROM stdin;\ntaro\n"), HasSubstr("cut off"));
    EXPECT_THAT(why("INSERT INTO mailbox VALUES ('taro');"), HasSubstr("complete-insert"));
    EXPECT_THAT(why("INSERT INTO users (a) VALUES ('taro');"), HasSubstr("\"mailbox\""));
}

}  // namespace
}  // namespace sekisho::account
