// An SMTP server that takes everything and stores nothing: the ceiling of a do-nothing server, and
// the destination that counts what arrived, by X-Bench-Id.
//
//   bench_sink --port P [--tls --cert FILE --key FILE] [--ids FILE] ... (--help tells all)
//
// Says "listening PORT" on standard error when it does; at SIGUSR1, and at SIGTERM for the last
// time, it prints what it has taken.
#include "bench/mail/figures.h"
#include "bench/mail/loop.h"
#include "bench/mail/sink_session.h"
#include "bench/mail/wire.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <mutex>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <sys/socket.h>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

namespace {

using namespace sekisho::bench;  // NOLINT: the program is nothing but this
using sekisho::UniqueFd;

std::atomic<bool> stopped = false;
// How often the counts were asked for, by SIGUSR1.
std::atomic<unsigned> asked = 0;

// One thread: its listener and the sessions it has accepted.
class Server {
  public:
    Server(const SinkOptions& options, int port)
        : options_(options),
          context_(
              options.tls || options.implicit ? server_context(options.certificate, options.key)
                                              : nullptr
          ),
          listener_(listen_on(port)) {
        loop_.watch(listener_.get(), 0);
    }

    [[nodiscard]] int port() const { return local_port(listener_.get()); }

    SinkTally work() {
        while (!stopped) {
            loop_.turn(
                std::chrono::milliseconds(50),
                [this](Loop::Key key) { ready(key); },
                [this](Loop::Key key) { tell(key, &SinkSession::due); }
            );
            answer();
        }
        return std::move(tally_);
    }

    // The counts as they were when this thread last looked, at least `round` questions ago.
    std::optional<SinkTally> told(unsigned round) {
        const std::scoped_lock lock(mutex_);
        return round_ >= round ? std::optional(copy_) : std::nullopt;
    }

  private:
    void answer() {
        const unsigned round = asked;
        if (round != round_) {  // written by this thread only
            const std::scoped_lock lock(mutex_);
            copy_ = tally_;
            round_ = round;
        }
    }

    void ready(Loop::Key key) {
        if (key != 0) {
            tell(key, &SinkSession::ready);
            return;
        }
        while (true) {
            UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
            if (!fd.valid()) {
                return;
            }
            const int on = 1;
            ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            const Loop::Key mine = ++last_key_;
            loop_.watch(fd.get(), mine);
            auto session = std::make_unique<SinkSession>(
                options_, loop_, tally_, context_.get(), std::move(fd), mine
            );
            sessions_.emplace(mine, std::move(session));
            tell(mine, &SinkSession::ready);
        }
    }

    void tell(Loop::Key key, bool (SinkSession::*what)()) {
        const auto found = sessions_.find(key);
        if (found != sessions_.end() && !((*found->second).*what)()) {
            sessions_.erase(found);
        }
    }

    const SinkOptions& options_;
    TlsContext context_;
    UniqueFd listener_;
    Loop loop_;
    SinkTally tally_;
    std::unordered_map<Loop::Key, std::unique_ptr<SinkSession>> sessions_;
    Loop::Key last_key_ = 0;
    std::mutex mutex_;  // for both of:
    SinkTally copy_;
    unsigned round_ = 0;
};

struct Wanted {
    SinkOptions sink;
    std::string fail;
    std::string ids;
    bool json = false;
    int delay = 0;
    int tarpit = 0;
};

void declare(CLI::App& app, Wanted& wanted) {
    SinkOptions& sink = wanted.sink;
    app.add_option("--port", sink.port, "0: a free one")->required();
    app.add_flag("--tls", sink.tls, "offer STARTTLS");
    app.add_flag("--implicit", sink.implicit, "TLS from the first octet");
    app.add_option("--cert", sink.certificate, "PEM");
    app.add_option("--key", sink.key, "PEM");
    app.add_option("--threads", sink.threads)->check(CLI::PositiveNumber);
    app.add_option("--delay", wanted.delay, "ms before the answer to a message");
    app.add_option("--tarpit", wanted.tarpit, "ms before every answer");
    app.add_option("--fail", wanted.fail, "PERCENT:CODE, so many messages are answered with CODE");
    app.add_option("--ids", wanted.ids, "write what was received: RUN FIRST LAST TIMES");
    app.add_flag("--json", wanted.json);
}

// What is wrong with the options together; empty when nothing is.
std::string complete(Wanted& wanted) {
    SinkOptions& sink = wanted.sink;
    sink.delay = std::chrono::milliseconds(wanted.delay);
    sink.tarpit = std::chrono::milliseconds(wanted.tarpit);
    if ((sink.tls || sink.implicit) && (sink.certificate.empty() || sink.key.empty())) {
        return "TLS needs --cert and --key";
    }
    if (wanted.fail.empty()) {
        return "";
    }
    const char* end = wanted.fail.data() + wanted.fail.size();
    const auto percent = std::from_chars(wanted.fail.data(), end, sink.fail_percent);
    const bool colon = percent.ec == std::errc() && percent.ptr != end && *percent.ptr == ':';
    if (!colon || std::from_chars(percent.ptr + 1, end, sink.fail_code).ptr != end ||
        sink.fail_percent < 0 || sink.fail_percent > 100 || sink.fail_code < 400 ||
        sink.fail_code > 599) {
        return "--fail is PERCENT:CODE, a code from 400 to 599";
    }
    return "";
}

nlohmann::json told(const SinkTally& tally) {
    const double seconds =
        tally.first ? std::chrono::duration<double>(*tally.last - *tally.first).count() : 0;
    const std::uint64_t named = tally.ids.total();
    // As a time of day, so that a runner can set it against the start of its load.
    double last_at = 0;
    if (tally.last) {
        const auto ago = std::chrono::duration<double>(Clock::now() - *tally.last);
        const auto now = std::chrono::system_clock::now().time_since_epoch();
        last_at = std::chrono::duration<double>(now).count() - ago.count();
    }
    return {
        {"received", tally.received},
        {"unique", tally.ids.unique()},
        {"duplicates", named - tally.ids.unique()},
        {"nameless", tally.nameless},
        {"failed", tally.failed},
        {"connections", tally.connections},
        {"octets", tally.octets},
        {"seconds", seconds},
        {"last_at", last_at},
        {"cpu_seconds", cpu_seconds()},
    };
}

// Ids into the file, counts to standard output.
bool tell(const Wanted& wanted, const SinkTally& tally) {
    // A reader never sees half a file.
    const std::string fresh = wanted.ids + ".new";
    if (!wanted.ids.empty() &&
        (!tally.ids.write(fresh) || std::rename(fresh.c_str(), wanted.ids.c_str()) != 0)) {
        fmt::print(stderr, "{}: can't be written\n", wanted.ids);
        return false;
    }
    fmt::print("{}\n", told(tally).dump(wanted.json ? -1 : 2));
    std::fflush(stdout);
    return true;
}

// Tells the counts of all threads each time they are asked for, until the end.
void answer(const Wanted& wanted, const std::vector<std::unique_ptr<Server>>& servers) {
    unsigned answered = 0;
    while (!stopped) {
        const unsigned round = asked;
        SinkTally all;
        bool whole = round != answered;
        for (const auto& server : servers) {
            const std::optional<SinkTally> one = whole ? server->told(round) : std::nullopt;
            whole = one.has_value();
            if (one) {
                all.merge(*one);
            }
        }
        if (whole) {
            tell(wanted, all);
            answered = round;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
}

SinkTally serve(const Wanted& wanted) {
    const SinkOptions& options = wanted.sink;
    std::vector<std::unique_ptr<Server>> servers;
    for (int i = 0; i < options.threads; ++i) {
        const int port = servers.empty() ? options.port : servers.front()->port();
        servers.push_back(std::make_unique<Server>(options, port));
    }
    fmt::print(stderr, "listening {}\n", servers.front()->port());
    std::fflush(stderr);
    std::vector<SinkTally> tallies(servers.size());
    {
        std::vector<std::jthread> threads;
        for (std::size_t i = 0; i < servers.size(); ++i) {
            threads.emplace_back([&, i] { tallies[i] = servers[i]->work(); });
        }
        answer(wanted, servers);
    }
    SinkTally all;
    for (const SinkTally& one : tallies) {
        all.merge(one);
    }
    return all;
}

int program(int argc, char** argv) {
    CLI::App app("An SMTP server that takes everything and stores nothing");
    Wanted wanted;
    declare(app, wanted);
    CLI11_PARSE(app, argc, argv);
    if (const std::string wrong = complete(wanted); !wrong.empty()) {
        fmt::print(stderr, "{}\n", wrong);
        return 2;
    }
    raise_descriptor_limit();
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGTERM, [](int) { stopped = true; });
    std::signal(SIGINT, [](int) { stopped = true; });
    std::signal(SIGUSR1, [](int) { ++asked; });
    return tell(wanted, serve(wanted)) ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return program(argc, argv);
    } catch (const std::exception& error) {
        fmt::print(stderr, "{}\n", error.what());
        return 1;
    }
}
