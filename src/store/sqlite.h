// A thin hold on SQLite: connections, statements, transactions, migrations; every failure is a
// Result that names the file. Not for other rooms.
//
// A Database belongs to one thread at a time: whoever shares it brings a mutex. Several processes
// and several Databases may have the same file open (WAL, with a busy time-out).
#pragma once

#include "base/result.h"
#include "base/time.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;

namespace sekisho::store {

struct Blob {
    std::string_view bytes;
};

class Database;

// A prepared statement on loan from its connection's cache; goes back when it is destroyed.
class Statement {
  public:
    Statement(Statement&& other) noexcept;
    Statement& operator=(Statement&&) = delete;
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;
    ~Statement();

    // Binds the next parameter, in order.
    Statement& bind(std::int64_t value);
    Statement& bind(std::string_view text);
    Statement& bind(Blob blob);
    Statement& bind(Time at) { return bind(to_ms(at)); }
    Statement& bind(bool value) { return bind(std::int64_t{value ? 1 : 0}); }
    template <class... Values>
    Statement& bind_all(const Values&... values) {
        (bind(values), ...);
        return *this;
    }
    // True: a row is there to be read. False: done.
    [[nodiscard]] Result<bool> step();
    // Steps to the end; the rows don't matter.
    Status run();
    // Ready for other values of the same parameters.
    void rewind();

    // The next column of the row, in order.
    [[nodiscard]] std::int64_t integer();
    [[nodiscard]] std::string text();  // blobs too
    [[nodiscard]] Time time() { return from_ms(integer()); }
    [[nodiscard]] bool boolean() { return integer() != 0; }

    // Every row that is left, in order, as `read` (of this statement) makes it.
    template <class Read>
    auto all(Read read) -> Result<std::vector<std::invoke_result_t<Read&, Statement&>>> {
        std::vector<std::invoke_result_t<Read&, Statement&>> out;
        while (true) {
            const auto row = step();
            if (!row) {
                return fail(row.error());
            }
            if (!*row) {
                return out;
            }
            out.push_back(read(*this));
        }
    }
    // The same where a row may not be what it should: `take` says with its Status whether to go on.
    template <class Take>
    Status each(Take take) {
        while (true) {
            const auto row = step();
            if (!row) {
                return fail(row.error());
            }
            if (!*row) {
                return {};
            }
            if (Status taken = take(*this); !taken) {
                return taken;
            }
        }
    }

  private:
    friend class Database;
    Statement(Database& database, sqlite3_stmt* statement, std::string_view sql)
        : database_(&database), statement_(statement), sql_(sql) {}

    Database* database_;
    sqlite3_stmt* statement_;
    std::string_view sql_;  // empty: not for the cache
    int parameter_ = 0;
    int column_ = 0;
    int bind_error_ = 0;
};

class Database {
  public:
    // What a commit survives: Normal a crash of the process, Full the loss of power too.
    enum class Durability : std::uint8_t { Normal, Full };
    struct Options {
        Durability durability = Durability::Normal;
        Duration busy_timeout{5000};
    };
    // Makes the file, for owner and group only, when there is none. NotFound: no such folder;
    // Denied: not permitted or read-only; Corrupt: not a database, or another program's.
    [[nodiscard]] static Result<std::unique_ptr<Database>> open(
        const std::string& path, const Options& options
    );
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    // `sql` must outlive the database: a literal.
    [[nodiscard]] Result<Statement> prepare(std::string_view sql);
    // The same for a text made at run time; not kept in the cache.
    [[nodiscard]] Result<Statement> prepare_once(const std::string& sql);
    // Prepares, binds and runs one statement that returns nothing.
    template <class... Values>
    Status run(std::string_view sql, const Values&... values) {
        auto statement = prepare(sql);
        if (!statement) {
            return fail(statement.error());
        }
        return statement->bind_all(values...).run();
    }
    // Several statements without parameters.
    Status run_script(const std::string& sql);
    // All of `work` or nothing of it; takes the write lock at the start, so that no transaction has
    // to give up in its middle. An error of `work` rolls back and is returned.
    Status transaction(const std::function<Status()>& work);
    // Brings the schema to the last of `steps`, one after the other. Corrupt when the file was made
    // by a newer version.
    Status migrate(std::span<const std::string_view> steps);

    // Rows that the last INSERT, UPDATE or DELETE changed; rowid of the last INSERT.
    [[nodiscard]] std::int64_t changes() const;
    [[nodiscard]] std::int64_t last_id() const;
    // What a result code of SQLite means here: "file: what: SQLite's words".
    [[nodiscard]] Error error(int code, std::string_view what) const;

  private:
    friend class Statement;
    Database(std::string path, sqlite3* handle);
    Status set_up(const Options& options);
    Status use_wal(Duration patience);
    Status check_owner();
    [[nodiscard]] Result<sqlite3_stmt*> compile(std::string_view sql, unsigned flags);
    void give_back(sqlite3_stmt* statement, std::string_view sql);

    std::string path_;
    sqlite3* handle_;
    std::unordered_map<std::string_view, std::vector<sqlite3_stmt*>> idle_;
};

// Deletes what `sql` names, in parts, so that nobody waits long for the lock; how many rows went.
// The statement's parameters: `before`, and how many rows at the most.
[[nodiscard]] Result<std::int64_t> delete_in_parts(
    Database& database, std::mutex& mutex, std::string_view sql, Time before
);

}  // namespace sekisho::store
