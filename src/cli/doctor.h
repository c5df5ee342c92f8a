// What is wrong with an installation, or soon will be, and what to do about it: looked at from
// outside of the roles, so that it works when they don't.
#pragma once

#include "base/time.h"
#include "config/config.h"

#include <string>
#include <vector>

namespace sekisho::cli {

enum class Health { Good, Note, Fault };

struct Finding {
    Health health = Health::Good;
    std::string area;    // gate, mail, policy, ...
    std::string text;    // what is so
    std::string advice;  // what to do; empty when it is good
};

class Findings {
  public:
    void good(std::string area, std::string text);
    void note(std::string area, std::string text, std::string advice);
    void fault(std::string area, std::string text, std::string advice);
    [[nodiscard]] const std::vector<Finding>& all() const { return all_; }

  private:
    std::vector<Finding> all_;
};

// Each adds what it finds.
void examine_machine(const config::Config& config, Findings& out);
void examine_certificate(const config::Config& config, Time now, Findings& out);
void examine_policy(const config::Config& config, Time now, Findings& out);
void examine_gate(const config::Config& config, Findings& out);
void examine_milters(const config::Config& config, Findings& out);
void examine_roles(const config::Config& config, Findings& out);

}  // namespace sekisho::cli
