#include "staff/audit.h"

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::staff {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kFaultsMax = 100;

constexpr std::array<std::pair<const char*, std::string AuditEntry::*>, 7> kTexts{{
    {"who", &AuditEntry::who},
    {"how", &AuditEntry::how},
    {"address", &AuditEntry::address},
    {"action", &AuditEntry::action},
    {"subject", &AuditEntry::subject},
    {"reason", &AuditEntry::reason},
    {"outcome", &AuditEntry::outcome},
}};

}  // namespace

std::string digest_of(const AuditEntry& entry) {
    std::string bytes;
    const auto add = [&bytes](std::string_view field) {
        bytes += std::to_string(field.size());
        bytes += ':';
        bytes += field;
    };
    add("sekisho audit 1");
    add(entry.previous);
    add(std::to_string(entry.number));
    add(std::to_string(to_ms(entry.at)));
    for (const auto& [name, member] : kTexts) {
        add(entry.*member);
    }
    return sha256(bytes);
}

AuditEntry chained(AuditEntry entry, std::int64_t number, std::string previous) {
    entry.number = number;
    entry.previous = std::move(previous);
    entry.digest = digest_of(entry);
    return entry;
}

void AuditCheck::begin_after(std::int64_t number, std::string digest) {
    number_ = number;
    digest_ = std::move(digest);
}

void AuditCheck::fault(std::string text) {
    if (faults_.size() < kFaultsMax) {
        faults_.push_back(std::move(text));
    }
}

void AuditCheck::take(const AuditEntry& entry) {
    if (entry.number != number_ + 1) {
        fault(
            entry.number > number_ + 1
                ? fmt::format("entries {} to {} are missing", number_ + 1, entry.number - 1)
                : fmt::format("entry {} stands behind entry {}", entry.number, number_)
        );
    } else if (entry.previous != digest_) {
        fault(fmt::format("entry {} doesn't follow from the entry before it", entry.number));
    }
    if (digest_of(entry) != entry.digest) {
        fault(fmt::format("entry {} was changed", entry.number));
    }
    number_ = entry.number;
    digest_ = entry.digest;
    if (number_ == expected_number_ && digest_ != expected_digest_) {
        fault(fmt::format("entry {} is not the one that was noted elsewhere", number_));
    }
}

void AuditCheck::expect(std::int64_t number, std::string digest) {
    expected_number_ = number;
    expected_digest_ = std::move(digest);
}

void AuditCheck::end(std::int64_t count) {
    if (count > number_) {
        fault(fmt::format("entries {} to {} are missing at the end", number_ + 1, count));
    }
    if (expected_number_ > number_ && expected_number_ > count) {
        fault(fmt::format(
            "entry {} was noted elsewhere, and the last one here is {}", expected_number_, number_
        ));
    }
}

std::string to_line(const AuditEntry& entry) {
    Json out{{"number", entry.number}, {"at_ms", to_ms(entry.at)}, {"at", rfc3339(entry.at)}};
    for (const auto& [name, member] : kTexts) {
        out[name] = entry.*member;
    }
    out["previous"] = hex(entry.previous);
    out["digest"] = hex(entry.digest);
    return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<AuditEntry> parse_line(std::string_view line) {
    const Json from = Json::parse(line, nullptr, false);
    const auto bad = [](const char* what) {
        return fail(Errc::Invalid, std::string("no line of an audit: ") + what);
    };
    if (!from.is_object()) {
        return bad("not a JSON object");
    }
    const auto integer = [&from](const char* name) {
        return from.contains(name) && from[name].is_number_integer();
    };
    const auto text = [&from](const char* name) {
        return from.contains(name) && from[name].is_string();
    };
    if (!integer("number") || !integer("at_ms")) {
        return bad("number or at_ms is missing");
    }
    AuditEntry out;
    out.number = from["number"].get<std::int64_t>();
    out.at = from_ms(from["at_ms"].get<std::int64_t>());
    for (const auto& [name, member] : kTexts) {
        if (!text(name)) {
            return bad(name);
        }
        out.*member = from[name].get<std::string>();
    }
    if (!text("previous") || !text("digest")) {
        return bad("previous or digest is missing");
    }
    const auto previous = unhex(from["previous"].get<std::string>());
    const auto digest = unhex(from["digest"].get<std::string>());
    if (!previous || !digest) {
        return bad("a digest is no hex");
    }
    out.previous = *previous;
    out.digest = *digest;
    return out;
}

}  // namespace sekisho::staff
