// A report of ours as a mail. Names, subject and fields are those of RFC 9990 §3.5.2 and RFC 8460
// §5.1 to §5.3; the receiver finds the report by them.
#pragma once

#include "base/time.h"
#include "report/dmarc.h"
#include "report/ledger.h"
#include "report/tls.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::report {

struct Sender {
    std::string organization;  // for people
    std::string from;          // address
    std::string submitter;     // domain of whom the report is, in names and subjects
    std::string hostname;      // of the Message-ID
};

struct Letter {
    std::string message_id;
    std::string message;  // CRLF
};

// "RECEIVER!DOMAIN!BEGIN!END.xml.gz"; the same when it is sent again.
[[nodiscard]] std::string file_name(
    std::string_view submitter, std::string_view domain, Time begin, Time end, Kind kind
);

[[nodiscard]] Letter dmarc_letter(
    const DmarcReport& report,
    std::string_view packed,
    const std::vector<std::string>& to,
    const Sender& sender,
    Time now
);
// Goes even where TLS fails, for that is what it tells of (RFC 8460 §3): it says so itself
// (RFC 8689 §3).
[[nodiscard]] Letter tls_letter(
    const TlsReport& report,
    std::string_view domain,
    std::string_view packed,
    const std::vector<std::string>& to,
    const Sender& sender,
    Time now
);

// A letter of parts that are text as they are: media type, content.
struct TextLetter {
    std::string id, subject, media_type;
    std::vector<std::pair<std::string, std::string>> parts;
};
[[nodiscard]] Letter report_letter(
    const TextLetter& written, const std::vector<std::string>& to, const Sender& sender, Time now
);

// Whether a mail of ours is one of these, by its Message-ID: what happens to it isn't reported in
// turn, or two servers would tell each other about their reports for ever.
[[nodiscard]] bool is_own_letter(std::string_view message_id);

}  // namespace sekisho::report
