// An SMTP load generator that knows what was acknowledged.
//
//   bench_load --port P --from A --to B [--messages N | --seconds S] ... (--help tells all)
//
// Each message carries RUN-NUMBER in X-Bench-Id. The latency of a message is from MAIL to the
// answer after its data; with --rate it is from the time it was due, waiting included, so that a
// slow server can't hide behind a client that waits for it.
#include "base/bytes.h"
#include "bench/mail/figures.h"
#include "bench/mail/load.h"
#include "bench/mail/loop.h"
#include "bench/mail/wire.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace sekisho::bench;  // NOLINT: the program is nothing but this

struct Wanted {
    LoadOptions load;
    std::string auth = "none";
    std::string ids;
    bool json = false;
};

void add_yes_no(CLI::App& app, const std::string& name, bool& value, const std::string& what) {
    static const std::map<std::string, bool> words = {{"yes", true}, {"no", false}};
    app.add_option(name, value, what)->transform(CLI::CheckedTransformer(words));
}

void declare(CLI::App& app, Wanted& wanted) {
    static const std::map<std::string, TlsMode> modes = {
        {"none", TlsMode::None}, {"starttls", TlsMode::StartTls}, {"implicit", TlsMode::Implicit}
    };
    LoadOptions& load = wanted.load;
    app.add_option("--host", load.host, "IPv4 address of the server");
    app.add_option("--port", load.port)->required();
    app.add_option("--tls", load.tls)->transform(CLI::CheckedTransformer(modes));
    app.add_option("--auth", wanted.auth, "none, or plain:USER:PASSWORD; %d in USER is an account");
    app.add_option("--accounts", load.accounts)->check(CLI::PositiveNumber);
    app.add_option("--connections", load.connections)->check(CLI::PositiveNumber);
    app.add_option("--per-connection", load.per_connection, "messages, then a new connection")
        ->check(CLI::PositiveNumber);
    app.add_option("--messages", load.messages);
    app.add_option("--seconds", load.seconds);
    app.add_option("--size", load.size, "octets of a message");
    app.add_option("--from", load.from, "%d is the account")->required();
    app.add_option("--to", load.to, "%d is the message's number modulo --destinations")->required();
    app.add_option("--destinations", load.destinations)->check(CLI::PositiveNumber);
    app.add_option("--rate", load.rate, "messages a second, whether or not answers come");
    app.add_option("--threads", load.threads)->check(CLI::PositiveNumber);
    app.add_option("--sources", load.sources, "come from so many addresses, 127.0.0.1 and up")
        ->check(CLI::Range(1, 250));
    app.add_flag("--idle", load.idle, "only open the connections and hold them for --seconds");
    add_yes_no(app, "--pipelining", load.pipelining, "RFC 2920");
    add_yes_no(app, "--chunking", load.chunking, "BDAT (RFC 3030)");
    add_yes_no(app, "--resume", load.resume, "TLS sessions");
    app.add_option("--run", load.run, "names the run in the ids; random by default");
    app.add_option("--ids", wanted.ids, "write what was acknowledged: RUN FIRST LAST TIMES");
    app.add_flag("--json", wanted.json);
}

// What is wrong with the options together; empty when nothing is.
std::string complete(Wanted& wanted) {
    LoadOptions& load = wanted.load;
    if (wanted.auth != "none") {
        const auto user = wanted.auth.find(':');
        const auto password = wanted.auth.find(':', user == std::string::npos ? user : user + 1);
        if (!wanted.auth.starts_with("plain:") || password == std::string::npos) {
            return "--auth is none or plain:USER:PASSWORD";
        }
        load.user = wanted.auth.substr(user + 1, password - user - 1);
        load.password = wanted.auth.substr(password + 1);
    }
    if (load.idle ? load.seconds <= 0 : load.messages == 0 && load.seconds <= 0) {
        return load.idle ? "--idle needs --seconds" : "give --messages or --seconds";
    }
    if (load.run.empty()) {
        load.run = sekisho::hex(sekisho::random_bytes(6));
    }
    load.threads = std::min(load.threads, load.connections);
    return "";
}

Run* running = nullptr;

Tally work_all(Run& run) {
    std::vector<Tally> tallies(static_cast<std::size_t>(run.options().threads));
    {
        std::vector<std::jthread> threads;
        for (std::size_t i = 0; i < tallies.size(); ++i) {
            threads.emplace_back([&, i] { tallies[i] = work(run, static_cast<int>(i)); });
        }
        while (run.options().idle && !run.all_stand() && !run.stopped()) {
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
        if (run.options().idle) {
            fmt::print(stderr, "holding\n");
            std::fflush(stderr);
        }
    }
    Tally all;
    for (Tally& one : tallies) {
        all.merge(one);
    }
    return all;
}

nlohmann::json told(const Run& run, Tally& tally) {
    const auto end = tally.acknowledged > 0 ? tally.last : Clock::now();
    const double seconds = std::chrono::duration<double>(end - run.started()).count();
    return {
        {"run", run.options().run},
        {"sent", tally.sent},
        {"acknowledged", tally.acknowledged},
        {"refused", tally.refused},
        {"errors", tally.errors},
        {"first_trouble", tally.example},
        {"connections", tally.connections},
        {"resumed", tally.resumed},
        {"seconds", seconds},
        {"rate", static_cast<double>(tally.acknowledged) / seconds},
        {"latency_ms", percentiles(tally.latency)},
        {"connect_ms", percentiles(tally.set_up)},
        {"cpu_seconds", cpu_seconds()},
    };
}

int program(int argc, char** argv) {
    CLI::App app("SMTP load, with ids, latencies and the generator's own CPU time");
    Wanted wanted;
    declare(app, wanted);
    CLI11_PARSE(app, argc, argv);
    if (const std::string wrong = complete(wanted); !wrong.empty()) {
        fmt::print(stderr, "{}\n", wrong);
        return 2;
    }
    raise_descriptor_limit();
    std::signal(SIGPIPE, SIG_IGN);
    Run run(wanted.load);
    running = &run;
    const auto stop = [](int) { running->stop(); };
    std::signal(SIGTERM, stop);
    std::signal(SIGINT, stop);
    Tally tally = work_all(run);
    if (!wanted.ids.empty() && !tally.ids.write(wanted.ids)) {
        fmt::print(stderr, "{}: can't be written\n", wanted.ids);
        return 1;
    }
    const nlohmann::json result = told(run, tally);
    if (wanted.json) {
        fmt::print("{}\n", result.dump());
    } else {
        fmt::print("{}\n", result.dump(2));
    }
    // Whoever calls this looks at the counts; only a run without any success is a failure of its
    // own.
    return tally.acknowledged > 0 || (wanted.load.idle && !tally.set_up.empty()) ? 0 : 1;
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
