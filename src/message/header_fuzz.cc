// Any bytes as a message: the scan's invariants hold, and a repaired message reads back whole.
#include "base/assert.h"
#include "base/bytes.h"
#include "message/header.h"
#include "message/repair.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using namespace sekisho;
using namespace sekisho::message;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view message(reinterpret_cast<const char*>(data), size);
    const Header header = Header::scan(message, {.size_max = 4096, .fields_max = 50});
    SEKISHO_ASSERT(header.header_size() <= header.body_offset());
    SEKISHO_ASSERT(header.body_offset() <= message.size());
    for (const Field& field : header.fields()) {
        SEKISHO_ASSERT(field.whole.data() >= message.data());
        SEKISHO_ASSERT(field.whole.data() + field.whole.size() <= message.data() + message.size());
        SEKISHO_ASSERT(!field.name.empty());
        SEKISHO_ASSERT(field.value().find('\n') == std::string::npos);
    }
    SEKISHO_ASSERT(is_utf8(inspect(header).subject));
    if (!header.complete()) {
        return 0;
    }
    const Repaired plan = plan_repair(
        header, {.now = {}, .host = "h.example", .id_token = "t", .account_address = "a@b.example"}
    );
    const std::string whole = assemble(message, header, "Received: x\r\n", plan);
    const Header again = Header::scan(whole);
    SEKISHO_ASSERT(again.has_separator() && !again.has(DefectKind::NotAField));
    SEKISHO_ASSERT(again.find("Date") != nullptr && again.find("Message-ID") != nullptr);
    SEKISHO_ASSERT(again.find("Bcc") == nullptr && again.find("Return-Path") == nullptr);
    SEKISHO_ASSERT(
        std::string_view(whole).substr(again.body_offset()) == message.substr(header.body_offset())
    );
    return 0;
}
