// Flows that were seen, judged by another policy, and gathered by who sent them.
#pragma once

#include "base/ip.h"
#include "base/time.h"
#include "gate/replay/seen.h"
#include "policy/policy.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::gate {

enum class Fate : std::uint8_t { Passes, Limited, Cut, Undecided };
[[nodiscard]] std::string_view name(Fate fate);

class Replay {
  public:
    explicit Replay(std::shared_ptr<const policy::Policy> policy);

    void add(const SeenFlow& flow);

    // What becomes of one line, or of an address of nobody known.
    enum class Change : std::uint8_t {
        Lost,      // something of it is cut that passed when it was seen
        Regained,  // something passes that was cut, and nothing is cut that passed
        StaysCut,
        None,
    };
    struct Sender {
        std::string line;
        IpAddress address;                      // where it was seen last
        std::array<std::int64_t, 4> packets{};  // by fate
        std::int64_t lost = 0, regained = 0;    // of those
        std::set<std::string> rules;            // that cut, limit or can't be decided
        std::set<std::string> servers;          // classes it went to
        Time first{}, last{};

        [[nodiscard]] Change change() const;
        [[nodiscard]] std::int64_t of(Fate fate) const {
            return packets.at(static_cast<std::size_t>(fate));
        }
    };
    // Those who lose most first, then those who regain most.
    [[nodiscard]] std::vector<Sender> senders() const;

  private:
    struct Judged {
        Fate fate = Fate::Passes;
        std::string rule;
        std::string server_class;
    };
    [[nodiscard]] Judged judge(const SeenFlow& flow) const;
    [[nodiscard]] Judged by_cell(policy::ClassId client, policy::ClassId server) const;

    std::shared_ptr<const policy::Policy> policy_;
    std::map<std::string, std::vector<policy::ClassId>, std::less<>> parts_;  // by a class's name
    std::map<std::string, Sender> senders_;
};

[[nodiscard]] std::string_view name(Replay::Change change);

}  // namespace sekisho::gate
