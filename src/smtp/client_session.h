// An SMTP or LMTP client for one connection, without I/O: bytes of the server in, actions out. The
// shell connects, performs the actions in order and reports back:
//
//   session.next() until it is Read (read, then receive() or lost()), Ready (deliver() or quit()),
//   Finished (the outcome of one message) or Close.
//
// States: greeting -> EHLO (HELO, LHLO) -> [STARTTLS -> EHLO] -> [AUTH] -> ready -> MAIL, RCPT...
// -> data -> ready ... -> QUIT. Every recipient of a message gets exactly one outcome, whatever
// happens.
#pragma once

#include "base/time.h"
#include "smtp/data.h"
#include "smtp/reply.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sekisho::smtp {

// Where a failure happened; for logs, DSNs and the choice of what to do next.
enum class Stage : std::uint8_t {
    Connect,
    Greeting,
    Hello,
    StartTls,
    Auth,
    Mail,
    Rcpt,
    Data,
    EndOfData
};
[[nodiscard]] std::string_view name(Stage stage);

struct ClientOptions {
    enum class Tls : std::uint8_t {
        Never,
        Opportunistic,  // STARTTLS when it is offered (RFC 7435)
        Required,       // without it: 4.7.10 for every recipient (RFC 3207 §4)
    };
    std::string hostname;  // our EHLO name
    Tls tls = Tls::Opportunistic;
    bool tls_running = false;  // implicit TLS: don't ask for STARTTLS
    bool lmtp = false;         // RFC 2033
    // Log in (RFC 4954) before anything is sent; without TLS only if that is permitted. A server
    // that offers no AUTH, or none under these conditions, gets nothing.
    bool login = false;
    bool login_in_plain = false;
    bool prefer_chunking = false;  // BDAT instead of DATA where offered
    // Octets above 127 to servers without 8BITMIME too, as many clients do: a server that clears
    // the eighth bit is rarer than one that forgets to announce it. Else 5.6.3 (RFC 6152 §3).
    bool eight_bit_anyway = false;
};

struct OutgoingRecipient {
    std::string address;  // without angle brackets
    std::string notify, orcpt;
};
struct OutgoingMessage {
    std::string reverse_path;  // empty: null
    std::vector<OutgoingRecipient> recipients;
    std::shared_ptr<const std::string> bytes;  // CRLF lines
    bool smtputf8 = false;                     // it was accepted with SMTPUTF8
    bool body_8bit = false;
    bool body_binary = false;  // RFC 3030: goes with BDAT, to who offers BINARYMIME, or not at all
    bool require_tls = false;  // RFC 8689: goes under TLS, to who offers REQUIRETLS, or not at all
    int priority = 0;          // RFC 6710, handed on where it is offered
    // RFC 2852: what is left of the time. What is to be returned after it goes only to who can see
    // to that; where it is only to be told, others get it, too.
    struct DeliverBy {
        std::int64_t seconds = 0;  // less than 0: the time is over
        bool must_return = false;  // by-mode R
        bool trace = false;
    };
    std::optional<DeliverBy> deliver_by;
    std::string ret, envid;
};

struct RecipientOutcome {
    std::string address;
    Stage stage = Stage::Connect;  // that decided
    Reply reply;         // of the server; local ones (connection lost, no SMTPUTF8) are Replies too
    bool local = false;  // the reply is ours, not the server's
};
struct MessageOutcome {
    std::vector<RecipientOutcome> recipients;  // in the order given
};

class ClientSession {
  public:
    struct Send {
        std::string bytes;
    };
    struct Read {};      // wait for bytes, at most reply_timeout()
    struct StartTls {};  // perform the handshake, then tls_started()
    // What SASL has to say, worked out by the shell: Begin, choose one of offered().mechanisms,
    // then login_begun(); Challenge: login_answer(); Success, which the server says:
    // login_believed().
    struct Login {
        enum class Step : std::uint8_t { Begin, Challenge, Success };
        Step step = Step::Begin;
        std::string challenge;
    };
    struct Ready {};   // deliver() another message, or quit()
    struct Finished {  // what became of the message given to deliver()
        MessageOutcome outcome;
    };
    struct Close {};  // nothing more to say
    using Action = std::variant<Send, Read, StartTls, Login, Ready, Finished, Close>;

    explicit ClientSession(ClientOptions options);

    [[nodiscard]] Action next();

    void receive(std::string_view bytes);
    // After StartTls. False: the handshake failed (`why`: one line); opportunistic callers connect
    // again with Tls::Never.
    void tls_started(bool ok, std::string_view why = {});
    // `mechanism` empty: none of those offered will do.
    void login_begun(std::string_view mechanism, const std::optional<std::string>& initial);
    // nullopt: the exchange is cancelled (`why`: one line, not empty).
    void login_answer(const std::optional<std::string>& response, std::string_view why = {});
    // False: the server owes a proof of its own.
    void login_believed(bool complete);
    // At any time before Ready (it is begun when the session is ready) or when Ready. One at once.
    void deliver(OutgoingMessage message);
    void quit();
    // The connection is gone or the time is up: what was open ends with 4.4.2 at its stage. After a
    // failed write, receive() what has come first: it may be the server's reason.
    void lost(std::string_view why);

    // RFC 5321 §4.5.3.2: how long the reply that is waited for may take.
    [[nodiscard]] Duration reply_timeout() const;
    [[nodiscard]] Stage stage() const { return stage_; }
    // Set when the session as a whole failed (greeting, EHLO, STARTTLS, connection): the reply.
    [[nodiscard]] const std::optional<Reply>& failure() const { return failure_; }
    [[nodiscard]] bool tls() const { return tls_; }

    struct Offered {
        bool pipelining = false, size = false, eightbit = false, smtputf8 = false, dsn = false,
             starttls = false, chunking = false, binarymime = false, require_tls = false,
             priority = false, deliver_by = false;
        std::int64_t deliver_by_min = 0;      // seconds that must be left for by-mode R
        std::uint64_t size_max = 0;           // 0: no limit named
        std::vector<std::string> mechanisms;  // of AUTH, as written
    };
    [[nodiscard]] const Offered& offered() const { return offered_; }
    [[nodiscard]] const std::string& greeting() const { return greeting_; }

  private:
    enum class Await : std::uint8_t {
        Nothing,
        Greeting,
        Ehlo,
        Helo,
        StartTls,
        Auth,
        Mail,
        Rcpt,
        DataGo,
        DataEnd,
        Rset,
        Quit
    };
    enum class Phase : std::uint8_t { Idle, Handshake, Ready, Sending, Closed };

    void take(const Reply& reply);
    void take_greeting(const Reply& reply);
    void take_hello(const Reply& reply, bool extended);
    void take_start_tls(const Reply& reply);
    void take_auth(const Reply& reply);
    void take_mail(const Reply& reply);
    void take_rcpt(const Reply& reply);
    void take_data_go(const Reply& reply);
    void take_data_end(const Reply& reply);
    void read_offers(const Reply& reply);
    void hello();
    void settled_tls();
    void ready();
    void begin();
    [[nodiscard]] std::optional<Reply> unfit() const;  // why the message can't go to this server
    [[nodiscard]] std::string mail_command() const;
    [[nodiscard]] std::string rcpt_command(const OutgoingRecipient& to) const;
    void send_envelope();
    void ask_data();
    void send_body();
    void settle(std::size_t index, Stage stage, Reply reply, bool local = false);
    void settle_open(Stage stage, const Reply& reply, bool local);
    void message_done(bool reset);
    void fail_session(Stage stage, Reply reply, bool local);
    void command(std::string line, Await reply);

    ClientOptions options_;
    Offered offered_;
    ReplyReader replies_;
    std::string greeting_;
    std::string out_;
    std::deque<Await> awaited_;  // replies still to come, in order
    Phase phase_ = Phase::Idle;
    Stage stage_ = Stage::Greeting;
    bool tls_ = false;
    bool start_tls_ = false;  // the shell is to perform the handshake
    bool quit_wanted_ = false;
    std::optional<Login> login_;                // the shell is to work out the next message
    std::optional<std::string> login_initial_;  // waits for the server's first word
    std::string login_cancelled_;               // why
    std::optional<Reply> failure_;

    std::optional<OutgoingMessage> message_;
    std::vector<std::optional<RecipientOutcome>> outcomes_;
    std::vector<std::size_t> accepted_;  // recipients that RCPT took, in order
    std::size_t rcpt_next_ = 0;          // whose RCPT reply is next
    std::size_t data_next_ = 0;          // LMTP: whose reply after the data is next
    bool mail_refused_ = false;
    bool body_on_ = false;  // the message's bytes are being sent
    bool chunking_ = false;
    DotStuffer stuffer_;
    std::size_t chunk_at_ = 0;
    std::optional<MessageOutcome> finished_;
};

}  // namespace sekisho::smtp
