// The examinations of `sekisho doctor` that need no role to run.
#include "cli/doctor.h"

#include "base/ip.h"
#include "base/time.h"
#include "cli/leased_policy.h"
#include "cli/policy_history.h"
#include "config/config.h"
#include "gate/enforce/command.h"
#include "gate/enforce/interfaces.h"
#include "net/certificate.h"
#include "policy/policy.h"
#include "policy/stages.h"
#include "store/store.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <sys/timex.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

// Beyond it a transaction of nftables takes seconds, and half a minute and a gigabyte at a million.
constexpr std::size_t kNftComfortable = 20'000;
constexpr std::chrono::hours kRenewBefore{24 * 14};

void examine_clock(Findings& out) {
    timex clock{};
    if (adjtimex(&clock) == TIME_ERROR || (clock.status & STA_UNSYNC) != 0) {
        out.note(
            "machine",
            "the clock is not kept in step with a time server",
            "run chrony or systemd-timesyncd: who held an address is a question of seconds"
        );
    } else {
        out.good("machine", "the clock is kept in step");
    }
}

// Our own mail server must get out, and others' in to it.
void examine_own_mail(const config::Config& config, const policy::Policy& policy, Findings& out) {
    const std::string advice =
        "put the addresses of your mail servers in a class whose rule passes them; `sekisho gate "
        "explain` shows which rule decides";
    bool passes = true;
    for (const IpAddress& address : gate::own_addresses()) {
        const policy::Verdict verdict = policy.cell(policy.classify(address), 0);
        if (!policy::blocks(verdict.declared)) {
            continue;
        }
        passes = false;
        const std::string who = fmt::format(
            "{} (rule {})",
            address.text(),
            policy.rules().at(static_cast<std::size_t>(verdict.rule)).name
        );
        if (policy::blocks(verdict.action) && config.gate.mode != "observe") {
            out.fault(
                "policy", who + ": port 25 of the outside is closed for this machine itself", advice
            );
        } else {
            out.note(
                "policy",
                who + ": once enforced, port 25 of the outside is closed for this machine itself",
                advice
            );
        }
    }
    if (passes && !config.policy.rules.empty()) {
        out.good("policy", "this machine's own addresses may deliver to the outside");
    }
}

void examine_history(const config::Config& config, Findings& out) {
    if (!std::filesystem::exists(config.database())) {
        return;
    }
    const auto store = store::open_store(config.database());
    if (!store) {
        out.fault("database", store.error().message, "restore it, or let the roles make a new one");
        return;
    }
    out.good("database", config.database() + " opens");
    const auto state = PolicyHistory(**store).read();
    if (!state) {
        out.fault("policy", state.error().message, "`sekisho gate apply` writes it anew");
        return;
    }
    if (!state->refused.empty()) {
        out.note(
            "policy",
            fmt::format("version {} is in force after a rollback", state->in_force),
            "mend the file and `sekisho gate apply`"
        );
    }
    if (state->confirm_until) {
        out.note(
            "policy",
            fmt::format(
                "version {} waits for a confirmation until {}",
                state->in_force,
                rfc3339(*state->confirm_until)
            ),
            "`sekisho gate confirm`, or the earlier one comes back"
        );
    }
}

}  // namespace

void Findings::good(std::string area, std::string text) {
    all_.push_back({Health::Good, std::move(area), std::move(text), ""});
}
void Findings::note(std::string area, std::string text, std::string advice) {
    all_.push_back({Health::Note, std::move(area), std::move(text), std::move(advice)});
}
void Findings::fault(std::string area, std::string text, std::string advice) {
    all_.push_back({Health::Fault, std::move(area), std::move(text), std::move(advice)});
}

void examine_machine(const config::Config& config, Findings& out) {
    std::error_code error;
    if (!std::filesystem::is_directory(config.state_dir, error)) {
        out.fault(
            "machine",
            "state_dir " + config.state_dir + " does not exist",
            "start a role, which makes it, or make it yourself"
        );
    } else if (::access(config.state_dir.c_str(), W_OK) != 0) {
        out.fault(
            "machine",
            "state_dir " + config.state_dir + " can't be written by this user",
            "run this as the user of the roles, or change its owner"
        );
    } else {
        const auto space = std::filesystem::space(config.state_dir, error);
        if (!error && space.available < config.queue.free_space_min) {
            out.fault(
                "machine",
                fmt::format(
                    "{} MiB are free below state_dir: new mail is answered 452",
                    space.available >> 20U
                ),
                "make room, or lower queue.free_space_min"
            );
        } else {
            out.good("machine", fmt::format("state_dir has {} MiB free", space.available >> 20U));
        }
    }
    examine_clock(out);
}

void examine_certificate(const config::Config& config, Time now, Findings& out) {
    const std::string& file = config.tls.certificate;
    if (!std::filesystem::exists(file)) {
        out.note("tls", file + " does not exist yet", "the mail role makes one at its first start");
        return;
    }
    const auto facts = net::read_certificate(file, config.mail.hostname);
    if (!facts) {
        out.fault("tls", facts.error().message, "give tls.certificate and tls.key");
        return;
    }
    if (facts->not_after < now) {
        out.fault("tls", file + " has expired at " + rfc3339(facts->not_after), "renew it");
    } else if (facts->not_after < now + kRenewBefore) {
        out.note("tls", file + " expires at " + rfc3339(facts->not_after), "renew it");
    } else {
        out.good("tls", "the certificate is good until " + rfc3339(facts->not_after));
    }
    if (facts->self_signed) {
        out.note(
            "tls",
            "the certificate is self-signed: mail programs will warn your subscribers",
            "get one from a certificate authority for mail.hostname"
        );
    }
    if (!facts->names_host) {
        out.fault(
            "tls",
            "the certificate is not for " + config.mail.hostname,
            "mail.hostname and the certificate's names must agree"
        );
    }
}

void examine_policy(const config::Config& config, Time now, Findings& out) {
    if (config.policy.rules.empty()) {
        out.note(
            "policy", "there is no [[rule]]: everything passes", "see docs/operators-guide.md"
        );
    }
    examine_history(config, out);
    const auto source = source_in_force(config);
    const auto policy =
        source ? policy::compile_at(**source, now)
               : Result<std::shared_ptr<const policy::Policy>>(std::unexpected(source.error()));
    if (!policy) {
        out.fault("policy", policy.error().message, "`sekisho config check`");
        return;
    }
    examine_own_mail(config, **policy, out);
    if (config.gate.engine == "nftables" && (*policy)->prefixes().size() > kNftComfortable) {
        out.fault(
            "gate",
            fmt::format(
                "{} prefixes are too many for nftables: each change takes seconds to minutes and "
                "up to a gigabyte",
                (*policy)->prefixes().size()
            ),
            "gate.engine = \"xdp\", or wider prefixes"
        );
    }
}

void examine_gate(const config::Config& config, Findings& out) {
    const config::Gate& gate = config.gate;
    if (gate.engine == "none") {
        out.note("gate", "gate.engine is none: packets are not judged", "");
        return;
    }
    if (geteuid() != 0) {
        out.note("gate", "not root: rights for the packet filter were not looked at", "");
    }
    if (gate.engine == "nftables") {
        const auto nft = gate::run_command("nft", {"--version"}, "");
        if (!nft || nft->status != 0) {
            out.fault("gate", "the program nft can't be run", "install nftables");
        }
    }
    if (gate.engine == "xdp" && !gate.pin.empty() && !std::filesystem::exists("/sys/fs/bpf")) {
        out.fault("gate", "gate.pin needs a BPF file system", "mount -t bpf bpf /sys/fs/bpf");
    }
    const auto present = gate::list_interfaces();
    for (const std::string& name : gate.interfaces) {
        const auto found = std::find_if(present.begin(), present.end(), [&](const auto& one) {
            return one.name == name;
        });
        if (found == present.end()) {
            out.fault("gate", "there is no interface " + name, "mend gate.interfaces");
        } else if (!found->up) {
            out.note("gate", "interface " + name + " is down", "ip link set " + name + " up");
        } else {
            out.good(
                "gate", fmt::format("interface {} is up, driver {}", name, gate::driver_of(name))
            );
        }
    }
    if (gate.mode == "observe") {
        out.note(
            "gate",
            "gate.mode is observe: everything is counted, nothing is blocked",
            "\"enforce\" when you have seen what it would do"
        );
    }
}

}  // namespace sekisho::cli
