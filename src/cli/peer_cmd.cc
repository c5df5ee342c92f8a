// sekisho peer explain: what the exchange would think of a client, looked up now.
#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/leased_policy.h"
#include "config/config.h"
#include "line/line.h"
#include "mail/authenticity.h"
#include "mail/peers.h"
#include "mail/sender_lookups.h"
#include "net/resolver.h"
#include "net/server.h"
#include "net/task.h"
#include "net/wait.h"
#include "peer/evidence.h"
#include "peer/judge.h"
#include "peer/past.h"
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

// What this installation knows of an address.
struct Known {
    std::shared_ptr<const policy::Policy> policy;  // with the leases of the database, if any
    std::string line;                              // that has it now; empty: none
    std::optional<peer::Past> past;
};

Result<Known> known_of(
    const config::Config& config, const IpAddress& address, const mail::PeerEvidence& evidence
) {
    Known out;
    const Time at = now();
    if (!std::filesystem::exists(config.database())) {
        auto policy = policy::compile_at(config.policy, at);
        if (!policy) {
            return fail(policy.error());
        }
        out.policy = std::move(*policy);
        return out;
    }
    const auto store = store::open_store(config.database());
    if (!store) {
        return fail(store.error());
    }
    LeasedPolicy leased(**store);
    auto policy = leased.of_file(config, at);
    if (!policy) {
        return fail(policy.error());
    }
    out.policy = std::move(*policy);
    const auto holders = (*store)->lines().holders(address, at);
    if (!holders) {
        return fail(holders.error());
    }
    const line::Answer answer = line::resolve(*holders, address, at);
    out.line = answer.certainty == line::Certainty::Subscriber ? answer.line : "";
    if (evidence.keeps_past()) {
        auto past = (*store)->past().find(peer::past_key(address));
        if (!past) {
            return fail(past.error());
        }
        out.past = *past;
    }
    return out;
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

Json judgement_json(const peer::Judgement& judgement, const peer::Rules& rules) {
    Json reasons = Json::array();
    for (const peer::Reason& reason : judgement.reasons) {
        reasons.push_back(Json{
            {"weight", reason.weight},
            {"reason", reason.sentence},
            {"kind", peer::name(reason.kind)},
            {"action", peer::name(reason.action)},
            {"basis", reason.basis},
        });
    }
    return Json{
        {"opinion", peer::name(judgement.opinion)},
        {"score", judgement.score},
        {"server_at", rules.server_at},
        {"client_at", rules.client_at},
        {"delayed", judgement.delay},
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

std::string action_text(const std::string& action) {
    return action == "weigh" ? "" : ": " + action;
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
        const std::string basis = reason["basis"].get<std::string>();
        out += fmt::format(
            "{:>+5}  {} [{}{}]\n",
            reason["weight"].get<int>(),
            reason["reason"].get<std::string>(),
            reason["kind"].get<std::string>(),
            action_text(reason["action"].get<std::string>()) + (basis.empty() ? "" : "; " + basis)
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

// What it brought, faded; null: nothing is known.
Json past_json(const std::optional<peer::Past>& past) {
    if (!past) {
        return nullptr;
    }
    const peer::Past seen = peer::with(past, peer::Brought{}, now());
    return Json{
        {"messages", seen.messages},
        {"recipients", seen.recipients},
        {"refused_recipients", seen.refused_recipients},
        {"bad", seen.bad},
        {"first", rfc3339(seen.first)},
        {"last", rfc3339(past->last)},
    };
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
    const auto evidence = mail::PeerEvidence::load(config->peer_evidence);
    if (!evidence) {
        return report(context, evidence.error());
    }
    const auto known = known_of(*config, *address, *evidence);
    if (!known) {
        return report(context, known.error());
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
    mail::PeerQuestion question = evidence->question(*address, asked.helo, config->mail);
    const bool names_asked = question.names;
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
    const policy::ClassId id = known->policy->classify(*address);
    facts.policy_class = known->policy->written(id).name;
    facts.spf_domain = looked.spf ? mail::spf_domain(*looked.spf) : "";
    facts.own_line = known->line;
    facts.dynamic_network = evidence->network_of(*address);
    facts.past = known->past ? peer::verdict(*known->past, now()) : peer::PastVerdict{};
    Json result{{"address", address->text()}, {"class", facts.policy_class}};
    result.update(judgement_json(evidence->judge(facts), evidence->rules()));
    result["names_known"] = facts.names_known;
    result["past"] = past_json(known->past);
    if (looked.spf) {
        result["spf"] = spf_json(looked);
    }
    std::string note;
    if (names_asked && !facts.names_known) {
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
    add_peer_evidence(*peer, context, chosen);
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
