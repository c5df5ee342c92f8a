#include "account/scram_message.h"

#include "base/bytes.h"
#include "base/result.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace sekisho::account {
namespace {

std::unexpected<Error> bad(const char* what) {
    return fail(Errc::Invalid, what);
}

// Cuts off and returns what stands before the next comma; no comma: all of it.
std::string_view next_part(std::string_view& rest) {
    const std::size_t comma = rest.find(',');
    const std::string_view part = rest.substr(0, comma);
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    return part;
}

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// cb-name = 1*(ALPHA / DIGIT / "." / "-")
bool is_binding_name(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) {
        return is_letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '-';
    });
}

// printable = %x21-2B / %x2D-7E
bool is_nonce(std::string_view text) {
    return !text.empty() && text.size() <= kScramNonceMax &&
           std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f && c != ','; });
}

// extensions = attr-val *("," attr-val); they are ignored (RFC 5802 §5.1), but must be well-formed.
bool are_extensions(std::string_view rest) {
    while (!rest.empty()) {
        const bool last = rest.find(',') == std::string_view::npos;
        const std::string_view part = next_part(rest);
        if (part.size() < 3 || !is_letter(part[0]) || part[1] != '=' ||
            part.find('\0') != std::string_view::npos || !is_utf8(part) ||
            (!last && rest.empty())) {
            return false;
        }
    }
    return true;
}

Status parse_gs2_header(std::string_view text, ScramFirst& out) {
    std::string_view rest = text;
    const std::string_view flag = next_part(rest);
    if (flag == "n") {
        out.binding = ScramBinding::None;
    } else if (flag == "y") {
        out.binding = ScramBinding::Untrusted;
    } else if (flag.starts_with("p=") && is_binding_name(flag.substr(2))) {
        out.binding = ScramBinding::Used;
        out.binding_name = flag.substr(2);
    } else {
        return bad("the channel binding flag is neither n, y nor p=");
    }
    if (rest.empty() || rest.find(',') == std::string_view::npos) {
        return bad("the GS2 header is not complete");
    }
    const std::string_view identity = next_part(rest);
    if (!identity.empty()) {
        const auto decoded =
            identity.starts_with("a=") ? decode_saslname(identity.substr(2)) : std::nullopt;
        if (!decoded) {
            return bad("the authorization identity is malformed");
        }
        out.identity = *decoded;
    }
    out.gs2_header = text.substr(0, text.size() - rest.size());
    return {};
}

}  // namespace

std::optional<std::string> decode_saslname(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\0' || text[i] == ',') {
            return std::nullopt;
        }
        if (text[i] != '=') {
            out.push_back(text[i]);
            continue;
        }
        const std::string_view code = text.substr(i + 1, 2);
        if (code == "2C") {
            out.push_back(',');
        } else if (code == "3D") {
            out.push_back('=');
        } else {
            return std::nullopt;
        }
        i += 2;
    }
    return out.empty() ? std::nullopt : std::optional{std::move(out)};
}

Result<ScramFirst> parse_scram_first(std::string_view text) {
    ScramFirst out;
    if (const auto header = parse_gs2_header(text, out); !header) {
        return fail(header.error());
    }
    std::string_view rest = text.substr(out.gs2_header.size());
    out.bare = rest;
    // "m=" is a mandatory extension; there is none that we could know (RFC 5802 §5.1).
    if (rest.starts_with("m=")) {
        return bad("a mandatory extension is asked for");
    }
    const std::string_view user = next_part(rest);
    const auto login = user.starts_with("n=") ? decode_saslname(user.substr(2)) : std::nullopt;
    if (!login) {
        return bad("the user name is malformed");
    }
    out.login = *login;
    const bool more = rest.find(',') != std::string_view::npos;
    const std::string_view nonce = next_part(rest);
    if (!nonce.starts_with("r=") || !is_nonce(nonce.substr(2))) {
        return bad("the nonce is malformed");
    }
    out.nonce = nonce.substr(2);
    if ((more && rest.empty()) || !are_extensions(rest)) {
        return bad("an extension is malformed");
    }
    return out;
}

Result<ScramFinal> parse_scram_final(std::string_view text) {
    const std::size_t proof_at = text.rfind(',');
    if (proof_at == std::string_view::npos || !text.substr(proof_at + 1).starts_with("p=")) {
        return bad("the proof is missing or not last");
    }
    ScramFinal out;
    out.without_proof = text.substr(0, proof_at);
    const auto proof = unbase64(text.substr(proof_at + 3));
    if (!proof) {
        return bad("the proof is not base64");
    }
    out.proof = *proof;
    std::string_view rest = out.without_proof;
    const std::string_view binding = next_part(rest);
    const auto decoded =
        binding.starts_with("c=") ? unbase64(binding.substr(2)) : std::optional<std::string>{};
    if (!decoded) {
        return bad("the channel binding is missing or not base64");
    }
    out.binding = *decoded;
    const bool more = rest.find(',') != std::string_view::npos;
    const std::string_view nonce = next_part(rest);
    // Twice the length: the client's part and ours.
    if (!nonce.starts_with("r=") || nonce.size() > 2 + 2 * kScramNonceMax) {
        return bad("the nonce is missing");
    }
    out.nonce = nonce.substr(2);
    if ((more && rest.empty()) || !are_extensions(rest)) {
        return bad("an extension is malformed");
    }
    return out;
}

Result<ScramServerFirst> parse_scram_server_first(std::string_view text) {
    ScramServerFirst out;
    if (text.starts_with("m=")) {
        return bad("SCRAM: the server asks for an extension");
    }
    std::string_view rest = text;
    const std::string_view nonce = next_part(rest);
    // Twice the length: the client's part and the server's.
    if (!nonce.starts_with("r=") || nonce.size() > 2 + 2 * kScramNonceMax) {
        return bad("SCRAM: the server's nonce is missing");
    }
    out.nonce = nonce.substr(2);
    const std::string_view salt = next_part(rest);
    const auto decoded =
        salt.starts_with("s=") ? unbase64(salt.substr(2)) : std::optional<std::string>{};
    if (!decoded || decoded->empty()) {
        return bad("SCRAM: the server's salt is missing or not base64");
    }
    out.salt = *decoded;
    const bool more = rest.find(',') != std::string_view::npos;
    const std::string_view count = next_part(rest);
    const char* const end = count.data() + count.size();
    const auto read = count.starts_with("i=")
                          ? std::from_chars(count.data() + 2, end, out.iterations)
                          : std::from_chars_result{count.data(), std::errc::invalid_argument};
    if (read.ec != std::errc{} || read.ptr != end || out.iterations == 0) {
        return bad("SCRAM: the server's iteration count is no number");
    }
    if ((more && rest.empty()) || !are_extensions(rest)) {
        return bad("SCRAM: an extension of the server is malformed");
    }
    return out;
}

}  // namespace sekisho::account
