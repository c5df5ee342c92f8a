// Leases: for a time, a prefix or a line is of another class. The store's interface.
#pragma once

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::lease {

enum class Kind : std::uint8_t {
    Exemption,  // one of ours may use port 25
    Penalty,    // one outside may not, because it is no mail server
};
[[nodiscard]] std::string_view name(Kind kind);  // "exemption", "penalty"

// What must stay true while it lives; empty or 0: not asked for.
struct Conditions {
    std::string reverse_name;  // the address's PTR record says this, and the name leads back to it
    bool unlisted = false;     // on none of gate.dnsbl
    std::uint32_t connections_per_day = 0;  // opened to port 25, at most
    friend bool operator==(const Conditions&, const Conditions&) = default;
};

struct Lease {
    std::int64_t id = 0;  // given by the store
    Kind kind = Kind::Exemption;
    std::optional<Prefix> prefix;  // either this
    std::string line;              // or this: whatever the line holds at the time
    std::string class_name;        // of the policy
    std::string owner;             // who asked for it: a customer, a ticket
    std::string reason;
    std::string created_by;  // the operator, or the part of the system
    Time created{};
    Time expires{};
    Conditions conditions;
    std::optional<Time> checked;  // when what must be looked up was last seen to hold

    std::optional<Time> ended;  // empty: it lives
    std::string ended_by, ended_reason;

    [[nodiscard]] bool alive(Time now) const { return !ended && expires > now; }
    // Without effect until it has been looked up once.
    [[nodiscard]] bool unproven() const {
        return !checked && (conditions.unlisted || !conditions.reverse_name.empty());
    }
    [[nodiscard]] std::string target() const;  // "192.0.2.1/32", "line alice"
    friend bool operator==(const Lease&, const Lease&) = default;
};

// What every store says in the same words.
[[nodiscard]] Error no_lease(std::int64_t id);
[[nodiscard]] Error has_ended(const Lease& lease);
[[nodiscard]] Error already_leased(const Lease& lease);

class LeaseStore {
  public:
    virtual ~LeaseStore() = default;
    // The id. Conflict: one of the same kind and target lives already (its number is named); Full:
    // there are kLivingMax.
    [[nodiscard]] virtual Result<std::int64_t> add(const Lease& lease) = 0;
    // NotFound; Conflict when it has ended.
    virtual Status renew(std::int64_t id, Time expires) = 0;
    // Whether this call ended it; false: it had ended before. NotFound.
    [[nodiscard]] virtual Result<bool> end(
        std::int64_t id, Time at, std::string_view by, std::string_view reason
    ) = 0;
    // Its conditions were looked up and hold. NotFound.
    virtual Status checked(std::int64_t id, Time at) = 0;
    [[nodiscard]] virtual Result<Lease> find(std::int64_t id) = 0;
    // Those not ended, expired or not, by id.
    [[nodiscard]] virtual Result<std::vector<Lease>> living() = 0;
    // How many of a kind have not ended.
    [[nodiscard]] virtual Result<std::size_t> count(Kind kind) = 0;
    // Ended ones too, newest first.
    [[nodiscard]] virtual Result<std::vector<Lease>> all(std::size_t limit) = 0;
    // Another number after every change.
    [[nodiscard]] virtual Result<std::int64_t> version() = 0;

    static constexpr std::size_t kLivingMax = 50'000;
};

}  // namespace sekisho::lease
