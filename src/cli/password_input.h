// A password as commands take one: from a file, from standard input, typed twice, or generated.
#pragma once

#include "base/result.h"

#include <string>

namespace CLI {
class App;
}

namespace sekisho::cli {

struct PasswordSource {
    std::string file;
    bool from_stdin = false;
    bool generate = false;
};

struct Password {
    std::string text;
    bool generated = false;
};

[[nodiscard]] Result<Password> read_password(const PasswordSource& source);
// --password-file, --password-stdin, --generate. `source` outlives the parsing.
void add_password_options(CLI::App& command, PasswordSource& source);

}  // namespace sekisho::cli
