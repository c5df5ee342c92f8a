#include "message/cause.h"

#include "replies/table.h"

#include <string>
#include <string_view>

namespace sekisho::message {

std::string plain_cause(std::string_view detail) {
    const replies::Question said = replies::said_in(detail);
    if (said.reply.empty() || (said.reply.front() != '4' && said.reply.front() != '5')) {
        return {};
    }
    return replies::in_use()->find(said).kind.why_en;
}

}  // namespace sekisho::message
