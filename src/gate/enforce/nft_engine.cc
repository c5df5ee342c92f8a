// The nftables engine: the rendered table, replaced as a whole in one transaction of `nft -f -`.
// For small sets of prefixes; where the XDP program can't be loaded.
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "gate/enforce/command.h"
#include "gate/enforce/engine.h"
#include "gate/enforce/handover.h"
#include "gate/enforce/nft.h"
#include "gate/render/nftables.h"
#include "policy/overlay.h"
#include "policy/policy.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <net/if.h>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace sekisho::gate {
namespace {

constexpr std::size_t kComfortablePrefixes = 50'000;

// Counter name -> value; empty when our table isn't there.
Result<std::map<std::string, Tally>> read_counters() {
    const auto said =
        run_command("nft", {"-j", "list", "counters", "table", "inet", kNftTable}, "");
    if (!said) {
        return fail(said.error());
    }
    std::map<std::string, Tally> out;
    if (said->status != 0) {
        if (said->err.find("No such file") != std::string::npos) {
            return out;
        }
        return fail(nft_error(*said));
    }
    const auto parsed = nlohmann::json::parse(said->out, nullptr, false);
    if (!parsed.is_object() || !parsed.contains("nftables")) {
        return fail(Errc::Corrupt, "nft: its list of counters is not the JSON expected");
    }
    for (const auto& entry : parsed["nftables"]) {
        if (entry.contains("counter")) {
            const auto& counter = entry["counter"];
            out[counter.value("name", "")] = {
                counter.value("packets", std::uint64_t{0}), counter.value("bytes", std::uint64_t{0})
            };
        }
    }
    return out;
}

class NftEngine final : public Engine {
  public:
    explicit NftEngine(bool keep) : keep_(keep) {}
    ~NftEngine() override { leave(); }

    void set_responder(const ResponderPorts& ports) override {
        const std::lock_guard lock(mutex_);
        ports_ = ports;
    }

    using Engine::apply;
    Status apply(
        std::shared_ptr<const policy::Policy> policy, const std::vector<policy::Override>& overrides
    ) override {
        const std::lock_guard lock(mutex_);
        return load_with(std::move(policy), overrides);
    }

    Status set_overrides(const std::vector<policy::Override>& overrides) override {
        const std::lock_guard lock(mutex_);
        if (!base_) {
            return fail(Errc::Conflict, "no policy is in force whose prefixes could be overridden");
        }
        return load_with(base_, overrides);
    }

    Result<std::vector<OverrideCount>> override_counts() override {
        return std::vector<OverrideCount>{};
    }

    std::vector<std::pair<std::string, Status>> attach(const std::vector<std::string>& interfaces
    ) override {
        const std::lock_guard lock(mutex_);
        std::vector<std::pair<std::string, Status>> out;
        std::vector<std::string> present;
        for (const std::string& name : interfaces) {
            if (if_nametoindex(name.c_str()) == 0) {
                out.emplace_back(name, fail(Errc::NotFound, "there is no interface " + name));
            } else {
                present.push_back(name);
                out.emplace_back(name, Status{});
            }
        }
        if (present != interfaces_ || present.empty()) {
            Status loaded = present.empty() ? unload() : load(policy_, present);
            if (!loaded) {
                for (auto& [name, status] : out) {
                    status = status ? fail(loaded.error()) : status;
                }
            }
        }
        return out;
    }

    Status detach() override {
        const std::lock_guard lock(mutex_);
        return unload();
    }

    void leave() override {
        if (keep_) {
            return;
        }
        if (const Status removed = detach(); !removed) {
            log::error(
                "GATE_DETACH_FAILED",
                "the rules are still in force",
                {{"error", removed.error().message}}
            );
        }
    }

    Result<std::vector<RuleCounter>> counters() override {
        const std::lock_guard lock(mutex_);
        const auto read = read_counters();
        if (!read) {
            return fail(read.error());
        }
        std::vector<RuleCounter> out;
        const auto add = [&](RuleCounter counter) {
            const std::string to = nft_counter(counter.rule, policy::Direction::ToPort25);
            const std::string from = nft_counter(counter.rule, policy::Direction::FromPort25);
            counter.to = earlier(to) + value(*read, to);
            counter.from = earlier(from) + value(*read, from);
            out.push_back(std::move(counter));
        };
        if (policy_) {
            for (const policy::RuleSource& rule : policy_->rules()) {
                add({rule.name, rule.action, rule.stage, {}, {}});
            }
        }
        add({});
        return out;
    }

    Result<std::vector<ClassCounter>> class_counters() override {
        const std::lock_guard lock(mutex_);
        const auto read = read_counters();
        if (!read) {
            return fail(read.error());
        }
        std::vector<ClassCounter> out;
        if (policy_) {
            for (const policy::Class& one : policy_->classes()) {
                if (one.base != one.id) {
                    continue;  // a part, counted as the class that it is of
                }
                const auto sum = [&](policy::Direction direction) {
                    const std::string name = nft_client_counter(one.name, direction);
                    return earlier(name) + value(*read, name);
                };
                out.push_back(
                    {one.name, sum(policy::Direction::ToPort25), sum(policy::Direction::FromPort25)}
                );
            }
        }
        return out;
    }

    std::vector<Named> statistics() override { return {}; }

    Description describe() override {
        const std::lock_guard lock(mutex_);
        Description out;
        out.engine = "nftables";
        out.policy_digest = policy_ ? policy_->digest() : "";
        for (const std::string& name : interfaces_) {
            out.attachments.push_back({name, "hook", "input, forward and output"});
        }
        out.downgrades = downgrades_;
        out.limits = {
            "PPPoE and tunnels are judged where they end on this machine, not where they pass "
            "through",
            "no events: blocked packets are counted by rule, not by line",
            "the connections of exempted prefixes are not counted",
            "a swap of policies, and each changed exemption is one, loses the packets counted "
            "while "
            "it happens, and what sources used of their rates",
            "non-first fragments pass: they carry no port, and without their first fragment, which "
            "is judged, nothing reassembles",
        };
        if (policy_ && policy_->prefixes().size() > kComfortablePrefixes) {
            out.limits.push_back(
                std::to_string(policy_->prefixes().size()) +
                " prefixes are too many for nftables to load and change quickly: use the XDP engine"
            );
        }
        out.when_killed =
            "the rules stay in force until the gate runs again, or sekisho gate detach; answer "
            "refuses meanwhile";
        return out;
    }

    void poll(Duration wait, const std::function<void(const Flow&)>& /*flow*/) override {
        std::this_thread::sleep_for(wait);
    }

  private:
    static Tally value(const std::map<std::string, Tally>& from, const std::string& name) {
        const auto found = from.find(name);
        return found == from.end() ? Tally{} : found->second;
    }
    [[nodiscard]] Tally earlier(const std::string& name) const { return value(earlier_, name); }

    // A policy of nftables is small: another exemption replaces all of it, in one transaction.
    Status load_with(
        std::shared_ptr<const policy::Policy> base, const std::vector<policy::Override>& overrides
    ) {
        auto policy = policy::with_overrides(base, overrides);
        if (!policy) {
            return fail(policy.error());
        }
        Status loaded = load(std::move(*policy), interfaces_);
        if (loaded) {
            base_ = std::move(base);
        }
        return loaded;
    }

    Status load(
        std::shared_ptr<const policy::Policy> policy, const std::vector<std::string>& interfaces
    ) {
        if (!policy) {
            interfaces_ = interfaces;
            return {};
        }
        NftOptions options;
        options.interfaces = interfaces;
        // Before the table: what is marked and not led here would be dropped.
        const bool answering = answers(*policy) && ports_.v4 != 0;
        if (answering) {
            const Status routed = interfaces.empty() ? Status{} : add_answer_routes(ports_.v6 != 0);
            if (routed) {
                options.handover = {ports_.v4, ports_.v6, kAnswerMark};
            } else {
                options.no_handover =
                    "packets can't be led to the responder: " + routed.error().message;
            }
        }
        const NftRendering rendered = render_nftables(*policy, options);
        if (interfaces.empty()) {  // nothing to be in force on: only whether nft would take it
            if (Status checked = run_nft({"-c", "-f", "-"}, rendered.text); !checked) {
                return checked;
            }
        } else {
            auto before = read_counters();
            if (!before) {
                return fail(before.error());
            }
            if (Status loaded = run_nft({"-f", "-"}, rendered.text); !loaded) {
                if (options.handover && !routed_) {
                    remove_answer_routes();
                }
                return loaded;
            }
            keep(*before);
            if (!options.handover && routed_) {
                remove_answer_routes();
            }
            routed_ = options.handover.has_value();
        }
        policy_ = std::move(policy);
        interfaces_ = interfaces;
        downgrades_.clear();
        for (const auto& one : rendered.downgrades) {
            downgrades_.push_back({one.rule, one.declared, one.used, one.reason});
        }
        return {};
    }

    Status unload() {
        if (interfaces_.empty()) {
            return {};
        }
        const auto before = read_counters();
        if (Status removed = run_nft({"-f", "-"}, render_nftables_removal()); !removed) {
            return removed;
        }
        if (before) {
            keep(*before);
        }
        if (routed_) {
            remove_answer_routes();
            routed_ = false;
        }
        interfaces_.clear();
        return {};
    }

    // The kernel's counters go with the table; what they had is carried on here. A table that a
    // gate before us left is not ours to count.
    void keep(const std::map<std::string, Tally>& before) {
        if (!interfaces_.empty()) {
            for (const auto& [name, tally] : before) {
                earlier_[name] = earlier(name) + tally;
            }
        }
    }

    const bool keep_;
    std::mutex mutex_;
    std::shared_ptr<const policy::Policy> policy_;  // with its overrides
    std::shared_ptr<const policy::Policy> base_;    // without
    std::vector<std::string> interfaces_;           // empty: no table of ours in the kernel
    ResponderPorts ports_;
    bool routed_ = false;  // packets with the mark of `answer` are led to this machine
    std::vector<Downgrade> downgrades_;
    std::map<std::string, Tally> earlier_;
};

}  // namespace

Result<std::unique_ptr<Engine>> make_nft_engine(bool keep) {
    if (Status able = run_nft({"list", "tables"}, ""); !able) {
        return fail(able.error());
    }
    return std::make_unique<NftEngine>(keep);
}

Result<bool> remove_nft_table() {
    remove_answer_routes();
    const auto said = run_command("nft", {"list", "table", "inet", kNftTable}, "");
    if (!said) {
        return fail(said.error());
    }
    if (said->status != 0) {
        if (said->err.find("No such file") != std::string::npos) {
            return false;
        }
        return fail(nft_error(*said));
    }
    if (Status removed = run_nft({"-f", "-"}, render_nftables_removal()); !removed) {
        return fail(removed.error());
    }
    return true;
}

}  // namespace sekisho::gate
