#include "message/cause.h"

#include <gtest/gtest.h>

namespace sekisho::message {
namespace {

TEST(Cause, SaysInWordsWhatTheReplyMeans) {
    EXPECT_EQ(plain_cause("452 4.2.2 over quota"), "The recipient's mailbox is full.");
    EXPECT_EQ(
        plain_cause("550 5.1.1 nobody (mx.example.org[192.0.2.1]:25, no TLS)"),
        "There is no such mailbox at the recipient's server."
    );
    EXPECT_EQ(
        plain_cause("delivery time expired; last: 451 4.4.1 no answer"),
        "The recipient's mail server does not answer."
    );
    EXPECT_EQ(plain_cause("554 no"), "The recipient's server did not take this mail.");
    EXPECT_EQ(plain_cause("250 2.0.0 ok"), "");
    EXPECT_EQ(plain_cause(""), "");
    EXPECT_EQ(plain_cause("delivery time expired; last: "), "");
}

}  // namespace
}  // namespace sekisho::message
