// sekisho doctor: everything that can be looked at from here, and what to do about it.
#include "base/result.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/doctor.h"
#include "config/config.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

namespace sekisho::cli {
namespace {

const char* name(Health health) {
    return health == Health::Good ? "good" : health == Health::Note ? "note" : "FAULT";
}

void examine_gate_role(const Json& status, Findings& out) {
    for (const Json& one : status.value("interfaces", Json::array())) {
        if (!one.value("attached", false)) {
            out.fault(
                "gate",
                fmt::format(
                    "packets on {} are not judged: {}",
                    one.value("name", ""),
                    one.value("error", "")
                ),
                "mend that, or leave it out of gate.interfaces"
            );
        }
    }
    for (const Json& one : status.value("downgrades", Json::array())) {
        out.note(
            "gate",
            fmt::format(
                "rule {}: {} instead of {}",
                one.value("rule", ""),
                one.value("used", ""),
                one.value("declared", "")
            ),
            one.value("reason", "")
        );
    }
    for (const Json& one : status.value("leases", Json::object()).value("each", Json::array())) {
        if (one.contains("why_not")) {
            out.note(
                "gate",
                fmt::format(
                    "lease {} has no effect, or not on all of it: {}",
                    one.value("id", std::int64_t{0}),
                    one.value("why_not", "")
                ),
                "`sekisho gate exempt list`"
            );
        }
    }
    const auto lost = status.value("rows_lost", std::uint64_t{0});
    if (lost > 0) {
        out.note(
            "gate", fmt::format("{} blocked flows were counted and not told line by line", lost), ""
        );
    }
}

void examine_mail_role(const Json& status, Findings& out) {
    const Json queue = status.value("queue", Json::object());
    if (queue.value("acks_before_durable_total", std::uint64_t{0}) > 0) {
        out.fault(
            "mail",
            "messages were acknowledged before they were durable",
            "stop taking mail and report this"
        );
    }
    const Json journal = status.value("journal", Json::object());
    if (journal.value("dropped", std::uint64_t{0}) > 0) {
        out.fault(
            "mail",
            fmt::format(
                "{} events could not be written", journal.value("dropped", std::uint64_t{0})
            ),
            "look for JOURNAL_ in the log"
        );
    }
}

int doctor(const Context& context) {
    const auto config = load_config(context);
    if (!config) {
        return config.error();
    }
    Findings findings;
    findings.good("config", config->file + " is good");
    examine_machine(*config, findings);
    examine_certificate(*config, now(), findings);
    examine_policy(*config, now(), findings);
    examine_gate(*config, findings);
    examine_milters(*config, findings);
    examine_roles(*config, findings);
    Json rows = Json::array();
    std::string text;
    bool fault = false;
    for (const Finding& one : findings.all()) {
        fault = fault || one.health == Health::Fault;
        rows.push_back(
            {{"health", name(one.health)},
             {"area", one.area},
             {"text", one.text},
             {"advice", one.advice}}
        );
        text += fmt::format("{:5}  {:8}  {}\n", name(one.health), one.area, one.text);
        if (!one.advice.empty()) {
            text += fmt::format("                 -> {}\n", one.advice);
        }
    }
    print(context, rows, text);
    return fault ? kFailed : kDone;
}

}  // namespace

void examine_roles(const config::Config& config, Findings& out) {
    for (const char* role : {"gate", "mail", "desk"}) {
        const auto status = ask(config, role, Json{{"command", "status"}});
        if (!status) {
            out.note(
                role,
                std::string("the role ") + role + " does not run here",
                "start it, if it should"
            );
            continue;
        }
        out.good(role, std::string("the role ") + role + " answers");
        if (std::string(role) == "gate") {
            examine_gate_role(*status, out);
        } else if (std::string(role) == "mail") {
            examine_mail_role(*status, out);
        }
    }
}

void add_doctor(CLI::App& app, Context& context, Chosen& chosen) {
    app.add_subcommand("doctor", "What is wrong here, or soon will be, and what to do")
        ->callback([&context, &chosen] { chosen = [&context] { return doctor(context); }; });
}

}  // namespace sekisho::cli
