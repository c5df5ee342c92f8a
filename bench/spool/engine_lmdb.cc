#include "engine.h"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <lmdb.h>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::bench {
namespace {

constexpr std::size_t kMapSize = std::size_t{8} << 30;  // address space, not memory

// One writer at a time, as SQLite: those that wait share a transaction.
class Lmdb final : public Engine {
  public:
    static std::unique_ptr<Engine> open(const std::string& folder) {
        auto made = std::make_unique<Lmdb>();
        MDB_txn* transaction = nullptr;
        int error = mdb_env_create(&made->env_);
        error = error != 0 ? error : mdb_env_set_mapsize(made->env_, kMapSize);
        error = error != 0 ? error : mdb_env_open(made->env_, folder.c_str(), 0, 0600);
        error = error != 0 ? error : mdb_txn_begin(made->env_, nullptr, 0, &transaction);
        error =
            error != 0 ? error : mdb_dbi_open(transaction, nullptr, MDB_INTEGERKEY, &made->table_);
        error = error != 0 ? error : mdb_txn_commit(transaction);
        if (error != 0) {
            fmt::print(stderr, "{}\n", mdb_strerror(error));
            return nullptr;
        }
        return made;
    }

    Lmdb() = default;
    Lmdb(const Lmdb&) = delete;
    Lmdb& operator=(const Lmdb&) = delete;
    ~Lmdb() override { mdb_env_close(env_); }

    bool put(std::string_view message) override { return group_.put(message); }
    std::string facts() override {
        return fmt::format(
            "defaults (each commit synced), one transaction for all that wait; {:.1f} messages a "
            "commit",
            group_.messages_a_commit()
        );
    }

  private:
    bool commit(const std::vector<std::string_view>& messages) {
        MDB_txn* transaction = nullptr;
        if (mdb_txn_begin(env_, nullptr, 0, &transaction) != 0) {
            return false;
        }
        for (const std::string_view message : messages) {
            std::uint64_t number = next_++;
            MDB_val key{.mv_size = sizeof number, .mv_data = &number};
            MDB_val value{.mv_size = message.size(), .mv_data = nullptr};
            if (mdb_put(transaction, table_, &key, &value, MDB_RESERVE | MDB_APPEND) != 0) {
                mdb_txn_abort(transaction);
                return false;
            }
            message.copy(static_cast<char*>(value.mv_data), message.size());
        }
        return mdb_txn_commit(transaction) == 0;
    }

    MDB_env* env_ = nullptr;
    MDB_dbi table_ = 0;
    std::uint64_t next_ = 0;
    GroupCommit group_{[this](const std::vector<std::string_view>& all) { return commit(all); }};
};

}  // namespace

Kind lmdb_kind() {
    return {"LMDB", Lmdb::open};
}

}  // namespace sekisho::bench
