#include "dkim/signature.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "dkim/canonical.h"
#include "dkim/tags.h"
#include "message/header.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::dkim {
namespace {

constexpr std::size_t kHeadersMax = 1000;  // names in h=

std::unexpected<Error> bad(std::string reason) {
    return fail(Errc::Invalid, std::move(reason));
}

std::optional<std::uint64_t> number(std::string_view text, std::size_t digits_max) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || text.size() > digits_max || error != std::errc{} ||
        end != text.data() + text.size()) {
        return std::nullopt;
    }
    return value;
}

// t= and x= have 12 digits at most (RFC 6376 §3.5), seconds.
std::optional<Time> seconds(std::string_view text) {
    constexpr std::size_t digits_max = 12;
    const auto value = number(text, digits_max);
    if (!value) {
        return std::nullopt;
    }
    return Time{std::chrono::seconds(static_cast<std::int64_t>(*value))};
}

std::optional<Canonicalization> canonicalization(std::string_view text) {
    if (text == "simple") {
        return Canonicalization::Simple;
    }
    if (text == "relaxed") {
        return Canonicalization::Relaxed;
    }
    return std::nullopt;
}

Status read_algorithm(const TagList& tags, Signature& out) {
    const auto algorithm = parse_algorithm(tags.value("a"));
    if (tags.value("a") == "rsa-sha1") {
        return bad("rsa-sha1 is no longer accepted");
    }
    if (!algorithm) {
        return bad("unknown algorithm \"" + printable(tags.value("a"), 40) + "\"");
    }
    out.algorithm = *algorithm;
    const Tag* c = tags.find("c");
    if (c == nullptr) {
        return {};
    }
    const std::size_t slash = c->value.find('/');
    const auto header = canonicalization(c->value.substr(0, slash));
    const auto body = slash == std::string_view::npos
                          ? Canonicalization::Simple
                          : canonicalization(c->value.substr(slash + 1));
    if (!header || !body) {
        return bad("unknown canonicalization \"" + printable(c->value, 40) + "\"");
    }
    out.header_how = *header;
    out.body_how = *body;
    return {};
}

Status read_names(const TagList& tags, Signature& out, SignatureField kind) {
    out.domain = to_lower(tags.value("d"));
    out.selector = to_lower(tags.value("s"));
    if (!is_domain(out.domain) || !is_domain(out.selector)) {
        return bad("d= or s= is no domain name");
    }
    out.identity = "@" + out.domain;
    if (const Tag* i = tags.find("i"); i != nullptr && kind == SignatureField::Dkim) {
        out.identity = without_spaces(i->value);
        const std::size_t at = out.identity.rfind('@');
        if (at == std::string::npos ||
            !is_within(to_lower(out.identity.substr(at + 1)), out.domain)) {
            return bad("i= is not within d=");
        }
    }
    out.headers = colon_list(tags.value("h"));
    const auto is_name = [](const std::string& name) {
        return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
            return c > 0x20 && c < 0x7F && c != ':' && c != ';';
        });
    };
    if (out.headers.size() > kHeadersMax ||
        !std::all_of(out.headers.begin(), out.headers.end(), is_name)) {
        return bad("h= is malformed");
    }
    if (std::none_of(out.headers.begin(), out.headers.end(), [](const std::string& name) {
            return iequals(name, "From");
        })) {
        return bad("From is not signed");  // RFC 6376 §5.4
    }
    return {};
}

Status read_values(const TagList& tags, Signature& out) {
    const auto signature = unbase64(without_spaces(tags.value("b")));
    const auto body_hash = unbase64(without_spaces(tags.value("bh")));
    constexpr std::size_t sha256_size = 32;
    if (!signature || signature->empty() || !body_hash || body_hash->size() != sha256_size) {
        return bad("b= or bh= is malformed");
    }
    out.signature = *signature;
    out.body_hash = *body_hash;
    constexpr std::size_t length_digits_max = 18;  // the RFC allows 76; no body is that long
    if (const Tag* l = tags.find("l")) {
        out.body_limit = number(l->value, length_digits_max);
        if (!out.body_limit) {
            return bad("l= is malformed");
        }
    }
    if (const Tag* t = tags.find("t")) {
        out.signed_at = seconds(t->value);
        if (!out.signed_at) {
            return bad("t= is malformed");
        }
    }
    if (const Tag* x = tags.find("x")) {
        out.expires = seconds(x->value);
        if (!out.expires || (out.signed_at && *out.expires <= *out.signed_at)) {
            return bad("x= is malformed or not after t=");
        }
    }
    if (const Tag* q = tags.find("q")) {
        const auto methods = colon_list(q->value);
        if (std::find(methods.begin(), methods.end(), "dns/txt") == methods.end()) {
            return bad("no known query method in q=");
        }
    }
    return {};
}

}  // namespace

std::string_view name(Algorithm algorithm) {
    return algorithm == Algorithm::RsaSha256 ? "rsa-sha256" : "ed25519-sha256";
}

std::string_view key_type(Algorithm algorithm) {
    return algorithm == Algorithm::RsaSha256 ? "rsa" : "ed25519";
}

std::optional<Algorithm> parse_algorithm(std::string_view text) {
    for (const Algorithm one : {Algorithm::RsaSha256, Algorithm::Ed25519Sha256}) {
        if (text == name(one)) {
            return one;
        }
    }
    return std::nullopt;
}

bool is_domain(std::string_view text) {
    constexpr std::size_t name_max = 253;
    constexpr std::size_t label_max = 63;
    if (text.empty() || text.size() > name_max) {
        return false;
    }
    const auto is_label = [](std::string_view label) {
        return !label.empty() && label.size() <= label_max && label.front() != '-' &&
               label.back() != '-' && std::all_of(label.begin(), label.end(), [](char c) {
                   const auto byte = static_cast<unsigned char>(c);
                   return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '-' || c == '_' || byte >= 0x80;
               });
    };
    const auto labels = split(text, '.');
    return std::all_of(labels.begin(), labels.end(), is_label);
}

bool is_within(std::string_view name, std::string_view domain) {
    return name == domain || (name.size() > domain.size() && name.ends_with(domain) &&
                              name[name.size() - domain.size() - 1] == '.');
}

Claim claim_of(const message::Field& field) {
    Claim out;
    if (const auto tags = TagList::parse(field.raw)) {
        constexpr std::size_t shown_max = 253;
        out.domain = printable(to_lower(tags->value("d")), shown_max);
        out.selector = printable(to_lower(tags->value("s")), shown_max);
        out.identity = printable(without_spaces(tags->value("i")), shown_max);
        out.algorithm = printable(tags->value("a"), shown_max);
    }
    return out;
}

Result<Signature> parse_signature(const message::Field& field, SignatureField kind) {
    const auto tags = TagList::parse(field.raw);
    if (!tags) {
        return bad("the field is no tag list");
    }
    if (kind == SignatureField::Dkim && tags->value("v") != "1") {
        return bad("no v=1");
    }
    for (const char* needed : {"a", "b", "bh", "d", "h", "s"}) {
        if (tags->value(needed).empty()) {
            return bad(std::string("no ") + needed + "= tag");
        }
    }
    Signature out;
    Status done = read_algorithm(*tags, out);
    done = done ? read_names(*tags, out, kind) : done;
    done = done ? read_values(*tags, out) : done;
    if (!done) {
        return fail(done.error());
    }
    return out;
}

std::string unsigned_field(const message::Field& own, Canonicalization how) {
    const auto tags = TagList::parse(own.raw);
    SEKISHO_ASSERT(tags && tags->find("b") != nullptr);
    const Tag* b = tags->find("b");
    const std::size_t raw_at = static_cast<std::size_t>(own.raw.data() - own.whole.data());
    std::string whole(own.whole.substr(0, raw_at));
    whole += own.raw.substr(0, b->begin);
    whole += own.raw.substr(b->end);
    const std::string_view raw = std::string_view(whole).substr(raw_at);
    std::string out = canonical_field({own.name, raw, whole}, how);
    out.resize(out.size() - 2);
    return out;
}

std::string signed_octets(
    const message::Header& header,
    const std::vector<std::string>& headers,
    const message::Field& own,
    Canonicalization how
) {
    std::map<std::string, std::vector<const message::Field*>, std::less<>> by_name;
    for (const message::Field& field : header.fields()) {
        by_name[to_lower(field.name)].push_back(&field);
    }
    std::string out;
    for (const std::string& wanted : headers) {
        // From the bottom up; what isn't there counts as the null string (§5.4.2).
        const auto found = by_name.find(to_lower(wanted));
        if (found != by_name.end() && !found->second.empty()) {
            out += canonical_field(*found->second.back(), how);
            found->second.pop_back();
        }
    }
    return out + unsigned_field(own, how);
}

}  // namespace sekisho::dkim
