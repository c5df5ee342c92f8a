// The OpenAPI 3.1 document and docs/api.md, both made from the table of routes. Pure.
#pragma once

#include "desk/api.h"

#include <string>

namespace sekisho::desk {

[[nodiscard]] Json openapi_document();
[[nodiscard]] ApiAnswer get_openapi(const Call& call);
// docs/api.md
[[nodiscard]] std::string api_reference();

}  // namespace sekisho::desk
