#include "base/result.h"

#include <cerrno>
#include <string>
#include <system_error>

namespace sekisho {

const char* name(Errc code) {
    switch (code) {
        case Errc::Invalid:
            return "invalid";
        case Errc::NotFound:
            return "not-found";
        case Errc::Conflict:
            return "conflict";
        case Errc::Denied:
            return "denied";
        case Errc::Unavailable:
            return "unavailable";
        case Errc::Full:
            return "full";
        case Errc::Corrupt:
            return "corrupt";
        case Errc::Timeout:
            return "timeout";
        case Errc::Cancelled:
            return "cancelled";
        case Errc::Closed:
            return "closed";
    }
    return "unknown";
}

Error errno_error(const std::string& what) {
    return errno_error(what, errno);
}

Error errno_error(const std::string& what, int errno_value) {
    Errc code = Errc::Unavailable;
    switch (errno_value) {
        case ENOENT:
            code = Errc::NotFound;
            break;
        case EEXIST:
        case EADDRINUSE:
            code = Errc::Conflict;
            break;
        case EACCES:
        case EPERM:
            code = Errc::Denied;
            break;
        case ENOSPC:
        case EDQUOT:
            code = Errc::Full;
            break;
        case EINVAL:
            code = Errc::Invalid;
            break;
        case ETIMEDOUT:
            code = Errc::Timeout;
            break;
        case ECONNRESET:
        case EPIPE:
            code = Errc::Closed;
            break;
        case ECANCELED:
            code = Errc::Cancelled;
            break;
        default:
            break;
    }
    return Error{code, what + ": " + std::generic_category().message(errno_value)};
}

}  // namespace sekisho
