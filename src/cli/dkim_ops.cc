#include "cli/dkim_ops.h"

#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "dkim/keys/keyring.h"
#include "dkim/keys/store.h"
#include "dkim/signature.h"
#include "net/resolver.h"
#include "net/task.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::cli {

dkim::KeyStore key_store(const config::Config& config) {
    return {config.dkim_folder(), config.user};
}

std::vector<dkim::Algorithm> dkim_algorithms(const config::Config& config) {
    std::vector<dkim::Algorithm> out;
    for (const std::string& text : config.dkim.algorithms) {
        if (const auto one = dkim::parse_algorithm(text)) {
            out.push_back(*one);
        }
    }
    return out;
}

Result<std::vector<dkim::KeyEntry>> make_missing_keys(const config::Config& config, Time now) {
    constexpr std::size_t at_once_max = 32;
    const dkim::KeyStore store = key_store(config);
    const auto ring = store.read();
    if (!ring) {
        return fail(ring.error());
    }
    auto lacking = ring->lacking(config.mail.domains, dkim_algorithms(config));
    if (lacking.empty()) {
        return std::vector<dkim::KeyEntry>{};
    }
    if (lacking.size() > at_once_max) {
        lacking.resize(at_once_max);
    }
    return store.make(lacking, now);
}

net::Task<TxtAnswers> look_up_txt(net::Resolver* resolver, std::vector<std::string> names) {
    TxtAnswers answers;
    for (const std::string& name : names) {
        const auto found = co_await resolver->txt(name);
        if (found) {
            answers.insert_or_assign(name, found->records);
        } else {
            answers.insert_or_assign(name, fail(found.error()));
        }
    }
    co_return answers;
}

std::vector<std::string> names_to_check(const dkim::Keyring& ring) {
    std::vector<std::string> out;
    for (const dkim::KeyEntry& key : ring.keys()) {
        if (key.state == dkim::KeyState::Waiting || key.state == dkim::KeyState::Signing) {
            out.push_back(key.dns_name());
        }
    }
    return out;
}

namespace {

KeyCheck judge(const dkim::KeyEntry& key, const TxtAnswers& answers) {
    KeyCheck check;
    check.key = key;
    const auto found = answers.find(key.dns_name());
    if (found == answers.end()) {
        check.reason = "not asked for";
    } else if (!found->second) {
        check.reason = found->second.error().message;
    } else {
        using Now = KeyCheck::Now;
        const bool there = dkim::compare(key, *found->second) == dkim::Seen::Right;
        if (key.state == dkim::KeyState::Waiting) {
            check.now = there ? Now::SignsNow : Now::Waits;
        } else {
            check.now = there ? Now::Signs : Now::RecordIsGone;
        }
    }
    return check;
}

}  // namespace

Result<std::vector<KeyCheck>> apply_check(
    const config::Config& config, const TxtAnswers& answers, Time now
) {
    const dkim::KeyStore store = key_store(config);
    std::vector<KeyCheck> checks;
    const auto examine = [&](const dkim::Keyring& ring) {
        checks.clear();
        for (const dkim::KeyEntry& key : ring.keys()) {
            if (key.state == dkim::KeyState::Waiting || key.state == dkim::KeyState::Signing) {
                checks.push_back(judge(key, answers));
            }
        }
        for (dkim::KeyEntry& key : ring.outlived(config.dkim.keep_published, now)) {
            KeyCheck check;
            check.key = std::move(key);
            check.now = KeyCheck::Now::Removed;
            checks.push_back(std::move(check));
        }
    };
    const auto ring = store.read();
    if (!ring) {
        return fail(ring.error());
    }
    examine(*ring);
    const bool changes = std::any_of(checks.begin(), checks.end(), [](const KeyCheck& check) {
        return check.now == KeyCheck::Now::SignsNow || check.now == KeyCheck::Now::Removed;
    });
    if (!changes) {
        return checks;  // nothing is written every hour for nothing
    }
    const Status done = store.update([&](dkim::Keyring& current) -> Status {
        examine(current);
        for (const KeyCheck& check : checks) {
            Status changed;
            if (check.now == KeyCheck::Now::SignsNow) {
                changed = current.activate(check.key.domain, check.key.selector, now);
            } else if (check.now == KeyCheck::Now::Removed) {
                changed = current.remove(check.key.domain, check.key.selector, now);
            }
            if (!changed) {
                return changed;
            }
        }
        return {};
    });
    if (!done) {
        return fail(done.error());
    }
    return checks;
}

std::string_view name(KeyCheck::Now now) {
    switch (now) {
        case KeyCheck::Now::Waits:
            return "waits for its record";
        case KeyCheck::Now::SignsNow:
            return "signs from now on";
        case KeyCheck::Now::Signs:
            return "signs";
        case KeyCheck::Now::RecordIsGone:
            return "signs, but its record is not in the DNS";
        case KeyCheck::Now::Unknown:
            return "the DNS doesn't answer";
        case KeyCheck::Now::Removed:
            return "removed; its record may go";
    }
    return "?";
}

}  // namespace sekisho::cli
