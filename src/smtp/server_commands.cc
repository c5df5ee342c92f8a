// What each command does to the session, and what the shell's answers do.
#include "base/assert.h"
#include "base/bytes.h"
#include "base/time.h"
#include "smtp/command.h"
#include "smtp/guidance.h"
#include "smtp/reply.h"
#include "smtp/server_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::smtp {
namespace {

Reply out_of_order(std::string text) {
    return reply(503, "5.5.1", std::move(text));
}

}  // namespace

void ServerSession::run(const Command& command) {
    switch (command.verb) {
        case Verb::Helo:
        case Verb::Ehlo:
            return on_hello(command);
        case Verb::Mail:
            return on_mail(command);
        case Verb::Rcpt:
            return on_rcpt(command);
        case Verb::Data:
            return on_data();
        case Verb::Bdat:
            return on_bdat(command);
        case Verb::Rset:
            return on_rset();
        case Verb::StartTls:
            return on_start_tls();
        case Verb::Auth:
            return on_auth(command);
        case Verb::XClient:
            return on_xclient(command);
        case Verb::Noop:
        case Verb::Quit:
        case Verb::Vrfy:
        case Verb::Expn:
        case Verb::Help:
            return on_other(command);
    }
}

// Why no MAIL is taken now.
std::optional<Reply> ServerSession::mail_obstacle() const {
    if (helo_.empty()) {
        return out_of_order("Send EHLO first");
    }
    if (options_.service == Service::Submission) {
        if (!tls_) {
            return reply(  // RFC 3207 §4
                530,
                "5.7.0",
                with_guide("Must issue a STARTTLS command first", "/login#5.7.0")
            );
        }
        if (login_.empty()) {
            // RFC 4954 §6, RFC 6409 §4.3
            return reply(530, "5.7.0", with_guide("Authentication required", "/login#5.7.0"));
        }
    }
    if (mail_open_) {
        return out_of_order("A sender is given already; RSET gives it up");
    }
    return std::nullopt;
}

// Why what MAIL asks for can't be promised.
std::optional<Reply> ServerSession::over_limits(const MailParameters& mail) const {
    if (mail.size.value_or(0) > options_.message_size_max) {
        // RFC 1870 §6.1
        return reply(
            552,
            "5.3.4",
            fmt::format("Message too big: at most {} octets", options_.message_size_max)
        );
    }
    if ((mail.hold_for && *mail.hold_for > options_.future_release_max) ||
        (mail.hold_until && *mail.hold_until > options_.began + options_.future_release_max)) {
        return reply(
            501,
            "5.5.4",
            fmt::format(
                "A message can be held for {} seconds at most", options_.future_release_max.count()
            )
        );
    }
    // RFC 2852 §4.1.1: 55z to a time that is less than the one offered, where it must be kept.
    if (mail.deliver_by && !mail.deliver_by->notify &&
        mail.deliver_by->time < options_.deliver_by_min.value_or(std::chrono::seconds{0})) {
        return reply(
            555,
            "5.5.4",
            fmt::format(
                "Delivery within {} seconds can't be promised; the least is {}",
                mail.deliver_by->time.count(),
                options_.deliver_by_min->count()
            )
        );
    }
    return std::nullopt;
}

void ServerSession::on_mail(const Command& command) {
    if (auto obstacle = mail_obstacle()) {
        mail_refused_ = !mail_open_;
        bad("MAIL", std::move(*obstacle));
        return;
    }
    if (auto why = over_limits(command.mail)) {
        mail_refused_ = true;
        refuse("MAIL", std::move(*why));
        return;
    }
    transaction_.sender = command.address;
    transaction_.mail = command.mail;
    state_ = State::MailDue;
}

void ServerSession::on_rcpt(const Command& command) {
    if (!mail_open_) {
        misplaced("RCPT", "Give the sender with MAIL first");
        return;
    }
    if (chunks_ || chunk_refusal_) {
        bad("RCPT", out_of_order("The message has begun"));  // RFC 3030 §2
        return;
    }
    rcpt_tried_ = true;
    if (transaction_.recipients.size() >= options_.recipients_max) {
        // RFC 5321 §4.5.3.1.10
        refuse(
            "RCPT",
            reply(
                452,
                "4.5.3",
                fmt::format("Too many recipients: at most {} a message", options_.recipients_max)
            )
        );
        return;
    }
    rcpt_ = {*command.address, command.rcpt};
    state_ = State::RcptDue;
}

void ServerSession::misplaced(std::string_view command, const char* text) {
    Reply why = out_of_order(text);
    if (mail_refused_) {
        refuse(command, std::move(why));
    } else {
        bad(command, std::move(why));
    }
}

void ServerSession::on_data() {
    flush_ = true;
    if (!mail_open_ || !rcpt_tried_) {
        misplaced("DATA", "Give sender and recipients first");
        return;
    }
    if (chunks_ || chunk_refusal_) {
        bad("DATA", out_of_order("DATA can't follow BDAT"));  // RFC 3030 §2
        return;
    }
    if (transaction_.mail.body == Body::Binary) {
        bad("DATA", out_of_order("A BINARYMIME message comes with BDAT"));  // RFC 3030 §3
        return;
    }
    if (transaction_.recipients.empty()) {
        refuse("DATA", reply(554, "5.5.1", "No valid recipients"));  // RFC 5321 §3.3
        return;
    }
    data_.emplace(DataLimits{options_.message_size_max, options_.line_length_max});
    state_ = State::Data;
    say(reply(354, "", "Send the message, end it with a dot on a line of its own"));
}

void ServerSession::on_bdat(const Command& command) {
    // RFC 3030 §2: whatever is wrong, the chunk's octets follow and are not commands.
    chunk_left_ = command.chunk_size;
    chunk_last_ = command.chunk_last;
    if (!chunk_refusal_) {
        if (!mail_open_ || !rcpt_tried_) {
            chunk_refusal_ = out_of_order("Give sender and recipients first");
        } else if (transaction_.recipients.empty()) {
            chunk_refusal_ = reply(554, "5.5.1", "No valid recipients");
        }
    }
    if (!chunk_refusal_ && !chunks_) {
        const bool binary = transaction_.mail.body == Body::Binary;
        chunks_.emplace(DataLimits{options_.message_size_max, options_.line_length_max}, binary);
    }
    state_ = State::Chunk;
}

void ServerSession::end_chunk() {
    state_ = State::Command;
    flush_ = true;
    if (chunks_ && chunk_last_ && !chunk_refusal_) {
        chunks_->finish();
    }
    if (chunks_ && chunks_->refused() && !chunk_refusal_) {
        chunk_refusal_ = *chunks_->refused();
        note_bare_newline(*chunk_refusal_);
    }
    if (chunk_refusal_) {
        // The transaction has failed; further chunks are answered alike until RSET or EHLO.
        const Reply why = *chunk_refusal_;
        if (!mail_open_) {
            chunk_refusal_.reset();
        } else {
            chunk_refusal_ = out_of_order("The message was refused; RSET gives it up");
        }
        bad("BDAT", why);
        return;
    }
    if (chunk_last_) {
        message_ = chunks_->take_message();
        end_of_message();
        return;
    }
    say(reply(250, "2.0.0", fmt::format("{} octets so far", chunks_->size())));
}

void ServerSession::end_of_message() {
    bad_commands_ = 0;
    idle_commands_ = 0;
    state_ = State::DeliverDue;
}

void ServerSession::on_rset() {
    reset_transaction();
    say(reply(250, "2.0.0", "Ok"));
    count_idle();
}

void ServerSession::reset_transaction() {
    mail_open_ = false;
    mail_refused_ = false;
    rcpt_tried_ = false;
    transaction_ = {};
    rcpt_ = {};
    data_.reset();
    chunks_.reset();
    chunk_refusal_.reset();
    chunk_left_ = 0;
    swallowed_ = 0;
    message_.clear();
}

void ServerSession::on_start_tls() {
    flush_ = true;
    if (tls_) {
        bad("STARTTLS", out_of_order("TLS is running already"));
        return;
    }
    if (!options_.tls_available) {
        bad("STARTTLS", reply(502, "5.5.1", "TLS is not available"));
        return;
    }
    if (input_at_ < input_.size()) {
        // RFC 3207 §4.2: a client waits for 220 and the handshake; commands put behind STARTTLS in
        // plain are an injection.
        Reply why = reply(554, "5.5.1", "Bytes came in plain after STARTTLS");
        refusals_.push_back({"STARTTLS", why});
        finish(std::move(why));
        return;
    }
    say(reply(220, "2.0.0", "Ready to start TLS"));
    swallowed_ = 0;
    state_ = State::TlsWanted;
}

void ServerSession::tls_started(bool ok) {
    SEKISHO_ASSERT(state_ == State::TlsWaits);
    const bool injected = swallowed_ > 0;
    reset_transaction();
    input_.clear();
    input_at_ = 0;
    if (!ok || injected) {
        refusals_.push_back({"STARTTLS", reply(454, "4.7.0", "TLS handshake failed")});
        state_ = State::Closing;
        return;
    }
    // RFC 3207 §4.2: nothing that was said before counts.
    tls_ = true;
    extended_ = false;
    helo_.clear();
    state_ = State::Command;
}

void ServerSession::on_auth(const Command& command) {
    flush_ = true;
    if (options_.service == Service::Exchange) {
        const std::string& host = options_.submission_host;
        std::string text = "No authentication here: ";
        text += use_submission(host.empty() ? options_.hostname : host, options_.submission_port);
        bad("AUTH",
            out_of_order(
                options_.reference.empty()
                    ? with_guide(std::move(text))
                    : with_reference(std::move(text), options_.guide_url, options_.reference)
            ));
        return;
    }
    if (!tls_) {
        // RFC 4954 §6
        bad("AUTH",
            reply(
                538,
                "5.7.11",
                with_guide("Encryption required: issue STARTTLS first", "/login#5.7.11")
            ));
        return;
    }
    if (!extended_) {
        bad("AUTH", out_of_order("Send EHLO first"));
        return;
    }
    if (!login_.empty() || mail_open_) {
        // RFC 4954 §4
        bad("AUTH",
            out_of_order(mail_open_ ? "Not during a mail transaction" : "Already authenticated"));
        return;
    }
    const bool known =
        std::find(options_.mechanisms.begin(), options_.mechanisms.end(), command.mechanism) !=
        options_.mechanisms.end();
    if (!known) {
        bad("AUTH", reply(504, "5.5.4", "Unknown authentication mechanism"));
        return;
    }
    auth_bytes_.reset();
    if (command.initial) {
        // RFC 4954 §4: "=" is an empty initial response.
        auth_bytes_ = *command.initial == "=" ? std::string{} : unbase64(*command.initial);
        if (!auth_bytes_ || command.initial->empty()) {
            bad("AUTH", reply(501, "5.5.2", "The initial response is not base64"));
            return;
        }
    }
    auth_mechanism_ = command.mechanism;
    auth_first_ = true;
    state_ = State::AuthDue;
}

void ServerSession::auth_challenge(std::string_view bytes) {
    SEKISHO_ASSERT(state_ == State::AuthWaits);
    // Not a Reply: the line is as long as the challenge (RFC 4954 §4).
    out_ += "334 " + base64(bytes) + "\r\n";
    flush_ = true;
    state_ = State::AuthLine;
}

void ServerSession::auth_accepted(std::string login) {
    SEKISHO_ASSERT(state_ == State::AuthWaits && !login.empty());
    login_ = std::move(login);
    say(reply(235, "2.7.0", "Authentication succeeded"));
    flush_ = true;
    state_ = State::Command;
}

void ServerSession::auth_refused(Reply reply) {
    SEKISHO_ASSERT(state_ == State::AuthWaits && !reply.positive());
    state_ = State::Command;
    flush_ = true;
    const bool closing = reply.code == 421;
    if (closing) {
        refusals_.push_back({"AUTH", reply});
        finish(std::move(reply));
        return;
    }
    refuse("AUTH", std::move(reply));
    if (++auth_failures_ >= options_.auth_failures_max) {
        finish(smtp::reply(421, "4.7.0", options_.hostname + " Too many failed logins"));
    }
}

void ServerSession::on_xclient(const Command& command) {
    flush_ = true;
    if (mail_open_) {
        bad("XCLIENT", out_of_order("Not during a mail transaction"));
        return;
    }
    told_ = command.xclient;
    state_ = State::ClientDue;
}

void ServerSession::client_taken(std::optional<Reply> refusal) {
    SEKISHO_ASSERT(state_ == State::ClientWaits);
    if (refusal) {
        refusals_.push_back({"connect", *refusal});
        finish(std::move(*refusal));
        return;
    }
    // A new session begins, as if the real client had connected; TLS stays.
    reset_transaction();
    helo_.clear();
    login_.clear();
    extended_ = false;
    bad_commands_ = idle_commands_ = auth_failures_ = 0;
    state_ = State::Command;
    say(greeting());
    flush_ = true;
}

void ServerSession::answer(Reply reply) {
    const State asked = state_;
    SEKISHO_ASSERT(
        asked == State::MailWaits || asked == State::RcptWaits || asked == State::DeliverWaits
    );
    state_ = State::Command;
    const char* command = "MAIL";
    if (asked == State::MailWaits) {
        mail_open_ = reply.positive();
        if (!mail_open_) {
            reset_transaction();
            mail_refused_ = true;
        }
    } else if (asked == State::RcptWaits) {
        command = "RCPT";
        if (reply.positive()) {
            transaction_.recipients.push_back(std::move(rcpt_));
        }
        rcpt_ = {};
    } else {
        command = chunks_ ? "BDAT" : "DATA";
        reset_transaction();
        flush_ = true;
    }
    if (reply.code == 421) {
        refusals_.push_back({command, reply});
        finish(std::move(reply));
    } else if (reply.positive()) {
        say(reply);
    } else {
        refuse(command, std::move(reply));
    }
}

void ServerSession::on_other(const Command& command) {
    flush_ = true;
    switch (command.verb) {
        case Verb::Quit:
            finish(reply(221, "2.0.0", options_.hostname + " Goodbye"));
            return;
        case Verb::Vrfy:
            // RFC 5321 §3.5.3: neither confirmed nor denied.
            say(reply(252, "2.5.0", "Try to deliver to it; the answer comes with RCPT"));
            break;
        case Verb::Expn:
            bad("EXPN", reply(502, "5.5.1", "Lists are not expanded here"));
            return;
        case Verb::Help:
            say(reply(
                214,
                "2.0.0",
                with_guide("EHLO MAIL RCPT DATA BDAT RSET NOOP QUIT VRFY HELP STARTTLS AUTH")
            ));
            break;
        default:
            say(reply(250, "2.0.0", "Ok"));
            break;
    }
    count_idle();
}

}  // namespace sekisho::smtp
