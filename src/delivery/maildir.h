// Delivery into Maildir folders: written and synced in tmp/, linked into new/, so that a reader
// never sees a part and what was reported delivered survives a power failure. Blocks on the disk.
#pragma once

#include "base/result.h"
#include "base/time.h"

#include <string>
#include <string_view>

namespace sekisho::delivery {

struct MaildirMessage {
    std::string root;       // the folder of all mailboxes
    std::string mailbox;    // the account's name, any bytes
    std::string hostname;   // part of the file's name
    std::string queue_id;   // with `recipient`: the same message to the same recipient is delivered
    std::string recipient;  // once, even when a crash makes us do it again
    std::string reverse_path;
    Time accepted{};
    std::string_view bytes;  // CRLF line ends; stored with LF
    bool binary = false;     // the body isn't lines (RFC 3030): stored as it is
};

// Errors: Invalid for a mailbox name that is empty or too long, Full, Denied, Unavailable of the
// disk. Creates what folders are missing, mode 0700.
[[nodiscard]] Status deliver_to_maildir(const MaildirMessage& message);

// A file name for a mailbox: ASCII letters, digits and "@.+_=-" as they are, other bytes as
// %XX, a leading dot too.
[[nodiscard]] std::string folder_name(std::string_view mailbox);

}  // namespace sekisho::delivery
