#include "gate/enforce/handover.h"

#include "base/log.h"
#include "base/result.h"
#include "gate/enforce/command.h"
#include "gate/enforce/engine.h"
#include "gate/enforce/interfaces.h"
#include "gate/enforce/nft.h"
#include "gate/render/nftables.h"
#include "policy/policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace sekisho::gate {
namespace {

// `ip` with the words; that it is there already is what was wanted.
Status run_ip(const std::vector<std::string>& words) {
    const auto said = run_command("ip", words, "");
    if (!said) {
        return fail(said.error());
    }
    if (said->status == 0 || said->err.find("File exists") != std::string::npos) {
        return {};
    }
    return fail(
        said->err.find("not permitted") != std::string::npos ? Errc::Denied : Errc::Unavailable,
        "ip: " + said->err.substr(0, said->err.find('\n'))
    );
}

std::vector<std::string> rule_words(const char* family, const char* verb) {
    return {
        family,
        "rule",
        verb,
        "fwmark",
        fmt::format("{:#x}", kAnswerMark),
        "lookup",
        std::to_string(kAnswerTable),
        "pref",
        std::to_string(kAnswerTable)
    };
}

void gather(Appearance& into, const std::string& name, const std::string& sysfs, int depth) {
    static constexpr int kDepthMax = 8;
    if (depth > kDepthMax || std::ranges::count(into.interfaces, name) != 0) {
        return;
    }
    into.interfaces.push_back(name);
    constexpr std::string_view prefix = "upper_";
    std::error_code problem;
    for (const auto& entry : std::filesystem::directory_iterator(sysfs + "/" + name, problem)) {
        const std::string upper = entry.path().filename().string();
        if (!upper.starts_with(prefix)) {
            continue;
        }
        const std::string above = upper.substr(prefix.size());
        if (std::filesystem::exists(sysfs + "/" + above + "/bridge", problem) ||
            driver_of(above) == "openvswitch") {
            into.bridge = above;
        }
        gather(into, above, sysfs, depth + 1);  // NOLINT(misc-no-recursion): as deep as devices are
    }
}

}  // namespace

Status add_answer_routes(bool v6) {
    const std::string table = std::to_string(kAnswerTable);
    for (const char* family : {"-4", "-6"}) {
        if (std::string_view(family) == "-6" && !v6) {
            continue;
        }
        if (Status added =
                run_ip({family, "route", "replace", "local", "default", "dev", "lo", "table", table}
                );
            !added) {
            return added;
        }
        if (Status added = run_ip(rule_words(family, "add")); !added) {
            return added;
        }
    }
    return {};
}

void remove_answer_routes() {
    for (const char* family : {"-4", "-6"}) {
        (void)run_ip(rule_words(family, "del"));
        (void)run_ip({family, "route", "flush", "table", std::to_string(kAnswerTable)});
    }
}

Appearance appearance_of(const std::vector<std::string>& interfaces, const std::string& sysfs) {
    Appearance out;
    for (const std::string& name : interfaces) {
        gather(out, name, sysfs, 0);
    }
    std::ranges::sort(out.interfaces);
    return out;
}

bool Handover::stale(const std::vector<std::string>& interfaces) const {
    const Appearance now = appearance_of(interfaces);
    return interfaces != interfaces_ || ports_ != ports_in_force_ ||
           now.interfaces != appearance_.interfaces || now.bridge != appearance_.bridge;
}

std::string Handover::put(
    const policy::Policy& policy, const std::vector<std::string>& interfaces
) {
    interfaces_ = interfaces;
    ports_in_force_ = ports_;
    appearance_ = appearance_of(interfaces);
    if (ports_.v4 == 0) {
        return "no responder runs here";
    }
    if (!appearance_.bridge.empty()) {
        return fmt::format(
            "packets pass through the bridge {} and can't be handed over to a responder",
            appearance_.bridge
        );
    }
    NftOptions options;
    options.interfaces = appearance_.interfaces;
    options.handover = {ports_.v4, ports_.v6, kAnswerMark};
    const NftHandoverRendering rendered = render_nft_handover(policy, options);
    if (rendered.prefixes > kPrefixesMax) {
        return fmt::format("{} prefixes are too many for nftables to hand over", rendered.prefixes);
    }
    if (interfaces.empty() || rendered.text == text_) {
        return {};
    }
    Status loaded = add_answer_routes(ports_.v6 != 0);
    if (loaded) {
        loaded = run_nft({"-f", "-"}, rendered.text);
    }
    if (!loaded) {
        if (text_.empty()) {
            remove_answer_routes();
        }
        return "packets can't be led to the responder: " + loaded.error().message;
    }
    text_ = rendered.text;
    leftover_ = false;
    return {};
}

void Handover::remove() {
    if (text_.empty()) {
        return;
    }
    if (const Status removed = run_nft({"-f", "-"}, render_nftables_removal()); !removed) {
        log::error(
            "GATE_ANSWER_LEFT",
            "the table of the responder is still there",
            {{"error", removed.error().message}}
        );
    }
    remove_answer_routes();
    text_.clear();
}

void Handover::remove_leftover() {
    if (leftover_) {
        leftover_ = false;
        (void)remove_nft_table();  // without the program nothing can have been left
    }
}

void Handover::watch() {
    if (text_.empty()) {
        return;
    }
    // The list of names only: the prefixes of our sets needn't be fetched for it.
    const auto tables = run_command("nft", {"list", "tables", "inet"}, "");
    if (!tables || tables->status != 0 ||
        tables->out.find(fmt::format("table inet {}\n", kNftTable)) != std::string::npos) {
        return;
    }
    log::warning(
        "GATE_ANSWER_TABLE_GONE",
        "somebody removed the table that leads to the responder: it is loaded again"
    );
    Status loaded = add_answer_routes(ports_.v6 != 0);
    if (loaded) {
        loaded = run_nft({"-f", "-"}, text_);
    }
    if (!loaded) {
        log::error(
            "GATE_ANSWER_TABLE_FAILED",
            "packets of the rules that answer pass",
            {{"error", loaded.error().message}}
        );
    }
}

}  // namespace sekisho::gate
