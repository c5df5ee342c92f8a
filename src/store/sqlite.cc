#include "store/sqlite.h"

#include "base/assert.h"
#include "base/result.h"
#include "base/time.h"

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <sqlite3.h>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>

namespace sekisho::store {
namespace {

// Marks the file as ours: "SKSH".
constexpr std::int64_t kApplicationId = 0x534b5348;
constexpr std::size_t kIdleMax = 4;  // statements of one text kept ready

Errc errc(int code) {
    switch (code & 0xff) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
        case SQLITE_IOERR:
        case SQLITE_NOMEM:
            return Errc::Unavailable;
        case SQLITE_FULL:
            return Errc::Full;
        case SQLITE_READONLY:
        case SQLITE_CANTOPEN:
        case SQLITE_PERM:
        case SQLITE_AUTH:
            return Errc::Denied;
        case SQLITE_CONSTRAINT:
            return Errc::Conflict;
        case SQLITE_TOOBIG:
            return Errc::Invalid;
        default:
            // Ours are sound statements on our own schema: if SQLite disagrees, the file is not
            // what it should be.
            return Errc::Corrupt;
    }
}

const char* hint(int code) {
    switch (code & 0xff) {
        case SQLITE_READONLY:
        case SQLITE_CANTOPEN:
        case SQLITE_PERM:
            return "; the file and its folder must be writable (SQLite keeps -wal and -shm there)";
        case SQLITE_NOTADB:
        case SQLITE_CORRUPT:
            return "; restore it from a backup, or move it away to begin anew";
        case SQLITE_BUSY:
            return "; another process has kept it locked too long";
        default:
            return "";
    }
}

// Makes an empty file when there is none, so that password hashes are never readable by others,
// whatever the umask. SQLite gives its companions the same mode.
Status make_file(const std::string& path) {
    std::error_code ignored;
    const auto folder = std::filesystem::path{path}.parent_path();
    if (!folder.empty() && !std::filesystem::is_directory(folder, ignored)) {
        return fail(Errc::NotFound, path + ": there is no folder " + folder.string());
    }
    // A file that exists is never opened here: closing any descriptor of it would drop the POSIX
    // locks that this process's other connections hold, and another process would take the log from
    // under them (sqlite.org/howtocorrupt.html, section 2.2).
    if (::access(path.c_str(), R_OK | W_OK) == 0) {
        return {};
    }
    const int file =
        errno == ENOENT ? ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0660) : -1;
    if (file < 0 && errno == EEXIST) {
        return {};  // another process made it just now
    }
    if (file < 0) {
        return fail(errno_error(path + ": the database can't be opened for writing", errno));
    }
    ::close(file);
    return {};
}

}  // namespace

// ---- Statement

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_),
      statement_(std::exchange(other.statement_, nullptr)),
      sql_(other.sql_),
      parameter_(other.parameter_),
      column_(other.column_),
      bind_error_(other.bind_error_) {}

Statement::~Statement() {
    if (statement_ != nullptr) {
        database_->give_back(statement_, sql_);
    }
}

Statement& Statement::bind(std::int64_t value) {
    bind_error_ |= sqlite3_bind_int64(statement_, ++parameter_, value);
    return *this;
}

Statement& Statement::bind(std::string_view text) {
    // An empty view may have no address, which SQLite would read as NULL.
    const char* bytes = text.empty() ? "" : text.data();
    bind_error_ |= sqlite3_bind_text64(
        statement_, ++parameter_, bytes, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8
    );
    return *this;
}

Statement& Statement::bind(Blob blob) {
    const char* bytes = blob.bytes.empty() ? "" : blob.bytes.data();
    bind_error_ |=
        sqlite3_bind_blob64(statement_, ++parameter_, bytes, blob.bytes.size(), SQLITE_TRANSIENT);
    return *this;
}

Result<bool> Statement::step() {
    column_ = 0;
    if (bind_error_ != SQLITE_OK) {
        return fail(database_->error(SQLITE_TOOBIG, "a value can't be bound"));
    }
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) {
        return true;
    }
    if (code == SQLITE_DONE) {
        return false;
    }
    return fail(database_->error(code, "the query failed"));
}

Status Statement::run() {
    while (true) {
        const auto row = step();
        if (!row) {
            return fail(row.error());
        }
        if (!*row) {
            return {};
        }
    }
}

void Statement::rewind() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
    parameter_ = 0;
    column_ = 0;
    bind_error_ = SQLITE_OK;
}

std::int64_t Statement::integer() {
    return sqlite3_column_int64(statement_, column_++);
}

std::string Statement::text() {
    const int column = column_++;
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    const int size = sqlite3_column_bytes(statement_, column);
    return bytes == nullptr ? std::string{} : std::string{bytes, static_cast<std::size_t>(size)};
}

// ---- Database

Database::Database(std::string path, sqlite3* handle) : path_(std::move(path)), handle_(handle) {}

Database::~Database() {
    for (auto& [sql, statements] : idle_) {
        for (sqlite3_stmt* statement : statements) {
            sqlite3_finalize(statement);
        }
    }
    const int closed = sqlite3_close(handle_);
    SEKISHO_ASSERT(closed == SQLITE_OK);  // else a Statement outlives its Database
}

Result<std::unique_ptr<Database>> Database::open(const std::string& path, const Options& options) {
    if (const auto made = make_file(path); !made) {
        return fail(made.error());
    }
    sqlite3* handle = nullptr;
    const int code = sqlite3_open_v2(
        path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr
    );
    SEKISHO_ASSERT(handle != nullptr);  // else there is no memory at all
    std::unique_ptr<Database> database{new Database{path, handle}};
    if (code != SQLITE_OK) {
        return fail(database->error(code, "the database can't be opened"));
    }
    if (const auto ready = database->set_up(options); !ready) {
        return fail(ready.error());
    }
    return database;
}

Status Database::set_up(const Options& options) {
    sqlite3_extended_result_codes(handle_, 1);
    sqlite3_busy_timeout(handle_, static_cast<int>(options.busy_timeout.count()));
    // A file that somebody has tampered with must not run code of its own through its schema.
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    if (const auto owner = check_owner(); !owner) {
        return owner;
    }
    if (const auto wal = use_wal(options.busy_timeout); !wal) {
        return wal;
    }
    return run_script(
        std::string{"PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA synchronous = "} +
        (options.durability == Durability::Full ? "FULL" : "NORMAL")
    );
}

Status Database::check_owner() {
    auto statement = prepare(
        "SELECT (SELECT count(*) FROM sqlite_schema), application_id FROM "
        "pragma_application_id"
    );
    if (!statement) {
        return fail(statement.error());
    }
    const auto row = statement->step();
    if (!row) {
        return fail(row.error());
    }
    const std::int64_t tables = statement->integer();
    const std::int64_t owner = statement->integer();
    if (owner != kApplicationId && (owner != 0 || tables != 0)) {
        return fail(Errc::Corrupt, path_ + ": this database is another program's");
    }
    return {};
}

Status Database::use_wal(Duration patience) {
    // The switch needs the file for itself for a moment and doesn't wait for it by the busy
    // time-out, so several processes that start at once have to take turns here.
    const auto until = std::chrono::steady_clock::now() + patience;
    while (true) {
        Status done;
        {
            auto statement = prepare("PRAGMA journal_mode = WAL");
            if (!statement) {
                return fail(statement.error());
            }
            const auto row = statement->step();
            if (row && statement->text() == "wal") {
                return {};
            }
            done = row ? Status{fail(Errc::Denied, path_ + ": the folder can't hold a WAL file")}
                       : Status{fail(row.error())};
        }
        if (done.error().code != Errc::Unavailable || std::chrono::steady_clock::now() > until) {
            return done;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
}

Error Database::error(int code, std::string_view what) const {
    return Error{
        errc(code), path_ + ": " + std::string{what} + ": " + sqlite3_errmsg(handle_) + hint(code)
    };
}

Result<Statement> Database::prepare(std::string_view sql) {
    auto& idle = idle_[sql];
    if (!idle.empty()) {
        sqlite3_stmt* ready = idle.back();
        idle.pop_back();
        return Statement{*this, ready, sql};
    }
    const auto made = compile(sql, SQLITE_PREPARE_PERSISTENT);
    return made ? Result<Statement>{Statement{*this, *made, sql}} : fail(made.error());
}

Result<Statement> Database::prepare_once(const std::string& sql) {
    const auto made = compile(sql, 0);
    return made ? Result<Statement>{Statement{*this, *made, {}}} : fail(made.error());
}

Result<sqlite3_stmt*> Database::compile(std::string_view sql, unsigned flags) {
    sqlite3_stmt* made = nullptr;
    const int code = sqlite3_prepare_v3(
        handle_, sql.data(), static_cast<int>(sql.size()), flags, &made, nullptr
    );
    if (code != SQLITE_OK) {
        return fail(error(code, "the query can't be prepared"));
    }
    return made;
}

void Database::give_back(sqlite3_stmt* statement, std::string_view sql) {
    auto& idle = idle_[sql];
    if (sql.empty() || idle.size() >= kIdleMax) {
        sqlite3_finalize(statement);
        return;
    }
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    idle.push_back(statement);
}

Status Database::run_script(const std::string& sql) {
    const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) {
        return fail(error(code, "the database can't be set up"));
    }
    return {};
}

Status Database::transaction(const std::function<Status()>& work) {
    if (const auto begun = run("BEGIN IMMEDIATE"); !begun) {
        return begun;
    }
    Status done = work();
    if (done) {
        done = run("COMMIT");
    }
    if (!done && sqlite3_get_autocommit(handle_) == 0) {
        // SQLite has rolled back by itself after some failures; after all others it must.
        const Status undone = run("ROLLBACK");
        SEKISHO_ASSERT(undone.has_value() || sqlite3_get_autocommit(handle_) != 0);
    }
    return done;
}

Status Database::migrate(std::span<const std::string_view> steps) {
    const auto version = [this]() -> Result<std::int64_t> {
        auto statement = prepare("SELECT user_version FROM pragma_user_version");
        if (!statement) {
            return fail(statement.error());
        }
        const auto row = statement->step();
        return row ? Result<std::int64_t>{statement->integer()} : fail(row.error());
    };
    const auto last = static_cast<std::int64_t>(steps.size());
    const auto have = version();
    if (!have || *have == last) {
        return have ? Status{} : fail(have.error());
    }
    return transaction([&]() -> Status {
        // Asked again under the lock: another process may have been faster.
        const auto from = version();
        if (!from) {
            return fail(from.error());
        }
        if (*from > last) {
            return fail(
                Errc::Corrupt,
                path_ + ": the database was made by a newer version (schema " +
                    std::to_string(*from) + ", this program knows " + std::to_string(last) + ")"
            );
        }
        for (std::int64_t step = *from; step < last; ++step) {
            if (auto done = run_script(std::string{steps[static_cast<std::size_t>(step)]}); !done) {
                return done;
            }
        }
        return run_script(
            "PRAGMA application_id = " + std::to_string(kApplicationId) +
            "; PRAGMA user_version = " + std::to_string(last)
        );
    });
}

std::int64_t Database::changes() const {
    return sqlite3_changes64(handle_);
}

std::int64_t Database::last_id() const {
    return sqlite3_last_insert_rowid(handle_);
}

Result<std::int64_t> delete_in_parts(
    Database& database, std::mutex& mutex, std::string_view sql, Time before
) {
    constexpr std::int64_t kAtOnce = 5000;
    std::int64_t deleted = 0;
    while (true) {
        const std::scoped_lock lock{mutex};
        if (const Status removed = database.run(sql, before, kAtOnce); !removed) {
            return fail(removed.error());
        }
        deleted += database.changes();
        if (database.changes() < kAtOnce) {
            return deleted;
        }
    }
}

}  // namespace sekisho::store
