// One connection: the coroutine around smtp::ServerSession. login.cc, envelope.cc and delivery of
// the message into the spool (intake.cc) are parts of it.
#pragma once

#include "account/account.h"
#include "account/forwarding.h"
#include "account/sasl.h"
#include "base/ip.h"
#include "conduct/machine.h"
#include "event/event.h"
#include "limit/connections.h"
#include "limit/limiter.h"
#include "limit/spec.h"
#include "line/line.h"
#include "mail/accept.h"
#include "mail/alignment.h"
#include "mail/authenticity.h"
#include "mail/conduct.h"
#include "mail/rules.h"
#include "mail/sender_lookups.h"
#include "mail/shared.h"
#include "message/header.h"
#include "milter/chain.h"
#include "net/stream.h"
#include "net/task.h"
#include "peer/judge.h"
#include "peer/past.h"
#include "smtp/address.h"
#include "smtp/reply.h"
#include "smtp/server_session.h"
#include "smtp/xclient.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::mail {

class Session {
  public:
    Session(std::shared_ptr<Shared> shared, Kind kind, std::shared_ptr<net::Stream> stream);
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session();

    net::Task<void> run();

  private:
    // What becomes of the From of a submitted message.
    enum class From : std::uint8_t { Kept, Rewritten, Refused };

    using Smtp = smtp::ServerSession;

    // session.cc
    [[nodiscard]] std::optional<smtp::Reply> unwanted() const;  // refused before the greeting
    net::Task<bool> begin(bool wanted);
    net::Task<void> converse();
    net::Task<bool> read();
    [[nodiscard]] Duration patience();
    void note_progress(bool was_receiving);
    net::Task<void> take_client(smtp::XClient told);
    net::Task<std::optional<smtp::Reply>> unwelcome();
    net::Task<void> turn_away_browser();
    net::Task<bool> perform(Smtp::Action action);
    net::Task<bool> start_tls();
    void note_refusals();
    [[nodiscard]] event::Event event(event::Kind kind) const;
    // Answers the question at hand; a refusal is recorded with what only we know.
    void answer(
        smtp::Reply reply,
        std::string recipient = {},
        std::string rule = {},
        std::string reference = {}
    );

    // login.cc
    net::Task<void> authenticate(std::string mechanism, std::optional<std::string> initial);
    net::Task<void> proceed(account::SaslStep step);
    bool may_try(const std::string& login);
    net::Task<bool> find_candidate(std::string login);
    // nullopt: the login has been answered.
    net::Task<std::optional<bool>> verify(account::SaslNeedVerify need);
    net::Task<std::optional<bool>> verify_elsewhere(account::SaslNeedVerify need);
    net::Task<bool> admit_elsewhere(std::string login);
    net::Task<std::optional<account::SaslTokenVerdict>> judge_token(account::SaslNeedToken need);
    net::Task<void> login_failed(account::SaslFailure failure);
    void login_succeeded(const account::SaslSuccess& success);
    void note_app_password(const account::SaslSuccess& success);
    net::Task<void> continue_login(std::string response);
    void count_failure(const std::string& login, std::string& why);
    void note_success(const std::string& login);
    net::Task<void> wait_before_refusal(std::string login);
    net::Task<bool> refuse_from_abroad(std::string login);
    void refuse_login(std::string login, smtp::Reply reply, std::string why);

    // envelope.cc
    net::Task<void> check_mail();
    net::Task<bool> refresh_account();
    net::Task<void> begin_message();
    net::Task<void> check_rcpt(Smtp::CheckRcpt question);
    net::Task<bool> refuse_on_exchange(std::string recipient, bool ours);
    net::Task<bool> refuse_outside(std::string recipient, std::string domain);
    net::Task<bool> refuse_misplaced(std::string recipient);
    net::Task<std::optional<smtp::Reply>> suppressed(std::string recipient);
    // null_mx.cc
    net::Task<bool> takes_no_mail(std::string domain, Duration wait);
    net::Task<std::optional<smtp::Reply>> refuse_null_mx(std::string recipient, std::string domain);
    net::Task<std::optional<smtp::Reply>> refuse_null_mx_sender();
    // judging.cc
    [[nodiscard]] Dns dns() const;
    [[nodiscard]] bool checks_senders() const;
    [[nodiscard]] bool judges_peer() const;
    net::Task<void> find_peer(Dns dns);
    net::Task<void> find_past();
    void remember_peer();
    net::Task<void> find_spf(Dns dns);
    net::Task<void> gather_evidence();
    void judge_peer();
    bool refuse_client(const std::string& recipient);
    net::Task<std::optional<smtp::Reply>> greylisted(std::string recipient_domain);
    // envelope.cc
    net::Task<void> find_line();
    // limiting.cc
    [[nodiscard]] limit::Facts facts(std::string recipient) const;
    net::Task<void> find_line_early();
    std::expected<void, limit::Refusal> take(std::vector<limit::Taking>& takings);
    void note_shadowed(const limit::Refusal& refusal);
    [[nodiscard]] std::optional<smtp::Reply> take_for_message(std::vector<limit::Taking> takings);
    [[nodiscard]] std::optional<smtp::Reply> take_recipient(const std::string& recipient);
    [[nodiscard]] std::optional<smtp::Reply> take_message_of(
        limit::Counts counts, std::int64_t cost
    );
    [[nodiscard]] std::optional<smtp::Reply> too_many_refused(const std::string& recipient);
    void count_each(limit::Counts counts, const limit::Facts& who);
    [[nodiscard]] std::optional<smtp::Reply> limited_connection();
    void give_back(std::size_t kept = 0);

    // conduct.cc
    [[nodiscard]] std::string line_here() const;
    [[nodiscard]] InForce conduct_of(const std::string& login) const;
    [[nodiscard]] InForce conduct_here() const;
    [[nodiscard]] conduct::Seen seen_here(conduct::Seen::What what) const;
    void tell_warden(
        const std::string& account, const std::string& line, const conduct::Seen& seen
    );
    void tell_recipients(queue::Envelope& envelope);
    net::Task<void> hold_by_conduct(std::string queue_id);
    net::Task<void> hold(std::string queue_id, std::string reason);

    // filtering.cc
    void forget_filtering();
    [[nodiscard]] bool filters() const;
    [[nodiscard]] std::shared_ptr<milter::Told> told_to_milters() const;
    void tell_spam(const std::string& verdict);
    // What milters refuse a recipient with.
    net::Task<std::optional<smtp::Reply>> filter_recipient(Smtp::CheckRcpt question);
    // True: the client has its answer.
    net::Task<bool> filter_message(Prepared* prepared);
    void discard(const Prepared& prepared);

    // recipients.cc
    net::Task<Result<std::vector<account::Destination>>> find_destinations(std::string recipient);
    net::Task<Result<std::optional<smtp::Reply>>> ask_ahead(std::string address);
    net::Task<Result<std::vector<account::Destination>>> those_taken(
        std::vector<account::Destination> all, std::map<std::string, bool> answers
    );
    void refuse_destination(const Error& why, const std::string& recipient);
    // forwarding.cc
    [[nodiscard]] std::optional<smtp::Reply> take_returned(const smtp::Address& to);
    net::Task<std::vector<Prepared>> spread_out(Prepared prepared, std::string hostname);
    net::Task<Prepared> sealed_copy(Prepared copy, std::string hostname);

    // unaligned.cc
    net::Task<From> check_alignment(const message::Header* header);
    void warn_unaligned(const std::string& author, const Alignment& found);
    // intake.cc
    [[nodiscard]] From check_author(const message::Header& header);
    [[nodiscard]] std::string address_of_author(const smtp::Transaction& transaction, From author)
        const;
    [[nodiscard]] Submitted submitted(const smtp::Transaction& transaction, From author) const;
    net::Task<void> take_message(Smtp::Deliver mail);
    // mending.cc
    net::Task<bool> mend(Smtp::Deliver* mail);
    void note_author(const std::string& why);
    [[nodiscard]] std::function<void()> reports_in(
        const queue::Envelope& envelope, std::shared_ptr<const std::string> text
    );
    void note_dmarc(const smtp::Transaction& transaction, std::string_view header, bool refused);
    net::Task<bool> refuse_unauthentic(
        std::shared_ptr<const std::string> text, const message::Header* header
    );
    net::Task<Result<std::string>> keep(std::vector<Prepared> all);
    void acknowledge(
        const Result<std::string>& committed, const std::vector<queue::Envelope>& envelopes
    );
    void note_accepted(const queue::Envelope& envelope);

    const std::shared_ptr<Shared> shared_;
    const std::shared_ptr<const Settings> settings_;
    const Kind kind_;
    const std::shared_ptr<net::Stream> stream_;
    IpAddress peer_;        // XCLIENT may change it
    std::string peer_key_;  // as limits know it
    std::shared_ptr<Live> live_;
    std::uint64_t live_id_ = 0;
    limit::Connections::Place place_;
    Smtp smtp_;

    std::unique_ptr<account::SaslServer> sasl_;
    std::optional<account::Account> candidate_;         // of the running AUTH
    std::optional<account::Account> account_;           // of the login
    std::chrono::steady_clock::time_point account_at_;  // when `account_` was looked up
    std::string guess_;                                 // LoginGuard's, of the AUTH at hand
    std::chrono::steady_clock::time_point asked_;       // when the client's last message came
    std::string mechanism_;
    bool elsewhere_ = false;               // the login's account is a source's, not ours
    std::vector<std::string> identities_;  // of the client's certificate

    std::optional<line::Answer> line_;
    // Where mail to recipients of ours goes, by their normalised address.
    std::map<std::string, std::vector<account::Destination>> destinations_;
    std::chrono::steady_clock::time_point waiting_since_;    // for the command or data under way
    std::chrono::steady_clock::time_point receiving_since_;  // the message under way, all of it
    std::uint64_t data_octets_ = 0;                          // of it
    std::uint32_t unknown_recipients_ = 0;                   // RCPTs that led nowhere
    bool client_named_ = false;                              // by XCLIENT
    bool dns_slow_ = false;                                  // of the transaction's recipients
    bool early_ = false;                                     // spoke before our greeting
    std::optional<bool> sender_takes_no_mail_;               // the domain of MAIL has a null MX
    Findings findings_;       // on the exchange: of the peer and its mail
    peer::PastVerdict past_;  // of the peer, from earlier sessions
    peer::Brought brought_;   // in this one
    std::optional<peer::Judgement> judgement_;
    std::string reference_;             // told to a client that is in the wrong place
    std::vector<limit::Taking> taken_;  // from the limits, for a message not accepted yet
    limit::Offset own_offset_;          // of the account's time zone, where it has one
    std::string limited_by_;            // the rule of the last refusal of a limit

    std::unique_ptr<milter::Chain> milters_;
    std::optional<milter::Verdict> filtered_;  // of the milters, about the transaction's MAIL
    std::string queue_id_;                     // of the transaction, once milters know it
    std::string filter_;                       // the milter of the last refusal
    std::string held_by_filter_;               // why the message is to be held
};

}  // namespace sekisho::mail
