// sekisho peer explain: what the exchange would think of a client, looked up now.
#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/leased_policy.h"
#include "config/config.h"
#include "mail/authenticity.h"
#include "mail/sender_lookups.h"
#include "net/resolver.h"
#include "net/server.h"
#include "net/task.h"
#include "net/wait.h"
#include "peer/judge.h"
#include "policy/policy.h"
#include "policy/stages.h"
#include "smtp/address.h"
#include "spf/check.h"
#include "spf/received.h"
#include "store/store.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace sekisho::cli {
namespace {

struct Asked {
    std::string address, helo;
    std::optional<std::string> from;
};

// With the leases of the database, where there is one.
Result<std::shared_ptr<const policy::Policy>> policy_of(const config::Config& config) {
    if (std::filesystem::exists(config.database())) {
        const auto store = store::open_store(config.database());
        if (!store) {
            return fail(store.error());
        }
        LeasedPolicy leased(**store);
        return leased.of_file(config, now());
    }
    return policy::compile_at(config.policy, now());
}

struct Looked {
    peer::Facts facts;
    std::optional<spf::Query> query;
    std::optional<spf::Outcome> spf;
};

net::Task<Looked> look(
    const config::Mail* mail,
    mail::Dns dns,
    mail::PeerQuestion question,
    std::optional<spf::Query> query
) {
    Looked out;
    auto facts = co_await mail::look_up_peer(dns, std::move(question));
    out.facts = std::move(facts);
    if (query) {
        dns.deadline = std::chrono::steady_clock::now() + mail->lookup_timeout;
        auto outcome = co_await mail::look_up_spf(std::move(dns), *query);
        out.spf = std::move(outcome);
        out.query = std::move(query);
    }
    co_return out;
}

Json judgement_json(const peer::Judgement& judgement, const peer::Weights& weights) {
    Json reasons = Json::array();
    for (const peer::Reason& reason : judgement.reasons) {
        reasons.push_back(Json{{"weight", reason.weight}, {"reason", reason.sentence}});
    }
    return Json{
        {"opinion", peer::name(judgement.opinion)},
        {"score", judgement.score},
        {"server_at", weights.server_at},
        {"client_at", weights.client_at},
        {"reasons", std::move(reasons)},
    };
}

Json spf_json(const Looked& looked) {
    const spf::Outcome& outcome = *looked.spf;
    Json out{
        {"result", spf::name(outcome.result)},
        {"identity", outcome.identity == spf::Identity::Helo ? "helo" : "mailfrom"},
        {"domain", outcome.domain},
        {"sentence", spf::sentence(*looked.query, outcome)},
    };
    if (!outcome.mechanism.empty()) {
        out["mechanism"] = outcome.mechanism;
    }
    if (!outcome.explanation.empty()) {
        out["explanation"] = outcome.explanation;
    }
    return out;
}

std::string text_of(const Json& result, const std::string& note) {
    std::string out = fmt::format(
        "{}: {} ({:+}; a server from {:+}, a client from {:+})\n",
        result["address"].get<std::string>(),
        result["opinion"].get<std::string>(),
        result["score"].get<int>(),
        result["server_at"].get<int>(),
        result["client_at"].get<int>()
    );
    for (const Json& reason : result["reasons"]) {
        out += fmt::format(
            "{:>+5}  {}\n", reason["weight"].get<int>(), reason["reason"].get<std::string>()
        );
    }
    if (result.contains("spf")) {
        const Json& spf = result["spf"];
        out += fmt::format(
            "SPF {}: the {}\n", spf["result"].get<std::string>(), spf["sentence"].get<std::string>()
        );
    }
    return out + note;
}

int explain(const Context& context, const Asked& asked) {
    const auto config = load_config(context);
    if (!config) {
        return config.error();
    }
    const auto address = IpAddress::parse(asked.address);
    if (!address) {
        return report(context, address.error());
    }
    std::optional<smtp::Address> sender;
    if (asked.from && !asked.from->empty() && *asked.from != "<>") {
        const auto parsed = smtp::parse_address(*asked.from, {.utf8 = true});
        if (!parsed) {
            return report(context, parsed.error());
        }
        sender = *parsed;
    }
    const auto policy = policy_of(*config);
    if (!policy) {
        return report(context, policy.error());
    }
    const auto loops = net::Loops::make(1);
    auto resolver = net::Resolver::make(
        loops->executor(0), {config->delivery.resolvers, config->delivery.trust_anchor, {}}
    );
    if (!resolver) {
        return report(context, resolver.error());
    }
    std::optional<spf::Query> query;
    if (asked.from || !asked.helo.empty()) {
        query = mail::spf_query(*address, asked.helo, sender, config->mail.hostname, now());
    }
    loops->run();
    mail::PeerQuestion question{*address, asked.helo, config->mail.dnsbl, config->mail.dnswl};
    mail::Dns dns{
        resolver->get(),
        loops->executor(0),
        std::chrono::steady_clock::now() + config->mail.lookup_timeout
    };
    Looked looked = net::wait_for(
        loops->executor(0),
        look(&config->mail, std::move(dns), std::move(question), std::move(query))
    );
    loops->stop();
    resolver->reset();
    peer::Facts& facts = looked.facts;
    facts.our_names = mail::own_ids(config->mail);
    const policy::ClassId id = (*policy)->classify(*address);
    facts.policy_class = (*policy)->written(id).name;
    facts.spf_domain = looked.spf ? mail::spf_domain(*looked.spf) : "";
    const peer::Weights weights;
    Json result{{"address", address->text()}, {"class", facts.policy_class}};
    result.update(judgement_json(peer::judge(facts, weights), weights));
    result["names_known"] = facts.names_known;
    if (looked.spf) {
        result["spf"] = spf_json(looked);
    }
    std::string note;
    if (!facts.names_known) {
        note += "its names could not all be looked up: what is missing counts for nothing\n";
    }
    if (id != 0) {
        note += "the exchange doesn't judge it: the policy has it in class \"" +
                facts.policy_class + "\"\n";
    }
    print(context, result, text_of(result, note));
    return kDone;
}

}  // namespace

void add_peer(CLI::App& app, Context& context, Chosen& chosen) {
    CLI::App* peer =
        app.add_subcommand("peer", "Other mail servers: is it one, and how does mail go to it?");
    peer->require_subcommand(1);
    add_peer_tls(*peer, context, chosen);
    CLI::App* command = peer->add_subcommand(
        "explain",
        "What the exchange would think of a client on port 25: each weight and why, from the DNS "
        "as it is now"
    );
    auto asked = std::make_shared<Asked>();
    command->add_option("address", asked->address, "The client's address")->required();
    command->add_option("--helo", asked->helo, "The name that it greets with");
    command->add_option(
        "--from", asked->from, "The sender of its mail, for SPF; \"<>\" for none: then by --helo"
    );
    command->callback([&context, &chosen, asked] {
        chosen = [&context, asked] { return explain(context, *asked); };
    });
}

}  // namespace sekisho::cli
