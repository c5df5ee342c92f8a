// What the owner of an account or a line and the abuse desk are told of a change, in Japanese and
// English. Pure.
#pragma once

#include "base/time.h"
#include "conduct/warden.h"

#include <string>
#include <string_view>

namespace sekisho::conduct {

struct NoticeOptions {
    std::string hostname, from;  // header From: "postmaster@mail.example.net"
    std::string provider, provider_ja, support, guide_url;
    std::string language;  // of the one who is told: "ja", "en", empty: both
};

struct Notice {
    std::string message_id;
    std::string message;  // whole, CRLF line ends, 7 bit
};

// `unique` makes the Message-ID.
[[nodiscard]] Notice to_subscriber(
    const Happened& what,
    std::string_view to,
    const NoticeOptions& options,
    std::string_view unique,
    Time now
);
[[nodiscard]] Notice to_abuse_desk(
    const Happened& what,
    std::string_view to,
    const NoticeOptions& options,
    std::string_view unique,
    Time now
);

}  // namespace sekisho::conduct
