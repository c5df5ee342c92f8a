#include "dkim/verify.h"

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "dkim/canonical.h"
#include "dkim/key.h"
#include "dkim/signature.h"
#include "message/header.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::dkim {
namespace {

void say(Verdict& verdict, Outcome outcome, std::string reason) {
    verdict.status = outcome;
    verdict.reason = std::move(reason);
}

// nullopt: the record may be used for this signature.
std::optional<std::string> unfit(const KeyRecord& record, const Signature& signature) {
    if (record.key.empty()) {
        return "the key is revoked";
    }
    if (!record.for_mail) {
        return "the key isn't for mail";
    }
    if (record.strict) {
        const std::string_view identity = signature.identity;
        if (to_lower(identity.substr(identity.rfind('@') + 1)) != signature.domain) {
            return "the key asks for i= of d= itself";
        }
    }
    return std::nullopt;
}

}  // namespace

std::string_view name(Outcome outcome) {
    switch (outcome) {
        case Outcome::Pass:
            return "pass";
        case Outcome::Fail:
            return "fail";
        case Outcome::Policy:
            return "policy";
        case Outcome::Neutral:
            return "neutral";
        case Outcome::TempError:
            return "temperror";
        case Outcome::PermError:
            return "permerror";
    }
    return "neutral";
}

Verifier::Verifier(const message::Header& header, Time now, const VerifyLimits& limits)
    : header_(header), now_(now), limits_(limits) {
    for (const message::Field* field : header.find_all("DKIM-Signature")) {
        if (all_.size() >= limits_.signatures_max) {
            break;
        }
        read(*field);
    }
}

void Verifier::read(const message::Field& field) {
    One one;
    one.field = &field;
    const Claim claim = claim_of(field);
    one.verdict.domain = claim.domain;
    one.verdict.selector = claim.selector;
    one.verdict.identity = claim.identity;
    one.verdict.algorithm = claim.algorithm;
    auto signature = parse_signature(field);
    if (!signature) {
        say(one.verdict, Outcome::PermError, signature.error().message);
        all_.push_back(std::move(one));
        return;
    }
    constexpr std::size_t shown = 12;  // base64 digits; RFC 6008 §4 asks for 8 at least
    one.verdict.identity = signature->identity;
    one.verdict.signature = base64(signature->signature).substr(0, shown);
    if (signature->expires && *signature->expires < now_) {
        say(one.verdict, Outcome::Fail, "expired");
    } else if (signature->signed_at && *signature->signed_at > now_ + limits_.skew) {
        say(one.verdict, Outcome::Fail, "signed in the future");
    } else {
        const auto same = std::find_if(hashes_.begin(), hashes_.end(), [&](const auto& hash) {
            return hash->how() == signature->body_how && hash->limit() == signature->body_limit;
        });
        one.hash = static_cast<std::size_t>(same - hashes_.begin());
        if (same == hashes_.end()) {
            hashes_.push_back(std::make_unique<BodyHash>(signature->body_how, signature->body_limit)
            );
        }
        one.signature = std::move(*signature);
    }
    all_.push_back(std::move(one));
}

std::vector<std::string> Verifier::queries() const {
    std::vector<std::string> out;
    for (const One& one : all_) {
        if (one.signature) {
            std::string name = one.signature->key_name();
            if (std::find(out.begin(), out.end(), name) == out.end()) {
                out.push_back(std::move(name));
            }
        }
    }
    return out;
}

void Verifier::body(std::string_view part) {
    for (const auto& hash : hashes_) {
        hash->add(part);
    }
}

std::vector<Verdict> Verifier::finish(const std::map<std::string, KeyAnswer>& keys) {
    std::vector<BodyHash::Digest> digests;
    digests.reserve(hashes_.size());
    for (const auto& hash : hashes_) {
        digests.push_back(hash->finish());
    }
    std::vector<Verdict> out;
    for (One& one : all_) {
        if (one.signature) {
            const auto found = keys.find(one.signature->key_name());
            if (found == keys.end()) {
                say(one.verdict, Outcome::TempError, "the key was not looked up");
            } else {
                judge(one, digests[one.hash], found->second);
            }
        }
        out.push_back(one.verdict);
    }
    all_.clear();
    hashes_.clear();
    return out;
}

Result<KeyRecord> key_of(const KeyAnswer& answer) {
    if (!answer) {
        return answer.error().code == Errc::Invalid
                   ? fail(Errc::Invalid, "the key's name is no domain name")
                   : fail(Errc::Unavailable, "the key can't be looked up now");
    }
    if (answer->empty()) {
        return fail(Errc::NotFound, "no key");
    }
    auto first = parse_key_record(answer->front());
    for (std::size_t i = 1; !first && i < answer->size(); ++i) {
        if (auto other = parse_key_record((*answer)[i])) {
            return other;
        }
    }
    return first;
}

Judged judge_signature(
    const message::Header& header,
    const message::Field& own,
    const Signature& signature,
    const BodyHash::Digest& body,
    const KeyRecord& key
) {
    if (const auto why = unfit(key, signature)) {
        return {Outcome::PermError, *why};
    }
    if (signature.body_limit && *signature.body_limit > body.size) {
        return {Outcome::PermError, "l= is longer than the body"};
    }
    if (body.sha256 != signature.body_hash) {
        return {Outcome::Fail, "the body has changed"};
    }
    const auto good = check_signature(
        signature.algorithm,
        key,
        signed_octets(header, signature.headers, own, signature.header_how),
        signature.signature
    );
    if (!good) {
        return {Outcome::PermError, good.error().message};
    }
    if (!*good) {
        return {Outcome::Fail, "the signature does not fit the header"};
    }
    if (signature.body_limit && *signature.body_limit < body.size) {
        // RFC 6376 §8.2: whatever stands behind the signed part, anybody may have added it.
        return {Outcome::Policy, "only the first part of the body is signed (l=)"};
    }
    return {Outcome::Pass, ""};
}

void Verifier::judge(One& one, const BodyHash::Digest& body, const KeyAnswer& keys) const {
    const auto record = key_of(keys);
    if (!record) {
        const bool later = record.error().code == Errc::Unavailable;
        say(one.verdict, later ? Outcome::TempError : Outcome::PermError, record.error().message);
        return;
    }
    one.verdict.testing = record->testing;
    Judged judged = judge_signature(header_, *one.field, *one.signature, body, *record);
    say(one.verdict, judged.status, std::move(judged.reason));
}

}  // namespace sekisho::dkim
