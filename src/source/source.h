// Accounts that live elsewhere: who has no account here may log in with what another system knows.
// Sources are asked in their order; whom one knows, the next is not asked about.
#pragma once

#include "account/account.h"
#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "net/server.h"
#include "net/task.h"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::source {

class Source {
  public:
    virtual ~Source() = default;
    [[nodiscard]] virtual const std::string& name() const = 0;
    // The account, with the addresses it may send as. NotFound: nobody of this login there. Denied:
    // the password is wrong. Anything else: the source is away, and nothing is known.
    virtual net::Task<Result<account::Account>> log_in(
        net::Executor executor, std::string login, std::string password
    ) = 0;
    // Whether it can say who has an address without a password.
    [[nodiscard]] virtual bool finds() const { return false; }
    // Who has the address (lower case), as log_in() would give it. NotFound: nobody there. Anything
    // else: the source is away, and nothing is known.
    virtual net::Task<Result<account::Account>> find(net::Executor executor, std::string address);
};

// What the chain knows of the accounts that logged in lately. Thread-safe.
class Sources {
  public:
    // Errors name the source.
    [[nodiscard]] static Result<std::shared_ptr<Sources>> make(
        const std::vector<config::AccountSource>& sources
    );
    explicit Sources(std::vector<std::unique_ptr<Source>> sources);

    [[nodiscard]] bool empty() const { return sources_.empty(); }
    // Asks the sources. Errors as Source::log_in(): an away source that is asked before one that
    // says yes is not passed over, since it might have said no.
    [[nodiscard]] static net::Task<Result<account::Account>> log_in(
        std::shared_ptr<Sources> self,
        net::Executor executor,
        std::string login,
        std::string password
    );
    // Of a login that was right a moment ago, for who has found that in a cache of passwords.
    [[nodiscard]] std::optional<account::Account> known(std::string_view login, Time now) const;

    // Whether any source says who has an address.
    [[nodiscard]] bool finds() const;
    // The same of an address (a recipient, or whom a token or certificate names), remembered for
    // kFoundFor, and that nobody has it for kNobodyFor. Errors as Source::find().
    [[nodiscard]] static net::Task<Result<account::Account>> find(
        std::shared_ptr<Sources> self, net::Executor executor, std::string address
    );
    // By its name in the source: of those that logged in or were found since the start.
    [[nodiscard]] std::optional<account::Account> seen(std::string_view login) const;

    struct Counters {
        std::uint64_t accepted = 0, denied = 0, not_found = 0, away = 0;
        std::uint64_t found = 0, nobody = 0;  // of look-ups without a password
    };
    [[nodiscard]] std::map<std::string, Counters> counters() const;  // by source

    static constexpr Duration kKnownFor{5LL * 60'000};
    static constexpr Duration kFoundFor{5LL * 60'000};
    static constexpr Duration kNobodyFor{60'000};
    static constexpr std::size_t kKnownMax = 100'000;

  private:
    void note(const std::string& name, const Result<account::Account>& answer);
    void keep(const std::string& login, const account::Account& account, Time now);

    struct Known {
        account::Account account;
        Time until{};
    };
    struct Found {
        std::optional<account::Account> account;  // nullopt: nobody has the address
        Time until{};
    };
    [[nodiscard]] std::optional<Result<account::Account>> remembered(
        const std::string& address, Time now
    ) const;
    void remember(const std::string& address, std::optional<account::Account> found, Time now);
    void note_found(const std::string& name, const Result<account::Account>& answer);

    const std::vector<std::unique_ptr<Source>> sources_;
    mutable std::mutex mutex_;
    std::map<std::string, Found, std::less<>> found_;            // by address
    std::map<std::string, account::Account, std::less<>> seen_;  // by login
    std::map<std::string, Known, std::less<>> known_;
    std::map<std::string, Counters> counters_;
};

// "{login}", "{user}" (what stands before the last @) and "{domain}" in a template of an address.
[[nodiscard]] std::string expand(std::string_view text, std::string_view login);
// The account of a login that a source has found right: its own addresses first, then those of the
// templates (none: the login), lower case; what is no address is left out.
[[nodiscard]] account::Account make_account(
    std::string_view login,
    const std::vector<std::string>& own,
    const std::vector<std::string>& templates
);

}  // namespace sekisho::source
