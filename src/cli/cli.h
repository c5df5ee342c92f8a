// Entry of the command line.
#pragma once

namespace sekisho::cli {

// Exit codes: 0 done, 1 failed, 2 bad usage or bad configuration.
int run(int argc, char** argv);

}  // namespace sekisho::cli
