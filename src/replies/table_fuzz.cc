// Any file of rules is refused or can be asked, and any reply has a meaning. The input is a file, a
// NUL and a reply; or a reply alone.
#include "base/assert.h"
#include "replies/table.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace sekisho::replies;
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const std::size_t end = input.find('\0');
    const std::string_view said = end == std::string_view::npos ? input : input.substr(end + 1);
    const Question question = said_in(said);
    SEKISHO_ASSERT(question.reply.size() <= said.size());
    const Meaning meaning = Table::built_in()->find(question);
    SEKISHO_ASSERT(!meaning.kind.why_en.empty());
    if (end != std::string_view::npos) {
        const auto table = Table::parse(input.substr(0, end), "f", Table::built_in().get());
        if (table) {
            SEKISHO_ASSERT(!(*table)->find(question).kind.why_en.empty());
        } else {
            SEKISHO_ASSERT(table.error().message.starts_with("f:"));
        }
    }
    return 0;
}
