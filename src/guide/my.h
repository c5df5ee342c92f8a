// The subscriber's own page, as data and as HTML. Who is signed in, and what is known of the
// account, desk/ finds out; nothing here decides.
#pragma once

#include "base/time.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sekisho::guide {

struct MyUse {
    std::string limit;
    std::int64_t used = 0, allowed = 0;
    std::string reset;  // RFC 3339; empty: nothing is used
};
struct MySend {  // one recipient of a message
    std::optional<Time> at;
    std::string sender, recipient;
    std::string
        state;  // "delivered", "bounced", "expired", "deferred", "queued", "held", "dropped"
    std::string reply, queue_id;
};
struct MyLogin {
    enum class Place : std::uint8_t { Line, Ours, Outside };
    Time at{};
    bool accepted = false;
    std::string address;
    Place place = Place::Outside;
    std::string app_password;  // with which; empty: the account's own
    std::string reason;        // refused: "password", "limit", "disabled", ...
    bool page = false;         // here, not by a mail program
    std::int64_t count = 1;
};
struct MyDevice {
    std::string name;
    Time created{};
    std::optional<Time> last_used, expires;
    std::string last_address;
};
struct MyConduct {
    std::string stage = "normal";
    std::string reason;
    std::optional<Time> since;
};
struct MyBlocked {  // on port 25, by the line, in the last days
    std::int64_t day = 0, week = 0;
    std::optional<Time> last;
};

struct MyFinding {
    std::string check, mark, detail;  // as exemption::name() has the first two
};
struct MyRequest {  // for an exemption
    std::int64_t id = 0;
    std::string address, domain, reason, state, why;
    bool open = false;  // it may be withdrawn
    Time created{};
    std::optional<Time> until;  // granted
    std::vector<MyFinding> findings;
};
struct MyExemption {
    bool offered = false;    // else there is no such page
    bool automatic = false;  // else an operator decides
    std::int64_t days = 0;   // how long the line must have had the address
    std::string address;     // it may be asked for: of the line, and read from; empty: none
    std::vector<MyRequest> requests;
    std::string typed_domain, typed_reason;
};

struct MySendAs {  // an address elsewhere
    std::string address;
    bool proven = false;
    std::string outlook;  // what becomes of mail as it: mail::name(Outlook)
};

struct MyRight {  // an address that is another's, or "@example.net"
    std::string address;
    std::string owner;  // an account that has made this one its delegate; empty: an alias or domain
};

struct MyAccount {
    std::string login, name;
    std::vector<std::string> addresses;
    std::vector<MyRight> rights;
    std::vector<MyDevice> devices;
    std::optional<MyConduct> conduct;        // nullopt: can't be asked now
    std::optional<std::vector<MyUse>> uses;  // the same
    std::optional<std::vector<MySend>> sends;
    std::optional<std::vector<MyLogin>> logins;
    std::optional<MyBlocked> blocked;  // nullopt: the account has no line
    bool stays_home = false;           // chosen: nothing is sent from abroad
    bool may_leave = true;             // and it can be unchosen from where this is read
    Time signed_in{};
    std::string signed_in_from;
};

// What is to be shown.
struct My {
    enum class Sheet : std::uint8_t {
        SignIn,
        Link,
        Overview,
        Password,
        Devices,
        SendAs,
        Exemption
    };
    Sheet sheet = Sheet::SignIn;
    std::string form;       // for the hidden field of every form
    std::string link;       // Sheet::Link: its token
    std::string typed;      // the login or address that was typed, to be corrected
    std::string told;       // "my.told.TOLD" says how it went; empty: nothing to tell
    bool bad = false;       // and it went wrong
    bool by_link = false;   // Password: the current one isn't asked for
    bool encrypted = true;  // else a password would cross the wire readable
    MyAccount account;      // for the last five
    MyExemption exemption;  // Exemption; the others need `offered` only
    std::optional<std::vector<MySendAs>> send_as;  // SendAs; nullopt: can't be asked now
    std::string advice;  // SendAs: what will become of mail as the address just asked for
    bool advice_good = false;
    std::string fresh_name, fresh_password;  // Devices: an app password, shown this once
};

}  // namespace sekisho::guide
