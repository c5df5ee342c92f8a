#include "mail/tokens.h"

#include "account/jwt.h"
#include "account/sasl.h"
#include "base/bytes.h"
#include "base/file.h"
#include "base/ip.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "net/http_client.h"
#include "net/resolver.h"
#include "net/server.h"
#include "net/task.h"
#include "net/tls.h"
#include "net/workers.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <expected>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace sekisho::mail {
namespace {

using account::SaslTokenVerdict;

constexpr Duration kKeysKept = std::chrono::hours(1);
// A token with an unknown key makes us look for new keys, but not for each such token.
constexpr Duration kLoadInterval = std::chrono::seconds(30);
constexpr Duration kFetchTimeout = std::chrono::seconds(10);
constexpr Duration kVerdictKept = std::chrono::minutes(1);
constexpr std::size_t kVerdictsMax = 10'000;
constexpr std::size_t kAnswerMax = 256UL * 1024;

bool is_url(std::string_view text) {
    return text.starts_with("https://") || text.starts_with("http://");
}

// application/x-www-form-urlencoded
std::string form_encoded(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                           (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_';
        out += plain ? std::string(1, c) : "%" + to_upper(hex(std::string_view(&c, 1)));
    }
    return out;
}

SaslTokenVerdict verdict_of(const std::expected<account::TokenOwner, account::TokenRefusal>& owner
) {
    if (owner) {
        return {.account = owner->account, .refusal = {}};
    }
    const account::TokenRefusal& refusal = owner.error();
    return {
        .account = {}, .refusal = std::string(account::name(refusal.fault)) + ": " + refusal.detail
    };
}

}  // namespace

Result<std::shared_ptr<Tokens>> Tokens::make(
    const config::OAuth& config, net::Resolver* resolver, net::Workers& workers
) {
    const std::shared_ptr<Tokens> out(new Tokens(config, resolver, workers));
    for (const auto& [key, text, url] :
         {std::tuple{"oauth.keys", &config.keys, &out->keys_url_},
          std::tuple{"oauth.introspection", &config.introspection, &out->introspection_url_}}) {
        if (text->empty() || (url == &out->keys_url_ && !is_url(*text))) {
            continue;
        }
        auto parsed = net::HttpUrl::parse(*text);
        if (!parsed) {
            return fail(Errc::Invalid, std::string(key) + ": " + parsed.error().message);
        }
        const auto literal = IpAddress::parse(parsed->host);
        if (!parsed->tls && !(literal && literal->is_loopback())) {
            return fail(
                Errc::Invalid, std::string(key) + ": must be https, except on this machine"
            );
        }
        *url = std::move(*parsed);
    }
    if ((out->keys_url_ || out->introspection_url_) && resolver == nullptr) {
        return fail(Errc::Invalid, "oauth: no resolver to find the issuer with");
    }
    auto tls = net::TlsContext::client_verified(config.ca);
    if (!tls) {
        return fail(tls.error().code, "oauth.ca: " + tls.error().message);
    }
    out->tls_ = std::move(*tls);
    return out;
}

account::TokenRules Tokens::rules() const {
    account::TokenRules out;
    out.issuer = config_.issuer;
    out.audiences = config_.audiences;
    out.scope = config_.scope;
    out.claim = config_.claim;
    out.skew = config_.skew;
    return out;
}

Tokens::Counters Tokens::counters() const {
    const std::scoped_lock lock(mutex_);
    return counters_;
}

net::Task<Tokens::Verdict> Tokens::judge(
    std::shared_ptr<Tokens> self, net::Executor executor, std::string token
) {
    Verdict verdict;
    if (self->introspection_url_) {
        verdict = co_await self->introspect(std::move(executor), std::move(token));
    } else {
        verdict = co_await self->verify(std::move(executor), std::move(token));
    }
    const std::scoped_lock lock(self->mutex_);
    ++(!verdict                   ? self->counters_.away
       : verdict->refusal.empty() ? self->counters_.accepted
                                  : self->counters_.refused);
    co_return verdict;
}

net::Task<Tokens::Verdict> Tokens::verify(net::Executor executor, std::string token) {
    const std::string key_id = account::token_key_id(token);
    const Result<KeysPtr> keys = co_await keys_for(std::move(executor), key_id);
    if (!keys) {
        co_return fail(keys.error());
    }
    co_return verdict_of(account::verify_token(token, **keys, rules(), now()));
}

// Whether this caller is to load the keys.
bool Tokens::begin_load(const std::string& key_id, Time at) {
    const bool stale =
        !keys_ || at - loaded_ >= kKeysKept || (!key_id.empty() && !keys_->has(key_id));
    if (loading_ || !stale || at - tried_ < kLoadInterval) {
        return false;
    }
    loading_ = true;
    tried_ = at;
    return true;
}

// The keys, read anew when they are old or don't have the one that is named. While they are read,
// and when they can't be, the old ones hold.
net::Task<Result<Tokens::KeysPtr>> Tokens::keys_for(net::Executor executor, std::string key_id) {
    bool mine = false;
    {
        const std::scoped_lock lock(mutex_);
        mine = begin_load(key_id, now());
    }
    if (mine) {
        Result<KeysPtr> loaded = co_await load(std::move(executor));
        const std::scoped_lock lock(mutex_);
        loading_ = false;
        ++counters_.fetches;
        if (loaded) {
            keys_ = std::move(*loaded);
            loaded_ = now();
        } else {
            ++counters_.fetches_failed;
            log::error("OAUTH_KEYS_AWAY", loaded.error().message, {{"keys", config_.keys}});
        }
    }
    const std::scoped_lock lock(mutex_);
    if (!keys_) {
        co_return fail(Errc::Unavailable, "the keys of the tokens' issuer are not known");
    }
    if (loading_ && !key_id.empty() && !keys_->has(key_id)) {
        co_return fail(Errc::Unavailable, "new keys of the tokens' issuer are on their way");
    }
    co_return keys_;
}

net::Task<Result<Tokens::KeysPtr>> Tokens::load(net::Executor executor) {
    Result<std::string> text;
    if (keys_url_) {
        net::HttpCall call;
        call.url = *keys_url_;
        text = co_await fetch(std::move(executor), std::move(call));
    } else {
        std::function<Result<std::string>()> work = [path = config_.keys] {
            return read_file(path, kAnswerMax);
        };
        text = co_await net::run_on(workers_, std::move(work));
    }
    if (!text) {
        co_return fail(text.error());
    }
    auto keys = account::KeySet::parse(*text);
    if (!keys) {
        co_return fail(keys.error());
    }
    co_return std::make_shared<const account::KeySet>(std::move(*keys));
}

net::Task<Result<std::string>> Tokens::fetch(net::Executor executor, net::HttpCall call) {
    call.timeout = kFetchTimeout;
    call.body_max = kAnswerMax;
    call.tls = tls_;
    const std::string where = call.url.text();
    Result<net::HttpAnswer> answer =
        co_await net::http_call(*resolver_, std::move(executor), std::move(call));
    if (!answer) {
        co_return fail(answer.error());
    }
    if (answer->status != 200) {
        co_return fail(
            Errc::Unavailable, fmt::format("{} answers with status {}", where, answer->status)
        );
    }
    co_return std::move(answer->body);
}

// RFC 7662 §2.1
net::Task<Tokens::Verdict> Tokens::introspect(net::Executor executor, std::string token) {
    const std::string digest = sha256(token);
    if (auto known = remembered(digest, now())) {
        co_return SaslTokenVerdict{.account = std::move(*known), .refusal = {}};
    }
    net::HttpCall call;
    call.url = *introspection_url_;
    call.method = "POST";
    call.content_type = "application/x-www-form-urlencoded";
    call.body = "token=" + form_encoded(token) + "&token_type_hint=access_token";
    call.headers.emplace_back("Accept", "application/json");
    if (!config_.client_id.empty()) {
        // RFC 6749 §2.3.1: both form-encoded before they are put together.
        const std::string both =
            form_encoded(config_.client_id) + ":" + form_encoded(config_.client_secret);
        call.headers.emplace_back("Authorization", "Basic " + base64(both));
    }
    const Result<std::string> answer = co_await fetch(std::move(executor), std::move(call));
    if (!answer) {
        log::error("OAUTH_INTROSPECTION_AWAY", answer.error().message);
        co_return fail(answer.error());
    }
    const auto owner = account::judge_introspection(*answer, rules(), now());
    if (owner) {
        remember(digest, *owner, now());
    }
    co_return verdict_of(owner);
}

std::optional<std::string> Tokens::remembered(const std::string& digest, Time at) {
    const std::scoped_lock lock(mutex_);
    const auto found = introspected_.find(digest);
    if (found == introspected_.end() || at >= found->second.until) {
        return std::nullopt;
    }
    return found->second.account;
}

void Tokens::remember(const std::string& digest, const account::TokenOwner& owner, Time at) {
    const std::scoped_lock lock(mutex_);
    if (introspected_.size() >= kVerdictsMax) {
        std::erase_if(introspected_, [at](const auto& one) { return at >= one.second.until; });
    }
    if (introspected_.size() >= kVerdictsMax) {
        return;  // a flood: each is asked about
    }
    Time until = at + kVerdictKept;
    if (owner.expires != Time{}) {
        until = std::min(until, owner.expires);
    }
    introspected_[digest] = {owner.account, until};
}

}  // namespace sekisho::mail
