#include "feed/record.h"

#include "base/time.h"
#include "event/event.h"
#include "feed/line_file.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <unistd.h>

namespace sekisho::feed {
namespace {

event::Event bounced() {
    event::Event event;
    event.id = 7;
    event.at = from_ms(1'795'772'400'000);
    event.kind = event::Kind::Bounced;
    event.recipient = "a@b.example";
    event.detail = "550 \xff no";
    return event;
}

TEST(Record, AnEventIsOneLine) {
    const std::string line = line_of(bounced());
    EXPECT_EQ(line.back(), '\n');
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    const auto read = nlohmann::json::parse(line);
    EXPECT_EQ(read["id"], 7);
    EXPECT_EQ(read["kind"], "bounced");
    EXPECT_EQ(read["detail"], "550 \xEF\xBF\xBD no");
    EXPECT_FALSE(read.contains("account"));
    EXPECT_EQ(nlohmann::json::parse(body_of({bounced(), bounced()})).size(), 2U);
}

TEST(Record, TheSignatureIsOverTimeAndBody) {
    // printf '1795772400.[]' | openssl dgst -sha256 -hmac key
    EXPECT_EQ(
        signature("key", from_ms(1'795'772'400'123), "[]"),
        "t=1795772400,v1="
        "fe0dcb536f0a35110a96d1683e2a2d7c35bcdf66243af902642402fe3bd0a24b"
    );
    EXPECT_NE(
        signature("other", from_ms(1'795'772'400'123), "[]"),
        signature("key", from_ms(1'795'772'400'123), "[]")
    );
}

TEST(Record, KindsByName) {
    EXPECT_EQ(kinds_of({})->size(), 8U);
    EXPECT_EQ(kinds_of({"gate-blocked"})->front(), event::Kind::GateBlocked);
    EXPECT_EQ(kinds_of({"x"}).error().message, "events.kinds: \"x\" is no kind of event");
}

TEST(Record, WaitsGrowToFiveMinutes) {
    const Duration second{1'000};
    EXPECT_EQ(wait_after(1, second), second);
    EXPECT_EQ(wait_after(4, second), 8 * second);
    EXPECT_EQ(wait_after(1'000'000, second), 300 * second);
}

class LineFileTest : public testing::Test {
  protected:
    LineFileTest() { std::filesystem::create_directory(folder); }
    ~LineFileTest() override { std::filesystem::remove_all(folder); }
    static std::string read(const std::string& path) {
        std::ifstream in(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    std::string folder =
        std::filesystem::temp_directory_path() / ("sekisho-feed-" + std::to_string(::getpid()));
    std::string path = folder + "/events.json";
};

TEST_F(LineFileTest, BeginsANewFileWhenTheOldOneIsRenamedOrRemoved) {
    LineFile file(path);
    ASSERT_TRUE(file.append("one\n"));
    ASSERT_TRUE(file.append("two\n"));
    ASSERT_EQ(std::rename(path.c_str(), (path + ".1").c_str()), 0);
    ASSERT_TRUE(file.append("three\n"));
    EXPECT_EQ(read(path + ".1"), "one\ntwo\n");
    EXPECT_EQ(read(path), "three\n");
    std::filesystem::remove(path);
    ASSERT_TRUE(file.append("four\n"));
    EXPECT_EQ(read(path), "four\n");
    LineFile another(path);
    ASSERT_TRUE(another.append("five\n"));
    EXPECT_EQ(read(path), "four\nfive\n") << "what is there stays";
}

TEST_F(LineFileTest, AFolderThatIsMissingIsAnError) {
    LineFile file(folder + "/none/events.json");
    EXPECT_FALSE(file.append("one\n"));
}

}  // namespace
}  // namespace sekisho::feed
