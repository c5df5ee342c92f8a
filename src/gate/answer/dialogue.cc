#include "gate/answer/dialogue.h"

#include "base/bytes.h"
#include "smtp/reply.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace sekisho::gate {

std::string Dialogue::receive(std::string_view bytes) {
    std::string out;
    while (!over_ && !bytes.empty()) {
        const std::size_t end = bytes.find('\n');
        const std::string_view part = bytes.substr(0, end);
        if (input_.size() + part.size() > kLineMax) {
            over_ = true;
            return out + smtp::reply(421, "4.4.5", "Line too long, closing").to_bytes();
        }
        input_ += part;
        if (end == std::string_view::npos) {
            break;
        }
        out += reply_to(input_).to_bytes();
        input_.clear();
        bytes.remove_prefix(end + 1);
    }
    return out;
}

smtp::Reply Dialogue::reply_to(std::string_view line) {
    const std::string verb = to_lower(trim(line));
    if (verb == "quit") {
        over_ = true;
        return smtp::reply(221, "2.0.0", "Bye");
    }
    if (++commands_ >= kCommandsMax) {
        over_ = true;
        return smtp::reply(421, "4.7.0", "Too many commands, closing");
    }
    // RFC 5321 §3.1: "503 bad sequence of commands" to what comes before QUIT; with the reason,
    // because some programs show their user only the last reply.
    smtp::Reply out = why_;
    out.code = 503;
    out.enhanced = "5.5.1";
    return out;
}

}  // namespace sekisho::gate
