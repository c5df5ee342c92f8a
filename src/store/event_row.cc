#include "store/event_row.h"

#include "event/event.h"
#include "store/sqlite.h"

#include <string>

namespace sekisho::store {

event::Event read_event(Statement& row) {
    event::Event out;
    out.id = row.integer();
    out.at = row.time();
    out.kind = static_cast<event::Kind>(row.integer());
    for (std::string* text :
         {&out.address,
          &out.line,
          &out.account,
          &out.queue_id,
          &out.message_id,
          &out.sender,
          &out.recipient,
          &out.rule}) {
        *text = row.text();
    }
    out.count = row.integer();
    out.detail = row.text();
    out.reference = row.text();
    out.octets = row.integer();
    return out;
}

}  // namespace sekisho::store
