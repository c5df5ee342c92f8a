// The mail role: submission (587, and 465 with TLS from the start) and exchange (25). Takes
// messages, makes them durable in the spool, answers 250 only then. Delivery is another room.
#pragma once

#include "account/account.h"
#include "account/forwarding.h"
#include "account/send_as.h"
#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "conduct/login_memory.h"
#include "conduct/warden.h"
#include "config/config.h"
#include "dkim/sign.h"
#include "event/event.h"
#include "limit/limiter.h"
#include "limit/memory.h"
#include "limit/spec.h"
#include "line/line.h"
#include "net/resolver.h"
#include "net/server.h"
#include "net/tls.h"
#include "peer/greylist.h"
#include "peer/past.h"
#include "policy/policy.h"
#include "queue/spool.h"
#include "queue/suppression.h"
#include "report/dmarc.h"
#include "source/source.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sekisho::mail {

class Outlooks;  // mail/outlooks.h
class Tokens;    // mail/tokens.h
struct PasswordAnswer;

// A mail that may bring reports of another.
struct ReportMail {
    std::string text;
    std::string author;     // domain of From; empty: there is none, or several
    bool verified = false;  // DMARC says that it is from there
};

// All references must outlive the server.
struct Deps {
    const config::Config& config;  // resolved; copied
    net::Loops& loops;
    net::Workers& workers;
    std::shared_ptr<const net::TlsContext> tls;  // null: no TLS, so no authentication either
    account::AccountStore& accounts;
    queue::Spool& spool;
    event::Journal& journal;
    line::LineStore& lines;
    std::shared_ptr<const policy::Policy> policy;
    net::Workers* hashers = nullptr;  // for passwords alone, which take long; null: `workers`
    std::string sasl_key;  // 32 random bytes, kept with the installation (SaslSettings::fake_key)

    // To judge peers on the exchange with (mail.peer_check); null: nobody is judged.
    net::Resolver* resolver = nullptr;
    // Where greylisting (mail.greylist) remembers; null: there is none.
    peer::GreylistStore* greylist = nullptr;
    // Where it is kept what peers brought to the exchange; null: nowhere.
    peer::PastStore* past = nullptr;
    // Called on a worker with each address on the exchange that is judged to be no mail server and
    // refused, and why; may be empty.
    std::function<void(const IpAddress&, const std::string&)> punish;

    // Where logins are kept over a restart; null: nowhere.
    conduct::LoginMemory* logins = nullptr;
    // What becomes of misused accounts; null: nothing.
    conduct::Warden* warden = nullptr;
    // Called on a worker with each message to conduct.report_address; may be empty.
    std::function<void(const std::string&)> complaint;
    // Told of each message that DMARC judged, for reports to the domains; on a loop, so it must not
    // wait. May be empty.
    std::function<void(const report::DmarcSeen&)> dmarc_seen;
    // Called on a worker with each message to reports.receive; may be empty.
    std::function<void(const ReportMail&)> report_mail;
    // Where the counters of limits are kept over a restart; null: nowhere.
    limit::Memory* counters = nullptr;
    // Signs what is submitted (DKIM); null: nothing is signed.
    const dkim::SignerHolder* signer = nullptr;

    // Addresses elsewhere that accounts may send as; null: there are none.
    account::SendAsStore* send_as = nullptr;
    // What becomes of mail that is sent as them; null: nobody is refused or warned.
    Outlooks* outlooks = nullptr;

    // Accounts that live elsewhere; null: there are none.
    std::shared_ptr<source::Sources> sources;
    // Judges bearer tokens; null: they aren't taken.
    std::shared_ptr<Tokens> tokens;

    // Aliases and forwards; null: there are none.
    account::ForwardStore* forwards = nullptr;
    // The installation's own (srs/srs.h), beside those of the configuration; may be empty.
    std::string srs_secret;
    // Who is refused at submission since mail only comes back; null: nobody.
    queue::SuppressionList* suppression = nullptr;

    // Waits that only slow down who misbehaves; tests set them to nothing.
    Duration greeting_wait{500};     // for early talkers on the exchange
    Duration data_timeout{180'000};  // of a read of data (RFC 5321 §4.5.3.2.5)
    // The longest waits for a command and for data while there are many connections.
    Duration stress_command_timeout{10'000};
    Duration stress_data_timeout{30'000};
    // How long RCPT waits to hear of a null MX.
    Duration null_mx_wait{1'000};
    // A refused login is answered after this, or the next multiple when its hash took longer.
    Duration login_failure_wait{1'000};
    // A session goes by its account as it was so long ago at most; each MAIL looks it up otherwise.
    Duration account_fresh{1'000};
};

struct BoundListener {
    std::string name;  // "submission", "submissions", "exchange"
    Endpoint wanted;
    Endpoint bound;  // another port than wanted: a fallback (mail.port_fallback)
};

class Server {
  public:
    // Binds every configured endpoint, or none: an error names the one that can't be had.
    [[nodiscard]] static Result<std::unique_ptr<Server>> start(Deps deps);
    virtual ~Server() = default;

    // New connections take the new settings; endpoints stay as they were bound. A null `policy` or
    // `tls` leaves the one in force. On an error nothing has changed.
    virtual Status reload(
        const config::Config& config,
        std::shared_ptr<const policy::Policy> policy,
        std::shared_ptr<const net::TlsContext> tls
    ) = 0;
    // No new connections; clients that we wait for are told 421; messages that are being made
    // durable are answered. Returns when every session has ended, at latest after `grace`. Not to
    // be called on a loop's thread. May be repeated.
    virtual void stop(Duration grace) = 0;
    void stop() { stop(std::chrono::seconds(5)); }

    [[nodiscard]] virtual std::vector<BoundListener> listeners() const = 0;
    // {"connections":{...},"logins":{...},"messages":{...},"refused":{"550":3},"limits":[...]}
    [[nodiscard]] virtual std::string status_json() const = 0;
    // Keeps what limits have counted since the last call; to be called about once a second. May
    // wait for the disk. What can't be kept is tried again with the next call.
    virtual Status keep_counters() = 0;
    // Ends the account's running sessions with 421, at once.
    virtual void end_sessions_of(const conduct::Subject& whose) = 0;
    // mail/password_check.h
    [[nodiscard]] virtual PasswordAnswer check_password(
        const std::string& login, const std::string& password, const IpAddress& from
    ) = 0;
    // For `sekisho limit` and the desk.
    [[nodiscard]] virtual limit::Limiter& limiter() = 0;
    [[nodiscard]] virtual std::vector<limit::Spec> limits() const = 0;
};

}  // namespace sekisho::mail
