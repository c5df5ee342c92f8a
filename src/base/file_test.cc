#include "base/file.h"

#include "base/bytes.h"

#include <filesystem>
#include <gtest/gtest.h>
#include <string>
#include <sys/stat.h>

namespace sekisho {
namespace {

// What flushing is for can only be seen by a loss of power: tests/crash/fault_test.py.
TEST(File, FoldersAreMadeWhereverTheyAreNamed) {
    const std::string top =
        (std::filesystem::temp_directory_path() / ("sekisho_file_" + random_token(40))).string();
    ASSERT_TRUE(make_folder(top + "/a/b/", 0700));
    ASSERT_TRUE(make_folder(top + "/a/./b/../c/d", 0750));
    ASSERT_TRUE(make_folder(top + "/a/b", 0700)) << "it is there";
    struct stat facts{};
    ASSERT_EQ(::stat((top + "/a/c/d").c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777U, 0750U);
    EXPECT_TRUE(sync_folder(top + "/a"));
    EXPECT_FALSE(sync_folder(top + "/nowhere"));
    ASSERT_TRUE(write_file_atomic(top + "/file", "x"));
    EXPECT_FALSE(make_folder(top + "/file/under")) << "a file is in the way";

    const std::filesystem::path before = std::filesystem::current_path();
    std::filesystem::current_path(top);
    EXPECT_TRUE(make_folder("relative"));
    EXPECT_TRUE(make_folder("one/after/another"));
    std::filesystem::current_path(before);
    EXPECT_TRUE(std::filesystem::is_directory(top + "/one/after/another"));
    std::filesystem::remove_all(top);
}

}  // namespace
}  // namespace sekisho
