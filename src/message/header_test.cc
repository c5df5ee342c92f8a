#include "message/header.h"

#include <gtest/gtest.h>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::message {
namespace {

std::vector<std::string> names_of(const Header& header) {
    std::vector<std::string> names;
    for (const Field& field : header.fields()) {
        names.emplace_back(field.name);
    }
    return names;
}

TEST(Header, FieldsAreViewsOfTheMessageWithTheirFolds) {
    const std::string message =
        "Subject: a\r\n\tb  \r\n  c\r\nFrom: taro@example.net\r\nX:\r\n\r\nbody: x\r\n";
    const Header header = Header::scan(message);
    ASSERT_EQ(names_of(header), (std::vector<std::string>{"Subject", "From", "X"}));
    EXPECT_EQ(header.fields()[0].raw, " a\r\n\tb  \r\n  c");
    EXPECT_EQ(header.fields()[0].value(), "a\tb    c");
    EXPECT_EQ(header.fields()[0].whole, "Subject: a\r\n\tb  \r\n  c\r\n");
    EXPECT_EQ(header.fields()[2].value(), "");
    EXPECT_TRUE(header.defects().empty());
    EXPECT_TRUE(header.complete());
    EXPECT_EQ(message.substr(header.body_offset()), "body: x\r\n");
    EXPECT_EQ(message.substr(header.header_size(), 2), "\r\n");
    EXPECT_GE(header.fields()[0].name.data(), message.data());
    EXPECT_EQ(header.find("SUBJECT")->name.data(), message.data());
    EXPECT_EQ(header.find("To"), nullptr);
}

TEST(Header, CountsAndFindsAllWithoutRegardToCase) {
    const std::string message = "Received: a\r\nreceived: b\r\nRECEIVED: c\r\n\r\n";
    const Header header = Header::scan(message);
    EXPECT_EQ(header.count("Received"), 3U);
    ASSERT_EQ(header.find_all("Received").size(), 3U);
    EXPECT_EQ(header.find_all("Received")[2]->value(), "c");
}

struct DefectCase {
    const char* what;
    std::string message;
    DefectKind kind;
    std::size_t offset;
    std::size_t fields;
    std::string body;
};

TEST(Header, DefectsAreReportedWithTheirPlaceAndNeverLoseTheBody) {
    const std::vector<DefectCase> cases{
        {"text instead of a field",
         "A: 1\r\nhello there\r\nB: 2\r\n\r\nx",
         DefectKind::NotAField,
         6,
         1,
         "hello there\r\nB: 2\r\n\r\nx"},
        {"a name with a space", "A b: 1\r\n\r\nx", DefectKind::NotAField, 0, 0, "A b: 1\r\n\r\nx"},
        {"no name", ": 1\r\n\r\nx", DefectKind::NotAField, 0, 0, ": 1\r\n\r\nx"},
        {"a fold before any field", " a: 1\r\n\r\nx", DefectKind::NotAField, 0, 0, " a: 1\r\n\r\nx"
        },
        {"an mbox line", "From a Tue Nov 24 13:53\r\nA: 1\r\n\r\nx", DefectKind::MboxLine, 0, 1, "x"
        },
        {"an escaped mbox line", ">From a\r\nA: 1\r\n\r\nx", DefectKind::MboxLine, 0, 1, "x"},
        {"space before the colon", "A : 1\r\n\r\nx", DefectKind::SpaceBeforeColon, 0, 1, "x"},
        {"an empty fold", "A: 1\r\n \r\nB: 2\r\n\r\nx", DefectKind::EmptyFold, 6, 2, "x"},
        {"a bare LF", "A: 1\nB: 2\r\n\r\nx", DefectKind::BareLf, 4, 2, "x"},
        {"a bare CR", "A: 1\r2\r\n\r\nx", DefectKind::BareCr, 4, 1, "x"},
        {"a NUL", std::string("A: 1") + '\0' + "\r\n\r\nx", DefectKind::Nul, 4, 1, "x"},
        {"eight bits", "A: \xe6\x97\xa5\r\n\r\nx", DefectKind::EightBit, 3, 1, "x"},
        {"a long line",
         "A: " + std::string(996, 'x') + "\r\n\r\nx",
         DefectKind::LineTooLong,
         0,
         1,
         "x"},
        {"no separator", "A: 1\r\n", DefectKind::NoSeparator, 6, 1, ""},
        {"no line end", "A: 1", DefectKind::NoSeparator, 4, 1, ""},
        {"nothing", "", DefectKind::NoSeparator, 0, 0, ""},
    };
    for (const DefectCase& c : cases) {
        const Header header = Header::scan(c.message);
        ASSERT_TRUE(header.has(c.kind)) << c.what;
        EXPECT_EQ(header.defects()[0].kind, c.kind) << c.what;
        EXPECT_EQ(header.defects()[0].offset, c.offset) << c.what;
        EXPECT_EQ(header.fields().size(), c.fields) << c.what;
        EXPECT_EQ(c.message.substr(header.body_offset()), c.body) << c.what;
        EXPECT_TRUE(header.complete()) << c.what;
    }
    EXPECT_FALSE(
        Header::scan("A: " + std::string(995, 'x') + "\r\n\r\n").has(DefectKind::LineTooLong)
    );
}

TEST(Header, LimitsStopTheScanAndSaySo) {
    const HeaderLimits limits{.size_max = 64, .fields_max = 3, .line_max = 998, .defects_max = 4};
    const Header many = Header::scan("A:1\r\nB:2\r\nC:3\r\nD:4\r\n\r\n", limits);
    EXPECT_FALSE(many.complete());
    EXPECT_TRUE(many.has(DefectKind::TooManyFields));
    EXPECT_EQ(many.fields().size(), 3U);
    EXPECT_TRUE(Header::scan("A:1\r\nB:2\r\nC:3\r\n\r\n", limits).complete());

    const std::string large = "A:1\r\nB:" + std::string(100, 'x') + "\r\n\r\n";
    const Header cut = Header::scan(large, limits);
    EXPECT_FALSE(cut.complete());
    EXPECT_TRUE(cut.has(DefectKind::TooLarge));
    EXPECT_EQ(cut.header_size(), 5U);

    // The list is bounded, and yet no kind is ever missing from it.
    const std::string odd = "A\t:\r\r\r\r\r\r\r\r\n B\n";
    const Header header = Header::scan(odd, limits);
    EXPECT_TRUE(header.has(DefectKind::BareLf));
    EXPECT_TRUE(header.has(DefectKind::NoSeparator));
    EXPECT_LE(header.defects().size(), limits.defects_max + 12);
}

TEST(Header, WholeFieldsAreTheHeaderSectionWhateverTheBytes) {
    std::mt19937 random(20261124);  // NOLINT: the same run every time
    const std::string_view alphabet = "Aa: \t\r\n\0x\xe3>From";
    for (int round = 0; round < 20000; ++round) {
        std::string message;
        const std::size_t size = random() % 60;
        for (std::size_t i = 0; i < size; ++i) {
            message += alphabet[random() % alphabet.size()];
        }
        const Header header = Header::scan(message);
        std::string joined;
        for (const Field& field : header.fields()) {
            joined += field.whole;
        }
        const std::string section = message.substr(0, header.header_size());
        if (!header.has(DefectKind::MboxLine)) {
            ASSERT_EQ(joined, section);
        } else {
            ASSERT_TRUE(section.ends_with(joined));
        }
        ASSERT_LE(header.body_offset() - header.header_size(), 2U);
    }
}

TEST(MakeField, FoldsAtWhiteSpaceAndCanNotBeginAnotherField) {
    const std::string field =
        make_field("Subject", std::string(60, 'a') + " " + std::string(30, 'b'));
    EXPECT_EQ(field, "Subject: " + std::string(60, 'a') + "\r\n " + std::string(30, 'b') + "\r\n");
    EXPECT_EQ(make_field("A", "x\r\nBcc: y"), "A: x  Bcc: y\r\n");
    EXPECT_EQ(make_field("A", std::string(200, 'x')), "A: " + std::string(200, 'x') + "\r\n");
    EXPECT_EQ(make_field("A", ""), "A:\r\n");
    const std::string back = make_field("Long", "one two " + std::string(70, 'x') + " three  four");
    EXPECT_EQ(
        Header::scan(back).fields()[0].value(), "one two " + std::string(70, 'x') + " three  four"
    );
}

}  // namespace
}  // namespace sekisho::message
