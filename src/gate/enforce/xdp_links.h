// Where the program stands: an XDP link for each interface, pinned in a BPF file system where one
// is named, so that the policy outlives the process; or a filter of traffic control where there is
// no XDP to be had.
#pragma once

#include "base/fd.h"
#include "base/result.h"
#include "gate/enforce/engine.h"

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::gate {

class XdpLinks {
  public:
    // The two forms of the program; that for traffic control is asked for when it is needed.
    struct Programs {
        int xdp = -1;
        std::function<Result<int>()> tc;
    };

    // `folder`: in a BPF file system, made when it isn't there; empty: links end with the process,
    // and filters of traffic control are taken off when it leaves.
    XdpLinks(XdpMode mode, std::string folder) : mode_(mode), folder_(std::move(folder)) {}

    // Puts the program on these interfaces and takes it off all others, those on which a gate
    // before us left it too. Where it is already, it is handed over without a gap: the kernel puts
    // our program in the place of the old one.
    std::vector<std::pair<std::string, Status>> attach(
        const Programs& programs, const std::vector<std::string>& interfaces
    );
    void detach();
    // Lets go, but of what is pinned.
    void leave();

    [[nodiscard]] std::vector<Attachment> attachments() const;
    [[nodiscard]] bool pinned() const { return !folder_.empty(); }
    [[nodiscard]] bool stands_in_tc() const;

  private:
    struct Link {
        unsigned index = 0;
        Attachment shown;
        UniqueFd fd;  // none: a filter of traffic control
    };

    [[nodiscard]] Result<Link> attach_one(
        const Programs& programs, const std::string& name, unsigned index
    );
    [[nodiscard]] Result<Link> attach_xdp(
        const Programs& programs, const std::string& name, unsigned index
    );
    [[nodiscard]] Result<Link> create(
        const Programs& programs, const std::string& name, unsigned index
    ) const;
    [[nodiscard]] static Result<Link> create_tc(
        const Programs& programs, const std::string& name, unsigned index, const std::string& note
    );
    static bool stands(const Link& link);
    [[nodiscard]] bool in_tc(unsigned index) const;
    // Those that a gate before us left.
    void remove_other_filters() const;
    [[nodiscard]] std::string pin_of(const std::string& interface) const;
    Status make_folder() const;
    void unpin_others(const std::vector<std::string>& interfaces) const;

    XdpMode mode_;
    std::string folder_;
    std::vector<Link> links_;
    bool swept_ = false;  // what a gate before us left is gone
};

}  // namespace sekisho::gate
