#include "feed/feeder.h"

#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "event/event.h"
#include "feed/line_file.h"
#include "feed/record.h"
#include "net/callback.h"
#include "net/http_client.h"
#include "net/task.h"
#include "net/workers.h"
#include "store/event_feed.h"
#include "store/store.h"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace sekisho::feed {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kRowsAtOnce = 1000;
constexpr Duration kPollMin{50};
constexpr Duration kFilePoll{250};
constexpr Duration kOffPoll{60'000};  // follow() ends it

struct Batch {
    std::vector<event::Event> events;
    std::int64_t last = 0;  // go on after it
    bool full = false;      // there may be more at once
};

// One that follows. Its task runs on one executor; `mutex_` is for what others see and set.
class Follower : public std::enable_shared_from_this<Follower> {
  public:
    Follower(
        const Feeder::Deps& deps,
        std::unique_ptr<store::EventFeed> events,
        std::string name,
        Options options
    )
        : deps_(deps),
          events_(std::move(events)),
          name_(std::move(name)),
          setting_("feed_" + name_ + "_at"),
          options_(std::move(options)),
          timer_(deps.executor) {}
    virtual ~Follower() = default;
    Follower(const Follower&) = delete;
    Follower& operator=(const Follower&) = delete;

    void start() { net::spawn(deps_.executor, run(shared_from_this()), "the feed " + name_); }

    void follow(Options options) {
        {
            const std::scoped_lock lock(mutex_);
            options_ = std::move(options);
            anew_ = true;
        }
        wake();
    }
    void stop() {
        {
            const std::scoped_lock lock(mutex_);
            stopped_ = true;
        }
        wake();
    }
    [[nodiscard]] nlohmann::json status() const {
        const std::scoped_lock lock(mutex_);
        return {
            {"sent_total", sent_},
            {"failures_total", failures_},
            {"dropped_total", dropped_},
            {"error", error_}
        };
    }

  protected:
    [[nodiscard]] virtual bool wanted(const Options& options) const = 0;
    [[nodiscard]] virtual Duration poll(const Options& options) const = 0;
    virtual net::Task<Status> tell(Options options, std::vector<event::Event> events) = 0;
    virtual void changed() {}  // the options, perhaps

    Feeder::Deps deps_;

  private:
    void wake() {
        asio::post(deps_.executor, [self = shared_from_this()] { self->timer_.cancel(); });
    }

    static net::Task<void> run(std::shared_ptr<Follower> self) {
        while (true) {
            if (self->is_stopped()) {
                co_return;
            }
            std::ignore = self->take_anew();
            const Options options = self->current();
            Duration wait = kOffPoll;
            if (self->wanted(options)) {
                wait = co_await self->step(options);
            } else {
                co_await self->forget();
            }
            co_await self->pause(wait);
        }
    }

    // Reads and tells once; how long to wait then.
    net::Task<Duration> step(Options options) {
        std::function<Result<Batch>()> work = [self = shared_from_this(), options] {
            return self->next(options);
        };
        const auto batch = co_await net::run_on<Result<Batch>>(deps_.workers, std::move(work));
        if (!batch) {
            failed(batch.error());
            co_return wait_after(in_a_row_, options.retry_first);
        }
        if (is_stopped()) {
            co_return Duration{0};
        }
        if (batch->events.empty()) {
            at_ = batch->last;
            co_return batch->full ? Duration{0} : poll(options);
        }
        const Status told = co_await tell(options, batch->events);
        if (!told) {
            failed(told.error());
            co_await pass_over(options);
            co_return wait_after(in_a_row_, options.retry_first);
        }
        succeeded(batch->events.size());
        at_ = batch->last;
        co_await keep();
        co_return batch->full ? Duration{0} : poll(options);
    }

    // On a worker. The first time: from now on.
    Result<Batch> next(const Options& options) {
        if (!at_) {
            if (Status found = find_place(); !found) {
                return fail(found.error());
            }
        }
        auto rows = events_->after(*at_, kRowsAtOnce);
        if (!rows) {
            return fail(rows.error());
        }
        Batch batch;
        batch.last = *at_;
        batch.full = rows->size() == kRowsAtOnce;
        for (event::Event& row : *rows) {
            if (batch.events.size() == options.batch) {
                batch.full = true;
                break;
            }
            batch.last = row.id;
            if (std::ranges::find(options.kinds, row.kind) != options.kinds.end()) {
                batch.events.push_back(std::move(row));
            }
        }
        return batch;
    }

    Status find_place() {
        const auto kept = deps_.store.setting(setting_);
        if (!kept) {
            return fail(kept.error());
        }
        std::int64_t at = 0;
        if (const std::optional<std::string>& text = *kept; text) {
            const auto read = std::from_chars(text->data(), text->data() + text->size(), at);
            if (read.ec == std::errc{}) {
                at_ = at;
                return {};
            }
        }
        const auto newest = events_->newest();
        if (!newest) {
            return fail(newest.error());
        }
        at_ = *newest;
        return deps_.store.set_setting(setting_, std::to_string(*newest));
    }

    net::Task<void> keep() {
        std::function<Status()> work = [self = shared_from_this(), at = *at_] {
            return self->deps_.store.set_setting(self->setting_, std::to_string(at));
        };
        const Status kept = co_await net::run_on<Status>(deps_.workers, std::move(work));
        if (!kept) {
            log::warning(
                "FEED_PLACE_NOT_KEPT",
                "after a restart now some events would be told twice",
                {{"feed", name_}, {"error", kept.error().message}}
            );
        }
    }

    // Switched off: when it is switched on again, it begins at the end.
    net::Task<void> forget() {
        if (forgotten_) {
            co_return;
        }
        std::function<Status()> work = [self = shared_from_this()] {
            return self->deps_.store.remove_setting(self->setting_);
        };
        const Status done = co_await net::run_on<Status>(deps_.workers, std::move(work));
        forgotten_ = done.has_value();
        at_.reset();
    }

    // Nothing waits for ever: of too many the oldest are left out.
    net::Task<void> pass_over(Options options) {
        using Backlog = Result<store::EventFeed::Backlog>;
        std::function<Backlog()> work = [self = shared_from_this(), options, at = *at_] {
            return self->events_->backlog(at, options.kinds, options.buffer);
        };
        const Backlog backlog = co_await net::run_on<Backlog>(deps_.workers, std::move(work));
        if (!backlog || backlog->from == *at_) {
            co_return;
        }
        const std::int64_t lost = backlog->waiting - options.buffer;
        at_ = backlog->from;
        {
            const std::scoped_lock lock(mutex_);
            dropped_ += static_cast<std::uint64_t>(lost);
        }
        log::error(
            "FEED_OVERFLOW",
            "too many events wait; the oldest are not told",
            {{"feed", name_}, {"events", lost}}
        );
        co_await keep();
    }

    net::Task<void> pause(Duration wait) {
        if (wait <= Duration{0} || is_stopped() || take_anew()) {
            co_return;
        }
        std::function<void(std::function<void()>)> begin =
            [self = shared_from_this(), wait](const std::function<void()>& resume) {
                self->timer_.expires_after(std::chrono::milliseconds(wait.count()));
                self->timer_.async_wait([resume](const auto& /*error*/) { resume(); });
            };
        co_await net::suspend(std::move(begin));
        std::ignore = take_anew();
    }

    void failed(const Error& error) {
        ++in_a_row_;
        bool first = false;
        {
            const std::scoped_lock lock(mutex_);
            ++failures_;
            first = error_.empty();
            error_ = error.message;
        }
        if (first) {
            log::warning(
                "FEED_STUCK",
                "events wait; they are tried again",
                {{"feed", name_}, {"error", error.message}}
            );
        }
    }
    void succeeded(std::size_t events) {
        in_a_row_ = 0;
        bool again = false;
        {
            const std::scoped_lock lock(mutex_);
            sent_ += events;
            again = !error_.empty();
            error_.clear();
        }
        if (again) {
            log::info("FEED_RUNS", "events are told again", {{"feed", name_}});
        }
    }

    [[nodiscard]] Options current() const {
        const std::scoped_lock lock(mutex_);
        return options_;
    }
    [[nodiscard]] bool is_stopped() const {
        const std::scoped_lock lock(mutex_);
        return stopped_;
    }
    bool take_anew() {
        {
            const std::scoped_lock lock(mutex_);
            if (!std::exchange(anew_, false)) {
                return false;
            }
        }
        forgotten_ = false;
        in_a_row_ = 0;
        changed();
        return true;
    }

    std::unique_ptr<store::EventFeed> events_;
    const std::string name_, setting_;
    std::optional<std::int64_t> at_;  // told up to here
    bool forgotten_ = false;
    int in_a_row_ = 0;  // failures

    mutable std::mutex mutex_;
    Options options_;
    bool anew_ = false, stopped_ = false;
    std::uint64_t sent_ = 0, failures_ = 0, dropped_ = 0;
    std::string error_;
    asio::steady_timer timer_;
};

class FileFollower final : public Follower {
  public:
    using Follower::Follower;

  private:
    [[nodiscard]] bool wanted(const Options& options) const override {
        return !options.file.empty();
    }
    [[nodiscard]] Duration poll(const Options& /*options*/) const override { return kFilePoll; }
    void changed() override { file_.reset(); }

    net::Task<Status> tell(Options options, std::vector<event::Event> events) override {
        if (!file_) {
            file_ = std::make_shared<LineFile>(options.file);
        }
        std::string lines;
        for (const event::Event& one : events) {
            lines += line_of(one);
        }
        std::function<Status()> work = [file = file_, lines] { return file->append(lines); };
        Status done = co_await net::run_on<Status>(deps_.workers, std::move(work));
        co_return done;
    }

    std::shared_ptr<LineFile> file_;
};

class WebhookFollower final : public Follower {
  public:
    using Follower::Follower;

  private:
    [[nodiscard]] bool wanted(const Options& options) const override {
        return options.webhook.has_value();
    }
    [[nodiscard]] Duration poll(const Options& options) const override {
        return std::max(options.wait, kPollMin);
    }

    net::Task<Status> tell(Options options, std::vector<event::Event> events) override {
        net::HttpCall call;
        call.url = *options.webhook;
        call.method = "POST";
        call.content_type = "application/json";
        call.body = body_of(events);
        call.tls = options.tls;
        if (!options.key.empty()) {
            call.headers.emplace_back(
                "X-Sekisho-Signature", signature(options.key, now(), call.body)
            );
        }
        const std::string host = call.url.authority();
        const auto answer =
            co_await net::http_call(deps_.resolver, deps_.executor, std::move(call));
        if (!answer) {
            co_return fail(answer.error());
        }
        if (answer->status < 200 || answer->status >= 300) {
            co_return fail(Errc::Unavailable, host + " answered " + std::to_string(answer->status));
        }
        co_return Status{};
    }
};

class BothFollowers final : public Feeder {
  public:
    BothFollowers(std::shared_ptr<Follower> file, std::shared_ptr<Follower> webhook)
        : file_(std::move(file)), webhook_(std::move(webhook)) {
        file_->start();
        webhook_->start();
    }
    BothFollowers(const BothFollowers&) = delete;
    BothFollowers& operator=(const BothFollowers&) = delete;
    ~BothFollowers() override { BothFollowers::stop(); }

    void follow(Options options) override {
        file_->follow(options);
        webhook_->follow(std::move(options));
    }
    void stop() override {
        file_->stop();
        webhook_->stop();
    }
    [[nodiscard]] nlohmann::json status() const override {
        return {{"file", file_->status()}, {"webhook", webhook_->status()}};
    }

  private:
    std::shared_ptr<Follower> file_, webhook_;
};

}  // namespace

Result<std::unique_ptr<Feeder>> Feeder::make(const Deps& deps, Options options) {
    auto for_file = store::EventFeed::open(deps.database);
    if (!for_file) {
        return fail(for_file.error());
    }
    auto for_webhook = store::EventFeed::open(deps.database);
    if (!for_webhook) {
        return fail(for_webhook.error());
    }
    auto file = std::make_shared<FileFollower>(deps, std::move(*for_file), "file", options);
    auto webhook =
        std::make_shared<WebhookFollower>(deps, std::move(*for_webhook), "webhook", options);
    return std::make_unique<BothFollowers>(std::move(file), std::move(webhook));
}

}  // namespace sekisho::feed
