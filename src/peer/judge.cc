#include "peer/judge.h"

#include "base/bytes.h"
#include "base/ip.h"
#include "peer/host_name.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
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

class Judge {
  public:
    Judge(const Facts& facts, const Weights& weights) : facts_(facts), weights_(weights) {}

    Judgement run() {
        declared();
        names();
        if (!facts_.helo.empty()) {
            helo();
        }
        if (facts_.early_talker) {
            add(weights_.early_talker, "it spoke before our greeting, as mail servers never do");
        }
        if (facts_.tls) {
            add(weights_.tls, "it uses TLS");
        }
        if (!facts_.spf_domain.empty()) {
            add(weights_.spf_pass,
                "the SPF record of " + shown(facts_.spf_domain) + " names it as a sender");
        }
        for (const Listing& listing : facts_.listings) {
            const std::string list = listing.zone + " (" + listing.answer + ")";
            add(listing.weight,
                listing.weight < 0 ? "it is on the block list " + list
                                   : "it is on the list of known servers " + list);
        }
        if (judgement_.score >= weights_.server_at) {
            judgement_.opinion = Opinion::Server;
        } else if (judgement_.score <= weights_.client_at) {
            judgement_.opinion = Opinion::Client;
        }
        return std::move(judgement_);
    }

  private:
    void add(int weight, std::string sentence) {
        if (weight != 0) {
            judgement_.score += weight;
            // Heaviest first; equal ones in the order in which they were found.
            auto& reasons = judgement_.reasons;
            const auto place =
                std::find_if(reasons.begin(), reasons.end(), [weight](const Reason& reason) {
                    return std::abs(reason.weight) < std::abs(weight);
                });
            reasons.insert(place, Reason{weight, std::move(sentence)});
        }
    }

    void declared() {
        const auto is = [this](std::string_view each) { return each == facts_.policy_class; };
        if (std::any_of(kServerClasses.begin(), kServerClasses.end(), is)) {
            add(weights_.declared_server,
                "the policy's class \"" + facts_.policy_class + "\" declares mail servers there");
        } else if (std::any_of(kDynamicClasses.begin(), kDynamicClasses.end(), is)) {
            add(weights_.declared_dynamic,
                "the policy's class \"" + facts_.policy_class + "\" declares no mail servers there"
            );
        }
    }

    void names() {
        if (!facts_.confirmed.empty()) {
            add(weights_.ptr_confirmed,
                "its name " + shown(facts_.confirmed.front()) + " leads back to its address");
            worst_name(facts_.confirmed, true);
        } else if (!facts_.ptr_names.empty()) {
            add(weights_.ptr_unconfirmed,
                "its name " + shown(facts_.ptr_names.front()) + " doesn't lead back to its address"
            );
            worst_name(facts_.ptr_names, false);
        } else if (facts_.names_known) {
            add(weights_.no_ptr, "its address has no name in the DNS");
        }
    }

    // Of several names the one that speaks most against a server. A name that isn't confirmed may
    // speak against, never for.
    void worst_name(const std::vector<std::string>& names, bool confirmed) {
        Reason worst;
        bool first = true;
        for (std::size_t i = 0; i < std::min(names.size(), kNamesMax); ++i) {
            Reason reason = name_reason(names[i]);
            if (first || reason.weight < worst.weight) {
                worst = std::move(reason);
                first = false;
            }
        }
        if (confirmed || worst.weight < 0) {
            add(worst.weight, std::move(worst.sentence));
        }
    }

    [[nodiscard]] Reason name_reason(const std::string& host) const {
        const NameShape shape = shape_of(host, facts_.address);
        const std::string subject = "its name " + shown(host) + " ";
        switch (shape.kind) {
            case NameKind::Dynamic:
                return {
                    weights_.name_dynamic,
                    subject + "looks like a subscriber's line (\"" + shape.evidence + "\")"
                };
            case NameKind::Generic:
                return {weights_.name_generic, subject + "is made from its address"};
            case NameKind::Static:
                return {
                    weights_.name_static,
                    subject + "looks like a fixed line or a server (\"" + shape.evidence + "\")"
                };
            case NameKind::Mail:
                return {
                    weights_.name_mail, subject + "is a mail server's (\"" + shape.evidence + "\")"
                };
            case NameKind::Plain:
                return {weights_.name_plain, subject + "was chosen by somebody"};
            case NameKind::Bad:
                return {weights_.name_generic, subject + "is not a host name"};
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
            add(weights_.helo_is_ours, greeting + ", which is our own name");
            return;
        }
        if (!is_host_name(facts_.helo)) {
            add(weights_.helo_not_a_name, greeting + ", which is not a full host name");
            return;
        }
        if (facts_.helo_leads_back) {
            if (*facts_.helo_leads_back) {
                add(weights_.helo_leads_back, greeting + ", a name that leads to its address");
            } else {
                add(weights_.helo_elsewhere,
                    greeting + ", a name that doesn't lead to its address");
            }
        }
        const auto matches = [this](const std::string& each) {
            return same_host(each, facts_.helo);
        };
        if (std::any_of(facts_.confirmed.begin(), facts_.confirmed.end(), matches)) {
            add(weights_.helo_matches_ptr, greeting + ", as its address's name says");
        }
        const NameShape shape = shape_of(facts_.helo, facts_.address);
        if (shape.kind == NameKind::Dynamic) {
            add(weights_.helo_dynamic,
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
            add(weights_.helo_literal, greeting + ", an address instead of a name");
        } else {
            add(weights_.helo_wrong_literal, greeting + ", which is not the address it comes from");
        }
    }

    const Facts& facts_;
    const Weights& weights_;
    Judgement judgement_;
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
    std::string out = fmt::format("{} ({:+})", name(opinion), score);
    const char* separator = ": ";
    for (const Reason& reason : reasons) {
        out += separator + reason.sentence;
        separator = "; ";
    }
    return out;
}

Judgement judge(const Facts& facts, const Weights& weights) {
    return Judge(facts, weights).run();
}

}  // namespace sekisho::peer
