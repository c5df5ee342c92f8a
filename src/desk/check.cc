#include "desk/check.h"

#include "base/bytes.h"
#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace sekisho::desk {
namespace {

constexpr std::size_t kTextMax = 1000;

std::string_view words_of(Type type) {
    switch (type) {
        case Type::Text:
            return "one line of text";
        case Type::Address:
            return "an IP address";
        case Type::Time:
            return "an RFC 3339 time";
        case Type::Integer:
            return "a number in range";
        case Type::Flag:
            break;
    }
    return "true or false";
}

bool is_of(const Parameter& parameter, const std::string& value) {
    switch (parameter.type) {
        case Type::Text:
            return value.size() <= kTextMax &&
                   (parameter.choices.empty() ||
                    std::ranges::find(parameter.choices, value) != parameter.choices.end());
        case Type::Address:
            return IpAddress::parse(value).has_value();
        case Type::Time:
            return parse_rfc3339(value).has_value();
        case Type::Integer: {
            std::int64_t number = 0;
            const auto [end, ec] =
                std::from_chars(value.data(), value.data() + value.size(), number);
            return ec == std::errc{} && end == value.data() + value.size() &&
                   number >= parameter.least && number <= parameter.most;
        }
        case Type::Flag:
            break;
    }
    return value == "true" || value == "false";
}

Status wrong(const std::string& where, std::string_view what) {
    return fail(Errc::Invalid, where + " " + std::string(what));
}

Status check_object(const Json& schema, const Json& value, const std::string& where) {
    const Json known = schema.value("properties", Json::object());
    for (const auto& [name, member] : value.items()) {
        const auto found = known.find(name);
        if (found == known.end()) {
            return wrong(where, "has no member \"" + printable(name) + "\"");
        }
        if (Status sound = check_body(*found, member, "\"" + name + "\""); !sound) {
            return sound;
        }
    }
    for (const Json& name : schema.value("required", Json::array())) {
        if (!value.contains(name.get<std::string>())) {
            return wrong(where, "needs the member \"" + name.get<std::string>() + "\"");
        }
    }
    return {};
}

Status check_array(const Json& schema, const Json& value, const std::string& where) {
    if (value.size() < schema.value("minItems", std::size_t{0}) ||
        value.size() > schema.value("maxItems", kTextMax)) {
        return wrong(where, "has too few or too many elements");
    }
    for (const Json& one : value) {
        if (Status sound = check_body(schema["items"], one, "an element of " + where); !sound) {
            return sound;
        }
    }
    return {};
}

}  // namespace

Status check_parameters(
    const Route& route,
    const std::map<std::string, std::string>& query,
    const std::map<std::string, std::string>& path
) {
    for (const auto& [name, value] : query) {
        const auto found = std::ranges::find(route.parameters, name, &Parameter::name);
        if (found == route.parameters.end()) {
            return fail(Errc::Invalid, "unknown parameter " + printable(name));
        }
        if (!value.empty() && !is_of(*found, value)) {
            return fail(
                Errc::Invalid,
                name + " is not " + std::string(words_of(found->type)) + ": " + printable(value)
            );
        }
    }
    for (const Parameter& parameter : route.parameters) {
        const auto given = query.find(parameter.name);
        if (parameter.required && (given == query.end() || trim(given->second).empty())) {
            return fail(Errc::Invalid, parameter.name + " is needed: " + parameter.help);
        }
    }
    for (const auto& [name, value] : path) {
        if (value.empty() || value.size() > kTextMax) {
            return fail(Errc::Invalid, name + " is empty or too long");
        }
    }
    return {};
}

Status check_body(const Json& schema, const Json& value, const std::string& where) {
    const std::string type = schema.value("type", "");
    if (type == "object") {
        return value.is_object() ? check_object(schema, value, where)
                                 : wrong(where, "is not a JSON object");
    }
    if (type == "array") {
        return value.is_array() ? check_array(schema, value, where) : wrong(where, "is no array");
    }
    if (type == "boolean") {
        return value.is_boolean() ? Status{} : wrong(where, "is neither true nor false");
    }
    if (type == "integer") {
        const bool sound = value.is_number_integer() &&
                           value.get<std::int64_t>() >= schema.value("minimum", INT64_MIN) &&
                           value.get<std::int64_t>() <= schema.value("maximum", INT64_MAX);
        return sound ? Status{} : wrong(where, "is no integer in range");
    }
    if (!value.is_string()) {
        return wrong(where, "is not a string");
    }
    const auto& text = value.get_ref<const std::string&>();
    if (text.size() < schema.value("minLength", std::size_t{0}) ||
        text.size() > schema.value("maxLength", kTextMax)) {
        return wrong(where, "is too short or too long");
    }
    if (schema.contains("enum") &&
        std::ranges::find(schema["enum"], value) == schema["enum"].end()) {
        return wrong(where, "is none of " + schema["enum"].dump());
    }
    return {};
}

}  // namespace sekisho::desk
