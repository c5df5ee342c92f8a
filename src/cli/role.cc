#include "cli/role.h"

#include "account/send_as.h"
#include "base/bytes.h"
#include "base/file.h"
#include "base/log.h"
#include "base/time.h"
#include "cli/context.h"
#include "cli/reply_rules.h"
#include "config/config.h"
#include "config/reader.h"
#include "evidence/custody.h"
#include "net/control.h"
#include "net/server.h"
#include "peer/greylist.h"
#include "peer/past.h"
#include "store/store.h"

#include <fmt/core.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <pthread.h>
#include <signal.h>
#include <string>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

log::Options log_options(const config::Config& config, const std::string& role) {
    log::Options options;
    options.role = role;
    const std::map<std::string, log::Level> levels{
        {"debug", log::Level::Debug},
        {"info", log::Level::Info},
        {"warning", log::Level::Warning},
        {"error", log::Level::Error}
    };
    options.level = levels.at(config.log.level);
    options.format = config.log.format == "json"   ? log::Format::Json
                     : config.log.format == "text" ? log::Format::Text
                                                   : log::Format::Auto;
    return options;
}

sigset_t handled_signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
        sigaddset(&set, signal);
    }
    return set;
}

// When the watched files changed last; a file that has gone counts as changed.
std::map<std::string, std::filesystem::file_time_type> stamps(const config::Config& config) {
    std::map<std::string, std::filesystem::file_time_type> out;
    for (const std::string& file : config.watched_files) {
        std::error_code error;
        out[file] = std::filesystem::last_write_time(file, error);
    }
    return out;
}

Json ok(Json result) {
    return Json{{"ok", true}, {"result", std::move(result)}};
}
Json refused(const Error& error) {
    return Json{{"ok", false}, {"error", {{"code", name(error.code)}, {"message", error.message}}}};
}

constexpr std::chrono::hours kTidy{1};

class Host {
  public:
    Host(Context context, std::string name)
        : context_(std::move(context)), name_(std::move(name)) {}

    int run(const StartRole& start) {
        const auto config = load_config(context_);
        if (!config) {
            return config.error();
        }
        config_ = *config;
        log::configure(log_options(config_, name_));
        // Blocked before any thread starts, so that only the wait below takes them.
        const sigset_t set = handled_signals();
        pthread_sigmask(SIG_BLOCK, &set, nullptr);
        signal(SIGPIPE, SIG_IGN);
        if (const Status made = make_folder(config_.state_dir + "/run", 0750); !made) {
            return report(context_, made.error());
        }
        if (const Status given = hand_over(config_); !given) {
            return report(context_, given.error());
        }
        auto role = start(config_);
        if (!role) {
            log::error(
                "ROLE_START_FAILED", "the role can't start", {{"error", role.error().message}}
            );
            tell_parent(Json{{"error", role.error().message}});
            return role.error().code == Errc::Invalid ? kUsage : kFailed;
        }
        role_ = std::move(*role);
        const int code = serve();
        role_->stop();
        log::info("ROLE_STOPPED", "stopped");
        return code;
    }

  private:
    int serve() {
        auto loops = net::Loops::make(1);
        auto workers = net::Workers::make(1);
        auto control = net::serve_control(
            *loops,
            *workers,
            config_.socket(name_),
            [this](std::string request) { return answer(request); }
        );
        if (!control) {
            log::error(
                "CONTROL_SOCKET_FAILED",
                "the control socket can't be served",
                {{"error", control.error().message}}
            );
            tell_parent(Json{{"error", control.error().message}});
            return kFailed;
        }
        if (const Status given = hand_over(config_); !given) {  // the socket of one that stays root
            log::error(
                "HAND_OVER_FAILED",
                "the other roles may not reach this one",
                {{"error", given.error().message}}
            );
        }
        loops->run();
        log::info("ROLE_STARTED", "started", {{"config", config_.file}});
        tell_parent(Json{{"summary", role_->summary()}});
        wait_for_signals();
        control->reset();
        loops->stop();
        return kDone;
    }

    void wait_for_signals() {
        const sigset_t set = handled_signals();
        auto known = stamps(config_);
        auto tidy_at = std::chrono::steady_clock::now();
        while (true) {
            if (std::chrono::steady_clock::now() >= tidy_at) {
                tidy_at += kTidy;
                tidy();
            }
            const timespec second{1, 0};
            const int signal = sigtimedwait(&set, nullptr, &second);
            if (signal == SIGTERM || signal == SIGINT) {
                log::info("ROLE_STOPPING", "stopping");
                return;
            }
            tick();
            const bool asked = signal == SIGHUP;
            const auto current = stamps(config_);
            if (asked || current != known) {
                const auto done = reload();
                if (!done) {
                    log::error(
                        "RELOAD_REFUSED",
                        "the new configuration is refused, the old one stays in force",
                        {{"error", done.error().message}}
                    );
                }
                known = stamps(config_);
            }
        }
    }

    void tick() {
        const std::lock_guard guard(mutex_);  // not while a reload runs
        role_->tick();
    }

    void tidy() {
        std::unique_lock guard(mutex_);
        const config::Retention retention = config_.retention;
        guard.unlock();
        role_->tidy(retention);
    }

    Result<std::vector<std::string>> reload() {
        const std::lock_guard guard(mutex_);
        auto loaded = config::load(config_.file);
        if (!loaded) {
            std::string text;
            for (const config::Problem& problem : loaded.error()) {
                text += (text.empty() ? "" : "; ") + problem.message();
            }
            return fail(Errc::Invalid, text);
        }
        const config::Config next = loaded->resolved();
        if (const Status followed = follow_replies(next); !followed) {
            return fail(followed.error());
        }
        auto notes = role_->reload(next);
        if (!notes) {
            return notes;
        }
        config_ = next;
        log::configure(log_options(config_, name_));
        log::info("RELOADED", "the new configuration is in force");
        return notes;
    }

    std::string answer(const std::string& text) {
        const Json request = Json::parse(text, nullptr, false);
        if (request.is_discarded() || !request.is_object() || !request.contains("command") ||
            !request["command"].is_string()) {
            return refused(Error{Errc::Invalid, "a request is an object with \"command\""}).dump();
        }
        const std::string command = request["command"];
        try {
            if (command == "status") {
                return ok(role_->status()).dump(-1, ' ', false, Json::error_handler_t::replace);
            }
            if (command == "reload") {
                const auto notes = reload();
                return notes ? ok(Json{{"notes", *notes}}).dump() : refused(notes.error()).dump();
            }
            auto result = role_->command(command, request);
            return (result ? ok(std::move(*result)) : refused(result.error()))
                .dump(-1, ' ', false, Json::error_handler_t::replace);
        } catch (const nlohmann::json::exception& error) {
            return refused(Error{
                               Errc::Invalid,
                               std::string("the request is malformed: ") + error.what()
                           })
                .dump();
        }
    }

    // `sekisho run` hands each role a pipe to say that it is up, or why it isn't.
    static void tell_parent(const Json& message) {
        const char* text = std::getenv("SEKISHO_READY_FD");
        if (text == nullptr) {
            return;
        }
        const int fd = std::atoi(text);
        const std::string line = message.dump() + "\n";
        if (fd > 2 && ::write(fd, line.data(), line.size()) < 0) {
            log::warning("READY_PIPE_CLOSED", "nobody waits for the start any more");
        }
        if (fd > 2) {
            ::close(fd);
            ::unsetenv("SEKISHO_READY_FD");
        }
    }

    Context context_;
    std::string name_;
    config::Config config_;
    std::unique_ptr<Role> role_;
    std::mutex mutex_;
};

}  // namespace

void forget_old(store::Store& store, const config::Retention& retention) {
    const Time at = now();
    const auto events = store.forget_events_before(at - retention.events);
    const auto sessions = store.forget_sessions_before(at - retention.sessions);
    const auto leases = store.forget_leases_before(at - retention.events);
    const auto evidence = store.forget_evidence_before(at - retention.events);
    // The gate erases records on time; without one somebody must.
    const auto erased = evidence::erase_due({store.evidence(), store.journal()}, at);
    if (!erased) {
        log::warning(
            "EVIDENCE_NOT_ERASED",
            "records that are due are still in the database",
            {{"error", erased.error().message}}
        );
    }
    const auto greylist = store.forget_greylist_before(at - peer::GreylistOptions{}.known_for);
    const auto peers = store.forget_peers_before(at - peer::kPastKept);
    const auto mta_sts = store.forget_mta_sts_before(at);
    const auto send_as = store.forget_send_as_before(at - account::kCodesCounted);
    const auto web = store.forget_sessions_ended_by(at);
    if (!events || !sessions || !leases || !evidence || !greylist || !peers || !mta_sts ||
        !send_as || !web) {
        const auto& failed = !events     ? events
                             : !sessions ? sessions
                             : !leases   ? leases
                             : !evidence ? evidence
                             : !greylist ? greylist
                             : !peers    ? peers
                             : !mta_sts  ? mta_sts
                             : !send_as  ? send_as
                                         : web;
        log::warning(
            "RETENTION_FAILED",
            "what is older than [retention] says is still in the database",
            {{"error", failed.error().message}}
        );
    } else if (*events + *sessions + *leases + *greylist + *mta_sts > 0) {
        log::info(
            "RETENTION",
            "forgot what was old",
            {{"events", *events},
             {"sessions", *sessions},
             {"leases", *leases},
             {"greylist", *greylist},
             {"mta_sts", *mta_sts}}
        );
    }
}

int run_role(const Context& context, const std::string& name, const StartRole& start) {
    return Host(context, name).run(start);
}

}  // namespace sekisho::cli
