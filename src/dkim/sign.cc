#include "dkim/sign.h"

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "dkim/canonical.h"
#include "dkim/key.h"
#include "dkim/signature.h"
#include "message/header.h"
#include "message/repair.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::dkim {
namespace {

struct Kind {
    std::string_view name;
    enum { Present, OnceMore, Always } extra;  // named once more when present, or in any case
};
// RFC 6376 §5.4.1. Received, Return-Path and Authentication-Results change on the way (§5.4).
constexpr std::array<Kind, 21> kKinds{{
    {"From", Kind::Always},
    {"To", Kind::Always},
    {"Cc", Kind::Always},
    {"Subject", Kind::Always},
    {"Date", Kind::Always},
    {"Reply-To", Kind::Always},
    {"Sender", Kind::OnceMore},
    {"Message-ID", Kind::OnceMore},
    {"In-Reply-To", Kind::OnceMore},
    {"References", Kind::OnceMore},
    {"MIME-Version", Kind::OnceMore},
    {"Content-Type", Kind::OnceMore},
    {"Content-Transfer-Encoding", Kind::OnceMore},
    {"Content-Disposition", Kind::Present},
    {"Content-Language", Kind::Present},
    {"List-Unsubscribe", Kind::OnceMore},
    {"List-Unsubscribe-Post", Kind::OnceMore},
    {"List-Id", Kind::Present},
    {"List-Post", Kind::Present},
    {"List-Help", Kind::Present},
    {"Auto-Submitted", Kind::Present},
}};
constexpr std::size_t kColumn = 76;

// Puts the parts after each other, on new lines where they don't fit.
class Folder {
  public:
    explicit Folder(std::string start) : out_(std::move(start)), column_(out_.size()) {}

    // A tag begins after a space.
    void tag(std::string_view text) {
        if (column_ + 1 + text.size() > kColumn) {
            out_ += "\r\n";
            column_ = 0;
        }
        out_ += ' ';
        append(text);
    }
    // Goes on in a value that may be folded anywhere between its items.
    void item(std::string_view text) {
        if (column_ + text.size() > kColumn) {
            out_ += "\r\n ";
            column_ = 1;
        }
        append(text);
    }
    void base64(std::string_view text) {
        while (!text.empty()) {
            if (column_ >= kColumn) {
                out_ += "\r\n ";
                column_ = 1;
            }
            const std::string_view part = text.substr(0, kColumn - column_);
            append(part);
            text.remove_prefix(part.size());
        }
    }
    [[nodiscard]] const std::string& text() const { return out_; }

  private:
    void append(std::string_view text) {
        out_ += text;
        column_ += text.size() + (column_ == 0 ? 1 : 0);
    }
    std::string out_;
    std::size_t column_;
};

// A field of our own as the scan would see it.
message::Field as_field(std::string_view text) {
    const std::size_t colon = text.find(':');
    return {text.substr(0, colon), text.substr(colon + 1), text};
}

}  // namespace

std::vector<std::string> fields_to_sign(const message::Header& header) {
    std::vector<std::string> out;
    for (const Kind& kind : kKinds) {
        const std::size_t there = header.count(kind.name);
        const bool once_more =
            kind.extra == Kind::Always || (kind.extra == Kind::OnceMore && there > 0);
        out.insert(out.end(), there + (once_more ? 1 : 0), std::string(kind.name));
    }
    return out;
}

Result<std::string> signature_field(
    const message::Header& header,
    const BodyHash::Digest& body,
    const PrivateKey& key,
    const SignOptions& options
) {
    if (header.find("From") == nullptr) {
        return fail(Errc::Invalid, "a message without From can't be signed");
    }
    std::vector<std::string> headers = fields_to_sign(header);
    const bool arc = options.arc_instance > 0;
    if (arc) {
        headers.insert(headers.end(), header.count("DKIM-Signature"), "DKIM-Signature");
    }
    const auto at =
        std::chrono::duration_cast<std::chrono::seconds>(options.now.time_since_epoch());
    Folder field(arc ? "ARC-Message-Signature:" : "DKIM-Signature:");
    field.tag(arc ? "i=" + std::to_string(options.arc_instance) + ";" : std::string("v=1;"));
    field.tag("a=" + std::string(name(key.algorithm())) + ";");
    field.tag(
        "c=" + std::string(name(options.header_how)) + "/" + std::string(name(options.body_how)) +
        ";"
    );
    field.tag("d=" + options.domain + ";");
    field.tag("s=" + options.selector + ";");
    field.tag("t=" + std::to_string(at.count()) + ";");
    field.tag("h=" + to_lower(headers.front()));
    for (std::size_t i = 1; i < headers.size(); ++i) {
        field.item(":" + to_lower(headers[i]));
    }
    field.item(";");
    field.tag("bh=" + base64(body.sha256) + ";");
    field.tag("b=");
    const std::string octets =
        signed_octets(header, headers, as_field(field.text()), options.header_how);
    const auto signature = key.sign(octets);
    if (!signature) {
        return fail(signature.error());
    }
    field.base64(base64(*signature));
    return field.text() + "\r\n";
}

void Signer::add(const std::string& from_domain, const std::string& domain, SigningKey key) {
    keys_[from_domain].push_back({domain, std::move(key)});
}

const std::vector<Signer::Named>* Signer::keys_of(const message::Header& header) const {
    if (keys_.empty()) {
        return nullptr;
    }
    const message::Inspection found = message::inspect(header);
    if (!found.from_well_formed || found.from.size() != 1) {
        return nullptr;
    }
    const std::string& from = found.from.front();
    const auto keys = keys_.find(std::string_view(from).substr(from.rfind('@') + 1));
    return keys == keys_.end() ? nullptr : &keys->second;
}

const Signer::Named* Signer::sealing_key(std::string_view domain) const {
    const auto keys = keys_.find(domain);
    if (keys == keys_.end()) {
        return nullptr;
    }
    const auto rsa = std::ranges::find_if(keys->second, [](const Named& one) {
        return one.key.key.algorithm() == Algorithm::RsaSha256;
    });
    return rsa == keys->second.end() ? nullptr : &*rsa;
}

bool Signer::signs(const message::Header& header) const {
    return keys_of(header) != nullptr;
}

Result<std::string> Signer::sign(std::string_view message, const message::Header& header, Time now)
    const {
    const auto* keys = keys_of(header);
    if (keys == nullptr) {
        return std::string();
    }
    SignOptions options;
    options.now = now;
    BodyHash hash(options.body_how, std::nullopt);
    hash.add(message.substr(header.body_offset()));
    const BodyHash::Digest body = hash.finish();
    std::string out;
    for (const Named& one : *keys) {
        options.domain = one.domain;
        options.selector = one.key.selector;
        const auto field = signature_field(header, body, one.key.key, options);
        if (!field) {
            return fail(field.error());
        }
        out += *field;
    }
    return out;
}

}  // namespace sekisho::dkim
