// Durable messages per second of one store: `run.py` runs them in turn, and compares.
//
//   bench_spool list
//   bench_spool ENGINE FOLDER WRITERS MESSAGES SIZE   one line of JSON
//   bench_spool drain FOLDER WRITERS MESSAGES SIZE    ours: taking, reading and finishing
//
// A writer hands in a message and waits for its acknowledgement, as an SMTP session does. CPU is
// the whole process's (user and system) for each message.
#include "base/time.h"
#include "engine.h"
#include "queue/spool.h"
#include "store/spool_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <semaphore>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <utility>
#include <vector>

namespace {

namespace fs = std::filesystem;
namespace bench = sekisho::bench;
namespace queue = sekisho::queue;
namespace store = sekisho::store;
using Clock = std::chrono::steady_clock;
using Json = nlohmann::json;

double cpu_seconds() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::string incompressible(std::size_t size) {
    std::mt19937_64 random(1);
    std::string bytes(size, '\0');
    for (char& byte : bytes) {
        byte = static_cast<char>(random());
    }
    return bytes;
}

struct Load {
    int writers = 1;
    int messages = 0;
    std::size_t size = 0;
};

// `one` does a piece of work durably and returns whether it did.
Json measure(const Load& load, const std::function<bool()>& one) {
    std::vector<std::vector<double>> waits(static_cast<std::size_t>(load.writers));
    std::atomic<int> next = 0;
    std::atomic<int> failed = 0;
    const double cpu = cpu_seconds();
    const auto start = Clock::now();
    std::vector<std::thread> threads;
    for (int writer = 0; writer < load.writers; ++writer) {
        threads.emplace_back([&, writer] {
            while (next++ < load.messages) {
                const auto begin = Clock::now();
                failed += one() ? 0 : 1;
                waits[static_cast<std::size_t>(writer)].push_back(
                    std::chrono::duration<double, std::milli>(Clock::now() - begin).count()
                );
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    const double used = cpu_seconds() - cpu;
    std::vector<double> all;
    for (const auto& part : waits) {
        all.insert(all.end(), part.begin(), part.end());
    }
    std::sort(all.begin(), all.end());
    const auto percentile = [&](double share) {
        return all.empty()
                   ? 0.0
                   : all[static_cast<std::size_t>(share * static_cast<double>(all.size() - 1))];
    };
    return Json{
        {"rate", static_cast<double>(load.messages) / seconds},
        {"cpu_ms", used / static_cast<double>(load.messages) * 1e3},
        {"p50_ms", percentile(0.5)},
        {"p99_ms", percentile(0.99)},
        {"failed", failed.load()}
    };
}

int store_messages(const bench::Kind& kind, const std::string& folder, const Load& load) {
    const auto engine = kind.open(folder);
    if (!engine) {
        return 1;
    }
    // The text around a message is with it, as its envelope is with ours.
    const std::string message = std::string(300, 'e') + incompressible(load.size);
    const std::string body = kind.name == "Sekisho" ? message.substr(300) : message;
    Json told = measure(load, [&] { return engine->put(body); });
    told["facts"] = engine->facts();
    fmt::print("{}\n", told.dump());
    return told["failed"] == 0 ? 0 : 1;
}

bool finish(queue::Spool& spool, const queue::Entry& entry) {
    queue::Outcome outcome;
    for (const auto& recipient : entry.envelope.recipients) {
        outcome.recipients.push_back(
            {.address = recipient.address,
             .state = queue::RecipientState::Delivered,
             .reply = "250 2.0.0 ok"}
        );
    }
    std::binary_semaphore done(0);
    bool ok = false;
    spool.finish(entry.envelope.queue_id, outcome, [&](const sekisho::Status& status) {
        ok = status.has_value();
        done.release();
    });
    done.acquire();
    return ok;
}

int drain(const std::string& folder, const Load& load) {
    store::SpoolOptions options;
    options.directory = folder;
    options.free_space_min = 0;
    auto opened = store::SpoolLog::open(std::move(options));
    if (!opened) {
        fmt::print(stderr, "{}\n", opened.error().message);
        return 1;
    }
    queue::Spool& spool = **opened;
    const std::string body = incompressible(load.size);
    std::counting_semaphore<> stored(0);
    for (int i = 0; i < load.messages; ++i) {
        queue::Envelope envelope;
        envelope.reverse_path = "subscriber@example.net";
        envelope.recipients.push_back({.address = "recipient@example.org"});
        spool.append(std::move(envelope), body, [&](const auto&) { stored.release(); });
    }
    for (int i = 0; i < load.messages; ++i) {
        stored.acquire();
    }
    const Json told = measure(load, [&] {
        const auto entry = spool.take_due(sekisho::now());
        return entry && spool.message(entry->envelope.queue_id).value_or("").size() == load.size &&
               finish(spool, *entry);
    });
    fmt::print("{}\n", told.dump());
    return told["failed"] == 0 ? 0 : 1;
}

int run(const std::vector<std::string>& words) {
    const auto all = bench::kinds();
    if (words.size() == 1 && words[0] == "list") {
        for (const bench::Kind& kind : all) {
            fmt::print("{}\n", kind.name);
        }
        return 0;
    }
    if (words.size() != 5) {
        fmt::print(stderr, "usage: bench_spool list | ENGINE|drain FOLDER WRITERS MESSAGES SIZE\n");
        return 2;
    }
    const Load load{std::stoi(words[2]), std::stoi(words[3]), std::stoull(words[4])};
    fs::create_directories(words[1]);
    if (words[0] == "drain") {
        return drain(words[1], load);
    }
    const auto kind = std::ranges::find(all, words[0], &bench::Kind::name);
    if (kind == all.end()) {
        fmt::print(stderr, "no engine {}: it was built without\n", words[0]);
        return 2;
    }
    return store_messages(*kind, words[1], load);
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run({argv + 1, argv + argc});
    } catch (const std::exception& problem) {
        fmt::print(stderr, "{}\n", problem.what());
        return 1;
    }
}
