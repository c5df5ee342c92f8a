// The server's side of one SMTP connection, without I/O: bytes of the client and answers of the
// shell in, actions out. The shell performs each action that next() returns and reports back:
//
//   start() or refuse_connection(), then next() until it is Read (read, receive()) or Close.
//
//   action        the shell then calls
//   Send          nothing
//   Read          receive(), timed_out() or nothing more (the peer has gone)
//   StartTls      tls_started()
//   Authenticate  auth_challenge(), auth_accepted() or auth_refused(); AuthContinue the same
//   AuthCancelled nothing (the exchange is void)
//   TakeClient    client_taken()
//   CheckMail, CheckRcpt, Deliver   answer()
//
// Invariants: no mail without AUTH on submission; nothing that came before TLS counts after it (RFC
// 3207 §4.2); a message is Delivered only whole; replies to a pipelined group leave in one Send.
#pragma once

#include "base/time.h"
#include "smtp/command.h"
#include "smtp/data.h"
#include "smtp/reply.h"
#include "smtp/xclient.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sekisho::smtp {

enum class Service : std::uint8_t { Submission, Exchange };

struct ServerOptions {
    Service service = Service::Exchange;
    std::string hostname;
    std::uint64_t message_size_max = 50ULL * 1024 * 1024;
    std::size_t line_length_max = 1000;  // of message lines, with CRLF
    std::uint32_t recipients_max = 100;
    std::uint32_t bad_commands_max = 10;
    std::uint32_t idle_commands_max = 100;  // NOOP, RSET, VRFY, HELP, EHLO that move nothing on
    std::uint32_t auth_failures_max = 3;    // then 421; tries are also limited across connections
    bool tls_available = true;
    bool implicit_tls = false;            // TLS runs already (port 465)
    std::vector<std::string> mechanisms;  // upper case, best first
    std::string guide_url;                // named in replies; may be empty
    // RFC 4865, on submission: how long a message may be held before it is sent; zero: not offered.
    std::chrono::seconds future_release_max{0};
    Time began{};  // of the session, for what is told as a date
    // Where mail programs belong, and what the support desk finds this session by: for who wants to
    // log in on the exchange.
    std::string submission_host;
    std::uint16_t submission_port = 587;
    std::string reference;    // empty: none is told
    bool binarymime = false;  // RFC 3030 §3
    // RFC 2852: the soonest time that a message may ask to be delivered or returned by; none: not
    // offered; zero: any.
    std::optional<std::chrono::seconds> deliver_by_min;
    bool priority = false;     // RFC 6710
    bool xclient = false;      // the peer may say whom it speaks for
    bool require_tls = false;  // RFC 8689; offered under TLS only
};

// MAIL and the RCPTs that were accepted.
struct Transaction {
    std::optional<Address> sender;  // none: the null reverse-path
    MailParameters mail;
    struct Recipient {
        Address address;
        RcptParameters parameters;
    };
    std::vector<Recipient> recipients;

    [[nodiscard]] std::string reverse_path() const {
        return sender ? sender->text() : std::string{};
    }
};

class ServerSession {
  public:
    struct Send {
        std::string bytes;
    };
    struct Read {};
    struct StartTls {};
    struct Authenticate {
        std::string mechanism;
        std::optional<std::string> initial;  // decoded
    };
    struct AuthContinue {
        std::string response;  // decoded
    };
    struct TakeClient {
        XClient told;
    };
    struct AuthCancelled {};
    struct CheckMail {};  // the sender in question is in transaction()
    struct CheckRcpt {
        Transaction::Recipient recipient;
    };
    struct Deliver {
        Transaction transaction;
        std::string message;  // CRLF lines, as the client sent it
        bool chunked = false;
    };
    struct Close {};
    using Action = std::variant<
        Send,
        Read,
        StartTls,
        Authenticate,
        AuthContinue,
        AuthCancelled,
        TakeClient,
        CheckMail,
        CheckRcpt,
        Deliver,
        Close>;

    explicit ServerSession(ServerOptions options);

    // The beginning: 220; or, for a client that spoke before it was greeted, 554 and Close (RFC
    // 5321 §3.1, §4.3.1).
    void start(bool early_talker = false);
    // The beginning of a session that isn't wanted: the reply instead of a greeting, then Close.
    void refuse_connection(Reply reply);

    [[nodiscard]] Action next();
    void receive(std::string_view bytes);

    void tls_started(bool ok);
    // One more mechanism: what the client showed in its TLS handshake allows it (EXTERNAL).
    void add_mechanism(std::string mechanism);
    void auth_challenge(std::string_view bytes);
    void auth_accepted(std::string login);
    void auth_refused(Reply reply);
    void answer(Reply reply);
    // After XCLIENT: a reply that isn't wanted (the real client is refused) ends the session.
    void client_taken(std::optional<Reply> refusal);

    // Ends the session at the next possible moment with 421 (time-out, stopping, account disabled).
    void timed_out();
    void close_with(Reply reply);

    // What the shell's time-out is for (RFC 5321 §4.5.3.2).
    enum class Waiting : std::uint8_t { Command, AuthResponse, Data };
    [[nodiscard]] Waiting waiting() const;
    // A message has begun and isn't whole yet: after DATA, or from the first BDAT to the last.
    [[nodiscard]] bool receiving() const;

    [[nodiscard]] const ServerOptions& options() const { return options_; }
    [[nodiscard]] const Transaction& transaction() const { return transaction_; }
    [[nodiscard]] const std::string& helo() const { return helo_; }
    [[nodiscard]] const std::string& login() const { return login_; }  // empty: not authenticated
    [[nodiscard]] bool extended() const { return extended_; }          // EHLO, not HELO
    [[nodiscard]] bool tls() const { return tls_; }
    // "ESMTPSA" and the like (RFC 3848, RFC 6531 §4.3), for the Received field.
    [[nodiscard]] std::string protocol() const;

    // Refusals (4xx and 5xx) since the last call, for events and counters; at most the last 32.
    struct Refusal {
        std::string command;  // "RCPT", "AUTH", "DATA", "connect", ...
        Reply reply;
    };
    [[nodiscard]] std::vector<Refusal> take_refusals();
    // A line ended with LF alone, or had a CR by itself: a command's, or one of a message.
    [[nodiscard]] bool saw_bare_newline() const { return bare_newline_; }

  private:
    enum class State : std::uint8_t {
        Fresh,      // start() has not been called
        Command,    // command lines
        TlsWanted,  // StartTls is due
        TlsWaits,   // ... and was given out
        AuthDue,
        AuthWaits,  // the shell computes
        AuthLine,   // the client's next response
        ClientDue,
        ClientWaits,
        MailDue,
        MailWaits,
        RcptDue,
        RcptWaits,
        Data,
        Chunk,
        DeliverDue,
        DeliverWaits,
        Closing,
        Closed,
    };
    enum class LineEnd : std::uint8_t { None, Good, Bare, TooLong };

    bool advance();  // one step on the input; false: more bytes are needed
    [[nodiscard]] LineEnd take_line(std::string& line);
    bool step_command();
    bool step_auth_line();
    bool step_data();
    bool step_chunk();
    void run(const Command& command);
    void on_hello(const Command& command);
    void on_mail(const Command& command);
    void on_rcpt(const Command& command);
    void on_data();
    void on_bdat(const Command& command);
    void on_rset();
    void on_start_tls();
    void on_auth(const Command& command);
    void on_xclient(const Command& command);
    void on_other(const Command& command);  // NOOP, VRFY, EXPN, HELP, QUIT
    void end_chunk();
    void end_of_message();
    void reset_transaction();
    [[nodiscard]] std::optional<Reply> mail_obstacle() const;
    [[nodiscard]] std::optional<Reply> over_limits(const MailParameters& mail) const;
    void offer_options(Reply& out) const;
    [[nodiscard]] CommandRules rules() const;
    [[nodiscard]] Reply greeting() const;
    [[nodiscard]] Reply hello_reply() const;
    [[nodiscard]] std::string with_guide(std::string text, std::string_view page = {}) const;

    void say(const Reply& reply);
    void misplaced(std::string_view command, const char* text);  // 503
    void bad(std::string_view command, Reply reply);             // counts towards bad_commands_max
    void refuse(std::string_view command, Reply reply);          // only told and noted
    void finish(Reply reply);                                    // the last reply, then Close
    void count_idle();
    void note_bare_newline(const Reply& why);
    [[nodiscard]] std::uint64_t swallow_max() const;

    ServerOptions options_;
    State state_ = State::Fresh;
    std::string input_;
    std::size_t input_at_ = 0;
    bool skipping_line_ = false;  // an oversize line is being dropped up to its end
    std::string out_;
    bool flush_ = false;

    bool tls_ = false;
    bool extended_ = false;
    std::string helo_;
    std::string login_;

    XClient told_;  // for the due action
    std::string auth_mechanism_;
    std::optional<std::string> auth_bytes_;  // for the due action
    bool auth_first_ = false;
    bool auth_cancelled_ = false;

    bool mail_open_ = false;
    bool mail_refused_ = false;  // what a pipelining client sent behind MAIL is no fault of its own
    bool rcpt_tried_ = false;
    Transaction transaction_;
    Transaction::Recipient rcpt_;
    std::optional<DataReader> data_;
    std::optional<ChunkReader> chunks_;
    std::optional<Reply> chunk_refusal_;  // BDAT failed: chunks are swallowed until RSET
    std::uint64_t chunk_left_ = 0;
    std::uint64_t swallowed_ = 0;
    bool chunk_last_ = false;
    std::string message_;

    std::uint32_t bad_commands_ = 0, idle_commands_ = 0, auth_failures_ = 0;
    std::vector<Refusal> refusals_;
    bool bare_newline_ = false;
};

}  // namespace sekisho::smtp
