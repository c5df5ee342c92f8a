#include "peer/judge.h"

#include "base/bytes.h"
#include "base/ip.h"
#include "peer/evidence.h"
#include "peer/host_name.h"
#include "peer/name_patterns.h"
#include "peer/past.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::peer {
namespace {

constexpr std::size_t kShownMax = 120;
constexpr std::size_t kNamesMax = 10;  // of what a peer's DNS says, more is not read

// The policy's classes that say what lives there (architecture.md).
constexpr auto kServerClasses = std::to_array<std::string_view>({"mail-servers", "exchange"});
constexpr auto kDynamicClasses =
    std::to_array<std::string_view>({"others-dynamic", "subscribers", "roaming"});

std::string_view bare(std::string_view host) {
    return host.ends_with('.') ? host.substr(0, host.size() - 1) : host;
}

bool same_host(std::string_view a, std::string_view b) {
    return iequals(bare(a), bare(b));
}

std::string shown(std::string_view text) {
    return printable(text, kShownMax);
}

// What settles it first, then the heaviest, then what was only noted.
int rank(const Reason& reason) {
    constexpr int kSettles = 1'000'000;
    const bool settles = reason.action == Action::Refuse || reason.action == Action::Accept;
    return settles ? kSettles : std::abs(reason.weight);
}

class Judge {
  public:
    Judge(const Facts& facts, const Rules& rules, const NamePatterns& patterns)
        : facts_(facts), rules_(rules), patterns_(patterns) {}

    Judgement run() {
        declared();
        names();
        if (!facts_.helo.empty()) {
            helo();
        }
        behaviour();
        if (!facts_.spf_domain.empty()) {
            add(Kind::SpfPass,
                "the SPF record of " + shown(facts_.spf_domain) + " names it as a sender");
        }
        for (const Listing& listing : facts_.listings) {
            const std::string list = listing.zone + " (" + listing.answer + ")";
            if (listing.weight < 0) {
                add(Kind::BlockList, "it is on the block list " + list, listing.weight);
            } else {
                add(Kind::KnownList, "it is on the list of known servers " + list, listing.weight);
            }
        }
        conclude();
        return std::move(judgement_);
    }

  private:
    void conclude() {
        if (accepted_) {
            judgement_.opinion = Opinion::Server;
            judgement_.delay = false;
        } else if (refused_) {
            judgement_.opinion = Opinion::Client;
        } else if (judgement_.score >= rules_.server_at) {
            judgement_.opinion = Opinion::Server;
        } else if (judgement_.score <= rules_.client_at) {
            judgement_.opinion = Opinion::Client;
        }
    }

    void add(Kind kind, std::string sentence) {
        add(kind, std::move(sentence), rules_.of(kind).weight);
    }
    void add(Kind kind, std::string sentence, int weight) {
        const Rule& rule = rules_.of(kind);
        switch (rule.action) {
            case Action::Off:
                return;
            case Action::Note:
                weight = 0;
                break;
            case Action::Weigh:
                if (weight == 0) {
                    return;
                }
                break;
            case Action::Delay:
                judgement_.delay = true;
                break;
            case Action::Refuse:
                refused_ = true;
                break;
            case Action::Accept:
                accepted_ = true;
                break;
        }
        judgement_.score += weight;
        Reason reason{weight, std::move(sentence), kind, rule.action, rule.basis};
        // Equal ones stay in the order in which they were found.
        auto& reasons = judgement_.reasons;
        const auto place =
            std::find_if(reasons.begin(), reasons.end(), [&reason](const Reason& other) {
                return rank(other) < rank(reason);
            });
        reasons.insert(place, std::move(reason));
    }

    void declared() {
        const auto is = [this](std::string_view each) { return each == facts_.policy_class; };
        if (std::any_of(kServerClasses.begin(), kServerClasses.end(), is)) {
            add(Kind::DeclaredServer,
                "the policy's class \"" + facts_.policy_class + "\" declares mail servers there");
        } else if (std::any_of(kDynamicClasses.begin(), kDynamicClasses.end(), is)) {
            add(Kind::DeclaredDynamic,
                "the policy's class \"" + facts_.policy_class + "\" declares no mail servers there"
            );
        }
        if (!facts_.own_line.empty()) {
            add(Kind::OwnLine,
                "its address is that of our subscriber's line " + shown(facts_.own_line));
        }
        if (!facts_.dynamic_network.empty()) {
            add(Kind::DynamicNetwork,
                "its network " + facts_.dynamic_network + " is listed as one of lines");
        }
    }

    void behaviour() {
        if (facts_.early_talker) {
            add(Kind::EarlyTalker, "it spoke before our greeting, as mail servers never do");
        }
        if (facts_.bare_newline) {
            add(Kind::BareNewline, "it ended a line without CRLF, as mail servers never do");
        }
        if (facts_.tls) {
            add(Kind::Tls, "it uses TLS");
        }
        if (facts_.past.record == Record::Good) {
            add(Kind::PastGood, facts_.past.sentence);
        } else if (facts_.past.record == Record::Bad) {
            add(Kind::PastBad, facts_.past.sentence);
        }
    }

    void names() {
        if (!facts_.confirmed.empty()) {
            add(Kind::NameConfirmed,
                "its name " + shown(facts_.confirmed.front()) + " leads back to its address");
            worst_name(facts_.confirmed, true);
        } else if (!facts_.ptr_names.empty()) {
            add(Kind::NameUnconfirmed,
                "its name " + shown(facts_.ptr_names.front()) + " doesn't lead back to its address"
            );
            worst_name(facts_.ptr_names, false);
        } else if (facts_.names_known) {
            add(Kind::NoName, "its address has no name in the DNS");
        }
    }

    struct NameFound {
        Kind kind = Kind::NamePlain;
        std::string sentence;
    };

    // Of several names the one that speaks most against a server. A name that isn't confirmed may
    // speak against, never for.
    void worst_name(const std::vector<std::string>& names, bool confirmed) {
        std::optional<NameFound> worst;
        for (std::size_t i = 0; i < std::min(names.size(), kNamesMax); ++i) {
            NameFound found = found_in(names[i]);
            if (rules_.off(found.kind)) {
                continue;
            }
            if (!worst || rules_.of(found.kind).weight < rules_.of(worst->kind).weight) {
                worst = std::move(found);
            }
        }
        const bool against =
            worst && (worst->kind == Kind::NameDynamic || worst->kind == Kind::NameGeneric);
        if (worst && (confirmed || against)) {
            add(worst->kind, std::move(worst->sentence));
        }
    }

    [[nodiscard]] NameFound found_in(const std::string& host) const {
        const NameShape shape = shape_of(host, facts_.address, patterns_);
        const std::string subject = "its name " + shown(host) + " ";
        const std::string by = " (\"" + shape.evidence + "\")";
        switch (shape.kind) {
            case NameKind::Dynamic:
                return {Kind::NameDynamic, subject + "looks like a subscriber's line" + by};
            case NameKind::Generic:
                return {Kind::NameGeneric, subject + "is made from its address"};
            case NameKind::Static:
                return {Kind::NameStatic, subject + "looks like a fixed line or a server" + by};
            case NameKind::Mail:
                return {Kind::NameMail, subject + "is a mail server's" + by};
            case NameKind::Plain:
                return {Kind::NamePlain, subject + "was chosen by somebody"};
            case NameKind::Bad:
                return {Kind::NameGeneric, subject + "is not a host name"};
        }
        return {};
    }

    void helo() {
        const std::string greeting = "it greets as \"" + shown(facts_.helo) + "\"";
        if (facts_.helo.starts_with('[')) {
            helo_literal(greeting);
            return;
        }
        const auto ours = [this](const std::string& name) { return same_host(name, facts_.helo); };
        if (std::any_of(facts_.our_names.begin(), facts_.our_names.end(), ours)) {
            add(Kind::HeloIsOurs, greeting + ", which is our own name");
            return;
        }
        if (!is_host_name(facts_.helo)) {
            add(Kind::HeloNotAName, greeting + ", which is not a full host name");
            return;
        }
        if (facts_.helo_leads_back) {
            if (*facts_.helo_leads_back) {
                add(Kind::HeloLeadsBack, greeting + ", a name that leads to its address");
            } else {
                add(Kind::HeloElsewhere, greeting + ", a name that doesn't lead to its address");
            }
        }
        const auto matches = [this](const std::string& each) {
            return same_host(each, facts_.helo);
        };
        if (std::any_of(facts_.confirmed.begin(), facts_.confirmed.end(), matches)) {
            add(Kind::HeloMatchesName, greeting + ", as its address's name says");
        }
        const NameShape shape = shape_of(facts_.helo, facts_.address, patterns_);
        if (shape.kind == NameKind::Dynamic) {
            add(Kind::HeloDynamic,
                greeting + ", which looks like a subscriber's line (\"" + shape.evidence + "\")");
        }
    }

    // RFC 5321 §4.1.3. A mail program behind a home router gives its private address.
    void helo_literal(const std::string& greeting) {
        std::string_view inner = facts_.helo;
        inner.remove_prefix(1);
        if (inner.ends_with(']')) {
            inner.remove_suffix(1);
        }
        if (inner.size() > 5 && iequals(inner.substr(0, 5), "IPv6:")) {
            inner.remove_prefix(5);
        }
        const Result<IpAddress> literal = IpAddress::parse(inner);
        if (literal && *literal == facts_.address) {
            add(Kind::HeloLiteral, greeting + ", an address instead of a name");
        } else {
            add(Kind::HeloWrongLiteral, greeting + ", which is not the address it comes from");
        }
    }

    const Facts& facts_;
    const Rules& rules_;
    const NamePatterns& patterns_;
    Judgement judgement_;
    bool refused_ = false, accepted_ = false;
};

}  // namespace

std::string_view name(Opinion opinion) {
    switch (opinion) {
        case Opinion::Server:
            return "server";
        case Opinion::Client:
            return "client";
        case Opinion::Unknown:
            return "unknown";
    }
    return "unknown";
}

std::string Judgement::text() const {
    std::string out = fmt::format("{} ({:+}): ", name(opinion), score);
    const char* separator = "";
    for (const Reason& reason : reasons) {
        out += separator + reason.sentence;
        if (reason.action == Action::Refuse || reason.action == Action::Accept) {
            out += ", which settles it";
        } else if (reason.action == Action::Note) {
            out += ", which counts for nothing";
        }
        if (!reason.basis.empty()) {
            out += " (" + reason.basis + ")";
        }
        separator = "; ";
    }
    if (reasons.empty()) {
        out.resize(out.size() - 2);
    }
    return out;
}

Judgement judge(const Facts& facts, const Rules& rules, const NamePatterns& patterns) {
    return Judge(facts, rules, patterns).run();
}

}  // namespace sekisho::peer
