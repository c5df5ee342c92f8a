// Stages by the clock: a rule's steps say from when on it, or a part of it, is in another stage.
// Pure: what is in force is a matter of the source and the time, so a restart changes nothing.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "policy/policy.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::policy {

// The rules as they are at the time, with the steps that are still to come. Of steps about the same
// connections the later decides. One about all of its rule changes the rule's stage; one about a
// part of it becomes a rule before it, "op25b.2" if it is the second step of rule op25b.
[[nodiscard]] Source at_time(const Source& source, Time now);

// When the next step of any rule comes, if one is still to come.
[[nodiscard]] std::optional<Time> next_step(const Source& source, Time now);

// Compiled as it is at the time. Errors: those of Policy::compile().
[[nodiscard]] Result<std::shared_ptr<const Policy>> compile_at(const Source& source, Time now);

// Whether it compiles now and after every step. Cheaper than compile_at() for each: prefixes are
// looked at once.
[[nodiscard]] Status check_all(const Source& source);

// A rule, or a step of it, as `gate plan` shows it.
struct Planned {
    enum class State { Past, Now, Coming };  // Past: a later one decides all that it did
    std::string rule;                        // with the number of the step
    std::optional<Time> at;                  // none: from the start
    std::string to;
    Stage stage = Stage::Enforce;
    Scope scope;
    State state = State::Now;
};
[[nodiscard]] std::vector<Planned> planned(const Source& source, Time now);

// 0 to 99 for a line, the same at all times and on all machines: a share of 10 percent is the lines
// below 10.
[[nodiscard]] unsigned share_of(std::string_view line);

// A policy that follows the clock.
class Staged {
  public:
    [[nodiscard]] static Result<Staged> start(std::shared_ptr<const Source> source, Time now);
    [[nodiscard]] const std::shared_ptr<const Policy>& policy() const { return policy_; }
    [[nodiscard]] const Source& source() const { return *source_; }
    // The policy when a step came, or the clock was set back before one; else null.
    [[nodiscard]] Result<std::shared_ptr<const Policy>> follow(Time now);

  private:
    Staged() = default;
    std::shared_ptr<const Source> source_;
    std::shared_ptr<const Policy> policy_;
    std::size_t steps_ = 0;  // that have come
};

}  // namespace sekisho::policy
