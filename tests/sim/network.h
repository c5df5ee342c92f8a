// The other providers' servers, which go down, greylist, refuse, are slow and lose connections.
#pragma once

#include "base/time.h"
#include "delivery/outcome.h"
#include "sim/world.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace sekisho::sim {

enum class Mode : std::uint8_t {
    Up,
    Refusing,     // no connection
    Silent,       // the connection times out
    Overloaded,   // 421 as greeting
    Greylisting,  // 450 to every recipient
    Rejecting,    // 550 to the message
    Cutting,      // the connection is lost within the message
    Forgetful,    // the message is taken and the connection lost before the reply
    Slow,         // works, and takes its time: later ones are answered before
};

// What one transaction will be, as planned when it begins. The server has the message at `takes`,
// the client learns of it at `replies`.
struct Transaction {
    Duration takes{0}, replies{0};
    std::vector<bool> taken;             // by recipient
    std::vector<delivery::Tried> tried;  // what the client sees of each
};

class Network {
  public:
    explicit Network(World& world);

    // Domains change their ways until the time; after it all of them work.
    void trouble_until(Time end);
    [[nodiscard]] Transaction begin(
        const std::string& domain, const std::vector<std::string>& recipients
    );
    // Since when the domain has worked, time-outs of before included; nothing in trouble.
    [[nodiscard]] bool calm(const std::string& domain, Time& since) const;
    [[nodiscard]] const std::vector<std::string>& domains() const { return names_; }

  private:
    struct Domain {
        Mode mode = Mode::Up;
        Time since{};
        Time busy_until{};  // with what began while it was slow
    };
    void change(const std::string& domain, Time end);

    World& world_;
    std::vector<std::string> names_;
    std::map<std::string, Domain> domains_;
};

}  // namespace sekisho::sim
