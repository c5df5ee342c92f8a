#include "gate/daemon/conditions.h"

#include "base/bytes.h"
#include "base/ip.h"
#include "base/log.h"
#include "base/result.h"
#include "lease/lease.h"
#include "net/dns_records.h"
#include "net/resolver.h"
#include "net/server.h"
#include "net/task.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::gate {
namespace {

struct Finding {
    bool known = true;    // false: the DNS doesn't answer at the moment
    std::string why_not;  // empty: it holds
};

std::string plain(std::string_view name) {
    if (name.ends_with('.')) {
        name.remove_suffix(1);
    }
    return to_lower(name);
}

net::Task<Finding> reverse(net::Resolver* resolver, IpAddress address, std::string wanted) {
    const auto names = co_await resolver->ptr(address);
    if (!names) {
        co_return Finding{false, {}};
    }
    const bool says =
        std::any_of(names->records.begin(), names->records.end(), [&](const std::string& one) {
            return plain(one) == wanted;
        });
    Finding finding;
    if (!says) {
        finding.why_not = "the reverse name of " + address.text() + " is not " + wanted;
        co_return finding;
    }
    const auto back = co_await resolver->addresses(wanted, address.is_v4(), !address.is_v4());
    if (!back) {
        co_return Finding{false, {}};
    }
    if (std::find(back->records.begin(), back->records.end(), address) == back->records.end()) {
        finding.why_not = wanted + " does not lead back to " + address.text();
    }
    co_return finding;
}

net::Task<Finding> unlisted(net::Resolver* resolver, IpAddress address, std::string zone) {
    const std::string name = net::listed_name(address, zone);
    const auto answer = co_await resolver->addresses(name, true, false);
    if (!answer) {
        co_return Finding{false, {}};
    }
    Finding finding;
    for (const IpAddress& one : answer->records) {
        if (net::is_listing(one)) {
            finding.why_not = address.text() + " is listed by " + zone + " (" + one.text() + ")";
        }
    }
    co_return finding;
}

class Watch final : public ConditionWatch {
  public:
    explicit Watch(Verdict verdict) : verdict_(std::move(verdict)), loops_(net::Loops::make(1)) {}
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    ~Watch() override {
        loops_->stop();
        resolver_.reset();
    }

    Status begin(const net::ResolverOptions& options) {
        auto resolver = net::Resolver::make(loops_->executor(0), options);
        if (!resolver) {
            return fail(resolver.error());
        }
        resolver_ = std::move(*resolver);
        loops_->run();
        return {};
    }

    bool look(const std::vector<lease::Lease>& leases, std::vector<std::string> dnsbl) override {
        if (busy_.exchange(true)) {
            return false;
        }
        net::spawn(loops_->executor(0), round(leases, std::move(dnsbl)), "conditions of leases");
        return true;
    }

  private:
    net::Task<void> round(std::vector<lease::Lease> leases, std::vector<std::string> dnsbl) {
        for (const lease::Lease& one : leases) {
            const Finding finding = co_await look_at(one, dnsbl);
            if (finding.known) {
                verdict_(one.id, finding.why_not);
            } else {
                log::warning(
                    "LEASE_UNCHECKED",
                    "the conditions of a lease can't be looked up at the moment",
                    {{"lease", one.id}, {"target", one.target()}}
                );
            }
        }
        busy_ = false;
    }

    net::Task<Finding> look_at(lease::Lease lease, std::vector<std::string> dnsbl) {
        Finding finding;
        if (!lease.prefix) {  // what a line holds may change at any time: nothing to ask for
            co_return finding;
        }
        const IpAddress address = lease.prefix->address();
        if (!lease.conditions.reverse_name.empty()) {
            finding =
                co_await reverse(resolver_.get(), address, plain(lease.conditions.reverse_name));
        }
        for (const std::string& zone : dnsbl) {
            if (!lease.conditions.unlisted || !finding.known || !finding.why_not.empty()) {
                break;
            }
            finding = co_await unlisted(resolver_.get(), address, zone);
        }
        co_return finding;
    }

    const Verdict verdict_;
    std::atomic<bool> busy_ = false;
    std::unique_ptr<net::Loops> loops_;
    std::unique_ptr<net::Resolver> resolver_;
};

}  // namespace

Result<std::unique_ptr<ConditionWatch>> ConditionWatch::start(
    const net::ResolverOptions& resolver, Verdict verdict
) {
    auto watch = std::make_unique<Watch>(std::move(verdict));
    if (Status begun = watch->begin(resolver); !begun) {
        return fail(begun.error());
    }
    return watch;
}

}  // namespace sekisho::gate
