#include "gate/enforce/nft.h"

#include "base/result.h"
#include "gate/enforce/command.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::gate {

Error nft_error(const CommandOutput& said) {
    const std::size_t end = said.err.find('\n');
    const std::string line = said.err.substr(0, end);
    Error out{Errc::Unavailable, "nft: " + (line.empty() ? "no reason given" : line)};
    if (line.find("not permitted") != std::string::npos ||
        line.find("you must be root") != std::string::npos) {
        out.code = Errc::Denied;
        out.message += "; the nftables engine needs CAP_NET_ADMIN, or root";
    }
    return out;
}

Status run_nft(const std::vector<std::string>& arguments, std::string_view input) {
    const auto said = run_command("nft", arguments, input);
    if (!said) {
        return fail(said.error());
    }
    return said->status == 0 ? Status{} : Status(fail(nft_error(*said)));
}

}  // namespace sekisho::gate
