#include "delivery/maildir.h"

#include "base/result.h"
#include "base/time.h"
#include "net/test_support.h"

#include <cstddef>
#include <filesystem>
#include <gtest/gtest.h>
#include <string>
#include <sys/stat.h>
#include <vector>

namespace sekisho::delivery {
namespace {

namespace fs = std::filesystem;

class Maildir : public ::testing::Test {
  protected:
    MaildirMessage message(const std::string& mailbox) {
        MaildirMessage result;
        result.root = folder.path();
        result.mailbox = mailbox;
        result.hostname = "mail.example.net";
        result.queue_id = "0123456789";
        result.recipient = mailbox;
        result.reverse_path = "from@example.org";
        result.accepted = from_ms(1'795'531'759'000);
        result.bytes = "Subject: x\r\n\r\nline\r\nbare\rcr\r\n";
        return result;
    }
    std::vector<std::string> files(const std::string& name) {
        std::vector<std::string> result;
        for (const auto& entry : fs::directory_iterator(fs::path(folder.path()) / name)) {
            result.push_back(entry.path().filename().string());
        }
        return result;
    }
    net::test::Folder folder;
};

TEST_F(Maildir, StoresWithTraceFieldsAndUnixLineEnds) {
    ASSERT_TRUE(deliver_to_maildir(message("taro@example.net")));
    const auto in_new = files("taro@example.net/new");
    ASSERT_EQ(in_new.size(), 1U);
    EXPECT_EQ(
        folder.read("taro@example.net/new/" + in_new[0]),
        "Return-Path: <from@example.org>\nDelivered-To: taro@example.net\nSubject: "
        "x\n\nline\nbare\rcr\n"
    );
    EXPECT_TRUE(in_new[0].starts_with("1795531759.Q0123456789R")) << in_new[0];
    EXPECT_TRUE(in_new[0].ends_with(".mail.example.net")) << in_new[0];
    EXPECT_TRUE(files("taro@example.net/tmp").empty());
    EXPECT_TRUE(fs::is_directory(folder / "taro@example.net/cur"));
    struct stat made{};
    ASSERT_EQ(::stat((folder / "taro@example.net").c_str(), &made), 0);
    EXPECT_EQ(made.st_mode & 0777U, 0700U);
    ASSERT_EQ(::stat((folder / ("taro@example.net/new/" + in_new[0])).c_str(), &made), 0);
    EXPECT_EQ(made.st_mode & 0777U, 0600U);
}

TEST_F(Maildir, ARepeatedTryDeliversOnce) {
    ASSERT_TRUE(deliver_to_maildir(message("taro")));
    ASSERT_TRUE(deliver_to_maildir(message("taro")));
    EXPECT_EQ(files("taro/new").size(), 1U);
    MaildirMessage alias = message("taro");
    alias.recipient = "alias@example.net";
    ASSERT_TRUE(deliver_to_maildir(alias));
    MaildirMessage next = message("taro");
    next.queue_id = "0123456790";
    ASSERT_TRUE(deliver_to_maildir(next));
    EXPECT_EQ(files("taro/new").size(), 3U);
    EXPECT_TRUE(files("taro/tmp").empty());
}

TEST_F(Maildir, NamesCanNotLeaveTheRoot) {
    EXPECT_EQ(folder_name("Taro.Y+x@example.net"), "Taro.Y+x@example.net");
    EXPECT_EQ(folder_name("../../etc"), "%2E.%2F..%2Fetc");
    EXPECT_EQ(folder_name(".hidden"), "%2Ehidden");
    EXPECT_EQ(folder_name("a%b\n\xE3"), "a%25b%0A%E3");
    ASSERT_TRUE(deliver_to_maildir(message("../escape")));
    EXPECT_EQ(files("%2E.%2Fescape/new").size(), 1U);
    EXPECT_FALSE(fs::exists(fs::path(folder.path()).parent_path() / "escape"));
}

TEST_F(Maildir, ErrorsAreValues) {
    EXPECT_EQ(deliver_to_maildir(message("")).error().code, Errc::Invalid);
    EXPECT_EQ(deliver_to_maildir(message(std::string(300, 'x'))).error().code, Errc::Invalid);
    folder.write("file", "");
    MaildirMessage bad = message("taro");
    bad.root = folder / "file";
    const Status failed = deliver_to_maildir(bad);
    ASSERT_FALSE(failed);
    EXPECT_NE(failed.error().message.find(folder / "file"), std::string::npos);
}

}  // namespace
}  // namespace sekisho::delivery
