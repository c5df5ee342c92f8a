// Whole files: read, and write so that a reader sees the old or the new content and never a part.
// For shells.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>

namespace sekisho {

[[nodiscard]] Result<std::string> read_file(
    const std::string& path, std::size_t size_max = 1U << 30U
);
// Writes beside the file, syncs, renames over it. `mode` as chmod takes it.
[[nodiscard]] Status write_file_atomic(
    const std::string& path, std::string_view content, unsigned mode = 0644
);
// Creates the folder and its parents; their names are on stable storage then.
[[nodiscard]] Status make_folder(const std::string& path, unsigned mode = 0755);
// The names in it are on stable storage when this returns.
[[nodiscard]] Status sync_folder(const std::string& path);

}  // namespace sekisho
