// Kills a process that fills and drains a spool, at a random moment, and compares what it had
// promised with what is in the spool afterwards. Round after round on the same spool.
//
//   spool_crash [ROUNDS [SEED]]
//
// The child reports through a pipe: "A id seed" when an append was acknowledged, "S id" before an
// outcome is given, "F id" when the outcome was acknowledged. A message in the spool without an
// "A" was in flight at the kill and is one more from then on; one with "S" and without "F" may be
// there or not. Anything else is a failure.
#include "base/time.h"
#include "queue/spool.h"
#include "store/spool_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <future>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace {

using sekisho::Result;
using sekisho::Status;
using sekisho::Time;
namespace queue = sekisho::queue;
namespace store = sekisho::store;

constexpr int kWriters = 6;
constexpr std::uint64_t kSizeMax = 20'000;

// A body that says how it must continue.
std::string body_for(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::string body = fmt::format("{}\r\n", seed);
    const std::uint64_t size = random() % kSizeMax;
    while (body.size() < size) {
        body.push_back(static_cast<char>(random()));
    }
    return body;
}

bool intact(const std::string& body) {
    return body == body_for(std::strtoull(body.c_str(), nullptr, 10));
}

store::SpoolOptions options_for(const std::string& directory) {
    store::SpoolOptions options;
    options.directory = directory;
    options.segment_size = 512UL * 1024;
    options.free_space_min = 0;
    options.retry = {sekisho::Duration{1000}};
    return options;
}

std::unique_ptr<queue::Spool> open_spool(const std::string& directory) {
    auto spool = store::SpoolLog::open(options_for(directory));
    if (!spool) {
        fmt::print(stderr, "open: {}\n", spool.error().message);
        std::exit(2);  // NOLINT(concurrency-mt-unsafe): before any thread
    }
    return std::move(*spool);
}

void report(int pipe, const std::string& line) {
    // At most PIPE_BUF bytes: whole or not at all.
    if (::write(pipe, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
        ::_exit(3);
    }
}

void append_for_ever(queue::Spool& spool, int pipe, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    for (;;) {
        const std::uint64_t number = random();
        queue::Envelope envelope;
        envelope.reverse_path = "sender@example.net";
        envelope.recipients = {{.address = "a@example.org"}, {.address = "b@example.org"}};
        std::promise<void> promise;
        spool.append(std::move(envelope), body_for(number), [&](Result<std::string> result) {
            if (result) {
                report(pipe, fmt::format("A {} {}\n", *result, number));
            }
            promise.set_value();
        });
        promise.get_future().wait();
    }
}

void deliver_for_ever(queue::Spool& spool, int pipe, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    for (;;) {
        const auto entry = spool.take_due(sekisho::now());
        if (!entry) {
            std::this_thread::sleep_for(std::chrono::microseconds(200));
            continue;
        }
        const std::string& id = entry->envelope.queue_id;
        const bool defer = random() % 4 == 0;
        queue::Outcome outcome;
        for (const queue::Recipient& recipient : entry->envelope.recipients) {
            outcome.recipients.push_back(
                {.address = recipient.address,
                 .state = defer ? queue::RecipientState::Pending : queue::RecipientState::Delivered,
                 .reply = "250 ok"}
            );
        }
        if (!defer) {
            report(pipe, fmt::format("S {}\n", id));
        }
        std::promise<void> promise;
        spool.finish(id, outcome, [&](const Status& status) {
            if (status && !defer) {
                report(pipe, fmt::format("F {}\n", id));
            }
            promise.set_value();
        });
        promise.get_future().wait();
    }
}

[[noreturn]] void child(const std::string& directory, int pipe, std::uint64_t seed) {
    const std::unique_ptr<queue::Spool> spool = open_spool(directory);
    std::vector<std::thread> threads;
    for (int i = 0; i < kWriters; ++i) {
        threads.emplace_back([&, i] { append_for_ever(*spool, pipe, seed * 100 + i); });
    }
    for (int i = 0; i < 2; ++i) {
        threads.emplace_back([&, i] { deliver_for_ever(*spool, pipe, seed * 100 + 50 + i); });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    ::_exit(0);
}

struct Ledger {
    std::map<std::string, std::uint64_t> accepted;  // and not finished
    std::set<std::string> started;
    std::set<std::string> finished;  // of this round
    std::uint64_t accepted_total = 0, finished_total = 0, in_flight = 0, again = 0;

    void read(std::string_view line) {
        const std::string id(line.substr(2, 10));
        if (line[0] == 'A') {
            accepted[id] = std::strtoull(std::string(line.substr(13)).c_str(), nullptr, 10);
            ++accepted_total;
        } else if (line[0] == 'S') {
            started.insert(id);
        } else {
            finished.insert(id);
            ++finished_total;
        }
    }
};

std::string read_all(int pipe) {
    std::string all;
    std::string part(65'536, '\0');
    for (;;) {
        const ssize_t got = ::read(pipe, part.data(), part.size());
        if (got <= 0) {
            return all;
        }
        all.append(part, 0, static_cast<std::size_t>(got));
    }
}

// Runs the child for a random while, kills it and takes down what it had reported.
void run_and_kill(const std::string& directory, std::mt19937_64& random, Ledger& ledger) {
    int ends[2] = {};
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        std::perror("pipe");
        std::exit(2);  // NOLINT(concurrency-mt-unsafe): no thread runs
    }
    const std::uint64_t seed = random();
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::close(ends[0]);
        child(directory, ends[1], seed);
    }
    ::close(ends[1]);
    const auto wait = std::chrono::microseconds(random() % 80'000);
    // Most rounds die under load, some while the spool opens: there nothing has been reported yet.
    std::string all(1, '\0');
    const bool opening = random() % 5 == 0;
    all.resize(opening ? 0 : std::max<ssize_t>(::read(ends[0], all.data(), 1), 0));
    std::thread killer([&] {
        std::this_thread::sleep_for(wait);
        ::kill(pid, SIGKILL);
    });
    all += read_all(ends[0]);
    killer.join();
    ::close(ends[0]);
    int status = 0;
    ::waitpid(pid, &status, 0);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
        fmt::print(stderr, "the child ended by itself: status {:#x}\n", status);
        std::exit(2);  // NOLINT(concurrency-mt-unsafe): no thread runs
    }
    std::string_view rest = all;
    for (std::size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
        ledger.read(rest.substr(0, end));
        rest.remove_prefix(end + 1);
    }
}

int compare(const std::string& directory, Ledger& ledger) {
    const std::unique_ptr<queue::Spool> spool = open_spool(directory);
    int failures = 0;
    const auto failed = [&](const std::string& id, const char* what) {
        fmt::print(stderr, "{}: {}\n", id, what);
        ++failures;
    };
    for (const queue::Damage& damage : spool->damage()) {
        if (damage.kind != queue::Damage::Kind::TornTail) {
            failed(damage.queue_id, damage.text.c_str());
        }
    }
    std::set<std::string> present;
    for (const queue::Entry& entry : spool->list(SIZE_MAX)) {
        const std::string& id = entry.envelope.queue_id;
        present.insert(id);
        const auto body = spool->message(id);
        if (!body || !intact(*body) || entry.envelope.recipients.size() != 2) {
            failed(id, "is not what was accepted");
        } else if (!ledger.accepted.contains(id) && !ledger.finished.contains(id)) {
            ledger.accepted[id] = std::strtoull(body->c_str(), nullptr, 10);
            ++ledger.in_flight;
        } else if (ledger.accepted[id] != std::strtoull(body->c_str(), nullptr, 10)) {
            failed(id, "is another message");
        }
        if (ledger.finished.contains(id)) {
            failed(id, "was finished and is back");
        }
    }
    for (auto it = ledger.accepted.begin(); it != ledger.accepted.end();) {
        const bool there = present.contains(it->first);
        if (!there && !ledger.finished.contains(it->first) && !ledger.started.contains(it->first)) {
            failed(it->first, "was accepted and is lost");
        }
        ledger.again += there && ledger.started.contains(it->first) ? 1 : 0;
        it = there ? std::next(it) : ledger.accepted.erase(it);
    }
    ledger.started.clear();
    ledger.finished.clear();
    failures += spool->counters().acks_before_durable_total == 0 ? 0 : 1;
    return failures;
}

}  // namespace

int main(int argc, char** argv) {
    const int rounds = argc > 1 ? std::atoi(argv[1]) : 100;
    const std::uint64_t seed =
        argc > 2 ? std::strtoull(argv[2], nullptr, 10) : static_cast<std::uint64_t>(::getpid());
    const std::string directory = fmt::format(
        "{}/sekisho_spool_crash_{}", std::filesystem::temp_directory_path().string(), ::getpid()
    );
    std::mt19937_64 random(seed);
    Ledger ledger;
    int failures = 0;
    for (int round = 0; round < rounds && failures == 0; ++round) {
        run_and_kill(directory, random, ledger);
        failures = compare(directory, ledger);
    }
    fmt::print(
        "{} rounds, seed {}: accepted {}, finished {}, in flight {}, to be tried again {}, lost or "
        "wrong {}\n",
        rounds,
        seed,
        ledger.accepted_total,
        ledger.finished_total,
        ledger.in_flight,
        ledger.again,
        failures
    );
    if (failures == 0) {
        std::filesystem::remove_all(directory);
    } else {
        fmt::print("left as it is: {}\n", directory);
    }
    return failures == 0 && ledger.accepted_total > 0 ? 0 : 1;
}
