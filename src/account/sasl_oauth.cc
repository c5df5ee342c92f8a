// OAUTHBEARER (RFC 7628), and XOAUTH2, its predecessor, which most mail programs speak: a bearer
// token instead of a password. Whose token it is and whether it holds is found out by the shell.
#include "account/account.h"
#include "account/sasl.h"
#include "account/sasl_state.h"
#include "account/saslprep.h"
#include "base/bytes.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::account {
namespace {

constexpr char kSeparator = '\x01';

// RFC 6750 §2.1: b64token.
bool token_characters(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               std::string_view("-._~+/=").contains(c);
    });
}

// RFC 5801 §4: "=2C" is a comma, "=3D" an equals sign.
std::optional<std::string> unescape(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '=') {
            out.push_back(text[i]);
            continue;
        }
        const std::string code = to_upper(text.substr(i + 1, 2));
        if (code != "2C" && code != "3D") {
            return std::nullopt;
        }
        out.push_back(code == "2C" ? ',' : '=');
        i += 2;
    }
    return out;
}

std::string json_text(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out.push_back('\\');
        }
        out.push_back(static_cast<unsigned char>(c) < 0x20 ? '?' : c);
    }
    return out + "\"";
}

class Bearer final : public SaslBase {
  public:
    Bearer(const SaslSettings& settings, bool standard) : SaslBase(settings), standard_(standard) {}

  private:
    SaslStep on_start(std::optional<std::string_view> initial_response) override {
        return initial_response ? on_response(*initial_response) : SaslStep{SaslChallenge{}};
    }

    SaslStep on_response(std::string_view response) override {
        if (refused_) {
            // RFC 7628 §3.2.3: the client has read why; whatever it answers is the end.
            return *refused_;
        }
        const auto parts = split(response, kSeparator);
        // ... kvsep *kvpair kvsep: two empty parts at the end.
        if (parts.size() < 4 || !parts[parts.size() - 1].empty() ||
            !parts[parts.size() - 2].empty()) {
            return malformed("the pairs do not end with two separators");
        }
        std::vector<std::string_view> pairs(parts.begin(), parts.end() - 2);
        if (standard_) {
            if (auto failure = read_gs2(pairs.front())) {
                return *failure;
            }
            pairs.erase(pairs.begin());
        }
        return read_pairs(pairs);
    }

    SaslStep on_token(const SaslTokenVerdict& verdict) override {
        const std::string told = login_;
        if (!verdict.refusal.empty()) {
            return refuse_token(verdict.refusal);
        }
        if (take_login(verdict.account)) {
            login_ = told;
            return refuse_token("the name in the token is no login");
        }
        // Nobody acts for another here.
        if (!told.empty() && told != login_) {
            login_ = told;
            return refuse_token("the token is of " + printable(verdict.account, 100));
        }
        return SaslNeedAccount{login_};
    }

    SaslStep on_account(const std::optional<Account>& account) override {
        const Holder holder = Holder::of(account);
        if (!holder.known) {
            return refuse_token("no account has this login");
        }
        if (auto failure = judge(holder, true, "")) {
            return *failure;
        }
        return SaslSuccess{.login = login_};
    }

    SaslStep on_verified(bool) override { return malformed("no password was asked for"); }

    SaslFailure malformed(std::string detail) {
        return refuse(SaslRefusal::Malformed, std::move(detail));
    }

    // gs2-header: "n,[a=authzid],". A binding can't be asked for without -PLUS.
    std::optional<SaslFailure> read_gs2(std::string_view header) {
        const auto words = split(header, ',');
        if (words.size() != 3 || (words[0] != "n" && words[0] != "y") || !words[2].empty()) {
            return malformed("the header before the pairs is wrong");
        }
        if (words[1].empty()) {
            return std::nullopt;
        }
        const auto name = words[1].starts_with("a=") ? unescape(words[1].substr(2)) : std::nullopt;
        return name ? take_login(*name) : malformed("the header's name is wrong");
    }

    SaslStep read_pairs(const std::vector<std::string_view>& pairs) {
        std::string_view credentials;
        for (const std::string_view pair : pairs) {
            const std::size_t equals = pair.find('=');
            if (equals == std::string_view::npos || equals == 0) {
                return malformed("what should be a pair is none");
            }
            const std::string_view key = pair.substr(0, equals);
            const std::string_view value = pair.substr(equals + 1);
            if (key == "auth") {
                credentials = value;
            } else if (!standard_ && key == "user") {
                if (auto failure = take_login(value)) {
                    return *failure;
                }
            }
        }
        if (!standard_ && login_.empty()) {
            return malformed("there is no user");
        }
        constexpr std::string_view kScheme = "Bearer ";
        if (!iequals(credentials.substr(0, kScheme.size()), kScheme) ||
            !token_characters(credentials.substr(kScheme.size()))) {
            return malformed("there is no bearer token");
        }
        return SaslNeedToken{login_, std::string(credentials.substr(kScheme.size()))};
    }

    // RFC 7628 §3.2.2; what Google made of it for XOAUTH2.
    SaslStep refuse_token(std::string why) {
        refused_ = refuse(SaslRefusal::Token, std::move(why));
        std::string json =
            standard_ ? R"({"status":"invalid_token")" : R"({"status":"401","schemes":"bearer")";
        if (!settings_.oauth_scope.empty()) {
            json += ",\"scope\":" + json_text(settings_.oauth_scope);
        }
        if (standard_ && !settings_.openid_configuration.empty()) {
            json += ",\"openid-configuration\":" + json_text(settings_.openid_configuration);
        }
        return SaslChallenge{json + "}"};
    }

    bool standard_;
    std::optional<SaslFailure> refused_;
};

// EXTERNAL (RFC 4422 App. A): who the client is has been shown before, by its certificate.
class External final : public SaslBase {
  public:
    External(const SaslSettings& settings, std::vector<std::string> identities)
        : SaslBase(settings), identities_(std::move(identities)) {}

  private:
    SaslStep on_start(std::optional<std::string_view> initial_response) override {
        return initial_response ? on_response(*initial_response) : SaslStep{SaslChallenge{}};
    }

    SaslStep on_response(std::string_view response) override {
        if (!response.empty()) {
            if (auto failure = take_login(response)) {
                return *failure;
            }
        }
        const std::string asked = login_;
        for (const std::string& identity : identities_) {
            if (!take_login(identity) && (asked.empty() || asked == login_)) {
                return SaslNeedAccount{login_};
            }
        }
        login_ = asked;
        return refuse(
            SaslRefusal::Certificate,
            identities_.empty() ? "no client certificate that counts"
                                : "the certificate is of " + printable(identities_.front(), 100)
        );
    }

    SaslStep on_account(const std::optional<Account>& account) override {
        const Holder holder = Holder::of(account);
        if (!holder.known) {
            return refuse(SaslRefusal::Certificate, "no account has the certificate's name");
        }
        if (auto failure = judge(holder, true, "")) {
            return *failure;
        }
        return SaslSuccess{.login = login_};
    }

    SaslStep on_verified(bool) override {
        return refuse(SaslRefusal::Malformed, "no password was asked for");
    }

    std::vector<std::string> identities_;
};

}  // namespace

std::unique_ptr<SaslServer> make_bearer(const SaslSettings& settings, bool standard) {
    return std::make_unique<Bearer>(settings, standard);
}

std::unique_ptr<SaslServer> make_external(
    const SaslSettings& settings, std::vector<std::string> identities
) {
    return std::make_unique<External>(settings, std::move(identities));
}

}  // namespace sekisho::account
