#include "cli/dns_ops.h"

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/dkim_ops.h"
#include "config/config.h"
#include "dkim/verify.h"
#include "mail/signatures.h"
#include "net/resolver.h"
#include "net/server.h"
#include "net/task.h"
#include "net/wait.h"
#include "zone/records.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

using Values = Result<std::vector<std::string>>;

// A resolver of the command's own, for as long as the command asks.
class Asking {
  public:
    static Result<std::unique_ptr<Asking>> begin(const config::Config& config) {
        auto out = std::make_unique<Asking>();
        net::ResolverOptions options;
        options.forward_to = config.delivery.resolvers;
        options.trust_anchor_file = config.delivery.trust_anchor;
        options.timeout = std::chrono::seconds(10);
        auto resolver = net::Resolver::make(out->loops_->executor(0), options);
        if (!resolver) {
            return fail(resolver.error());
        }
        out->resolver_ = std::move(*resolver);
        out->loops_->run();
        return out;
    }
    Asking() : loops_(net::Loops::make(1)) {}
    Asking(const Asking&) = delete;
    Asking& operator=(const Asking&) = delete;
    ~Asking() {
        loops_->stop();
        resolver_.reset();
    }
    net::Resolver& resolver() { return *resolver_; }
    template <class T>
    T wait(net::Task<T> task) {
        return net::wait_for(loops_->executor(0), std::move(task));
    }

  private:
    std::unique_ptr<net::Loops> loops_;
    std::unique_ptr<net::Resolver> resolver_;
};

template <class T>
Values as_text(
    const Result<net::Answer<T>>& answer, const std::function<std::string(const T&)>& write
) {
    if (!answer) {
        return fail(answer.error());
    }
    std::vector<std::string> out;
    for (const T& record : answer->records) {
        out.push_back(write(record));
    }
    return out;
}

Values addresses(Asking& asking, const std::string& name) {
    return as_text<IpAddress>(
        asking.wait(asking.resolver().addresses(name, true, true)),
        [](const IpAddress& address) { return address.text(); }
    );
}

Values ask(Asking& asking, const zone::Record& record) {
    net::Resolver& resolver = asking.resolver();
    switch (record.kind) {
        case zone::Kind::Host:
        case zone::Kind::Alias:
            return addresses(asking, record.name);
        case zone::Kind::Mx:
            return as_text<net::Mx>(asking.wait(resolver.mx(record.name)), [](const net::Mx& mx) {
                return zone::normal_mx(mx.preference, mx.host);
            });
        case zone::Kind::Srv:
            return as_text<net::Srv>(asking.wait(resolver.srv(record.name)), [](const net::Srv& s) {
                return zone::normal_srv(s.priority, s.weight, s.port, s.target);
            });
        case zone::Kind::Tlsa:
            return as_text<net::Tlsa>(
                asking.wait(resolver.tlsa(record.name)),
                [](const net::Tlsa& t) {
                    return zone::normal_tlsa(t.usage, t.selector, t.matching, t.data);
                }
            );
        case zone::Kind::Spf:
        case zone::Kind::Dkim:
        case zone::Kind::Dmarc:
        case zone::Kind::TlsReports:
        case zone::Kind::Sts:
        case zone::Kind::Pacc:
            return as_text<std::string>(
                asking.wait(resolver.txt(record.name)), [](const std::string& text) { return text; }
            );
    }
    return fail(Errc::Invalid, "no such kind of record");
}

}  // namespace

Result<TxtAnswers> ask_txt(const config::Config& config, std::vector<std::string> names) {
    if (names.empty()) {
        return TxtAnswers{};
    }
    const auto asking = Asking::begin(config);
    if (!asking) {
        return fail(asking.error());
    }
    return (*asking)->wait(look_up_txt(&(*asking)->resolver(), std::move(names)));
}

Result<mail::Vouched> verify_message(const config::Config& config, std::string message) {
    const auto asking = Asking::begin(config);
    if (!asking) {
        return fail(asking.error());
    }
    constexpr Duration patience{60'000};
    const auto workers = net::Workers::make(1);
    return (*asking)->wait(mail::verify_signatures(
        &(*asking)->resolver(),
        workers.get(),
        std::make_shared<const std::string>(std::move(message)),
        now(),
        patience
    ));
}

Result<std::vector<zone::Finding>> check_records(
    const config::Config& config, const std::vector<zone::Record>& records
) {
    const auto asking = Asking::begin(config);
    if (!asking) {
        return fail(asking.error());
    }
    std::vector<zone::Finding> out;
    for (const zone::Record& record : records) {
        const Values there = ask(**asking, record);
        Values target;
        if (record.kind == zone::Kind::Alias && record.type == "CNAME") {
            target = addresses(**asking, record.value);
        }
        out.push_back(zone::compare(record, there, target ? *target : std::vector<std::string>{}));
    }
    return out;
}

}  // namespace sekisho::cli
