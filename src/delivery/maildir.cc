#include "delivery/maildir.h"

#include "base/bytes.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/result.h"
#include "base/time.h"
#include "message/trace.h"

#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace sekisho::delivery {
namespace {

constexpr std::size_t kFileNameMax = 255;
constexpr unsigned kFolderMode = 0700;
constexpr unsigned kFileMode = 0600;

// The message as stored: our two fields before it, LF line ends. A CRLF of a binary body may be no
// line end, so such a message keeps all of them.
std::string stored_form(const MaildirMessage& message) {
    std::string text = message::return_path_field(message.reverse_path);
    text += "Delivered-To: " + message.recipient + "\r\n";
    text += message.bytes;
    if (message.binary) {
        return text;
    }
    std::string result;
    result.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\r' || i + 1 == text.size() || text[i + 1] != '\n') {
            result += text[i];
        }
    }
    return result;
}

Status write_synced(const std::string& path, std::string_view content) {
    const UniqueFd fd(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kFileMode)
    );
    if (fd.get() < 0) {
        return fail(errno_error(path));
    }
    while (!content.empty()) {
        const ssize_t wrote = ::write(fd.get(), content.data(), content.size());
        if (wrote < 0 && errno != EINTR) {
            return fail(errno_error(path));
        }
        content.remove_prefix(wrote < 0 ? 0 : static_cast<std::size_t>(wrote));
    }
    if (::fsync(fd.get()) != 0) {
        return fail(errno_error(path));
    }
    return {};
}

Status make_folders(const MaildirMessage& message, const std::string& maildir) {
    struct stat there{};
    if (::stat((maildir + "/new").c_str(), &there) == 0 && S_ISDIR(there.st_mode)) {
        return {};
    }
    for (const char* name : {"/tmp", "/cur", "/new"}) {
        if (Status made = make_folder(maildir + name, kFolderMode); !made) {
            return made;
        }
    }
    if (::chmod(maildir.c_str(), kFolderMode) != 0) {
        return fail(errno_error(maildir));
    }
    // The names of the new folders must be as durable as the message in them.
    if (Status synced = sync_folder(maildir); !synced) {
        return synced;
    }
    return sync_folder(message.root);
}

std::string safe_host(std::string_view hostname) {
    // The Maildir way to write '/' and ':' in a host's name.
    std::string result;
    for (const char c : hostname) {
        if (c == '/') {
            result += "\\057";
        } else if (c == ':') {
            result += "\\072";
        } else if (c > 0x20 && c < 0x7F) {
            result += c;
        }
    }
    return result;
}

// The same for every try of one message to one recipient.
std::string file_name(const MaildirMessage& message) {
    constexpr std::size_t digest_shown = 8;
    const auto seconds =
        std::chrono::duration_cast<std::chrono::seconds>(message.accepted.time_since_epoch());
    return fmt::format(
        "{}.Q{}R{}.{}",
        seconds.count(),
        folder_name(message.queue_id),
        hex(sha256(message.recipient).substr(0, digest_shown)),
        safe_host(message.hostname)
    );
}

}  // namespace

std::string folder_name(std::string_view mailbox) {
    std::string result;
    for (const char c : mailbox) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') ||
                           std::string_view("@+_=-").find(c) != std::string_view::npos ||
                           (c == '.' && !result.empty());
        if (plain) {
            result += c;
        } else {
            result += fmt::format("%{:02X}", static_cast<unsigned char>(c));
        }
    }
    return result;
}

Status deliver_to_maildir(const MaildirMessage& message) {
    const std::string folder = folder_name(message.mailbox);
    if (folder.empty() || folder.size() > kFileNameMax) {
        return fail(
            Errc::Invalid, "'" + printable(message.mailbox) + "' can't be a mailbox's name"
        );
    }
    const std::string maildir = message.root + "/" + folder;
    if (Status made = make_folders(message, maildir); !made) {
        return made;
    }
    const std::string name = file_name(message);
    const std::string temporary = maildir + "/tmp/" + name + "." + random_token(40);
    const std::string content = stored_form(message);
    Status done = write_synced(temporary, content);
    if (done) {
        const std::string path = maildir + "/new/" + name;
        // link(), not rename(): it doesn't replace. There already: an earlier try got this far and
        // its outcome was lost.
        if (::link(temporary.c_str(), path.c_str()) != 0 && errno != EEXIST) {
            done = fail(errno_error(path));
        } else {
            done = sync_folder(maildir + "/new");
        }
    }
    ::unlink(temporary.c_str());
    return done;
}

}  // namespace sekisho::delivery
