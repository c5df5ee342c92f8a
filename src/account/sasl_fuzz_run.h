// What the fuzz targets of the mechanisms share: the input is the client's messages, one after the
// other, each ended by a byte 0xff (which no sound message holds, being no UTF-8); the shell's part
// is played with one known account. Whatever comes, only who sends the right password is let in.
#pragma once

#include "account/account.h"
#include "account/digest.h"
#include "account/password.h"
#include "account/sasl.h"
#include "base/assert.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace sekisho::account {

inline const Account& fuzz_account() {
    static const Account kAccount = [] {
        Account account;
        account.login = "user";
        account.credential.hash = "right";
        account.credential.scram = derive_scram_keys("pencil", "0123456789abcdef", 1);
        return account;
    }();
    return kAccount;
}

inline void fuzz_sasl(Mechanism mechanism, const std::uint8_t* data, std::size_t size) {
    static const SaslSettings kSettings{
        .fake_key = std::string(32, 'k'), .dummy_argon2id = "nobody", .scram_iterations = 1
    };
    std::string_view rest{reinterpret_cast<const char*>(data), size};
    const auto server = SaslServer::make(mechanism, kSettings, "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0");
    const auto next = [&] {
        const std::size_t end = rest.find('\xff');
        const std::string_view message = rest.substr(0, end);
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        return message;
    };
    SaslStep step = server->start(next());
    bool right = false;
    while (true) {
        if (std::holds_alternative<SaslChallenge>(step)) {
            step = server->step(next());
        } else if (const auto* account = std::get_if<SaslNeedAccount>(&step)) {
            SEKISHO_ASSERT(!account->login.empty());
            step = server->give_account(
                account->login == "user" ? std::optional{fuzz_account()} : std::nullopt
            );
        } else if (const auto* verify = std::get_if<SaslNeedVerify>(&step)) {
            SEKISHO_ASSERT(verify->password.find('\0') == std::string::npos);
            right = verify->hash == "right" && verify->password == "pencil";
            step = server->give_verified(right);
        } else if (const auto* bearer = std::get_if<SaslNeedToken>(&step)) {
            SEKISHO_ASSERT(!bearer->token.empty());
            right = bearer->token == "right";
            step = server->give_token(
                right ? SaslTokenVerdict{.account = "user", .refusal = {}}
                      : SaslTokenVerdict{.account = {}, .refusal = "wrong"}
            );
        } else {
            break;
        }
    }
    if (const auto* success = std::get_if<SaslSuccess>(&step)) {
        SEKISHO_ASSERT(success->login == "user");
        SEKISHO_ASSERT(right || !sends_password(mechanism));
    }
}

}  // namespace sekisho::account
