#include "account/send_as.h"

#include "account/account.h"
#include "account/digest.h"
#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::account {
namespace {

constexpr std::size_t kGroup = 4;

}  // namespace

bool may_send_as(const Account& account, std::string_view address) {
    const auto has = [](const std::vector<std::string>& all, std::string_view one) {
        return std::ranges::find(all, one) != all.end();
    };
    if (has(account.addresses, address) || has(account.aliases, address) ||
        has(account.send_as, address) || has(account.delegated, address)) {
        return true;
    }
    const std::size_t at = address.rfind('@');
    return at != std::string_view::npos && (has(account.domains, address.substr(at + 1)) ||
                                            has(account.delegated, address.substr(at)));
}

Status may_mail_code(const CodesSent& sent) {
    if (sent.of_pair >= kCodesPerPair || sent.to_address >= kCodesPerAddress) {
        return fail(Errc::Full, "too many codes were mailed to this address; try again tomorrow");
    }
    if (sent.of_login >= kCodesPerLogin) {
        return fail(Errc::Full, "too many codes were mailed for this account; try again tomorrow");
    }
    return {};
}

std::string code_digest(std::string_view code) {
    std::string bare;
    for (const char c : to_lower(code)) {
        if (c != '-' && c != ' ') {
            bare += c;
        }
    }
    return hex(sha256(bare));
}

std::string readable_code(std::string_view token) {
    std::string out;
    for (std::size_t i = 0; i < token.size(); ++i) {
        if (i > 0 && i % kGroup == 0) {
            out += '-';
        }
        out += token[i];
    }
    return out;
}

Status prove(SendAs& registration, std::string_view code, Time now) {
    if (is_proven(registration)) {
        return {};
    }
    if (registration.code_digest.empty()) {
        return fail(Errc::NotFound, "no code is awaited for this address; ask for a new one");
    }
    if (registration.code_expires <= now) {
        registration.code_digest.clear();
        return fail(Errc::Denied, "the code has expired; ask for a new one");
    }
    if (!equal_in_constant_time(registration.code_digest, code_digest(code))) {
        ++registration.wrong;
        if (registration.wrong >= kWrongCodesMax) {
            registration.code_digest.clear();
            return fail(Errc::Denied, "too many wrong codes; ask for a new one");
        }
        return fail(Errc::Denied, "this is not the code that was mailed");
    }
    registration.proven = now;
    registration.code_digest.clear();
    return {};
}

}  // namespace sekisho::account
