#include "message/cause.h"

#include "message/dsn.h"
#include "message/dsn_text.h"

#include <string>
#include <string_view>

namespace sekisho::message {

std::string plain_cause(std::string_view reply) {
    // What stands before the reply is ours ("delivery time expired; last: 451 ...").
    if (const std::size_t last = reply.rfind("last: "); last != std::string_view::npos) {
        reply.remove_prefix(last + std::string_view("last: ").size());
    }
    if (reply.empty() || (reply.front() != '4' && reply.front() != '5')) {
        return {};
    }
    const auto action = reply.front() == '5' ? DsnAction::Failed : DsnAction::Delayed;
    return std::string(explain_status(status_of_reply(reply, action)).why_en);
}

}  // namespace sekisho::message
