// Lines of "class NAME PREFIX..." and "rule NAME FROM TO ACTION STAGE" become a policy; the first
// prefixes then probe it. What compiles must classify each prefix's own ends within that prefix.
#include "base/bytes.h"
#include "base/ip.h"
#include "policy/policy.h"
#include "policy/ranges.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

using sekisho::IpAddress;
using sekisho::Prefix;
namespace policy = sekisho::policy;

void require(bool condition) {
    if (!condition) {
        std::abort();
    }
}

void read_line(std::string_view line, policy::Source& source, std::vector<Prefix>& probes) {
    const auto words = sekisho::split(line, ' ');
    if (words.size() >= 2 && words[0] == "class") {
        policy::ClassSource group;
        group.name = words[1];
        for (std::size_t i = 2; i < words.size(); ++i) {
            if (const auto prefix = Prefix::parse(words[i])) {
                require(*Prefix::parse(prefix->text()) == *prefix);
                group.prefixes.push_back(*prefix);
                probes.push_back(*prefix);
            }
        }
        source.classes.push_back(group);
    } else if (words.size() == 6 && words[0] == "rule") {
        policy::RuleSource rule;
        rule.name = words[1];
        rule.from = words[2];
        rule.to = words[3];
        rule.action = policy::parse_action(words[4]).value_or(policy::Action::Pass);
        if (rule.action == policy::Action::Limit) {
            rule.rate = policy::Rate::parse(words.back())
                            .value_or(policy::Rate{5, sekisho::Duration{1000}});
        }
        rule.stage = policy::parse_stage(words[5]).value_or(policy::Stage::Enforce);
        source.rules.push_back(rule);
    } else if (words.size() == 2 && words[0] == "default") {
        source.default_class = words[1];
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(data, data + size);
    policy::Source source;
    std::vector<Prefix> probes;
    for (const std::string_view line : sekisho::split(text, '\n')) {
        read_line(line, source, probes);
    }
    const auto compiled = policy::Policy::compile(source);
    if (!compiled) {
        require(!compiled.error().message.empty());
        return 0;
    }
    for (const Prefix& probe : probes) {
        const auto matched = (*compiled)->matched(probe.address());
        require(matched && matched->length() >= probe.length());
        require(matched->contains(probe.address()));
        (void)policy::explain(**compiled, probe.address(), probes.front().address());
    }
    policy::Number last{};
    bool v4 = true;
    bool first = true;
    for (const policy::Range& range : policy::merged_ranges((*compiled)->prefixes())) {
        require(range.first <= range.last);
        require(first || v4 != range.v4 || last < range.first);
        last = range.last;
        v4 = range.v4;
        first = false;
    }
    return 0;
}
