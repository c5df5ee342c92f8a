#include "dkim/keys/keyring.h"

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "dkim/key.h"
#include "dkim/signature.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::dkim {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array kStates{
    KeyState::Waiting, KeyState::Signing, KeyState::Retired, KeyState::Removed
};

std::optional<KeyState> parse_state(std::string_view text) {
    for (const KeyState state : kStates) {
        if (name(state) == text) {
            return state;
        }
    }
    return std::nullopt;
}

std::string member(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::optional<KeyEntry> parse_entry(const Json& one) {
    if (!one.is_object()) {
        return std::nullopt;
    }
    KeyEntry key;
    key.domain = member(one, "domain");
    key.selector = member(one, "selector");
    key.record = member(one, "record");
    const auto algorithm = parse_algorithm(member(one, "algorithm"));
    const auto state = parse_state(member(one, "state"));
    const auto created = parse_rfc3339(member(one, "created"));
    const auto since = parse_rfc3339(member(one, "since"));
    if (!is_domain(key.domain) || !is_domain(key.selector) || !parse_key_record(key.record) ||
        !algorithm || !state || !created || !since) {
        return std::nullopt;
    }
    key.algorithm = *algorithm;
    key.state = *state;
    key.created = *created;
    key.since = *since;
    return key;
}

// a, b, ... z, aa, ab, ...
std::string letters(std::size_t index) {
    constexpr std::size_t alphabet = 26;
    std::string out(1, static_cast<char>('a' + index % alphabet));
    while (index >= alphabet) {
        index = index / alphabet - 1;
        out.insert(out.begin(), static_cast<char>('a' + index % alphabet));
    }
    return out;
}

}  // namespace

std::string_view name(KeyState state) {
    switch (state) {
        case KeyState::Waiting:
            return "waiting";
        case KeyState::Signing:
            return "signing";
        case KeyState::Retired:
            return "retired";
        case KeyState::Removed:
            return "removed";
    }
    return "removed";
}

Result<Keyring> Keyring::parse(std::string_view json) {
    const Json document = Json::parse(json, nullptr, false);
    Keyring out;
    if (!document.is_object() || !document.contains("keys") || !document["keys"].is_array()) {
        return fail(Errc::Corrupt, "not a list of keys");
    }
    for (const Json& one : document["keys"]) {
        auto key = parse_entry(one);
        if (!key) {
            return fail(Errc::Corrupt, "a key in the list is malformed: " + printable(one.dump()));
        }
        if (Status added = out.add(std::move(*key)); !added) {
            return fail(Errc::Corrupt, added.error().message);
        }
    }
    return out;
}

std::string Keyring::text() const {
    Json list = Json::array();
    for (const KeyEntry& key : keys_) {
        list.push_back(
            {{"domain", key.domain},
             {"selector", key.selector},
             {"algorithm", name(key.algorithm)},
             {"state", name(key.state)},
             {"created", rfc3339(key.created)},
             {"since", rfc3339(key.since)},
             {"record", key.record}}
        );
    }
    return Json{{"keys", std::move(list)}}.dump(2) + "\n";
}

const KeyEntry* Keyring::find(std::string_view domain, std::string_view selector) const {
    const auto found = std::find_if(keys_.begin(), keys_.end(), [&](const KeyEntry& key) {
        return key.domain == domain && key.selector == selector;
    });
    return found == keys_.end() ? nullptr : &*found;
}

const KeyEntry* Keyring::signing(std::string_view domain, Algorithm algorithm) const {
    const auto found = std::find_if(keys_.begin(), keys_.end(), [&](const KeyEntry& key) {
        return key.domain == domain && key.algorithm == algorithm && key.state == KeyState::Signing;
    });
    return found == keys_.end() ? nullptr : &*found;
}

std::vector<std::pair<std::string, Algorithm>> Keyring::lacking(
    const std::vector<std::string>& domains, const std::vector<Algorithm>& algorithms
) const {
    std::vector<std::pair<std::string, Algorithm>> out;
    for (const std::string& written : domains) {
        const std::string domain = to_lower(written);
        for (const Algorithm algorithm : algorithms) {
            const bool has = std::any_of(keys_.begin(), keys_.end(), [&](const KeyEntry& key) {
                return key.domain == domain && key.algorithm == algorithm &&
                       (key.state == KeyState::Waiting || key.state == KeyState::Signing);
            });
            if (!has) {
                out.emplace_back(domain, algorithm);
            }
        }
    }
    return out;
}

std::string Keyring::next_selector(std::string_view domain, Algorithm algorithm, Time now) const {
    const std::chrono::year_month_day date{std::chrono::floor<std::chrono::days>(now)};
    const std::string stem = (algorithm == Algorithm::RsaSha256 ? "s" : "e") +
                             std::to_string(static_cast<int>(date.year()));
    for (std::size_t i = 0;; ++i) {
        std::string selector = stem + letters(i);
        if (find(domain, selector) == nullptr) {
            return selector;
        }
    }
}

Status Keyring::add(KeyEntry key) {
    if (find(key.domain, key.selector) != nullptr) {
        return fail(Errc::Conflict, key.dns_name() + ": there is such a key already");
    }
    keys_.push_back(std::move(key));
    return {};
}

Result<KeyEntry*> Keyring::entry(std::string_view domain, std::string_view selector) {
    for (KeyEntry& key : keys_) {
        if (key.domain == domain && key.selector == selector && key.state != KeyState::Removed) {
            return &key;
        }
    }
    return fail(
        Errc::NotFound, "there is no key " + printable(selector) + " of " + printable(domain)
    );
}

Status Keyring::activate(std::string_view domain, std::string_view selector, Time now) {
    const auto found = entry(domain, selector);
    if (!found) {
        return fail(found.error());
    }
    KeyEntry& key = **found;
    if (key.state == KeyState::Signing) {
        return {};
    }
    bool before = true;
    for (KeyEntry& other : keys_) {
        before = before && &other != &key;
        // An older key that still waits is overtaken: it must not take over from this one later.
        if (other.domain == key.domain && other.algorithm == key.algorithm &&
            (other.state == KeyState::Signing || (before && other.state == KeyState::Waiting))) {
            other.state = KeyState::Retired;
            other.since = now;
        }
    }
    key.state = KeyState::Signing;
    key.since = now;
    return {};
}

Status Keyring::retire(std::string_view domain, std::string_view selector, Time now) {
    const auto found = entry(domain, selector);
    if (!found) {
        return fail(found.error());
    }
    if ((*found)->state != KeyState::Retired) {
        (*found)->state = KeyState::Retired;
        (*found)->since = now;
    }
    return {};
}

Status Keyring::remove(std::string_view domain, std::string_view selector, Time now) {
    const auto found = entry(domain, selector);
    if (!found) {
        return fail(found.error());
    }
    (*found)->state = KeyState::Removed;
    (*found)->since = now;
    return {};
}

std::vector<KeyEntry> Keyring::outlived(Duration keep, Time now) const {
    std::vector<KeyEntry> out;
    std::copy_if(keys_.begin(), keys_.end(), std::back_inserter(out), [&](const KeyEntry& key) {
        return key.state == KeyState::Retired && key.since + keep <= now;
    });
    return out;
}

Seen compare(const KeyEntry& key, const std::vector<std::string>& txt) {
    const auto wanted = parse_key_record(key.record);
    Seen seen = Seen::Missing;
    for (const std::string& one : txt) {
        const auto there = parse_key_record(one);
        if (wanted && there && there->key == wanted->key && there->type == wanted->type) {
            return Seen::Right;
        }
        seen = Seen::Other;
    }
    return seen;
}

}  // namespace sekisho::dkim
