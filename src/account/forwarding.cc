#include "account/forwarding.h"

#include "account/account.h"
#include "account/validate.h"
#include "base/result.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::account {
namespace {

std::string_view domain_of(std::string_view address) {
    return address.substr(address.rfind('@') + 1);
}

Status check_targets(std::vector<std::string>& targets) {
    if (targets.empty() || targets.size() > kTargetsMax) {
        return fail(
            Errc::Invalid, "give 1 to " + std::to_string(kTargetsMax) + " addresses to send it to"
        );
    }
    std::set<std::string> seen;
    for (std::string& target : targets) {
        target = normalised(target);
        if (Status good = check_address(target); !good) {
            return good;
        }
        if (!seen.insert(target).second) {
            return fail(Errc::Invalid, target + " is named twice");
        }
    }
    return {};
}

class Expander {
  public:
    explicit Expander(const Lookup& lookup) : lookup_(lookup) {}

    // An error that isn't about one address alone ends it.
    Status follow(const std::string& address, const std::string& by, std::size_t depth) {
        if (!lookup_.ours(domain_of(address))) {
            return add({address, true, by});
        }
        if (!seen_.insert(address).second || depth > kDepthMax) {
            circle_ = true;
            return {};
        }
        const auto account = lookup_.account(address);
        if (account) {
            return follow_account(address, *account, depth);
        }
        if (account.error().code != Errc::NotFound) {
            return fail(account.error());
        }
        for (const std::string& name : {address, "@" + std::string(domain_of(address))}) {
            const auto alias = lookup_.alias(name);
            if (alias) {
                return follow_all(alias->targets, address, depth);
            }
            if (alias.error().code != Errc::NotFound) {
                return fail(alias.error());
            }
        }
        const std::string instead = lookup_.instead ? lookup_.instead(address) : std::string{};
        return instead.empty() ? Status{} : follow(instead, address, depth + 1);
    }

    [[nodiscard]] std::vector<Destination>& found() { return found_; }
    [[nodiscard]] bool circle() const { return circle_; }

  private:
    Status add(Destination destination) {
        const bool there = std::ranges::any_of(found_, [&](const Destination& one) {
            return one.address == destination.address;
        });
        if (!there) {
            if (found_.size() >= kDestinationsMax) {
                return fail(Errc::Full, "the address leads to too many others");
            }
            found_.push_back(std::move(destination));
        }
        return {};
    }

    Status follow_account(const std::string& address, const Account& account, std::size_t depth) {
        const auto forward = lookup_.forward(account.login);
        if (!forward && forward.error().code != Errc::NotFound) {
            return fail(forward.error());
        }
        if (!forward || forward->keep) {
            if (Status added = add({address, false, {}}); !added) {
                return added;
            }
        }
        return forward ? follow_all(forward->targets, address, depth) : Status{};
    }

    Status follow_all(
        const std::vector<std::string>& targets, const std::string& by, std::size_t depth
    ) {
        for (const std::string& target : targets) {
            if (Status followed = follow(target, by, depth + 1); !followed) {
                return followed;
            }
        }
        return {};
    }

    const Lookup& lookup_;
    std::set<std::string> seen_;
    std::vector<Destination> found_;
    bool circle_ = false;
};

}  // namespace

Result<Alias> checked(Alias alias) {
    alias.address = normalised(alias.address);
    const bool whole_domain = alias.address.starts_with('@');
    const Status good = whole_domain ? check_domain(std::string_view(alias.address).substr(1))
                                     : check_address(alias.address);
    if (!good) {
        return fail(good.error());
    }
    if (const Status targets = check_targets(alias.targets); !targets) {
        return fail(targets.error());
    }
    if (std::ranges::find(alias.targets, alias.address) != alias.targets.end()) {
        return fail(Errc::Invalid, alias.address + " can't lead to itself");
    }
    return alias;
}

Result<Forward> checked(Forward forward) {
    forward.login = normalised(forward.login);
    if (const Status targets = check_targets(forward.targets); !targets) {
        return fail(targets.error());
    }
    return forward;
}

Result<std::vector<std::string>> aliases_of(
    const std::vector<std::string>& addresses,
    const std::function<Result<std::vector<std::string>>(std::string_view target)>& aliases_to
) {
    std::vector<std::string> found, level = addresses;
    std::set<std::string> seen(addresses.begin(), addresses.end());
    for (std::size_t depth = 0; depth < kDepthMax && !level.empty(); ++depth) {
        std::vector<std::string> next;
        for (const std::string& target : level) {
            const auto aliases = aliases_to(target);
            if (!aliases) {
                return fail(aliases.error());
            }
            for (const std::string& one : *aliases) {
                if (!one.starts_with('@') && found.size() < kDestinationsMax &&
                    seen.insert(one).second) {
                    found.push_back(one);
                    next.push_back(one);
                }
            }
        }
        level = std::move(next);
    }
    return found;
}

Result<std::vector<Destination>> expand(std::string_view recipient, const Lookup& lookup) {
    Expander expander(lookup);
    const std::string address = normalised(recipient);
    if (const Status done = expander.follow(address, address, 0); !done) {
        return fail(done.error());
    }
    if (expander.found().empty()) {
        return expander.circle() ? fail(Errc::Conflict, address + " leads to itself")
                                 : fail(Errc::NotFound, "nobody has the address " + address);
    }
    return std::move(expander.found());
}

}  // namespace sekisho::account
