// Are the milters there? Asked from here, as the mail role would.
#include "base/result.h"
#include "cli/doctor.h"
#include "config/config.h"
#include "milter/milter.h"
#include "net/server.h"
#include "net/wait.h"

#include <fmt/format.h>

#include <memory>
#include <string>

namespace sekisho::cli {

void examine_milters(const config::Config& config, Findings& out) {
    if (config.milters.empty()) {
        return;
    }
    const auto loops = net::Loops::make(1);
    loops->run();
    for (const config::Milter& one : config.milters) {
        const Result<std::string> answer =
            net::wait_for(loops->executor(0), milter::probe(loops->executor(0), one));
        if (answer) {
            out.good("milter", fmt::format("{} at {} {}", one.name, one.socket, *answer));
            continue;
        }
        const std::string then = one.away == "accept"   ? "mail is taken unseen by it"
                                 : one.away == "reject" ? "mail is refused"
                                                        : "mail is answered 450";
        out.fault(
            "milter",
            fmt::format("{} at {} is away: {}", one.name, one.socket, answer.error().message),
            "start it; until then " + then + " (milter.away)"
        );
    }
    loops->stop();
}

}  // namespace sekisho::cli
