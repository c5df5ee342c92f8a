#include "delivery/smtp_client.h"

#include "account/sasl.h"
#include "account/sasl_client.h"
#include "base/bytes.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "net/callback.h"
#include "net/stream.h"
#include "net/task.h"
#include "net/workers.h"
#include "smtp/client_session.h"
#include "smtp/reply.h"

#include <array>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace sekisho::delivery {
namespace {

using smtp::ClientSession;

// RFC 5321 §4.5.3.2.5: a block of data.
constexpr Duration kWriteTimeout{180'000};
constexpr Duration kTlsTimeout{60'000};
// After a write failed: how long the server's last words are waited for.
constexpr Duration kLastWords{5'000};

std::vector<smtp::RecipientOutcome> all_of(
    const std::vector<smtp::OutgoingRecipient>& recipients,
    smtp::Stage stage,
    const smtp::Reply& reply
) {
    std::vector<smtp::RecipientOutcome> result;
    for (const smtp::OutgoingRecipient& to : recipients) {
        smtp::RecipientOutcome outcome;
        outcome.address = to.address;
        outcome.stage = stage;
        outcome.reply = reply;
        outcome.local = true;
        result.push_back(std::move(outcome));
    }
    return result;
}

class Conversation final : public Connection, public std::enable_shared_from_this<Conversation> {
  public:
    Conversation(std::unique_ptr<net::Stream> stream, Peer peer, SendOptions options)
        : stream_(std::move(stream)),
          peer_(std::move(peer)),
          options_(std::move(options)),
          session_(session_options(options_)) {}

    net::Task<Attempt> send(smtp::OutgoingMessage message, bool keep) override {
        const auto self = shared_from_this();
        const bool used_before = messages_++ > 0;
        const std::vector<smtp::OutgoingRecipient> recipients = message.recipients;
        attempt_.recipients.clear();
        attempt_.dsn_offered = false;
        session_.deliver(std::move(message));
        if (options_.implicit_tls && !used_before) {
            co_await start_implicit_tls();
        }
        const bool open = co_await converse(keep);
        if (attempt_.recipients.empty()) {
            const smtp::Reply lost = smtp::reply(451, "4.4.2", "The session ended early");
            attempt_.recipients =
                all_of(recipients, session_.stage(), session_.failure().value_or(lost));
        }
        // Before the data nothing can have been taken.
        attempt_.stale = used_before && session_.failure().has_value() &&
                         session_.stage() < smtp::Stage::EndOfData;
        Attempt result = attempt_;
        if (open) {
            result.connection = self;
        } else {
            co_await end();
        }
        co_return result;
    }

    net::Task<void> quit() override {
        const auto self = shared_from_this();
        session_.quit();
        co_await converse(false);
        co_await end();
    }

    [[nodiscard]] std::size_t messages() const override { return messages_; }
    [[nodiscard]] const Peer& peer() const override { return peer_; }
    [[nodiscard]] net::Executor executor() const override { return stream_->executor(); }

  private:
    // Until the session is at its end (false), or ready for another message and to be kept (true).
    net::Task<bool> converse(bool keep) {
        while (true) {
            ClientSession::Action action = session_.next();
            if (auto* send = std::get_if<ClientSession::Send>(&action)) {
                co_await write(send->bytes);
            } else if (std::holds_alternative<ClientSession::Read>(action)) {
                co_await read(session_.reply_timeout());
            } else if (std::holds_alternative<ClientSession::StartTls>(action)) {
                co_await start_tls();
            } else if (auto* login = std::get_if<ClientSession::Login>(&action)) {
                co_await log_in(std::move(*login));
            } else if (auto* finished = std::get_if<ClientSession::Finished>(&action)) {
                attempt_.recipients = std::move(finished->outcome.recipients);
                attempt_.dsn_offered = session_.offered().dsn;
                attempt_.by_offered = session_.offered().deliver_by;
            } else if (std::holds_alternative<ClientSession::Ready>(action)) {
                if (keep) {
                    co_return true;
                }
                session_.quit();
            } else {
                co_return false;
            }
        }
    }

    net::Task<void> end() {
        co_await stream_->shutdown();
        stream_->close();
    }

    static smtp::ClientOptions session_options(const SendOptions& options) {
        smtp::ClientOptions result;
        result.hostname = options.hostname;
        result.lmtp = options.lmtp;
        result.prefer_chunking = options.chunking;
        result.eight_bit_anyway = options.eight_bit_anyway;
        result.tls_running = options.implicit_tls;
        result.login = options.login.has_value();
        result.login_in_plain = options.login_without_tls;
        using Tls = smtp::ClientOptions::Tls;
        if (options.tls_required) {
            result.tls = Tls::Required;
        } else {
            result.tls = options.tls ? Tls::Opportunistic : Tls::Never;
        }
        return result;
    }

    net::Task<void> write(std::string bytes) {
        stream_->expires_after(kWriteTimeout);
        const Status written = co_await stream_->write_all(bytes);
        if (!written) {
            // The server may have said why before it went.
            co_await read(kLastWords);
            session_.lost(written.error().message);
        }
    }

    net::Task<void> read(Duration timeout) {
        stream_->expires_after(timeout);
        const auto got = co_await stream_->read_some(buffer_);
        if (got) {
            session_.receive({buffer_.data(), *got});
        } else {
            session_.lost(got.error().message);
        }
    }

    // RFC 8314 §3.3. What fails ends the session before it began.
    net::Task<void> start_implicit_tls() {
        const Status secured = co_await handshake();
        if (!secured) {
            session_.lost("TLS handshake failed: " + secured.error().message);
        }
    }

    net::Task<void> start_tls() {
        const Status secured = co_await handshake();
        session_.tls_started(secured.has_value(), secured ? "" : secured.error().message);
    }

    net::Task<Status> handshake() {
        stream_->expires_after(kTlsTimeout);
        attempt_.tls_tried = true;
        std::string name = options_.tls_name.empty() ? peer_.name : options_.tls_name;
        const Status secured = co_await stream_->start_tls_client(options_.tls, std::move(name));
        if (secured) {
            const auto info = stream_->tls().value_or(net::TlsInfo{});
            attempt_.tls_fault = info.fault;
            attempt_.tls = info.version + " " + info.cipher + ", ";
            if (!options_.tls_proof.empty()) {
                attempt_.tls += options_.tls_proof;
            } else {
                attempt_.tls += info.peer_verified ? "trusted" : "not verified";
            }
        } else {
            attempt_.tls_failed = true;
            attempt_.tls_error = secured.error().message;
        }
        co_return secured;
    }

    // What SASL has to say next (RFC 4954).
    net::Task<void> log_in(ClientSession::Login login) {
        using Step = ClientSession::Login::Step;
        if (login.step == Step::Begin) {
            begin_login();
        } else if (login.step == Step::Success) {
            session_.login_believed(sasl_->complete());
        } else {
            std::function<Result<std::string>()> work =
                [sasl = sasl_, challenge = login.challenge] { return sasl->step(challenge); };
            auto answer =
                co_await net::run_on<Result<std::string>>(*options_.workers, std::move(work));
            if (answer) {
                session_.login_answer(*answer);
            } else {
                session_.login_answer(std::nullopt, answer.error().message);
            }
        }
    }

    void begin_login() {
        account::ChannelBindings bindings;
        constexpr const char* kExporter = "tls-exporter";
        if (auto bytes = stream_->channel_binding(kExporter)) {
            bindings[kExporter] = std::move(*bytes);
        }
        constexpr int nonce_bits = 144;
        const auto mechanism = account::choose_mechanism(session_.offered().mechanisms, bindings);
        if (!mechanism) {
            session_.login_begun("", std::nullopt);
            return;
        }
        sasl_ = account::SaslClient::make(
            *mechanism, *options_.login, random_token(nonce_bits), bindings
        );
        session_.login_begun(account::name(*mechanism), sasl_->start());
    }

    std::unique_ptr<net::Stream> stream_;
    Peer peer_;
    SendOptions options_;
    ClientSession session_;
    std::shared_ptr<account::SaslClient> sasl_;  // from Begin on
    Attempt attempt_;
    std::size_t messages_ = 0;
    std::array<char, 4096> buffer_{};
};

net::Task<Attempt> once(
    std::unique_ptr<net::Stream> stream,
    Peer peer,
    SendOptions options,
    smtp::OutgoingMessage message
) {
    const bool keep = options.keep;
    auto conversation =
        std::make_shared<Conversation>(std::move(stream), std::move(peer), std::move(options));
    Attempt attempt = co_await conversation->send(std::move(message), keep);
    co_return attempt;
}

net::Task<Result<std::unique_ptr<net::Stream>>> connect_again(
    net::Executor executor, Peer peer, Duration timeout
) {
    Result<std::unique_ptr<net::Stream>> stream;
    if (peer.socket_path.empty()) {
        stream = co_await net::connect(executor, peer.endpoint, peer.from, timeout);
    } else {
        stream = co_await net::connect_unix(executor, peer.socket_path, timeout);
    }
    co_return stream;
}

using Done = std::function<void(Attempt)>;

// `done` is called whatever happens: somebody waits for it.
net::Task<void> send_and_tell(
    std::shared_ptr<Connection> connection,
    std::shared_ptr<smtp::OutgoingMessage> message,
    bool keep,
    Done done
) {
    const std::vector<smtp::OutgoingRecipient> recipients = message->recipients;
    Attempt attempt;
    try {
        attempt = co_await connection->send(std::move(*message), keep);
    } catch (const std::exception& error) {
        const smtp::Reply reply = smtp::reply(451, "4.3.0", "Internal error");
        attempt = {};
        attempt.recipients = all_of(recipients, smtp::Stage::EndOfData, reply);
        log::error(
            "DELIVERY_FAILED_INSIDE", "a try ended with an exception", {{"error", error.what()}}
        );
    }
    done(std::move(attempt));
}

}  // namespace

std::string Peer::text() const {
    if (!socket_path.empty()) {
        return socket_path;
    }
    const std::string address = endpoint.address.text();
    const std::string shown = name == address ? "" : name;
    return shown + "[" + address + "]:" + std::to_string(endpoint.port);
}

Attempt not_reached(const std::vector<smtp::OutgoingRecipient>& recipients, const Error& error) {
    Attempt attempt;
    // RFC 3463 §3.5: no answer from host.
    const smtp::Reply reply = smtp::reply(451, "4.4.1", error.message);
    attempt.recipients = all_of(recipients, smtp::Stage::Connect, reply);
    return attempt;
}

net::Task<Attempt> send_message(
    std::unique_ptr<net::Stream> stream,
    Peer peer,
    SendOptions options,
    smtp::OutgoingMessage message
) {
    const net::Executor executor = stream->executor();
    Attempt attempt = co_await once(std::move(stream), peer, options, message);
    // A failed handshake, and all else that a server does wrong with STARTTLS: plain words behind
    // its answer, the end of the connection.
    if (attempt.tls_error.empty() && !attempt.recipients.empty() &&
        attempt.recipients.front().stage == smtp::Stage::StartTls) {
        attempt.tls_error = attempt.recipients.front().reply.text();
    }
    const bool at_tls =
        !attempt.recipients.empty() && attempt.recipients.front().stage == smtp::Stage::StartTls;
    if (!options.tls || options.tls_required || options.implicit_tls ||
        (!attempt.tls_failed && !at_tls)) {
        co_return attempt;
    }
    log::info(
        "DELIVERY_TLS_FAILED",
        "STARTTLS failed; going on without",
        {{"peer", peer.text()}, {"error", attempt.recipients.front().reply.text()}}
    );
    const bool tried = attempt.tls_tried;
    std::string why = std::move(attempt.tls_error);
    options.tls = nullptr;
    // Not for another message, which may have better luck with TLS.
    options.keep = false;
    auto again = co_await connect_again(executor, peer, options.connect_timeout);
    if (again) {
        attempt = co_await once(std::move(*again), peer, std::move(options), std::move(message));
    } else {
        attempt = not_reached(message.recipients, again.error());
    }
    attempt.tls_failed = true;
    attempt.tls_tried = tried;
    attempt.tls_error = std::move(why);
    co_return attempt;
}

net::Task<Attempt> send_again(
    std::shared_ptr<Connection> connection, smtp::OutgoingMessage message, bool keep
) {
    auto kept = std::make_shared<smtp::OutgoingMessage>(std::move(message));
    std::function<void(Done)> begin = [connection, kept, keep](Done done) {
        net::spawn(
            connection->executor(),
            send_and_tell(connection, kept, keep, std::move(done)),
            "a message over a kept connection"
        );
    };
    Attempt attempt = co_await net::from_callback<Attempt>(std::move(begin));
    co_return attempt;
}

}  // namespace sekisho::delivery
