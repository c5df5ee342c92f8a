// What every subcommand shares: the configuration file, the output form, how errors are told.
#pragma once

#include "base/result.h"
#include "config/config.h"

#include <expected>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace sekisho::cli {

using Json = nlohmann::ordered_json;

inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;  // bad usage, bad configuration

struct Context {
    std::string config_file;  // empty: looked for, see find_config()
    bool json = false;
};

// $SEKISHO_CONFIG, ./sekisho.toml, var/sekisho.toml, /etc/sekisho/sekisho.toml: the first that
// exists.
[[nodiscard]] std::string find_config(const Context& context);

// The configuration, resolved; or, with every fault told on standard error, the exit code.
[[nodiscard]] std::expected<config::Config, int> load_config(const Context& context);

// Whoever gives the command, for the record: the one behind sudo.
[[nodiscard]] std::string operator_name();

// Tells the error (JSON with --json) and returns the exit code for it.
int report(const Context& context, const Error& error);

// Prints a result: as JSON, or by `text`.
void print(const Context& context, const Json& result, const std::string& text);

// Rows under a header, columns padded; for people.
[[nodiscard]] std::string table(
    const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows
);

// Asks a running role through its control socket. Errors: Unavailable when it isn't running, or
// what the role said.
[[nodiscard]] Result<Json> ask(
    const config::Config& config, const std::string& role, const Json& request
);

// Asks the mail role and prints its answer, for people by `text`; the exit code.
int ask_mail(const Context& context, const Json& request, std::string (*text)(const Json&));
// Asks whoever sits at the terminal; everything but "y" or "yes" is no. Invalid: nobody does.
[[nodiscard]] Result<bool> agreed(const std::string& question);
// What a role says in words of what it did.
[[nodiscard]] std::string done_text(const Json& answer);

}  // namespace sekisho::cli
