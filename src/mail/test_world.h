// For the tests of the mail role: a running server on 127.0.0.1 with accounts, a journal and a
// spool in memory or real, and a client that speaks line by line.
#pragma once

#include "account/account.h"
#include "account/password.h"
#include "base/bytes.h"
#include "base/result.h"
#include "conduct/login_memory.h"
#include "config/config.h"
#include "dkim/sign.h"
#include "event/event.h"
#include "limit/memory.h"
#include "line/memory_store.h"
#include "mail/server.h"
#include "net/resolver.h"
#include "net/server.h"
#include "net/stream.h"
#include "net/tls.h"
#include "net/wait.h"
#include "policy/policy.h"
#include "queue/spool.h"

#include <chrono>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace sekisho::mail::test {

class MemoryAccounts final : public account::AccountStore {
  public:
    Result<account::Account> find(std::string_view login) override {
        const std::scoped_lock lock(mutex_);
        if (away) {
            return fail(Errc::Unavailable, "the database is away");
        }
        const auto at = accounts_.find(std::string(login));
        if (at == accounts_.end()) {
            return fail(Errc::NotFound, "no such account");
        }
        return at->second;
    }
    Result<account::Account> find_by_address(std::string_view address) override {
        const std::scoped_lock lock(mutex_);
        if (away) {
            return fail(Errc::Unavailable, "the database is away");
        }
        for (const auto& [login, one] : accounts_) {
            for (const std::string& have : one.addresses) {
                if (have == address) {
                    return one;
                }
            }
        }
        return fail(Errc::NotFound, "no such address");
    }
    Result<std::vector<account::Account>> list() override {
        return std::vector<account::Account>{};
    }
    Status add(const account::Account& account) override { return update(account); }
    Status update(const account::Account& account) override {
        const std::scoped_lock lock(mutex_);
        accounts_[account.login] = account;
        return {};
    }
    Status remove(std::string_view login) override {
        const std::scoped_lock lock(mutex_);
        accounts_.erase(std::string(login));
        return {};
    }
    Result<account::BatchResult> add_all(
        std::span<const account::Account> /*accounts*/, const account::BatchOptions& /*options*/
    ) override {
        return fail(Errc::Unavailable, "the mail server imports nothing");
    }
    Status replace_credential(
        std::string_view login, std::string_view before, const account::Credential& credential
    ) override {
        const std::scoped_lock lock(mutex_);
        account::Account& one = accounts_[std::string(login)];
        if (one.credential.hash != before) {
            return fail(Errc::Conflict, "changed since");
        }
        one.credential = credential;
        return {};
    }
    Status add_app_password(std::string_view login, const account::AppPassword& password) override {
        const std::scoped_lock lock(mutex_);
        accounts_[std::string(login)].app_passwords.push_back(password);
        return {};
    }
    Status set_time_zone(std::string_view login, std::string_view zone) override {
        const std::scoped_lock lock(mutex_);
        accounts_[std::string(login)].time_zone = zone;
        return {};
    }
    Status set_stays_home(std::string_view login, bool stays_home) override {
        const std::scoped_lock lock(mutex_);
        accounts_[std::string(login)].stays_home = stays_home;
        return {};
    }
    Status remove_app_password(std::string_view login, std::string_view /*name*/) override {
        const std::scoped_lock lock(mutex_);
        accounts_[std::string(login)].app_passwords.clear();
        return {};
    }
    Status app_password_used(
        std::string_view login, std::string_view name, Time at, std::string_view address
    ) override {
        const std::scoped_lock lock(mutex_);
        for (account::AppPassword& one : accounts_[std::string(login)].app_passwords) {
            if (one.name == name) {
                one.last_used = at;
                one.last_address = address;
            }
        }
        return {};
    }
    bool away = false;

  private:
    std::mutex mutex_;
    std::map<std::string, account::Account> accounts_;
};

class MemoryJournal final : public event::Journal {
  public:
    void append(event::Event event) override {
        const std::scoped_lock lock(mutex_);
        events_.push_back(std::move(event));
    }
    Status flush() override { return {}; }
    Result<std::vector<event::Event>> find(const event::Query&) override { return all(); }
    Result<std::vector<std::pair<event::Kind, std::int64_t>>> totals(Time) override {
        return std::vector<std::pair<event::Kind, std::int64_t>>{};
    }
    std::vector<event::Event> all() {
        const std::scoped_lock lock(mutex_);
        return events_;
    }
    std::vector<event::Event> of(event::Kind kind) {
        std::vector<event::Event> out;
        for (event::Event& one : all()) {
            if (one.kind == kind) {
                out.push_back(std::move(one));
            }
        }
        return out;
    }

  private:
    std::mutex mutex_;
    std::vector<event::Event> events_;
};

// Keeps what it is given; can fail, and can hold its answer back.
class MemorySpool final : public queue::Spool {
  public:
    struct Message {
        queue::Envelope envelope;
        std::string bytes;
    };
    std::string reserve_id() override {
        const std::scoped_lock lock(mutex_);
        return "Q" + std::to_string(++last_);
    }
    void append(queue::Envelope envelope, std::string message, Committed done) override {
        const std::scoped_lock lock(mutex_);
        const auto finish = [this, envelope, message, done] {
            if (error) {
                done(fail(*error));
                return;
            }
            messages.push_back({envelope, message});
            done(envelope.queue_id);
        };
        if (hold_back) {
            held_.push_back(finish);
        } else {
            finish();
        }
    }
    [[nodiscard]] bool holds() {
        const std::scoped_lock lock(mutex_);
        return !held_.empty();
    }
    void let_go() {
        const std::scoped_lock lock(mutex_);
        for (const auto& one : std::exchange(held_, {})) {
            one();
        }
    }
    std::vector<Message> kept() {
        const std::scoped_lock lock(mutex_);
        return messages;
    }
    std::optional<queue::Entry> take_due(Time) override { return std::nullopt; }
    std::optional<Time> next_due() override { return std::nullopt; }
    void on_wake(std::function<void()>) override {}
    Result<std::string> message(std::string_view) override { return fail(Errc::NotFound, "none"); }
    void finish(std::string_view, const queue::Outcome&, std::function<void(Status)> done)
        override {
        done({});
    }
    std::vector<queue::Entry> list(std::size_t) override { return {}; }
    Result<queue::Entry> show(std::string_view) override { return fail(Errc::NotFound, "none"); }
    Status retry_now(std::string_view, Time) override { return {}; }
    Status hold(std::string_view, std::string) override { return {}; }
    Status release(std::string_view, Time) override { return {}; }
    Status drop(std::string_view) override { return {}; }
    Counters counters() const override { return {}; }

    std::optional<Error> error;
    bool hold_back = false;
    std::vector<Message> messages;

  private:
    std::mutex mutex_;
    int last_ = 0;
    std::vector<std::function<void()>> held_;
};

// Asks again for up to 20 s; the tests assert what came out, never how long it took.
inline bool eventually(const std::function<bool()>& condition) {
    for (int i = 0; i < 2000 && !condition(); ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return condition();
}

class Client {
  public:
    Client(net::Loops& loops, const Endpoint& to) : executor_(loops.executor(0)) {
        auto connected = net::wait_for(
            executor_, net::connect(executor_, to, std::nullopt, std::chrono::seconds(20))
        );
        EXPECT_TRUE(connected) << connected.error().message;
        if (connected) {
            stream_ = std::move(*connected);
            stream_->expires_after(std::chrono::seconds(60));
        }
    }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    ~Client() { close(); }

    void close() {
        if (stream_) {
            net::wait_for(executor_, close(std::move(stream_)));
        }
    }
    void write(std::string bytes) {
        static_cast<void>(net::wait_for(executor_, stream_->write_all(bytes)));
    }
    // One whole reply, lines joined with '\n'; "<closed>" at the end.
    std::string reply() {
        std::string out;
        while (true) {
            const std::size_t end = input_.find("\r\n");
            if (end == std::string::npos) {
                std::string buffer(4096, '\0');
                const auto got = net::wait_for(executor_, stream_->read_some(buffer));
                if (!got) {
                    return out + "<closed>";
                }
                input_ += buffer.substr(0, *got);
                continue;
            }
            const std::string line = input_.substr(0, end);
            input_.erase(0, end + 2);
            out += (out.empty() ? "" : "\n") + line;
            if (line.size() < 4 || line[3] == ' ') {
                return out;
            }
        }
    }
    std::string say(const std::string& line) {
        write(line + "\r\n");
        return reply();
    }
    bool tls() {
        auto context = net::TlsContext::client_opportunistic();
        if (!context) {
            return false;
        }
        return net::wait_for(executor_, stream_->start_tls_client(*context, "mail.example.net"))
            .has_value();
    }
    [[nodiscard]] bool waiting() const { return !input_.empty() || stream_->input_waiting(); }

  private:
    static net::Task<void> close(std::unique_ptr<net::Stream> stream) {
        stream->close();
        co_return;
    }
    net::Executor executor_;
    std::unique_ptr<net::Stream> stream_;
    std::string input_;
};

class MailTest : public ::testing::Test {
  protected:
    MailTest() : loops(net::Loops::make(2)), workers(net::Workers::make(2)) {
        loops->run();
        config.mail.hostname = "mail.example.net";
        config.mail.domains = {"example.net"};
        config.mail.submission = {loopback()};
        config.mail.submissions = {loopback()};
        config.mail.exchange = {loopback()};
        config.provider.guide_url = "https://guide.example.net";
        config.provider.support_mail = "support@example.net";
        add("taro@example.net", {"taro@example.net", "yamada@example.net"});
        add("support@example.net", {"support@example.net"});
        policy = policy::Policy::compile({}).value();
    }
    ~MailTest() override {
        server.reset();
        loops->stop();
        workers.reset();
    }
    static Endpoint loopback(std::uint16_t port = 0) { return {IpAddress::v4(0x7F000001), port}; }

    void add(const std::string& login, std::vector<std::string> addresses) {
        account::Account one;
        one.login = login;
        one.addresses = std::move(addresses);
        one.line = "line-of-" + login;
        one.credential = account::make_credential("correct horse", account::kTestHash).value();
        EXPECT_TRUE(accounts.add(one));
    }
    static std::shared_ptr<const net::TlsContext> certificate() {
        static const std::shared_ptr<const net::TlsContext> kContext = [] {
            const std::string folder = ::testing::TempDir() + random_token(40);
            EXPECT_TRUE(
                net::make_self_signed(folder + ".pem", folder + ".key", {"mail.example.net"}, 2)
            );
            return net::TlsContext::server(folder + ".pem", folder + ".key").value();
        }();
        return kContext;
    }
    Deps deps() {
        return Deps{
            .config = config,
            .loops = *loops,
            .workers = *workers,
            .tls = certificate(),
            .accounts = accounts,
            .spool = real_spool ? *real_spool : spool,
            .journal = journal,
            .lines = lines,
            .policy = policy,
            .sasl_key = std::string(32, 'k'),
            .resolver = resolver,
            .logins = logins,
            .counters = counters,
            .signer = &signer,
            .tokens = tokens_of_test(),
            .greeting_wait = greeting_wait,
            .data_timeout = data_timeout,
            .stress_command_timeout = stress_command_timeout,
            .stress_data_timeout = stress_data_timeout,
            .null_mx_wait = null_mx_wait,
            .login_failure_wait = Duration{0},
            .account_fresh = Duration{0},
        };
    }
    void start() {
        auto started = Server::start(deps());
        ASSERT_TRUE(started) << started.error().message;
        server = std::move(*started);
    }
    [[nodiscard]] virtual std::shared_ptr<Tokens> tokens_of_test() const { return nullptr; }
    Endpoint at(std::string_view name) const {
        for (const BoundListener& one : server->listeners()) {
            if (one.name == name) {
                return one.bound;
            }
        }
        return {};
    }
    std::unique_ptr<Client> client(std::string_view name) {
        auto out = std::make_unique<Client>(*loops, at(name));
        if (name == "submissions") {
            EXPECT_TRUE(out->tls());
        }
        return out;
    }
    static std::string plain(const std::string& login, const std::string& password) {
        return "AUTH PLAIN " +
               base64(std::string("\0", 1) + login + std::string("\0", 1) + password);
    }
    // Greeted, EHLO said, and logged in where that is possible.
    std::unique_ptr<Client> ready(std::string_view name) {
        auto out = client(name);
        EXPECT_TRUE(out->reply().starts_with("220 mail.example.net"));
        out->say("EHLO pc");
        if (name == "submissions") {
            EXPECT_TRUE(out->say(plain("taro@example.net", "correct horse")).starts_with("235 "));
        }
        return out;
    }

    std::unique_ptr<net::Loops> loops;
    std::unique_ptr<net::Workers> workers;
    config::Config config;
    MemoryAccounts accounts;
    dkim::SignerHolder signer;
    MemorySpool spool;
    std::unique_ptr<queue::Spool> real_spool;
    MemoryJournal journal;
    line::MemoryLineStore lines;
    std::shared_ptr<const policy::Policy> policy;
    conduct::LoginMemory* logins = nullptr;
    limit::Memory* counters = nullptr;
    Duration greeting_wait{0};
    Duration data_timeout{180'000};
    Duration stress_command_timeout{10'000};
    Duration stress_data_timeout{30'000};
    Duration null_mx_wait{20'000};
    net::Resolver* resolver = nullptr;
    std::unique_ptr<Server> server;
};

}  // namespace sekisho::mail::test
