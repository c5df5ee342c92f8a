#include "store/sqlite.h"

#include "base/result.h"
#include "store/store.h"
#include "store/test_support.h"

#include <array>
#include <filesystem>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace sekisho::store {
namespace {

using namespace std::string_literals;

Status make_table(Database& database, std::string_view sql) {
    return database.migrate(std::array{sql});
}

TEST(Sqlite, ValuesComeBackAsTheyWere) {
    const TestFolder folder;
    auto database = *Database::open(folder.file(), {});
    ASSERT_TRUE(
        make_table(*database, "CREATE TABLE t (a INTEGER, b TEXT NOT NULL, c BLOB NOT NULL)")
    );
    const std::string bytes = "\0\xff\x01"s;
    ASSERT_TRUE(database->run(
        "INSERT INTO t VALUES (?, ?, ?)", std::int64_t{-1}, std::string_view{}, Blob{bytes}
    ));
    ASSERT_TRUE(database->run(
        "INSERT INTO t VALUES (?, ?, ?)", std::int64_t{2}, std::string_view{"a'b"}, Blob{}
    ));
    auto statement = *database->prepare("SELECT a, b, c FROM t ORDER BY a");
    ASSERT_TRUE(*statement.step());
    EXPECT_EQ(statement.integer(), -1);
    EXPECT_EQ(statement.text(), "");
    EXPECT_EQ(statement.text(), bytes);
    ASSERT_TRUE(*statement.step());
    EXPECT_EQ(statement.integer(), 2);
    EXPECT_EQ(statement.text(), "a'b");
    EXPECT_FALSE(*statement.step());
}

TEST(Sqlite, ATransactionIsAllOrNothing) {
    const TestFolder folder;
    auto database = *Database::open(folder.file(), {});
    ASSERT_TRUE(make_table(*database, "CREATE TABLE t (a INTEGER PRIMARY KEY)"));
    const Status failed = database->transaction([&]() -> Status {
        EXPECT_TRUE(database->run("INSERT INTO t VALUES (1)"));
        return fail(Errc::Invalid, "changed my mind");
    });
    EXPECT_EQ(failed.error().message, "changed my mind");
    const Status broken = database->transaction([&]() -> Status {
        EXPECT_TRUE(database->run("INSERT INTO t VALUES (2)"));
        return database->run("INSERT INTO t VALUES (2)");
    });
    EXPECT_EQ(broken.error().code, Errc::Conflict);
    ASSERT_TRUE(database->transaction([&] { return database->run("INSERT INTO t VALUES (3)"); }));
    auto statement = *database->prepare("SELECT count(*), max(a) FROM t");
    ASSERT_TRUE(*statement.step());
    EXPECT_EQ(statement.integer(), 1);
    EXPECT_EQ(statement.integer(), 3);
}

TEST(Sqlite, AWriterThatWaitsTooLongIsTold) {
    const TestFolder folder;
    auto one = *Database::open(folder.file(), {});
    ASSERT_TRUE(make_table(*one, "CREATE TABLE t (a INTEGER)"));
    auto two = *Database::open(folder.file(), {.busy_timeout = Duration{10}});
    ASSERT_TRUE(one->transaction([&]() -> Status {
        const Status busy = two->transaction([] { return Status{}; });
        EXPECT_FALSE(busy);
        EXPECT_EQ(busy.error().code, Errc::Unavailable);
        return {};
    }));
    EXPECT_TRUE(two->transaction([] { return Status{}; }));
}

TEST(Sqlite, StepsAreTakenOnceAndANewerFileIsRefused) {
    const TestFolder folder;
    constexpr std::array<std::string_view, 2> kSteps{
        "CREATE TABLE t (a INTEGER)", "INSERT INTO t VALUES (7)"
    };
    {
        auto database = *Database::open(folder.file(), {});
        ASSERT_TRUE(database->migrate(std::span{kSteps}.first(1)));
        ASSERT_TRUE(database->migrate(kSteps));
        ASSERT_TRUE(database->migrate(kSteps));
        auto statement = *database->prepare("SELECT count(*) FROM t");
        ASSERT_TRUE(*statement.step());
        EXPECT_EQ(statement.integer(), 1);
    }
    auto older = *Database::open(folder.file(), {});
    const Status refused = older->migrate(std::span{kSteps}.first(1));
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("newer version"), std::string::npos);
}

TEST(Sqlite, AStepThatFailsLeavesTheFormerVersion) {
    const TestFolder folder;
    constexpr std::array<std::string_view, 2> kSteps{
        "CREATE TABLE t (a INTEGER)", "CREATE TABLE u (a INTEGER); CREATE TABLE t (a INTEGER)"
    };
    auto database = *Database::open(folder.file(), {});
    EXPECT_FALSE(database->migrate(kSteps));
    EXPECT_FALSE(database->prepare("SELECT a FROM u"));
    EXPECT_FALSE(database->prepare("SELECT a FROM t")) << "both steps are one transaction";
}

// ---- Files that are not what they should be

TEST(OpenStore, TheFileIsNotForOthers) {
    const TestFolder folder;
    ASSERT_TRUE(open_store(folder.file()));
    struct stat status{};
    ASSERT_EQ(::stat(folder.file().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0007U, 0U);
}

TEST(OpenStore, WhatIsNoDatabaseIsNotTouched) {
    const TestFolder folder;
    const std::string text(4096, 'x');
    std::ofstream{folder.file()} << text;
    const auto store = open_store(folder.file());
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().code, Errc::Corrupt);
    EXPECT_NE(store.error().message.find(folder.file()), std::string::npos);
    EXPECT_EQ(std::filesystem::file_size(folder.file()), text.size());
}

TEST(OpenStore, AnotherProgramsDatabaseIsNotTouched) {
    const TestFolder folder;
    {
        auto foreign = *Database::open(folder.file(), {});
        ASSERT_TRUE(foreign->run_script("CREATE TABLE theirs (a INTEGER)"));
    }
    const auto store = open_store(folder.file());
    ASSERT_FALSE(store);
    EXPECT_NE(store.error().message.find("another program"), std::string::npos);
}

TEST(OpenStore, DamageIsNamedWhenItIsMet) {
    const TestFolder folder;
    {
        auto store = *open_store(folder.file());
        for (int i = 0; i < 50; ++i) {
            account::Account account;
            account.login = "user" + std::to_string(i);
            account.name = std::string(400, 'n');
            ASSERT_TRUE(store->accounts().add(account));
        }
    }
    {
        // The header stays, the rest is overwritten.
        std::fstream file{folder.file(), std::ios::in | std::ios::out | std::ios::binary};
        const auto size = std::filesystem::file_size(folder.file());
        file.seekp(4096);
        file << std::string(size - 4096, '\xa5');
    }
    const auto store = open_store(folder.file());
    const auto list = store ? (*store)->accounts().list()
                            : Result<std::vector<account::Account>>{fail(store.error())};
    ASSERT_FALSE(list);
    EXPECT_EQ(list.error().code, Errc::Corrupt);
    EXPECT_NE(list.error().message.find("backup"), std::string::npos) << list.error().message;
}

TEST(OpenStore, NoFolder) {
    const TestFolder folder;
    const auto store = open_store(folder.file("none/sekisho.db"));
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().code, Errc::NotFound);
    EXPECT_NE(store.error().message.find("no folder"), std::string::npos);
}

// Runs `check` as somebody who is not root, to whom permissions apply.
int as_nobody(const std::function<bool()>& check) {
    const pid_t child = ::fork();
    if (child == 0) {
        if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) {
            ::_exit(2);
        }
        ::_exit(check() ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(OpenStore, AFolderThatMayNotBeWritten) {
    const TestFolder folder;
    ASSERT_TRUE(open_store(folder.file()));
    namespace fs = std::filesystem;
    fs::permissions(folder.file(), fs::perms::all);
    fs::permissions(
        folder.folder(),
        fs::perms::owner_read | fs::perms::owner_exec | fs::perms::others_read |
            fs::perms::others_exec
    );
    EXPECT_EQ(
        as_nobody([&] {
            const auto store = open_store(folder.file());
            return !store && store.error().code == Errc::Denied &&
                   store.error().message.find("writable") != std::string::npos;
        }),
        0
    );
    EXPECT_EQ(
        as_nobody([&] {
            const auto store = open_store(folder.file("new.db"));
            return !store && store.error().code == Errc::Denied &&
                   store.error().message.find("new.db") != std::string::npos;
        }),
        0
    );
}

}  // namespace
}  // namespace sekisho::store
