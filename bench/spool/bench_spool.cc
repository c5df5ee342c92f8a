// Durable messages per second of the segment log, beside a file per message (write, fsync, rename,
// fsync of the folder) on the same disk in the same run.
//
//   bench_spool [DIRECTORY [MESSAGES [SIZE]]]
//
// A writer hands in a message and waits for its acknowledgement, as an SMTP session does. CPU is
// the whole process's (user and system) for each message.
#include "base/time.h"
#include "queue/spool.h"
#include "store/spool_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <memory>
#include <random>
#include <semaphore>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace {

namespace fs = std::filesystem;
namespace queue = sekisho::queue;
namespace store = sekisho::store;
using Clock = std::chrono::steady_clock;

double cpu_seconds() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

queue::Envelope envelope() {
    queue::Envelope envelope;
    envelope.reverse_path = "subscriber@example.net";
    envelope.account = "subscriber@example.net";
    envelope.client = "192.0.2.77";
    envelope.message_id = "<20261124.bench@example.net>";
    for (int i = 0; i < 4; ++i) {
        envelope.recipients.push_back({.address = fmt::format("recipient{}@example.org", i)});
    }
    return envelope;
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
    std::string name;
    int writers = 1;
    int messages = 0;
};

// `put` makes one message durable and returns whether it did.
void measure(const Load& load, const std::function<bool(int writer, int number)>& put) {
    std::vector<std::vector<double>> waits(static_cast<std::size_t>(load.writers));
    std::atomic<int> next = 0;
    std::atomic<int> failed = 0;
    const double cpu = cpu_seconds();
    const auto start = Clock::now();
    std::vector<std::thread> threads;
    for (int writer = 0; writer < load.writers; ++writer) {
        threads.emplace_back([&, writer] {
            for (int number = next++; number < load.messages; number = next++) {
                const auto begin = Clock::now();
                failed += put(writer, number) ? 0 : 1;
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
        return all[static_cast<std::size_t>(share * static_cast<double>(all.size() - 1))];
    };
    fmt::print(
        "{:<18} {:>3} writers {:>8.0f} msg/s  cpu {:>6.1f} us/msg  p50 {:>6.2f} ms  p99 {:>6.2f} "
        "ms{}\n",
        load.name,
        load.writers,
        static_cast<double>(load.messages) / seconds,
        used / static_cast<double>(load.messages) * 1e6,
        percentile(0.5),
        percentile(0.99),
        failed == 0 ? "" : fmt::format("  FAILED {}", failed.load())
    );
    std::fflush(stdout);
}

void segments(const std::string& directory, Load load, const std::string& body) {
    store::SpoolOptions options;
    options.directory = directory;
    options.free_space_min = 0;
    auto opened = store::SpoolLog::open(std::move(options));
    if (!opened) {
        fmt::print(stderr, "{}\n", opened.error().message);
        return;
    }
    queue::Spool& spool = **opened;
    load.name = "segments";
    measure(load, [&](int, int) {
        std::binary_semaphore done(0);
        bool ok = false;
        spool.append(envelope(), body, [&](const sekisho::Result<std::string>& result) {
            ok = result.has_value();
            done.release();
        });
        done.acquire();
        return ok;
    });
    const queue::Spool::Counters filled = spool.counters();
    fmt::print(
        "{:<18} {:.1f} messages a sync, {} segments, acks before durable {}\n",
        "",
        static_cast<double>(filled.appended_total) / static_cast<double>(filled.commits_total),
        filled.segments,
        filled.acks_before_durable_total
    );
    // Draining: taken, read, finished. Later runs then write over recycled segments.
    load.name = "segments drain";
    measure(load, [&](int, int) {
        const auto entry = spool.take_due(sekisho::now());
        if (!entry) {
            return false;
        }
        const auto bytes = spool.message(entry->envelope.queue_id);
        queue::Outcome outcome;
        for (const auto& recipient : entry->envelope.recipients) {
            outcome.recipients.push_back(
                {.address = recipient.address,
                 .state = queue::RecipientState::Delivered,
                 .reply = "250 2.0.0 ok"}
            );
        }
        std::binary_semaphore done(0);
        bool ok = false;
        spool.finish(entry->envelope.queue_id, outcome, [&](const sekisho::Status& status) {
            ok = status.has_value();
            done.release();
        });
        done.acquire();
        return ok && bytes && bytes->size() == body.size();
    });
}

bool write_file(
    const fs::path& folder, int folder_fd, const std::string& name, const std::string& bytes
) {
    const fs::path hidden = folder / ("." + name);
    const int fd = ::open(hidden.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return false;
    }
    const bool written =
        ::write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) &&
        ::fsync(fd) == 0;
    ::close(fd);
    return written && ::rename(hidden.c_str(), (folder / name).c_str()) == 0 &&
           ::fsync(folder_fd) == 0;
}

void files(const std::string& directory, Load load, const std::string& body) {
    fs::create_directories(directory);
    const int folder = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    load.name = "file per message";
    const std::string bytes = std::string(300, 'e') + body;
    measure(load, [&](int, int number) {
        return write_file(directory, folder, std::to_string(number), bytes);
    });
    ::close(folder);
    fs::remove_all(directory);
}

}  // namespace

int main(int argc, char** argv) {
    const std::string directory = argc > 1 ? argv[1] : "spool-bench";
    const int messages = argc > 2 ? std::atoi(argv[2]) : 20'000;
    const std::size_t size = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 10'240;
    const std::string body = incompressible(size);
    fmt::print("{} messages of {} bytes in {}\n", messages, size, directory);
    for (const int writers : {1, 16, 64}) {
        const Load load{.name = {}, .writers = writers, .messages = messages};
        segments(directory + "/segments", load, body);
        files(directory + "/files", load, body);
    }
    // Once more over the recycled segments.
    segments(directory + "/segments", {.name = {}, .writers = 64, .messages = messages}, body);
    fs::remove_all(directory);
    return 0;
}
