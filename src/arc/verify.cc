#include "arc/verify.h"

#include "arc/chain.h"
#include "base/result.h"
#include "base/time.h"
#include "dkim/canonical.h"
#include "dkim/key.h"
#include "dkim/signature.h"
#include "dkim/verify.h"
#include "message/header.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::arc {
namespace {

using dkim::Canonicalization;

constexpr std::size_t kOldestMax = 20;  // signatures that are checked for oldest_pass
constexpr Duration kSkew{3'600'000};

// The key, or why there is none, told in the verdict.
const dkim::KeyRecord* key_for(
    const std::string& name,
    const std::map<std::string, dkim::KeyAnswer>& keys,
    sekisho::Result<dkim::KeyRecord>& place,
    Verdict& verdict
) {
    const auto found = keys.find(name);
    place = found == keys.end() ? dkim::key_of(fail(Errc::Unavailable, "not looked up"))
                                : dkim::key_of(found->second);
    if (!place) {
        verdict.temporary = place.error().code == Errc::Unavailable;
        verdict.reason = place.error().message;
        return nullptr;
    }
    return &*place;
}

std::string at_set(std::size_t at, const std::string& why) {
    return "set " + std::to_string(at + 1) + ": " + why;
}

}  // namespace

std::string_view name(Result result) {
    switch (result) {
        case Result::None:
            return "none";
        case Result::Pass:
            return "pass";
        case Result::Fail:
            break;
    }
    return "fail";
}

Verifier::Verifier(const message::Header& header, Time now) : header_(header), now_(now) {
    auto chain = read_chain(header);
    if (!chain) {
        broken_ = chain.error().message;
        return;
    }
    sets_ = std::move(*chain);
    if (!sets_.empty() && sets_.back().read_seal.validity == Validity::Fail) {
        broken_ = at_set(sets_.size() - 1, "it says that the chain was broken already");
        return;
    }
    for (std::size_t i = 0; i < sets_.size(); ++i) {
        if (sets_[i].read_seal.validity == Validity::Fail) {
            broken_ = at_set(i, "it says that the chain was broken already");
            return;
        }
        const dkim::Signature& signature = sets_[i].read_signature;
        const auto same = std::ranges::find_if(hashes_, [&](const auto& hash) {
            return hash->how() == signature.body_how && hash->limit() == signature.body_limit;
        });
        hash_of_.push_back(static_cast<std::size_t>(same - hashes_.begin()));
        if (same == hashes_.end()) {
            hashes_.push_back(
                std::make_unique<dkim::BodyHash>(signature.body_how, signature.body_limit)
            );
        }
    }
}

std::vector<std::string> Verifier::queries() const {
    std::vector<std::string> out;
    if (!broken_.empty()) {
        return out;
    }
    for (const Set& set : sets_) {
        for (const std::string& name : {set.read_signature.key_name(), set.read_seal.key_name()}) {
            if (std::ranges::find(out, name) == out.end()) {
                out.push_back(name);
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

// What a seal covers (RFC 8617 §5.1.1): the sets up to its own, each findings, signature, seal, in
// relaxed form; of its own seal without the signature.
std::string Verifier::sealed_octets(std::size_t at) const {
    std::string out;
    for (std::size_t i = 0; i <= at; ++i) {
        out += dkim::canonical_field(*sets_[i].results, Canonicalization::Relaxed);
        out += dkim::canonical_field(*sets_[i].signature, Canonicalization::Relaxed);
        if (i < at) {
            out += dkim::canonical_field(*sets_[i].seal, Canonicalization::Relaxed);
        }
    }
    return out + dkim::unsigned_field(*sets_[at].seal, Canonicalization::Relaxed);
}

bool Verifier::check_signature_of(std::size_t at, const Keys& keys, Verdict& verdict) const {
    const dkim::Signature& signature = sets_[at].read_signature;
    if (signature.signed_at && *signature.signed_at > now_ + kSkew) {
        verdict.reason = at_set(at, "signed in the future");
        return false;
    }
    if (signature.expires && *signature.expires < now_) {
        verdict.reason = at_set(at, "its signature has expired");
        return false;
    }
    sekisho::Result<dkim::KeyRecord> place = dkim::KeyRecord{};
    const dkim::KeyRecord* key = key_for(signature.key_name(), keys, place, verdict);
    if (key == nullptr) {
        verdict.reason = at_set(at, verdict.reason);
        return false;
    }
    const dkim::Judged judged = dkim::judge_signature(
        header_, *sets_[at].signature, signature, digests_.at(hash_of_.at(at)), *key
    );
    if (judged.status != dkim::Outcome::Pass) {
        verdict.reason = at_set(at, judged.reason);
    }
    return judged.status == dkim::Outcome::Pass;
}

bool Verifier::check_seal_of(std::size_t at, const Keys& keys, Verdict& verdict) const {
    const Seal& seal = sets_[at].read_seal;
    sekisho::Result<dkim::KeyRecord> place = dkim::KeyRecord{};
    const dkim::KeyRecord* key = key_for(seal.key_name(), keys, place, verdict);
    if (key == nullptr || key->key.empty()) {
        verdict.reason = at_set(at, key == nullptr ? verdict.reason : "the key is revoked");
        return false;
    }
    const auto good =
        dkim::check_signature(seal.algorithm, *key, sealed_octets(at), seal.signature);
    if (!good || !*good) {
        verdict.reason = at_set(at, good ? "the seal does not fit" : good.error().message);
        return false;
    }
    return true;
}

void Verifier::find_oldest(const Keys& keys, Verdict& verdict) const {
    std::size_t fits = sets_.size() - 1;  // the newest was checked
    for (std::size_t tried = 0; fits > 0 && tried < kOldestMax; ++tried) {
        Verdict aside;
        if (!check_signature_of(fits - 1, keys, aside)) {
            break;
        }
        --fits;
    }
    verdict.oldest_pass = fits == 0 ? 0 : fits + 1;
}

Verdict Verifier::finish(const Keys& keys) {
    Verdict verdict;
    if (!broken_.empty()) {
        verdict.result = Result::Fail;
        verdict.reason = broken_;
        return verdict;
    }
    if (sets_.empty()) {
        return verdict;
    }
    for (const auto& hash : hashes_) {
        digests_.push_back(hash->finish());
    }
    bool good = check_signature_of(sets_.size() - 1, keys, verdict);
    for (std::size_t at = sets_.size(); good && at-- > 0;) {
        good = check_seal_of(at, keys, verdict);
    }
    if (!good) {
        verdict.result = Result::Fail;
        return verdict;
    }
    verdict.result = Result::Pass;
    verdict.reason.clear();
    find_oldest(keys, verdict);
    for (const Set& set : sets_) {
        verdict.sealers.push_back(
            {set.read_seal.domain, set.read_seal.selector, set.authserv_id, set.findings}
        );
    }
    return verdict;
}

}  // namespace sekisho::arc
