// The part of the client session that logs in (RFC 4954): the exchange's frame around what SASL
// says.
#include "base/assert.h"
#include "base/bytes.h"
#include "smtp/client_session.h"
#include "smtp/reply.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::smtp {
namespace {

// RFC 4954 §4: a line of the exchange, with its base64.
constexpr std::size_t kLineMax = 12288;
constexpr std::size_t kCommandMax = 510;  // RFC 5321 §4.5.3.1.4, without CRLF

}  // namespace

void ClientSession::login_begun(
    std::string_view mechanism, const std::optional<std::string>& initial
) {
    SEKISHO_ASSERT(login_ && login_->step == Login::Step::Begin);
    login_.reset();
    if (mechanism.empty()) {
        std::string text = "The server offers no mechanism of AUTH that we know:";
        for (const std::string& one : offered_.mechanisms) {
            text += " " + one;
        }
        fail_session(Stage::Auth, reply(450, "4.7.0", std::move(text)), true);
        return;
    }
    std::string line = "AUTH " + std::string(mechanism);
    if (!initial) {
        command(std::move(line), Await::Auth);
        return;
    }
    // RFC 4954 §4: "=" is an empty one, and one that is too long for a command waits for "334 ".
    const std::string encoded = initial->empty() ? "=" : base64(*initial);
    if (line.size() + 1 + encoded.size() <= kCommandMax) {
        line += " " + encoded;
    } else {
        login_initial_ = *initial;
    }
    command(std::move(line), Await::Auth);
}

void ClientSession::login_answer(const std::optional<std::string>& response, std::string_view why) {
    SEKISHO_ASSERT(login_ && login_->step == Login::Step::Challenge);
    login_.reset();
    if (!response) {
        login_cancelled_ = why;
        command("*", Await::Auth);
        return;
    }
    std::string line = base64(*response);
    if (line.size() > kLineMax) {
        login_cancelled_ = "The answer is longer than a line may be";
        line = "*";
    }
    command(std::move(line), Await::Auth);
}

void ClientSession::login_believed(bool complete) {
    SEKISHO_ASSERT(login_ && login_->step == Login::Step::Success);
    login_.reset();
    if (!complete) {
        fail_session(
            Stage::Auth,
            reply(454, "4.7.0", "The server let us in without the proof that it owes"),
            true
        );
        return;
    }
    ready();
}

void ClientSession::take_auth(const Reply& reply) {
    if (!login_cancelled_.empty()) {
        // Whatever it says to "*" (501, RFC 4954 §4), it isn't believed.
        fail_session(Stage::Auth, smtp::reply(454, "4.7.0", "Login: " + login_cancelled_), true);
        return;
    }
    if (reply.code == 235) {
        login_ = Login{Login::Step::Success, {}};
        return;
    }
    if (reply.code != 334) {
        fail_session(Stage::Auth, reply, false);
        return;
    }
    if (login_initial_) {
        command(base64(*std::exchange(login_initial_, std::nullopt)), Await::Auth);
        return;
    }
    auto challenge = unbase64(trim(reply.lines.empty() ? std::string_view() : reply.lines.front()));
    if (!challenge) {
        login_cancelled_ = "the challenge is not base64";
        command("*", Await::Auth);
        return;
    }
    login_ = Login{Login::Step::Challenge, std::move(*challenge)};
}

}  // namespace sekisho::smtp
