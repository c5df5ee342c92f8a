// Whether what came is what the table of routes says. Pure.
#pragma once

#include "base/result.h"
#include "desk/routes.h"

#include <map>
#include <string>

namespace sekisho::desk {

// Every part must be known: a mistyped filter would show too much.
Status check_parameters(
    const Route& route,
    const std::map<std::string, std::string>& query,
    const std::map<std::string, std::string>& path
);

// The part of JSON Schema that our bodies need: type, required, properties (no others), enum,
// minLength, maxLength, minimum, maximum, items, minItems, maxItems.
Status check_body(const Json& schema, const Json& value, const std::string& where = "the body");

}  // namespace sekisho::desk
