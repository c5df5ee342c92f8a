#include "engine.h"

#include <fmt/format.h>
#include <rocksdb/db.h>
#include <rocksdb/options.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::bench {
namespace {

// Commits in groups by itself.
class Rocks final : public Engine {
  public:
    explicit Rocks(std::unique_ptr<rocksdb::DB> database) : database_(std::move(database)) {
        synced_.sync = true;
    }

    static std::unique_ptr<Engine> open(const std::string& folder) {
        rocksdb::Options options;
        options.create_if_missing = true;
        options.compression = rocksdb::kNoCompression;
        options.recycle_log_file_num = 4;
        rocksdb::DB* made = nullptr;
        const rocksdb::Status status = rocksdb::DB::Open(options, folder, &made);
        if (!status.ok()) {
            fmt::print(stderr, "{}\n", status.ToString());
            return nullptr;
        }
        return std::make_unique<Rocks>(std::unique_ptr<rocksdb::DB>(made));
    }

    bool put(std::string_view message) override {
        const std::uint64_t number = __builtin_bswap64(next_++);  // in order of arrival
        char key[sizeof number];
        std::memcpy(key, &number, sizeof number);
        return database_->Put(synced_, {key, sizeof key}, {message.data(), message.size()}).ok();
    }
    std::string facts() override { return "WriteOptions::sync, no compression, logs reused"; }

  private:
    std::unique_ptr<rocksdb::DB> database_;
    rocksdb::WriteOptions synced_;
    std::atomic<std::uint64_t> next_ = 0;
};

}  // namespace

Kind rocksdb_kind() {
    return {"RocksDB", Rocks::open};
}

}  // namespace sekisho::bench
