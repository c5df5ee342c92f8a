// In which country an address is, by a table that the operator brings: one `PREFIX,CC` a row.
#pragma once

#include "base/ip.h"
#include "base/result.h"

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

namespace sekisho::limit {

class Countries {
  public:
    // Rows are `PREFIX,CC` with a country of two letters (ISO 3166-1); # begins a comment. An error
    // names the row.
    [[nodiscard]] static Result<Countries> parse(std::string_view text);

    // Of the longest prefix that holds the address, in capitals; empty: none does.
    [[nodiscard]] std::string of(const IpAddress& address) const;
    [[nodiscard]] std::size_t size() const;

  private:
    // By length, so that a look-up asks once for each length in use.
    std::map<int, std::map<Prefix, std::string>> v4_, v6_;
};

}  // namespace sekisho::limit
