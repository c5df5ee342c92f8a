#include "desk/openapi.h"

#include "desk/routes.h"

#include <fmt/format.h>

#include <string>
#include <utility>

namespace sekisho::desk {
namespace {

Json reference(const std::string& name) {
    return Json{{"$ref", "#/components/schemas/" + name}};
}

Json schema_of(const Parameter& parameter) {
    switch (parameter.type) {
        case Type::Text: {
            Json out{{"type", "string"}, {"maxLength", 1000}};
            if (!parameter.choices.empty()) {
                out["enum"] = parameter.choices;
            }
            return out;
        }
        case Type::Address:
            return {{"type", "string"}, {"anyOf", {{{"format", "ipv4"}}, {{"format", "ipv6"}}}}};
        case Type::Time:
            return {{"type", "string"}, {"format", "date-time"}};
        case Type::Integer:
            return {{"type", "integer"}, {"minimum", parameter.least}, {"maximum", parameter.most}};
        case Type::Flag:
            break;
    }
    return {{"type", "boolean"}};
}

Json header(const char* name, const char* help, bool required) {
    return Json{
        {"name", name},
        {"in", "header"},
        {"required", required},
        {"description", help},
        {"schema", {{"type", "string"}}}
    };
}

Json parameters_of(const Route& route) {
    Json out = Json::array();
    for (const std::string& name : route.path_names()) {
        out.push_back(
            {{"name", name}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}}}}
        );
    }
    for (const Parameter& one : route.parameters) {
        out.push_back(
            {{"name", one.name},
             {"in", "query"},
             {"required", one.required},
             {"description", one.help},
             {"schema", schema_of(one)}}
        );
    }
    if (route.reason == Reason::Needed && !route.changes()) {
        out.push_back(header(
            "Sekisho-Reason",
            "Why: a ticket or a few words, as percent-encoded UTF-8. Kept in the audit.",
            true
        ));
    }
    if (route.changes() && !route.open) {
        out.push_back(header(
            "Idempotency-Key",
            "The same key and request within 24 hours get the same answer and are done once.",
            false
        ));
        out.push_back(header("Sekisho-Csrf", "Needed with a session: its `csrf`.", false));
    }
    return out;
}

Json answers_of(const Route& route) {
    Json good{{"description", "Done"}};
    if (route.answer.empty()) {
        good["content"]["text/event-stream"]["schema"] = {{"type", "string"}};
    } else {
        good["content"]["application/json"]["schema"] = reference(route.answer);
    }
    if (route.paged) {
        good["headers"]["Link"] = {
            {"description", "rel=\"next\" (RFC 8288), when there is more"},
            {"schema", {{"type", "string"}}}
        };
    }
    Json out{{"200", std::move(good)}};
    for (const char* status :
         {"400", "401", "403", "404", "405", "409", "415", "422", "429", "503"}) {
        out[status] = {{"$ref", "#/components/responses/Problem"}};
    }
    return out;
}

Json operation_of(const Route& route) {
    Json out{
        {"operationId", route.operation},
        {"tags", {route.tag}},
        {"summary", route.summary},
        {"x-roles", route.roles.names()},
        {"x-reason", route.reason == Reason::Needed},
        {"parameters", parameters_of(route)},
        {"responses", answers_of(route)}
    };
    if (route.open) {
        out["security"] = Json::array();
    }
    if (!route.body.empty()) {
        out["requestBody"] = {
            {"required", true},
            {"content", {{"application/json", {{"schema", reference(route.body)}}}}}
        };
    }
    return out;
}

std::string lower(std::string text) {
    for (char& c : text) {
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return text;
}

}  // namespace

Json openapi_document() {
    Json paths = Json::object();
    for (const Route& route : routes()) {
        paths[route.path][lower(route.method)] = operation_of(route);
    }
    Json problem{
        {"description", "A problem (RFC 9457)"},
        {"content", {{"application/problem+json", {{"schema", reference("Problem")}}}}}
    };
    return Json{
        {"openapi", "3.1.0"},
        {"jsonSchemaDialect", "https://json-schema.org/draft/2020-12/schema"},
        {"info",
         {{"title", "Sekisho desk"},
          {"version", SEKISHO_VERSION},
          {"description",
           "For operators and support. What shows a person's data needs a reason, "
           "which is kept in the audit."},
          {"license", {{"name", "Apache-2.0"}, {"identifier", "Apache-2.0"}}}}},
        {"servers", {{{"url", "/api/v1"}}}},
        {"security", {{{"token", Json::array()}}, {{"session", Json::array()}}}},
        {"paths", std::move(paths)},
        {"components",
         {{"schemas", schemas()},
          {"responses", {{"Problem", std::move(problem)}}},
          {"securitySchemes",
           {{"token", {{"type", "http"}, {"scheme", "bearer"}}},
            {"session", {{"type", "apiKey"}, {"in", "cookie"}, {"name", kCookie}}}}}}}
    };
}

ApiAnswer get_openapi(const Call& /*call*/) {
    ApiAnswer answer;
    answer.body = openapi_document();
    return answer;
}

std::string api_reference() {
    std::string out =
        "# The desk's API\n"
        "Made by `sekisho desk api-reference` from the table of routes; the same as OpenAPI 3.1 is "
        "served at `/api/v1/openapi.json`.\n\n"
        "- **Who**: `Authorization: Bearer TOKEN` (`sekisho operator token add`, or the content of "
        "`state_dir/operator.token`, which has every role), or the cookie of a session.\n"
        "- **Why**: what shows a person's data needs `Sekisho-Reason` (percent-encoded UTF-8), a "
        "write `\"reason\"` in its body; both stand in the audit.\n"
        "- **Errors** are `application/problem+json` (RFC 9457); 403 names the role in `needs`.\n"
        "- **Pages**: `next_cursor` in the body, and `Link: <...>; rel=\"next\"`.\n"
        "- **Writes**: with `Idempotency-Key` the same request within 24 hours is done once and "
        "gets the same answer (`Idempotency-Replayed: true`). Those of a session repeat its `csrf` "
        "in `Sekisho-Csrf`.\n"
        "- 600 requests a minute each; more are answered 429 with `Retry-After`.\n";
    std::string tag;
    for (const Route& route : routes()) {
        if (route.tag != tag) {
            tag = route.tag;
            out += fmt::format("\n## {}\n", tag);
        }
        out += fmt::format("\n### {} `/api/v1{}`\n{}\n\n", route.method, route.path, route.summary);
        out += route.open ? std::string("Open to everybody.")
                          : fmt::format(
                                "Role: {}.{}",
                                route.roles.empty() ? "any" : route.roles.text(),
                                route.reason == Reason::Needed ? " A reason is needed." : ""
                            );
        out += route.body.empty() ? "" : fmt::format(" Body: `{}`.", route.body);
        out += route.answer.empty() ? std::string(" Answer: `text/event-stream`.\n")
                                    : fmt::format(" Answer: `{}`.\n", route.answer);
        if (!route.parameters.empty()) {
            out += "\n| parameter | |\n|---|---|\n";
        }
        for (const Parameter& one : route.parameters) {
            out += fmt::format(
                "| `{}` | {}{} |\n", one.name, one.help, one.required ? " (needed)" : ""
            );
        }
    }
    out += "\n## Schemas\n";
    for (const auto& [name, one] : schemas().items()) {
        out += fmt::format("\n### {}\n```json\n{}\n```\n", name, one.dump(2));
    }
    return out;
}

}  // namespace sekisho::desk
