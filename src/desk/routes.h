// The table of routes: one line for each thing the API can be asked for.
#pragma once

#include "desk/api.h"
#include "staff/roles.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::desk {

enum class Type : std::uint8_t { Text, Address, Time, Integer, Flag };

struct Parameter {
    std::string name;
    std::string help;
    Type type = Type::Text;
    bool required = false;
    std::int64_t least = 1, most = 1000;  // of an Integer
    std::vector<std::string> choices;     // of a Text; empty: any
};

enum class Reason : std::uint8_t { None, Needed };

struct Route {
    std::string method;     // GET answers HEAD, too
    std::string path;       // below /api/v1; "{name}" stands for one segment
    std::string operation;  // its name in OpenAPI and in the audit
    std::string tag;
    std::string summary;  // a sentence or two
    staff::Roles roles;   // one of them is needed; empty: whoever is signed in
    Reason reason = Reason::None;
    std::vector<Parameter> parameters;  // of the query
    std::string body;                   // name of its schema; empty: there is none
    std::string answer;                 // name of its schema; empty: text/event-stream
    ApiAnswer (*handler)(const Call&) = nullptr;
    bool open = false;  // nobody need be signed in
    // The answer opens something, so that it is kept nowhere: an Idempotency-Key has no effect.
    bool secret = false;
    bool paged = false;  // has "cursor" and "limit", and Link in the answer

    [[nodiscard]] bool changes() const { return method != "GET"; }
    [[nodiscard]] bool audited() const { return reason != Reason::None; }
    [[nodiscard]] std::vector<std::string> path_names() const;
};

[[nodiscard]] const std::vector<Route>& routes();
[[nodiscard]] std::vector<Route> report_routes();  // a part of them

struct Found {
    const Route* route = nullptr;
    std::map<std::string, std::string> path;
    std::string allow;  // there is the path, but not for this method
};
[[nodiscard]] Found find_route(std::string_view method, std::string_view path);

// All named schemas, and one of them.
[[nodiscard]] const Json& schemas();
[[nodiscard]] const Json& schema(const std::string& name);

}  // namespace sekisho::desk
