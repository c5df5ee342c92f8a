// SqliteStaffStore does what staff::MemoryStore does, and keeps it.
#include "store/staff_store.h"

#include "staff/audit.h"
#include "staff/memory_store.h"
#include "store/schema.h"
#include "store/sqlite.h"
#include "store/store.h"
#include "store/test_support.h"

#include <chrono>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

namespace sekisho::store {
namespace {

using staff::Operator;
using testing::ElementsAre;
using testing::IsEmpty;

const Time kNow = from_ms(1'795'600'000'000);

Operator hanako() {
    Operator one;
    one.name = "hanako";
    one.roles = staff::Roles{staff::Role::Support, staff::Role::Abuse};
    one.password_hash = "$argon2id$x";
    one.totp_key = std::string("\0\xff key", 6);
    one.recovery = {std::string(32, '\1'), std::string(32, '\2')};
    one.created = one.changed = kNow;
    return one;
}

class StaffContract : public testing::TestWithParam<bool> {
  protected:
    void SetUp() override {
        if (GetParam()) {
            store_ = std::move(*open_store(folder_.file()));
            staff_ = &store_->staff();
        } else {
            staff_ = &memory_;
        }
    }
    TestFolder folder_;
    std::unique_ptr<Store> store_;
    staff::MemoryStore memory_;
    staff::Store* staff_ = nullptr;
};
INSTANTIATE_TEST_SUITE_P(Both, StaffContract, testing::Bool());

TEST_P(StaffContract, Operators) {
    ASSERT_TRUE(staff_->add(hanako()));
    EXPECT_EQ(staff_->add(hanako()).error().code, Errc::Conflict);
    Operator bad = hanako();
    bad.name = "Hanako";
    EXPECT_EQ(staff_->add(bad).error().code, Errc::Invalid);
    const Operator found = staff_->find("hanako").value();
    EXPECT_EQ(found.roles, hanako().roles);
    EXPECT_EQ(found.totp_key, hanako().totp_key);
    EXPECT_THAT(found.recovery, ElementsAre(std::string(32, '\1'), std::string(32, '\2')));
    EXPECT_EQ(staff_->find("jiro").error().code, Errc::NotFound);
    Operator changed = found;
    changed.enabled = false;
    changed.recovery = {std::string(32, '\3')};
    ASSERT_TRUE(staff_->update(changed));
    EXPECT_FALSE(staff_->find("hanako")->enabled);
    EXPECT_THAT(staff_->list()->front().recovery, ElementsAre(std::string(32, '\3')));
    changed.name = "jiro";
    EXPECT_EQ(staff_->update(changed).error().code, Errc::NotFound);
}

TEST_P(StaffContract, CodesAreUsedOnce) {
    ASSERT_TRUE(staff_->add(hanako()));
    EXPECT_TRUE(*staff_->use_step("hanako", 100));
    EXPECT_FALSE(*staff_->use_step("hanako", 100));
    EXPECT_FALSE(*staff_->use_step("hanako", 99));
    EXPECT_TRUE(*staff_->use_step("hanako", 101));
    EXPECT_FALSE(*staff_->use_step("jiro", 101));
    EXPECT_TRUE(*staff_->use_recovery("hanako", std::string(32, '\1')));
    EXPECT_FALSE(*staff_->use_recovery("hanako", std::string(32, '\1')));
    EXPECT_FALSE(*staff_->use_recovery("hanako", "other"));
}

TEST_P(StaffContract, Sessions) {
    ASSERT_TRUE(staff_->add(hanako()));
    for (int i = 0; i < 25; ++i) {
        const Time at = kNow + std::chrono::seconds{i};
        ASSERT_TRUE(staff_->open({"d" + std::to_string(i), "hanako", "csrf", "192.0.2.1", at, at}));
    }
    EXPECT_FALSE(*staff_->session("d0")) << "the oldest made room";
    EXPECT_FALSE(*staff_->session("d4"));
    ASSERT_TRUE(*staff_->session("d5"));
    EXPECT_EQ((*staff_->session("d5"))->csrf, "csrf");
    const Time later = kNow + std::chrono::hours{1};
    ASSERT_TRUE(staff_->seen("d5", later));
    EXPECT_EQ((*staff_->session("d5"))->seen, later);
    ASSERT_TRUE(staff_->close("d6"));
    EXPECT_FALSE(*staff_->session("d6"));
    EXPECT_EQ(*staff_->forget_sessions(later, kNow), 18);
    EXPECT_TRUE(*staff_->session("d5"));
    ASSERT_TRUE(staff_->update(hanako()));
    EXPECT_FALSE(*staff_->session("d5")) << "a change of the operator ends them";
}

TEST_P(StaffContract, Tokens) {
    EXPECT_EQ(staff_->add_token({"d", "hanako", "ci", kNow, {}, {}}).error().code, Errc::NotFound);
    ASSERT_TRUE(staff_->add(hanako()));
    ASSERT_TRUE(staff_->add_token({"d", "hanako", "ci", kNow, {}, {}}));
    EXPECT_EQ(staff_->add_token({"e", "hanako", "ci", kNow, {}, {}}).error().code, Errc::Conflict);
    ASSERT_TRUE(staff_->token_used("d", kNow));
    EXPECT_EQ((*staff_->token("d"))->last_used, kNow);
    EXPECT_FALSE(*staff_->token("e"));
    for (int i = 1; i < 32; ++i) {
        ASSERT_TRUE(staff_->add_token(
            {"x" + std::to_string(i), "hanako", "l" + std::to_string(i), kNow, {}, {}}
        ));
    }
    EXPECT_EQ(staff_->add_token({"z", "hanako", "z", kNow, {}, {}}).error().code, Errc::Full);
    ASSERT_TRUE(staff_->remove_token("hanako", "ci"));
    EXPECT_EQ(staff_->remove_token("hanako", "ci").error().code, Errc::NotFound);
    EXPECT_EQ(staff_->tokens("hanako")->size(), 31U);
}

TEST_P(StaffContract, AnswersAreKept) {
    staff::Answered call{"hanako", "k1", "digest", 0, "", kNow};
    EXPECT_FALSE(*staff_->begin(call));
    EXPECT_EQ((*staff_->begin(call))->status, 0) << "it is being done";
    call.status = 200;
    call.body = "{}";
    ASSERT_TRUE(staff_->finish(call));
    const auto again = *staff_->begin(call);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->status, 200);
    EXPECT_EQ(again->request, "digest");
    EXPECT_FALSE(*staff_->begin({"jiro", "k1", "other", 0, "", kNow}))
        << "each has keys of his own";
    ASSERT_TRUE(staff_->abandon({"jiro", "k1", "", 0, "", kNow}));
    EXPECT_FALSE(*staff_->begin({"jiro", "k1", "other", 0, "", kNow}));
    EXPECT_EQ(*staff_->forget_answers(kNow + std::chrono::seconds{1}), 2);
}

TEST_P(StaffContract, AuditIsAChain) {
    for (const char* who : {"hanako", "jiro", "hanako"}) {
        staff::AuditEntry entry;
        entry.at = kNow;
        entry.who = who;
        entry.action = "look";
        ASSERT_TRUE(staff_->note(entry));
    }
    EXPECT_EQ(*staff_->audit_count(), 3);
    staff::AuditCheck check;
    for (const auto& entry : *staff_->audit({.newest_first = false})) {
        check.take(entry);
    }
    check.end(3);
    EXPECT_THAT(check.faults(), IsEmpty());
    EXPECT_EQ(staff_->audit({.who = "hanako"})->front().number, 3);
    EXPECT_EQ(staff_->audit({.who = "hanako"})->size(), 2U);
    EXPECT_EQ(staff_->audit({.from = 3, .limit = 1})->front().number, 2);
    EXPECT_EQ(staff_->audit({.from = 1, .limit = 1, .newest_first = false})->front().number, 2);
    EXPECT_THAT(*staff_->audit({.until = kNow - std::chrono::seconds{1}}), IsEmpty());
    EXPECT_THAT(*staff_->audit({.subject = "x"}), IsEmpty());
}

TEST(StaffStore, TheAuditRefusesToBeChangedAndShowsWhatWasTaken) {
    const TestFolder folder;
    auto store = std::move(*open_store(folder.file()));
    for (int i = 0; i < 3; ++i) {
        staff::AuditEntry entry;
        entry.at = kNow;
        entry.who = "hanako";
        ASSERT_TRUE(store->staff().note(entry));
    }
    auto database = std::move(*Database::open(folder.file(), {}));
    EXPECT_FALSE(database->run("DELETE FROM audit WHERE number = 3"));
    EXPECT_FALSE(database->run("UPDATE audit SET who = 'x' WHERE number = 1"));
    // Who takes the guard away leaves a gap, and the next entry has the next number all the same.
    ASSERT_TRUE(
        database->run_script("DROP TRIGGER audit_deleted; DELETE FROM audit WHERE number = 3")
    );
    staff::AuditEntry entry;
    entry.at = kNow;
    entry.who = "jiro";
    EXPECT_EQ(store->staff().note(entry)->number, 4);
    staff::AuditCheck check;
    for (const auto& one : *store->staff().audit({.newest_first = false})) {
        check.take(one);
    }
    check.end(*store->staff().audit_count());
    EXPECT_THAT(check.faults(), ElementsAre("entries 3 to 3 are missing"));
}

}  // namespace
}  // namespace sekisho::store
