// The session's input and output: lines, data, AUTH responses, what is sent when. The commands are
// in server_commands.cc.
#include "smtp/server_session.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "smtp/command.h"
#include "smtp/data.h"
#include "smtp/reply.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::smtp {
namespace {

constexpr std::size_t kRefusalsKept = 32;
// No line is longer, whatever it is. Lines that may be an AUTH command get that command's room.
constexpr std::size_t kLineHardMax = 2000;

bool may_be_auth(std::string_view line) {
    return line.size() >= 5 && iequals(line.substr(0, 5), "AUTH ");
}

}  // namespace

ServerSession::ServerSession(ServerOptions options)
    : options_(std::move(options)), tls_(options_.implicit_tls) {}

void ServerSession::start(bool early_talker) {
    SEKISHO_ASSERT(state_ == State::Fresh);
    if (early_talker) {
        input_.clear();
        refuse_connection(
            reply(554, "5.5.1", with_guide("Protocol error: a client waits for the greeting"))
        );
        return;
    }
    state_ = State::Command;
    say(greeting());
}

void ServerSession::refuse_connection(Reply reply) {
    SEKISHO_ASSERT(state_ == State::Fresh);
    refusals_.push_back({"connect", reply});
    finish(std::move(reply));
}

ServerSession::Action ServerSession::next() {
    while (true) {
        if (flush_ && !out_.empty()) {
            flush_ = false;
            return Send{std::exchange(out_, {})};
        }
        flush_ = false;
        if (auth_cancelled_) {
            auth_cancelled_ = false;
            return AuthCancelled{};
        }
        switch (state_) {
            case State::TlsWanted:
            case State::Closing:
                if (!out_.empty()) {
                    return Send{std::exchange(out_, {})};
                }
                if (state_ == State::Closing) {
                    state_ = State::Closed;
                    return Close{};
                }
                state_ = State::TlsWaits;
                return StartTls{};
            case State::Closed:
                return Close{};
            case State::AuthDue: {
                state_ = State::AuthWaits;
                std::optional<std::string> bytes = std::exchange(auth_bytes_, std::nullopt);
                if (std::exchange(auth_first_, false)) {
                    return Authenticate{auth_mechanism_, std::move(bytes)};
                }
                return AuthContinue{std::move(bytes).value_or(std::string{})};
            }
            case State::ClientDue:
                state_ = State::ClientWaits;
                return TakeClient{told_};
            case State::MailDue:
                state_ = State::MailWaits;
                return CheckMail{};
            case State::RcptDue:
                state_ = State::RcptWaits;
                return CheckRcpt{rcpt_};
            case State::DeliverDue:
                state_ = State::DeliverWaits;
                return Deliver{transaction_, std::exchange(message_, {}), chunks_.has_value()};
            default:
                break;
        }
        if (!advance()) {
            return out_.empty() ? Action(Read{}) : Action(Send{std::exchange(out_, {})});
        }
    }
}

void ServerSession::receive(std::string_view bytes) {
    if (state_ == State::Closing || state_ == State::Closed || state_ == State::TlsWanted ||
        state_ == State::TlsWaits) {
        // After STARTTLS only the handshake may come; plain bytes are dropped by tls_started().
        swallowed_ += bytes.size();
        return;
    }
    if (input_at_ > 0 && input_at_ == input_.size()) {
        input_.clear();
        input_at_ = 0;
    }
    input_ += bytes;
}

bool ServerSession::advance() {
    switch (state_) {
        case State::Command:
            return step_command();
        case State::AuthLine:
            return step_auth_line();
        case State::Data:
            return step_data();
        case State::Chunk:
            return step_chunk();
        default:
            return false;  // the shell owes us an answer
    }
}

// Takes one line out of the input, without its end.
ServerSession::LineEnd ServerSession::take_line(std::string& line) {
    const std::string_view rest = std::string_view(input_).substr(input_at_);
    const bool auth = state_ == State::AuthLine || may_be_auth(rest.substr(0, 5));
    const std::size_t max = auth ? kAuthLineMax : kLineHardMax;
    const std::size_t end = rest.find('\n');
    const std::size_t length = end == std::string_view::npos ? rest.size() : end + 1;
    const bool too_long = length > max || skipping_line_;
    if (end == std::string_view::npos) {
        if (too_long) {
            skipping_line_ = true;
            input_.clear();
            input_at_ = 0;
        }
        return LineEnd::None;
    }
    skipping_line_ = false;
    line.assign(too_long ? std::string_view{} : rest.substr(0, end));
    input_at_ += length;
    if (input_at_ > 65536) {
        input_.erase(0, input_at_);
        input_at_ = 0;
    }
    if (too_long) {
        return LineEnd::TooLong;
    }
    // RFC 5321 §2.3.8: a line ends with CRLF and has no other CR, LF or NUL.
    if (!line.ends_with('\r')) {
        return LineEnd::Bare;
    }
    line.pop_back();
    return line.find_first_of(std::string_view("\r\0", 2)) == std::string::npos ? LineEnd::Good
                                                                                : LineEnd::Bare;
}

bool ServerSession::step_command() {
    std::string line;
    const LineEnd end = take_line(line);
    if (end == LineEnd::None) {
        return false;
    }
    if (end == LineEnd::TooLong) {
        bad("line", reply(500, "5.5.2", "Line too long"));
        return true;
    }
    if (end == LineEnd::Bare) {
        bare_newline_ = true;
        bad("line",
            reply(500, "5.5.2", "A line must end with CRLF and have no other CR, LF or NUL"));
        return true;
    }
    if (line.contains(" HTTP/1.")) {
        // A browser was made to talk to us (cross-protocol attack): its body must not be read as
        // commands.
        refusals_.push_back({"line", reply(554, "5.5.1", "HTTP on an SMTP port")});
        finish(reply(554, "5.5.1", "This is a mail server, not a web server"));
        return true;
    }
    const auto command = parse_command(line, rules());
    if (!command) {
        const std::string word = to_upper(line.substr(0, line.find(' ')));
        if (word == "BDAT") {
            // How many octets of message follow is unknown, so nothing behind can be a command.
            refusals_.push_back({word, command.error()});
            finish(command.error());
            return true;
        }
        mail_refused_ = mail_refused_ || (word == "MAIL" && !mail_open_);
        bad(printable(word, 12), command.error());
        return true;
    }
    run(*command);
    return true;
}

bool ServerSession::step_auth_line() {
    std::string line;
    const LineEnd end = take_line(line);
    if (end == LineEnd::None) {
        return false;
    }
    state_ = State::Command;
    // RFC 4954 §4: a lone "*" cancels; what isn't base64 is a syntax error.
    const auto decoded = end == LineEnd::Good ? unbase64(line) : std::nullopt;
    if (decoded) {
        auth_bytes_ = *decoded;
        state_ = State::AuthDue;
        return true;
    }
    auth_cancelled_ = true;
    if (end == LineEnd::Good && line == "*") {
        bad("AUTH", reply(501, "5.7.0", "Authentication cancelled"));
    } else if (end == LineEnd::TooLong) {
        bad("AUTH", reply(500, "5.5.6", "Authentication exchange line is too long"));
    } else {
        bad("AUTH", reply(501, "5.5.2", "The response is not base64"));
    }
    return true;
}

std::uint64_t ServerSession::swallow_max() const {
    return options_.message_size_max * 4 + 1024 * 1024;
}

void ServerSession::note_bare_newline(const Reply& why) {
    bare_newline_ = bare_newline_ || why.enhanced == kBareNewlineStatus;
}

bool ServerSession::step_data() {
    const std::string_view rest = std::string_view(input_).substr(input_at_);
    input_at_ += data_->receive(rest);
    if (data_->done()) {
        if (data_->refused()) {
            const Reply why = *data_->refused();
            note_bare_newline(why);
            reset_transaction();
            state_ = State::Command;
            flush_ = true;
            refuse("DATA", why);
        } else {
            message_ = data_->take_message();
            end_of_message();
        }
        return true;
    }
    if (data_->refused() && data_->size() > swallow_max()) {
        refusals_.push_back({"DATA", *data_->refused()});
        finish(*data_->refused());
        return true;
    }
    return false;
}

bool ServerSession::step_chunk() {
    const std::string_view rest = std::string_view(input_).substr(input_at_);
    const std::size_t size = std::min<std::uint64_t>(rest.size(), chunk_left_);
    if (chunks_) {
        chunks_->receive(rest.substr(0, size));
    }
    if (chunk_refusal_ || (chunks_ && chunks_->refused())) {
        swallowed_ += size;
    }
    input_at_ += size;
    chunk_left_ -= size;
    if (chunk_left_ == 0) {
        end_chunk();
        return true;
    }
    if (swallowed_ > swallow_max()) {
        const Reply too_big = reply(552, "5.3.4", "Message too big");
        refusals_.push_back({"BDAT", too_big});
        finish(too_big);
        return true;
    }
    return false;
}

ServerSession::Waiting ServerSession::waiting() const {
    switch (state_) {
        case State::AuthLine:
            return Waiting::AuthResponse;
        case State::Data:
        case State::Chunk:
            return Waiting::Data;
        default:
            return Waiting::Command;
    }
}

bool ServerSession::receiving() const {
    return state_ == State::Data || state_ == State::Chunk ||
           (state_ == State::Command && (chunks_ || (mail_open_ && chunk_refusal_)));
}

void ServerSession::timed_out() {
    // RFC 5321 §3.8: 421 before closing; a message that isn't whole is forgotten.
    close_with(reply(421, "4.4.2", options_.hostname + " Time is up, closing the connection"));
}

void ServerSession::close_with(Reply reply) {
    if (state_ != State::Closing && state_ != State::Closed) {
        reset_transaction();
        finish(std::move(reply));
    }
}

std::vector<ServerSession::Refusal> ServerSession::take_refusals() {
    return std::exchange(refusals_, {});
}

void ServerSession::say(const Reply& reply) {
    out_ += reply.to_bytes();
}

void ServerSession::refuse(std::string_view command, Reply reply) {
    say(reply);
    if (refusals_.size() < kRefusalsKept) {
        refusals_.push_back({std::string(command), std::move(reply)});
    }
}

void ServerSession::bad(std::string_view command, Reply reply) {
    refuse(command, std::move(reply));
    if (++bad_commands_ >= options_.bad_commands_max) {
        Reply enough = smtp::reply(421, "4.7.0", options_.hostname + " Too many errors");
        refusals_.push_back({std::string(command), enough});
        finish(std::move(enough));
    }
}

void ServerSession::count_idle() {
    if (++idle_commands_ > options_.idle_commands_max) {
        Reply enough = reply(421, "4.7.0", options_.hostname + " Too many commands without mail");
        refusals_.push_back({"idle", enough});
        finish(std::move(enough));
    }
}

void ServerSession::finish(Reply reply) {
    say(reply);
    state_ = State::Closing;
    input_.clear();
    input_at_ = 0;
}

}  // namespace sekisho::smtp
