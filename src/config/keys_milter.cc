// The keys of [[milter]].
#include "base/ip.h"
#include "config/config.h"
#include "config/key_types.h"
#include "config/keys.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::config {
namespace {

using namespace std::chrono_literals;

#define SEKISHO_AT(member) [](auto& c) -> auto& { return c.member; }

bool place(Milter& milter) {
    const std::string_view written = milter.socket;
    const std::size_t colon = written.find(':');
    const std::string_view kind = written.substr(0, colon);
    if (colon == std::string_view::npos) {
        return false;
    }
    std::string_view place = written.substr(colon + 1);
    if (kind == "unix" || kind == "local") {
        milter.path = place;
        return place.starts_with('/');
    }
    if (kind != "inet" && kind != "inet6") {
        return false;
    }
    std::string endpoint(place);
    if (const std::size_t at = place.find('@'); at != std::string_view::npos) {
        std::string address(place.substr(at + 1));
        if (address.contains(':') && !address.starts_with('[')) {
            address = "[" + address + "]";
        }
        endpoint = address + ":" + std::string(place.substr(0, at));
    }
    if (endpoint.starts_with("localhost:")) {
        endpoint.replace(0, std::string_view("localhost").size(), "127.0.0.1");
    }
    const auto parsed = Endpoint::parse(endpoint);
    if (!parsed || parsed->port == 0) {
        return false;
    }
    milter.endpoint = *parsed;
    return true;
}

}  // namespace

const Table<Milter>& milter_table() {
    using T = Milter;
    static const Table<T> table{
        "milter",
        true,
        "A mail filter (protocol of sendmail's milters, version 6) that is asked about messages "
        "while their senders wait. Several are asked in the order of the file; what one changes "
        "the next one sees. See docs/milter.md.",
        {
            required(text<T>("name", SEKISHO_AT(name), "Unique name, for logs, events and metrics.")
            ),
            required(text<T>(
                "socket",
                SEKISHO_AT(socket),
                "Where it listens: `inet:127.0.0.1:11332`, `inet:[::1]:11332`, "
                "`inet:11332@127.0.0.1`, `unix:/run/clamav/clamav-milter.ctl` (or `local:`)."
            )),
            texts<T>(
                "services",
                SEKISHO_AT(services),
                "Whose mail it is asked about: `submission` (587, 465), `exchange` (25). Empty: "
                "both."
            ),
            choice<T>(
                "away",
                SEKISHO_AT(away),
                {"accept", "tempfail", "reject"},
                "What becomes of mail while it can't be reached, doesn't answer in time or breaks "
                "the protocol: `accept`: it is taken unseen. `tempfail`: 450, the sender tries "
                "again. `reject`: 550."
            ),
            duration<T>(
                "connect_timeout",
                SEKISHO_AT(connect_timeout),
                100ms,
                5min,
                "For the connection and the negotiation. Who can't be reached is not tried again "
                "for three seconds."
            ),
            duration<T>(
                "command_timeout",
                SEKISHO_AT(command_timeout),
                100ms,
                10min,
                "For each answer before the end of the message."
            ),
            duration<T>(
                "content_timeout",
                SEKISHO_AT(content_timeout),
                100ms,
                1h,
                "For the answer at the end of the message; anew each time that it says it is still "
                "at work. Clients wait ten minutes (RFC 5321 §4.5.3.2.6)."
            ),
            texts<T>(
                "spam_fields",
                SEKISHO_AT(spam_fields),
                "Fields by which it calls a message spam, `NAME: beginning of the value`. On "
                "submission that counts against the account (`conduct.spam_points`)."
            ),
            flag<T>(
                "spam_verdicts",
                SEKISHO_AT(spam_verdicts),
                "That it refuses, discards or holds a message after its data says that it is spam "
                "too. For filters against spam and viruses."
            ),
        }
    };
    return table;
}

#undef SEKISHO_AT

std::vector<std::pair<std::string, std::string>> faults_of(
    Milter& milter, const std::vector<Milter>& others
) {
    std::vector<std::pair<std::string, std::string>> out;
    const auto quoted = [](const std::string& text) { return "\"" + text + "\""; };
    if (milter.name.empty() ||
        std::ranges::find(others, milter.name, &Milter::name) != others.end()) {
        out.emplace_back("name", quoted(milter.name) + " is empty, or there already");
    }
    if (!place(milter)) {
        out.emplace_back(
            "socket",
            quoted(milter.socket) +
                " is not \"inet:ADDRESS:PORT\", \"inet:PORT@ADDRESS\" or "
                "\"unix:/PATH\""
        );
    }
    for (const std::string& service : milter.services) {
        if (service != "submission" && service != "exchange") {
            out.emplace_back("services", quoted(service) + " is not submission or exchange");
        }
    }
    for (const std::string& mark : milter.spam_fields) {
        const std::size_t colon = mark.find(':');
        if (colon == 0 || colon == std::string::npos) {
            out.emplace_back("spam_fields", quoted(mark) + " is not \"NAME: VALUE\"");
        }
    }
    return out;
}

}  // namespace sekisho::config
