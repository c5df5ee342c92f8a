#include "lease/lease.h"

#include "base/result.h"
#include "base/time.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace sekisho::lease {

std::string_view name(Kind kind) {
    return kind == Kind::Penalty ? "penalty" : "exemption";
}

std::string Lease::target() const {
    return prefix ? prefix->text() : "line " + line;
}

Error no_lease(std::int64_t id) {
    return {Errc::NotFound, "there is no lease " + std::to_string(id)};
}

Error has_ended(const Lease& lease) {
    return {
        Errc::Conflict,
        "lease " + std::to_string(lease.id) + " ended at " +
            (lease.ended ? rfc3339(*lease.ended) : std::string("?")) + ": " + lease.ended_reason
    };
}

Error already_leased(const Lease& lease) {
    return {
        Errc::Conflict,
        lease.target() + " has the " + std::string(name(lease.kind)) + " " +
            std::to_string(lease.id) + " already: renew or revoke it"
    };
}

}  // namespace sekisho::lease
