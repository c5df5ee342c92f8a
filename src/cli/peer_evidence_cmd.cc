// sekisho peer evidence, sekisho peer names: what the exchange goes by when it judges a client.
#include "base/ip.h"
#include "base/result.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "config/config.h"
#include "mail/peers.h"
#include "peer/evidence.h"
#include "peer/host_name.h"
#include "peer/name_patterns.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace sekisho::cli {
namespace {

int show_evidence(const Context& context) {
    const auto config = load_config(context);
    if (!config) {
        return config.error();
    }
    const auto evidence = mail::PeerEvidence::load(config->peer_evidence);
    if (!evidence) {
        return report(context, evidence.error());
    }
    Json kinds = Json::array();
    std::vector<std::vector<std::string>> rows;
    for (std::size_t i = 0; i < peer::kKinds; ++i) {
        const peer::Kind kind = peer::kind_at(i);
        const peer::Rule& rule = evidence->rules().of(kind);
        const bool lists = kind == peer::Kind::BlockList || kind == peer::Kind::KnownList;
        kinds.push_back(Json{
            {"kind", peer::name(kind)},
            {"action", peer::name(rule.action)},
            {"weight", lists ? Json(nullptr) : Json(rule.weight)},
            {"basis", rule.basis},
            {"about", peer::about(kind)},
        });
        rows.push_back(
            {std::string(peer::name(kind)),
             std::string(peer::name(rule.action)),
             lists ? "each list's" : fmt::format("{:+}", rule.weight),
             rule.basis}
        );
    }
    const Json result{
        {"peer_check", config->mail.peer_check},
        {"server_at", evidence->rules().server_at},
        {"client_at", evidence->rules().client_at},
        {"kinds", std::move(kinds)},
    };
    print(
        context,
        result,
        fmt::format(
            "peer_check = {}; a server from {:+}, a client from {:+}\n",
            config->mail.peer_check,
            evidence->rules().server_at,
            evidence->rules().client_at
        ) + table({"KIND", "ACTION", "WEIGHT", "BASIS"}, rows)
    );
    return kDone;
}

struct Asked {
    std::string host, address;
};

int show_names(const Context& context, const Asked& asked) {
    const auto config = load_config(context);
    if (!config) {
        return config.error();
    }
    const auto evidence = mail::PeerEvidence::load(config->peer_evidence);
    if (!evidence) {
        return report(context, evidence.error());
    }
    if (asked.host.empty()) {
        const std::string text = evidence->names().text();
        print(context, Json{{"patterns", text}}, text);
        return kDone;
    }
    const auto address = IpAddress::parse(asked.address.empty() ? "192.0.2.1" : asked.address);
    if (!address) {
        return report(context, address.error());
    }
    const peer::NameShape shape = peer::shape_of(asked.host, *address, evidence->names());
    print(
        context,
        Json{
            {"host", asked.host},
            {"kind", peer::name(shape.kind)},
            {"evidence", shape.evidence},
        },
        fmt::format(
            "{}: {}{}\n",
            asked.host,
            peer::name(shape.kind),
            shape.evidence.empty() ? "" : " (\"" + shape.evidence + "\")"
        )
    );
    return kDone;
}

}  // namespace

void add_peer_evidence(CLI::App& peer, Context& context, Chosen& chosen) {
    peer.add_subcommand(
            "evidence",
            "The kinds of evidence that tell a server from a client: what is done with each, its "
            "weight, and the operator's note of why he may"
    )
        ->callback([&context, &chosen] { chosen = [&context] { return show_evidence(context); }; });
    CLI::App* names = peer.add_subcommand(
        "names",
        "The words and forms that names of lines and servers are known by, or how one name is read"
    );
    auto asked = std::make_shared<Asked>();
    names->add_option("host", asked->host, "A host name");
    names->add_option(
        "address", asked->address, "The address that it is the name of, whose numbers may be in it"
    );
    names->callback([&context, &chosen, asked] {
        chosen = [&context, asked] { return show_names(context, *asked); };
    });
}

}  // namespace sekisho::cli
