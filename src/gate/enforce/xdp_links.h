// Where the XDP program stands: a link for each interface, pinned in a BPF file system where one is
// named, so that the policy outlives the process.
#pragma once

#include "base/fd.h"
#include "base/result.h"
#include "gate/enforce/engine.h"

#include <string>
#include <utility>
#include <vector>

namespace sekisho::gate {

class XdpLinks {
  public:
    // `folder`: in a BPF file system, made when it isn't there; empty: links end with the process.
    XdpLinks(XdpMode mode, std::string folder) : mode_(mode), folder_(std::move(folder)) {}

    // Puts the program on these interfaces and takes it off all others, those that a gate before us
    // left pinned too. One that is pinned already is handed over without a gap: the kernel puts our
    // program in the place of the old one.
    std::vector<std::pair<std::string, Status>> attach(
        int program, const std::vector<std::string>& interfaces
    );
    void detach();
    // Closes the links; those that are pinned stay in force.
    void leave() { links_.clear(); }

    [[nodiscard]] std::vector<Attachment> attachments() const;
    [[nodiscard]] bool pinned() const { return !folder_.empty(); }

  private:
    struct Link {
        unsigned index = 0;
        Attachment shown;
        UniqueFd fd;
    };

    [[nodiscard]] Result<Link> attach_one(int program, const std::string& name, unsigned index);
    [[nodiscard]] Result<Link> create(int program, const std::string& name, unsigned index) const;
    [[nodiscard]] std::string pin_of(const std::string& interface) const;
    Status make_folder() const;
    void unpin_others(const std::vector<std::string>& interfaces) const;

    XdpMode mode_;
    std::string folder_;
    std::vector<Link> links_;
};

}  // namespace sekisho::gate
