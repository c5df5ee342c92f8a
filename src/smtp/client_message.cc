// The part of the client session that sends one message: MAIL, RCPT, the data, the outcome of each
// recipient.
#include "base/assert.h"
#include "base/bytes.h"
#include "smtp/client_session.h"
#include "smtp/data.h"
#include "smtp/reply.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::smtp {
namespace {

constexpr std::size_t kPiece = 65536;

// In blocks, whose octets the compiler takes many at a time.
bool ascii(std::string_view text) {
    constexpr std::size_t block = 1024;
    while (!text.empty()) {
        unsigned all = 0;
        for (const char c : text.substr(0, block)) {
            all |= static_cast<unsigned char>(c);
        }
        if (all >= 0x80) {
            return false;
        }
        text.remove_prefix(std::min(block, text.size()));
    }
    return true;
}

// RFC 6531 §1.2: internationalised are the addresses and the header fields; an 8-bit body alone
// doesn't need SMTPUTF8.
bool needs_smtputf8(const OutgoingMessage& message) {
    const bool addresses =
        ascii(message.reverse_path) &&
        std::all_of(message.recipients.begin(), message.recipients.end(), [](const auto& to) {
            return ascii(to.address);
        });
    if (!addresses) {
        return true;
    }
    const std::string_view bytes = *message.bytes;
    return message.smtputf8 && !ascii(bytes.substr(0, bytes.find("\r\n\r\n")));
}

// An address that would break out of its command is a bug of ours or a damaged queue file: it must
// not reach the wire.
bool printable_address(std::string_view address) {
    return std::none_of(address.begin(), address.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    });
}

}  // namespace

std::optional<Reply> ClientSession::unfit() const {
    const OutgoingMessage& message = *message_;
    const bool sound =
        printable_address(message.reverse_path) &&
        std::all_of(message.recipients.begin(), message.recipients.end(), [](const auto& to) {
            return printable_address(to.address);
        });
    if (!sound) {
        return reply(550, "5.1.3", "An address of the envelope has control characters");
    }
    if (needs_smtputf8(message) && !offered_.smtputf8) {
        // RFC 6531 §3.5
        return reply(550, "5.6.7", "The server does not support internationalised mail (SMTPUTF8)");
    }
    if (message.body_binary && !(offered_.binarymime && offered_.chunking)) {
        // RFC 3030 §3: lines would be made of what are none. It is not encoded anew, since that
        // would break its signatures.
        return reply(550, "5.6.3", "The server does not take binary messages (BINARYMIME)");
    }
    const bool eight_bit = message.body_8bit || !ascii(*message.bytes);
    if (eight_bit && !message.body_binary && !offered_.eightbit && !options_.eight_bit_anyway) {
        // RFC 6152 §3. It is not encoded anew, as above.
        return reply(550, "5.6.3", "The server takes 7-bit messages only (no 8BITMIME)");
    }
    if (message.require_tls && !message.reverse_path.empty() && !(tls_ && offered_.require_tls)) {
        // RFC 8689 §4.2.1; §5: a notification goes without, where it must.
        return reply(550, "5.7.30", "The server does not support REQUIRETLS, which was asked for");
    }
    if (message.deliver_by && message.deliver_by->must_return && !options_.lmtp) {
        // RFC 2852 §4.1.4: whoever takes it must be able to give it back in time.
        if (!offered_.deliver_by) {
            return reply(
                550,
                "5.3.3",
                "The server can't keep to a time of delivery (DELIVERBY), as asked for"
            );
        }
        if (message.deliver_by->seconds < std::max<std::int64_t>(1, offered_.deliver_by_min)) {
            return reply(
                550,
                "5.4.7",
                fmt::format(
                    "The server needs {} s for a time of delivery, {} are left",
                    offered_.deliver_by_min,
                    message.deliver_by->seconds
                )
            );
        }
    }
    if (offered_.size_max > 0 && message.bytes->size() > offered_.size_max) {
        // RFC 1870 §6.1: a message known to be too big need not be tried.
        return reply(
            552,
            "5.3.4",
            fmt::format(
                "The message has {} octets, the server takes {}",
                message.bytes->size(),
                offered_.size_max
            )
        );
    }
    return std::nullopt;
}

void ClientSession::begin() {
    phase_ = Phase::Sending;
    stage_ = Stage::Mail;
    if (const auto why = unfit()) {
        settle_open(Stage::Mail, *why, true);
        message_done(false);
        return;
    }
    chunking_ = (options_.prefer_chunking || message_->body_binary) && offered_.chunking;
    stuffer_ = DotStuffer{};
    chunk_at_ = 0;
    send_envelope();
}

std::string ClientSession::mail_command() const {
    const OutgoingMessage& message = *message_;
    std::string line = fmt::format("MAIL FROM:<{}>", message.reverse_path);
    if (offered_.size) {
        line += fmt::format(" SIZE={}", message.bytes->size());
    }
    if (message.body_binary) {
        line += " BODY=BINARYMIME";
    } else if (offered_.eightbit && (message.body_8bit || !ascii(*message.bytes))) {
        line += " BODY=8BITMIME";
    }
    if (offered_.smtputf8 && needs_smtputf8(message)) {
        line += " SMTPUTF8";
    }
    if (message.require_tls && tls_ && offered_.require_tls) {
        line += " REQUIRETLS";
    }
    if (offered_.priority && message.priority != 0) {
        line += fmt::format(" MT-PRIORITY={}", message.priority);
    }
    if (offered_.deliver_by && message.deliver_by) {
        // RFC 2852 §4: at most nine digits.
        constexpr std::int64_t most = 999'999'999;
        line += fmt::format(
            " BY={};{}{}",
            std::clamp(message.deliver_by->seconds, -most, most),
            message.deliver_by->must_return ? 'R' : 'N',
            message.deliver_by->trace ? "T" : ""
        );
    }
    if (offered_.dsn && !message.ret.empty()) {
        line += " RET=" + message.ret;
    }
    if (offered_.dsn && !message.envid.empty()) {
        line += " ENVID=" + message.envid;
    }
    return line;
}

std::string ClientSession::rcpt_command(const OutgoingRecipient& to) const {
    std::string line = fmt::format("RCPT TO:<{}>", to.address);
    if (offered_.dsn && !to.notify.empty()) {
        line += " NOTIFY=" + to.notify;
    }
    if (offered_.dsn && !to.orcpt.empty()) {
        line += " ORCPT=" + to.orcpt;
    }
    return line;
}

// RFC 2920 §3.1: MAIL, RCPT and DATA in one group when the server can; else one at a time.
void ClientSession::send_envelope() {
    command(mail_command(), Await::Mail);
    if (!offered_.pipelining) {
        return;
    }
    for (const OutgoingRecipient& to : message_->recipients) {
        command(rcpt_command(to), Await::Rcpt);
    }
    // BDAT would send the message itself before we know that anybody wants it.
    if (!chunking_) {
        command("DATA", Await::DataGo);
    }
}

void ClientSession::take_mail(const Reply& reply) {
    if (!reply.positive()) {
        mail_refused_ = true;
        settle_open(Stage::Mail, reply, false);
        if (!offered_.pipelining) {
            message_done(true);
        }
        return;
    }
    stage_ = Stage::Rcpt;
    if (!offered_.pipelining) {
        command(rcpt_command(message_->recipients[0]), Await::Rcpt);
    }
}

void ClientSession::take_rcpt(const Reply& reply) {
    const std::size_t index = rcpt_next_++;
    if (!reply.positive()) {
        Reply told = reply;
        // RFC 5321 §4.5.3.1.10: 552 to RCPT means "too many recipients" and is to be read as 452.
        if (told.code == 552 && !accepted_.empty()) {
            told.code = 452;
            told.enhanced = "4.5.3";
        }
        settle(index, Stage::Rcpt, std::move(told));
    } else if (!mail_refused_) {
        accepted_.push_back(index);
    }
    const bool last = rcpt_next_ == message_->recipients.size();
    if (!offered_.pipelining && !last) {
        command(rcpt_command(message_->recipients[rcpt_next_]), Await::Rcpt);
        return;
    }
    if (!last || (offered_.pipelining && !chunking_)) {
        return;  // DATA has been sent already; its reply comes
    }
    if (accepted_.empty()) {
        message_done(true);
        return;
    }
    ask_data();
}

void ClientSession::ask_data() {
    stage_ = Stage::Data;
    if (!chunking_) {
        command("DATA", Await::DataGo);
        return;
    }
    stage_ = Stage::EndOfData;
    out_ += fmt::format("BDAT {} LAST\r\n", message_->bytes->size());
    body_on_ = true;
}

void ClientSession::take_data_go(const Reply& reply) {
    if (reply.code != 354) {
        // With no recipient left this is what was to be expected (RFC 5321 §3.3).
        if (reply.positive()) {
            const std::string text = "Unexpected reply to DATA: " + reply.text();
            fail_session(Stage::Data, smtp::reply(451, "4.5.0", text), true);
            return;
        }
        settle_open(Stage::Data, reply, false);
        message_done(true);
        return;
    }
    stage_ = Stage::EndOfData;
    if (accepted_.empty()) {
        // RFC 2920 §3.1: 354 although nobody was accepted: an empty message, whatever it says.
        out_ += ".\r\n";
        awaited_.push_back(Await::DataEnd);
        return;
    }
    body_on_ = true;
}

void ClientSession::send_body() {
    const std::string& bytes = *message_->bytes;
    if (chunking_) {
        const std::size_t size = std::min(kPiece, bytes.size() - chunk_at_);
        out_.append(bytes, chunk_at_, size);
        chunk_at_ += size;
        body_on_ = chunk_at_ < bytes.size();
    } else {
        out_ = stuffer_.next(bytes, kPiece);
        body_on_ = !stuffer_.done();
    }
    if (!body_on_) {
        // RFC 2033 §4.2: LMTP answers once for each recipient that RCPT took.
        const std::size_t replies = options_.lmtp ? accepted_.size() : 1;
        awaited_.insert(awaited_.end(), replies, Await::DataEnd);
    }
}

void ClientSession::take_data_end(const Reply& reply) {
    if (!options_.lmtp) {
        settle_open(Stage::EndOfData, reply, false);
        // RFC 3030 §2: after a refused BDAT the state is undefined until RSET.
        message_done(chunking_ && !reply.positive());
        return;
    }
    if (data_next_ < accepted_.size()) {
        settle(accepted_[data_next_++], Stage::EndOfData, reply);
    }
    if (data_next_ >= accepted_.size()) {
        message_done(false);
    }
}

void ClientSession::settle(std::size_t index, Stage stage, Reply reply, bool local) {
    SEKISHO_ASSERT(index < outcomes_.size());
    if (!outcomes_[index]) {
        outcomes_[index] =
            RecipientOutcome{message_->recipients[index].address, stage, std::move(reply), local};
    }
}

void ClientSession::settle_open(Stage stage, const Reply& reply, bool local) {
    for (std::size_t i = 0; i < outcomes_.size(); ++i) {
        settle(i, stage, reply, local);
    }
}

// `reset`: a transaction may be open at the server, so it is given up before the next one.
void ClientSession::message_done(bool reset) {
    MessageOutcome outcome;
    for (std::optional<RecipientOutcome>& one : outcomes_) {
        SEKISHO_ASSERT(one.has_value());
        outcome.recipients.push_back(std::move(*one));
    }
    message_.reset();
    body_on_ = false;
    finished_ = std::move(outcome);
    if (phase_ == Phase::Closed) {
        return;
    }
    if (reset) {
        command("RSET", Await::Rset);
        phase_ = Phase::Handshake;
    } else {
        ready();
    }
}

}  // namespace sekisho::smtp
