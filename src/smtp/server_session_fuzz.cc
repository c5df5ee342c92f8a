// A whole session. Octet 0: service, TLS and the answers of the shell; octet 1: the size of the
// reads; the rest is what the client sends.
#include "base/assert.h"
#include "smtp/command.h"
#include "smtp/reply.h"
#include "smtp/server_session.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace {

using sekisho::smtp::reply;
using sekisho::smtp::ServerSession;

struct Shell {
    ServerSession& session;
    std::uint8_t bits;
    unsigned questions = 0;
    bool closed = false;
    bool authenticated = false;

    bool yes() { return ((bits >> (questions++ % 5U)) & 4U) != 0 || questions % 7 != 0; }

    void perform(ServerSession::Action& action) {
        if (std::holds_alternative<ServerSession::StartTls>(action)) {
            session.tls_started(yes());
        } else if (std::holds_alternative<ServerSession::Authenticate>(action) ||
                   std::holds_alternative<ServerSession::AuthContinue>(action)) {
            SEKISHO_ASSERT(session.tls());
            if (questions % 3 == 0) {
                ++questions;
                session.auth_challenge("challenge");
            } else if (yes()) {
                authenticated = true;
                session.auth_accepted("user");
            } else {
                session.auth_refused(reply(535, "5.7.8", "no"));
            }
        } else if (std::holds_alternative<ServerSession::TakeClient>(action)) {
            authenticated = false;
            session.client_taken(std::nullopt);
        } else if (!std::holds_alternative<ServerSession::AuthCancelled>(action)) {
            SEKISHO_ASSERT(
                session.options().service == sekisho::smtp::Service::Exchange || authenticated
            );
            if (auto* mail = std::get_if<ServerSession::Deliver>(&action)) {
                SEKISHO_ASSERT(!mail->transaction.recipients.empty());
                const bool lines = mail->transaction.mail.body != sekisho::smtp::Body::Binary;
                SEKISHO_ASSERT(lines || mail->chunked);
                SEKISHO_ASSERT(!lines || mail->message.find('\0') == std::string::npos);
                SEKISHO_ASSERT(!lines || mail->message.empty() || mail->message.ends_with("\r\n"));
            }
            session.answer(yes() ? reply(250, "2.0.0", "Ok") : reply(450, "4.7.1", "no"));
        }
    }

    void drive() {
        for (int steps = 0; steps < 100000; ++steps) {
            ServerSession::Action action = session.next();
            if (std::holds_alternative<ServerSession::Read>(action)) {
                return;
            }
            if (std::holds_alternative<ServerSession::Close>(action)) {
                closed = true;
                return;
            }
            if (auto* send = std::get_if<ServerSession::Send>(&action)) {
                SEKISHO_ASSERT(send->bytes.ends_with("\r\n"));
                continue;
            }
            perform(action);
        }
        SEKISHO_ASSERT(false && "the session doesn't come to rest");
    }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace sekisho::smtp;
    if (size < 2) {
        return 0;
    }
    ServerOptions options;
    options.hostname = "mail.example.net";
    options.service = (data[0] & 1U) != 0 ? Service::Submission : Service::Exchange;
    options.implicit_tls = (data[0] & 2U) != 0;
    options.message_size_max = 300;
    options.line_length_max = 80;
    options.mechanisms = {"PLAIN", "LOGIN"};
    options.binarymime = options.priority = options.require_tls = (data[0] & 4U) != 0;
    options.xclient = (data[0] & 8U) != 0;
    options.deliver_by_min = std::chrono::seconds{60};
    ServerSession session(options);
    session.start();
    Shell shell{session, data[0]};
    shell.drive();
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
    const std::size_t step = 1 + data[1];
    for (std::size_t at = 0; at < bytes.size() && !shell.closed; at += step) {
        session.receive(bytes.substr(at, step));
        shell.drive();
    }
    session.timed_out();
    shell.drive();
    SEKISHO_ASSERT(shell.closed);
    return 0;
}
