#include "gate/answer/dialogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>

namespace sekisho::gate {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

Dialogue refused() {
    return Dialogue(smtp::reply(554, "5.7.1", "Closed by rule op25b (reference abc)"));
}

TEST(DialogueTest, TheReasonComesFirstAndAgainUntilTheClientQuits) {
    Dialogue talk = refused();
    EXPECT_EQ(talk.greeting(), "554 5.7.1 Closed by rule op25b (reference abc)\r\n");
    EXPECT_EQ(
        talk.receive("EHLO pc.example.org\r\n"),
        "503 5.5.1 Closed by rule op25b (reference abc)\r\n"
    );
    EXPECT_THAT(talk.receive("MAIL FROM:<a@example.org>\r\n"), StartsWith("503 5.5.1 "));
    EXPECT_FALSE(talk.over());
    EXPECT_EQ(talk.receive("quit\r\n"), "221 2.0.0 Bye\r\n");
    EXPECT_TRUE(talk.over());
    EXPECT_EQ(talk.receive("NOOP\r\n"), "") << "nothing follows the last reply";
}

TEST(DialogueTest, LinesComeInPiecesAndSeveralAtOnce) {
    Dialogue talk = refused();
    EXPECT_EQ(talk.receive("HE"), "");
    EXPECT_EQ(talk.receive("LO x\r"), "");
    EXPECT_THAT(talk.receive("\nQUI"), StartsWith("503 "));
    const std::string last = talk.receive("T\r\nDATA\r\n");
    EXPECT_EQ(last, "221 2.0.0 Bye\r\n");
}

TEST(DialogueTest, WhatNeverEndsIsEnded) {
    Dialogue endless = refused();
    EXPECT_EQ(endless.receive(std::string(Dialogue::kLineMax, 'x')), "");
    EXPECT_THAT(endless.receive("x"), StartsWith("421 4.4.5"));
    EXPECT_TRUE(endless.over());

    Dialogue many = refused();
    for (int i = 1; i < Dialogue::kCommandsMax; ++i) {
        EXPECT_THAT(many.receive("NOOP\r\n"), StartsWith("503 "));
    }
    EXPECT_THAT(many.receive("NOOP\r\n"), HasSubstr("421 4.7.0"));
    EXPECT_TRUE(many.over());
}

}  // namespace
}  // namespace sekisho::gate
