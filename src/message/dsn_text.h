// The part of a DSN that people read: which mail, to whom, why, what to do, in Japanese and
// English. Internal to this room.
#pragma once

#include "message/dsn.h"
#include "replies/table.h"

#include <string>
#include <string_view>

namespace sekisho::message {

// What a status alone means in plain words; `status` as "5.1.1".
[[nodiscard]] replies::Kind explain_status(std::string_view status);

// UTF-8 with CRLF line ends; `header` of the original gives subject and date.
class Header;
[[nodiscard]] std::string dsn_text(
    const DsnRequest& request, const Header& original, bool returned_in_full
);
[[nodiscard]] std::string_view dsn_subject(const DsnRequest& request);

}  // namespace sekisho::message
