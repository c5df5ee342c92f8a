#include "bench/mail/load.h"

#include "bench/mail/load_session.h"
#include "bench/mail/loop.h"
#include "bench/mail/wire.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::bench {
namespace {

constexpr std::size_t kMostTogether = 200;  // set-ups at a time of an idle run, within any backlog
constexpr auto kPatience = std::chrono::seconds(60);

// Lines as people write them: words of a few letters, at most 72 octets, none that begins with a
// dot.
std::string text_of(std::size_t size) {
    static constexpr std::string_view kWords[] = {
        "the",    "letter", "we",      "sent", "on",     "Monday", "has",    "come",   "back",
        "please", "look",   "whether", "your", "street", "and",    "number", "are",    "still",
        "right",  "then",   "write",   "to",   "us",     "again",  "with",   "thanks", "invoice",
    };
    std::mt19937 random(25);
    std::string text;
    std::size_t line = 0;
    while (text.size() + 2 < size) {
        const std::string_view word = kWords[random() % std::size(kWords)];
        if (line + word.size() > 70) {
            text += "\r\n";
            line = 0;
        }
        text += word;
        text += ' ';
        line += word.size() + 1;
    }
    text += "\r\n";
    return text;
}

constexpr std::size_t kHeaderSize = 320;  // about; the body makes up the rest

}  // namespace

std::string numbered(const std::string& format, std::uint32_t number) {
    std::string text = format;
    if (const auto at = text.find("%d"); at != std::string::npos) {
        text.replace(at, 2, std::to_string(number));
    }
    return text;
}

void Tally::trouble(std::uint64_t& counter, std::string what) {
    if (example.empty()) {
        example = std::move(what);
    }
    ++counter;
}

void Tally::merge(Tally& other) {
    sent += other.sent;
    acknowledged += other.acknowledged;
    refused += other.refused;
    errors += other.errors;
    connections += other.connections;
    resumed += other.resumed;
    latency.insert(latency.end(), other.latency.begin(), other.latency.end());
    set_up.insert(set_up.end(), other.set_up.begin(), other.set_up.end());
    ids.merge(other.ids);
    last = std::max(last, other.last);
    if (example.empty()) {
        example = other.example;
    }
}

Run::Run(const LoadOptions& options)
    : options_(options),
      body_(text_of(options.size > kHeaderSize ? options.size - kHeaderSize : 2)),
      date_(fmt::format("{:%a, %d %b %Y %H:%M:%S +0000}", fmt::gmtime(std::time(nullptr)))) {}

std::optional<Run::Message> Run::take() {
    if (stopped_) {
        return std::nullopt;
    }
    const std::uint32_t number = next_++;
    Message message{.number = number, .due = started_};
    if (options_.rate > 0) {
        message.due += std::chrono::duration_cast<Clock::duration>(
            std::chrono::duration<double>(number / options_.rate)
        );
    }
    const std::chrono::duration<double> passed = std::max(message.due, Clock::now()) - started_;
    if ((options_.messages > 0 && number >= options_.messages) ||
        (options_.seconds > 0 && passed.count() >= options_.seconds)) {
        return std::nullopt;
    }
    return message;
}

std::string Run::header(std::uint32_t number, const std::string& from, const std::string& to)
    const {
    return fmt::format(
        "Date: {}\r\nFrom: Load <{}>\r\nTo: {}\r\nSubject: Your letter, number {}\r\n"
        "Message-ID: <{}.{}@bench.example>\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=us-ascii\r\nX-Bench-Id: {}-{}\r\n\r\n",
        date_,
        from,
        to,
        number,
        options_.run,
        number,
        options_.run,
        number
    );
}

void Run::set_up(bool worked) {
    failed_in_a_row_ = worked ? 0 : failed_in_a_row_ + 1;
    if (failed_in_a_row_ > 10 + 4 * options_.connections) {
        stopped_ = true;
    }
}

namespace {

// One thread's connections and their loop.
class Worker {
  public:
    Worker(Run& run, int thread) : run_(run), context_(client_context()) {
        const int count = run.options().connections;
        sessions_.resize(static_cast<std::size_t>(count));
        for (int i = thread; i < count; i += run.options().threads) {
            sessions_[static_cast<std::size_t>(i)] =
                std::make_unique<LoadSession>(run, loop_, tally_, context_.get(), i);
            mine_.push_back(sessions_[static_cast<std::size_t>(i)].get());
        }
    }

    Tally work() {
        if (run_.options().idle) {
            stand_idle();
        } else {
            open_some(mine_.size());
            while (!all_closed() && !stalled()) {
                turn();
            }
        }
        return std::move(tally_);
    }

  private:
    void turn() {
        const auto tell = [this](Loop::Key key) { sessions_[key]->ready(); };
        loop_.turn(std::chrono::milliseconds(20), tell, [this](Loop::Key key) {
            sessions_[key]->due();
        });
    }

    void open_some(std::size_t most) {
        for (; opened_ < mine_.size() && most > 0; --most) {
            mine_[opened_++]->open();
        }
    }

    // All stand, then they are held for so many seconds, then all leave.
    void stand_idle() {
        while (!run_.all_stand() && !run_.stopped()) {
            const auto busy = static_cast<std::size_t>(
                std::ranges::count_if(mine_, [](const auto* one) { return one->setting_up(); })
            );
            open_some(busy < kMostTogether ? kMostTogether - busy : 0);
            turn();
        }
        const std::chrono::duration<double> hold(run_.options().seconds);
        const auto until = Clock::now() + std::chrono::duration_cast<Clock::duration>(hold);
        while (Clock::now() < until && !run_.stopped()) {
            turn();
        }
        for (LoadSession* session : mine_) {
            session->leave();
        }
        progress_ = Clock::now();
        while (!all_closed() && !stalled()) {
            turn();
        }
    }

    // Looked at seldom, since it looks at all of them.
    bool all_closed() {
        if (++rounds_ % 64 != 0 && !mine_.empty() && !mine_.front()->closed()) {
            return false;
        }
        if (run_.stopped()) {
            std::ranges::for_each(mine_, [](LoadSession* one) { one->leave(); });
        }
        return std::ranges::all_of(mine_, [](const LoadSession* one) { return one->closed(); });
    }

    // Nothing happened for long: the run ends, and what is open counts as an error.
    bool stalled() {
        const std::uint64_t now = tally_.acknowledged + tally_.connections + tally_.refused;
        if (now != seen_) {
            seen_ = now;
            progress_ = Clock::now();
        }
        if (run_.options().rate > 0 || Clock::now() - progress_ < kPatience) {
            return false;
        }
        tally_.trouble(tally_.errors, "no answer for a minute");
        run_.stop();
        return true;
    }

    Run& run_;
    TlsContext context_;
    Loop loop_;
    Tally tally_;
    std::vector<std::unique_ptr<LoadSession>> sessions_;  // by number; those of other threads empty
    std::vector<LoadSession*> mine_;
    std::size_t opened_ = 0;
    std::uint64_t rounds_ = 0;
    std::uint64_t seen_ = 0;
    Clock::time_point progress_ = Clock::now();
};

}  // namespace

Tally work(Run& run, int thread) {
    return Worker(run, thread).work();
}

}  // namespace sekisho::bench
