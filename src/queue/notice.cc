#include "queue/notice.h"

#include <utility>

namespace sekisho::queue {

Envelope notice_envelope(std::string to, std::string message_id, std::size_t size, Time at) {
    Envelope out;
    Recipient recipient;
    recipient.address = std::move(to);
    recipient.notify = "NEVER";
    out.recipients.push_back(std::move(recipient));
    out.message_id = std::move(message_id);
    out.accepted = at;
    out.size = size;
    return out;
}

}  // namespace sekisho::queue
