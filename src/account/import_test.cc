#include "account/import.h"

#include "base/csv.h"

#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::account {
namespace {

using Fields = std::vector<std::string>;

std::vector<CsvReader::Record> records(std::string_view text, char separator = ',') {
    std::vector<CsvReader::Record> out;
    CsvReader reader(text, separator);
    while (auto record = reader.next()) {
        out.push_back(std::move(*record));
    }
    return out;
}

TEST(Csv, FieldsQuotesAndLineEnds) {
    const auto read = records(
        "\xef\xbb\xbf"
        "a,b\r\n\r\n\"x,\"\"y\"\"\",\"two\nlines\"\n,\nlast,one"
    );
    ASSERT_EQ(read.size(), 4U);
    EXPECT_EQ(read[0].fields, (Fields{"a", "b"}));
    EXPECT_EQ(read[1].fields, (Fields{"x,\"y\"", "two\nlines"}));
    EXPECT_EQ(read[1].line, 3U);
    EXPECT_EQ(read[2].fields, (Fields{"", ""}));
    EXPECT_EQ(read[2].line, 5U);
    EXPECT_EQ(read[3].fields, (Fields{"last", "one"}));
    EXPECT_EQ(records("a;b", ';')[0].fields, (Fields{"a", "b"}));
    EXPECT_TRUE(records("").empty());
    EXPECT_EQ(records("a,").at(0).fields, (Fields{"a", ""}));
}

TEST(Csv, WhatIsWrongIsSaidOfItsLineAndTheRestIsRead) {
    const auto read = records("a\"b,c\nd,e\n\"f\"g,h\ni,j\n\"open,k\nl,m\n");
    ASSERT_EQ(read.size(), 5U);
    EXPECT_NE(read[0].fault.find("quote"), std::string::npos);
    EXPECT_EQ(read[1].fields, (Fields{"d", "e"}));
    EXPECT_NE(read[2].fault.find("closing quote"), std::string::npos);
    EXPECT_EQ(read[3].fields, (Fields{"i", "j"}));
    EXPECT_NE(read[4].fault.find("quote of line 5 is never closed"), std::string::npos);
    EXPECT_EQ(records(std::string(1000, ','))[0].fault, "there are more than 256 fields");
}

constexpr const char* kHash = "{SSHA}XypeYxBs1GmqQ1pYKAO0+NyfsYZMoPZs";

TEST(Import, ATableWithAHeader) {
    const auto read = read_import(
        "Username,password,name,active,quota\n"
        "Taro@Example.net," +
            std::string(kHash) +
            ",\"Yamada, Taro\",1,100\n"
            "hanako@example.net,{PLAIN}long enough,,0,100\n",
        {}
    );
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->format, ImportFormat::Csv);
    EXPECT_EQ(read->ignored, std::vector<std::string>{"quota"});
    EXPECT_TRUE(read->faults.empty());
    ASSERT_EQ(read->rows.size(), 2U);
    const ImportRow& taro = read->rows[0];
    EXPECT_EQ(taro.line, 2U);
    EXPECT_EQ(taro.account.login, "taro@example.net");
    EXPECT_EQ(taro.account.addresses, std::vector<std::string>{"taro@example.net"});
    EXPECT_EQ(taro.account.name, "Yamada, Taro");
    EXPECT_EQ(taro.account.credential.hash, kHash);
    EXPECT_TRUE(taro.plaintext.empty());
    EXPECT_TRUE(taro.account.enabled);
    EXPECT_EQ(read->rows[1].plaintext, "long enough");
    EXPECT_FALSE(read->rows[1].account.enabled);
}

TEST(Import, APasswdFileOfDovecot) {
    const auto read = read_import(
        "# users\n\n"
        "taro@example.net:" +
            std::string(kHash) +
            ":5000:5000:Taro,room 5:/srv/taro::quota=1\r\n"
            "jiro:$1$2QUA4Mt5$WoGekqBbU.rTc3q345sX5.\n"
            "locked:!\n"
            "alone\n",
        {.domain = "example.net"}
    );
    ASSERT_TRUE(read);
    EXPECT_EQ(read->format, ImportFormat::PasswdFile);
    ASSERT_EQ(read->rows.size(), 2U);
    EXPECT_EQ(read->rows[0].account.name, "Taro");
    EXPECT_EQ(read->rows[1].line, 4U);
    EXPECT_EQ(read->rows[1].account.addresses, std::vector<std::string>{"jiro@example.net"});
    EXPECT_EQ(read->rows[1].account.credential.hash, "{CRYPT}$1$2QUA4Mt5$WoGekqBbU.rTc3q345sX5.");
    ASSERT_EQ(read->faults.size(), 2U);
    EXPECT_EQ(read->faults[0].line, 5U);
    EXPECT_NE(read->faults[0].why.find("locked"), std::string::npos);
    EXPECT_EQ(read->faults[1].line, 6U);
}

TEST(Import, RowsThatAreRefusedAndWhy) {
    const std::string hash = kHash;
    const auto read = read_import(
        "login,password,addresses,enabled\n"
        "taro," +
            hash +
            ",a@example.net b@example.net,yes\n"
            "TARO," +
            hash +
            ",,yes\n"
            "jiro," +
            hash +
            ",b@example.net,yes\n"
            "no good," +
            hash +
            ",,yes\n"
            "saburo,secret,,yes\n"
            "shiro," +
            hash +
            ",,perhaps\n"
            "goro," +
            hash +
            "\n"
            "rokuro,{PLAIN}short,,1\n"
            "nana,,,1\n",
        {}
    );
    ASSERT_TRUE(read);
    EXPECT_EQ(read->rows.size(), 1U);
    const std::vector<std::pair<std::size_t, std::string>> wanted{
        {3, "is in line 2 already"},
        {4, "b@example.net is in line 2 already"},
        {5, "is not a login"},
        {6, "names no scheme"},
        {7, "\"perhaps\""},
        {8, "2 fields, the header 4"},
        {9, "shorter than 8"},
        {10, "there is no password"},
    };
    ASSERT_EQ(read->faults.size(), wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        EXPECT_EQ(read->faults[i].line, wanted[i].first);
        EXPECT_NE(read->faults[i].why.find(wanted[i].second), std::string::npos)
            << read->faults[i].why;
        EXPECT_EQ(read->faults[i].why.find("secret"), std::string::npos);
    }
}

TEST(Import, AFileThatIsNoTable) {
    EXPECT_FALSE(read_import("", {}));
    EXPECT_FALSE(read_import("name,password\nx,y\n", {}));
    EXPECT_FALSE(read_import("login,name\nx,y\n", {})) << "no passwords";
    EXPECT_TRUE(read_import("login,name\nx,y\n", {.update = true}));
    EXPECT_FALSE(read_import("login,user,password\n", {}));
    EXPECT_FALSE(read_import("\"login,password\n", {}));
    EXPECT_EQ(
        read_import("email;password\na@example.net;" + std::string(kHash) + "\n", {})->rows.size(),
        1U
    );
}

TEST(Import, AnUpdateChangesTheFieldsOfTheFile) {
    Account before;
    before.login = "taro";
    before.name = "Taro";
    before.line = "L1";
    before.addresses = {"taro@example.net"};
    before.credential.hash = "old";
    Account row;
    row.login = "taro";
    row.credential.hash = "new";
    const Account after = merged(before, row, {.password = true});
    EXPECT_EQ(after.credential.hash, "new");
    EXPECT_EQ(after.name, "Taro");
    EXPECT_EQ(after.line, "L1");
    EXPECT_EQ(after.addresses, before.addresses);
    EXPECT_EQ(merged(before, row, {.name = true}).name, "");
}

}  // namespace
}  // namespace sekisho::account
