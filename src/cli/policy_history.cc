#include "cli/policy_history.h"

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/context.h"
#include "config/config.h"
#include "config/reader.h"
#include "policy/policy.h"
#include "store/store.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

constexpr const char* kState = "policy_state";

std::string key_of(std::int64_t version) {
    return "policy_version_" + std::to_string(version);
}

Json to_json(const PolicyState& state) {
    Json out{
        {"in_force", state.in_force},
        {"before", state.before},
        {"refused", state.refused},
        {"confirm_until", state.confirm_until ? Json(to_ms(*state.confirm_until)) : Json()},
        {"versions", Json::array()}
    };
    for (const PolicyVersion& one : state.versions) {
        out["versions"].push_back(
            {{"id", one.id},
             {"digest", one.digest},
             {"since", to_ms(one.since)},
             {"by", one.by},
             {"note", one.note}}
        );
    }
    return out;
}

PolicyState from_json(const Json& json) {
    PolicyState out;
    out.in_force = json.at("in_force");
    out.before = json.at("before");
    out.refused = json.at("refused");
    if (!json.at("confirm_until").is_null()) {
        out.confirm_until = from_ms(json.at("confirm_until"));
    }
    for (const Json& one : json.at("versions")) {
        out.versions.push_back(
            {one.at("id"), one.at("digest"), from_ms(one.at("since")), one.at("by"), one.at("note")}
        );
    }
    return out;
}

}  // namespace

const PolicyVersion* PolicyState::find(std::int64_t id) const {
    const auto at = std::find_if(versions.begin(), versions.end(), [id](const PolicyVersion& one) {
        return one.id == id;
    });
    return at == versions.end() ? nullptr : &*at;
}

std::string policy_digest(const std::string& text) {
    return hex(sha256(text)).substr(0, 32);
}

Result<std::shared_ptr<const policy::Source>> source_in_force(const config::Config& config) {
    if (!std::filesystem::exists(config.database())) {
        return std::make_shared<const policy::Source>(config.policy);
    }
    const auto store = store::open_store(config.database());
    return store ? PolicyHistory(**store).in_force(config) : fail(store.error());
}

Result<std::string> PolicyHistory::raw() const {
    const auto value = store_.setting(kState);
    return value ? Result<std::string>(value->value_or("")) : fail(value.error());
}

Result<PolicyState> PolicyHistory::read() const {
    const auto text = raw();
    if (!text) {
        return fail(text.error());
    }
    if (text->empty()) {
        return PolicyState{};
    }
    try {
        return from_json(Json::parse(*text));
    } catch (const nlohmann::json::exception& error) {
        return fail(
            Errc::Corrupt, std::string("the history of policies can't be read: ") + error.what()
        );
    }
}

Status PolicyHistory::write(const PolicyState& state) {
    return store_.set_setting(kState, to_json(state).dump());
}

Result<std::string> PolicyHistory::text(std::int64_t version) const {
    auto value = store_.setting(key_of(version));
    if (!value) {
        return fail(value.error());
    }
    if (!*value) {
        return fail(Errc::NotFound, "there is no version " + std::to_string(version));
    }
    return std::move(**value);
}

Result<policy::Source> PolicyHistory::source(std::int64_t version) const {
    const auto written = text(version);
    if (!written) {
        return fail(written.error());
    }
    auto parsed = config::parse(*written, "version " + std::to_string(version));
    if (!parsed) {
        return fail(
            Errc::Corrupt, "kept policy can't be read: " + parsed.error().front().message()
        );
    }
    return std::move(parsed->policy);
}

Result<std::shared_ptr<const policy::Source>> PolicyHistory::in_force(const config::Config& config
) const {
    const auto state = read();
    if (!state) {
        return fail(state.error());
    }
    if (state->refused.empty() ||
        state->refused != policy_digest(config::policy_text(config.policy))) {
        return std::make_shared<const policy::Source>(config.policy);
    }
    auto kept = source(state->in_force);
    if (!kept) {
        return fail(kept.error());
    }
    return std::make_shared<const policy::Source>(std::move(*kept));
}

Status PolicyHistory::put(
    const std::string& text,
    const std::string& by,
    const std::string& note,
    std::optional<Duration> confirm,
    Time now
) {
    auto state = read();
    if (!state) {
        return fail(state.error());
    }
    const std::string digest = policy_digest(text);
    auto same =
        std::find_if(state->versions.begin(), state->versions.end(), [&](const PolicyVersion& one) {
            return one.digest == digest;
        });
    if (same == state->versions.end()) {
        const std::int64_t id = state->versions.empty() ? 1 : state->versions.back().id + 1;
        if (Status kept = store_.set_setting(key_of(id), text); !kept) {
            return kept;
        }
        state->versions.push_back({id, digest, now, by, note});
        same = std::prev(state->versions.end());
    }
    if (same->id != state->in_force) {
        state->before = state->in_force;
        state->in_force = same->id;
        *same = {same->id, digest, now, by, note};
        state->confirm_until =
            confirm && state->before != 0 ? std::optional(now + *confirm) : std::nullopt;
    }
    state->refused.clear();
    while (state->versions.size() > kVersionsKept) {
        const auto oldest = std::find_if(
            state->versions.begin(),
            state->versions.end(),
            [&](const PolicyVersion& one) {
                return one.id != state->in_force && one.id != state->before;
            }
        );
        if (Status gone = store_.remove_setting(key_of(oldest->id)); !gone) {
            return gone;
        }
        state->versions.erase(oldest);
    }
    return write(*state);
}

Status PolicyHistory::confirm() {
    auto state = read();
    if (!state) {
        return fail(state.error());
    }
    if (!state->confirm_until) {
        return fail(Errc::NotFound, "no policy waits for a confirmation");
    }
    state->confirm_until.reset();
    return write(*state);
}

Status PolicyHistory::roll_back(
    std::int64_t version,
    const std::string& refused,
    const std::string& by,
    const std::string& note,
    Time now
) {
    auto state = read();
    if (!state) {
        return fail(state.error());
    }
    const auto to = std::find_if(
        state->versions.begin(),
        state->versions.end(),
        [version](const PolicyVersion& one) { return one.id == version; }
    );
    if (to == state->versions.end()) {
        return fail(
            Errc::NotFound,
            "there is no version " + std::to_string(version) +
                " of the policy; `sekisho gate history` lists them"
        );
    }
    if (to->id != state->in_force) {
        state->before = state->in_force;
        state->in_force = to->id;
        *to = {to->id, to->digest, now, by, note};
    }
    state->refused = to->digest == refused ? std::string() : refused;
    state->confirm_until.reset();
    return write(*state);
}

}  // namespace sekisho::cli
