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
#include "gate/enforce/image.h"
#include "gate/enforce/image_map.h"
#include "gate/enforce/slots.h"
#include "gate/enforce/xdp_links.h"
#include "gate/enforce/xdp_overrides.h"
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
#include <gate_tc.skel.h>
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

constexpr std::array<const char*, GATE_STATS> kStatNames{
    "fragments_passed",
    "unreadable_passed",
    "resets_sent",
    "refused_unanswered",
    "events",
    "packets_in_later_events",
    "event_ring_full",
    "events_lost",
    "over_limit",
    "no_policy_passed",
};

struct SkeletonClose {
    void operator()(gate_xdp* skeleton) const { gate_xdp__destroy(skeleton); }
};
struct TcSkeletonClose {
    void operator()(gate_tc* skeleton) const { gate_tc__destroy(skeleton); }
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

Time wall_time(std::uint64_t monotonic_ns) {
    timespec mono{};
    clock_gettime(CLOCK_MONOTONIC, &mono);
    const auto current = std::int64_t{mono.tv_sec} * 1'000'000'000 + mono.tv_nsec;
    const std::int64_t age = current - static_cast<std::int64_t>(monotonic_ns);
    return now() - std::chrono::duration_cast<Duration>(std::chrono::nanoseconds(age));
}

IpAddress to_ip(const gate_address& from, bool v4) {
    std::array<std::uint8_t, 16> bytes{};
    std::copy(std::begin(from.bytes), std::end(from.bytes), bytes.begin());
    if (!v4) {
        return IpAddress::v6(bytes);
    }
    const auto word = [&bytes](std::size_t i) { return std::uint32_t{bytes[i]}; };
    return IpAddress::v4((word(0) << 24U) | (word(1) << 16U) | (word(2) << 8U) | word(3));
}

class Loaded final : public XdpEngine {
  public:
    Loaded(XdpLinks links, std::unique_ptr<gate_xdp, SkeletonClose> skeleton)
        : skeleton_(std::move(skeleton)),
          slots_(GATE_SLOTS),
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

    using Engine::apply;
    Status apply(
        std::shared_ptr<const policy::Policy> policy, const std::vector<policy::Override>& overrides
    ) override;
    Status set_overrides(const std::vector<policy::Override>& overrides) override {
        const std::lock_guard lock(mutex_);
        if (!policy_) {
            return fail(Errc::Conflict, "no policy is in force whose prefixes could be overridden");
        }
        const Status checked = policy::check_overrides(*policy_, overrides);
        return checked ? overrides_.change(overrides) : checked;
    }
    Result<std::vector<OverrideCount>> override_counts() override {
        const std::lock_guard lock(mutex_);
        return overrides_.counts();
    }
    std::vector<std::pair<std::string, Status>> attach(const std::vector<std::string>& interfaces
    ) override;
    Status detach() override {
        const std::lock_guard lock(mutex_);
        links_.detach();
        passes_.clear();
        return {};
    }
    void leave() override {
        const std::lock_guard lock(mutex_);
        links_.leave();
        passes_.clear();
    }
    Result<std::vector<RuleCounter>> counters() override;
    std::vector<Named> statistics() override;
    Description describe() override;
    void poll(Duration wait, const std::function<void(const Flow&)>& flow) override;
    [[nodiscard]] int program_fd() const override {
        return bpf_program__fd(skeleton_->progs.sekisho_gate);
    }
    Result<int> tc_program_fd() override {
        const std::lock_guard lock(mutex_);
        return load_tc();
    }
    Status attach_pass(const std::string& interface) override;
    Status allow_new_sources(std::uint32_t each) override;

  private:
    static int on_event(void* self, void* data, std::size_t size);
    [[nodiscard]] Result<Tally> tally(std::uint16_t slot, gate_direction direction) const;
    Status zero_counters(const std::vector<std::uint16_t>& slots) const;
    void flush_held();
    Result<int> load_tc();  // with mutex_

    const std::unique_ptr<gate_xdp, SkeletonClose> skeleton_;
    std::unique_ptr<ring_buffer, RingClose> ring_;
    const std::function<void(const Flow&)>* flow_ = nullptr;  // while poll() runs
    std::chrono::seconds flushed_{0};                         // by poll()

    std::mutex mutex_;                              // all below
    std::unique_ptr<gate_tc, TcSkeletonClose> tc_;  // when it is first needed
    Slots slots_;
    std::shared_ptr<const policy::Policy> policy_;
    std::vector<std::uint16_t> slot_of_rule_;
    std::vector<Downgrade> downgrades_;
    XdpOverrides overrides_;
    XdpLinks links_;
    std::vector<UniqueFd> passes_;
};

Status Loaded::zero_counters(const std::vector<std::uint16_t>& slots) const {
    const int cpus = libbpf_num_possible_cpus();
    if (cpus <= 0) {
        return fail(Errc::Unavailable, "the number of processors is not known");
    }
    const std::vector<gate_count> zero(static_cast<std::size_t>(cpus));
    for (const std::uint16_t slot : slots) {
        for (std::uint32_t direction = 0; direction < 2; ++direction) {
            const std::uint32_t key = std::uint32_t{slot} * 2 + direction;
            if (bpf_map_update_elem(
                    bpf_map__fd(skeleton_->maps.counters), &key, zero.data(), BPF_ANY
                ) != 0) {
                return fail(bpf_error("counters of the XDP program", errno));
            }
        }
    }
    return {};
}

Status Loaded::apply(
    std::shared_ptr<const policy::Policy> policy, const std::vector<policy::Override>& overrides
) {
    const std::lock_guard lock(mutex_);
    if (Status checked = policy::check_overrides(*policy, overrides); !checked) {
        return checked;
    }
    std::vector<std::string> names;
    for (const policy::RuleSource& rule : policy->rules()) {
        names.push_back(rule.name);
    }
    const auto assignment = slots_.assign(names);
    if (!assignment) {
        return fail(assignment.error());
    }
    if (Status zeroed = zero_counters(assignment->fresh); !zeroed) {
        return zeroed;
    }
    if (Status prepared = overrides_.prepare(overrides); !prepared) {
        return prepared;
    }
    const Image image(*policy, assignment->of_rule, overrides_.next_generation());
    const auto created = make_image_map(image);
    if (!created) {
        return fail(created.error());
    }
    const UniqueFd map(*created);
    const std::uint32_t key = 0;
    const int fd = map.get();
    // The swap. The kernel returns when no packet is judged by the old image any more.
    if (bpf_map_update_elem(bpf_map__fd(skeleton_->maps.policy_in_force), &key, &fd, BPF_ANY) !=
        0) {
        return fail(bpf_error("putting the policy in force", errno));
    }
    overrides_.commit();
    slots_.commit(names, *assignment);
    slot_of_rule_ = assignment->of_rule;
    downgrades_ = image.downgrades();
    policy_ = std::move(policy);
    return {};
}

std::vector<std::pair<std::string, Status>> Loaded::attach(
    const std::vector<std::string>& interfaces
) {
    const std::lock_guard lock(mutex_);
    return links_.attach({program_fd(), [this] { return load_tc(); }}, interfaces);
}

// With the maps of the XDP program: one policy, one set of counters, wherever a packet comes in.
Result<int> Loaded::load_tc() {
    if (tc_) {
        return bpf_program__fd(tc_->progs.sekisho_gate_tc);
    }
    std::unique_ptr<gate_tc, TcSkeletonClose> opened(gate_tc__open());
    if (!opened) {
        return fail(bpf_error("opening the program for traffic control", errno));
    }
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, opened->obj) {
        const int shared = bpf_object__find_map_fd_by_name(skeleton_->obj, bpf_map__name(map));
        if (const int error = shared < 0 ? -shared : -bpf_map__reuse_fd(map, shared); error != 0) {
            return fail(bpf_error(std::string("sharing the map ") + bpf_map__name(map), error));
        }
    }
    if (const int error = -gate_tc__load(opened.get()); error != 0) {
        return fail(bpf_error("loading the program for traffic control", error));
    }
    tc_ = std::move(opened);
    return bpf_program__fd(tc_->progs.sekisho_gate_tc);
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

Status Loaded::allow_new_sources(std::uint32_t each) {
    const std::vector<gate_new_sources> all(
        static_cast<std::size_t>(std::max(libbpf_num_possible_cpus(), 1)), {0, 0, each}
    );
    const std::uint32_t key = 0;
    if (bpf_map_update_elem(bpf_map__fd(skeleton_->maps.new_sources), &key, all.data(), BPF_ANY) !=
        0) {
        return fail(bpf_error("sources of the XDP program", errno));
    }
    return {};
}

Result<Tally> Loaded::tally(std::uint16_t slot, gate_direction direction) const {
    const int cpus = std::max(libbpf_num_possible_cpus(), 1);
    std::vector<gate_count> each(static_cast<std::size_t>(cpus));
    const std::uint32_t key = std::uint32_t{slot} * 2 + static_cast<std::uint32_t>(direction);
    if (bpf_map_lookup_elem(bpf_map__fd(skeleton_->maps.counters), &key, each.data()) != 0) {
        return fail(bpf_error("counters of the XDP program", errno));
    }
    Tally sum;
    for (const gate_count& one : each) {
        sum = sum + Tally{one.packets, one.bytes};
    }
    return sum;
}

Result<std::vector<RuleCounter>> Loaded::counters() {
    const std::lock_guard lock(mutex_);
    std::vector<RuleCounter> out;
    const auto add = [&](RuleCounter counter, std::uint16_t slot) -> Status {
        const auto to = tally(slot, GATE_TO_PORT25);
        const auto from = tally(slot, GATE_FROM_PORT25);
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

std::vector<Named> Loaded::statistics() {
    const int cpus = std::max(libbpf_num_possible_cpus(), 1);
    std::vector<Named> out;
    for (std::uint32_t key = 0; key < GATE_STATS; ++key) {
        std::vector<std::uint64_t> each(static_cast<std::size_t>(cpus));
        if (bpf_map_lookup_elem(bpf_map__fd(skeleton_->maps.stats), &key, each.data()) == 0) {
            std::uint64_t sum = 0;
            for (const std::uint64_t one : each) {
                sum += one;
            }
            out.push_back({kStatNames.at(key), sum});
        }
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
              "detach; blocked flows are counted, not reported, meanwhile"
            : "the kernel detaches the program: port 25 is open until the gate runs again";
    return out;
}

int Loaded::on_event(void* self, void* data, std::size_t size) {
    auto* engine = static_cast<Loaded*>(self);
    if (size < sizeof(gate_event) || engine->flow_ == nullptr) {
        return 0;
    }
    gate_event event{};
    std::memcpy(&event, data, sizeof(event));
    Flow flow;
    flow.at = wall_time(event.at_ns);
    flow.since = event.first_ns == event.at_ns ? flow.at : wall_time(event.first_ns);
    flow.direction = event.direction == GATE_TO_PORT25 ? policy::Direction::ToPort25
                                                       : policy::Direction::FromPort25;
    const bool to = event.direction == GATE_TO_PORT25;
    const bool v4 = event.v4 != 0;
    flow.client = to_ip(to ? event.source : event.destination, v4);
    flow.server = to_ip(to ? event.destination : event.source, v4);
    flow.client_port = to ? event.source_port : event.destination_port;
    flow.blocked = event.action != GATE_ACTION_PASS;
    flow.count = event.count;
    flow.interface_index = event.ifindex;
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
    // What sources can be remembered at once is shared by the processors.
    const auto cpus = static_cast<std::uint32_t>(std::max(libbpf_num_possible_cpus(), 1));
    const std::uint32_t each = std::max(GATE_SOURCES / cpus, GATE_NEW_SOURCES_MIN);
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
