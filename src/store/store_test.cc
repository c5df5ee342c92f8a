#include "store/store.h"

#include "account/account.h"
#include "base/bytes.h"
#include "event/event.h"
#include "line/line.h"
#include "store/test_support.h"

#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <set>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace sekisho::store {
namespace {

using namespace std::string_literals;

// What one role does to the shared file; false when any of it fails.
bool play(const std::string& file, int role) {
    const auto store = open_store(file);
    if (!store) {
        return false;
    }
    const std::string me = "role" + std::to_string(role);
    bool good = true;
    for (int i = 0; i < 40; ++i) {
        account::Account account;
        account.login = me + "-" + std::to_string(i);
        account.addresses = {account.login + "@example.net"};
        good = good && (*store)->accounts().add(account).has_value();
        line::Session session;
        session.id = std::to_string(i);
        session.nas = me;
        session.line = account.login;
        session.prefixes = {Prefix{IpAddress::v4(0x0a000000U + static_cast<unsigned>(i)), 32}};
        good = good && (*store)->lines().put(session).has_value();
        event::Event event;
        event.account = account.login;
        (*store)->journal().append(event);
        good = good && (*store)->accounts().find(account.login).has_value();
    }
    return good && (*store)->journal().flush().has_value();
}

TEST(Store, SeveralProcessesAtOnceFromAnEmptyFile) {
    const TestFolder folder;
    std::vector<pid_t> children;
    for (int role = 0; role < 4; ++role) {
        const pid_t child = ::fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            ::_exit(play(folder.file(), role) ? 0 : 1);
        }
        children.push_back(child);
    }
    for (const pid_t child : children) {
        int status = -1;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        EXPECT_EQ(status, 0);
    }
    const auto store = std::move(*open_store(folder.file()));
    EXPECT_EQ(store->accounts().list()->size(), 160U);
    EXPECT_EQ(store->journal().find({.limit = 1000})->size(), 160U);
    EXPECT_EQ(store->lines().holders(IpAddress::v4(0x0a000003), Time{})->size(), 4U);
}

// Another process that opens and closes the file must not take the write-ahead log away from us:
// what is written after that would be seen by nobody.
TEST(Store, AnotherProcessLeavesTheLogOfThoseThatRun) {
    const TestFolder folder;
    const auto store = std::move(*open_store(folder.file()));
    ASSERT_TRUE(store->set_setting("a", "1"));
    const std::string command =
        "sqlite3 " + folder.file() + " 'SELECT count(*) FROM events' >/dev/null";
    ASSERT_EQ(std::system(command.c_str()), 0);
    ASSERT_TRUE(store->set_setting("b", "2"));
    const auto other = std::move(*open_store(folder.file()));
    EXPECT_EQ(other->setting("b")->value_or("lost"), "2");
    EXPECT_TRUE(std::filesystem::exists(folder.file() + "-wal"));
}

TEST(Store, Settings) {
    const TestFolder folder;
    const auto store = std::move(*open_store(folder.file()));
    EXPECT_FALSE(store->setting("key")->has_value());
    ASSERT_TRUE(store->set_setting("key", "\0\xff"s));
    EXPECT_EQ(store->setting("key").value(), "\0\xff"s);
    ASSERT_TRUE(store->set_setting("key", "other"));
    EXPECT_EQ(store->setting_or_make("key", [] { return "unused"s; }).value(), "other");
    const auto other = std::move(*open_store(folder.file()));
    const std::string made =
        *store->setting_or_make("sasl.fake_key", [] { return random_bytes(32); });
    EXPECT_EQ(
        other->setting_or_make("sasl.fake_key", [] { return random_bytes(32); }).value(), made
    );
    EXPECT_EQ(made.size(), 32U);
}

TEST(Store, ManyHandlesInOneProcess) {
    const TestFolder folder;
    std::vector<std::unique_ptr<Store>> stores;
    for (int i = 0; i < 5; ++i) {
        stores.push_back(std::move(*open_store(folder.file())));
        event::Event event;
        event.account = "a" + std::to_string(i);
        stores.back()->journal().append(event);
    }
    std::set<std::int64_t> ids;
    for (const auto& store : stores) {
        ASSERT_TRUE(store->journal().flush());
    }
    const auto rows = stores.front()->journal().find({});
    for (const auto& row : *rows) {
        ids.insert(row.id);
    }
    EXPECT_EQ(ids.size(), 5U);
}

}  // namespace
}  // namespace sekisho::store
