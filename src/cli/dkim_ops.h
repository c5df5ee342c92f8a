// What the mail role and `sekisho dkim` do with the provider's keys: make those that are missing,
// ask the DNS, let keys sign whose record is there, remove those whose time is over.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "dkim/keys/keyring.h"
#include "dkim/keys/store.h"
#include "dkim/verify.h"
#include "net/resolver.h"
#include "net/task.h"

#include <map>
#include <string>
#include <vector>

namespace sekisho::cli {

[[nodiscard]] dkim::KeyStore key_store(const config::Config& config);
[[nodiscard]] std::vector<dkim::Algorithm> dkim_algorithms(const config::Config& config);

// Keys for the domains of the configuration that have none; at most 32 at a time.
[[nodiscard]] Result<std::vector<dkim::KeyEntry>> make_missing_keys(
    const config::Config& config, Time now
);

// TXT records of each name.
using TxtAnswers = std::map<std::string, dkim::KeyAnswer>;
[[nodiscard]] net::Task<TxtAnswers> look_up_txt(
    net::Resolver* resolver, std::vector<std::string> names
);
// The names of the keys that wait or sign.
[[nodiscard]] std::vector<std::string> names_to_check(const dkim::Keyring& ring);

struct KeyCheck {
    dkim::KeyEntry key;  // as it was before
    enum class Now { Waits, SignsNow, Signs, RecordIsGone, Unknown, Removed } now = Now::Unknown;
    std::string reason;  // of Unknown
};
// Puts into force what the DNS said: waiting keys that are there sign, retired ones whose time is
// over are removed. A signing key whose record is gone signs on; it is the operator's to see.
[[nodiscard]] Result<std::vector<KeyCheck>> apply_check(
    const config::Config& config, const TxtAnswers& answers, Time now
);
[[nodiscard]] std::string_view name(KeyCheck::Now now);

}  // namespace sekisho::cli
