#include "mail/peers.h"

#include "base/file.h"
#include "base/ip.h"
#include "base/result.h"
#include "config/config.h"
#include "config/reader.h"
#include "mail/sender_lookups.h"
#include "peer/evidence.h"
#include "peer/name_patterns.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::mail {
namespace {

using peer::Kind;

Error named(const Error& error, const std::string& key) {
    return {error.code, "peer_evidence." + key + ": " + error.message};
}

// A wide prefix comes before those within it.
std::vector<Prefix> apart(std::vector<Prefix> all) {
    std::ranges::sort(all);
    std::vector<Prefix> out;
    for (const Prefix& one : all) {
        if (out.empty() || !out.back().contains(one)) {
            out.push_back(one);
        }
    }
    return out;
}

}  // namespace

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
    std::vector<Prefix> all;
    for (const std::string& file : config.dynamic_networks) {
        const auto text = read_file(file);
        if (!text) {
            return fail(named(text.error(), "dynamic_networks"));
        }
        const auto prefixes = config::parse_prefix_file(*text, file);
        if (!prefixes) {
            return fail(
                Errc::Invalid,
                "peer_evidence.dynamic_networks: " + prefixes.error().front().message()
            );
        }
        all.insert(all.end(), prefixes->begin(), prefixes->end());
    }
    out.networks_ = apart(std::move(all));
    return out;
}

std::string PeerEvidence::network_of(const IpAddress& address) const {
    const auto after = std::ranges::upper_bound(networks_, address, {}, &Prefix::address);
    if (after == networks_.begin()) {
        return {};
    }
    const Prefix& before = *std::prev(after);
    return before.contains(address) ? before.text() : std::string();
}

PeerQuestion PeerEvidence::question(
    const IpAddress& address, std::string helo, const config::Mail& mail
) const {
    PeerQuestion out{address, std::move(helo), {}, {}};
    if (!rules_.off(Kind::BlockList)) {
        out.block_lists = mail.dnsbl;
    }
    if (!rules_.off(Kind::KnownList)) {
        out.known_lists = mail.dnswl;
    }
    out.names = !rules_.all_off(
        Kind::NoName,
        Kind::NameUnconfirmed,
        Kind::NameConfirmed,
        Kind::NameMail,
        Kind::NameStatic,
        Kind::NamePlain,
        Kind::NameDynamic,
        Kind::NameGeneric,
        Kind::HeloMatchesName
    );
    out.helo_address = !rules_.all_off(Kind::HeloLeadsBack, Kind::HeloElsewhere);
    return out;
}

}  // namespace sekisho::mail
