// Signing (RFC 6376 §5): which fields, and the DKIM-Signature fields to put before the message.
// Pure: the time is handed in.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "dkim/canonical.h"
#include "dkim/key.h"
#include "message/header.h"

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::dkim {

struct SignOptions {
    std::string domain, selector;
    Canonicalization header_how = Canonicalization::Relaxed;
    Canonicalization body_how = Canonicalization::Relaxed;
    Time now{};
    // Above 0: the field is an ARC-Message-Signature with this number (RFC 8617 §4.1.2), which
    // signs DKIM-Signatures too.
    std::size_t arc_instance = 0;
};

// h= for this message: every field there is of RFC 6376 §5.4.1's kind, and those once more that
// must not be added later (§8.15): From, To, Subject and their like even when they aren't there.
[[nodiscard]] std::vector<std::string> fields_to_sign(const message::Header& header);

// "DKIM-Signature: ...", folded, with CRLF. `body` is the hash by `options.body_how`. Invalid: no
// From to sign.
[[nodiscard]] Result<std::string> signature_field(
    const message::Header& header,
    const BodyHash::Digest& body,
    const PrivateKey& key,
    const SignOptions& options
);

struct SigningKey {
    std::string selector;
    PrivateKey key;
};

// Which keys sign for which From domain. Not changed once it is in use.
class Signer {
  public:
    // A message of `from_domain` is signed as `domain` (the same, or a parent: RFC 7489 §3.1.1
    // aligns them) by each of the keys. In lower case.
    void add(const std::string& from_domain, const std::string& domain, SigningKey key);
    [[nodiscard]] bool empty() const { return keys_.empty(); }
    // Whether sign() would do anything: the message has one From field, of one domain, with a key.
    [[nodiscard]] bool signs(const message::Header& header) const;
    // Whether there are keys for messages of the domain (lower case).
    [[nodiscard]] bool signs_for(std::string_view from_domain) const {
        return keys_.contains(from_domain);
    }

    // The fields to put before the message, one for each key; empty when there is none for the
    // domain of its From. Reads the whole body: not for a loop's thread. `header` is the scan of
    // `message`.
    [[nodiscard]] Result<std::string> sign(
        std::string_view message, const message::Header& header, Time now
    ) const;
    struct Named {
        std::string domain;
        SigningKey key;
    };
    // The key that ARC sets are made with for a domain: one of RSA, for there are verifiers of
    // chains that know nothing else. Null: none.
    [[nodiscard]] const Named* sealing_key(std::string_view domain) const;

  private:
    [[nodiscard]] const std::vector<Named>* keys_of(const message::Header& header) const;
    std::map<std::string, std::vector<Named>, std::less<>> keys_;  // by From domain
};

// The signer that new messages take; a check or a rotation puts another one in.
class SignerHolder {
  public:
    [[nodiscard]] std::shared_ptr<const Signer> get() const {
        const std::scoped_lock lock(mutex_);
        return signer_;
    }
    void set(std::shared_ptr<const Signer> signer) {
        const std::scoped_lock lock(mutex_);
        signer_ = std::move(signer);
    }

  private:
    mutable std::mutex mutex_;
    std::shared_ptr<const Signer> signer_ = std::make_shared<const Signer>();
};

}  // namespace sekisho::dkim
