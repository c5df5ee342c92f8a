// Limits as an operator writes them: what is counted, by which key, for whom. Says what one act of
// a client takes from which of them. Pure.
#pragma once

#include "base/ip.h"
#include "base/result.h"
#include "limit/limiter.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sekisho::limit {

// What is counted by. Several of them together make one key.
enum class By : std::uint8_t {
    Account,
    Line,
    Address,       // of the client: an IPv4 address, or an IPv6 /64
    Prefix,        // the network of the client, by Spec's widths
    Sender,        // reverse-path
    SenderDomain,  // its domain
    Domain,        // of the recipient
    Class,         // of the client's address, by the policy
};
enum class Counts : std::uint8_t {
    Messages,
    Recipients,
    Bytes,
    Connections,
    FailedLogins,
    NewRecipients,      // to whom the account didn't send before
    RefusedRecipients,  // that were answered 5xx
};
// Where the client is, as far as lines, classes and the table of countries tell.
enum class Where : std::uint8_t { Anywhere, Home, Domestic, Abroad };
enum class Service : std::uint8_t { Both, Submission, Exchange };

[[nodiscard]] std::string_view name(By by);
[[nodiscard]] std::string_view name(Counts counts);
[[nodiscard]] std::string_view name(Where where);
[[nodiscard]] std::string_view name(Service service);
[[nodiscard]] std::optional<By> parse_by(std::string_view text);
[[nodiscard]] std::optional<Counts> parse_counts(std::string_view text);
[[nodiscard]] std::optional<Where> parse_where(std::string_view text);
[[nodiscard]] std::optional<Service> parse_service(std::string_view text);

struct Spec {
    std::string name;  // unique; refusals, metrics and events show it
    std::vector<By> by;
    Counts counts = Counts::Recipients;
    std::variant<Rate, Day> how;
    Where where = Where::Anywhere;  // only clients that are there
    Service service = Service::Submission;
    bool shadow = false;  // counts and reports, refuses nobody
    int width_v4 = 24, width_v6 = 48;

    [[nodiscard]] std::string allowance() const;  // "300 in 1h, 50 at once", "1000 a day"
    [[nodiscard]] std::string by_text() const;    // "account+class"
};

// Errors: no key, one twice, a key that what is counted can't have (connections have no account), a
// rate that Gcra or Quota refuse.
[[nodiscard]] Status check(const Spec& spec);
[[nodiscard]] std::vector<Limit> limits_of(std::span<const Spec> specs);

// What is known of a client and what it wants; empty: not known.
struct Facts {
    std::string account, line, sender, recipient, network_class;
    std::optional<IpAddress> address;
    Where where = Where::Abroad;
    Service service = Service::Submission;
    Offset own{};  // the account's difference to UTC, where it has a time zone
};

// A Want that holds its texts.
struct Taking {
    std::string limit, key;
    std::int64_t cost = 1;
    Offset own{};
    [[nodiscard]] Want want() const { return {limit, key, cost, own}; }
};
[[nodiscard]] std::vector<Want> wants(std::span<const Taking> takings);

// What the act takes. A limit by something that isn't known takes nothing.
[[nodiscard]] std::vector<Taking> takings(
    std::span<const Spec> specs, Counts counts, const Facts& facts, std::int64_t cost
);

// Whether a key is about this account, line, domain, class or address; an address is also in the
// prefixes that hold it.
[[nodiscard]] bool is_about(std::string_view key, std::string_view subject);

}  // namespace sekisho::limit
