// Whose a bearer token is: its signature by the issuer's keys, from a file or a URL, kept and read
// again when they change; or the issuer's own word (introspection, RFC 7662). Thread-safe.
#pragma once

#include "account/jwt.h"
#include "account/sasl.h"
#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "net/http_client.h"
#include "net/resolver.h"
#include "net/server.h"
#include "net/task.h"
#include "net/tls.h"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace sekisho::mail {

class Tokens {
  public:
    // Invalid: an URL can't be read, or the file of authorities. Keys are not fetched yet.
    [[nodiscard]] static Result<std::shared_ptr<Tokens>> make(
        const config::OAuth& config, net::Resolver* resolver, net::Workers& workers
    );

    // The verdict; an error when it can't be known now (454, never 535). `self` is kept until then.
    [[nodiscard]] static net::Task<Result<account::SaslTokenVerdict>> judge(
        std::shared_ptr<Tokens> self, net::Executor executor, std::string token
    );

    struct Counters {
        std::uint64_t accepted = 0, refused = 0, away = 0, fetches = 0, fetches_failed = 0;
    };
    [[nodiscard]] Counters counters() const;

  private:
    Tokens(const config::OAuth& config, net::Resolver* resolver, net::Workers& workers)
        : config_(config), resolver_(resolver), workers_(workers) {}

    using KeysPtr = std::shared_ptr<const account::KeySet>;
    using Verdict = Result<account::SaslTokenVerdict>;
    net::Task<Result<KeysPtr>> keys_for(net::Executor executor, std::string key_id);
    net::Task<Result<KeysPtr>> load(net::Executor executor);
    net::Task<Result<std::string>> fetch(net::Executor executor, net::HttpCall call);
    net::Task<Verdict> verify(net::Executor executor, std::string token);
    net::Task<Verdict> introspect(net::Executor executor, std::string token);
    [[nodiscard]] account::TokenRules rules() const;
    [[nodiscard]] std::optional<std::string> remembered(const std::string& digest, Time at);
    void remember(const std::string& digest, const account::TokenOwner& owner, Time at);
    [[nodiscard]] bool begin_load(const std::string& key_id, Time at);

    const config::OAuth config_;
    net::Resolver* const resolver_;
    net::Workers& workers_;
    std::optional<net::HttpUrl> keys_url_, introspection_url_;
    std::shared_ptr<const net::TlsContext> tls_;

    struct Remembered {
        std::string account;
        Time until{};
    };
    mutable std::mutex mutex_;
    KeysPtr keys_;
    Time tried_{}, loaded_{};  // when the keys were asked for last, and came last
    bool loading_ = false;
    std::map<std::string, Remembered> introspected_;  // by the token's digest
    Counters counters_;
};

}  // namespace sekisho::mail
