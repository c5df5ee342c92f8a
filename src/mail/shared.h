// What all sessions of the mail role share. Owned by the server, and kept alive by every session.
#pragma once

#include "account/account.h"
#include "account/credential_cache.h"
#include "account/forwarding.h"
#include "account/sasl.h"
#include "account/send_as.h"
#include "conduct/login_guard.h"
#include "conduct/login_memory.h"
#include "conduct/remembered.h"
#include "conduct/warden.h"
#include "dkim/sign.h"
#include "event/event.h"
#include "limit/acquaintances.h"
#include "limit/connections.h"
#include "limit/limiter.h"
#include "limit/memory.h"
#include "line/line.h"
#include "mail/counters.h"
#include "mail/limiting.h"
#include "mail/patient_clients.h"
#include "mail/rules.h"
#include "mail/server.h"
#include "net/resolver.h"
#include "net/server.h"
#include "net/stream.h"
#include "net/task.h"
#include "net/tls.h"
#include "peer/greylist.h"
#include "peer/past.h"
#include "queue/spool.h"
#include "queue/suppression.h"
#include "report/dmarc.h"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace sekisho::mail {

// A running session as stop() sees it. Touched on the session's executor only.
struct Live {
    std::shared_ptr<net::Stream> stream;
    bool reading = false;  // nothing is under way but the wait for the client
    bool ended = false;    // it may do nothing more
    std::string account;   // of the login
    std::string line;      // that the client is on
};

// Who was warned about mail as a domain today, so that they are warned once a day. Thread-safe.
class UnalignedNotes {
  public:
    [[nodiscard]] bool first_today(const std::string& account, const std::string& domain, Time now);

  private:
    std::mutex mutex_;
    conduct::Remembered<Time> told_{100'000, std::chrono::hours(24)};
};

struct Shared {
    Shared(
        const Deps& deps,
        std::unique_ptr<limit::Limiter> limits,
        account::SaslSettings sasl_settings
    );

    net::Workers& workers;
    net::Workers& hashers;
    account::AccountStore& accounts;
    account::ForwardStore* const forwards;  // null: none
    const std::string srs_secret;
    queue::Spool& spool;
    event::Journal& journal;
    line::LineStore& lines;
    net::Resolver* const resolver;
    peer::GreylistStore* const greylist;
    peer::PastStore* const past;  // null: what peers brought is not remembered
    peer::Gathered brought;       // and not kept yet
    const std::function<void(const IpAddress&, const std::string&)> punish;
    const dkim::SignerHolder* const signer;
    account::SendAsStore* const send_as;
    Outlooks* const outlooks;
    UnalignedNotes unaligned;
    queue::SuppressionList* const suppression;
    const std::shared_ptr<source::Sources> sources;
    const std::shared_ptr<Tokens> tokens;
    const Duration greeting_wait;
    const Duration login_failure_wait;
    const Duration data_timeout;
    const Duration stress_command_timeout;
    const Duration stress_data_timeout;
    const Duration null_mx_wait;
    const Duration account_fresh;

    net::TlsHolder tls;
    const account::SaslSettings sasl;
    account::CredentialCache credentials;
    std::unique_ptr<limit::Limiter> limiter;
    limit::Acquaintances acquaintances;
    limit::Memory* const memory;  // null: counters don't outlive a restart
    ShadowNotes shadows;
    conduct::LoginGuard guard;
    conduct::Warden* const warden;  // null: nobody is suspected
    const std::function<void(const std::string&)> complaint;
    const std::function<void(const report::DmarcSeen&)> dmarc_seen;
    const std::function<void(const ReportMail&)> report_mail;
    conduct::LoginMemory* const logins;  // null: nothing outlives a restart
    limit::Connections connections;
    PatientClients patient;
    Counters counters;
    std::atomic<bool> stopping{false};

    [[nodiscard]] std::shared_ptr<const Settings> settings() const;
    void set_settings(std::shared_ptr<const Settings> settings);

    // The running sessions.
    [[nodiscard]] std::uint64_t add(const std::shared_ptr<Live>& live);
    void remove(std::uint64_t id);
    void say_goodbye();  // posts to each session's executor
    void end_sessions_of(const conduct::Subject& whose);
    [[nodiscard]] bool wait_idle(Duration grace);  // false: some still run
    void close_all();

  private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::shared_ptr<const Settings> settings_;
    std::map<std::uint64_t, std::pair<net::Executor, std::weak_ptr<Live>>> live_;
    std::uint64_t next_id_ = 1;
};

// The account with the addresses that it may send as without having them: proven ones elsewhere,
// aliases that lead to it, those of accounts that it is delegate of. Both ask the store: for a
// worker.
[[nodiscard]] account::Account with_send_as(Shared& shared, account::Account account);
[[nodiscard]] Result<account::Account> find_account(Shared& shared, const std::string& login);

enum class Kind : std::uint8_t { Submission, Submissions, SubmissionsAlpn, Exchange };

// One connection from greeting to end.
net::Task<void> run_session(
    std::shared_ptr<Shared> shared, Kind kind, std::unique_ptr<net::Stream> stream
);

}  // namespace sekisho::mail
