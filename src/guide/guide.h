// The subscriber's site: what changed on port 25, is it me, what to do. Every page is a pure
// function of the request, the operator's configuration and a few facts about the reader's own
// line; mail programs get their settings from the same model. No sockets, no clock, no store:
// desk/ adapts it to HTTP and finds the facts.
//
// Invariants: text of a request reaches a page only escaped; the Host header reaches none; what is
// known about a line is shown only to that line.
#pragma once

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "guide/my.h"
#include "guide/photograph.h"
#include "policy/policy.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::guide {

struct GuideRequest {
    std::string method;                          // "GET"
    std::string path;                            // decoded, without query
    std::map<std::string, std::string> query;    // decoded
    std::map<std::string, std::string> headers;  // names in lower case
    std::string body;
    IpAddress peer;
    Time now{};
    int utc_offset_minutes = 0;  // how times are shown
};

struct GuideResponse {
    int status = 200;
    std::string content_type = "text/html; charset=utf-8";
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;
};

// What TCP 25 does between two classes.
struct Port25 {
    policy::Action declared = policy::Action::Pass;  // once the rule is enforced
    policy::Stage stage = policy::Stage::Enforce;    // Observe, Notify: it still passes today
    std::string note;                                // the operator's reason
    std::optional<Time> closes;  // when it will be enforced, where that is settled

    [[nodiscard]] bool stops() const { return declared >= policy::Action::Refuse; }
    [[nodiscard]] bool limits() const { return declared == policy::Action::Limit; }
    [[nodiscard]] bool enforced() const { return stage == policy::Stage::Enforce; }
};

// Where an address or a class stands.
struct Standing {
    std::string class_name;
    std::string class_note;
    bool outside = false;          // the default class: not one of our lines
    Port25 to_others;              // to other providers' servers
    std::optional<Port25> to_us;   // to our own mail server, when the policy has a class for it
    std::optional<Time> in_force;  // since when this policy is
};

// What is known about the reader's own line, and only about that.
struct OwnLine {
    enum class Known : std::uint8_t {
        Line,     // exactly one subscriber holds the address now
        Address,  // no subscriber named, but the address is a static one
        Shared,   // several lines share it: nothing is shown
        Nobody,   // we can't tell
    };
    Known known = Known::Nobody;
    std::vector<std::pair<Prefix, Standing>> prefixes;  // all that the line holds now
    std::int64_t blocked = 0;      // tries on port 25 in the last 24 h, stopped
    std::int64_t would_block = 0;  // and those that will be stopped one day
    std::optional<Time> last_try;
    std::int64_t logins_refused = 0;  // at our mail server, from this address, in the last 24 h
    std::optional<Time> last_login_refused, last_login_accepted;
};

// An address elsewhere that an account asks to send as.
struct SendAsClaim {
    std::string login, address;
};

class Facts {
  public:
    virtual ~Facts() = default;
    [[nodiscard]] virtual Standing standing(const IpAddress& address) = 0;
    // nullopt: the policy has no such class.
    [[nodiscard]] virtual std::optional<Standing> class_standing(std::string_view name) = 0;
    // An error when the store can't be asked; the page then says so and shows the rest.
    [[nodiscard]] virtual Result<OwnLine> own_line(const IpAddress& address, Time now) = 0;
    // When mail from this address was refused with the reference number; nullopt for everybody
    // else's numbers.
    [[nodiscard]] virtual std::optional<Time> refused_at(
        std::string_view reference, const IpAddress& address
    ) = 0;
    // What a mailed code would prove. NotFound, Denied (expired): none. Others: can't be asked now.
    [[nodiscard]] virtual Result<SendAsClaim> send_as_claim(std::string_view code) = 0;
    // Proves it.
    [[nodiscard]] virtual Result<SendAsClaim> prove_send_as(std::string_view code) = 0;
};

class Guide {
  public:
    explicit Guide(config::Config resolved, Photographs photographs = {})
        : config_(std::move(resolved)), photographs_(std::move(photographs)) {}
    // Any path: what the guide doesn't know is its own 404 page.
    [[nodiscard]] GuideResponse handle(const GuideRequest& request, Facts& facts) const;
    // The subscriber's own page, as desk found it out.
    [[nodiscard]] GuideResponse my(const GuideRequest& request, const My& my) const;
    // Every page below /ja/ and /en/, for tests and link checks ("" is the start page).
    [[nodiscard]] static std::vector<std::string_view> pages();

  private:
    config::Config config_;
    Photographs photographs_;
};

}  // namespace sekisho::guide
