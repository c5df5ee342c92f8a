// The states of all accounts, and what has changed of them. Sessions tell what they see and ask
// what an account may do; somebody else carries out and keeps what has changed. Thread-safe; in
// memory; reads no clock.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "conduct/machine.h"

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::conduct {

struct Record {
    std::string account;
    State state;
};

// Where states outlive a restart.
class Memory {
  public:
    virtual ~Memory() = default;
    // All of them or none; durable when it returns. One that says nothing is forgotten.
    virtual Status keep(std::span<const Record> records) = 0;
    [[nodiscard]] virtual Result<std::vector<Record>> records() = 0;
};

// A change that is to be carried out.
struct Happened {
    Record record;
    Change change;
    bool enforced = true;  // false: only told
};

class Warden {
  public:
    // Not enforced: stages are found and told, and nobody feels them but who an operator suspends.
    void follow(const Rules& rules, bool enforced);
    void restore(std::span<const Record> records);

    // What is in force for the account.
    [[nodiscard]] Stage stage(std::string_view account) const;
    void seen(std::string_view account, std::string_view line, const Seen& seen, Time now);
    // The same of everybody whose line it is.
    void seen_of_line(std::string_view line, const Seen& seen, Time now);
    void tick(Time now);

    // Conflict: nothing would change.
    Status suspend(
        const std::string& account, const std::string& by, const std::string& why, Time now
    );
    Status undo(
        const std::string& account,
        const std::string& by,
        const std::string& why,
        bool release,
        Time now
    );
    Status exempt(
        const std::string& account,
        bool exempt,
        const std::string& by,
        const std::string& why,
        Time now
    );
    void password_changed(const std::string& account, Time now);

    // What was changed since the last call.
    [[nodiscard]] std::vector<Happened> happened();
    // What is to be kept since the last call.
    [[nodiscard]] std::vector<Record> changed();

    // Everybody who has a score, a stage or an exemption; the strictest first.
    [[nodiscard]] std::vector<Record> list(Time now) const;
    [[nodiscard]] std::optional<Record> find(std::string_view account, Time now) const;

  private:
    void note(const std::string& account, const State& state, std::optional<Change> change);
    [[nodiscard]] bool felt(const State& state) const { return enforced_ || !state.by.empty(); }

    mutable std::mutex mutex_;
    Rules rules_;
    bool enforced_ = false;
    std::map<std::string, State, std::less<>> states_;
    std::map<std::string, std::set<std::string>, std::less<>> lines_;
    std::vector<Happened> happened_;
    std::set<std::string> changed_;
};

}  // namespace sekisho::conduct
