#include "engine.h"

#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <sqlite3.h>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::bench {
namespace {

constexpr const char* kSettings =
    "journal WAL, synchronous FULL, one transaction for all that wait";

// SQLite has one writer: those that wait share a transaction, or it would stand worse.
class Sqlite final : public Engine {
  public:
    static std::unique_ptr<Engine> open(const std::string& folder) {
        auto made = std::make_unique<Sqlite>();
        if (sqlite3_open((folder + "/queue.db").c_str(), &made->database_) != SQLITE_OK ||
            !made->run("PRAGMA journal_mode = WAL") || !made->run("PRAGMA synchronous = FULL") ||
            !made->run("CREATE TABLE queue (id INTEGER PRIMARY KEY, message BLOB NOT NULL)") ||
            sqlite3_prepare_v2(
                made->database_,
                "INSERT INTO queue (message) VALUES (?)",
                -1,
                &made->insert_,
                nullptr
            ) != SQLITE_OK) {
            fmt::print(stderr, "{}\n", sqlite3_errmsg(made->database_));
            return nullptr;
        }
        return made;
    }

    Sqlite() = default;
    Sqlite(const Sqlite&) = delete;
    Sqlite& operator=(const Sqlite&) = delete;
    ~Sqlite() override {
        sqlite3_finalize(insert_);
        sqlite3_close(database_);
    }

    bool put(std::string_view message) override { return group_.put(message); }
    std::string facts() override {
        return fmt::format("{}; {:.1f} messages a commit", kSettings, group_.messages_a_commit());
    }

  private:
    bool run(const char* statement) {
        return sqlite3_exec(database_, statement, nullptr, nullptr, nullptr) == SQLITE_OK;
    }

    bool commit(const std::vector<std::string_view>& messages) {
        if (!run("BEGIN IMMEDIATE")) {
            return false;
        }
        for (const std::string_view message : messages) {
            sqlite3_bind_blob64(insert_, 1, message.data(), message.size(), SQLITE_STATIC);
            const bool stepped = sqlite3_step(insert_) == SQLITE_DONE;
            sqlite3_reset(insert_);
            if (!stepped) {
                run("ROLLBACK");
                return false;
            }
        }
        return run("COMMIT");
    }

    sqlite3* database_ = nullptr;
    sqlite3_stmt* insert_ = nullptr;
    GroupCommit group_{[this](const std::vector<std::string_view>& all) { return commit(all); }};
};

}  // namespace

Kind sqlite_kind() {
    return {"SQLite", Sqlite::open};
}

}  // namespace sekisho::bench
