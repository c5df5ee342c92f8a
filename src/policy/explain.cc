// The words of `sekisho gate explain`: from the same look-ups that the engines are built from.
#include "base/ip.h"
#include "base/time.h"
#include "policy/policy.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::policy {
namespace {

std::string in_quotes(std::string_view text) {
    return "\"" + std::string(text) + "\"";
}

std::string class_line(const Policy& policy, const IpAddress& address) {
    const Class& c = policy.classes()[policy.classify(address)];
    const auto prefix = policy.matched(address);
    std::string line = address.text() + " is in class " + in_quotes(c.name);
    line += prefix ? " by " + prefix->text() + ", the longest prefix that covers it"
                   : ", the default class: no prefix covers it";
    if (!c.note.empty()) {
        line += " (" + c.note + ")";
    }
    if (c.base != c.id) {
        line += "; that is class " + in_quotes(policy.classes()[c.base].name);
        line += c.region.empty() ? "" : " in region " + in_quotes(c.region);
        line += c.band_to == 100 ? ""
                                 : ", of a line in the first " + std::to_string(c.band_to) +
                                       " percent of the known ones";
    }
    return line;
}

std::string what_happens(const Verdict& verdict, Direction direction) {
    const bool to = direction == Direction::ToPort25;
    const auto done = [to](Action action) -> std::string {
        switch (action) {
            case Action::Pass:
                return "passes";
            case Action::Count:
                return "passes and is counted";
            case Action::Limit:
                return to ? "passes while its source keeps within the rate; a new connection "
                            "beyond "
                            "it is refused at once"
                          : "passes";
            case Action::Refuse:
                return to ? "is refused at once with a TCP reset" : "is dropped";
            case Action::Drop:
                return "is dropped without an answer";
            case Action::Answer:
                return to ? "is handed to the responder that explains" : "is dropped";
        }
        return "passes";
    };
    if (verdict.stage != Stage::Enforce && verdict.declared != Action::Pass) {
        return "passes and is reported, because the rule is in stage " +
               std::string(name(verdict.stage)) + "; enforced, the packet " +
               (blocks(verdict.declared) ? "would be blocked (" : "would get (") +
               std::string(name(verdict.declared)) + ")";
    }
    return done(verdict.action);
}

void rule_lines(const Policy& policy, const Verdict& verdict, std::vector<std::string>& out) {
    const std::string& client = policy.classes()[verdict.client].name;
    const std::string& server = policy.classes()[verdict.server].name;
    if (verdict.rule < 0) {
        out.push_back(
            "  no rule names " + in_quotes(client) + " -> " + in_quotes(server) + ", so it passes"
        );
        out.push_back(
            "  to close it, add: [[rule]] name = \"...\", from = " + in_quotes(client) +
            ", to = " + in_quotes(server) + ", action = \"refuse\", stage = \"observe\""
        );
        return;
    }
    const RuleSource& rule = policy.rules()[static_cast<std::size_t>(verdict.rule)];
    std::string line =
        "  rule " + in_quotes(rule.name) + " is the first that names " + in_quotes(client) +
        " -> " + in_quotes(server) + ": from " + in_quotes(rule.from) + " to " +
        in_quotes(rule.to) + ", action " + std::string(name(rule.action)) +
        (rule.action == Action::Limit ? " " + rule.rate.text() : std::string()) + ", stage " +
        std::string(name(rule.stage)) + (rule.scope.all() ? "" : ", for " + rule.scope.text());
    if (!rule.origin.empty()) {
        line += ", written at " + rule.origin;
    }
    out.push_back(line);
    if (!rule.note.empty()) {
        out.push_back("  why: " + rule.note);
    }
    for (const Step& step : rule.steps) {
        out.push_back(
            "  from " + rfc3339(step.at) + " on: stage " + std::string(name(step.stage)) +
            (step.to.empty() ? "" : " to " + in_quotes(step.to)) + " for " + step.scope.text()
        );
    }
}

// One flow: its packets to port 25 and the answers.
void flow_lines(
    const Policy& policy,
    const IpAddress& client,
    const IpAddress& server,
    std::vector<std::string>& out
) {
    const Verdict to = policy.judge(client, server, Direction::ToPort25);
    const Verdict from = policy.judge(server, client, Direction::FromPort25);
    const Endpoint port25{server, 25};
    out.push_back("when " + client.text() + " connects to " + port25.text() + ":");
    rule_lines(policy, to, out);
    out.push_back(
        "  packet " + client.text() + " -> " + port25.text() + " " +
        what_happens(to, Direction::ToPort25)
    );
    out.push_back(
        "  answer " + port25.text() + " -> " + client.text() + " " +
        what_happens(from, Direction::FromPort25)
    );
}

}  // namespace

std::string Scope::text() const {
    std::string out;
    for (const std::string& region : regions) {
        out += (out.empty() ? "region " : ", ") + region;
    }
    if (share < 100) {
        out += (out.empty() ? "" : ": ") + std::to_string(share) + " percent of the lines";
    }
    return out.empty() ? "all lines" : out;
}

std::vector<std::string> explain(
    const Policy& policy, const IpAddress& source, const IpAddress& destination
) {
    std::vector<std::string> out;
    out.push_back(class_line(policy, source));
    out.push_back(class_line(policy, destination));
    if (source.is_v4() != destination.is_v4()) {
        out.emplace_back("one address is IPv4 and the other IPv6: no packet runs between them");
        return out;
    }
    flow_lines(policy, source, destination, out);
    if (policy.classify(source) != policy.classify(destination)) {
        flow_lines(policy, destination, source, out);
    }
    return out;
}

}  // namespace sekisho::policy
