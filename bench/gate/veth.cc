#include "bench/gate/veth.h"

#include "base/fd.h"
#include "bench/gate/traffic.h"
#include "gate/bpf/layout.h"
#include "gate/enforce/command.h"
#include "gate/enforce/engine.h"
#include "gate/enforce/xdp_engine.h"
#include "policy/policy.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <fstream>
#include <functional>
#include <gate_veth.skel.h>
#include <iterator>
#include <linux/bpf.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/sockios.h>
#include <map>
#include <memory>
#include <net/if.h>
#include <sched.h>
#include <sstream>
#include <string>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace sekisho::gate {
namespace {

constexpr std::size_t kNftPrefixesMax = 100'000;  // beyond, loading the sets takes minutes
constexpr double kRunMs = 1000;
constexpr int kBatch = 64;                  // packets
constexpr std::size_t kWindow = 2048;       // as veth.bpf.c has it
constexpr std::uint64_t kRun = 64 * 16384;  // packets at most

struct Bpf {
    void operator()(gate_veth* skeleton) const { gate_veth__destroy(skeleton); }
};
using Programs = std::unique_ptr<gate_veth, Bpf>;

bool run(const std::string& program, const std::string& words) {
    std::istringstream in(words);
    const std::vector<std::string> arguments{std::istream_iterator<std::string>(in), {}};
    const auto said = run_command(program, arguments, "");
    return said && said->status == 0;
}
void must(const std::string& program, const std::string& words) {
    if (!run(program, words)) {
        give_up(program + " " + words + " failed");
    }
}

void turn_gro_on(const std::string& interface) {
    ethtool_value on{ETHTOOL_SGRO, 1};
    ifreq about{};
    interface.copy(std::begin(about.ifr_name), sizeof(about.ifr_name) - 1);
    about.ifr_data = reinterpret_cast<char*>(&on);
    const UniqueFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (ioctl(fd.get(), SIOCETHTOOL, &about) != 0) {
        give_up("turning GRO on for " + interface);
    }
}

// gen0 in one namespace, gate0 in the other, which forwards to an interface that drops.
class Pair {
  public:
    Pair()
        : generator_(fmt::format("bench-g-{}", getpid())),
          router_(fmt::format("bench-r-{}", getpid())) {
        must("ip", "netns add " + generator_);
        must("ip", "netns add " + router_);
        must(
            "ip", "-n " + generator_ + " link add gen0 type veth peer name gate0 netns " + router_
        );
        must("ip", "-n " + generator_ + " link set gen0 up");
        must("ip", "-n " + router_ + " link set gate0 address 02:00:00:00:00:02");
        must("ip", "-n " + router_ + " link set gate0 up");
        if (!run("ip", "-n " + router_ + " link add sink0 type dummy")) {
            must("ip", "-n " + router_ + " link add sink0 type ifb");
        }
        must("ip", "-n " + router_ + " link set sink0 up");
        must("ip", "-n " + router_ + " route add default dev sink0");
        must("ip", "-n " + router_ + " -6 route add default dev sink0");
        in_router([] {
            // NAPI also where no XDP program is: without it veth takes no frames of XDP.
            turn_gro_on("gate0");
            for (const char* path :
                 {"/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv6/conf/all/forwarding"}) {
                std::ofstream(path) << "1";
            }
        });
    }
    ~Pair() {
        static_cast<void>(run("ip", "netns del " + generator_));
        static_cast<void>(run("ip", "netns del " + router_));
    }
    Pair(const Pair&) = delete;
    Pair& operator=(const Pair&) = delete;
    void in_generator(const std::function<void()>& work) const { in(generator_, work); }
    void in_router(const std::function<void()>& work) const { in(router_, work); }

  private:
    static void in(const std::string& name, const std::function<void()>& work) {
        std::thread thread([&] {
            const UniqueFd fd(open(("/var/run/netns/" + name).c_str(), O_RDONLY | O_CLOEXEC));
            if (!fd.valid() || setns(fd.get(), CLONE_NEWNET) != 0) {
                give_up("entering the namespace " + name);
            }
            work();
        });
        thread.join();
    }

    std::string generator_, router_;
};

// Sent and taken by the other end: what the ring of the pair had no room for is not among them.
std::uint64_t taken_from(const std::string& interface) {
    std::ifstream in("/proc/thread-self/net/dev");
    std::string line;
    while (std::getline(in, line)) {
        const std::size_t colon = line.find(':');
        std::istringstream name(line.substr(0, colon));
        std::string word;
        if (colon == std::string::npos || !(name >> word) || word != interface) {
            continue;
        }
        std::istringstream fields(line.substr(colon + 1));
        std::uint64_t value = 0;
        for (int i = 0; i < 10; ++i) {
            fields >> value;
        }
        return value;
    }
    give_up("no statistics of " + interface);
}

// ns a packet: the median of the windows that a run has, for what else runs on the machine
// interrupts some of them. Packets that the pair had no room for are not counted.
double measure(const Pair& pair, const Programs& programs, bool v4, std::uint16_t port) {
    double median = 0;
    double share = 0;
    pair.in_generator([&] {
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(0, &one);
        static_cast<void>(sched_setaffinity(0, sizeof(one), &one));
        Frame frame = make_frame(v4, port);
        frame[0] = frame[5] = frame[6] = 2;
        frame[11] = 1;
        auto& shared = *programs->bss;
        std::copy(frame.begin(), frame.end(), std::begin(shared.frame));
        shared.out_interface = if_nametoindex("gen0");
        bpf_test_run_opts options{};
        options.sz = sizeof(options);
        options.data_in = frame.data();
        options.data_size_in = static_cast<std::uint32_t>(frame.size());
        options.batch_size = kBatch;
        options.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
        std::vector<double> windows;
        std::uint64_t sent = 0;
        const std::uint64_t before = taken_from("gen0");
        const Clock::time_point start = Clock::now();
        // A short run first tells how long one of a third of the time is.
        for (std::uint64_t repeat = 64 * 256; ms_since(start) < kRunMs;) {
            shared.sent = 0;
            options.repeat = static_cast<int>(repeat);
            if (bpf_prog_test_run_opts(bpf_program__fd(programs->progs.generate), &options) != 0) {
                give_up("the generator does not run: live frames need Linux 5.18");
            }
            sent += shared.sent;
            const std::size_t marks =
                std::min<std::size_t>((shared.sent - 1) / kWindow + 1, std::size(shared.marks));
            for (std::size_t i = 1; i < marks; ++i) {
                windows.push_back(
                    static_cast<double>(shared.marks[i] - shared.marks[i - 1]) / kWindow
                );
            }
            std::sort(windows.begin(), windows.end());
            median = windows.at(windows.size() / 2);
            const auto third = static_cast<std::uint64_t>(kRunMs * 1e6 / 3 / median);
            repeat = std::clamp<std::uint64_t>(third, 64 * 256, kRun);
        }
        share = static_cast<double>(taken_from("gen0") - before) / static_cast<double>(sent);
    });
    if (share < 0.5) {
        give_up("most packets are lost between the namespaces");
    }
    return median / std::min(share, 1.0);
}

// A program on an interface while the object lives.
class Attached {
  public:
    Attached(const bpf_program* program, const char* interface) {
        bpf_link_create_opts options{};
        options.sz = sizeof(options);
        options.flags = XDP_FLAGS_DRV_MODE;
        fd_ = UniqueFd(bpf_link_create(
            bpf_program__fd(program), static_cast<int>(if_nametoindex(interface)), BPF_XDP, &options
        ));
        if (!fd_.valid()) {
            give_up(std::string("no native XDP on ") + interface);
        }
    }

  private:
    UniqueFd fd_;
};

enum Traffic { kDropped, kPassed, kOther };
constexpr std::array<std::pair<Traffic, const char*>, 3> kTraffic{
    {{kDropped, "port 25 dropped"}, {kPassed, "port 25 passed"}, {kOther, "port 443"}}
};
using Figures = std::map<std::pair<Traffic, bool>, double>;  // bool: IPv4

void measure_action(
    const Pair& pair, const Programs& programs, policy::Action action, Figures& out
) {
    for (const bool v4 : {true, false}) {
        if (action == policy::Action::Drop) {
            out[{kDropped, v4}] = measure(pair, programs, v4, 25);
        } else {
            out[{kPassed, v4}] = measure(pair, programs, v4, 25);
            out[{kOther, v4}] = measure(pair, programs, v4, 443);
        }
    }
}

struct Policies {
    std::shared_ptr<const policy::Policy> drop, pass;
};

Figures measure_engine(
    const Pair& pair,
    const Programs& programs,
    const std::function<Result<std::unique_ptr<Engine>>()>& make,
    const Policies& policies
) {
    Figures out;
    pair.in_router([&] {
        auto engine = make();
        if (!engine) {
            give_up(engine.error().message);
        }
        for (const auto& policy : {policies.drop, policies.pass}) {
            if (const Status applied = (*engine)->apply(policy); !applied) {
                give_up(applied.error().message);
            }
            for (const auto& [name, attached] : (*engine)->attach({"gate0"})) {
                if (!attached) {
                    give_up(name + ": " + attached.error().message);
                }
            }
            measure_action(
                pair,
                programs,
                policy == policies.drop ? policy::Action::Drop : policy::Action::Count,
                out
            );
        }
    });
    return out;
}

Figures measure_tries(const Pair& pair, const Programs& programs, const Policies& policies) {
    Figures out;
    const Tries tries{
        bpf_map__fd(programs->maps.trie_v4),
        bpf_map__fd(programs->maps.trie_v6),
        bpf_map__fd(programs->maps.trie_cells)
    };
    pair.in_router([&] {
        const Attached attached(programs->progs.gate_by_trie, "gate0");
        fill_tries(tries, *policies.drop, GATE_ACTION_DROP);
        measure_action(pair, programs, policy::Action::Drop, out);
        fill_tries(tries, *policies.pass, GATE_ACTION_PASS);
        measure_action(pair, programs, policy::Action::Count, out);
    });
    return out;
}

// What the packet costs beyond the generator and the pair (dropped), or beyond a router without any
// of this (passed).
void row(
    const std::string& what, const Figures& figures, const Figures& least, const Figures& router
) {
    for (const bool v4 : {true, false}) {
        fmt::print("  {:<24} {}", v4 ? what : "", v4 ? "IPv4" : "IPv6");
        for (const auto& [traffic, name] : kTraffic) {
            const auto found = figures.find({traffic, v4});
            if (found == figures.end()) {
                fmt::print(" {:>8}        ", "-");
                continue;
            }
            const double base = (traffic == kDropped ? least : router).at({traffic, v4});
            fmt::print(" {:>8.0f} {:>+7.0f}", found->second, found->second - base);
        }
        fmt::print("\n");
    }
}

void run_sizes(
    const Pair& pair, const Programs& programs, const Figures& least, const Figures& router
) {
    for (const std::size_t prefixes : {10U, 100'000U, 1'000'000U}) {
        const auto drop = policy::Policy::compile(make_source(prefixes, policy::Action::Drop));
        const auto pass = policy::Policy::compile(make_source(prefixes, policy::Action::Count));
        if (!drop || !pass) {
            give_up("the policy does not compile");
        }
        const Policies policies{*drop, *pass};
        fmt::print("  {} prefixes\n", prefixes);
        row("gate, XDP native",
            measure_engine(
                pair, programs, [] { return make_xdp_engine(XdpMode::Native); }, policies
            ),
            least,
            router);
        row("gate, traffic control",
            measure_engine(
                pair, programs, [] { return make_xdp_engine(XdpMode::Tc); }, policies
            ),
            least,
            router);
        // A fresh object: filling its tries anew would keep what was in them.
        const Programs fresh(gate_veth__open_and_load());
        if (!fresh) {
            give_up("the BPF programs could not be loaded");
        }
        row("LPM tries, XDP native", measure_tries(pair, fresh, policies), least, router);
        if (prefixes > kNftPrefixesMax) {
            fmt::print("  nftables                 left out: its sets take too long to load\n");
            continue;
        }
        row("nftables",
            measure_engine(
                pair, programs, [] { return make_nft_engine(); }, policies
            ),
            least,
            router);
    }
}

}  // namespace

void run_veth() {
    const Programs programs(gate_veth__open_and_load());
    if (!programs) {
        give_up("the BPF programs could not be loaded; root is needed");
    }
    static const Pair pair;  // gone also when one gives up
    fmt::print(
        "packets on a veth pair, random sources: ns a packet, and over the least it can be "
        "(dropped: "
        "by a program that drops all; passed: forwarded without a gate)\n  {:<29}",
        ""
    );
    for (const auto& [traffic, name] : kTraffic) {
        fmt::print(" {:>16}", name);
    }
    fmt::print("\n");
    Figures least, router;
    pair.in_router([&] {
        const Attached attached(programs->progs.drop_all, "gate0");
        measure_action(pair, programs, policy::Action::Drop, least);
    });
    measure_action(pair, programs, policy::Action::Count, router);
    row("dropping all", least, least, router);
    row("forwarding, no gate", router, least, router);
    run_sizes(pair, programs, least, router);
}

}  // namespace sekisho::gate
