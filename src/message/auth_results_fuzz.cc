// Any text as an Authentication-Results field and as all that we put into one: ours reads back as
// ours, and stays one field.
#include "base/assert.h"
#include "message/auth_results.h"
#include "message/header.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using namespace sekisho;
using namespace sekisho::message;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    (void)authserv_id(text);
    MethodResult result{"spf", "none", text, text, {{"smtp.mailfrom", text}}};
    const std::string field = auth_results_field("mx.our.example", {result, result}) + "\r\n";
    const Header header = Header::scan(field);
    SEKISHO_ASSERT(header.fields().size() == 1 && header.has_separator());
    const std::array<std::string, 1> ours{"mx.our.example"};
    SEKISHO_ASSERT(pretends_to_be_ours(header.fields().front(), ours));
    return 0;
}
