#include "gate/daemon/line_sources.h"

#include "base/file.h"
#include "base/ip.h"
#include "base/time.h"
#include "config/config.h"
#include "gate/daemon/line_source.h"
#include "line/line.h"
#include "line/memory_store.h"

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <string>

namespace sekisho::gate {
namespace {

constexpr std::int64_t kNoon = 1'700'000'000;  // seconds
const std::string kHead =
    "address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,"
    "user_context\n";

Time at(std::int64_t seconds) {
    return from_ms((kNoon + seconds) * 1000);
}

std::string row(int last, int granted, int valid, const std::string& host) {
    return "192.0.2." + std::to_string(last) + ",aa,bb," + std::to_string(valid) + "," +
           std::to_string(kNoon + granted + valid) + ",1,0,0," + host + ",0,\n";
}

class SourceTest : public ::testing::Test {
  protected:
    SourceTest() : folder_(std::filesystem::temp_directory_path() / "sekisho-lines-XXXXXX") {
        std::string name = folder_.string();
        EXPECT_NE(::mkdtemp(name.data()), nullptr);
        folder_ = name;
    }
    SourceTest(const SourceTest&) = delete;
    SourceTest& operator=(const SourceTest&) = delete;
    ~SourceTest() override { std::filesystem::remove_all(folder_); }

    config::LineSource config(const char* kind) {
        return {"t", kind, file(), kind == std::string{"kea"} ? "hostname" : ""};
    }
    std::string file(const char* end = "") { return (folder_ / "file.csv").string() + end; }
    void write(const std::string& text, const char* end = "") {
        ASSERT_TRUE(write_file_atomic(file(end), text));
    }
    void append(const std::string& text) { std::ofstream{file(), std::ios::app} << text; }
    std::string who(const char* address, std::int64_t seconds) {
        const IpAddress ip = *IpAddress::parse(address);
        return line::resolve(*store_.holders(ip, at(seconds)), ip, at(seconds)).line;
    }

    std::filesystem::path folder_;
    line::MemoryLineStore store_;
};

TEST_F(SourceTest, ATableIsReadWhenItHasChangedAndIsAtRest) {
    const auto source = make_static_source(config("static"));
    EXPECT_TRUE(source->look(store_, at(0)));
    EXPECT_NE(source->state().fault.find("No such file"), std::string::npos);
    EXPECT_FALSE(source->look(store_, at(1))) << "told once";
    write("192.0.2.1,a\n");
    EXPECT_TRUE(source->look(store_, at(2)));
    EXPECT_EQ(source->state().fault, "");
    EXPECT_EQ(who("192.0.2.1", 0), "a");
    EXPECT_FALSE(source->look(store_, at(3)));
    write("192.0.2.1,b\n192.0.2.2,c\n");
    EXPECT_FALSE(source->look(store_, at(4))) << "it may still be written";
    EXPECT_TRUE(source->look(store_, at(5)));
    EXPECT_EQ(who("192.0.2.1", 4), "a");
    EXPECT_EQ(who("192.0.2.1", 5), "b");
    EXPECT_EQ(source->state().held, 2U);
    // Another process of ours later: what was known goes on.
    const auto again = make_static_source(config("static"));
    write("192.0.2.1,b\n");
    EXPECT_TRUE(again->look(store_, at(100)));
    EXPECT_EQ(who("192.0.2.1", 200), "b");
    EXPECT_EQ(store_.sessions_of("b", 10)->size(), 1U);
    EXPECT_EQ(who("192.0.2.2", 99), "c");
    EXPECT_EQ(who("192.0.2.2", 100), "");
}

TEST_F(SourceTest, LeasesAreFollowedRowByRow) {
    const auto source = make_kea_source(config("kea"));
    EXPECT_TRUE(source->look(store_, at(0)));
    EXPECT_NE(source->state().fault.find("not there"), std::string::npos);
    write(kHead + row(1, -100, 600, "a"));
    EXPECT_TRUE(source->look(store_, at(0)));
    EXPECT_EQ(who("192.0.2.1", 0), "a");
    append(row(2, 1, 600, "b") + row(3, 1, 600, "c").substr(0, 20));  // Kea is still writing
    EXPECT_FALSE(source->look(store_, at(2))) << "a row more isn't worth a line in the log";
    EXPECT_EQ(who("192.0.2.2", 2), "b");
    EXPECT_EQ(source->state().wrong, 0U);
    append(row(3, 1, 600, "c").substr(20) + row(1, -100, 0, "a"));  // the rest, and a release
    source->look(store_, at(3));
    EXPECT_EQ(who("192.0.2.3", 3), "c");
    EXPECT_EQ(who("192.0.2.1", 2), "a");
    EXPECT_EQ(who("192.0.2.1", 3), "");
    EXPECT_EQ(source->state().held, 2U);
    append("nonsense\n");
    EXPECT_TRUE(source->look(store_, at(4)));
    EXPECT_EQ(source->state().errors.at(0), file() + ":6: a row has 11 fields, this one 1");
    source->look(store_, at(700));
    EXPECT_EQ(who("192.0.2.2", 600), "b");
    EXPECT_EQ(who("192.0.2.2", 601), "") << "it ran out";
}

TEST_F(SourceTest, ACleanUpAndARestartLoseNothing) {
    write(kHead + row(1, 0, 600, "a") + row(2, 0, 600, "b") + row(2, 0, 0, "b"));
    {
        const auto source = make_kea_source(config("kea"));
        source->look(store_, at(1));
        EXPECT_EQ(who("192.0.2.1", 1), "a");
        // Kea's clean-up: the file goes aside, another begins, then both become one.
        std::filesystem::rename(file(), file(".1"));
        write(kHead + row(3, 2, 600, "c"));
        EXPECT_TRUE(source->look(store_, at(2)));
        EXPECT_EQ(who("192.0.2.3", 2), "c");
        write(kHead + row(1, 0, 600, "a"), ".completed");
        std::filesystem::remove(file(".1"));
        append(row(1, 3, 600, "x"));
        source->look(store_, at(4));
    }
    EXPECT_EQ(who("192.0.2.1", 4), "x");
    EXPECT_EQ(who("192.0.2.1", 2), "a");
    // While nobody looked: x gave it back and it was cleaned away, c's went to d.
    std::filesystem::rename(file(".completed"), file(".2"));
    write(kHead, ".2");
    write(kHead + row(3, 50, 600, "d"));
    const auto source = make_kea_source(config("kea"));
    source->look(store_, at(100));
    EXPECT_EQ(who("192.0.2.1", 3), "x");
    EXPECT_EQ(who("192.0.2.1", 10), "") << "it was last known to hold at 3";
    EXPECT_EQ(who("192.0.2.3", 10), "c");
    EXPECT_EQ(who("192.0.2.3", 100), "d");
    EXPECT_EQ(source->state().held, 1U);
    EXPECT_EQ(store_.open_on("kea:t")->size(), 1U);
}

TEST_F(SourceTest, WhatIsNoLeaseFileEndsNothing) {
    write(kHead + row(1, 0, 600, "a"));
    const auto source = make_kea_source(config("kea"));
    source->look(store_, at(1));
    std::filesystem::remove(file());
    EXPECT_TRUE(source->look(store_, at(2)));
    EXPECT_EQ(who("192.0.2.1", 2), "a");
    write("this is another file\n");
    source->look(store_, at(3));
    EXPECT_EQ(source->state().wrong, 1U);
    EXPECT_NE(source->state().fault, "");
    EXPECT_EQ(who("192.0.2.1", 3), "a");
}

}  // namespace
}  // namespace sekisho::gate
