#include "delivery/outcome.h"

#include "base/time.h"
#include "message/dsn.h"
#include "queue/retry.h"
#include "queue/spool.h"
#include "replies/table.h"
#include "smtp/client_session.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

namespace sekisho::delivery {

using smtp::Stage;

namespace {

replies::Treat treat_of(const Tried& tried) {
    return tried.local ? replies::Treat::AsSaid : tried.meaning.kind.treat;
}

}  // namespace

void classify(Tried& tried) {
    if (tried.reply.code == 0 || tried.reply.positive() || !tried.meaning.rule.empty()) {
        return;
    }
    const std::string said = tried.reply.text();
    const std::string_view host = tried.local ? std::string_view{} : tried.remote_name;
    tried.meaning = replies::in_use()->find({.reply = said, .host = host});
}

Decision decide(const Tried& tried, bool last) {
    const smtp::Reply& reply = tried.reply;
    if (reply.positive() && tried.stage == Stage::EndOfData) {
        return Decision::Delivered;
    }
    using replies::Treat;
    const Treat treat = treat_of(tried);
    const bool permanent = treat == Treat::Return || (reply.permanent() && treat != Treat::Later);
    const bool session = tried.stage < Stage::Mail;
    if (session) {
        if (!last) {
            return Decision::NextHost;
        }
        // A greeting of 5yz is mostly a block list's or an overload's, and passes; 521 says that
        // the host never takes mail (RFC 7504 §4). EHLO refused for good is about who we are.
        const bool final_word = !tried.local && permanent &&
                                (treat == Treat::Return || tried.stage == Stage::Hello ||
                                 (tried.stage == Stage::Greeting && reply.code == 521));
        return final_word ? Decision::Bounce : Decision::Defer;
    }
    if (permanent) {
        return lacking(tried) && !last ? Decision::NextHost : Decision::Bounce;
    }
    return last || tried.stage == Stage::EndOfData ? Decision::Defer : Decision::NextHost;
}

Duration bounded_wait(
    Duration wait, const replies::Kind& kind, int attempts, std::uint64_t random
) {
    constexpr int kFirstTries = 6;
    Duration bounded = wait;
    if (kind.wait_max > Duration{0} && attempts <= kFirstTries) {
        bounded = std::min(bounded, kind.wait_max);
    }
    bounded = std::max(bounded, kind.wait_min);
    if (bounded == wait) {
        return wait;
    }
    // Those that were put off together don't come back together.
    queue::RetrySchedule one;
    one.waits = {bounded};
    return queue::retry_wait(one, 1, random);
}

bool lacking(const Tried& tried) {
    return tried.local && tried.stage == Stage::Mail && tried.reply.permanent();
}

bool asks_to_slow_down(const Tried& tried) {
    constexpr int kClosing = 421;
    return !tried.local && tried.reply.code / 100 == 4 &&
           (tried.reply.code == kClosing || tried.meaning.kind.name == "rate");
}

Settled settle(const Tried& tried, Time now, Time expires) {
    using message::DsnAction;
    using message::status_of_reply;
    Settled result;
    result.reply = tried.reply.text();
    if (tried.put_back) {
        return result;
    }
    switch (decide(tried, true)) {
        case Decision::Delivered:
            result.state = queue::RecipientState::Delivered;
            result.status = status_of_reply(result.reply, DsnAction::Delivered);
            return result;
        case Decision::Bounce:
            result.state = queue::RecipientState::Bounced;
            result.status = status_of_reply(result.reply, DsnAction::Failed);
            result.status.front() = '5';  // we give up, whatever the server meant to do
            return result;
        case Decision::NextHost:
        case Decision::Defer:
            break;
    }
    if (now < expires) {
        result.status = status_of_reply(result.reply, DsnAction::Delayed);
        return result;
    }
    result.state = queue::RecipientState::Bounced;
    result.expired = true;
    result.status = "4.4.7";  // RFC 3463 §3.5: delivery time expired
    return result;
}

}  // namespace sekisho::delivery
