#include "mail/peers.h"

#include "base/file.h"
#include "base/ip.h"
#include "base/networks.h"
#include "base/result.h"
#include "config/config.h"
#include "config/reader.h"
#include "mail/sender_lookups.h"
#include "peer/evidence.h"
#include "peer/name_patterns.h"

#include <string>
#include <utility>
#include <vector>

namespace sekisho::mail {
namespace {

using Evidence = peer::Kind;

}  // namespace

Result<Networks> networks_of(const std::vector<std::string>& files, const std::string& key) {
    std::vector<Prefix> all;
    for (const std::string& file : files) {
        const auto text = read_file(file);
        if (!text) {
            return fail(text.error().code, key + ": " + text.error().message);
        }
        const auto prefixes = config::parse_prefix_file(*text, file);
        if (!prefixes) {
            return fail(Errc::Invalid, key + ": " + prefixes.error().front().message());
        }
        all.insert(all.end(), prefixes->begin(), prefixes->end());
    }
    return Networks(std::move(all));
}

Result<PeerEvidence> PeerEvidence::load(const config::PeerEvidence& config) {
    PeerEvidence out;
    out.rules_ = config.peer_rules();
    out.names_ = peer::NamePatterns::built_in();
    if (!config.names.empty()) {
        const auto text = read_file(config.names);
        auto names = text ? out.names_.with(*text) : Result<peer::NamePatterns>(fail(text.error()));
        if (!names) {
            const std::string file = text ? config.names + ": " : "";
            return fail(names.error().code, "peer_evidence.names: " + file + names.error().message);
        }
        out.names_ = std::move(*names);
    }
    auto networks = networks_of(config.dynamic_networks, "peer_evidence.dynamic_networks");
    if (!networks) {
        return fail(networks.error());
    }
    out.networks_ = std::move(*networks);
    return out;
}

std::string PeerEvidence::network_of(const IpAddress& address) const {
    const auto found = networks_.find(address);
    return found ? found->text() : std::string();
}

PeerQuestion PeerEvidence::question(
    const IpAddress& address, std::string helo, const config::Mail& mail
) const {
    PeerQuestion out{address, std::move(helo), {}, {}};
    if (!rules_.off(Evidence::BlockList)) {
        out.block_lists = mail.dnsbl;
    }
    if (!rules_.off(Evidence::KnownList)) {
        out.known_lists = mail.dnswl;
    }
    out.names = !rules_.all_off(
        Evidence::NoName,
        Evidence::NameUnconfirmed,
        Evidence::NameConfirmed,
        Evidence::NameMail,
        Evidence::NameStatic,
        Evidence::NamePlain,
        Evidence::NameDynamic,
        Evidence::NameGeneric,
        Evidence::HeloMatchesName
    );
    out.helo_address = !rules_.all_off(Evidence::HeloLeadsBack, Evidence::HeloElsewhere);
    return out;
}

}  // namespace sekisho::mail
