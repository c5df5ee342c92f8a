#include "conduct/machine.h"
#include "conduct/warden.h"
#include "store/store.h"
#include "store/test_support.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace sekisho::store {
namespace {

const Time kStart = from_ms(1'700'000'000'000);

TEST(ConductMemory, KeepsEveryPartOfAState) {
    const TestFolder folder;
    auto store = *open_store(folder.file());
    conduct::Record one;
    one.subject = {conduct::Subject::Kind::Account, "taro@example.net"};
    one.state.stage = conduct::Stage::Suspended;
    one.state.since = kStart;
    one.state.score = 130.25;
    one.state.scored = kStart;
    one.state.suspicious = kStart;
    one.state.reason = "6 networks in an hour";
    one.state.by = "root";
    one.state.evidence = {"first", "second"};
    one.state.exempt = true;
    conduct::Record line = one;
    line.subject = {conduct::Subject::Kind::Line, "taro@example.net"};
    line.state.stage = conduct::Stage::Hold;
    const std::vector<conduct::Record> records{one, line};
    ASSERT_TRUE(store->conduct().keep(records));
    ASSERT_TRUE(store->conduct().keep(records)) << "again";
    store = *open_store(folder.file());
    const auto kept = store->conduct().records();
    ASSERT_TRUE(kept) << kept.error().message;
    ASSERT_EQ(kept->size(), 2U);
    EXPECT_EQ(kept->back().subject, line.subject) << "a line may be called like an account";
    EXPECT_EQ(kept->back().state.stage, conduct::Stage::Hold);
    const conduct::State& state = kept->front().state;
    EXPECT_EQ(kept->front().subject, one.subject);
    EXPECT_EQ(state.stage, conduct::Stage::Suspended);
    EXPECT_EQ(state.since, kStart);
    EXPECT_EQ(state.score, 130.25);
    EXPECT_EQ(state.reason, one.state.reason);
    EXPECT_EQ(state.by, "root");
    EXPECT_EQ(state.evidence, one.state.evidence);
    EXPECT_TRUE(state.exempt);
}

}  // namespace
}  // namespace sekisho::store
