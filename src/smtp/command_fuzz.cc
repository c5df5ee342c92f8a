// Any bytes as a command line, under every set of rules.
#include "base/assert.h"
#include "smtp/command.h"
#include "smtp/reply.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace sekisho::smtp;
    const std::string_view line(reinterpret_cast<const char*>(data), size);
    for (unsigned bits = 0; bits < 8; ++bits) {
        CommandRules rules;
        rules.auth = (bits & 1U) != 0;
        rules.utf8_transaction = (bits & 2U) != 0;
        rules.size = rules.eightbit = rules.smtputf8 = rules.dsn = (bits & 4U) != 0;
        rules.xclient = rules.binarymime = rules.deliver_by = rules.priority = rules.require_tls =
            rules.auth;
        const auto command = parse_command(line, rules);
        if (!command) {
            SEKISHO_ASSERT(command.error().permanent());
            SEKISHO_ASSERT(is_enhanced_code(command.error().enhanced));
            continue;
        }
        SEKISHO_ASSERT(std::abs(command->mail.priority.value_or(0)) <= 9);
        if (const auto& by = command->mail.deliver_by) {
            SEKISHO_ASSERT(by->notify || by->time.count() > 0);
        }
        SEKISHO_ASSERT(command->verb != Verb::Rcpt || command->address);
        SEKISHO_ASSERT(
            command->verb != Verb::Mail || !command->address || command->mail.smtputf8 ||
            command->address->ascii()
        );
    }
    return 0;
}
