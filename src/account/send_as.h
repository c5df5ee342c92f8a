// Addresses elsewhere that an account may send as, once it has been shown that their mail is read
// by whoever asks: a code is mailed to the address and comes back. Pure: what a registration is,
// which codes may be mailed, and what a code proves; the store is an interface.
//
// Invariants: a code is kept as a digest only; it proves one address for one account, once, for
// kCodeValid; an address that isn't proven gives no right. Codes to one address are limited across
// all accounts, so that nobody's mailbox is flooded through us.
#pragma once

#include "account/account.h"
#include "base/result.h"
#include "base/time.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::account {

inline constexpr std::size_t kSendAsMax = 32;  // of one account
inline constexpr Duration kCodeValid = std::chrono::hours(48);
inline constexpr Duration kCodesCounted = std::chrono::hours(24);
inline constexpr std::uint32_t kCodesPerPair = 3;     // in kCodesCounted, account and address
inline constexpr std::uint32_t kCodesPerLogin = 10;   // the same, of one account
inline constexpr std::uint32_t kCodesPerAddress = 5;  // the same, to one address
inline constexpr std::uint32_t kWrongCodesMax = 5;    // then the code is void
inline constexpr int kCodeBits = 100;

struct SendAs {
    std::string login, address;  // lower case
    std::string code_digest;     // hex SHA-256 of the code that was mailed; empty: there is none
    Time code_expires{};
    std::uint32_t wrong = 0;  // codes that were given for it since the last mail
    Time created{};
    Time proven{};        // zero: not yet
    std::string vouched;  // an operator's reason instead of a code; empty: proven by code
    std::string outlook;  // what was found of the domain at registration: "passes", ...
};
[[nodiscard]] inline bool is_proven(const SendAs& one) {
    return one.proven != Time{};
}

// Codes that were mailed within kCodesCounted.
struct CodesSent {
    std::uint32_t of_login = 0, to_address = 0, of_pair = 0;
};
// Errors: Full, with when to try again in words.
[[nodiscard]] Status may_mail_code(const CodesSent& sent);

// As people type it: capitals, spaces and hyphens don't matter.
[[nodiscard]] std::string code_digest(std::string_view code);
// Five groups or so, for reading: "k3v9-...".
[[nodiscard]] std::string readable_code(std::string_view token);

// The registration after the code; a wrong one is counted. Errors: NotFound (there is no code),
// Denied (wrong, expired, or given wrong too often), with `registration` as it is to be kept.
[[nodiscard]] Status prove(SendAs& registration, std::string_view code, Time now);

// `delegate` may send as the addresses and domains of `owner`, an account here. The delegate may be
// one of another system.
struct Delegation {
    std::string owner, delegate;  // lower case
    Time since{};
};
inline constexpr std::size_t kDelegatesMax = 1000;  // of one owner

// Whether the account may send as the address (lower case): its own, one of a domain of its own,
// one of an alias that leads to it, one elsewhere that it has proven, one of an account that it is
// delegate of.
[[nodiscard]] bool may_send_as(const Account& account, std::string_view address);

class SendAsStore {
  public:
    virtual ~SendAsStore() = default;
    // Those of which the login is owner, and those of which it is delegate.
    [[nodiscard]] virtual Result<std::vector<Delegation>> delegations(std::string_view login) = 0;
    // Conflict: it is there already. Full: too many.
    virtual Status add_delegation(const Delegation& one) = 0;
    virtual Status remove_delegation(const Delegation& one) = 0;  // NotFound
    // In order of address; none for an account that has none.
    [[nodiscard]] virtual Result<std::vector<SendAs>> of(std::string_view login) = 0;
    [[nodiscard]] virtual Result<SendAs> find(std::string_view login, std::string_view address) = 0;
    // NotFound: no registration waits for this code.
    [[nodiscard]] virtual Result<SendAs> find_by_code(std::string_view digest) = 0;
    // New, or instead of the one that is there.
    virtual Status put(const SendAs& one) = 0;
    virtual Status remove(std::string_view login, std::string_view address) = 0;  // NotFound
    [[nodiscard]] virtual Result<CodesSent> codes_sent(
        std::string_view login, std::string_view address, Time since
    ) = 0;
    // Keeps the registration, and that a code was mailed, both or neither.
    virtual Status put_with_code(const SendAs& one, Time at) = 0;
};

}  // namespace sekisho::account
