#include "smtp/data.h"

#include "smtp/reply.h"

#include <gtest/gtest.h>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::smtp {
namespace {

struct Outcome {
    bool done = false;
    std::string message;
    std::string refused;
    std::string rest;  // octets behind the end
    bool operator==(const Outcome&) const = default;
};

void PrintTo(const Outcome& outcome, std::ostream* out) {
    *out << outcome.done << " [" << outcome.message << "] " << outcome.refused << " rest ["
         << outcome.rest << "]";
}

Outcome read(
    std::string_view bytes, const DataLimits& limits, const std::vector<std::size_t>& cuts
) {
    DataReader reader(limits);
    Outcome out;
    std::size_t at = 0;
    std::size_t next_cut = 0;
    while (at < bytes.size()) {
        const std::size_t end = next_cut < cuts.size() ? cuts[next_cut++] : bytes.size();
        const std::string_view part = bytes.substr(at, end - at);
        const std::size_t taken = reader.receive(part);
        if (reader.done()) {
            out.rest = bytes.substr(at + taken);
            break;
        }
        EXPECT_EQ(taken, part.size());
        at = end;
    }
    out.done = reader.done();
    out.refused = reader.refused() ? reader.refused()->text().substr(0, 9) : "";
    out.message = reader.refused() ? "" : reader.take_message();
    return out;
}

Outcome whole(std::string_view bytes, const DataLimits& limits = {}) {
    return read(bytes, limits, {});
}

TEST(DataReaderTest, UnstuffsDots) {
    const Outcome out = whole("a\r\n..b\r\n.c\r\n...\r\n\r\n.\r\nQUIT\r\n");
    EXPECT_TRUE(out.done);
    EXPECT_EQ(out.message, "a\r\n.b\r\nc\r\n..\r\n\r\n");
    EXPECT_EQ(out.rest, "QUIT\r\n");
    EXPECT_EQ(out.refused, "");
    EXPECT_TRUE(whole(".\r\n").done);
    EXPECT_EQ(whole(".\r\n").message, "");
}

// SMTP smuggling: none of these ends the message; each makes it refused, and the bytes behind are
// data, never commands.
TEST(DataReaderTest, NothingElseEndsAMessage) {
    for (const std::string& end : std::vector<std::string>{
             "\n.\n",
             "\n.\r\n",
             "\r\n.\n",
             "\r.\r",
             "\r.\r\n",
             "\r\n.\r",
             "\n.\r",
             "\r\r\n.\r\r\n",
             "\r\n.\r\r\n",
             std::string("\r\n\0.\r\n", 6),
             std::string("\r\n.\0\r\n", 6),
             "\n\n.\n\n",
             "\r\n.\n\r\n",
             "\r\n\r.\r\n",
             "\n\r.\r\n",
         }) {
        const std::string smuggled =
            "Subject: x\r\n\r\nbody" + end + "MAIL FROM:<admin@example>\r\nDATA\r\n";
        const Outcome open = whole(smuggled);
        EXPECT_FALSE(open.done) << testing::PrintToString(end);
        const Outcome closed = whole(smuggled + "\r\n.\r\nRSET\r\n");
        EXPECT_TRUE(closed.done) << testing::PrintToString(end);
        EXPECT_EQ(closed.rest, "RSET\r\n") << testing::PrintToString(end);
        EXPECT_TRUE(closed.refused == "550 5.6.1" || closed.refused == "550 5.6.0")
            << testing::PrintToString(end) << closed.refused;
    }
}

TEST(DataReaderTest, SizeIsOfTheMessageItself) {
    // RFC 1870 §4: without the doubled dots and without the final dot.
    const DataLimits limits{.size_max = 6};
    EXPECT_EQ(whole("..bc\r\n\r\n.\r\n", {.size_max = 7}).message, ".bc\r\n\r\n");
    EXPECT_EQ(whole("..bc\r\n\r\n.\r\n", limits).refused, "552 5.3.4");
    const Outcome big = whole("0123456789\r\n.\r\nNOOP\r\n", limits);
    EXPECT_TRUE(big.done);
    EXPECT_EQ(big.refused, "552 5.3.4");
    EXPECT_EQ(big.rest, "NOOP\r\n");
}

TEST(DataReaderTest, KeepsNothingOfARefusedMessageAndGoesOnCounting) {
    DataReader reader({.size_max = 10});
    reader.receive(std::string(100, 'x'));
    ASSERT_TRUE(reader.refused());
    EXPECT_EQ(reader.take_message(), "");
    reader.receive(std::string(100, 'y'));
    EXPECT_EQ(reader.size(), 200U);
}

TEST(DataReaderTest, LineLength) {
    // RFC 5321 §4.5.3.1.6: 1000 octets with CRLF, the doubled dot not counted.
    EXPECT_EQ(whole(std::string(998, 'x') + "\r\n.\r\n").refused, "");
    EXPECT_EQ(whole(std::string(999, 'x') + "\r\n.\r\n").refused, "550 5.6.0");
    EXPECT_EQ(whole("." + std::string(998, '.') + "\r\n.\r\n").refused, "");
    EXPECT_EQ(
        whole(std::string(998, 'x') + "\r\n" + std::string(998, 'x') + "\r\n.\r\n").refused, ""
    );
}

TEST(DataReaderTest, EverySplitInTwoGivesTheSame) {
    const std::vector<std::string> inputs{
        "a\r\n..b\r\n.c\r\n.\r\nQUIT\r\n",
        "a\nb\r\n.\r\n",
        "a\r\n.\rb\r\n.\r\nx",
        "a\r\r\n.\r\n",
        "\r\n.\n.\r\n.\r\n.\r\n",
        std::string("a\0b\r\n.\r\n", 8),
        "0123456789012345678901234567890123456789\r\n.\r\n",
        "01234567890123456789\r\n0123456789\r\n.\r\nx",
    };
    const DataLimits limits{.size_max = 30, .line_max = 25};
    for (const std::string& input : inputs) {
        const Outcome expected = whole(input, limits);
        for (std::size_t cut = 0; cut <= input.size(); ++cut) {
            EXPECT_EQ(read(input, limits, {cut}), expected) << testing::PrintToString(input) << cut;
        }
        std::vector<std::size_t> all;
        for (std::size_t i = 1; i < input.size(); ++i) {
            all.push_back(i);
        }
        EXPECT_EQ(read(input, limits, all), expected) << testing::PrintToString(input);
    }
}

TEST(DataReaderTest, RandomBytesInRandomPieces) {
    std::mt19937 random(20261124);  // NOLINT(bugprone-random-generator-seed): the same every time
    const std::string alphabet = std::string("\r\n\r\n..ab") + '\0';
    for (int round = 0; round < 20000; ++round) {
        std::string input;
        const std::size_t length = random() % 40;
        for (std::size_t i = 0; i < length; ++i) {
            // NUL seldom, or nothing else would be seen.
            const std::size_t pick = random() % (alphabet.size() * 4);
            input.push_back(
                alphabet[pick % (pick < alphabet.size() ? alphabet.size() : alphabet.size() - 1)]
            );
        }
        const DataLimits limits{.size_max = 3 + random() % 30, .line_max = 2 + random() % 12};
        std::vector<std::size_t> cuts;
        for (std::size_t i = 1; i < input.size(); ++i) {
            if (random() % 3 == 0) {
                cuts.push_back(i);
            }
        }
        const Outcome expected = whole(input, limits);
        ASSERT_EQ(read(input, limits, cuts), expected) << testing::PrintToString(input);
        // The only end is CRLF.CRLF (or .CRLF at the very start).
        const std::string framed = "\r\n" + input;
        ASSERT_EQ(expected.done, framed.contains("\r\n.\r\n")) << testing::PrintToString(input);
    }
}

std::string stuff(std::string_view message, std::size_t piece) {
    DotStuffer stuffer;
    std::string out;
    while (!stuffer.done()) {
        const std::string part = stuffer.next(message, piece);
        EXPECT_FALSE(part.empty());
        out += part;
    }
    EXPECT_EQ(stuffer.next(message, piece), "");
    return out;
}

TEST(DotStufferTest, DoublesDotsAndMendsLineEnds) {
    EXPECT_EQ(stuff("", 100), ".\r\n");
    EXPECT_EQ(stuff("a\r\n.b\r\n..\r\n", 100), "a\r\n..b\r\n...\r\n.\r\n");
    EXPECT_EQ(stuff("a", 100), "a\r\n.\r\n");
    EXPECT_EQ(stuff("a\n.\nb", 100), "a\r\n..\r\nb\r\n.\r\n");
    EXPECT_EQ(stuff("a\r.\rb", 100), "a\r\n..\r\nb\r\n.\r\n");
    EXPECT_EQ(stuff("a\r\r\nb", 100), "a\r\n\r\nb\r\n.\r\n");
}

TEST(DotStufferTest, WhatItWritesIsReadBack) {
    std::mt19937 random(7);  // NOLINT(bugprone-random-generator-seed)
    const std::vector<std::string> parts{"\r\n", ".", "a", "..", "bcd", "\r\n."};
    for (int round = 0; round < 5000; ++round) {
        std::string message;
        for (std::size_t i = random() % 20; i > 0; --i) {
            message += parts[random() % parts.size()];
        }
        message += "\r\n";
        const std::string wire = stuff(message, 1 + random() % 12);
        const Outcome out = whole(wire + "NOOP\r\n");
        ASSERT_TRUE(out.done) << testing::PrintToString(message);
        ASSERT_EQ(out.message, message) << testing::PrintToString(wire);
        ASSERT_EQ(out.rest, "NOOP\r\n");
        ASSERT_EQ(stuff(message, 65536), wire);
    }
}

TEST(DotStufferTest, NothingBareLeaves) {
    std::mt19937 random(8);  // NOLINT(bugprone-random-generator-seed)
    for (int round = 0; round < 5000; ++round) {
        std::string message;
        for (std::size_t i = random() % 16; i > 0; --i) {
            message.push_back("\r\n.a"[random() % 4]);
        }
        const Outcome out = whole(stuff(message, 1 + random() % 9));
        ASSERT_TRUE(out.done);
        ASSERT_EQ(out.refused, "") << testing::PrintToString(message);
        ASSERT_EQ(out.rest, "") << testing::PrintToString(message);
    }
}

TEST(ChunkReaderTest, TakesDotsAsTheyAreAndEndsTheLastLine) {
    for (std::size_t step = 1; step < 12; ++step) {
        const std::string content = ".\r\n..a\r\n.\r\nend";
        ChunkReader reader({});
        for (std::size_t at = 0; at < content.size(); at += step) {
            reader.receive(std::string_view(content).substr(at, step));
        }
        reader.finish();
        EXPECT_FALSE(reader.refused());
        EXPECT_EQ(reader.take_message(), ".\r\n..a\r\n.\r\nend\r\n");
    }
    ChunkReader empty({});
    empty.finish();
    EXPECT_EQ(empty.take_message(), "");
}

// RFC 3030 §3
TEST(ChunkReaderTest, KeepsBinaryBodiesOctetByOctet) {
    using namespace std::string_literals;
    const std::string header = "Subject: x\r\nContent-Transfer-Encoding: binary\r\n\r\n";
    for (const std::string& body : {""s, "a\r\nb"s, "\r"s, "\n\r\0.\r\n.\r\n\r"s, "\r\n\r\n"s}) {
        for (std::size_t step = 1; step < 9; ++step) {
            const std::string content = header + body;
            ChunkReader reader({.line_max = 40}, true);
            for (std::size_t at = 0; at < content.size(); at += step) {
                reader.receive(std::string_view(content).substr(at, step));
            }
            reader.finish();
            ASSERT_FALSE(reader.refused()) << reader.refused()->text();
            ASSERT_EQ(reader.take_message(), content);
        }
    }
    ChunkReader bare({}, true);
    bare.receive("Subject: x\nX: y\r\n\r\n");
    EXPECT_EQ(bare.refused().value_or(Reply{}).enhanced, "5.6.11") << "the header is lines";
    ChunkReader big({.size_max = 10}, true);
    big.receive("A: b\r\n\r\n123");
    EXPECT_EQ(big.refused().value_or(Reply{}).enhanced, "5.3.4");
    ChunkReader no_body({}, true);
    no_body.receive("Subject: x");
    no_body.finish();
    EXPECT_EQ(no_body.take_message(), "Subject: x\r\n");
}

TEST(ChunkReaderTest, RefusesWhatDataRefuses) {
    for (const std::string& content :
         std::vector<std::string>{"a\nb", "a\rb", "a\r", "\n", "a\r\r\n", std::string("a\0b", 3)}) {
        for (std::size_t step = 1; step <= content.size(); ++step) {
            ChunkReader reader({});
            for (std::size_t at = 0; at < content.size(); at += step) {
                reader.receive(std::string_view(content).substr(at, step));
            }
            reader.finish();
            ASSERT_TRUE(reader.refused()) << testing::PrintToString(content);
            EXPECT_EQ(reader.refused()->code, 550);
        }
    }
    ChunkReader big({.size_max = 5});
    big.receive("123456");
    EXPECT_EQ(big.refused().value_or(Reply{}).enhanced, "5.3.4");
}

}  // namespace
}  // namespace sekisho::smtp
