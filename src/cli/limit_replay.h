// What a set of limits would have refused of what the journal has recorded.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "event/event.h"
#include "policy/policy.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace sekisho::cli {

struct ReplayHit {
    std::string limit, key;
    std::int64_t allowed = 0;
    std::int64_t refused = 0;  // acts
    Time first{}, last{};
};
struct Replayed {
    std::vector<ReplayHit> hits;      // the most refused first
    std::vector<std::string> unseen;  // limits of what no event tells
    std::uint64_t events = 0;         // looked at
    Time from{};                      // the first one
};

// Goes over the events in order of time with `each`; those before the span that matters only say
// who knew whom. The journal says nothing of connections.
class LimitReplay {
  public:
    // Invalid: limits that can't be.
    [[nodiscard]] static Result<LimitReplay> make(
        const config::Config& config, std::shared_ptr<const policy::Policy> policy, Time since
    );
    void add(const event::Event& event);
    [[nodiscard]] Replayed result() const;

    // The kinds of events that it looks at.
    [[nodiscard]] static std::vector<event::Kind> kinds();

  private:
    struct State;
    explicit LimitReplay(std::shared_ptr<State> state) : state_(std::move(state)) {}
    std::shared_ptr<State> state_;
};

}  // namespace sekisho::cli
