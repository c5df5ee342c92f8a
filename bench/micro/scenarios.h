// What the micro-benchmarks time and callgrind counts: small fixed pieces of a message's way.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace sekisho::bench {

struct Scenario {
    std::string name;
    // Sets the scenario up, and gives what does it once: false when the result is not what it has
    // to be.
    std::function<std::function<bool()>()> prepare;
    // Does the same instructions each time. The spool doesn't: how many messages share a flush is
    // the disk's to say.
    bool steady = true;
};

const std::vector<Scenario>& scenarios();

}  // namespace sekisho::bench
