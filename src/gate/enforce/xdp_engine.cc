// The XDP engine: loads the program once, swaps policies by replacing the one inner map, stands
// on interfaces by XdpLinks.
#include "gate/enforce/xdp_engine.h"

#include "base/fd.h"
#include "base/ip.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "gate/bpf/layout.h"
#include "gate/enforce/engine.h"
#include "gate/enforce/handover.h"
#include "gate/enforce/image.h"
#include "gate/enforce/image_map.h"
#include "gate/enforce/slots.h"
#include "gate/enforce/tc_program.h"
#include "gate/enforce/xdp_links.h"
#include "gate/enforce/xdp_maps.h"
#include "gate/enforce/xdp_overrides.h"
#include "gate/render/nftables.h"
#include "policy/overlay.h"
#include "policy/policy.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <functional>
#include <gate_xdp.skel.h>
#include <linux/if_link.h>
#include <memory>
#include <mutex>
#include <net/if.h>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

namespace sekisho::gate {
namespace {

struct SkeletonClose {
    void operator()(gate_xdp* skeleton) const { gate_xdp__destroy(skeleton); }
};
struct RingClose {
    void operator()(ring_buffer* ring) const { ring_buffer__free(ring); }
};

__attribute__((format(printf, 2, 0))) int print_libbpf(
    enum libbpf_print_level level, const char* format, va_list arguments
) {
    if (level != LIBBPF_DEBUG) {
        std::array<char, 2048> text{};
        const int written = std::vsnprintf(text.data(), text.size(), format, arguments);
        std::string line(
            text.data(), std::min(text.size() - 1, static_cast<std::size_t>(std::max(written, 0)))
        );
        while (!line.empty() && line.back() == '\n') {
            line.pop_back();
        }
        log::debug("GATE_LIBBPF", line);
    }
    return 0;
}

class Loaded final : public XdpEngine {
  public:
    Loaded(XdpLinks links, std::unique_ptr<gate_xdp, SkeletonClose> skeleton)
        : skeleton_(std::move(skeleton)),
          slots_(GATE_SLOTS),
          client_slots_(GATE_CLIENT_SLOTS),
          overrides_(
              bpf_map__fd(skeleton_->maps.overrides), bpf_map__fd(skeleton_->maps.override_lengths)
          ),
          links_(std::move(links)) {}
    ~Loaded() override { leave(); }

    Status open_ring() {
        ring_.reset(
            ring_buffer__new(bpf_map__fd(skeleton_->maps.events), &Loaded::on_event, this, nullptr)
        );
        return ring_ ? Status{} : Status(fail(bpf_error("event ring of the XDP program", errno)));
    }

    void set_responder(const ResponderPorts& ports) override {
        const std::lock_guard lock(mutex_);
        handover_.set_responder(ports);
    }
    using Engine::apply;
    Status apply(
        std::shared_ptr<const policy::Policy> policy, const std::vector<policy::Override>& overrides
    ) override;
    Status set_overrides(const std::vector<policy::Override>& overrides) override;
    Result<std::vector<OverrideCount>> override_counts() override {
        const std::lock_guard lock(mutex_);
        return overrides_.counts();
    }
    std::vector<std::pair<std::string, Status>> attach(const std::vector<std::string>& interfaces
    ) override;
    Status detach() override {
        const std::lock_guard lock(mutex_);
        links_.detach();
        handover_.remove();
        interfaces_.clear();
        passes_.clear();
        return {};
    }
    void leave() override {
        const std::lock_guard lock(mutex_);
        links_.leave();
        if (!links_.pinned()) {
            handover_.remove();
        }
        passes_.clear();
    }
    Result<std::vector<RuleCounter>> counters() override;
    Result<std::vector<ClassCounter>> class_counters() override;
    std::vector<Named> statistics() override {
        return xdp_statistics(bpf_map__fd(skeleton_->maps.stats));
    }
    Description describe() override;
    void poll(Duration wait, const std::function<void(const Flow&)>& flow) override;
    [[nodiscard]] int program_fd() const override {
        return bpf_program__fd(skeleton_->progs.sekisho_gate);
    }
    Result<int> tc_program_fd() override {
        const std::lock_guard lock(mutex_);
        return tc_.load(skeleton_->obj);
    }
    Status attach_pass(const std::string& interface) override;
    Status allow_new_sources(std::uint32_t each) override {
        return xdp_allow_new_sources(bpf_map__fd(skeleton_->maps.new_sources), each);
    }

  private:
    static int on_event(void* self, void* data, std::size_t size);
    Status put_in_force(
        const std::shared_ptr<const policy::Policy>& policy,
        const std::vector<policy::Override>& overrides
    );
    // Why `answer` can't be; empty: it is in force, or no rule answers.
    [[nodiscard]] Result<std::string> hand_over(
        const std::shared_ptr<const policy::Policy>& policy,
        const std::vector<policy::Override>& overrides
    );
    void flush_held();

    const std::unique_ptr<gate_xdp, SkeletonClose> skeleton_;
    std::unique_ptr<ring_buffer, RingClose> ring_;
    const std::function<void(const Flow&)>* flow_ = nullptr;  // while poll() runs
    std::chrono::seconds flushed_{0};                         // by poll()

    std::mutex mutex_;  // all below
    TcProgram tc_;
    Slots slots_, client_slots_;
    std::shared_ptr<const policy::Policy> policy_;  // without its overrides
    std::vector<policy::Override> overridden_;
    std::vector<std::string> interfaces_;  // as attach() was given them
    Handover handover_;
    std::vector<std::uint16_t> slot_of_rule_, slot_of_class_;
    std::string no_answer_;  // why what answers is refused; empty: it is not
    std::vector<Downgrade> downgrades_;
    XdpOverrides overrides_;
    XdpLinks links_;
    std::vector<UniqueFd> passes_;
};

Status Loaded::apply(
    std::shared_ptr<const policy::Policy> policy, const std::vector<policy::Override>& overrides
) {
    const std::lock_guard lock(mutex_);
    return put_in_force(policy, overrides);
}

// What answers is led to the responder before the program passes it, and no longer than that.
Status Loaded::put_in_force(
    const std::shared_ptr<const policy::Policy>& policy,
    const std::vector<policy::Override>& overrides
) {
    if (Status checked = policy::check_overrides(*policy, overrides); !checked) {
        return checked;
    }
    std::vector<std::string> names;
    for (const policy::RuleSource& rule : policy->rules()) {
        names.push_back(rule.name);
    }
    std::vector<std::string> classes;
    for (const policy::Class& one : policy->classes()) {
        if (one.base == one.id) {  // its parts are counted as it
            classes.push_back(one.name);
        }
    }
    const auto assignment = slots_.assign(names);
    const auto clients = client_slots_.assign(classes);
    if (!assignment || !clients) {
        return fail(assignment ? clients.error() : assignment.error());
    }
    for (const auto& [map, fresh] :
         {std::pair{skeleton_->maps.counters, &assignment->fresh},
          std::pair{skeleton_->maps.clients, &clients->fresh}}) {
        if (Status zeroed = xdp_zero(bpf_map__fd(map), *fresh); !zeroed) {
            return zeroed;
        }
    }
    if (Status prepared = overrides_.prepare(overrides); !prepared) {
        return prepared;
    }
    const auto no_answer = hand_over(policy, overrides);
    if (!no_answer) {
        return fail(no_answer.error());
    }
    std::vector<std::uint16_t> slot_of_class;
    for (const policy::Class& one : policy->classes()) {
        const auto at = std::ranges::find(classes, policy->written(one.id).name);
        slot_of_class.push_back(clients->of_rule[static_cast<std::size_t>(at - classes.begin())]);
    }
    const Image image(
        *policy, assignment->of_rule, {overrides_.next_generation(), slot_of_class, *no_answer}
    );
    const auto created = make_image_map(image);
    const UniqueFd map(created.value_or(-1));
    const std::uint32_t key = 0;
    const int fd = map.get();
    // The swap. The kernel returns when no packet is judged by the old image any more.
    if (!created ||
        bpf_map_update_elem(bpf_map__fd(skeleton_->maps.policy_in_force), &key, &fd, BPF_ANY) !=
            0) {
        const Error why =
            created ? bpf_error("putting the policy in force", errno) : created.error();
        if (policy_) {
            (void)hand_over(policy_, overridden_);
        }
        return fail(why);
    }
    if (!answers(*policy) || !no_answer->empty()) {
        handover_.remove();
    }
    overrides_.commit();
    slots_.commit(names, *assignment);
    client_slots_.commit(classes, *clients);
    slot_of_rule_ = assignment->of_rule;
    slot_of_class_ = std::move(slot_of_class);
    no_answer_ = *no_answer;
    downgrades_ = image.downgrades();
    policy_ = policy;
    overridden_ = overrides;
    return {};
}

Result<std::string> Loaded::hand_over(
    const std::shared_ptr<const policy::Policy>& policy,
    const std::vector<policy::Override>& overrides
) {
    if (!answers(*policy)) {
        return std::string();
    }
    const auto laid = policy::with_overrides(policy, overrides);
    if (!laid) {
        return fail(laid.error());
    }
    return handover_.put(**laid, interfaces_);
}

Status Loaded::set_overrides(const std::vector<policy::Override>& overrides) {
    const std::lock_guard lock(mutex_);
    if (!policy_) {
        return fail(Errc::Conflict, "no policy is in force whose prefixes could be overridden");
    }
    if (Status checked = policy::check_overrides(*policy_, overrides); !checked) {
        return checked;
    }
    const auto no_answer = hand_over(policy_, overrides);
    if (!no_answer) {
        return fail(no_answer.error());
    }
    if (*no_answer != no_answer_) {  // whether it can be has changed with them
        return put_in_force(policy_, overrides);
    }
    Status changed = overrides_.change(overrides);
    if (changed) {
        overridden_ = overrides;
    } else {
        (void)hand_over(policy_, overridden_);
    }
    return changed;
}

std::vector<std::pair<std::string, Status>> Loaded::attach(
    const std::vector<std::string>& interfaces
) {
    const std::lock_guard lock(mutex_);
    interfaces_ = interfaces;
    if (policy_ && answers(*policy_)) {
        if (handover_.stale(interfaces)) {
            if (const Status put = put_in_force(policy_, overridden_); !put) {
                log::error(
                    "GATE_ANSWER_FAILED",
                    "the policy is not in force on changed interfaces",
                    {{"error", put.error().message}}
                );
            }
        } else {
            handover_.watch();
        }
    } else if (!interfaces.empty()) {
        handover_.remove_leftover();
    }
    return links_.attach({program_fd(), [this] { return tc_.load(skeleton_->obj); }}, interfaces);
}

Status Loaded::attach_pass(const std::string& interface) {
    const unsigned index = if_nametoindex(interface.c_str());
    bpf_link_create_opts options{};
    options.sz = sizeof(options);
    options.flags = XDP_FLAGS_DRV_MODE;
    const int fd = bpf_link_create(
        bpf_program__fd(skeleton_->progs.sekisho_pass), static_cast<int>(index), BPF_XDP, &options
    );
    if (index == 0 || fd < 0) {
        return fail(bpf_error("attaching the passing program to " + interface, errno));
    }
    const std::lock_guard lock(mutex_);
    passes_.emplace_back(fd);
    return {};
}

Result<std::vector<RuleCounter>> Loaded::counters() {
    const std::lock_guard lock(mutex_);
    std::vector<RuleCounter> out;
    const auto add = [&](RuleCounter counter, std::uint16_t slot) -> Status {
        const int map = bpf_map__fd(skeleton_->maps.counters);
        const auto to = xdp_tally(map, slot, GATE_TO_PORT25);
        const auto from = xdp_tally(map, slot, GATE_FROM_PORT25);
        if (!to || !from) {
            return fail(to ? from.error() : to.error());
        }
        counter.to = *to;
        counter.from = *from;
        out.push_back(std::move(counter));
        return {};
    };
    for (std::size_t i = 0; i < slot_of_rule_.size(); ++i) {
        const policy::RuleSource& rule = policy_->rules()[i];
        if (Status added = add({rule.name, rule.action, rule.stage, {}, {}}, slot_of_rule_[i]);
            !added) {
            return fail(added.error());
        }
    }
    if (Status added = add({}, 0); !added) {
        return fail(added.error());
    }
    return out;
}

Result<std::vector<ClassCounter>> Loaded::class_counters() {
    const std::lock_guard lock(mutex_);
    std::vector<ClassCounter> out;
    for (std::size_t i = 0; i < slot_of_class_.size(); ++i) {
        if (policy_->classes()[i].base != i) {
            continue;
        }
        const int map = bpf_map__fd(skeleton_->maps.clients);
        const auto to = xdp_tally(map, slot_of_class_[i], GATE_TO_PORT25);
        const auto from = xdp_tally(map, slot_of_class_[i], GATE_FROM_PORT25);
        if (!to || !from) {
            return fail(to ? from.error() : to.error());
        }
        out.push_back({policy_->classes()[i].name, *to, *from});
    }
    return out;
}

Description Loaded::describe() {
    const std::lock_guard lock(mutex_);
    Description out;
    out.engine = "xdp";
    out.policy_digest = policy_ ? policy_->digest() : "";
    out.attachments = links_.attachments();
    out.downgrades = downgrades_;
    out.limits = {
        "judges what comes in on the attached interfaces; what this machine itself sends on port "
        "25 "
        "is judged only when it arrives at another gate",
        "VLAN tags that the network card strips are not seen: ethtool -K IF rxvlan off where "
        "tagged "
        "traffic must be refused with a reset",
        "one tunnel of IP in IP and PPPoE sessions are looked into; a tunnel in a tunnel, GRE, "
        "L2TP "
        "and whatever is encrypted pass",
        "non-first fragments pass: they carry no port, and without their first fragment, which is "
        "judged, nothing reassembles",
    };
    if (links_.stands_in_tc()) {
        out.limits.emplace_back(
            "tc: segments that the kernel has merged (GRO) are judged and counted as one packet, "
            "and what another XDP program or filter takes first is not seen"
        );
    }
    out.when_killed =
        !links_.pinned() && links_.stands_in_tc()
            ? "tc: the policy stays in force on those interfaces until the gate runs again, or "
              "sekisho gate detach; on others the kernel detaches the program"
        : links_.pinned()
            ? "the policy stays in force (gate.pin) until the gate runs again, or sekisho gate "
              "detach; blocked flows are counted, not reported, meanwhile, and answer refuses"
            : "the kernel detaches the program: port 25 is open until the gate runs again, but for "
              "what rules answer, which is refused";
    return out;
}

int Loaded::on_event(void* self, void* data, std::size_t size) {
    auto* engine = static_cast<Loaded*>(self);
    if (size < sizeof(gate_event) || engine->flow_ == nullptr) {
        return 0;
    }
    gate_event event{};
    std::memcpy(&event, data, sizeof(event));
    Flow flow = xdp_flow(event);
    {
        const std::lock_guard lock(engine->mutex_);
        flow.rule = engine->slots_.rule(event.slot);
    }
    (*engine->flow_)(flow);
    return 0;
}

// What the program holds back of sources that fell silent comes into the ring.
void Loaded::flush_held() {
    const auto second = std::chrono::duration_cast<std::chrono::seconds>(
        std::chrono::steady_clock::now().time_since_epoch()
    );
    if (second == flushed_) {
        return;
    }
    flushed_ = second;
    bpf_test_run_opts options{};
    options.sz = sizeof(options);
    if (bpf_prog_test_run_opts(bpf_program__fd(skeleton_->progs.sekisho_flush), &options) != 0) {
        log::warning(
            "GATE_EVENTS_HELD",
            "packets held back by the XDP program can't be fetched",
            {{"error", bpf_error("flush", errno).message}}
        );
    }
}

void Loaded::poll(Duration wait, const std::function<void(const Flow&)>& flow) {
    flush_held();
    flow_ = &flow;
    (void)ring_buffer__poll(ring_.get(), static_cast<int>(wait.count()));
    flow_ = nullptr;
}

}  // namespace

Result<std::unique_ptr<XdpEngine>> XdpEngine::load(XdpMode mode, std::string pin) {
    libbpf_set_print(print_libbpf);
    std::unique_ptr<gate_xdp, SkeletonClose> skeleton(gate_xdp__open());
    if (!skeleton) {
        return fail(bpf_error("opening the XDP program", errno));
    }
    const int loaded = gate_xdp__load(skeleton.get());
    if (loaded != 0) {
        return fail(bpf_error("loading the XDP program", -loaded));
    }
    auto engine = std::make_unique<Loaded>(XdpLinks(mode, std::move(pin)), std::move(skeleton));
    // Shared by the processors, and by eight seconds: a flood takes that long to push out what it
    // finds.
    const auto cpus = static_cast<std::uint32_t>(std::max(libbpf_num_possible_cpus(), 1));
    const std::uint32_t each = std::max(GATE_SOURCES / 8 / cpus, GATE_NEW_SOURCES_MIN);
    if (Status allowed = engine->allow_new_sources(each); !allowed) {
        return fail(allowed.error());
    }
    if (Status ring = engine->open_ring(); !ring) {
        return fail(ring.error());
    }
    return engine;
}

Result<std::unique_ptr<Engine>> make_xdp_engine(XdpMode mode, std::string pin) {
    auto engine = XdpEngine::load(mode, std::move(pin));
    if (!engine) {
        return fail(engine.error());
    }
    return std::unique_ptr<Engine>(std::move(*engine));
}

}  // namespace sekisho::gate
