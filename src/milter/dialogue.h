// One connection to a milter from the mail server's side, without I/O: what is to be told goes in,
// octets to send come out, octets of the milter go in, its answer comes out.
//
//   tell it one thing; then while waits(): send take_output(), read, receive(); then take_answer()
//
//                negotiation ──> connect ──> helo ──> ┌ mail ──> rcpt ... ──> data ──> fields ──┐
//                                            ^  ^     │      end_of_fields ──> body ... ──> end  │
//                                            │  └─────┴── (next message, or abort) ──────────────┘
//                                            └ new_client
//
// What the milter doesn't want to be told, or doesn't answer, is left out or not waited for.
#pragma once

#include "base/result.h"
#include "milter/changes.h"
#include "milter/packet.h"
#include "smtp/reply.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::milter {

// Values by their names as milters know them: "i", "{auth_authen}".
using Macros = std::map<std::string, std::string, std::less<>>;

// Where macros are told; the numbers are the protocol's.
enum class Stage : std::uint8_t { Connect, Helo, Mail, Rcpt, Data, EndOfMessage, EndOfHeader };
inline constexpr std::size_t kStages = 7;

struct Answer {
    enum class Kind : std::uint8_t { Continue, Accept, Reject, TempFail, Discard };
    Kind kind = Kind::Continue;
    std::optional<smtp::Reply> reply;  // of its own, for Reject and TempFail
    bool closes = false;               // the client's connection is to end with that
};

// The reply that a milter has written: "550 5.7.1 text", lines divided by CRLF. nullopt: it is no
// refusal.
[[nodiscard]] std::optional<smtp::Reply> parse_refusal(std::string_view text);

class Dialogue {
  public:
    // `body_max`: octets that a replaced body may have. The negotiation is due at once.
    explicit Dialogue(std::size_t body_max);

    struct Client {
        std::string name;     // "[192.0.2.1]" when there is none
        std::string address;  // as text; empty: unknown
        bool v6 = false;
        std::uint16_t port = 0;
    };
    void connect(const Client& client, const Macros& macros);
    void helo(std::string_view name, const Macros& macros);
    // Paths with angle brackets; parameters as "SIZE=1000".
    void mail(
        std::string_view path, const std::vector<std::string>& parameters, const Macros& macros
    );
    void rcpt(
        std::string_view path, const std::vector<std::string>& parameters, const Macros& macros
    );
    void data(const Macros& macros);
    void field(std::string_view name, std::string_view raw);  // raw: what is behind the colon
    void end_of_fields(const Macros& macros);
    void body(std::string_view chunk);  // at most kChunkMax octets
    void end_of_message(const Macros& macros);
    void abort();
    void quit();
    // Another client on this connection. False: this milter can't, a new connection is needed.
    [[nodiscard]] bool new_client();

    static constexpr std::size_t kChunkMax = 65535;

    // An answer is due.
    [[nodiscard]] bool waits() const { return wait_ != Wait::Nothing; }
    [[nodiscard]] std::string take_output();
    // How much output there is.
    [[nodiscard]] std::size_t pending() const { return output_.size(); }
    // Invalid: it isn't the protocol; the connection is of no more use.
    [[nodiscard]] Status receive(std::string_view bytes);
    // To the thing told last.
    [[nodiscard]] Answer take_answer();
    // What it asked for at the end of the message.
    [[nodiscard]] Changes take_changes();
    // It has said "progress" since the last call: more patience.
    [[nodiscard]] bool take_progress();

    [[nodiscard]] bool wants_body() const;
    [[nodiscard]] bool leading_space() const { return does(step::kLeadingSpace); }
    [[nodiscard]] std::uint32_t version() const { return version_; }
    [[nodiscard]] std::uint32_t actions() const { return actions_; }

  private:
    enum class Wait : std::uint8_t { Nothing, Negotiation, Answer, EndOfMessage };

    [[nodiscard]] bool does(std::uint32_t step) const { return (steps_ & step) != 0; }
    void tell(char command, std::string_view data, std::uint32_t silent, Wait wait = Wait::Answer);
    void tell_macros(Stage stage, char command, const Macros& macros);
    [[nodiscard]] Status take(const Packet& packet);
    [[nodiscard]] Status negotiated(const Packet& packet);
    [[nodiscard]] Status answered(const Packet& packet);
    [[nodiscard]] bool may(char command) const;

    const std::size_t body_max_;
    PacketReader input_;
    std::string output_;
    Wait wait_ = Wait::Negotiation;
    std::uint32_t version_ = 0, actions_ = 0, steps_ = 0;
    std::optional<std::vector<std::string>> wanted_[kStages];  // macros it asked for
    bool skip_body_ = false, progress_ = false, body_told_ = false;
    Answer answer_;
    Changes changes_;
};

}  // namespace sekisho::milter
