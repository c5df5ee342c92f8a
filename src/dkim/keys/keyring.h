// Which keys a provider has, and in which state: pure. Files are keys/store.h's matter.
//
//   waiting -> signing -> retired -> removed
//
// A new key waits until its record is seen in the DNS, so that nothing is signed by a key that
// nobody can look up. When it begins to sign, the one before it (same domain and algorithm) is
// retired: its record stays published for a while, since what it signed is still on its way
// (RFC 6376 §3.1). A removed key's file is gone; only its selector is remembered, to be given to
// no other key.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "dkim/signature.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::dkim {

enum class KeyState : std::uint8_t { Waiting, Signing, Retired, Removed };
[[nodiscard]] std::string_view name(KeyState state);

struct KeyEntry {
    std::string domain, selector;  // lower case
    Algorithm algorithm = Algorithm::RsaSha256;
    std::string record;  // TXT to be published
    KeyState state = KeyState::Waiting;
    Time created{}, since{};  // since: when it came into its state

    [[nodiscard]] std::string dns_name() const { return selector + "._domainkey." + domain; }
    // What the DNS should have: everything but removed keys.
    [[nodiscard]] bool published() const { return state != KeyState::Removed; }
};

class Keyring {
  public:
    // JSON as text() writes it. Corrupt: anything else.
    [[nodiscard]] static Result<Keyring> parse(std::string_view json);
    [[nodiscard]] std::string text() const;

    [[nodiscard]] const std::vector<KeyEntry>& keys() const { return keys_; }
    [[nodiscard]] const KeyEntry* find(std::string_view domain, std::string_view selector) const;
    // The one that signs now, or null.
    [[nodiscard]] const KeyEntry* signing(std::string_view domain, Algorithm algorithm) const;
    // Which of the domains lack a key that signs or is about to.
    [[nodiscard]] std::vector<std::pair<std::string, Algorithm>> lacking(
        const std::vector<std::string>& domains, const std::vector<Algorithm>& algorithms
    ) const;
    // "s2026a" for RSA, "e2026a" for Ed25519; the next letter when the year has one already.
    [[nodiscard]] std::string next_selector(std::string_view domain, Algorithm algorithm, Time now)
        const;

    // Conflict: the domain has the selector already.
    Status add(KeyEntry key);
    // waiting or retired -> signing; what signed until now, and older ones that wait -> retired.
    Status activate(std::string_view domain, std::string_view selector, Time now);
    Status retire(std::string_view domain, std::string_view selector, Time now);
    Status remove(std::string_view domain, std::string_view selector, Time now);
    // Retired keys whose time of grace is over.
    [[nodiscard]] std::vector<KeyEntry> outlived(Duration keep, Time now) const;

  private:
    [[nodiscard]] Result<KeyEntry*> entry(std::string_view domain, std::string_view selector);
    std::vector<KeyEntry> keys_;
};

// Whether the DNS has the key: some record of the name carries the same key and isn't revoked.
enum class Seen : std::uint8_t { Right, Other, Missing };
[[nodiscard]] Seen compare(const KeyEntry& key, const std::vector<std::string>& txt);

}  // namespace sekisho::dkim
