// For the tests of delivery: a spool, a journal and a resolver in memory, and an SMTP server that
// does what it is told.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "event/event.h"
#include "net/resolver.h"
#include "net/server.h"
#include "net/stream.h"
#include "net/task.h"
#include "net/test_support.h"
#include "net/tls.h"
#include "queue/spool.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::delivery::test {

// Keeps everything, also what is finished, for the tests to look at.
class MemorySpool final : public queue::Spool {
  public:
    struct Item {
        queue::Entry entry;
        std::string message;
        bool finished = false;
    };

    void append(queue::Envelope envelope, std::string message, Committed done) override {
        std::function<void()> wake;
        std::string id;
        bool refuse = false;
        {
            const std::scoped_lock lock(mutex_);
            refuse = refuse_appends_ > 0;
            refuse_appends_ -= refuse ? 1 : 0;
            if (!refuse) {
                id = "Q" + std::to_string(++last_);
                envelope.queue_id = id;
                Item item;
                item.entry.envelope = std::move(envelope);
                item.entry.due = now();
                item.entry.expires = now() + expire;
                item.message = std::move(message);
                order_.push_back("append " + id);
                items_[id] = std::move(item);
                wake = wake_;
            }
        }
        if (refuse) {
            done(fail(Errc::Full, "no space"));
            return;
        }
        done(id);
        if (wake) {
            wake();
        }
    }
    std::optional<queue::Entry> take_due(Time at) override {
        const std::scoped_lock lock(mutex_);
        for (auto& [id, item] : items_) {
            if (!item.finished && !item.entry.in_delivery && item.entry.due <= at) {
                item.entry.in_delivery = true;
                return item.entry;
            }
        }
        return std::nullopt;
    }
    std::optional<Time> next_due() override {
        const std::scoped_lock lock(mutex_);
        std::optional<Time> soonest;
        for (auto& [id, item] : items_) {
            if (!item.finished && !item.entry.in_delivery) {
                soonest = std::min(soonest.value_or(item.entry.due), item.entry.due);
            }
        }
        return soonest;
    }
    void on_wake(std::function<void()> wake) override {
        const std::scoped_lock lock(mutex_);
        wake_ = std::move(wake);
    }
    Result<std::string> message(std::string_view id) override {
        const std::scoped_lock lock(mutex_);
        return items_.at(std::string(id)).message;
    }
    void finish(
        std::string_view id, const queue::Outcome& outcome, std::function<void(Status)> done
    ) override {
        {
            const std::scoped_lock lock(mutex_);
            Item& item = items_.at(std::string(id));
            item.finished = true;
            for (queue::Recipient& to : item.entry.envelope.recipients) {
                for (const auto& one : outcome.recipients) {
                    if (one.address == to.address) {
                        to.state = one.state;
                        to.last_reply = one.reply;
                    }
                }
                item.finished = item.finished && to.state != queue::RecipientState::Pending;
            }
            item.entry.in_delivery = false;
            ++item.entry.attempts;
            item.entry.due = outcome.next_try.value_or(item.entry.due);
            order_.push_back("finish " + std::string(id));
        }
        done({});
    }
    void give_back(std::string_view id, Time due) override {
        const std::scoped_lock lock(mutex_);
        Item& item = items_.at(std::string(id));
        item.entry.in_delivery = false;
        item.entry.due = due;
        order_.push_back("give back " + std::string(id));
    }
    std::vector<queue::Entry> list(std::size_t /*limit*/) override { return {}; }
    Result<queue::Entry> show(std::string_view id) override { return item(id).entry; }
    Status retry_now(std::string_view id, Time at) override {
        std::function<void()> wake;
        {
            const std::scoped_lock lock(mutex_);
            items_.at(std::string(id)).entry.due = at;
            wake = wake_;
        }
        wake();
        return {};
    }
    Status hold(std::string_view /*id*/, std::string /*reason*/) override { return {}; }
    Status release(std::string_view /*id*/, Time /*at*/) override { return {}; }
    Status drop(std::string_view /*id*/) override { return {}; }
    [[nodiscard]] Counters counters() const override { return {}; }

    [[nodiscard]] Item item(std::string_view id) const {
        const std::scoped_lock lock(mutex_);
        const auto found = items_.find(std::string(id));
        return found == items_.end() ? Item{} : found->second;
    }
    [[nodiscard]] std::vector<std::string> order() const {
        const std::scoped_lock lock(mutex_);
        return order_;
    }
    void refuse_appends(int times) {
        const std::scoped_lock lock(mutex_);
        refuse_appends_ = times;
    }
    Duration expire{3'600'000};

  private:
    mutable std::mutex mutex_;
    std::map<std::string, Item> items_;
    std::vector<std::string> order_;
    std::function<void()> wake_;
    int last_ = 0;
    int refuse_appends_ = 0;
};

class MemoryJournal final : public event::Journal {
  public:
    void append(event::Event event) override {
        const std::scoped_lock lock(mutex_);
        events_.push_back(std::move(event));
    }
    Status flush() override { return {}; }
    Result<std::vector<event::Event>> find(const event::Query& /*query*/) override { return all(); }
    Result<std::vector<std::pair<event::Kind, std::int64_t>>> totals(Time /*since*/) override {
        return std::vector<std::pair<event::Kind, std::int64_t>>{};
    }
    [[nodiscard]] std::vector<event::Event> all() const {
        const std::scoped_lock lock(mutex_);
        return events_;
    }
    // The last event about a recipient: "delivered: detail".
    [[nodiscard]] std::string last(std::string_view recipient) const {
        std::string result;
        for (const event::Event& event : all()) {
            if (event.recipient == recipient) {
                result = std::string(event::name(event.kind)) + ": " + event.detail;
            }
        }
        return result;
    }

  private:
    mutable std::mutex mutex_;
    std::vector<event::Event> events_;
};

class MapResolver final : public net::Resolver {
  public:
    std::map<std::string, Result<net::Answer<net::Mx>>> mx_of;
    std::map<std::string, Result<net::Answer<IpAddress>>> addresses_of;
    std::map<std::string, Result<net::Answer<std::string>>> txt_of;
    std::map<std::string, Result<net::Answer<net::Tlsa>>> tlsa_of;

    void add(const std::string& domain, const std::vector<net::Mx>& records) {
        net::Answer<net::Mx> answer;
        answer.records = records;
        mx_of.insert_or_assign(domain, answer);
    }
    void add_host(const std::string& host, const std::vector<std::string>& addresses) {
        net::Answer<IpAddress> answer;
        for (const std::string& text : addresses) {
            answer.records.push_back(*IpAddress::parse(text));
        }
        addresses_of.insert_or_assign(host, answer);
    }
    net::Task<Result<net::Answer<net::Mx>>> mx(std::string domain) override {
        const auto found = mx_of.find(domain);
        if (found == mx_of.end()) {
            co_return net::Answer<net::Mx>{};
        }
        co_return found->second;
    }
    net::Task<Result<net::Answer<IpAddress>>> addresses(std::string host, bool v4, bool v6)
        override {
        const auto found = addresses_of.find(host);
        if (found == addresses_of.end()) {
            co_return net::Answer<IpAddress>{};
        }
        auto answer = found->second;
        if (answer) {
            std::erase_if(answer->records, [&](const IpAddress& a) {
                return a.is_v4() ? !v4 : !v6;
            });
        }
        co_return answer;
    }
    net::Task<Result<net::Answer<std::string>>> txt(std::string name) override {
        const auto found = txt_of.find(name);
        if (found == txt_of.end()) {
            co_return net::Answer<std::string>{};
        }
        co_return found->second;
    }
    net::Task<Result<net::Answer<net::Tlsa>>> tlsa(std::string name) override {
        const auto found = tlsa_of.find(name);
        if (found == tlsa_of.end()) {
            co_return net::Answer<net::Tlsa>{};
        }
        co_return found->second;
    }
    net::Task<Result<net::Answer<std::string>>> ptr(IpAddress /*address*/) override {
        co_return net::Answer<std::string>{};
    }
};

// An SMTP server with canned answers. A command is answered by the longest prefix in `answers`; the
// answer "close" ends the connection without a word.
struct Script {
    std::string greeting = "220 mx.test ESMTP";  // empty: none ever
    std::string ehlo = "250-mx.test\r\n250-PIPELINING\r\n250 ENHANCEDSTATUSCODES";
    std::map<std::string, std::string> answers;
    std::shared_ptr<const net::TlsContext> tls;  // for STARTTLS, which `ehlo` must offer
    // What is done wrong after STARTTLS: plain words with the answer, or after it, or the end.
    enum class BreakTls : std::uint8_t { No, TalkPlain, TalkPlainLater, Close };
    BreakTls break_tls = BreakTls::No;
    std::string after_data = "250 2.0.0 taken as 1";
    // After so many messages the next command is answered with these words (none: empty) and the
    // end. 0: any number.
    int mails_per_connection = 0;
    std::string last_words;
};

class ScriptedServer {
  public:
    struct Mail {
        std::vector<std::string> commands;
        std::string data;
        bool tls = false;
    };
    ScriptedServer(net::Loops& loops, const Endpoint& at, Script script)
        : state_(std::make_shared<State>()) {
        state_->script = std::move(script);
        auto made = net::listen(loops, at, "scripted", [state = state_](auto stream) {
            return serve(state, std::move(stream));
        });
        EXPECT_TRUE(made) << made.error().message;
        listener_ = std::move(*made);
    }
    [[nodiscard]] Endpoint at() const { return listener_->local(); }
    [[nodiscard]] std::vector<Mail> mails() const {
        const std::scoped_lock lock(state_->mutex);
        return state_->mails;
    }
    [[nodiscard]] int connections() const {
        const std::scoped_lock lock(state_->mutex);
        return state_->connections;
    }
    void set(Script script) {
        const std::scoped_lock lock(state_->mutex);
        state_->script = std::move(script);
    }

  private:
    struct State {
        std::mutex mutex;
        Script script;
        std::vector<Mail> mails;
        int connections = 0;
    };

    static net::Task<std::optional<std::string>> line(net::Stream& stream, std::string& input) {
        std::array<char, 4096> chunk{};
        while (true) {
            const std::size_t end = input.find("\r\n");
            if (end != std::string::npos) {
                std::string result = input.substr(0, end);
                input.erase(0, end + 2);
                co_return result;
            }
            const auto got = co_await stream.read_some(chunk);
            if (!got) {
                co_return std::nullopt;
            }
            input.append(chunk.data(), *got);
        }
    }

    static std::string answer(const Script& script, const std::string& command) {
        std::string best = "250 2.0.0 ok";
        std::size_t length = 0;
        for (const auto& [prefix, reply] : script.answers) {
            if (prefix.size() >= length && iequals(command.substr(0, prefix.size()), prefix)) {
                best = reply;
                length = prefix.size();
            }
        }
        return best;
    }

    static net::Task<void> serve(
        std::shared_ptr<State> state, std::unique_ptr<net::Stream> stream
    ) {
        stream->expires_after(Duration{20'000});
        Script script;
        {
            const std::scoped_lock lock(state->mutex);
            script = state->script;
            ++state->connections;
        }
        std::string input;
        std::array<char, 4096> chunk{};
        if (script.greeting.empty()) {
            co_await stream->read_some(chunk);
            co_return;
        }
        Mail mail;
        int taken = 0;
        std::string out = script.greeting + "\r\n";
        while (true) {
            co_await stream->write_all(out);
            const auto command = co_await line(*stream, input);
            if (!command) {
                co_return;
            }
            {
                const std::scoped_lock lock(state->mutex);
                script = state->script;
            }
            if (script.mails_per_connection > 0 && taken >= script.mails_per_connection) {
                if (!script.last_words.empty()) {
                    co_await stream->write_all(script.last_words + "\r\n");
                }
                co_await stream->linger(Duration{500});
                co_return;
            }
            mail.commands.push_back(*command);
            const std::string verb = to_upper(command->substr(0, command->find_first_of(" :")));
            std::string reply = answer(script, *command);
            if (reply == "close") {
                co_return;
            }
            if (verb == "EHLO" || verb == "LHLO") {
                reply = script.answers.contains(verb) ? reply : script.ehlo;
            } else if (verb == "STARTTLS") {
                using Break = Script::BreakTls;
                const std::string junk = "554 5.5.1 not really\r\n";
                std::string go = "220 2.0.0 go\r\n";
                if (script.break_tls == Break::TalkPlain) {
                    go += junk;
                }
                co_await stream->write_all(go);
                if (script.break_tls == Break::TalkPlainLater) {
                    // After the client's first TLS bytes.
                    co_await stream->read_some(chunk);
                    co_await stream->write_all(junk);
                }
                if (script.break_tls != Break::No) {
                    co_await stream->linger(Duration{500});
                    co_return;
                }
                const Status secured = co_await stream->start_tls_server(script.tls);
                if (!secured) {
                    co_return;
                }
                mail.tls = true;
                out.clear();
                continue;
            } else if (verb == "DATA" && !reply.starts_with('5') && !reply.starts_with('4')) {
                co_await stream->write_all("354 go\r\n");
                auto text = co_await line(*stream, input);
                while (text && *text != ".") {
                    mail.data += *text + "\r\n";
                    text = co_await line(*stream, input);
                }
                if (script.after_data == "close") {
                    co_return;
                }
                const std::scoped_lock lock(state->mutex);
                state->mails.push_back(mail);
                mail.data.clear();
                mail.commands.clear();
                ++taken;
                reply = script.after_data;
            } else if (verb == "QUIT") {
                co_await stream->write_all("221 2.0.0 bye\r\n");
                co_await stream->shutdown();
                co_return;
            }
            out = reply + "\r\n";
        }
    }

    std::shared_ptr<State> state_;
    std::unique_ptr<net::Listener> listener_;
};

}  // namespace sekisho::delivery::test
