// sekisho peer tls: what mail to a domain would go under, looked up now.
#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "config/config.h"
#include "delivery/route.h"
#include "delivery/routes/rule.h"
#include "delivery/security.h"
#include "delivery/sts_source.h"
#include "delivery/tls/demand.h"
#include "delivery/tls/mta_sts.h"
#include "delivery/tls/policy.h"
#include "net/resolver.h"
#include "net/server.h"
#include "net/task.h"
#include "net/tls.h"
#include "net/wait.h"
#include "store/store.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

using delivery::Destination;

struct Question {
    std::string domain, sender;
    bool require = false, optional = false;
};

// Where the mail role hasn't made a database yet.
class NoPolicies final : public delivery::StsStore {
  public:
    Result<std::optional<delivery::StoredSts>> find(std::string_view /*domain*/) override {
        return std::optional<delivery::StoredSts>{};
    }
    Status remember(std::string_view /*domain*/, const delivery::StoredSts& /*one*/) override {
        return {};
    }
};

Json host_json(
    const delivery::Host& host,
    const net::Answer<IpAddress>& addresses,
    const delivery::Security& security
) {
    Json out{
        {"host", host.name},
        {"port", host.port},
        {"demand", delivery::name(security.demand.kind)},
        {"why", security.demand.why},
        {"tlsa", delivery::name(security.tlsa)},
        {"dnssec", addresses.secure},
        {"addresses", Json::array()},
    };
    for (const IpAddress& address : addresses.records) {
        out["addresses"].push_back(address.text());
    }
    if (!security.tlsa_problem.empty()) {
        out["tlsa_problem"] = security.tlsa_problem;
    }
    if (security.demand.refused) {
        out["demand"] = "not used";
        out["reply"] = security.demand.refused->text();
    }
    return out;
}

Json sts_json(const delivery::StsFinding& sts) {
    Json out{{"mode", sts.policy ? delivery::name(sts.policy->mode) : "no policy"}};
    if (sts.policy) {
        out["id"] = sts.id;
        out["mx"] = sts.policy->mx;
        out["expires"] = rfc3339(sts.expires);
    }
    if (!sts.problem.empty()) {
        out["problem"] = sts.problem;
    }
    return out;
}

net::Task<Result<Json>> look(
    const config::Config* config,
    delivery::SecurityTools tools,
    net::Executor executor,
    Question question
) {
    delivery::RouteOptions route;
    route.hostname = config->mail.hostname;
    route.domains = config->mail.domains;
    route.smarthost = config->delivery.smarthost;
    route.routes = config->delivery.routes;
    route.port = config->delivery.port;
    Destination to = delivery::destination({question.domain, question.sender, ""}, route);
    if (to.kind == Destination::Kind::Local) {
        co_return fail(Errc::Invalid, question.domain + " is ours: its mail stays here");
    }
    delivery::SecurityDomain domain;
    domain.name = to.domain;
    bool secure = false;
    std::vector<delivery::TlsRule> rules = config->delivery.tls;
    const std::optional<delivery::RouteRule> rule = to.rule;
    if (rule && rule->protocol == delivery::RouteRule::Protocol::Lmtp) {
        co_return fail(Errc::Invalid, "the route " + rule->name + " speaks LMTP, without TLS");
    }
    if (rule && rule->tls) {
        rules.assign(1, *rule->tls);
    }
    if (to.kind == Destination::Kind::Hosts) {
        domain.configured = true;
        domain.name = to.hosts.front().name;
    } else if (to.kind == Destination::Kind::MxOf) {
        const auto answer = co_await tools.resolver.mx(to.domain);
        if (!answer) {
            co_return fail(answer.error());
        }
        std::vector<delivery::MxRecord> records;
        for (const net::Mx& mx : answer->records) {
            records.push_back({.preference = mx.preference, .host = mx.host});
        }
        secure = answer->secure;
        to = delivery::hosts_of_mx(domain.name, std::move(records), route, 0);
    }
    if (to.kind == Destination::Kind::Failed) {
        co_return fail(Errc::Invalid, to.failure.text());
    }
    const delivery::TlsWish wish{.require = question.require, .optional = question.optional};
    domain =
        co_await delivery::look_up_domain(tools, executor, domain, std::move(rules), wish, secure);
    Json out{
        {"domain", domain.name},
        {"rule", delivery::name(domain.facts.rule.level)},
        {"configured", domain.configured},
        {"dnssec", secure},
        {"mta_sts", sts_json(domain.sts)},
        {"hosts", Json::array()},
    };
    if (rule) {
        out["route"] = rule->name;
    }
    for (const delivery::Host& host : to.hosts) {
        net::Answer<IpAddress> addresses;
        if (host.address) {
            addresses.records.push_back(*host.address);
        } else {
            auto found = co_await tools.resolver.addresses(
                host.name, config->delivery.ipv4, config->delivery.ipv6
            );
            if (!found) {
                out["hosts"].push_back(Json{{"host", host.name}, {"problem", found.error().message}}
                );
                continue;
            }
            addresses = std::move(*found);
        }
        const delivery::Security security = co_await delivery::look_up_host(
            tools, domain, wish, host, addresses.secure, addresses.canonical
        );
        out["hosts"].push_back(host_json(host, addresses, security));
    }
    co_return out;
}

std::string text_of(const Json& result) {
    std::string out = fmt::format(
        "{}: rule {}; hosts {}\n",
        result["domain"].get<std::string>(),
        result["rule"].get<std::string>(),
        result["configured"].get<bool>() ? "as configured"
        : result["dnssec"].get<bool>()   ? "by MX, signed (DNSSEC)"
                                         : "by MX, not signed"
    );
    if (result.contains("route")) {
        out += "by the route " + result["route"].get<std::string>() + "\n";
    }
    const Json& sts = result["mta_sts"];
    out += fmt::format("MTA-STS: {}", sts["mode"].get<std::string>());
    if (sts.contains("id")) {
        out += fmt::format(
            ", id {}, until {}", sts["id"].get<std::string>(), sts["expires"].get<std::string>()
        );
    }
    out += sts.contains("problem") ? "; " + sts["problem"].get<std::string>() + "\n" : "\n";
    for (const Json& host : result["hosts"]) {
        out += host["host"].get<std::string>() + ": ";
        if (host.contains("problem")) {
            out += "no address: " + host["problem"].get<std::string>() + "\n";
            continue;
        }
        out += host["demand"].get<std::string>() + ": " + host["why"].get<std::string>();
        out += " (TLSA " + host["tlsa"].get<std::string>();
        out += host["addresses"].empty() ? ", no address)\n" : ")\n";
    }
    return out;
}

int explain(const Context& context, const Question& question) {
    const auto config = load_config(context);
    if (!config) {
        return config.error();
    }
    const auto any = net::TlsContext::client_opportunistic();
    const auto verified = net::TlsContext::client_verified(config->delivery.trust_ca);
    if (!any || !verified) {
        return report(context, (any ? verified : any).error());
    }
    NoPolicies nothing;
    std::unique_ptr<store::Store> store;
    if (std::filesystem::exists(config->database())) {
        auto opened = store::open_store(config->database());
        if (!opened) {
            return report(context, opened.error());
        }
        store = std::move(*opened);
    }
    const auto loops = net::Loops::make(1);
    auto workers = net::Workers::make(1);
    auto resolver = net::Resolver::make(
        loops->executor(0), {config->delivery.resolvers, config->delivery.trust_anchor, {}}
    );
    if (!resolver) {
        return report(context, resolver.error());
    }
    delivery::StsStore& policies =
        store ? store->mta_sts() : static_cast<delivery::StsStore&>(nothing);
    delivery::SecurityTools tools{
        .resolver = **resolver,
        .any = *any,
        .verified = *verified,
        .sts = config->delivery.mta_sts
                   ? delivery::StsSource::make(
                         {**resolver, *workers, policies, *verified, config->delivery.mta_sts_port}
                     )
                   : nullptr,
    };
    loops->run();
    const auto result = net::wait_for(
        loops->executor(0), look(&*config, std::move(tools), loops->executor(0), question)
    );
    loops->stop();
    workers.reset();
    resolver->reset();
    if (!result) {
        return report(context, result.error());
    }
    print(context, *result, text_of(*result));
    return kDone;
}

}  // namespace

void add_peer_tls(CLI::App& peer, Context& context, Chosen& chosen) {
    CLI::App* command = peer.add_subcommand(
        "tls",
        "What mail to a domain would go under, and why: the rule in [delivery.tls], DANE and "
        "MTA-STS as they are now"
    );
    auto question = std::make_shared<Question>();
    command->add_option("domain", question->domain, "The domain of an address")->required();
    command->add_option("--from", question->sender, "For mail of this sender ([[route]])");
    command->add_flag("--require", question->require, "For a message with REQUIRETLS");
    command->add_flag("--optional", question->optional, "For one that says \"TLS-Required: No\"");
    command->callback([&context, &chosen, question] {
        chosen = [&context, question] { return explain(context, *question); };
    });
}

}  // namespace sekisho::cli
