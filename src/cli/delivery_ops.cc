#include "cli/delivery_ops.h"

#include "base/bytes.h"
#include "base/file.h"
#include "base/log.h"
#include "config/config.h"
#include "delivery/deliverer.h"
#include "delivery/routes/rule.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

std::map<std::string, std::string> route_passwords(const std::vector<delivery::RouteRule>& routes) {
    std::map<std::string, std::string> passwords;
    for (const delivery::RouteRule& route : routes) {
        if (route.login.empty()) {
            continue;
        }
        auto content = read_file(route.password_file, 4096);
        std::string password = content ? std::string(trim(*content)) : std::string();
        if (password.empty()) {
            log::error(
                "ROUTE_PASSWORD_UNREADABLE",
                "mail of the route waits",
                {{"route", route.name},
                 {"file", route.password_file},
                 {"error", content ? "the file is empty" : content.error().message}}
            );
            continue;
        }
        passwords[route.name] = std::move(password);
    }
    return passwords;
}

}  // namespace

delivery::Options delivery_options(const config::Config& config) {
    delivery::Options options;
    options.route.hostname = config.mail.hostname;
    options.route.domains = config.mail.domains;
    options.route.smarthost = config.delivery.smarthost;
    options.route.routes = config.delivery.routes;
    options.sources = config.delivery.sources;
    options.destinations = config.delivery.destinations;
    options.passwords = route_passwords(config.delivery.routes);
    options.route.port = config.delivery.port;
    options.notices.hostname = config.mail.hostname;
    options.notices.from = config.delivery.dsn_from;
    options.notices.provider_name = config.provider.name;
    options.notices.provider_name_ja = config.provider.name_ja;
    options.notices.support = config.provider.support_mail;
    options.notices.guide_url = config.provider.guide_url;
    options.retry.waits = config.queue.retry;
    options.retry.expire = config.queue.expire;
    options.delay_notice = config.queue.delay_notice;
    options.concurrency = config.delivery.concurrency;
    options.concurrency_per_destination = config.delivery.concurrency_per_destination;
    options.connection_messages_max = config.delivery.connection_messages_max;
    options.connection_idle = config.delivery.connection_idle;
    options.chunking = config.delivery.chunking;
    options.eight_bit_anyway = config.delivery.eight_bit == "send";
    options.ipv4 = config.delivery.ipv4;
    options.ipv6 = config.delivery.ipv6;
    options.local = config.delivery.local == "lmtp" ? delivery::Options::Local::Lmtp
                                                    : delivery::Options::Local::Maildir;
    options.maildir = config.delivery.maildir;
    options.lmtp = config.delivery.lmtp;
    options.tls = config.delivery.tls;
    options.mta_sts = config.delivery.mta_sts;
    return options;
}

}  // namespace sekisho::cli
