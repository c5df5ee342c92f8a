// A policy as the part of a sekisho.toml that it would be: what the history of policies keeps.
#include "base/time.h"
#include "config/key_types.h"
#include "config/reader.h"
#include "policy/policy.h"

#include <string>
#include <string_view>
#include <vector>

namespace sekisho::config {
namespace {

class Writer {
  public:
    void table(std::string_view name) {
        out_ += (out_.empty() ? "[[" : "\n[[") + std::string(name) + "]]\n";
    }
    void text(std::string_view key, std::string_view value) {
        if (!value.empty()) {
            out_ += std::string(key) + " = " + quote(value) + "\n";
        }
    }
    void prefixes(const std::vector<Prefix>& all) {
        out_ += "prefixes = [";
        for (const Prefix& one : all) {
            out_ += "\n    \"" + one.text() + "\",";
        }
        out_ += all.empty() ? "]\n" : "\n]\n";
    }
    void line(std::string_view key, const std::string& value) {
        out_ += std::string(key) + " = " + value + "\n";
    }
    std::string take() { return std::move(out_); }

  private:
    std::string out_;
};

std::string names(const std::vector<std::string>& all) {
    std::string out = "[";
    for (const std::string& one : all) {
        out += (out.size() == 1 ? "" : ", ") + quote(one);
    }
    return out + "]";
}

std::string step_text(const policy::Step& step) {
    std::string out = "{ at = " + rfc3339(step.at) + ", stage = " + quote(name(step.stage));
    if (!step.to.empty()) {
        out += ", to = " + quote(step.to);
    }
    if (!step.scope.regions.empty()) {
        out += ", regions = " + names(step.scope.regions);
    }
    if (step.scope.share < 100) {
        out += ", share = " + std::to_string(step.scope.share);
    }
    return out + " }";
}

void write_rule(Writer& out, const policy::RuleSource& rule) {
    out.table("rule");
    out.text("name", rule.name);
    out.text("from", rule.from);
    out.text("to", rule.to);
    out.text("action", policy::name(rule.action));
    if (rule.rate.connections > 0) {
        out.text("rate", rule.rate.text());
    }
    out.text("stage", policy::name(rule.stage));
    if (!rule.scope.regions.empty()) {
        out.line("regions", names(rule.scope.regions));
    }
    if (rule.scope.share < 100) {
        out.line("share", std::to_string(rule.scope.share));
    }
    if (!rule.steps.empty()) {
        std::string steps = "[";
        for (const policy::Step& step : rule.steps) {
            steps += "\n    " + step_text(step) + ",";
        }
        out.line("steps", steps + "\n]");
    }
    out.text("note", rule.note);
}

}  // namespace

std::string policy_text(const policy::Source& source) {
    Writer out;
    for (const policy::ClassSource& one : source.classes) {
        out.table("class");
        out.text("name", one.name);
        out.text("note", one.note);
        out.prefixes(one.prefixes);
    }
    for (const policy::RegionSource& one : source.regions) {
        out.table("region");
        out.text("name", one.name);
        out.text("note", one.note);
        out.prefixes(one.prefixes);
    }
    for (const policy::RuleSource& rule : source.rules) {
        write_rule(out, rule);
    }
    return out.take();
}

}  // namespace sekisho::config
