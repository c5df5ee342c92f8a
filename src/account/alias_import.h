// Aliases from the files of other systems: Postfix' maps (virtual(5): key, white space, addresses;
// aliases(5): key, colon, addresses) and PostfixAdmin's table of them in a dump. Pure: text in,
// aliases and what is wrong with each other row out.
#pragma once

#include "account/forwarding.h"
#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::account {

enum class AliasFormat : std::uint8_t { Postfix, Sql };
[[nodiscard]] std::optional<AliasFormat> parse_alias_format(std::string_view text);

struct AliasImportOptions {
    AliasFormat format = AliasFormat::Postfix;
    std::string domain;           // of names without '@'; empty: such a row is a fault
    std::string table = "alias";  // of a dump; its columns are address, goto and active
};

struct AliasRow {
    std::size_t line = 0;  // from 1
    Alias alias;           // checked(), but for `changed`
};
struct AliasFault {
    std::size_t line = 0;
    std::string why;
};
struct AliasImport {
    std::vector<AliasRow> rows;
    std::vector<AliasFault> faults;  // in order of line
    // An address that leads to itself alone, as PostfixAdmin has for each mailbox, or one that is
    // not active: nothing to import.
    std::size_t passed_over = 0;
};

// Invalid: the file as a whole can't be read.
[[nodiscard]] Result<AliasImport> read_aliases(
    std::string_view text, const AliasImportOptions& options
);

}  // namespace sekisho::account
