#include "delivery/outcome.h"

#include "base/time.h"
#include "message/dsn.h"
#include "queue/spool.h"
#include "smtp/client_session.h"

#include <string>

namespace sekisho::delivery {

using smtp::Stage;

Decision decide(const Tried& tried, bool last) {
    const smtp::Reply& reply = tried.reply;
    if (reply.positive() && tried.stage == Stage::EndOfData) {
        return Decision::Delivered;
    }
    const bool session = tried.stage < Stage::Mail;
    if (session) {
        if (!last) {
            return Decision::NextHost;
        }
        // A greeting of 5yz is mostly a block list's or an overload's, and passes; 521 says that
        // the host never takes mail (RFC 7504 §4). EHLO refused for good is about who we are.
        const bool final_word =
            !tried.local && reply.permanent() &&
            (tried.stage == Stage::Hello || (tried.stage == Stage::Greeting && reply.code == 521));
        return final_word ? Decision::Bounce : Decision::Defer;
    }
    if (reply.permanent()) {
        return lacking(tried) && !last ? Decision::NextHost : Decision::Bounce;
    }
    return last || tried.stage == Stage::EndOfData ? Decision::Defer : Decision::NextHost;
}

bool lacking(const Tried& tried) {
    return tried.local && tried.stage == Stage::Mail && tried.reply.permanent();
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
