// Domains that take no mail (null MX, RFC 7505): said while the client waits, where the DNS is
// quick enough.
#include "base/bytes.h"
#include "base/result.h"
#include "config/config.h"
#include "delivery/routes/rule.h"
#include "mail/session.h"
#include "mail/shared.h"
#include "net/idn.h"
#include "net/lookups.h"
#include "net/resolver.h"
#include "net/stream.h"
#include "net/task.h"
#include "smtp/reply.h"

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace sekisho::mail {

// False also where it isn't known in time.
net::Task<bool> Session::takes_no_mail(std::string domain, Duration wait) {
    const auto name = net::to_a_labels(domain);
    if (!settings_->config.mail.null_mx || shared_->resolver == nullptr || !name ||
        domain.starts_with('[')) {
        co_return false;
    }
    const auto deadline = std::chrono::steady_clock::now() + wait;
    auto found = std::make_shared<bool>(false);
    net::Lookups lookups(shared_->resolver, stream_->executor(), deadline);
    lookups.mx(*name, [found](const Result<net::Answer<net::Mx>>& answer) {
        // RFC 7505 §3: it stands alone.
        *found = answer && answer->records.size() == 1 && answer->records.front().host.empty();
    });
    co_await lookups.wait();
    dns_slow_ = dns_slow_ || std::chrono::steady_clock::now() >= deadline;
    co_return *found;
}

// Of a recipient elsewhere. Once a look-up took all of its time, no other recipient of the message
// is asked about: what isn't known is found out by delivery.
net::Task<std::optional<smtp::Reply>> Session::refuse_null_mx(
    std::string recipient, std::string domain
) {
    std::optional<smtp::Reply> out;
    // Where a route leads, its own host counts, not the MX.
    const delivery::RouteQuestion question{
        to_lower(domain), smtp_.transaction().reverse_path(), smtp_.login()
    };
    const auto* route = delivery::route_for(settings_->config.delivery.routes, question, false);
    if (dns_slow_ || (route != nullptr && !route->via.empty())) {
        co_return out;
    }
    const bool none = co_await takes_no_mail(domain, shared_->null_mx_wait);
    if (none) {
        out = smtp::reply(
            556,
            "5.1.10",
            fmt::format("<{}>: the domain {} takes no mail (null MX)", recipient, domain)
        );
    }
    co_return out;
}

// RFC 7505 §4.2: nobody could answer, and no notice could be sent.
net::Task<std::optional<smtp::Reply>> Session::refuse_null_mx_sender() {
    const config::Mail& mail = settings_->config.mail;
    std::optional<smtp::Reply> out;
    const auto& sender = smtp_.transaction().sender;
    if (!sender || !checks_senders() || (mail.spf != "enforce" && mail.dmarc != "enforce")) {
        co_return out;
    }
    const std::string domain = sender->domain;
    if (!sender_takes_no_mail_) {
        const bool none = co_await takes_no_mail(domain, mail.lookup_timeout);
        sender_takes_no_mail_ = none;
    }
    if (*sender_takes_no_mail_) {
        out = smtp::reply(
            550,
            "5.7.27",
            fmt::format("The sender's domain {} takes no mail itself (null MX)", domain)
        );
    }
    co_return out;
}

}  // namespace sekisho::mail
