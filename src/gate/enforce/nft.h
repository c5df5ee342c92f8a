// The nft program.
#pragma once

#include "base/result.h"
#include "gate/enforce/command.h"

#include <string>
#include <string_view>
#include <vector>

namespace sekisho::gate {

// The first line of what nft says, for an exit status other than 0: the rest repeats the rule set.
[[nodiscard]] Error nft_error(const CommandOutput& said);

// Runs nft; what it answers with another status than 0 is an error.
[[nodiscard]] Status run_nft(const std::vector<std::string>& arguments, std::string_view input);

}  // namespace sekisho::gate
