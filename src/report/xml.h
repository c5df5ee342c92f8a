// XML of a stranger, a piece at a time: each child of the root with all that is in it, bounded in
// depth, number and size. Document types are refused, so there are no entities but the five of XML.
#pragma once

#include "base/result.h"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::report {

struct Element {
    std::string name;  // without its namespace
    std::string text;  // all of it, white space at both ends left out
    std::vector<Element> children;

    [[nodiscard]] const Element* child(std::string_view wanted) const;
    // Text of the first such child; empty: there is none.
    [[nodiscard]] std::string value(std::string_view wanted) const;
    [[nodiscard]] std::vector<const Element*> all(std::string_view wanted) const;
};

struct Root {
    std::string name, space;  // its namespace; empty: none
};

// Calls `take` with each child of the root, in order; an error of it ends the reading.
[[nodiscard]] Result<Root> read_xml(
    std::string_view xml, const std::function<Status(const Root&, Element)>& take
);

// For text and attributes: the five entities, and nothing that XML 1.0 forbids (§2.2).
[[nodiscard]] std::string xml_escaped(std::string_view text);

}  // namespace sekisho::report
