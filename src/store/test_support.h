// What the tests of this room share.
#pragma once

#include "store/sqlite.h"

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace sekisho::store {

// A folder of its own for a test, removed with everything in it.
class TestFolder {
  public:
    TestFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "sekisho_store_XXXXXX");
        path_ = ::mkdtemp(name.data());
    }
    ~TestFolder() {
        std::error_code ignored;
        std::filesystem::permissions(path_, std::filesystem::perms::owner_all, ignored);
        std::filesystem::remove_all(path_, ignored);
    }
    TestFolder(const TestFolder&) = delete;
    TestFolder& operator=(const TestFolder&) = delete;
    [[nodiscard]] std::string folder() const { return path_; }
    [[nodiscard]] std::string file(const char* name = "sekisho.db") const {
        return (path_ / name).string();
    }

  private:
    std::filesystem::path path_;
};

// How SQLite would run the query, a line a step.
inline std::string query_plan(Database& database, const std::string& sql) {
    auto statement = *database.prepare_once("EXPLAIN QUERY PLAN " + sql);
    std::string steps;
    while (*statement.step()) {
        for (int column = 0; column < 3; ++column) {
            (void)statement.integer();  // id, parent, unused
        }
        steps += statement.text() + "\n";
    }
    return steps;
}

}  // namespace sekisho::store
