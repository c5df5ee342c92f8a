// Lines with addresses that never change, from a file: one `prefix,line[,realm[,ports]]` a row, the
// ports as PortSet reads them, for an IPv4 address that several lines share. Blank rows and rows
// that start with '#' are left aside, and so is a first row that says "prefix,line". A field may be
// quoted as in RFC 4180.
#pragma once

#include "line/line.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::line {

struct StaticTable {
    std::vector<Session> sessions;  // without beginning or end; id the prefix, and the ports
    struct RowError {
        std::size_t row = 0;  // counted from 1
        std::string message;
    };
    std::vector<RowError> errors;
};

// Reads all of it, however many rows are wrong: a wrong prefix, name or set of ports, or a prefix
// of which another line has these ports already. The sessions are of the NAS `nas`.
[[nodiscard]] StaticTable parse_static_table(std::string_view text, std::string nas = "static");

}  // namespace sekisho::line
