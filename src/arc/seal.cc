#include "arc/seal.h"

#include "arc/chain.h"
#include "arc/verify.h"
#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "dkim/canonical.h"
#include "dkim/key.h"
#include "dkim/sign.h"
#include "dkim/signature.h"
#include "dkim/tags.h"
#include "message/auth_results.h"
#include "message/header.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::arc {
namespace {

using dkim::Canonicalization;

// A field of our own as the scan would see it, without its last line end.
message::Field as_field(std::string_view whole) {
    const std::size_t colon = whole.find(':');
    std::string_view raw = whole.substr(colon + 1);
    if (raw.ends_with("\r\n")) {
        raw.remove_suffix(2);
    }
    return {whole.substr(0, colon), raw, whole};
}

struct Seen {
    std::size_t sets = 0;   // the highest number of a seal
    bool given_up = false;  // that seal says cv=fail
};

// Also of a chain that isn't whole.
Seen look_at(const message::Header& header) {
    Seen out;
    for (const message::Field* field : header.find_all("ARC-Seal")) {
        const auto tags = dkim::TagList::parse(field->raw);
        if (!tags) {
            continue;
        }
        const std::string_view text = tags->value("i");
        std::size_t number = 0;
        const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error == std::errc{} && at == text.data() + text.size() && number > out.sets) {
            out.sets = number;
            out.given_up = tags->value("cv") == "fail";
        }
    }
    return out;
}

std::string results_field(std::size_t instance, const SealOptions& options) {
    constexpr std::string_view kName = "Authentication-Results:";
    const std::string plain = message::auth_results_field(options.authserv_id, options.results);
    return "ARC-" + std::string(kName) + " i=" + std::to_string(instance) + ";" +
           plain.substr(kName.size());
}

// RFC 8617 §5.1.1, and §5.1.2 for a broken chain: its own set alone.
std::string sealed_octets(
    const std::vector<Set>& before,
    const message::Field& results,
    const message::Field& signature,
    const message::Field& seal
) {
    std::string out;
    for (const Set& set : before) {
        for (const message::Field* field : {set.results, set.signature, set.seal}) {
            out += dkim::canonical_field(*field, Canonicalization::Relaxed);
        }
    }
    out += dkim::canonical_field(results, Canonicalization::Relaxed);
    out += dkim::canonical_field(signature, Canonicalization::Relaxed);
    return out + dkim::unsigned_field(seal, Canonicalization::Relaxed);
}

std::string in_lines(std::string_view base64_text) {
    constexpr std::size_t kLine = 72;
    std::string out;
    for (; !base64_text.empty(); base64_text.remove_prefix(std::min(kLine, base64_text.size()))) {
        out += (out.empty() ? "" : "\r\n ") + std::string(base64_text.substr(0, kLine));
    }
    return out;
}

}  // namespace

sekisho::Result<std::string> seal(
    std::string_view message,
    const message::Header& header,
    const dkim::PrivateKey& key,
    const SealOptions& options
) {
    const Seen seen = look_at(header);
    if (seen.given_up || seen.sets >= kSetsMax) {
        return std::string{};
    }
    const std::size_t instance = seen.sets + 1;
    // A chain that is whole by its look but wasn't verified can't be vouched for either.
    const auto chain = read_chain(header);
    const bool whole = chain && chain->size() == seen.sets;
    const bool good = whole && (options.chain == Result::Pass ||
                                (options.chain == Result::None && chain->empty()));
    const std::string_view validity = !good ? "fail" : chain->empty() ? "none" : "pass";

    const std::string results = results_field(instance, options);
    dkim::SignOptions how;
    how.domain = options.domain;
    how.selector = options.selector;
    how.now = options.now;
    how.arc_instance = instance;
    dkim::BodyHash hash(how.body_how, std::nullopt);
    hash.add(message.substr(header.body_offset()));
    const auto signature = dkim::signature_field(header, hash.finish(), key, how);
    if (!signature) {
        return fail(signature.error());
    }
    const auto at =
        std::chrono::duration_cast<std::chrono::seconds>(options.now.time_since_epoch());
    std::string field = "ARC-Seal: i=" + std::to_string(instance) +
                        "; a=" + std::string(dkim::name(key.algorithm())) +
                        "; t=" + std::to_string(at.count()) + "; cv=" + std::string(validity) +
                        ";\r\n d=" + options.domain + "; s=" + options.selector + ";\r\n b=";
    const std::string octets = sealed_octets(
        good ? *chain : std::vector<Set>{}, as_field(results), as_field(*signature), as_field(field)
    );
    const auto sealed = key.sign(octets);
    if (!sealed) {
        return fail(sealed.error());
    }
    field += in_lines(base64(*sealed)) + "\r\n";
    return field + *signature + results;
}

}  // namespace sekisho::arc
