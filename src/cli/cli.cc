#include "cli/cli.h"

#include <CLI/CLI.hpp>

namespace sekisho::cli {

int run(int argc, char** argv) {
    CLI::App app{"Sekisho, the port 25 checkpoint"};
    app.require_subcommand(1);
    CLI11_PARSE(app, argc, argv);
    return 0;
}

}  // namespace sekisho::cli
