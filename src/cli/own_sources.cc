#include "cli/own_sources.h"

#include "base/result.h"
#include "delivery/routes/source.h"
#include "net/own_address.h"

#include <vector>

namespace sekisho::cli {

Status check_own_sources(const std::vector<delivery::SourcePool>& sources) {
    for (const delivery::SourcePool& pool : sources) {
        for (const delivery::SourceAddress& one : pool.addresses) {
            if (Status own = net::check_own_address(one.address); !own) {
                return fail(
                    own.error().code, "[[source]] \"" + pool.name + "\": " + own.error().message
                );
            }
        }
    }
    return {};
}

}  // namespace sekisho::cli
