// Who is behind an address at a time. Answers subscriber, ambiguous or unknown, never a guess.
#pragma once

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sekisho::line {

// One use of an address or prefix by a line: a session of RADIUS accounting, a lease, or a row of a
// static table.
struct Session {
    std::string id;     // unique with nas: Acct-Session-Id
    std::string nas;    // NAS-Identifier or NAS-IP-Address
    std::string line;   // the subscriber: User-Name without realm, or what the table says
    std::string realm;  // for wholesale; may be empty
    std::vector<Prefix> prefixes;  // Framed-IP-Address, Framed-IPv6-Prefix, Delegated-IPv6-Prefix
    Time start{};
    std::optional<Time> end;  // empty: still open
    Time seen{};              // last interim or start
};

enum class Certainty { Subscriber, Ambiguous, Unknown };

struct Answer {
    Certainty certainty = Certainty::Unknown;
    std::string line;  // only when Subscriber
    std::string realm;
    std::string reason;  // one sentence, for the support desk
};

class LineStore {
  public:
    virtual ~LineStore() = default;
    // Starts or refreshes a session (same nas and id); a repeated packet changes nothing. Prefixes
    // that a refresh names for the first time are held from `seen` on. With `end` the session is
    // ended too (a Stop whose Start was lost makes a whole one). What comes after the end of a
    // session but happened before it (reordered, late) never opens it again; a later `start` under
    // the same nas and id is a new session, and an open one of another line is ended by it.
    virtual Status put(const Session& session) = 0;
    // NotFound when there is no such session; one that has ended already stays as it is.
    virtual Status stop(const std::string& nas, const std::string& id, Time at) = 0;
    // Accounting-On/Off: every open session of the NAS ended.
    virtual Status stop_all(const std::string& nas, Time at) = 0;
    // The sessions that held the address at the time, for resolve().
    // A session holds from its start, and no longer at its end.
    [[nodiscard]] virtual Result<std::vector<Session>> holders(
        const IpAddress& address, Time at
    ) = 0;
    // Every session that has not ended, in no order. Nothing may be changed while it runs.
    virtual Status each_open(const std::function<void(const Session&)>& visit) = 0;
    // Newest first.
    [[nodiscard]] virtual Result<std::vector<Session>> sessions_of(
        const std::string& line, std::size_t limit
    ) = 0;
};

// Pure: from the sessions that held an address at a time, who it was. Two lines at once: Ambiguous.
[[nodiscard]] Answer resolve(
    const std::vector<Session>& holders, const IpAddress& address, Time at
);

}  // namespace sekisho::line
