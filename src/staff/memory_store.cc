#include "staff/memory_store.h"

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "staff/audit.h"
#include "staff/staff.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::staff {

Error no_operator(std::string_view name) {
    return {Errc::NotFound, "there is no operator \"" + printable(name) + "\""};
}

Error no_token(std::string_view name, std::string_view label) {
    return {
        Errc::NotFound,
        "the operator " + printable(name) + " has no token \"" + printable(label) + "\""
    };
}

Status MemoryStore::add(const Operator& one) {
    if (const Status sound = check_name(one.name); !sound) {
        return sound;
    }
    const std::scoped_lock lock{mutex_};
    if (operators_.size() >= kOperatorsMax) {
        return fail(Errc::Full, "there are as many operators as there can be");
    }
    if (!operators_.emplace(one.name, one).second) {
        return fail(Errc::Conflict, "there is an operator \"" + one.name + "\" already");
    }
    return {};
}

Status MemoryStore::update(const Operator& one) {
    const std::scoped_lock lock{mutex_};
    const auto found = operators_.find(one.name);
    if (found == operators_.end()) {
        return fail(no_operator(one.name));
    }
    found->second = one;
    std::erase_if(sessions_, [&](const auto& each) { return each.second.name == one.name; });
    return {};
}

Result<Operator> MemoryStore::find(std::string_view name) {
    const std::scoped_lock lock{mutex_};
    const auto found = operators_.find(name);
    return found == operators_.end() ? Result<Operator>(fail(no_operator(name))) : found->second;
}

Result<std::vector<Operator>> MemoryStore::list() {
    const std::scoped_lock lock{mutex_};
    std::vector<Operator> out;
    for (const auto& [name, one] : operators_) {
        out.push_back(one);
    }
    return out;
}

Result<bool> MemoryStore::use_step(std::string_view name, std::int64_t step) {
    const std::scoped_lock lock{mutex_};
    const auto found = operators_.find(name);
    if (found == operators_.end() || found->second.totp_last_step >= step) {
        return false;
    }
    found->second.totp_last_step = step;
    return true;
}

Result<bool> MemoryStore::use_recovery(std::string_view name, std::string_view digest) {
    const std::scoped_lock lock{mutex_};
    const auto found = operators_.find(name);
    return found != operators_.end() && std::erase(found->second.recovery, digest) > 0;
}

Status MemoryStore::open(const Session& session) {
    const std::scoped_lock lock{mutex_};
    const auto own = [&](const auto& each) { return each.second.name == session.name; };
    while (std::ranges::count_if(sessions_, own) >= static_cast<std::ptrdiff_t>(kSessionsMax)) {
        auto oldest = sessions_.end();
        for (auto it = sessions_.begin(); it != sessions_.end(); ++it) {
            if (own(*it) &&
                (oldest == sessions_.end() || it->second.created < oldest->second.created)) {
                oldest = it;
            }
        }
        sessions_.erase(oldest);
    }
    sessions_[session.digest] = session;
    return {};
}

Result<std::optional<Session>> MemoryStore::session(std::string_view digest) {
    const std::scoped_lock lock{mutex_};
    const auto found = sessions_.find(digest);
    return found == sessions_.end() ? std::nullopt : std::optional(found->second);
}

Status MemoryStore::seen(std::string_view digest, Time at) {
    const std::scoped_lock lock{mutex_};
    if (const auto found = sessions_.find(digest); found != sessions_.end()) {
        found->second.seen = at;
    }
    return {};
}

Status MemoryStore::close(std::string_view digest) {
    const std::scoped_lock lock{mutex_};
    if (const auto found = sessions_.find(digest); found != sessions_.end()) {
        sessions_.erase(found);
    }
    return {};
}

Result<std::int64_t> MemoryStore::forget_sessions(Time idle_since, Time created_before) {
    const std::scoped_lock lock{mutex_};
    return static_cast<std::int64_t>(std::erase_if(sessions_, [&](const auto& each) {
        return each.second.seen < idle_since || each.second.created < created_before;
    }));
}

Status MemoryStore::add_token(const Token& token) {
    const std::scoped_lock lock{mutex_};
    std::size_t own = 0;
    for (const auto& [digest, each] : tokens_) {
        if (each.name == token.name) {
            ++own;
            if (each.label == token.label) {
                return fail(Errc::Conflict, "there is a token \"" + token.label + "\" already");
            }
        }
    }
    if (!operators_.contains(token.name)) {
        return fail(no_operator(token.name));
    }
    if (own >= kTokensMax) {
        return fail(Errc::Full, "an operator has at most 32 tokens; revoke one");
    }
    tokens_[token.digest] = token;
    return {};
}

Result<std::optional<Token>> MemoryStore::token(std::string_view digest) {
    const std::scoped_lock lock{mutex_};
    const auto found = tokens_.find(digest);
    return found == tokens_.end() ? std::nullopt : std::optional(found->second);
}

Result<std::vector<Token>> MemoryStore::tokens(std::string_view name) {
    const std::scoped_lock lock{mutex_};
    std::vector<Token> out;
    for (const auto& [digest, each] : tokens_) {
        if (each.name == name) {
            out.push_back(each);
        }
    }
    std::ranges::sort(out, {}, &Token::label);
    return out;
}

Status MemoryStore::token_used(std::string_view digest, Time at) {
    const std::scoped_lock lock{mutex_};
    if (const auto found = tokens_.find(digest); found != tokens_.end()) {
        found->second.last_used = at;
    }
    return {};
}

Status MemoryStore::remove_token(std::string_view name, std::string_view label) {
    const std::scoped_lock lock{mutex_};
    const auto gone = std::erase_if(tokens_, [&](const auto& each) {
        return each.second.name == name && each.second.label == label;
    });
    return gone == 0 ? Status(fail(no_token(name, label))) : Status{};
}

Result<std::optional<Answered>> MemoryStore::begin(const Answered& call) {
    const std::scoped_lock lock{mutex_};
    const auto [place, fresh] = answered_.try_emplace({call.who, call.key}, call);
    return fresh ? std::nullopt : std::optional(place->second);
}

Status MemoryStore::finish(const Answered& call) {
    const std::scoped_lock lock{mutex_};
    answered_[{call.who, call.key}] = call;
    return {};
}

Status MemoryStore::abandon(const Answered& call) {
    const std::scoped_lock lock{mutex_};
    answered_.erase({call.who, call.key});
    return {};
}

Result<std::int64_t> MemoryStore::forget_answers(Time before) {
    const std::scoped_lock lock{mutex_};
    return static_cast<std::int64_t>(std::erase_if(answered_, [&](const auto& each) {
        return each.second.at < before;
    }));
}

Result<AuditEntry> MemoryStore::note(AuditEntry entry) {
    const std::scoped_lock lock{mutex_};
    std::string previous = audit_.empty() ? std::string(32, '\0') : audit_.back().digest;
    audit_.push_back(
        chained(std::move(entry), static_cast<std::int64_t>(audit_.size()) + 1, std::move(previous))
    );
    return audit_.back();
}

Result<std::vector<AuditEntry>> MemoryStore::audit(const AuditQuery& query) {
    const std::scoped_lock lock{mutex_};
    std::vector<AuditEntry> out;
    const auto same = [](const std::optional<std::string>& wanted, const std::string& value) {
        return !wanted || *wanted == value;
    };
    for (const AuditEntry& entry : audit_) {
        const bool in = query.from == 0 || (query.newest_first ? entry.number < query.from
                                                               : entry.number > query.from);
        if (in && same(query.who, entry.who) && same(query.subject, entry.subject) &&
            same(query.action, entry.action) && (!query.since || entry.at >= *query.since) &&
            (!query.until || entry.at <= *query.until)) {
            out.push_back(entry);
        }
    }
    if (query.newest_first) {
        std::ranges::reverse(out);
    }
    if (out.size() > query.limit) {
        out.resize(query.limit);
    }
    return out;
}

Result<std::int64_t> MemoryStore::audit_count() {
    const std::scoped_lock lock{mutex_};
    return static_cast<std::int64_t>(audit_.size());
}

}  // namespace sekisho::staff
