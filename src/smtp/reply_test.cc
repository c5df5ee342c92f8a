#include "smtp/reply.h"

#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::smtp {
namespace {

TEST(ReplyTest, OneLineWithEnhancedCode) {
    EXPECT_EQ(reply(250, "2.1.5", "Ok").to_bytes(), "250 2.1.5 Ok\r\n");
    EXPECT_EQ(reply(354, "", "Go on").to_bytes(), "354 Go on\r\n");
    EXPECT_EQ((Reply{221, "2.0.0", {}}.to_bytes()), "221 2.0.0 \r\n");
}

TEST(ReplyTest, EveryLineHasTheEnhancedCode) {
    const Reply two{550, "5.7.1", {"one", "two"}};
    EXPECT_EQ(two.to_bytes(), "550-5.7.1 one\r\n550 5.7.1 two\r\n");
    EXPECT_EQ(two.text(), "550 5.7.1 one two");
}

TEST(ReplyTest, APeersTextCantSplitTheReply) {
    EXPECT_EQ(reply(550, "5.1.1", "x\r\n250 Ok").to_bytes(), "550 5.1.1 x\\x0d\\x0a250 Ok\r\n");
}

TEST(ReplyTest, LongTextsAreCutIntoLinesOf512Octets) {
    std::string words;
    for (int i = 0; i < 300; ++i) {
        words += "word ";
    }
    for (const std::string& text : {words, std::string(1500, 'x'), [] {
                                        std::string kana;
                                        for (int i = 0; i < 500; ++i) {
                                            kana += "\xe3\x83\xa1";
                                        }
                                        return kana;
                                    }()}) {
        const std::string bytes = reply(450, "4.7.1", text).to_bytes();
        std::string_view rest = bytes;
        std::string joined;
        while (!rest.empty()) {
            const std::size_t end = rest.find("\r\n");
            ASSERT_NE(end, std::string_view::npos);
            EXPECT_LE(end + 2, 512U);
            joined += rest.substr(10, end - 10);
            rest.remove_prefix(end + 2);
        }
        EXPECT_EQ(joined, text);
    }
}

TEST(ReplyTest, EnhancedCodes) {
    for (const char* good : {"2.0.0", "4.7.1", "5.5.999", "5.7.25"}) {
        EXPECT_TRUE(is_enhanced_code(good)) << good;
    }
    for (const char* bad :
         {"", "2", "2.0", "3.0.0", "2.0.0.0", "2.1000.0", "2..0", "x.1.1", "2.0.", "5.1.1 "}) {
        EXPECT_FALSE(is_enhanced_code(bad)) << bad;
    }
}

struct Read {
    std::vector<Reply> replies;
    bool failed = false;
};

Read read_all(std::string_view bytes, std::size_t step) {
    ReplyReader reader;
    Read out;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
        reader.receive(bytes.substr(at, step));
        while (true) {
            auto next = reader.next();
            if (!next) {
                out.failed = true;
                return out;
            }
            if (!*next) {
                break;
            }
            out.replies.push_back(**next);
        }
    }
    return out;
}

TEST(ReplyReaderTest, ReadsWhatToBytesWrites) {
    const std::vector<Reply> replies{
        reply(220, "", "mx.example ESMTP"),
        {250, "", {"mx.example", "PIPELINING", "SIZE 1000"}},
        reply(250, "2.1.0", "Ok"),
        {554, "5.7.1", {"a", "b"}},
        {250, "", {""}},
    };
    std::string bytes;
    for (const Reply& one : replies) {
        bytes += one.to_bytes();
    }
    for (std::size_t step = 1; step <= bytes.size(); ++step) {
        const Read read = read_all(bytes, step);
        EXPECT_FALSE(read.failed);
        EXPECT_EQ(read.replies, replies) << step;
    }
}

TEST(ReplyReaderTest, TakesShortAndSloppyLines) {
    const Read read = read_all("250\r\n250 \r\n250-a\n250 b\n", 1);
    ASSERT_EQ(read.replies.size(), 3U);
    EXPECT_EQ(read.replies[2].lines, (std::vector<std::string>{"a", "b"}));
}

TEST(ReplyReaderTest, AnEnhancedCodeOfAnotherClassIsText) {
    const Read read = read_all("550 4.1.1 odd\r\n", 3);
    ASSERT_EQ(read.replies.size(), 1U);
    EXPECT_EQ(read.replies[0].enhanced, "");
    EXPECT_EQ(read.replies[0].lines[0], "4.1.1 odd");
}

TEST(ReplyReaderTest, RefusesWhatIsNoReply) {
    const std::string long_line = "250 " + std::string(5000, 'x');
    std::string many;
    for (int i = 0; i < 300; ++i) {
        many += "250-x\r\n";
    }
    for (const std::string& bad :
         {std::string("HTTP/1.1 200 OK\r\n"),
          std::string("25\r\n"),
          std::string("\r\n"),
          std::string("150 x\r\n"),
          std::string("650 x\r\n"),
          std::string("250_x\r\n"),
          std::string("250-a\r\n550 b\r\n"),
          long_line,
          long_line + "\r\n",
          many}) {
        EXPECT_TRUE(read_all(bad, 7).failed) << bad.substr(0, 30);
        EXPECT_TRUE(read_all(bad, bad.size()).failed) << bad.substr(0, 30);
    }
}

TEST(ReplyReaderTest, ClearForgetsAHalfReply) {
    ReplyReader reader;
    reader.receive("250-half\r\n250");
    ASSERT_TRUE(reader.next().has_value());
    EXPECT_FALSE(reader.empty());
    reader.clear();
    EXPECT_TRUE(reader.empty());
    reader.receive("220 new\r\n");
    const auto next = reader.next();
    ASSERT_TRUE(next && *next);
    EXPECT_EQ((*next)->code, 220);
}

}  // namespace
}  // namespace sekisho::smtp
