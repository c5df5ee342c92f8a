// The schemas of bodies and answers (JSON Schema 2020-12, as OpenAPI 3.1 has it).
#include "base/assert.h"
#include "desk/routes.h"

#include <string>

namespace sekisho::desk {
namespace {

constexpr const char* kBodies = R"json({
"Reason": {"type": "object", "required": ["reason"], "additionalProperties": false, "properties": {
  "reason": {"type": "string", "minLength": 1, "maxLength": 500}}},
"Resume": {"type": "object", "required": ["reason"], "additionalProperties": false, "properties": {
  "reason": {"type": "string", "minLength": 1, "maxLength": 500},
  "release": {"type": "boolean", "description": "whether what was held goes out; else true"}}},
"Order": {"type": "object", "required": ["ids", "reason"], "additionalProperties": false, "properties": {
  "ids": {"type": "array", "items": {"type": "string", "maxLength": 64}, "minItems": 1, "maxItems": 1000},
  "reason": {"type": "string", "minLength": 1, "maxLength": 500}}},
"DropOrder": {"type": "object", "required": ["ids", "reason"], "additionalProperties": false, "properties": {
  "ids": {"type": "array", "items": {"type": "string", "maxLength": 64}, "minItems": 1, "maxItems": 1000},
  "bounce": {"type": "boolean", "description": "whether the sender is told"},
  "reason": {"type": "string", "minLength": 1, "maxLength": 500}}},
"RerouteOrder": {"type": "object", "required": ["ids", "route", "reason"], "additionalProperties": false, "properties": {
  "ids": {"type": "array", "items": {"type": "string", "maxLength": 64}, "minItems": 1, "maxItems": 1000},
  "route": {"type": "string", "description": "host:port; empty: as the DNS says"},
  "reason": {"type": "string", "minLength": 1, "maxLength": 500}}},
"Suspension": {"type": "object", "required": ["reason"], "additionalProperties": false, "properties": {
  "account": {"type": "string", "description": "either this"},
  "domain": {"type": "string", "description": "or this"},
  "until": {"type": "string"},
  "reason": {"type": "string", "minLength": 1, "maxLength": 500}}},
"LimitReset": {"type": "object", "required": ["subject", "reason"], "additionalProperties": false, "properties": {
  "subject": {"type": "string", "minLength": 1, "description": "account, line, address or domain"},
  "limit": {"type": "string", "description": "its name; else all of them"},
  "reason": {"type": "string", "minLength": 1, "maxLength": 500}}},
"SendAs": {"type": "object", "required": ["login", "address", "reason"], "additionalProperties": false, "properties": {
  "login": {"type": "string", "minLength": 1},
  "address": {"type": "string", "minLength": 1, "description": "the one elsewhere"},
  "code": {"type": "string", "description": "to prove: what was mailed"},
  "vouched": {"type": "string", "maxLength": 500, "description": "to add: allow it at once; why you know whose it is"},
  "reason": {"type": "string", "minLength": 1, "maxLength": 500}}},
"SignIn": {"type": "object", "required": ["name", "password", "code"], "additionalProperties": false, "properties": {
  "name": {"type": "string", "maxLength": 64},
  "password": {"type": "string", "maxLength": 1000},
  "code": {"type": "string", "maxLength": 64, "description": "of the program on the telephone, or a recovery code"}}}
})json";

constexpr const char* kAnswers = R"json({
"Problem": {"type": "object", "required": ["type", "title", "status", "detail"], "properties": {
  "type": {"type": "string"}, "title": {"type": "string"},
  "status": {"type": "integer", "minimum": 400, "maximum": 599}, "detail": {"type": "string"},
  "code": {"enum": ["role", "reason", "csrf", "signed-out"]},
  "needs": {"type": "array", "items": {"enum": ["support", "abuse", "operator", "auditor"]}, "description": "one of these roles"}}},
"Object": {"type": "object"},
"Link": {"type": "object", "required": ["link", "expires"], "additionalProperties": false, "properties": {
  "link": {"type": "string"}, "expires": {"type": "string", "format": "date-time"}}},
"Told": {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}},
"Me": {"type": "object", "required": ["name", "roles", "how"], "additionalProperties": false, "properties": {
  "name": {"type": "string"}, "how": {"type": "string"}, "csrf": {"type": "string"},
  "roles": {"type": "array", "items": {"enum": ["support", "abuse", "operator", "auditor"]}},
  "ends": {"type": "string", "format": "date-time"}}},
"Audit": {"type": "object", "required": ["entries"], "properties": {"next_cursor": {"type": "string"},
  "entries": {"type": "array", "items": {"type": "object", "additionalProperties": false,
    "required": ["number", "at", "who", "how", "address", "action", "subject", "reason", "outcome", "digest"], "properties": {
    "number": {"type": "integer"}, "at": {"type": "string", "format": "date-time"}, "who": {"type": "string"},
    "how": {"type": "string"}, "address": {"type": "string"}, "action": {"type": "string"},
    "subject": {"type": "string"}, "reason": {"type": "string"}, "outcome": {"type": "string"},
    "digest": {"type": "string", "pattern": "^[0-9a-f]{64}$"}}}}}},
"AuditCheck": {"type": "object", "required": ["whole", "entries", "digest", "faults"], "additionalProperties": false, "properties": {
  "whole": {"type": "boolean"}, "entries": {"type": "integer"}, "digest": {"type": "string"},
  "faults": {"type": "array", "items": {"type": "string"}}}},
"Event": {"type": "object", "required": ["id", "at", "kind", "count"], "additionalProperties": false, "properties": {
  "id": {"type": "integer"}, "at": {"type": "string", "format": "date-time"}, "kind": {"type": "string"},
  "count": {"type": "integer"}, "address": {"type": "string"}, "line": {"type": "string"},
  "account": {"type": "string"}, "queue_id": {"type": "string"}, "message_id": {"type": "string"},
  "sender": {"type": "string"}, "recipient": {"type": "string"}, "rule": {"type": "string"},
  "detail": {"type": "string"}, "reference": {"type": "string"},
  "octets": {"type": "integer", "description": "of an accepted message"}}},
"Events": {"type": "object", "required": ["events"], "additionalProperties": false, "properties": {
  "events": {"type": "array", "items": {"$ref": "#/components/schemas/Event"}}, "next_cursor": {"type": "string"}}},
"Account": {"type": "object", "required": ["login", "addresses", "domains", "enabled", "created", "changed"], "additionalProperties": false, "properties": {
  "login": {"type": "string"}, "addresses": {"type": "array", "items": {"type": "string"}},
  "domains": {"type": "array", "items": {"type": "string"}, "description": "it may send as any address of them"},
  "language": {"enum": ["ja", "en"], "description": "of notices; missing: both"},
  "enabled": {"type": "boolean"}, "created": {"type": "string", "format": "date-time"},
  "changed": {"type": "string", "format": "date-time"}, "name": {"type": "string"},
  "line": {"type": "string"}, "disabled_reason": {"type": "string"}}},
"Accounts": {"type": "object", "required": ["accounts"], "additionalProperties": false, "properties": {
  "accounts": {"type": "array", "items": {"$ref": "#/components/schemas/Account"}}, "next_cursor": {"type": "string"}}},
"LineSession": {"type": "object", "required": ["id", "nas", "line", "prefixes", "start", "seen", "open"], "additionalProperties": false, "properties": {
  "id": {"type": "string"}, "nas": {"type": "string"}, "line": {"type": "string"}, "realm": {"type": "string"},
  "prefixes": {"type": "array", "items": {"type": "string"}}, "start": {"type": "string", "format": "date-time"},
  "seen": {"type": "string", "format": "date-time"}, "end": {"type": "string", "format": "date-time"}, "open": {"type": "boolean"}}},
"Holder": {"type": "object", "required": ["certainty", "reason"], "additionalProperties": false, "properties": {
  "certainty": {"enum": ["subscriber", "ambiguous", "unknown"]}, "reason": {"type": "string"},
  "line": {"type": "string"}, "realm": {"type": "string"}}},
"Port25": {"type": "object", "required": ["action", "stage", "in_force"], "properties": {
  "action": {"type": "string"}, "stage": {"type": "string"}, "in_force": {"type": "boolean"},
  "note": {"type": "string"}, "in_force_from": {"type": "string", "format": "date-time"}}},
"Standing": {"type": "object", "required": ["class", "outside", "port_25_to_others"], "properties": {
  "class": {"type": "string"}, "outside": {"type": "boolean"}, "note": {"type": "string"}, "prefix": {"type": "string"},
  "port_25_to_others": {"$ref": "#/components/schemas/Port25"}, "port_25_to_us": {"$ref": "#/components/schemas/Port25"},
  "in_force_since": {"type": "string", "format": "date-time"}}},
"Line": {"type": "object", "required": ["address", "at", "holder", "sessions", "standing"], "additionalProperties": false, "properties": {
  "address": {"type": "string"}, "at": {"type": "string", "format": "date-time"},
  "holder": {"$ref": "#/components/schemas/Holder"}, "standing": {"$ref": "#/components/schemas/Standing"},
  "sessions": {"type": "array", "items": {"$ref": "#/components/schemas/LineSession"}}}},
"Message": {"type": "object", "required": ["queue_id", "state", "recipients", "events"], "properties": {
  "queue_id": {"type": "string"}, "state": {"type": "string"},
  "recipients": {"type": "array", "items": {"type": "object", "required": ["address", "state"], "properties": {
    "address": {"type": "string"}, "state": {"type": "string"}}}},
  "events": {"type": "array", "items": {"$ref": "#/components/schemas/Event"}}}},
"Trace": {"type": "object", "required": ["read_as", "messages", "events"], "properties": {
  "read_as": {"type": "string"}, "cut": {"type": "boolean"},
  "messages": {"type": "array", "items": {"$ref": "#/components/schemas/Message"}},
  "events": {"type": "array", "items": {"$ref": "#/components/schemas/Event"}}}},
"Finding": {"type": "object", "required": ["severity", "text"], "properties": {
  "severity": {"enum": ["high", "middle", "low"]}, "text": {"type": "string"}, "detail": {"type": "string"},
  "at": {"type": "string", "format": "date-time"}, "kind": {"type": "string"}, "count": {"type": "integer"}}},
"Lease": {"type": "object", "required": ["id", "kind", "target", "class", "owner", "reason", "created_by", "created", "expires", "alive"], "additionalProperties": false, "properties": {
  "id": {"type": "integer"}, "kind": {"enum": ["exemption", "penalty"]}, "target": {"type": "string"},
  "class": {"type": "string"}, "owner": {"type": "string"}, "reason": {"type": "string"},
  "created_by": {"type": "string"}, "created": {"type": "string", "format": "date-time"},
  "expires": {"type": "string", "format": "date-time"}, "alive": {"type": "boolean"},
  "ended": {"type": "string", "format": "date-time"}, "ended_by": {"type": "string"}, "ended_reason": {"type": "string"}}},
"Exemptions": {"type": "object", "required": ["exemptions"], "additionalProperties": false, "properties": {
  "exemptions": {"type": "array", "items": {"$ref": "#/components/schemas/Lease"}}}},
"ExemptionRequest": {"type": "object", "required": ["id", "login", "line", "address", "domain", "reason", "created", "state", "changed", "by", "why", "findings"], "additionalProperties": false, "properties": {
  "id": {"type": "integer"}, "login": {"type": "string"}, "line": {"type": "string"}, "address": {"type": "string"},
  "domain": {"type": "string"}, "reason": {"type": "string"}, "created": {"type": "string", "format": "date-time"},
  "state": {"enum": ["asked", "waiting", "granted", "refused", "withdrawn", "revoked", "ended"]},
  "changed": {"type": "string", "format": "date-time"}, "by": {"type": "string"}, "why": {"type": "string"},
  "checked": {"type": "string", "format": "date-time"}, "lease": {"type": "integer"},
  "findings": {"type": "array", "items": {"type": "object", "required": ["check", "mark", "detail"], "properties": {
    "check": {"enum": ["held", "reverse-name", "spf", "relay", "lists"]}, "mark": {"enum": ["passed", "failed", "unknown"]},
    "detail": {"type": "string"}}}}}},
"ExemptionRequests": {"type": "object", "required": ["requests"], "additionalProperties": false, "properties": {
  "requests": {"type": "array", "items": {"$ref": "#/components/schemas/ExemptionRequest"}}}},
"Subscriber": {"anyOf": [{"$ref": "#/components/schemas/Trace"}, {"$ref": "#/components/schemas/Found"}]},
"Found": {"type": "object", "required": ["query", "read_as", "at", "findings", "lines", "accounts", "messages", "exemptions", "events"], "properties": {
  "query": {"type": "string"}, "read_as": {"enum": ["address", "account", "line", "reference"]},
  "at": {"type": "string", "format": "date-time"}, "cut": {"type": "boolean"},
  "findings": {"type": "array", "items": {"$ref": "#/components/schemas/Finding"}},
  "address": {"type": "object", "required": ["address", "holder", "standing"], "properties": {
    "address": {"type": "string"}, "holder": {"$ref": "#/components/schemas/Holder"}, "standing": {"$ref": "#/components/schemas/Standing"}}},
  "lines": {"type": "array", "items": {"type": "object", "required": ["line", "sessions", "standings"], "properties": {
    "line": {"type": "string"}, "sessions": {"type": "array", "items": {"$ref": "#/components/schemas/LineSession"}},
    "standings": {"type": "array", "items": {"$ref": "#/components/schemas/Standing"}}}}},
  "accounts": {"type": "array", "items": {"type": "object", "required": ["login"], "properties": {
    "login": {"type": "string"}, "conduct": {"type": "object"}, "limits": {"type": "array", "items": {"type": "object"}}}}},
  "messages": {"type": "array", "items": {"$ref": "#/components/schemas/Message"}},
  "exemptions": {"type": "array", "items": {"$ref": "#/components/schemas/Lease"}},
  "unanswered": {"type": "array", "items": {"type": "string"}, "description": "what could not be asked"},
  "events": {"type": "array", "items": {"$ref": "#/components/schemas/Event"}}}},
"Policy": {"type": "object", "required": ["digest", "classes", "rules"], "additionalProperties": false, "properties": {
  "digest": {"type": "string"},
  "classes": {"type": "array", "items": {"type": "object", "required": ["name", "note", "prefixes"], "additionalProperties": false, "properties": {
    "name": {"type": "string"}, "note": {"type": "string"}, "prefixes": {"type": "integer"}}}},
  "rules": {"type": "array", "items": {"type": "object", "required": ["name", "from", "to", "action", "stage", "note"], "additionalProperties": false, "properties": {
    "name": {"type": "string"}, "from": {"type": "string"}, "to": {"type": "string"}, "action": {"type": "string"},
    "stage": {"type": "string"}, "note": {"type": "string"}}}}}},
"Status": {"type": "object", "required": ["version", "provider", "now", "started", "roles", "events_24h", "journal_up", "policy"], "additionalProperties": false, "properties": {
  "version": {"type": "string"}, "provider": {"type": "string"}, "now": {"type": "string", "format": "date-time"},
  "started": {"type": "string", "format": "date-time"}, "journal_up": {"type": "boolean"},
  "roles": {"type": "object", "additionalProperties": {"type": "object", "required": ["up"], "properties": {
    "up": {"type": "boolean"}, "error": {"type": "string"}, "status": {"type": "object"}}}},
  "events_24h": {"type": "object", "additionalProperties": {"type": "integer"}},
  "policy": {"$ref": "#/components/schemas/Policy"}}},
"History": {"type": "object", "required": ["since", "step_seconds", "kinds"], "additionalProperties": false, "properties": {
  "since": {"type": "string", "format": "date-time"}, "step_seconds": {"type": "integer"},
  "kinds": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "integer"}}}}},
"Conduct": {"type": "object", "required": ["mode", "accounts", "lines"], "properties": {
  "mode": {"type": "string"}, "accounts": {"type": "array", "items": {"type": "object"}},
  "lines": {"type": "array", "items": {"type": "object"}}}},
"Explanation": {"type": "object", "required": ["source", "destination", "lines"], "properties": {
  "source": {"type": "string"}, "destination": {"type": "string"}, "gate": {"type": "object"}, "gate_error": {"type": "string"},
  "lines": {"type": "array", "items": {"type": "string"}}}},
"DmarcReports": {"type": "object", "required": ["sources"], "additionalProperties": false, "properties": {
  "sources": {"type": "array", "items": {"type": "object", "required": ["source", "header_from", "passed", "failed", "refused", "reporters", "hint"],
    "additionalProperties": false, "properties": {
    "source": {"type": "string"}, "header_from": {"type": "string"}, "passed": {"type": "integer"}, "failed": {"type": "integer"},
    "refused": {"type": "integer", "description": "of the failed: quarantined or refused"}, "reporters": {"type": "integer"}, "hint": {"type": "string"}}}}}},
"TlsReports": {"type": "object", "required": ["policies"], "additionalProperties": false, "properties": {
  "policies": {"type": "array", "items": {"type": "object", "required": ["organization", "domain", "policy_type", "succeeded", "failed", "failures"],
    "additionalProperties": false, "properties": {
    "organization": {"type": "string"}, "domain": {"type": "string"}, "policy_type": {"type": "string"}, "succeeded": {"type": "integer"}, "failed": {"type": "integer"},
    "failures": {"type": "array", "items": {"type": "object", "required": ["type", "count", "hint"], "properties": {
      "type": {"type": "string"}, "count": {"type": "integer"}, "hint": {"type": "string"}}}}}}}}},
"Queue": {"type": "object", "properties": {"next_cursor": {"type": "string"}, "messages": {"type": "array", "items": {"type": "object"}}}},
"Suspensions": {"type": "object", "required": ["suspensions"], "properties": {"suspensions": {"type": "array", "items": {"type": "object"}}}},
"Done": {"type": "object", "required": ["done", "failed"], "properties": {"done": {"type": "integer"}, "failed": {"type": "array"}}}
})json";

Json make() {
    Json all = Json::parse(kBodies);
    all.update(Json::parse(kAnswers));
    return all;
}

}  // namespace

const Json& schemas() {
    static const Json kSchemas = make();
    return kSchemas;
}

const Json& schema(const std::string& name) {
    const auto found = schemas().find(name);
    SEKISHO_ASSERT(found != schemas().end());
    return *found;
}

}  // namespace sekisho::desk
