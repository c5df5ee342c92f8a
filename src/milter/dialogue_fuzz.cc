// Whatever a milter says: the dialogue ends in an error or goes on, what it lets through is sound,
// and the message that its changes make has a header and a body as before.
#include "base/assert.h"
#include "message/header.h"
#include "milter/changes.h"
#include "milter/dialogue.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

using namespace sekisho;
using namespace sekisho::milter;

constexpr std::string_view kMessage =
    "Received: from a\r\n\tby b\r\nFrom: a@example.net\r\nX: 1\r\nX: 2\r\n\r\nHello\r\n";
constexpr std::size_t kBodyMax = 4096;

// The next thing a session would tell.
void tell(Dialogue& dialogue, int turn) {
    const Macros macros{{"i", "q1"}, {"{auth_authen}", "taro"}};
    switch (turn) {
        case 0:
            return dialogue.connect({"[192.0.2.1]", "192.0.2.1", false, 4000}, macros);
        case 1:
            return dialogue.helo("pc", macros);
        case 2:
            return dialogue.mail("<a@example.net>", {"SIZE=10"}, macros);
        case 3:
            return dialogue.rcpt("<b@example.net>", {}, macros);
        case 4:
            return dialogue.data(macros);
        case 5:
            return dialogue.field("From", " a@example.net");
        case 6:
            return dialogue.end_of_fields(macros);
        case 7:
            return dialogue.body("Hello\r\n");
        default:
            return dialogue.end_of_message(macros);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    const std::size_t step = 1 + data[0];
    Dialogue dialogue(kBodyMax);
    int turn = 0;
    while (true) {
        if (!dialogue.waits()) {
            const Answer answer = dialogue.take_answer();
            if (answer.reply) {
                SEKISHO_ASSERT(answer.reply->code >= 400 && answer.reply->code < 600);
            }
            if (turn == 9) {
                break;
            }
            tell(dialogue, turn++);
            continue;
        }
        if (bytes.empty() || !dialogue.receive(bytes.substr(0, step))) {
            return 0;
        }
        bytes.remove_prefix(std::min(step, bytes.size()));
    }
    const Changes changes = dialogue.take_changes();
    SEKISHO_ASSERT(!changes.body || changes.body->size() <= kBodyMax);
    SEKISHO_ASSERT(changes.fields.size() <= kChangesMax);
    const std::string changed = apply(kMessage, changes, dialogue.leading_space(), false);
    const auto header =
        message::Header::scan(changed, {.size_max = 64UL << 20U, .fields_max = 1U << 20U});
    SEKISHO_ASSERT(header.has_separator());
    SEKISHO_ASSERT(!header.has(message::DefectKind::NotAField));
    SEKISHO_ASSERT(header.fields().size() <= 4 + changes.fields.size());
    if (!changes.body) {
        SEKISHO_ASSERT(changed.substr(header.body_offset()) == "Hello\r\n");
    }
    return 0;
}
