// Who is behind an address at a time. Answers subscriber, ambiguous or unknown, never a guess.
#pragma once

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "line/ports.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
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
    PortSet ports{};          // of its IPv4 prefixes, where other lines have the rest

    // Whether others may have the rest of the prefix, one of its own.
    [[nodiscard]] bool shares(const Prefix& prefix) const {
        return prefix.is_v4() && !ports.is_every();
    }
    // Whether it may have used the prefix from this port; unknown: it may.
    [[nodiscard]] bool uses(const Prefix& prefix, std::optional<std::uint16_t> port) const {
        return !port || !shares(prefix) || ports.contains(*port);
    }
};

enum class Certainty { Subscriber, Ambiguous, Unknown };

struct Answer {
    Certainty certainty = Certainty::Unknown;
    std::string line;  // only when Subscriber
    std::string realm;
    std::string reason;  // one sentence, for the support desk
};

// Who it was, without the sentence: for every flow.
struct Holder {
    Certainty certainty = Certainty::Unknown;
    std::string line, realm;  // only when Subscriber
    friend bool operator==(const Holder&, const Holder&) = default;
};

class LineStore {
  public:
    virtual ~LineStore() = default;
    // Starts or refreshes a session (same nas and id); a repeated packet changes nothing. Prefixes
    // that a refresh names for the first time are held from `seen` on. With `end` the session is
    // ended too (a Stop whose Start was lost makes a whole one). What comes after the end of a
    // session but happened before it (reordered, late) never opens it again; a later `start` under
    // the same nas and id is a new session, and an open one of another line is ended by it. The
    // ports are those that were named first.
    virtual Status put(const Session& session) = 0;
    // put() of each in order; all of them or, on an error, none, where the store can.
    virtual Status put_all(std::span<const Session> sessions);
    // NotFound when there is no such session; one that has ended already stays as it is.
    virtual Status stop(const std::string& nas, const std::string& id, Time at) = 0;
    // Accounting-On/Off: every open session of the NAS ended.
    virtual Status stop_all(const std::string& nas, Time at) = 0;
    // The sessions that held the address at the time, for resolve().
    // A session holds from its start, and no longer at its end. With a port, those whose ports are
    // others are left out; without, each of who share the address is there.
    [[nodiscard]] virtual Result<std::vector<Session>> holders(
        const IpAddress& address, Time at, std::optional<std::uint16_t> port
    ) = 0;
    [[nodiscard]] Result<std::vector<Session>> holders(const IpAddress& address, Time at) {
        return holders(address, at, std::nullopt);
    }
    // Every session that has not ended, in no order. Nothing may be changed while it runs.
    virtual Status each_open(const std::function<void(const Session&)>& visit) = 0;
    // What resolve() makes of holders(), sooner where the store can.
    [[nodiscard]] virtual Result<Holder> holder(
        const IpAddress& address, Time at, std::optional<std::uint16_t> port
    );
    // Newest first.
    [[nodiscard]] virtual Result<std::vector<Session>> sessions_of(
        const std::string& line, std::size_t limit
    ) = 0;
    // What is open on the NAS, in no order.
    [[nodiscard]] virtual Result<std::vector<Session>> open_on(const std::string& nas) = 0;
    // The NASes on which something is open.
    [[nodiscard]] virtual Result<std::vector<std::string>> open_nas() = 0;
    // Whether a session of it, open or ended, is known.
    [[nodiscard]] virtual Result<bool> knows(const std::string& nas) = 0;
};

// Pure: from the sessions that held an address at a time, who it was. Two lines at once: Ambiguous;
// so is a shared address without a port, even when one line of those who share it is known.
[[nodiscard]] Answer resolve(
    const std::vector<Session>& holders,
    const IpAddress& address,
    Time at,
    std::optional<std::uint16_t> port = std::nullopt
);

}  // namespace sekisho::line
