// What can go wrong for reasons outside the program is a value: Result<T> carries either T or an
// Error.
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace sekisho {

// What a caller can do about an error; the text is for people.
enum class Errc {
    Invalid,      // the input is wrong; trying again won't help
    NotFound,     // there is no such thing
    Conflict,     // it exists already, or somebody else has it
    Denied,       // not permitted
    Unavailable,  // a device, peer or service can't do it now; trying again may help
    Full,         // out of space or over a limit
    Corrupt,      // stored data fails its checks
    Timeout,      // no answer in time
    Cancelled,    // we are stopping
    Closed,       // the peer has gone
};

[[nodiscard]] const char* name(Errc code);

struct Error {
    Errc code = Errc::Invalid;
    std::string message;  // one line, no trailing full stop, names the thing that is wrong
};

template <class T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

[[nodiscard]] inline std::unexpected<Error> fail(Errc code, std::string message) {
    return std::unexpected<Error>(Error{code, std::move(message)});
}
[[nodiscard]] inline std::unexpected<Error> fail(Error error) {
    return std::unexpected<Error>(std::move(error));
}

// An Error for the current errno: "what: strerror", with the code chosen by errno (ENOSPC -> Full,
// ...).
[[nodiscard]] Error errno_error(const std::string& what);
[[nodiscard]] Error errno_error(const std::string& what, int errno_value);

}  // namespace sekisho
