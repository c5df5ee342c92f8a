#include "conduct/warden.h"

#include "base/bytes.h"
#include "base/time.h"
#include "conduct/machine.h"
#include "conduct/notice.h"

#include <chrono>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace sekisho::conduct {
namespace {

using namespace std::chrono_literals;

const Time kStart = from_ms(1'700'000'000'000);

void complain(Warden& warden, const std::string& account, int times = 1) {
    for (int i = 0; i < times; ++i) {
        warden.seen(account, "L1", {.what = Seen::What::Complaint, .detail = "x"}, kStart);
    }
}

TEST(Warden, NeighboursAreNotTouched) {
    Warden warden;
    warden.follow({}, true);
    warden.seen("hanako", "L1", {.network = "a"}, kStart);
    complain(warden, "taro", 4);
    EXPECT_EQ(warden.stage("taro"), Stage::Suspended);
    EXPECT_EQ(warden.stage("hanako"), Stage::Normal);
    warden.seen_of_line("L1", {.what = Seen::What::GateBlocked, .detail = "x"}, kStart);
    EXPECT_EQ(warden.stage("hanako"), Stage::Normal) << "a line has other users";
    EXPECT_EQ(warden.find("taro", kStart)->state.score, 130);
    const auto happened = warden.happened();
    ASSERT_EQ(happened.size(), 3U);
    EXPECT_EQ(happened[2].change.to, Stage::Suspended);
    EXPECT_TRUE(warden.happened().empty());
    EXPECT_EQ(warden.list(kStart).size(), 1U);
}

TEST(Warden, ObservedOnlyUnlessSomebodyOrdersIt) {
    Warden warden;
    warden.follow({}, false);
    complain(warden, "taro", 4);
    EXPECT_EQ(warden.stage("taro"), Stage::Normal);
    EXPECT_FALSE(warden.happened().at(0).enforced);
    ASSERT_TRUE(warden.suspend("jiro", "root", "police", kStart));
    EXPECT_EQ(warden.stage("jiro"), Stage::Suspended);
    EXPECT_TRUE(warden.happened().at(0).enforced);
    EXPECT_FALSE(warden.suspend("jiro", "root", "police", kStart));
    ASSERT_TRUE(warden.undo("jiro", "root", "cleared", true, kStart));
    EXPECT_EQ(warden.stage("jiro"), Stage::Normal);
    EXPECT_FALSE(warden.undo("nobody", "root", "cleared", true, kStart));
}

TEST(Warden, KeepsAndRestores) {
    Warden before;
    before.follow({}, true);
    complain(before, "taro", 3);
    ASSERT_TRUE(before.exempt("list", true, "root", "a list server", kStart));
    EXPECT_FALSE(before.exempt("list", true, "root", "again", kStart));
    const auto records = before.changed();
    ASSERT_EQ(records.size(), 2U);
    EXPECT_TRUE(before.changed().empty());
    Warden after;
    after.follow({}, true);
    after.restore(records);
    EXPECT_EQ(after.stage("taro"), Stage::Hold);
    complain(after, "list", 100);
    EXPECT_EQ(after.stage("list"), Stage::Normal);
    after.tick(kStart + 24h);
    EXPECT_EQ(after.stage("taro"), Stage::Slow);
}

TEST(Notice, TellsBothLanguages) {
    Warden warden;
    warden.follow({}, true);
    complain(warden, "taro@example.net", 4);
    const NoticeOptions options{
        "mail.example.net",
        "postmaster@mail.example.net",
        "Example Net",
        "例示ネット",
        "support@example.net",
        "https://guide.example.net",
    };
    for (const Happened& what : warden.happened()) {
        const Notice notice = to_subscriber(what, "taro@example.net", options, "u1", kStart);
        EXPECT_EQ(notice.message_id, "<conduct.u1@mail.example.net>");
        const std::size_t end = notice.message.find("\r\n\r\n");
        ASSERT_NE(end, std::string::npos);
        EXPECT_NE(notice.message.find("Auto-Submitted: auto-generated\r\n"), std::string::npos);
        std::string coded;
        for (const char c : notice.message.substr(end)) {
            coded += c == '\r' || c == '\n' ? "" : std::string(1, c);
        }
        const std::string text = unbase64(coded).value_or("");
        EXPECT_TRUE(is_utf8(text));
        EXPECT_NE(text.find("taro@example.net"), std::string::npos) << text;
        EXPECT_NE(text.find("例示ネット です"), std::string::npos) << text;
        EXPECT_EQ(text.find('{'), std::string::npos) << text;
        for (const char c : notice.message) {
            EXPECT_LT(static_cast<unsigned char>(c), 128);
        }
        EXPECT_NE(
            to_abuse_desk(what, "abuse@example.net", options, "u2", kStart)
                .message.find("Subject: "),
            std::string::npos
        );
    }
}

}  // namespace
}  // namespace sekisho::conduct
