// Who held an address: the index in memory beside the SQLite file it is read from, over the same
// sessions and the same questions. First argument: how many sessions (10,000,000 if none).
//
// The world is made up, its shape is not: half a year of sessions, ten on each address one after
// the other, each with an IPv4 address, or 256 ports of one, and a delegated IPv6 prefix.
#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "line/line.h"
#include "line/ports.h"
#include "store/line_store.h"
#include "store/sqlite.h"
#include "store/store.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace sekisho;
using Clock = std::chrono::steady_clock;

constexpr std::int64_t kBegin = 1'700'000'000'000;
constexpr std::int64_t kHalfYear = 180LL * 86'400'000;
constexpr std::uint64_t kPerAddress = 10;  // sessions on an address, one after the other
constexpr std::uint64_t kSharers = 240;    // lines that share an IPv4 address
constexpr std::size_t kQuestions = 1'000'000;

double seconds_since(Clock::time_point began) {
    return std::chrono::duration<double>(Clock::now() - began).count();
}

std::uint64_t resident_bytes() {
    std::ifstream file{"/proc/self/statm"};
    std::uint64_t all = 0;
    std::uint64_t resident = 0;
    file >> all >> resident;
    return resident * 4096;
}

// Session `number` of `count`. The place is what one line has at a time; one in five shares its
// IPv4 address.
class World {
  public:
    explicit World(std::uint64_t count)
        : count_(count), places_(std::max(count / kPerAddress, std::uint64_t{1})) {}

    [[nodiscard]] std::uint64_t places() const { return places_; }
    [[nodiscard]] line::Session session(std::uint64_t number) const {
        const std::uint64_t place = number % places_;
        line::Session out;
        out.id = fmt::format("{:08X}-{:08X}", 0x4D2BB8ACU + place, number);
        out.nas = fmt::format("bras{}.example.net", place % 50);
        // Every fourth time the line behind a place is another one.
        out.line = fmt::format("subscriber{:08}", place + (number / places_ / 4) * places_);
        out.realm = "example.net";
        out.start = start(number);
        out.seen = out.start;
        if (number + places_ < count_) {
            out.end = start(number + places_) - Duration{60'000};
            out.seen = *out.end;
        }
        out.prefixes = {Prefix{address4(place), 32}, Prefix{address6(place), 56}};
        if (shares(place)) {
            out.ports = *line::PortSet::range(
                first_port(place), static_cast<std::uint16_t>(first_port(place) + 255)
            );
        }
        return out;
    }
    // A question about a random session's time, by its IPv4 or its IPv6 address.
    struct Question {
        IpAddress address;
        Time at;
        std::uint16_t port;
        std::uint64_t session;
    };
    template <class Random>
    [[nodiscard]] Question question(Random& random) const {
        const std::uint64_t number = random() % count_;
        const std::uint64_t place = number % places_;
        const bool v4 = random() % 2 == 0;
        return {
            v4 ? address4(place) : inside(address6(place)),
            start(number) + Duration{60'000},
            static_cast<std::uint16_t>(
                shares(place) ? first_port(place) + random() % 256 : 1024 + random() % 60000
            ),
            number
        };
    }

  private:
    static bool shares(std::uint64_t place) { return place % 5 == 0; }
    static std::uint16_t first_port(std::uint64_t place) {
        return static_cast<std::uint16_t>(4096 + 256 * (place / 5 % kSharers));
    }
    static IpAddress address4(std::uint64_t place) {
        const auto low = static_cast<std::uint32_t>(shares(place) ? place / 5 / kSharers : place);
        return IpAddress::v4((shares(place) ? 0x64400000U : 0x0a000000U) + low);
    }
    static IpAddress address6(std::uint64_t place) {
        std::array<std::uint8_t, 16> bytes{0x20, 0x01, 0x0d};
        for (unsigned i = 0; i < 4; ++i) {  // 2001:d..::/56 by place
            bytes.at(6 - i) = static_cast<std::uint8_t>(place >> (8 * i));
        }
        return IpAddress::v6(bytes);
    }
    static IpAddress inside(const IpAddress& prefix) {
        std::array<std::uint8_t, 16> bytes = prefix.bytes();
        bytes[7] = 1;
        bytes[15] = 7;
        return IpAddress::v6(bytes);
    }
    [[nodiscard]] Time start(std::uint64_t number) const {
        return from_ms(
            kBegin + static_cast<std::int64_t>(
                         static_cast<double>(number) / static_cast<double>(count_) * kHalfYear
                     )
        );
    }

    std::uint64_t count_, places_;
};

// Through the store, as the gate does it, into a file of its own.
bool write_some(const std::string& file, const World& world, std::uint64_t count) {
    auto store = store::open_store(file);
    if (!store) {
        fmt::print("{}\n", store.error().message);
        return false;
    }
    const auto began = Clock::now();
    for (std::uint64_t number = 0; number < count;) {
        std::vector<line::Session> part;
        for (; part.size() < 2'000 && number < count; ++number) {
            part.push_back(world.session(number));
        }
        if (const Status kept = (*store)->lines().put_all(part); !kept) {
            fmt::print("{}\n", kept.error().message);
            return false;
        }
    }
    fmt::print(
        "written to SQLite           {:8.1f} us a session ({} of them, 2000 a commit)\n",
        seconds_since(began) / static_cast<double>(count) * 1e6,
        count
    );
    return true;
}

// The same rows as the store would have written, in the order in which they lie in the file, and
// the indexes after them: minutes instead of an hour.
class Filling {
  public:
    explicit Filling(const World& world, std::uint64_t count) : world_(world), count_(count) {}

    Status fill(const std::string& file) {
        if (const auto made = store::open_store(file); !made) {
            return fail(made.error());
        }
        auto opened = store::Database::open(file, {});
        if (!opened) {
            return fail(opened.error());
        }
        database_ = std::move(*opened);
        Status done = database_->run_script("PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF");
        done = done ? take_indexes() : done;
        done = done ? each([this](std::uint64_t number) { return session(number); }) : done;
        for (const Part part : {Part::Alone, Part::Shared, Part::V6}) {
            done = done ? each_by_place([&](std::uint64_t number) { return held(number, part); })
                        : done;
        }
        for (const std::string& sql : indexes_) {
            done = done ? database_->run_script(sql) : done;
        }
        return done ? database_->run_script("INSERT INTO held_lengths VALUES (56), (128); ANALYZE")
                    : done;
    }

  private:
    enum class Part : std::uint8_t { Alone, Shared, V6 };

    Status take_indexes() {
        std::vector<std::string> names;
        {
            auto rows = database_->prepare(
                "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND "
                "tbl_name IN ('sessions', 'held')"
            );
            if (!rows) {
                return fail(rows.error());
            }
            for (auto row = rows->step(); row && *row; row = rows->step()) {
                names.push_back(rows->text());
                indexes_.push_back(rows->text());
            }
        }
        Status done;
        for (const std::string& name : names) {
            done = done ? database_->run_script("DROP INDEX " + name) : done;
        }
        return done;
    }

    Status in_parts(std::uint64_t count, const std::function<Status(std::uint64_t)>& one) {
        Status done;
        for (std::uint64_t from = 0; done && from < count; from += 100'000) {
            done = database_->transaction([&] {
                Status put;
                for (std::uint64_t i = from; put && i < std::min(count, from + 100'000); ++i) {
                    put = one(i);
                }
                return put;
            });
        }
        return done;
    }
    Status each(const std::function<Status(std::uint64_t)>& one) { return in_parts(count_, one); }
    Status each_by_place(const std::function<Status(std::uint64_t)>& one) {
        return in_parts(world_.places(), [&](std::uint64_t place) {
            Status put;
            for (std::uint64_t number = place; put && number < count_; number += world_.places()) {
                put = one(number);
            }
            return put;
        });
    }

    Status session(std::uint64_t number) {
        const line::Session one = world_.session(number);
        return database_->run(
            "INSERT INTO sessions (id, nas, session, line, realm, started, ended, seen, ports) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            static_cast<std::int64_t>(number + 1),
            std::string_view{one.nas},
            std::string_view{one.id},
            std::string_view{one.line},
            std::string_view{one.realm},
            one.start,
            ended(one),
            one.seen,
            static_cast<std::int64_t>(one.ports.packed())
        );
    }
    Status held(std::uint64_t number, Part part) {
        const line::Session one = world_.session(number);
        if (part != Part::V6 && one.ports.is_every() != (part == Part::Alone)) {
            return {};
        }
        const Prefix& prefix = one.prefixes.at(part == Part::V6 ? 1 : 0);
        const auto& bytes = prefix.address().bytes();
        std::string first(prefix.is_v4() ? 10 : 0, '\0');
        first += prefix.is_v4() ? "\xff\xff" : "";
        first.append(bytes.begin(), bytes.begin() + (prefix.is_v4() ? 4 : 16));
        return database_->run(
            "INSERT INTO held (first, length, ended, started, session) VALUES (?, ?, ?, ?, ?)",
            store::Blob{first},
            std::int64_t{prefix.length() + (prefix.is_v4() ? 96 : 0)},
            ended(one),
            one.start,
            static_cast<std::int64_t>(number + 1)
        );
    }
    static std::int64_t ended(const line::Session& one) {
        return one.end ? to_ms(*one.end) : std::numeric_limits<std::int64_t>::max();
    }

    const World& world_;
    std::uint64_t count_;
    std::unique_ptr<store::Database> database_;
    std::vector<std::string> indexes_;
};

// Time of this thread on a processor: what others do on the machine meanwhile doesn't count.
double cpu_seconds() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

// Who the line was, or `all` of the sessions. The mean and, of samples of 100, the median and the
// slowest hundredth; false on a wrong answer.
bool ask(
    const char* what, line::LineStore& lines, const World& world, std::size_t count, bool all
) {
    std::mt19937_64 random{20261126};
    std::vector<World::Question> questions;
    questions.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        questions.push_back(world.question(random));
    }
    std::vector<double> each;
    std::size_t wrong = 0;
    for (std::size_t i = 0; i + 100 <= count; i += 100) {
        const double began = cpu_seconds();
        for (std::size_t j = i; j < i + 100; ++j) {
            const auto& q = questions[j];
            if (all) {
                const auto found = lines.holders(q.address, q.at, q.port);
                wrong += found && found->size() == 1 ? 0 : 1;
            } else {
                const auto found = lines.holder(q.address, q.at, q.port);
                wrong += found && found->certainty == line::Certainty::Subscriber ? 0 : 1;
            }
        }
        each.push_back((cpu_seconds() - began) / 100 * 1e9);
    }
    for (std::size_t i = 0; i < count; i += 97) {
        const auto& q = questions[i];
        const auto found = lines.holders(q.address, q.at, q.port);
        wrong +=
            found && !found->empty() && found->front().id == world.session(q.session).id ? 0 : 1;
    }
    double sum = 0;
    for (const double one : each) {
        sum += one;
    }
    std::ranges::sort(each);
    fmt::print(
        "{:27} {:8.0f} ns of processor a look-up, median {:.0f}, 99% {:.0f}{}\n",
        what,
        sum / static_cast<double>(each.size()),
        each[each.size() / 2],
        each[each.size() * 99 / 100],
        wrong == 0 ? "" : fmt::format("; {} WRONG ANSWERS", wrong)
    );
    std::fflush(stdout);
    return wrong == 0;
}

int run(std::uint64_t count) {
    std::string folder = (std::filesystem::temp_directory_path() / "sekisho-lines-XXXXXX").string();
    if (mkdtemp(folder.data()) == nullptr) {
        fmt::print("no folder for the database in {}\n", folder);
        return 1;
    }
    struct Gone {
        const std::string& folder;
        ~Gone() { std::filesystem::remove_all(folder); }
    } const gone{folder};
    const std::string file = folder + "/sekisho.db";
    const World world{count};
    fmt::print("{} sessions\n", count);
    if (!write_some(folder + "/some.db", world, std::min<std::uint64_t>(count, 50'000))) {
        return 1;
    }
    const auto began = Clock::now();
    if (const Status filled = Filling{world, count}.fill(file); !filled) {
        fmt::print("{}\n", filled.error().message);
        return 1;
    }
    fmt::print("  (the file was made in {:.0f} s)\n", seconds_since(began));
    std::fflush(stdout);
    fmt::print(
        "the file                    {:8.0f} MB\n",
        static_cast<double>(std::filesystem::file_size(file)) / 1e6
    );
    {
        auto store = store::open_store(file);
        if (!store || !ask("line, from SQLite", (*store)->lines(), world, kQuestions / 10, false)) {
            return 1;
        }
    }
    const std::uint64_t before = resident_bytes();
    auto store = store::open_store(file, {.index_lines = true});
    while (store && !(*store)->line_index().ready && (*store)->line_index().error.empty()) {
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
    if (!store || !(*store)->line_index().ready) {
        fmt::print("the index was not loaded\n");
        return 1;
    }
    const store::LineIndexStatus status = (*store)->line_index();
    fmt::print(
        "index loaded at a start     {:8.1f} s\n",
        static_cast<double>(status.load_time.count()) / 1e3
    );
    fmt::print(
        "memory                      {:8.0f} MB, {:.0f} bytes a session (resident {:.0f} MB "
        "more)\n",
        static_cast<double>(status.bytes) / 1e6,
        static_cast<double>(status.bytes) / static_cast<double>(status.sessions),
        static_cast<double>(resident_bytes() - before) / 1e6
    );
    line::LineStore& lines = (*store)->lines();
    const bool right = ask("line, from the index", lines, world, kQuestions, false) &&
                       ask("sessions, from the index", lines, world, kQuestions, true);
    return right ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    const std::uint64_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 10'000'000;
    if (count < 100) {
        fmt::print("usage: bench_lines [SESSIONS, 100 or more]\n");
        return 2;
    }
    return run(count);
}
