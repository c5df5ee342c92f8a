#include "line/reconcile.h"

#include "base/ip.h"
#include "base/time.h"
#include "line/line.h"
#include "line/memory_store.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace sekisho::line {
namespace {

constexpr Time kNoon{Duration{1'700'000'000'000}};
constexpr Duration kHour{3'600'000};

Session row(const char* address, const char* line) {
    Session out;
    out.id = address;
    out.nas = "static:t";
    out.line = line;
    out.prefixes = {*Prefix::parse(address)};
    return out;
}

class Reconcile : public ::testing::Test {
  protected:
    void agree(const std::vector<Session>& wanted, Time began, bool ends = true) {
        Reconciling how;
        how.began = began;
        if (ends) {
            how.ended = [began](const Session&) { return began; };
        }
        ASSERT_TRUE(store_.put_all(reconcile(*store_.open_on("static:t"), wanted, how)));
    }
    std::string who(const char* address, Time at) {
        return resolve(
                   *store_.holders(*IpAddress::parse(address), at), *IpAddress::parse(address), at
        )
            .line;
    }
    MemoryLineStore store_;
};

TEST_F(Reconcile, AddsEndsAndChanges) {
    agree({row("192.0.2.1", "a"), row("192.0.2.2", "b"), row("192.0.2.3", "c")}, Time{});
    agree({row("192.0.2.1", "a"), row("192.0.2.2", "x"), row("192.0.2.4", "d")}, kNoon);
    EXPECT_EQ(who("192.0.2.1", kNoon - kHour), "a");
    EXPECT_EQ(who("192.0.2.1", kNoon + kHour), "a");
    EXPECT_EQ(who("192.0.2.2", kNoon - kHour), "b");
    EXPECT_EQ(who("192.0.2.2", kNoon + kHour), "x");
    EXPECT_EQ(who("192.0.2.3", kNoon - kHour), "c");
    EXPECT_EQ(who("192.0.2.3", kNoon), "");
    EXPECT_EQ(who("192.0.2.4", kNoon - kHour), "") << "what is new was not so before";
    EXPECT_EQ(who("192.0.2.4", kNoon), "d");
    // The row that went comes again, and the same once more changes nothing.
    for (int i = 0; i < 2; ++i) {
        agree({row("192.0.2.1", "a"), row("192.0.2.2", "x"), row("192.0.2.3", "c")}, kNoon + kHour);
        EXPECT_EQ(who("192.0.2.3", kNoon + kHour), "c");
        EXPECT_EQ(who("192.0.2.4", kNoon + kHour), "");
        EXPECT_EQ(store_.open_on("static:t")->size(), 3U);
    }
}

TEST_F(Reconcile, WithoutEndsNothingIsLost) {
    agree({row("192.0.2.1", "a"), row("192.0.2.2", "b")}, Time{});
    agree({row("192.0.2.1", "x")}, kNoon, false);
    EXPECT_EQ(who("192.0.2.1", kNoon + kHour), "x");
    EXPECT_EQ(who("192.0.2.2", kNoon + kHour), "b");
}

}  // namespace
}  // namespace sekisho::line
