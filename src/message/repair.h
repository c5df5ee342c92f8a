// What a submission server may mend (RFC 6409 §8), and what it must know of a message before it
// takes it. Thin on purpose: what is missing, or can't be read, is put in, Bcc is taken out, a
// missing separator is put in; nothing that a sender signed is rewritten, and of what he wrote only
// From, where the operator wants it.
#pragma once

#include "base/time.h"
#include "message/address.h"
#include "message/header.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::message {

// What limits, policy and trace want to know, read in one pass.
struct Inspection {
    std::string message_id;         // with angle brackets; empty when missing or unreadable
    std::vector<std::string> from;  // addresses of every From field, domain in lower case
    bool from_well_formed = true;   // false also when there is more than one From field
    std::string sender;             // address of Sender, or empty
    std::string subject;            // decoded as far as possible, UTF-8, one line
    bool has_date = false, has_from = false, has_bcc = false;
    std::size_t received = 0;  // hops so far; RFC 5321 §6.3: 100 or more is a loop
    std::vector<std::string>
        repeated;  // fields that may stand once only and do not (RFC 5322 §3.6)
};
[[nodiscard]] Inspection inspect(const Header& header);

inline constexpr std::size_t kHopsMax = 100;  // RFC 5321 §6.3

struct RepairOptions {
    Time now{};
    std::string host;      // right side of a Message-ID that we give
    std::string id_token;  // left side: unique, e.g. the queue id with random_token(64)
    std::string
        account_address;     // added as From when there is none, and as Sender when From names
                             // several and no Sender is given (RFC 5322 §3.6.2); empty: neither
    bool remove_bcc = true;  // RFC 5322 §3.6.3
    std::string domain;      // of names without one in To, Cc and Reply-To; empty: they stay
    // From names account_address instead of what stands there (RFC 6409 §8.8); the name stays, and
    // so does who is answered: the old From becomes Reply-To, unless there is one.
    bool rewrite_from = false;
};

struct Repaired {
    std::string added;       // whole fields with CRLF, to be put below the trace fields
    std::string message_id;  // the message's own or the one added
    bool bcc_removed = false;
    bool return_path_removed = false;  // it is for final delivery to write (RFC 5321 §4.4)
    bool separator_added = false;
    std::vector<std::size_t> removed;  // places in Header::fields() of others that go, ascending
};

// "root, admin" with the domain given to each; empty: the value is something else.
[[nodiscard]] std::string with_domain(std::string_view value, std::string_view domain);

// Decides what to add. The message itself is put together by assemble().
[[nodiscard]] Repaired plan_repair(const Header& header, const RepairOptions& options);

// trace + added + the message's fields (without those that `repaired` removes, and without a
// leading mbox line) + separator + body, in one allocation. For the exchange: `repaired` default,
// so that nothing but the trace field is added.
[[nodiscard]] std::string assemble(
    std::string_view message,
    const Header& header,
    std::string_view trace,
    const Repaired& repaired = {}
);

}  // namespace sekisho::message
