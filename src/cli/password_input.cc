#include "cli/password_input.h"

#include "account/password.h"
#include "base/file.h"
#include "base/result.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <string>
#include <termios.h>
#include <unistd.h>

namespace sekisho::cli {
namespace {

// Reads a line from the terminal without showing it.
std::string prompt_hidden(const char* question) {
    fmt::print(stderr, "{}", question);
    termios before{};
    tcgetattr(STDIN_FILENO, &before);
    termios silent = before;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(STDIN_FILENO, TCSANOW, &silent);
    std::string text;
    std::getline(std::cin, text);
    tcsetattr(STDIN_FILENO, TCSANOW, &before);
    fmt::print(stderr, "\n");
    return text;
}

}  // namespace

Result<Password> read_password(const PasswordSource& source) {
    std::string text;
    if (!source.file.empty()) {
        auto content = read_file(source.file, 4096);
        if (!content) {
            return fail(content.error());
        }
        text = *content;
    } else if (source.from_stdin) {
        std::getline(std::cin, text);
    } else if (source.generate || isatty(STDIN_FILENO) == 0) {
        return Password{account::generate_password(), true};
    } else {
        text = prompt_hidden("Password (empty: one is generated): ");
        if (text.empty()) {
            return Password{account::generate_password(), true};
        }
        if (prompt_hidden("Once more: ") != text) {
            return fail(Errc::Invalid, "the two passwords differ");
        }
    }
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) {
        text.pop_back();
    }
    return Password{text, false};
}

void add_password_options(CLI::App& command, PasswordSource& source) {
    auto* file =
        command.add_option("--password-file", source.file, "Read the password from a file");
    auto* input = command.add_flag(
        "--password-stdin", source.from_stdin, "Read the password from standard input"
    );
    auto* generate =
        command.add_flag("--generate", source.generate, "Generate a password and show it once");
    file->excludes(input)->excludes(generate);
    input->excludes(generate);
}

}  // namespace sekisho::cli
