#include "account/old_hash.h"

#include "account/account.h"
#include "account/digest.h"
#include "account/password.h"
#include "base/bytes.h"
#include "base/result.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <crypt.h>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <sodium.h>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace sekisho::account {
namespace {

// A login may cost a second or so, not minutes: more rounds than these are refused at the import.
constexpr std::uint32_t kPbkdf2RoundsMax = 3'000'000;
constexpr std::uint32_t kShaCryptRoundsMax = 3'000'000;
constexpr int kBcryptCostMax = 15;
constexpr std::uint32_t kArgonMemoryMax = 1024 * 1024;  // KiB
constexpr std::uint32_t kArgonPassesMax = 20;
constexpr std::uint32_t kScramIterationsMin = 4096;  // RFC 7677 §4

std::unexpected<Error> bad(const std::string& what) {
    return fail(Errc::Invalid, what);
}

std::optional<std::uint32_t> number(std::string_view text) {
    std::uint32_t value = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || read.ec != std::errc{} || read.ptr != text.data() + text.size()) {
        return std::nullopt;
    }
    return value;
}

// The alphabets and paddings that are about: RFC 4648 with or without '=', passlib's with '.' for
// '+'.
std::optional<std::string> any_base64(std::string_view text) {
    std::string strict{text};
    std::ranges::replace(strict, '.', '+');
    while (strict.ends_with('=')) {
        strict.pop_back();
    }
    while (strict.size() % 4 != 0) {
        strict.push_back('=');
    }
    return unbase64(strict);
}

// {SCHEME}, {SCHEME.b64}, {SCHEME.hex} and the value behind it.
struct Tagged {
    std::string scheme, encoding;  // upper case
    std::string_view value;
};

std::optional<Tagged> tagged(std::string_view text) {
    if (!text.starts_with('{')) {
        return std::nullopt;
    }
    const std::size_t end = text.find('}');
    if (end == std::string_view::npos || end < 2) {
        return std::nullopt;
    }
    const std::string inside = to_upper(text.substr(1, end - 1));
    const std::size_t dot = inside.find('.');
    Tagged out;
    out.scheme = inside.substr(0, dot);
    out.encoding = dot == std::string::npos ? "" : inside.substr(dot + 1);
    out.value = text.substr(end + 1);
    return out;
}

// One digest of password and salt.
struct Digested {
    std::string_view scheme;
    const EVP_MD* (*algorithm)();
    bool salted;
    bool in_hex;  // how it is written when the scheme doesn't say
};
constexpr std::array<Digested, 11> kDigested{{
    {"SHA", EVP_sha1, false, false},
    {"SHA1", EVP_sha1, false, false},
    {"SHA256", EVP_sha256, false, false},
    {"SHA512", EVP_sha512, false, false},
    {"SSHA", EVP_sha1, true, false},
    {"SSHA256", EVP_sha256, true, false},
    {"SSHA512", EVP_sha512, true, false},
    {"PLAIN-MD5", EVP_md5, false, true},
    {"LDAP-MD5", EVP_md5, false, false},
    {"SMD5", EVP_md5, true, false},
    {"SHA224", EVP_sha224, false, false},
}};

const Digested* digested(std::string_view scheme) {
    const auto* const found = std::ranges::find(kDigested, scheme, &Digested::scheme);
    return found == kDigested.end() ? nullptr : found;
}

std::string digest_of(const EVP_MD* algorithm, std::string_view a, std::string_view b) {
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(
        EVP_MD_CTX_new(), &EVP_MD_CTX_free
    );
    std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
    unsigned size = 0;
    if (!context || EVP_DigestInit_ex(context.get(), algorithm, nullptr) != 1 ||
        EVP_DigestUpdate(context.get(), a.data(), a.size()) != 1 ||
        EVP_DigestUpdate(context.get(), b.data(), b.size()) != 1 ||
        EVP_DigestFinal_ex(context.get(), out.data(), &size) != 1) {
        return {};
    }
    return {reinterpret_cast<const char*>(out.data()), size};
}

struct DigestParts {
    std::string digest, salt;
};

std::optional<DigestParts> digest_parts(const Digested& scheme, const Tagged& written) {
    if (!written.encoding.empty() && written.encoding != "HEX" && written.encoding != "B64" &&
        written.encoding != "BASE64") {
        return std::nullopt;
    }
    const std::size_t size = static_cast<std::size_t>(EVP_MD_get_size(scheme.algorithm()));
    bool in_hex = scheme.in_hex || written.encoding == "HEX";
    // As Dovecot reads them: what has the length of hexadecimal digits is hexadecimal.
    in_hex = (in_hex && written.encoding != "B64" && written.encoding != "BASE64") ||
             (written.encoding.empty() && !scheme.salted && written.value.size() == size * 2);
    const auto bytes = in_hex ? unhex(written.value) : any_base64(written.value);
    if (!bytes || bytes->size() < size || (bytes->size() > size) != scheme.salted) {
        return std::nullopt;
    }
    return DigestParts{bytes->substr(0, size), bytes->substr(size)};
}

struct Pbkdf2 {
    const EVP_MD* algorithm = nullptr;
    std::uint32_t rounds = 0;
    std::string salt, digest;
};

bool sound(const Pbkdf2& parts) {
    return parts.algorithm != nullptr && parts.rounds > 0 && parts.rounds <= kPbkdf2RoundsMax &&
           !parts.salt.empty() &&
           // A shorter one is the front of the whole, and would verify.
           parts.digest.size() == static_cast<std::size_t>(EVP_MD_get_size(parts.algorithm));
}

// {PBKDF2}$1$SALT$ROUNDS$HEX of Dovecot: SHA-1, and the salt is the text as it stands.
std::optional<Pbkdf2> dovecot_pbkdf2(std::string_view value) {
    const auto parts = split(value, '$');
    if (parts.size() != 5 || !parts[0].empty() || parts[1] != "1") {
        return std::nullopt;
    }
    const auto rounds = number(parts[3]);
    const auto bytes = unhex(parts[4]);
    if (!rounds || !bytes) {
        return std::nullopt;
    }
    Pbkdf2 out{EVP_sha1(), *rounds, std::string{parts[2]}, *bytes};
    return sound(out) ? std::optional{std::move(out)} : std::nullopt;
}

const EVP_MD* pbkdf2_algorithm(std::string_view name) {
    if (name == "PBKDF2" || name == "PBKDF2-SHA1") {
        return EVP_sha1();
    }
    if (name == "PBKDF2-SHA256") {
        return EVP_sha256();
    }
    return name == "PBKDF2-SHA512" ? EVP_sha512() : nullptr;
}

// ROUNDS$SALT$DIGEST, as OpenLDAP's module and passlib write it behind the name.
std::optional<Pbkdf2> passlib_pbkdf2(std::string_view name, std::string_view value) {
    const auto parts = split(value, '$');
    if (parts.size() != 3) {
        return std::nullopt;
    }
    const auto rounds = number(parts[0]);
    const auto salt = any_base64(parts[1]);
    const auto digest = any_base64(parts[2]);
    if (!rounds || !salt || !digest) {
        return std::nullopt;
    }
    Pbkdf2 out{pbkdf2_algorithm(name), *rounds, *salt, *digest};
    return sound(out) ? std::optional{std::move(out)} : std::nullopt;
}

std::optional<Pbkdf2> pbkdf2_parts(const Tagged& written) {
    if (written.scheme == "PBKDF2" && written.value.starts_with('$')) {
        return dovecot_pbkdf2(written.value);
    }
    return passlib_pbkdf2(written.scheme, written.value);
}

// {SCRAM-SHA-256}ROUNDS,SALT,STORED,SERVER of Dovecot.
std::optional<ScramKeys> scram_parts(std::string_view value) {
    const auto parts = split(value, ',');
    if (parts.size() != 4) {
        return std::nullopt;
    }
    const auto rounds = number(parts[0]);
    const auto salt = unbase64(parts[1]);
    const auto stored = unbase64(parts[2]);
    const auto server = unbase64(parts[3]);
    if (!rounds || *rounds < kScramIterationsMin || *rounds > kPbkdf2RoundsMax || !salt ||
        salt->empty() || !stored || stored->size() != kSha256Size || !server ||
        server->size() != kSha256Size) {
        return std::nullopt;
    }
    return ScramKeys{
        .salt = *salt, .iterations = *rounds, .stored_key = *stored, .server_key = *server
    };
}

bool is_crypt_text(std::string_view text) {
    return std::ranges::all_of(text, [](char c) {
        return c > ' ' && c < 0x7f && c != ':' && c != ';' && c != '*' && c != '!' && c != '\\';
    });
}

// crypt(5): the settings behind "$id$", as far as they say what a login costs, and the length of
// what follows.
bool is_crypt(std::string_view text) {
    if (text.size() > 256 || !is_crypt_text(text)) {
        return false;
    }
    const auto parts = split(text, '$');
    if (parts.size() < 4 || !parts[0].empty()) {
        return false;
    }
    const std::string_view id = parts[1];
    const std::size_t last = parts.back().size();
    if (id == "1") {
        return parts.size() == 4 && parts[2].size() <= 8 && last == 22;
    }
    if (id == "5" || id == "6") {
        std::size_t salt = 2;
        if (parts[2].starts_with("rounds=")) {
            const auto rounds = number(parts[2].substr(7));
            if (!rounds || *rounds > kShaCryptRoundsMax) {
                return false;
            }
            salt = 3;
        }
        return parts.size() == salt + 2 && parts[salt].size() <= 16 &&
               last == (id == "5" ? 43U : 86U);
    }
    if (id == "2a" || id == "2b" || id == "2y") {
        const auto cost = number(parts[2]);
        return parts.size() == 4 && parts[2].size() == 2 && cost && *cost >= 4 &&
               *cost <= static_cast<std::uint32_t>(kBcryptCostMax) && last == 53;
    }
    // yescrypt's settings as crypt_gensalt() writes them: flavour j, cost, block size.
    return id == "y" && parts.size() == 5 && parts[2].size() == 3 && parts[2][0] == 'j' &&
           parts[2][1] >= '5' && parts[2][1] <= 'F' && !parts[3].empty() && parts[3].size() <= 86 &&
           last == 43;
}

bool is_argon2(std::string_view text) {
    const auto parts = split(text, '$');
    // "", "argon2id", "v=19", "m=..,t=..,p=..", salt, digest
    if (text.size() >= crypto_pwhash_STRBYTES || parts.size() != 6 || !parts[0].empty() ||
        (parts[1] != "argon2id" && parts[1] != "argon2i") || parts[2] != "v=19" ||
        parts[4].size() < 11 || parts[5].size() < 22) {
        return false;
    }
    const auto settings = split(parts[3], ',');
    if (settings.size() != 3 || !settings[0].starts_with("m=") || !settings[1].starts_with("t=") ||
        !settings[2].starts_with("p=")) {
        return false;
    }
    const auto memory = number(settings[0].substr(2));
    const auto passes = number(settings[1].substr(2));
    const auto lanes = number(settings[2].substr(2));
    return memory && *memory >= 8 && *memory <= kArgonMemoryMax && passes && *passes >= 1 &&
           *passes <= kArgonPassesMax && lanes && *lanes >= 1 && *lanes <= 16;
}

bool is_crypt_scheme(std::string_view scheme) {
    return scheme == "CRYPT" || scheme == "BLF-CRYPT" || scheme == "SHA256-CRYPT" ||
           scheme == "SHA512-CRYPT" || scheme == "MD5-CRYPT" || scheme == "MD5";
}

bool crypt_verifies(std::string_view hash, std::string_view password) {
    // libxcrypt's own limit, and it reads up to a NUL.
    if (password.size() >= CRYPT_MAX_PASSPHRASE_SIZE ||
        password.find('\0') != std::string_view::npos) {
        return false;
    }
    const auto work = std::make_unique<crypt_data>();
    std::string phrase{password};
    const std::string setting{hash};
    const char* made = crypt_rn(phrase.c_str(), setting.c_str(), work.get(), sizeof(crypt_data));
    const bool right = made != nullptr && equal_in_constant_time(made, hash);
    wipe(phrase);
    sodium_memzero(work.get(), sizeof(crypt_data));
    return right;
}

bool pbkdf2_verifies(const Pbkdf2& parts, std::string_view password) {
    std::string made(parts.digest.size(), '\0');
    const int done = PKCS5_PBKDF2_HMAC(
        password.data(),
        static_cast<int>(password.size()),
        reinterpret_cast<const unsigned char*>(parts.salt.data()),
        static_cast<int>(parts.salt.size()),
        static_cast<int>(parts.rounds),
        parts.algorithm,
        static_cast<int>(made.size()),
        reinterpret_cast<unsigned char*>(made.data())
    );
    return done == 1 && equal_in_constant_time(made, parts.digest);
}

// The password, where the scheme says that the value is it.
Result<WrittenPassword> plaintext_of(const Tagged& written) {
    std::optional<std::string> text{std::string{written.value}};
    if (written.encoding == "B64" || written.encoding == "BASE64") {
        text = unbase64(written.value);
    } else if (written.encoding == "HEX") {
        text = unhex(written.value);
    } else if (!written.encoding.empty()) {
        text.reset();
    }
    if (!text) {
        return bad("the password is not written as its scheme says");
    }
    return WrittenPassword{.hash = {}, .plaintext = std::move(*text)};
}

Result<WrittenPassword> parse_tagged(Tagged written) {
    // {MD5} is crypt's to Dovecot and the bare digest to LDAP.
    if (written.scheme == "MD5" && !written.value.starts_with("$1$")) {
        written.scheme = "LDAP-MD5";
    }
    const std::string& scheme = written.scheme;
    const auto kept = [&](bool well_formed, std::string form) -> Result<WrittenPassword> {
        if (!well_formed) {
            return bad("the value is not a hash of scheme " + scheme + ", or costs too much");
        }
        return WrittenPassword{.hash = std::move(form), .plaintext = {}};
    };
    const std::string form = "{" + scheme +
                             (written.encoding.empty() ? "" : "." + written.encoding) + "}" +
                             std::string{written.value};
    if (scheme == "PLAIN" || scheme == "CLEAR" || scheme == "CLEARTEXT") {
        return plaintext_of(written);
    }
    if (const Digested* const found = digested(scheme)) {
        return kept(digest_parts(*found, written).has_value(), form);
    }
    if (!written.encoding.empty()) {
        return bad("the scheme " + scheme + " has no other encoding");
    }
    if (is_crypt_scheme(scheme)) {
        return kept(is_crypt(written.value), "{CRYPT}" + std::string{written.value});
    }
    if (scheme == "ARGON2ID" || scheme == "ARGON2I" || scheme == "ARGON2") {
        return kept(is_argon2(written.value), std::string{written.value});
    }
    if (pbkdf2_algorithm(scheme) != nullptr) {
        return kept(pbkdf2_parts(written).has_value(), form);
    }
    if (scheme == "SCRAM-SHA-256") {
        return kept(scram_parts(written.value).has_value(), form);
    }
    return bad(
        "the password scheme \"" + printable(scheme, 40) +
        "\" is not known, or too weak to bring along; set a new password for this account"
    );
}

// "$pbkdf2-sha256$ROUNDS$SALT$DIGEST" of passlib as {PBKDF2-SHA256}ROUNDS$SALT$DIGEST.
std::optional<Tagged> passlib_form(std::string_view text) {
    for (const std::string_view name : {"pbkdf2", "pbkdf2-sha256", "pbkdf2-sha512"}) {
        const std::string front = "$" + std::string{name} + "$";
        if (text.starts_with(front)) {
            return Tagged{to_upper(name), {}, text.substr(front.size())};
        }
    }
    return std::nullopt;
}

}  // namespace

Result<WrittenPassword> parse_written_password(
    std::string_view text, std::string_view default_scheme
) {
    if (text.empty()) {
        return bad("there is no password");
    }
    if (text.size() > kOldHashMax || text.find('\0') != std::string_view::npos) {
        return bad("the password is longer than 1024 bytes, or holds a NUL byte");
    }
    if (const auto written = tagged(text)) {
        return parse_tagged(*written);
    }
    if (!default_scheme.empty()) {
        return parse_tagged({to_upper(default_scheme), {}, text});
    }
    if (text.starts_with("$argon2")) {
        return parse_tagged({"ARGON2", {}, text});
    }
    if (const auto written = passlib_form(text)) {
        return parse_tagged(*written);
    }
    if (text.starts_with('$')) {
        return parse_tagged({"CRYPT", {}, text});
    }
    return bad(
        "the password names no scheme such as {SSHA}; --scheme says which one such values have "
        "(PLAIN: they are passwords)"
    );
}

bool is_old_hash(std::string_view hash) {
    return hash.starts_with('{');
}

std::optional<ScramKeys> scram_keys_of(std::string_view hash) {
    const auto written = tagged(hash);
    return written && written->scheme == "SCRAM-SHA-256" ? scram_parts(written->value)
                                                         : std::nullopt;
}

bool verify_old_hash(std::string_view hash, std::string_view password) {
    const auto written = tagged(hash);
    if (!written || hash.size() > kOldHashMax) {
        return false;
    }
    if (const Digested* const scheme = digested(written->scheme)) {
        const auto parts = digest_parts(*scheme, *written);
        return parts && equal_in_constant_time(
                            digest_of(scheme->algorithm(), password, parts->salt), parts->digest
                        );
    }
    if (written->scheme == "CRYPT") {
        return is_crypt(written->value) && crypt_verifies(written->value, password);
    }
    if (const auto keys = scram_keys_of(hash)) {
        const ScramKeys made = derive_scram_keys(password, keys->salt, keys->iterations);
        return equal_in_constant_time(made.stored_key, keys->stored_key) &&
               equal_in_constant_time(made.server_key, keys->server_key);
    }
    const auto parts = pbkdf2_parts(*written);
    return parts && pbkdf2_verifies(*parts, password);
}

}  // namespace sekisho::account
