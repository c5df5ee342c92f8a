#include "arc/chain.h"

#include "base/bytes.h"
#include "base/result.h"
#include "dkim/signature.h"
#include "dkim/tags.h"
#include "message/auth_results.h"
#include "message/header.h"

#include <charconv>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::arc {
namespace {

std::unexpected<Error> broken(std::size_t instance, const std::string& why) {
    return fail(Errc::Invalid, "set " + std::to_string(instance) + ": " + why);
}

// 1 to 50, without leading zeros (RFC 8617 §4.2.1).
std::optional<std::size_t> instance(std::string_view text) {
    std::size_t value = 0;
    const char* end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, value);
    if (text.empty() || text.front() == '0' || error != std::errc{} || at != end ||
        value > kSetsMax) {
        return std::nullopt;
    }
    return value;
}

// ARC-Authentication-Results is no tag list: "i=1; mx.example; spf=pass ..." (RFC 8617 §4.1.1).
std::optional<std::size_t> instance_of_results(std::string_view value, std::string_view& rest) {
    const std::size_t end = value.find(';');
    const std::string_view tag = trim(value.substr(0, end));
    const std::size_t equals = tag.find('=');
    if (end == std::string_view::npos || equals == std::string_view::npos ||
        trim(tag.substr(0, equals)) != "i") {
        return std::nullopt;
    }
    rest = value.substr(end + 1);
    return instance(trim(tag.substr(equals + 1)));
}

Result<Seal> read_seal(const message::Field& field) {
    const auto tags = dkim::TagList::parse(field.raw);
    if (!tags) {
        return fail(Errc::Invalid, "the seal is no tag list");
    }
    // RFC 8617 §4.1.3: a seal covers what it covers; h= would say otherwise.
    if (tags->find("h") != nullptr) {
        return fail(Errc::Invalid, "the seal has h=");
    }
    Seal out;
    const auto algorithm = dkim::parse_algorithm(tags->value("a"));
    const auto signature = unbase64(dkim::without_spaces(tags->value("b")));
    out.domain = to_lower(tags->value("d"));
    out.selector = to_lower(tags->value("s"));
    if (!algorithm || !signature || signature->empty() || !dkim::is_domain(out.domain) ||
        !dkim::is_domain(out.selector)) {
        return fail(Errc::Invalid, "the seal is malformed");
    }
    out.algorithm = *algorithm;
    out.signature = *signature;
    const std::string_view validity = tags->value("cv");
    if (validity != "none" && validity != "pass" && validity != "fail") {
        return fail(Errc::Invalid, "the seal has no cv= that is known");
    }
    out.validity = validity == "none"   ? Validity::None
                   : validity == "pass" ? Validity::Pass
                                        : Validity::Fail;
    return out;
}

// Puts each field into its set; an error for one that has no number, or stands twice.
Status collect(
    const message::Header& header,
    std::string_view name,
    const message::Field* Set::* member,
    std::vector<Set>& sets
) {
    for (const message::Field* field : header.find_all(name)) {
        std::optional<std::size_t> number;
        if (member == &Set::results) {
            std::string_view rest;
            number = instance_of_results(field->raw, rest);
        } else if (const auto tags = dkim::TagList::parse(field->raw)) {
            number = instance(tags->value("i"));
        }
        if (!number) {
            return fail(Errc::Invalid, std::string(name) + " has no i= from 1 to 50");
        }
        if (sets.size() < *number) {
            sets.resize(*number);
        }
        if (std::exchange(sets[*number - 1].*member, field) != nullptr) {
            return broken(*number, "two fields " + std::string(name));
        }
    }
    return {};
}

Status read(Set& set, std::size_t number) {
    if (set.results == nullptr || set.signature == nullptr || set.seal == nullptr) {
        return broken(number, "it is not whole");
    }
    auto signature = dkim::parse_signature(*set.signature, dkim::SignatureField::Arc);
    if (!signature) {
        return broken(number, signature.error().message);
    }
    // RFC 8617 §4.1.2: seals are never signed, they come after.
    for (const std::string& name : signature->headers) {
        if (iequals(name, "ARC-Seal")) {
            return broken(number, "ARC-Seal is signed");
        }
    }
    set.read_signature = std::move(*signature);
    auto seal = read_seal(*set.seal);
    if (!seal) {
        return broken(number, seal.error().message);
    }
    set.read_seal = std::move(*seal);
    std::string_view rest;
    static_cast<void>(instance_of_results(set.results->raw, rest));
    set.authserv_id = message::authserv_id(rest);
    set.findings = printable(trim(rest), 500);
    return {};
}

}  // namespace

Result<std::vector<Set>> read_chain(const message::Header& header) {
    std::vector<Set> sets;
    Status done = collect(header, "ARC-Authentication-Results", &Set::results, sets);
    done = done ? collect(header, "ARC-Message-Signature", &Set::signature, sets) : done;
    done = done ? collect(header, "ARC-Seal", &Set::seal, sets) : done;
    for (std::size_t i = 0; done && i < sets.size(); ++i) {
        done = read(sets[i], i + 1);
        const Validity claimed = sets[i].read_seal.validity;
        // RFC 8617 §5.2 step 3.B: the first has nothing before it, the others a chain that passed.
        if (done && (claimed == Validity::None) != (i == 0) && claimed != Validity::Fail) {
            done = broken(i + 1, "cv= is not what its place asks for");
        }
    }
    if (!done) {
        return fail(done.error());
    }
    return sets;
}

}  // namespace sekisho::arc
