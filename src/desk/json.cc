#include "desk/json.h"

#include <utility>

namespace sekisho::desk {
namespace {

void put(Json& object, const char* key, const std::string& value) {
    if (!value.empty()) {
        object[key] = value;
    }
}

Json to_json(const guide::Port25& port) {
    Json object{
        {"action", policy::name(port.declared)},
        {"stage", policy::name(port.stage)},
        {"in_force", port.enforced()}
    };
    put(object, "note", port.note);
    if (port.closes) {
        object["in_force_from"] = rfc3339(*port.closes);
    }
    return object;
}

const char* certainty_name(line::Certainty certainty) {
    switch (certainty) {
        case line::Certainty::Subscriber:
            return "subscriber";
        case line::Certainty::Ambiguous:
            return "ambiguous";
        case line::Certainty::Unknown:
            break;
    }
    return "unknown";
}

}  // namespace

std::string dump(const Json& value) {
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Json> ask_role(const Control& control, const std::string& role, const Json& request) {
    if (!control) {
        return fail(Errc::Unavailable, "no way to role " + role);
    }
    const auto answer = control(role, dump(request));
    if (!answer) {
        return fail(answer.error());
    }
    Json parsed = Json::parse(*answer, nullptr, false);
    if (!parsed.is_object()) {
        return fail(Errc::Corrupt, "role " + role + " answered something else than an object");
    }
    if (const auto error = parsed.find("error"); error != parsed.end() && !error->is_null()) {
        return fail(Errc::Invalid, error->is_string() ? error->get<std::string>() : dump(*error));
    }
    return parsed;
}

Json to_json(const event::Event& event) {
    Json object{
        {"id", event.id},
        {"at", rfc3339(event.at)},
        {"kind", event::name(event.kind)},
        {"count", event.count}
    };
    put(object, "address", event.address);
    put(object, "line", event.line);
    put(object, "account", event.account);
    put(object, "queue_id", event.queue_id);
    put(object, "message_id", event.message_id);
    put(object, "sender", event.sender);
    put(object, "recipient", event.recipient);
    put(object, "rule", event.rule);
    put(object, "detail", event.detail);
    put(object, "reference", event.reference);
    if (event.octets > 0) {
        object["octets"] = event.octets;
    }
    return object;
}

Json to_json(const std::vector<event::Event>& events) {
    Json array = Json::array();
    for (const event::Event& event : events) {
        array.push_back(to_json(event));
    }
    return array;
}

Json to_json(const account::Account& account) {
    Json object{
        {"login", account.login},
        {"addresses", account.addresses},
        {"domains", account.domains},
        {"enabled", account.enabled},
        {"created", rfc3339(account.created)},
        {"changed", rfc3339(account.changed)}
    };
    put(object, "name", account.name);
    put(object, "line", account.line);
    put(object, "language", account.language);
    put(object, "disabled_reason", account.disabled_reason);
    return object;
}

Json to_json(const line::Session& session) {
    Json prefixes = Json::array();
    for (const Prefix& prefix : session.prefixes) {
        prefixes.push_back(prefix.text());
    }
    Json object{
        {"id", session.id},
        {"nas", session.nas},
        {"line", session.line},
        {"prefixes", std::move(prefixes)},
        {"start", rfc3339(session.start)},
        {"seen", rfc3339(session.seen)},
        {"open", !session.end.has_value()}
    };
    put(object, "realm", session.realm);
    if (session.end) {
        object["end"] = rfc3339(*session.end);
    }
    return object;
}

Json to_json(const line::Answer& answer) {
    Json object{{"certainty", certainty_name(answer.certainty)}, {"reason", answer.reason}};
    put(object, "line", answer.line);
    put(object, "realm", answer.realm);
    return object;
}

Json to_json(const guide::Standing& standing) {
    Json object{
        {"class", standing.class_name},
        {"outside", standing.outside},
        {"port_25_to_others", to_json(standing.to_others)}
    };
    put(object, "note", standing.class_note);
    if (standing.to_us) {
        object["port_25_to_us"] = to_json(*standing.to_us);
    }
    if (standing.in_force) {
        object["in_force_since"] = rfc3339(*standing.in_force);
    }
    return object;
}

Json to_json(const lease::Lease& lease, Time now) {
    Json object{
        {"id", lease.id},
        {"kind", lease::name(lease.kind)},
        {"target", lease.target()},
        {"class", lease.class_name},
        {"owner", lease.owner},
        {"reason", lease.reason},
        {"created_by", lease.created_by},
        {"created", rfc3339(lease.created)},
        {"expires", rfc3339(lease.expires)},
        {"alive", lease.alive(now)}
    };
    if (lease.ended) {
        object["ended"] = rfc3339(*lease.ended);
        put(object, "ended_by", lease.ended_by);
        put(object, "ended_reason", lease.ended_reason);
    }
    return object;
}

}  // namespace sekisho::desk
