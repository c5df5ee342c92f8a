#include "gate/enforce/xdp_links.h"

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/result.h"
#include "gate/enforce/engine.h"
#include "gate/enforce/image_map.h"
#include "gate/enforce/interfaces.h"
#include "gate/enforce/tc_filter.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <string>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <system_error>
#include <utility>
#include <vector>

namespace sekisho::gate {
namespace {

namespace fs = std::filesystem;

constexpr const char* kProgram = "sekisho_gate";
constexpr unsigned kBpfFs = 0xcafe4a11;  // BPF_FS_MAGIC of linux/magic.h

// The interface that a link stands on; 0 when it has gone, or for a link of another kind.
unsigned index_of(const UniqueFd& link) {
    bpf_link_info info{};
    __u32 size = sizeof(info);
    if (bpf_obj_get_info_by_fd(link.get(), &info, &size) != 0 || info.type != BPF_LINK_TYPE_XDP) {
        return 0;
    }
    return info.xdp.ifindex;
}

// In a BPF file system, and not its root, where other programs keep things of theirs.
Status check_folder(const std::string& folder) {
    struct statfs kind{};
    struct stat own{}, above{};
    if (statfs(folder.c_str(), &kind) != 0 || stat(folder.c_str(), &own) != 0 ||
        stat((folder + "/..").c_str(), &above) != 0) {
        return fail(errno_error("gate.pin " + folder));
    }
    if (static_cast<unsigned>(kind.f_type) != kBpfFs) {
        return fail(
            Errc::Invalid,
            "gate.pin " + folder +
                " is not in a BPF file system; mount one: mount -t bpf bpf /sys/fs/bpf"
        );
    }
    if (own.st_dev != above.st_dev) {
        return fail(Errc::Invalid, "gate.pin " + folder + ": name a folder of its own in it");
    }
    return {};
}

bool is_xdp_link(const fs::path& pin) {
    const UniqueFd fd(bpf_obj_get(pin.c_str()));
    const auto info = read_file("/proc/self/fdinfo/" + std::to_string(fd.get()));
    return fd.valid() && info && info->find("link_type:\txdp\n") != std::string::npos;
}

// The name of the XDP program on an interface; empty when there is none, or it can't be asked.
std::string program_on(unsigned index) {
    bpf_xdp_query_opts options{};
    options.sz = sizeof(options);
    if (bpf_xdp_query(static_cast<int>(index), 0, &options) != 0) {
        return {};
    }
    const std::uint32_t id = options.prog_id != 0       ? options.prog_id
                             : options.drv_prog_id != 0 ? options.drv_prog_id
                                                        : options.skb_prog_id;
    const UniqueFd fd(bpf_prog_get_fd_by_id(id));
    bpf_prog_info info{};
    __u32 size = sizeof(info);
    if (!fd.valid() || bpf_obj_get_info_by_fd(fd.get(), &info, &size) != 0) {
        return {};
    }
    return &info.name[0];
}

void let_go_of_filter(unsigned index) {
    if (const auto removed = remove_tc_filter(index); !removed) {
        log::error(
            "GATE_FILTER_LEFT",
            "the program can't be taken off traffic control",
            {{"error", removed.error().message}}
        );
    }
}

std::string mode_on(unsigned index) {
    bpf_xdp_query_opts options{};
    options.sz = sizeof(options);
    if (bpf_xdp_query(static_cast<int>(index), 0, &options) != 0) {
        return "unknown";
    }
    return options.attach_mode == XDP_ATTACHED_SKB ? "generic" : "native";
}

}  // namespace

std::string XdpLinks::pin_of(const std::string& interface) const {
    return folder_.empty() ? std::string() : folder_ + "/" + interface;
}

Status XdpLinks::make_folder() const {
    std::error_code error;
    fs::create_directories(folder_, error);
    if (error) {
        return fail(Errc::Unavailable, "gate.pin " + folder_ + ": " + error.message());
    }
    return check_folder(folder_);
}

Result<XdpLinks::Link> XdpLinks::create(
    const Programs& programs, const std::string& name, unsigned index
) const {
    struct Try {
        std::uint32_t flags;
        const char* mode;
        const char* note;
    };
    constexpr Try kNative{XDP_FLAGS_DRV_MODE, "native", ""};
    std::vector<Try> tries;
    if (mode_ == XdpMode::Native) {
        tries = {kNative};
    } else if (mode_ == XdpMode::Generic) {
        tries = {{XDP_FLAGS_SKB_MODE, "generic", "gate.xdp_mode asks for it"}};
    } else if (driver_of(name) == "veth") {
        tries = {
            {XDP_FLAGS_SKB_MODE,
             "generic",
             "veth: in native mode resets reach only a peer that has an XDP program too"}
        };
    } else {
        tries = {kNative, {XDP_FLAGS_SKB_MODE, "generic", "the driver has no native XDP here"}};
    }
    int error = 0;
    for (const Try& one : tries) {
        bpf_link_create_opts options{};
        options.sz = sizeof(options);
        options.flags = one.flags;
        const int fd = bpf_link_create(programs.xdp, static_cast<int>(index), BPF_XDP, &options);
        if (fd >= 0) {
            return Link{index, {name, one.mode, one.note}, UniqueFd(fd)};
        }
        error = errno;
        if (error == EBUSY || error == EEXIST) {
            break;
        }
    }
    const bool taken = error == EBUSY || error == EEXIST;
    const bool by_a_gate = taken && program_on(index) == kProgram;
    if (mode_ == XdpMode::Auto && !by_a_gate && error != EPERM) {
        return create_tc(
            programs,
            name,
            index,
            taken ? "another XDP program stands there: what it passes is judged behind it"
                  : "the interface takes no XDP program"
        );
    }
    if (taken) {
        return fail(
            Errc::Conflict,
            name + " has another XDP program" + (by_a_gate ? ", of a gate" : "") +
                " (bpftool net show dev " + name + ")"
        );
    }
    return fail(bpf_error("attaching the XDP program to " + name, error));
}

Result<XdpLinks::Link> XdpLinks::create_tc(
    const Programs& programs, const std::string& name, unsigned index, const std::string& note
) {
    const auto program = programs.tc();
    if (!program) {
        return fail(program.error());
    }
    const auto put = put_tc_filter(*program, name, index);
    if (!put) {
        return fail(put.error());
    }
    return Link{
        index,
        {name, "tc", put->taken_over ? "taken over from the gate before, without a gap" : note},
        UniqueFd()
    };
}

Result<XdpLinks::Link> XdpLinks::attach_xdp(
    const Programs& programs, const std::string& name, unsigned index
) {
    const std::string pin = pin_of(name);
    if (pin.empty()) {
        return create(programs, name, index);
    }
    if (Status made = make_folder(); !made) {
        return fail(made.error());
    }
    UniqueFd before(bpf_obj_get(pin.c_str()));
    if (before.valid() && index_of(before) == index) {
        if (bpf_link_update(before.get(), programs.xdp, nullptr) != 0) {
            return fail(bpf_error("taking over the XDP program on " + name, errno));
        }
        return Link{
            index,
            {name, mode_on(index), "taken over from the gate before, without a gap"},
            std::move(before)
        };
    }
    // What is pinned under this name was for an interface that has gone.
    std::error_code ignored;
    fs::remove(pin, ignored);
    auto link = create(programs, name, index);
    if (link && link->fd.valid() && bpf_obj_pin(link->fd.get(), pin.c_str()) != 0) {
        return fail(bpf_error("pinning " + pin, errno));
    }
    return link;
}

// In the new place first, then out of that where a gate of another mode left it.
Result<XdpLinks::Link> XdpLinks::attach_one(
    const Programs& programs, const std::string& name, unsigned index
) {
    auto link = mode_ == XdpMode::Tc ? create_tc(programs, name, index, "gate.xdp_mode asks for it")
                                     : attach_xdp(programs, name, index);
    if (link && !link->fd.valid() && pinned()) {
        std::error_code ignored;
        fs::remove(pin_of(name), ignored);
    } else if (link && link->fd.valid()) {
        let_go_of_filter(index);
    }
    return link;
}

void XdpLinks::unpin_others(const std::vector<std::string>& interfaces) const {
    if (!check_folder(folder_)) {
        return;
    }
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder_, error)) {
        const std::string name = entry.path().filename();
        if (std::find(interfaces.begin(), interfaces.end(), name) == interfaces.end() &&
            is_xdp_link(entry.path())) {
            std::error_code ignored;
            fs::remove(entry.path(), ignored);
            log::info(
                "GATE_UNPINNED", "the program is taken off an interface", {{"interface", name}}
            );
        }
    }
}

std::vector<std::pair<std::string, Status>> XdpLinks::attach(
    const Programs& programs, const std::vector<std::string>& interfaces
) {
    std::vector<std::pair<std::string, Status>> out;
    std::vector<Link> kept;
    for (const std::string& name : interfaces) {
        const unsigned index = if_nametoindex(name.c_str());
        if (index == 0) {
            out.emplace_back(name, fail(Errc::NotFound, "there is no interface " + name));
            continue;
        }
        const auto same = std::find_if(links_.begin(), links_.end(), [&](const Link& link) {
            return link.shown.interface == name && link.index == index && stands(link);
        });
        if (same != links_.end()) {
            kept.push_back(std::move(*same));
            links_.erase(same);
            out.emplace_back(name, Status{});
            continue;
        }
        auto link = attach_one(programs, name, index);
        if (link) {
            kept.push_back(std::move(*link));
            out.emplace_back(name, Status{});
        } else {
            out.emplace_back(name, fail(link.error()));
        }
    }
    std::swap(links_, kept);  // the rest is of interfaces that are no longer wanted
    for (const Link& gone : kept) {
        if (!gone.fd.valid() && !in_tc(gone.index)) {
            let_go_of_filter(gone.index);
        }
    }
    if (!folder_.empty()) {
        unpin_others(interfaces);
    }
    if (!swept_) {
        remove_other_filters();
        swept_ = true;
    }
    return out;
}

// Links stand as long as they are open; a filter goes with the clsact that somebody takes away.
bool XdpLinks::stands(const Link& link) {
    return link.fd.valid() || has_tc_filter(link.index);
}

bool XdpLinks::in_tc(unsigned index) const {
    return std::any_of(links_.begin(), links_.end(), [index](const Link& link) {
        return !link.fd.valid() && link.index == index;
    });
}

void XdpLinks::remove_other_filters() const {
    for (const Interface& one : list_interfaces()) {
        if (!in_tc(one.index)) {
            let_go_of_filter(one.index);
        }
    }
}

void XdpLinks::detach() {
    links_.clear();
    remove_other_filters();
    if (!folder_.empty()) {
        static_cast<void>(remove_pins(folder_));
    }
}

void XdpLinks::leave() {
    if (pinned()) {
        links_.clear();
        return;
    }
    for (const Link& link : links_) {
        if (!link.fd.valid()) {
            let_go_of_filter(link.index);
        }
    }
    links_.clear();
}

bool XdpLinks::stands_in_tc() const {
    return std::any_of(links_.begin(), links_.end(), [](const Link& link) {
        return !link.fd.valid();
    });
}

std::vector<Attachment> XdpLinks::attachments() const {
    std::vector<Attachment> out;
    out.reserve(links_.size());
    for (const Link& link : links_) {
        out.push_back(link.shown);
    }
    return out;
}

Result<std::size_t> remove_pins(const std::string& folder) {
    std::error_code error;
    if (!fs::exists(folder, error)) {
        return 0;
    }
    if (Status good = check_folder(folder); !good) {
        return fail(good.error());
    }
    std::size_t count = 0;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
        if (!is_xdp_link(entry.path())) {
            continue;
        }
        std::error_code failed;
        if (!fs::remove(entry.path(), failed)) {
            return fail(Errc::Denied, entry.path().string() + ": " + failed.message());
        }
        ++count;
    }
    fs::remove(folder, error);  // stays when something else is in it
    return count;
}

}  // namespace sekisho::gate
