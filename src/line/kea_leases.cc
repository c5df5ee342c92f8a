#include "line/kea_leases.h"

#include "base/bytes.h"
#include "base/ip.h"
#include "base/time.h"
#include "line/line.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace sekisho::line {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kLineMax = 253;
constexpr std::int64_t kForever = 0xffffffff;  // RFC 2131 §3.3, RFC 8415 §7.7
constexpr std::int64_t kSecondsMax = 1'000'000'000'000;
constexpr Duration kStep{1};
constexpr unsigned kCircuitId = 1;  // sub-options of option 82 (RFC 3046 §2.0)
constexpr unsigned kRemoteId = 2;
constexpr unsigned kInterfaceId = 18;  // options of DHCPv6 (RFC 8415 §24)
constexpr unsigned kRemoteId6 = 37;
constexpr std::size_t kEnterpriseSize = 4;  // in front of a DHCPv6 Remote-Id (RFC 4649 §3)

std::optional<std::int64_t> number(std::string_view text) {
    std::int64_t value = 0;
    const char* end = text.data() + text.size();
    const auto [read, error] = std::from_chars(text.data(), end, value);
    return error == std::errc{} && read == end && value >= 0 && value <= kSecondsMax
               ? std::optional{value}
               : std::nullopt;
}

// Kea writes a comma inside a field as "&#x2c" (CSVRow::escapeCharacters).
std::string unescaped(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text.substr(i, 3) == "&#x" && i + 5 <= text.size()) {
            if (const auto byte = unhex(text.substr(i + 3, 2))) {
                out += *byte;
                i += 4;
                continue;
            }
        }
        out.push_back(text[i]);
    }
    return out;
}

// Identifiers of access equipment are text or any bytes; the latter in hex, as Kea writes its own.
std::string readable(std::string_view bytes) {
    const bool text = !bytes.empty() && printable(bytes, kLineMax) == bytes && is_utf8(bytes);
    return text ? std::string{bytes} : hex(bytes);
}

std::optional<std::string> from_hex(const Json& value) {
    if (!value.is_string()) {
        return std::nullopt;
    }
    std::string text = value.get<std::string>();
    text = text.starts_with("0x") || text.starts_with("0X") ? text.substr(2) : text;
    return unhex(text);
}

// The value of an option among options with codes and sizes of so many bytes each.
std::string option(std::string_view options, unsigned wanted, std::size_t width) {
    const auto number_at = [&](std::size_t at) {
        unsigned value = 0;
        for (std::size_t i = 0; i < width; ++i) {
            value = value << 8U | static_cast<unsigned char>(options[at + i]);
        }
        return value;
    };
    for (std::size_t at = 0; at + 2 * width <= options.size();) {
        const unsigned code = number_at(at);
        const std::size_t size = number_at(at + width);
        at += 2 * width;
        if (at + size > options.size()) {
            break;
        }
        if (code == wanted) {
            return std::string{options.substr(at, size)};
        }
        at += size;
    }
    return {};
}

const Json& member(const Json& object, const char* key) {
    static const Json none;
    const auto found = object.is_object() ? object.find(key) : object.end();
    return object.is_object() && found != object.end() ? *found : none;
}

// What relays said of the client, as Kea keeps it in the user context with store-extended-info:
// DHCPv4 {"ISC": {"relay-agent-info": "0x..."}}, later {"ISC": {"relay-agent-info":
// {"sub-options": "0x..."}}}; DHCPv6 {"ISC": {"relays": [{"options": "0x..."}]}}, later
// {"ISC": {"relay-info": [...]}}, the relay next to the server first.
std::string of_relay(const std::string& context, KeaField wanted) {
    const Json all = Json::parse(context, nullptr, false);
    const Json& isc = member(all, "ISC");
    const Json& info = member(isc, "relay-agent-info");
    const auto options = from_hex(info.is_object() ? member(info, "sub-options") : info);
    if (options) {
        return option(*options, wanted == KeaField::CircuitId ? kCircuitId : kRemoteId, 1);
    }
    const Json& newer = member(isc, "relay-info");
    const Json& relays = newer.is_array() ? newer : member(isc, "relays");
    if (!relays.is_array()) {
        return {};
    }
    // The relay next to the client knows it best.
    for (auto relay = relays.rbegin(); relay != relays.rend(); ++relay) {
        const auto said = from_hex(member(*relay, "options"));
        std::string found =
            said ? option(*said, wanted == KeaField::CircuitId ? kInterfaceId : kRemoteId6, 2)
                 : std::string{};
        if (wanted == KeaField::RemoteId) {
            found.erase(0, std::min(kEnterpriseSize, found.size()));
        }
        if (!found.empty()) {
            return found;
        }
    }
    return {};
}

}  // namespace

std::optional<KeaField> parse_kea_field(std::string_view text) {
    static const std::map<std::string_view, KeaField> kFields{
        {"client-id", KeaField::ClientId},
        {"hwaddr", KeaField::Hwaddr},
        {"duid", KeaField::Duid},
        {"hostname", KeaField::Hostname},
        {"circuit-id", KeaField::CircuitId},
        {"remote-id", KeaField::RemoteId},
    };
    const auto found = kFields.find(text);
    return found == kFields.end() ? std::nullopt : std::optional{found->second};
}

std::string RowError::text() const {
    return file + ":" + std::to_string(row) + ": " + message;
}

void KeaLeases::error(std::string message) {
    ++error_count_;
    if (errors_.size() < kErrorsKept) {
        errors_.push_back({file_, number_, std::move(message)});
    }
}

void KeaLeases::begin_file(std::string name) {
    file_ = std::move(name);
    number_ = 0;
    columns_.clear();
}

void KeaLeases::feed(std::string_view text, Time now, bool live) {
    if (text.ends_with('\n')) {
        text.remove_suffix(1);
    }
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        ++number_;
        row(trim(text.substr(at, end - at)), now, live);
        at = end + 1;
    }
}

void KeaLeases::heading(std::string_view text) {
    std::size_t place = 0;
    for (const std::string_view name : split(text, ',')) {
        columns_.emplace(name, place++);
    }
    width_ = place;
    for (const char* needed : {"address", "valid_lifetime", "expire", "state"}) {
        if (!columns_.contains(needed)) {
            error(
                std::string{"this is no lease file of Kea: its first row names no column "} + needed
            );
            columns_.clear();
            return;
        }
    }
}

void KeaLeases::row(std::string_view text, Time now, bool live) {
    if (number_ == 1) {
        return heading(text);
    }
    if (text.empty() || columns_.empty()) {
        return;
    }
    ++rows_;
    std::vector<std::string> fields;
    for (const std::string_view one : split(text, ',')) {
        fields.push_back(unescaped(one));
    }
    if (fields.size() != width_) {
        return error(
            "a row has " + std::to_string(width_) + " fields, this one " +
            std::to_string(fields.size())
        );
    }
    if (const auto read = this->read(fields)) {
        apply(*read, now, live);
    }
}

const std::string& KeaLeases::field(const std::vector<std::string>& fields, std::string_view column)
    const {
    static const std::string none;
    const auto found = columns_.find(column);
    return found == columns_.end() ? none : fields[found->second];
}

std::string KeaLeases::line_of(const std::vector<std::string>& fields) const {
    switch (field_) {
        case KeaField::ClientId:
            return readable(field(fields, "client_id"));
        case KeaField::Hwaddr:
            return readable(field(fields, "hwaddr"));
        case KeaField::Duid:
            return readable(field(fields, "duid"));
        case KeaField::Hostname:
            return readable(field(fields, "hostname"));
        case KeaField::CircuitId:
        case KeaField::RemoteId:
            return readable(of_relay(field(fields, "user_context"), field_));
    }
    return {};
}

std::optional<KeaLeases::Row> KeaLeases::read(const std::vector<std::string>& fields) {
    const auto address = IpAddress::parse(field(fields, "address"));
    if (!address) {
        error(address.error().message);
        return std::nullopt;
    }
    const auto valid = number(field(fields, "valid_lifetime"));
    const auto expire = number(field(fields, "expire"));
    const auto state = number(field(fields, "state"));
    if (!valid || !expire || !state) {
        error("valid_lifetime, expire and state are numbers");
        return std::nullopt;
    }
    int length = address->bits();
    const std::string& type = field(fields, "lease_type");
    if (type == "2" || type == "IA_PD") {
        const auto written = number(field(fields, "prefix_len"));
        if (!written || *written < 1 || *written > length) {
            error("a delegated prefix has a length from 1 to 128");
            return std::nullopt;
        }
        length = static_cast<int>(*written);
    }
    Row row;
    row.prefix = Prefix{*address, length};
    row.line = line_of(fields);
    row.expire = *valid == kForever ? Time::max() : Time{std::chrono::seconds{*expire}};
    // Kea writes when a lease ends; it began, or was renewed, so much earlier.
    row.since = Time{std::chrono::seconds{*expire - *valid}};
    row.held = *state == 0 && *valid > 0;
    if (row.line.size() > kLineMax) {
        error("what names the line is longer than " + std::to_string(kLineMax) + " bytes");
        return std::nullopt;
    }
    return row;
}

Session KeaLeases::session(const Prefix& prefix, const Lease& lease) const {
    Session out;
    out.id = prefix.text();
    out.nas = nas_;
    out.line = lease.line;
    out.prefixes = {prefix};
    out.start = lease.start;
    out.end = lease.end;
    out.seen = lease.seen;
    return out;
}

void KeaLeases::end(const Prefix& prefix, Lease& lease, Time at) {
    lease.end = std::clamp(at, lease.start, std::max(lease.start, lease.expire));
    changes_.push_back(session(prefix, lease));
    --held_;
}

void KeaLeases::begin(const Row& row, Lease& lease, bool open) {
    Time start = row.since;
    // Another line's beginning ends what is there, at the same moment (session_rules.h), unless one
    // of the two has no name.
    const bool at_once = open && !lease.line.empty() && !row.line.empty() &&
                         lease.line != row.line && start > lease.start && start <= lease.expire;
    if (open && !at_once) {
        end(row.prefix, lease, start);
    }
    if (lease.end) {
        // Kea counts in seconds: what began in the second of the last end began after it.
        start = std::max(start, *lease.end + kStep);
    }
    lease = {row.line, start, std::max(start, row.since), row.expire, {}};
    held_ += at_once ? 0 : 1;
}

void KeaLeases::apply(const Row& row, Time now, bool live) {
    const auto [found, fresh] = leases_.try_emplace(row.prefix);
    Lease& lease = found->second;
    const bool open = !fresh && !lease.end;
    if (!row.held) {
        // Released, declined or run out. A released one doesn't say when, only when it was last
        // renewed.
        if (open) {
            end(row.prefix, lease, live ? now : std::max(row.since, lease.seen));
        } else if (fresh) {
            lease.start = lease.seen = row.since;
            lease.end = row.since;
        }
        return;
    }
    if (open && lease.line == row.line && row.since <= lease.expire) {
        lease.seen = std::max(lease.seen, row.since);
        lease.expire = row.expire;
    } else {
        begin(row, lease, open);
    }
    next_expiry_ = std::min(next_expiry_, lease.expire);
    changes_.push_back(session(row.prefix, lease));
}

std::vector<Session> KeaLeases::take(Time now) {
    if (now >= next_expiry_) {
        next_expiry_ = Time::max();
        for (auto& [prefix, lease] : leases_) {
            if (!lease.end && lease.expire <= now) {
                end(prefix, lease, lease.expire);
            } else if (!lease.end) {
                next_expiry_ = std::min(next_expiry_, lease.expire);
            }
        }
    }
    return std::exchange(changes_, {});
}

std::vector<Session> KeaLeases::holding() const {
    std::vector<Session> out;
    for (const auto& [prefix, lease] : leases_) {
        if (!lease.end) {
            out.push_back(session(prefix, lease));
        }
    }
    return out;
}

std::optional<Time> KeaLeases::ended(const Prefix& prefix) const {
    const auto found = leases_.find(prefix);
    return found == leases_.end() ? std::nullopt : found->second.end;
}

}  // namespace sekisho::line
