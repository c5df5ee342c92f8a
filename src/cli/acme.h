// Certificates by ACME (RFC 8555), got by lego, a client that others keep well. Here: when one is
// needed, how lego is called, where its certificate goes. The desk role answers the challenges that
// it leaves under the state folder (challenge_answer).
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "cli/context.h"
#include "config/config.h"

#include <atomic>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::cli {

// What the certificate is to name: acme.names, or those by which subscribers reach us.
[[nodiscard]] std::vector<std::string> acme_names(const config::Config& config);
// The command after "lego"; `has_one`: it got one before. Pure.
[[nodiscard]] std::vector<std::string> lego_words(const config::Config& config, bool has_one);
// Why a certificate is needed now; nullopt: none is, the one in force is good.
[[nodiscard]] std::optional<std::string> acme_due(const config::Config& config, Time now);

// The body for a request to /.well-known/acme-challenge/ (RFC 8555 §8.3); nullopt: another path.
// NotFound: no such challenge is under way.
[[nodiscard]] std::optional<Result<std::string>> challenge_answer(
    const std::string& state_dir, std::string_view path
);

// Runs lego, puts what it got in force and has the roles read it. Waits for the network, minutes:
// not for a loop. Only one at a time; Conflict: another one is at it. `stop` ends it early.
[[nodiscard]] Status obtain_certificate(
    const config::Config& config, const std::atomic<bool>& stop
);

// Names, end and state of the certificate in force, and the last failure.
[[nodiscard]] Result<Json> certificate_json(const config::Config& config, Time now);

// When the last try failed, and how often in a row; kept over a restart, for authorities count
// failures.
struct AcmeFailure {
    Time at{};
    int count = 0;
    std::string why;
};
[[nodiscard]] std::optional<AcmeFailure> last_failure(const config::Config& config);
// Not before then: an hour after the first failure, twice as long after each more, 12 h at most.
[[nodiscard]] Time next_try(const AcmeFailure& failure);

}  // namespace sekisho::cli
