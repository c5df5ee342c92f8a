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

Subject account(const std::string& login) {
    return {Subject::Kind::Account, login};
}
Subject line(const std::string& id) {
    return {Subject::Kind::Line, id};
}

void complain(Warden& warden, const std::string& login, int times = 1) {
    for (int i = 0; i < times; ++i) {
        warden.seen(login, "L1", {.what = Seen::What::Complaint, .detail = "x"}, kStart);
    }
}

TEST(Warden, NeighboursAreNotTouched) {
    Warden warden;
    warden.follow({}, true);
    warden.seen("hanako", "L1", {.network = "a"}, kStart);
    complain(warden, "taro", 4);
    EXPECT_EQ(warden.stage("taro"), Stage::Suspended);
    EXPECT_EQ(warden.stage("hanako"), Stage::Normal);
    warden.blocked("L1", "x", kStart);
    EXPECT_EQ(warden.stage("hanako"), Stage::Normal) << "a line has other users";
    EXPECT_EQ(warden.find(account("taro"), kStart)->state.score, 130);
    const auto happened = warden.happened();
    ASSERT_EQ(happened.size(), 3U);
    EXPECT_EQ(happened[2].change.to, Stage::Suspended);
    EXPECT_TRUE(warden.happened().empty());
    EXPECT_EQ(warden.list(kStart).size(), 1U);
}

// Somebody sits on L9 and has the passwords of others.
TEST(Warden, ALineIsSuspectedForSeveralAccounts) {
    Warden warden;
    warden.follow({}, true);
    const auto use = [&](const std::string& login, const std::string& from, int complaints) {
        warden.seen(login, "home of " + login, {.network = "n", .from = from}, kStart);
        complain(warden, login, complaints);
    };
    use("taro", "L9", 3);
    EXPECT_EQ(warden.stage("taro"), Stage::Hold);
    EXPECT_EQ(warden.stage_of_line("L9"), Stage::Normal) << "one account is answered by itself";
    use("jiro", "", 4);
    use("saburo", "L8", 4);
    EXPECT_EQ(warden.stage_of_line("L9"), Stage::Normal) << "it was not used from there";
    use("shiro", "L9", 1);
    EXPECT_EQ(warden.stage("shiro"), Stage::Normal);
    EXPECT_EQ(warden.stage_of_line("L9"), Stage::Suspended);
    EXPECT_EQ(warden.stage_of_line("home of taro"), Stage::Normal);
    const auto found = warden.find(line("L9"), kStart);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->state.score, 120);
    EXPECT_NE(found->state.reason.find("shiro: a complaint"), std::string::npos);
    use("shiro", "L9", 3);
    EXPECT_EQ(warden.stage_of_line("L9"), Stage::Suspended) << "a line has no password";
    ASSERT_TRUE(warden.undo(line("L9"), "root", "cleaned", true, kStart));
    EXPECT_EQ(warden.stage_of_line("L9"), Stage::Normal);
    EXPECT_EQ(warden.stage("shiro"), Stage::Suspended);
}

TEST(Warden, TheGateAddsToASuspectedLineOnly) {
    Warden warden;
    warden.follow({}, true);
    warden.blocked("L9", "x", kStart);
    EXPECT_FALSE(warden.find(line("L9"), kStart));
    for (const char* login : {"taro", "jiro"}) {
        warden.seen(login, "", {.network = "n", .from = "L9"}, kStart);
        complain(warden, login);
    }
    EXPECT_EQ(warden.stage_of_line("L9"), Stage::Slow);
    warden.blocked("L9", "x", kStart);
    EXPECT_EQ(warden.stage_of_line("L9"), Stage::Hold);
    ASSERT_TRUE(warden.exempt(line("L8"), true, "root", "an office", kStart));
    for (const char* login : {"taro", "jiro"}) {
        warden.seen(login, "", {.network = "n", .from = "L8"}, kStart);
        complain(warden, login, 3);
    }
    EXPECT_EQ(warden.stage_of_line("L8"), Stage::Normal);
}

TEST(Warden, ObservedOnlyUnlessSomebodyOrdersIt) {
    Warden warden;
    warden.follow({}, false);
    complain(warden, "taro", 4);
    EXPECT_EQ(warden.stage("taro"), Stage::Normal);
    EXPECT_FALSE(warden.happened().at(0).enforced);
    ASSERT_TRUE(warden.suspend(account("jiro"), "root", "police", kStart));
    EXPECT_EQ(warden.stage("jiro"), Stage::Suspended);
    EXPECT_TRUE(warden.happened().at(0).enforced);
    EXPECT_FALSE(warden.suspend(account("jiro"), "root", "police", kStart));
    ASSERT_TRUE(warden.undo(account("jiro"), "root", "cleared", true, kStart));
    EXPECT_EQ(warden.stage("jiro"), Stage::Normal);
    EXPECT_FALSE(warden.undo(account("nobody"), "root", "cleared", true, kStart));
}

TEST(Warden, KeepsAndRestores) {
    Warden before;
    before.follow({}, true);
    complain(before, "taro", 3);
    ASSERT_TRUE(before.exempt(account("list"), true, "root", "a list server", kStart));
    EXPECT_FALSE(before.exempt(account("list"), true, "root", "again", kStart));
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

TEST(Notice, TellsTheLanguageThatItsReaderAskedFor) {
    Warden warden;
    warden.follow({}, true);
    complain(warden, "taro@example.net", 4);
    NoticeOptions options{
        "mail.example.net",
        "postmaster@mail.example.net",
        "Example Net",
        "例示ネット",
        "support@example.net",
        "https://guide.example.net",
        {},
    };
    const Happened what = warden.happened().front();
    const auto text = [&](const std::string& language) {
        options.language = language;
        const Notice notice = to_subscriber(what, "taro@example.net", options, "u1", kStart);
        std::string coded;
        for (const char c : notice.message.substr(notice.message.find("\r\n\r\n"))) {
            coded += c == '\r' || c == '\n' ? "" : std::string(1, c);
        }
        return unbase64(coded).value_or("");
    };
    EXPECT_TRUE(text("ja").contains("例示ネット です"));
    EXPECT_FALSE(text("ja").contains("Example Net"));
    EXPECT_FALSE(text("ja").contains("\n--\r\n"));
    EXPECT_FALSE(text("en").contains("例示ネット"));
    EXPECT_TRUE(text("en").contains("Example Net"));
    EXPECT_TRUE(text("").contains("例示ネット") && text("").contains("Example Net"));
}

}  // namespace
}  // namespace sekisho::conduct
