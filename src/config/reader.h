// Reads sekisho.toml into a Config, or says everything that is wrong with it: file, line, key, what
// was expected.
#pragma once

#include "config/config.h"

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::config {

struct Problem {
    std::string file;
    std::uint32_t line = 0;  // 0: the file as a whole
    std::string key;         // "mail.recipients_max"; may be empty
    std::string text;

    [[nodiscard]] std::string message() const;  // "sekisho.toml:12: mail.recipients_max: ..."
};

using Loaded = std::expected<Config, std::vector<Problem>>;

// The file and the prefix files it names. The policy is compiled as a check, so what loads can be
// put in force.
[[nodiscard]] Loaded load(const std::string& path);
// The same from text; `name` stands for the file in messages, prefix files are relative to its
// folder.
[[nodiscard]] Loaded parse(std::string_view text, const std::string& name);

// Prefixes, one a line; '#' begins a comment. Problems name the line.
[[nodiscard]] std::expected<std::vector<Prefix>, std::vector<Problem>> parse_prefix_file(
    std::string_view text, const std::string& name
);

// The [[class]], [[region]] and [[rule]] tables that parse() reads the same policy from; equal
// policies have equal texts.
[[nodiscard]] std::string policy_text(const policy::Source& source);

// A commented sekisho.toml with every key at its default.
[[nodiscard]] std::string defaults_toml();
// docs/configuration.md.
[[nodiscard]] std::string reference_markdown();

}  // namespace sekisho::config
