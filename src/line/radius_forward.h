// The proxy in front of the operator's own accounting server (RFC 2866 §2.3): each request goes on
// with our Proxy-State and the server's secret, and the server's answer is what the NAS gets. No
// socket and no clock: requests, answers and time in; what to send out.
//
// Servers are asked in their order. One that doesn't answer in time is left for the next; one that
// has not answered three times running is left alone for a while. When none answers, the NAS gets
// no answer, and repeats.
#pragma once

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "line/radius_packet.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::line {

// The request as it is sent on. Invalid: there is no room for another Proxy-State.
[[nodiscard]] Result<std::string> forwarded_request(
    std::string_view packet, std::uint8_t id, std::string_view proxy_state, std::string_view secret
);
// Whether the bytes are the server's answer to `sent`, a request as it was sent on.
[[nodiscard]] bool answers(
    std::string_view response, std::string_view sent, std::string_view secret
);
// What the NAS gets of it: its attributes, the Proxy-States those of the NAS's request.
[[nodiscard]] std::string returned_response(
    std::string_view response, const AccountingRequest& request, std::string_view client_secret
);

class AccountingForwarder {
  public:
    struct Options {
        std::vector<Endpoint> servers;
        std::string secret;  // shared with each
        Duration timeout{2000};
        Duration rest{30'000};  // of a server that doesn't answer
    };
    struct Counters {
        std::uint64_t forwarded = 0, answered = 0;
        std::uint64_t timeouts = 0;     // of one server; the next was asked
        std::uint64_t given_up = 0;     // no server answered
        std::uint64_t bad_answers = 0;  // from another address, late, or with another secret
    };
    using Answer = std::function<void(std::string bytes)>;
    struct Request {
        std::string packet;  // authentic, as the NAS sent it
        AccountingRequest read;
        Endpoint from;
        std::string secret;  // of the NAS
        Answer answer;       // called once at the most, from response()
    };
    struct Send {
        std::size_t server = 0;
        std::string bytes;
    };

    explicit AccountingForwarder(Options options);

    // Nothing: a repetition of what is under way, or no server is to be asked now.
    [[nodiscard]] std::optional<Send> forward(Request request, Time now);
    void response(std::size_t server, std::string_view bytes, Time now);
    // What has waited too long goes to the next server.
    [[nodiscard]] std::vector<Send> tick(Time now);

    [[nodiscard]] const Options& options() const { return options_; }
    [[nodiscard]] const Counters& counters() const { return counters_; }
    [[nodiscard]] bool is_resting(std::size_t server, Time now) const {
        return servers_[server].rests_until > now;
    }

  private:
    struct Waiting {
        Request request;
        std::string sent;
        Time until{};
    };
    struct Server {
        std::array<std::unique_ptr<Waiting>, 256> waiting;  // by id
        std::uint8_t next_id = 0;
        unsigned silent = 0;  // times running
        Time rests_until{};
    };
    [[nodiscard]] bool is_under_way(const Request& request) const;
    // Asks the first of the servers from `first` on that may be asked.
    [[nodiscard]] std::optional<Send> ask(Request request, std::size_t first, Time now);
    [[nodiscard]] static std::optional<std::uint8_t> free_id(Server& server);

    Options options_;
    std::vector<Server> servers_;
    Counters counters_;
};

}  // namespace sekisho::line
