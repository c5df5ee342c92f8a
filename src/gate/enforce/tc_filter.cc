#include "gate/enforce/tc_filter.h"

#include "base/fd.h"
#include "base/result.h"
#include "gate/enforce/engine.h"
#include "gate/enforce/image_map.h"
#include "gate/enforce/interfaces.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <linux/bpf.h>
#include <linux/netlink.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <optional>
#include <string>
#include <sys/socket.h>

namespace sekisho::gate {
namespace {

constexpr std::uint32_t kPriority = 1;  // before all others
// The handle says, over any number of processes, whether clsact was made for us.
constexpr std::uint32_t kInFoundQdisc = 0x5e25, kInMadeQdisc = 0x5e26;
constexpr const char* kProgram = "sekisho_gate_tc";

bpf_tc_hook hook_on(unsigned index, unsigned points = BPF_TC_INGRESS) {
    bpf_tc_hook hook{};
    hook.sz = sizeof(hook);
    hook.ifindex = static_cast<int>(index);
    hook.attach_point = static_cast<bpf_tc_attach_point>(points);
    return hook;
}

bpf_tc_opts place(std::uint32_t handle) {
    bpf_tc_opts options{};
    options.sz = sizeof(options);
    options.handle = handle;
    options.priority = kPriority;
    return options;
}

bool is_our_program(std::uint32_t id) {
    const UniqueFd fd(bpf_prog_get_fd_by_id(id));
    bpf_prog_info info{};
    __u32 size = sizeof(info);
    return fd.valid() && bpf_obj_get_info_by_fd(fd.get(), &info, &size) == 0 &&
           std::string(&info.name[0]) == kProgram;
}

// libbpf writes of every question whose answer is no; that is no news here.
class Quiet {
  public:
    Quiet() : before_(libbpf_set_print(nullptr)) {}
    ~Quiet() { libbpf_set_print(before_); }
    Quiet(const Quiet&) = delete;
    Quiet& operator=(const Quiet&) = delete;

  private:
    libbpf_print_fn_t before_;
};

// The handle of our filter.
std::optional<std::uint32_t> find(unsigned index) {
    const Quiet quiet;
    for (const std::uint32_t handle : {kInFoundQdisc, kInMadeQdisc}) {
        const bpf_tc_hook hook = hook_on(index);
        bpf_tc_opts options = place(handle);
        if (bpf_tc_query(&hook, &options) == 0 && is_our_program(options.prog_id)) {
            return handle;
        }
    }
    return std::nullopt;
}

// Whether somebody's filter hangs at this parent, asked over rtnetlink. What can't be asked counts
// as one: what isn't ours stays.
bool has_filters(unsigned index, std::uint32_t parent) {
    const UniqueFd fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    struct {
        nlmsghdr header;
        tcmsg about;
    } question{};
    question.header.nlmsg_len = NLMSG_LENGTH(sizeof(tcmsg));
    question.header.nlmsg_type = RTM_GETTFILTER;
    question.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    question.about.tcm_ifindex = static_cast<int>(index);
    question.about.tcm_parent = parent;
    if (!fd.valid() || send(fd.get(), &question, question.header.nlmsg_len, 0) < 0) {
        return true;
    }
    std::array<std::byte, 16'384> answer{};
    bool found = false;
    while (true) {
        const auto size = recv(fd.get(), answer.data(), answer.size(), 0);
        if (size < static_cast<ssize_t>(sizeof(nlmsghdr))) {
            return true;
        }
        std::size_t at = 0;
        while (at + sizeof(nlmsghdr) <= static_cast<std::size_t>(size)) {
            nlmsghdr header{};
            std::memcpy(&header, answer.data() + at, sizeof(header));
            if (header.nlmsg_type == NLMSG_DONE) {
                return found;
            }
            if (header.nlmsg_type == NLMSG_ERROR || header.nlmsg_len < sizeof(header)) {
                return true;
            }
            found = true;
            at += NLMSG_ALIGN(header.nlmsg_len);
        }
    }
}

}  // namespace

Result<TcPut> put_tc_filter(int program, const std::string& name, unsigned index) {
    const auto before = find(index);
    std::uint32_t handle = before.value_or(kInFoundQdisc);
    if (!before) {
        const Quiet quiet;  // it may be there
        bpf_tc_hook made = hook_on(index);
        const int error = -bpf_tc_hook_create(&made);
        if (error != 0 && error != EEXIST) {
            return fail(bpf_error("traffic control (clsact) on " + name, error));
        }
        handle = error == 0 ? kInMadeQdisc : kInFoundQdisc;
    }
    const bpf_tc_hook hook = hook_on(index);
    bpf_tc_opts options = place(handle);
    options.prog_fd = program;
    options.flags = before ? BPF_TC_F_REPLACE : 0;
    if (const int error = -bpf_tc_attach(&hook, &options); error != 0) {
        if (handle == kInMadeQdisc && !before) {
            bpf_tc_hook unused = hook_on(index, BPF_TC_INGRESS | BPF_TC_EGRESS);
            static_cast<void>(bpf_tc_hook_destroy(&unused));
        }
        return fail(bpf_error("attaching the program to traffic control on " + name, error));
    }
    return TcPut{before.has_value()};
}

bool has_tc_filter(unsigned index) {
    return find(index).has_value();
}

Result<bool> remove_tc_filter(unsigned index) {
    const auto handle = find(index);
    if (!handle) {
        return false;
    }
    const bpf_tc_hook hook = hook_on(index);
    const bpf_tc_opts options = place(*handle);
    if (const int error = -bpf_tc_detach(&hook, &options); error != 0) {
        return fail(bpf_error("taking the program off traffic control", error));
    }
    if (*handle == kInMadeQdisc && !has_filters(index, BPF_TC_PARENT(0xFFFF, TC_H_MIN_INGRESS)) &&
        !has_filters(index, BPF_TC_PARENT(0xFFFF, TC_H_MIN_EGRESS))) {
        bpf_tc_hook both = hook_on(index, BPF_TC_INGRESS | BPF_TC_EGRESS);
        static_cast<void>(bpf_tc_hook_destroy(&both));  // it may stay: it does nothing
    }
    return true;
}

Result<std::size_t> remove_tc_filters() {
    std::size_t count = 0;
    for (const Interface& one : list_interfaces()) {
        const auto removed = remove_tc_filter(one.index);
        if (!removed) {
            return fail(removed.error());
        }
        count += *removed ? 1 : 0;
    }
    return count;
}

}  // namespace sekisho::gate
