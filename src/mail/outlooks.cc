#include "mail/outlooks.h"

#include "base/ip.h"
#include "base/time.h"
#include "config/config.h"
#include "dkim/sign.h"
#include "dmarc/check.h"
#include "mail/alignment.h"
#include "mail/authenticity.h"
#include "mail/sender_lookups.h"
#include "net/lookups.h"
#include "net/resolver.h"
#include "net/task.h"
#include "smtp/address.h"
#include "spf/check.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::mail {
namespace {

constexpr std::size_t kKnownMax = 10'000;
constexpr Duration kKnownFor = std::chrono::minutes(10);
constexpr Duration kUnknownFor = std::chrono::minutes(1);
constexpr std::size_t kSendingAddressesMax = 4;
constexpr Duration kLeft = std::chrono::seconds(2);  // for DMARC, however long SPF took

// How far a result is from a pass.
int distance(spf::Code code) {
    switch (code) {
        case spf::Code::Pass:
            return 0;
        case spf::Code::Neutral:
        case spf::Code::None:
            return 1;
        case spf::Code::SoftFail:
            return 2;
        case spf::Code::PermError:
            return 3;
        case spf::Code::Fail:
            return 4;
        case spf::Code::TempError:
            break;
    }
    return 5;
}

net::Task<std::vector<IpAddress>> sending_addresses(Dns dns, std::string host) {
    std::vector<IpAddress> out;
    if (const auto literal = IpAddress::parse(host)) {
        out.push_back(*literal);
        co_return out;
    }
    net::Lookups lookups(dns.resolver, dns.executor, dns.deadline);
    net::Lookups::Then<IpAddress> keep = [&out](Result<net::Answer<IpAddress>> answer) {
        if (answer) {
            out = answer->records;
        }
    };
    lookups.addresses(std::move(host), true, true, std::move(keep));
    co_await lookups.wait();
    if (out.size() > kSendingAddressesMax) {
        out.resize(kSendingAddressesMax);
    }
    co_return out;
}

// Mail leaves by whichever address the next hop has a family for: the worst counts.
net::Task<spf::Outcome> worst_spf(Dns dns, OutlookQuestion question) {
    std::string host = question.sends;
    const std::vector<IpAddress> addresses = co_await sending_addresses(dns, std::move(host));
    spf::Outcome worst;
    if (addresses.empty()) {
        worst.result = spf::Code::TempError;
        worst.problem = "the addresses of " + question.sends + " are not known";
        co_return worst;
    }
    std::optional<smtp::Address> sender;
    if (!question.envelope.empty()) {
        sender = smtp::Address{"postmaster", question.envelope};
    }
    bool first = true;
    for (const IpAddress& address : addresses) {
        spf::Query query = spf_query(address, question.hostname, sender, question.hostname, now());
        spf::Outcome outcome = co_await look_up_spf(dns, std::move(query));
        if (first || distance(outcome.result) > distance(worst.result)) {
            worst = std::move(outcome);
        }
        first = false;
    }
    co_return worst;
}

}  // namespace

std::string sending_host(const config::Config& config) {
    if (config.delivery.smarthost.empty()) {
        return config.mail.hostname;
    }
    std::string host = config.delivery.smarthost.substr(0, config.delivery.smarthost.rfind(':'));
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
    }
    return host;
}

net::Task<std::vector<OutsideService>> look_up_services(Dns dns, std::string domain) {
    static constexpr std::array<std::pair<const char*, bool>, 2> kNames{
        {{"_submissions._tcp.", true}, {"_submission._tcp.", false}}
    };
    std::vector<OutsideService> out;
    for (const auto& [prefix, implicit_tls] : kNames) {
        std::string asked = prefix + domain;
        const auto answer = co_await dns.resolver->srv(std::move(asked));
        if (!answer) {
            continue;
        }
        std::vector<net::Srv> records = answer->records;
        std::ranges::sort(records, [](const net::Srv& a, const net::Srv& b) {
            return std::pair(a.priority, b.weight) < std::pair(b.priority, a.weight);
        });
        for (const net::Srv& one : records) {
            if (!one.target.empty() && one.port != 0) {
                out.push_back({one.target, one.port, implicit_tls});
            }
        }
    }
    co_return out;
}

Status Outlooks::ask_web(const std::string& trust_ca) {
    auto tls = net::TlsContext::client_verified(trust_ca);
    if (!tls) {
        return fail(tls.error());
    }
    web_ = {std::move(*tls), !trust_ca.empty()};
    return {};
}

net::Task<Alignment> Outlooks::look(Dns dns, OutlookQuestion question) {
    Alignment found;
    found.domain = question.author;
    spf::Outcome spf = co_await worst_spf(dns, question);
    found.spf = std::move(spf);
    found.dkim = signer_ != nullptr && signer_->get()->signs_for(question.author);
    dmarc::Input input;
    input.author = question.author;
    dmarc::Identifier sender;
    sender.method = dmarc::Method::Spf;
    sender.domain = question.envelope.empty() ? question.hostname : question.envelope;
    if (found.spf.result == spf::Code::Pass) {
        sender.status = dmarc::Status::Pass;
    } else if (found.spf.result == spf::Code::TempError) {
        sender.status = dmarc::Status::TempError;
    }
    input.identifiers.push_back(std::move(sender));
    if (found.dkim) {
        dmarc::Identifier signature;
        signature.method = dmarc::Method::Dkim;
        signature.status = dmarc::Status::Pass;
        signature.domain = question.author;
        input.identifiers.push_back(std::move(signature));
    }
    dns.deadline = std::max(dns.deadline, std::chrono::steady_clock::now() + kLeft);
    dmarc::Outcome dmarc = co_await look_up_dmarc(dns, std::move(input));
    found.dmarc = std::move(dmarc);
    found.outlook = outlook_of(found);
    if (harms(found.outlook)) {
        std::string domain = question.author;
        std::vector<OutsideService> services = co_await look_up_services(dns, domain);
        if (services.empty()) {
            services =
                co_await fetch_autoconfig(dns.resolver, dns.executor, web_, std::move(domain));
        }
        found.services = std::move(services);
    }
    co_return found;
}

net::Task<Alignment> Outlooks::find(Dns dns, OutlookQuestion question) {
    const Key key{question.author, question.envelope};
    if (auto known = remembered(key, now())) {
        co_return *known;
    }
    Alignment found = co_await look(std::move(dns), std::move(question));
    remember(key, found, now());
    co_return found;
}

std::optional<Alignment> Outlooks::remembered(const Key& key, Time now) {
    const std::scoped_lock lock(mutex_);
    const auto at = known_.find(key);
    if (at == known_.end() || at->second.until <= now) {
        return std::nullopt;
    }
    return at->second.alignment;
}

void Outlooks::remember(const Key& key, const Alignment& alignment, Time now) {
    const std::scoped_lock lock(mutex_);
    if (known_.size() >= kKnownMax) {
        std::erase_if(known_, [now](const auto& one) { return one.second.until <= now; });
        if (known_.size() >= kKnownMax) {
            known_.clear();
        }
    }
    const bool unknown = alignment.outlook == Outlook::Unknown;
    known_[key] = {alignment, now + (unknown ? kUnknownFor : kKnownFor)};
}

}  // namespace sekisho::mail
