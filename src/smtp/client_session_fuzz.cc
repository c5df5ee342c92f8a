// A server that says anything. Octet 0: options; octet 1: the size of the reads; the rest are the
// server's bytes. Every message must end with one outcome for each recipient.
#include "base/assert.h"
#include "smtp/client_session.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace {

using sekisho::smtp::ClientSession;

struct Shell {
    ClientSession& session;
    std::uint8_t bits;
    unsigned given = 0, finished = 0;
    bool closed = false;

    void give() {
        sekisho::smtp::OutgoingMessage message;
        message.reverse_path = "u@me.example";
        message.recipients = {{"a@x", "", ""}, {"b@x", "NEVER", "rfc822;b@x"}};
        message.bytes = std::make_shared<const std::string>("Subject: x\r\n\r\n.body\r\n");
        ++given;
        session.deliver(std::move(message));
    }

    void drive() {
        for (int steps = 0; steps < 100000; ++steps) {
            ClientSession::Action action = session.next();
            if (auto* done = std::get_if<ClientSession::Finished>(&action)) {
                SEKISHO_ASSERT(done->outcome.recipients.size() == 2);
                SEKISHO_ASSERT(done->outcome.recipients[0].address == "a@x");
                SEKISHO_ASSERT(done->outcome.recipients[1].reply.code >= 200);
                ++finished;
            } else if (std::holds_alternative<ClientSession::StartTls>(action)) {
                session.tls_started((bits & 8U) != 0, "no");
            } else if (const auto* login = std::get_if<ClientSession::Login>(&action)) {
                using Step = ClientSession::Login::Step;
                if (login->step == Step::Begin) {
                    session.login_begun((bits & 16U) != 0 ? "LOGIN" : "", std::nullopt);
                } else if (login->step == Step::Success) {
                    session.login_believed((bits & 32U) != 0);
                } else if (login->challenge.size() % 2 == 0) {
                    session.login_answer("word");
                } else {
                    session.login_answer(std::nullopt, "odd");
                }
            } else if (std::holds_alternative<ClientSession::Ready>(action)) {
                if (given < 3) {
                    give();
                } else {
                    session.quit();
                }
            } else if (std::holds_alternative<ClientSession::Close>(action)) {
                closed = true;
                return;
            } else if (std::holds_alternative<ClientSession::Read>(action)) {
                return;
            }
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
    ClientOptions options{.hostname = "me.example"};
    options.lmtp = (data[0] & 1U) != 0;
    options.prefer_chunking = (data[0] & 2U) != 0;
    options.tls =
        (data[0] & 4U) != 0 ? ClientOptions::Tls::Required : ClientOptions::Tls::Opportunistic;
    options.login = (data[0] & 64U) != 0;
    options.login_in_plain = (data[0] & 128U) != 0;
    ClientSession session(options);
    Shell shell{session, data[0]};
    shell.give();
    shell.drive();
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
    const std::size_t step = 1 + data[1];
    for (std::size_t at = 0; at < bytes.size() && !shell.closed; at += step) {
        session.receive(bytes.substr(at, step));
        shell.drive();
    }
    session.lost("end of input");
    shell.drive();
    SEKISHO_ASSERT(shell.closed && shell.given == shell.finished);
    return 0;
}
