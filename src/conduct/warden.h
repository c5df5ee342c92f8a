// The states of all accounts and lines, and what has changed of them. Sessions tell what they see
// and ask what an account may do; somebody else carries out and keeps what has changed.
// Thread-safe; in memory; reads no clock.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "conduct/machine.h"

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::conduct {

struct Subject {
    enum class Kind : std::uint8_t { Account, Line };
    Kind kind = Kind::Account;
    std::string id;  // the login, or what the line is called
    friend auto operator<=>(const Subject&, const Subject&) = default;
};
[[nodiscard]] std::string text(const Subject& subject);  // "taro@example.net", "line L1"

struct Record {
    Subject subject;
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

    // What is in force for the account, or for the line.
    [[nodiscard]] Stage stage(std::string_view account) const;
    [[nodiscard]] Stage stage_of_line(std::string_view line) const;
    // `home`: the line that the account belongs to; it may be used from another one (Seen::from).
    void seen(std::string_view account, std::string_view home, const Seen& seen, Time now);
    // The gate blocks a line: tells it of everybody whose line it is, and of the line.
    void blocked(std::string_view line, const std::string& detail, Time now);
    void tick(Time now);

    // Conflict: nothing would change.
    Status suspend(const Subject& who, const std::string& by, const std::string& why, Time now);
    Status undo(
        const Subject& who, const std::string& by, const std::string& why, bool release, Time now
    );
    Status exempt(
        const Subject& who, bool exempt, const std::string& by, const std::string& why, Time now
    );
    void password_changed(const std::string& account, Time now);

    // What was changed since the last call.
    [[nodiscard]] std::vector<Happened> happened();
    // What is to be kept since the last call.
    [[nodiscard]] std::vector<Record> changed();

    // Everybody who has a score, a stage or an exemption; the strictest first.
    [[nodiscard]] std::vector<Record> list(Time now) const;
    [[nodiscard]] std::optional<Record> find(const Subject& who, Time now) const;

  private:
    using States = std::map<std::string, State, std::less<>>;

    [[nodiscard]] States& states(Subject::Kind kind) {
        return kind == Subject::Kind::Line ? lines_ : accounts_;
    }
    [[nodiscard]] const States& states(Subject::Kind kind) const {
        return kind == Subject::Kind::Line ? lines_ : accounts_;
    }
    [[nodiscard]] Stage stage_in(const States& states, std::string_view id) const;
    void note(const Subject& who, const State& state, std::optional<Change> change);
    void see(const std::string& account, const Seen& seen, Time now);
    [[nodiscard]] bool felt(const State& state) const { return enforced_ || !state.by.empty(); }

    mutable std::mutex mutex_;
    Rules rules_;
    bool enforced_ = false;
    States accounts_, lines_;
    std::map<std::string, std::set<std::string>, std::less<>> at_home_;  // by line: its accounts
    std::vector<Happened> happened_;
    std::set<Subject> changed_;
};

}  // namespace sekisho::conduct
