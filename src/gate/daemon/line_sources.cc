#include "gate/daemon/line_sources.h"

#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "gate/daemon/file_stamp.h"
#include "gate/daemon/line_source.h"
#include "line/line.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <sys/stat.h>
#include <thread>
#include <utility>
#include <vector>

namespace sekisho::gate {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::chrono::seconds kLook{1};
constexpr std::size_t kPart = 2000;        // sessions a transaction
constexpr std::size_t kErrorsLogged = 20;  // of one reading

struct Watched {
    config::LineSource config;
    std::unique_ptr<LineSource> source;
};

std::unique_ptr<LineSource> make(const config::LineSource& source) {
    return source.kind == "kea" ? make_kea_source(source) : make_static_source(source);
}

void tell(const Watched& one) {
    const SourceState& state = one.source->state();
    for (const std::string& error :
         std::span{state.errors}.first(std::min(state.errors.size(), kErrorsLogged))) {
        log::warning("LINES_ROW_WRONG", error, {{"source", one.config.name}});
    }
    if (!state.fault.empty()) {
        log::warning(
            "LINES_NOT_READ", state.fault, {{"source", one.config.name}, {"file", one.config.file}}
        );
        return;
    }
    log::info(
        "LINES_READ",
        "a file of lines was read",
        {{"source", one.config.name},
         {"file", one.config.file},
         {"held", state.held},
         {"wrong", state.wrong}}
    );
}

class Watching final : public LineSources {
  public:
    Watching(const std::vector<config::LineSource>& sources, line::LineStore& lines)
        : lines_(lines), wanted_(sources), thread_([this] { loop(); }) {}
    Watching(const Watching&) = delete;
    Watching& operator=(const Watching&) = delete;
    ~Watching() override {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        wake_.notify_all();
        thread_.join();
    }

    void reload(const std::vector<config::LineSource>& sources) override {
        {
            const std::lock_guard lock(mutex_);
            wanted_ = sources;
            changed_ = true;
        }
        wake_.notify_all();
    }

    Json status() override {
        const std::lock_guard lock(mutex_);
        Json out = Json::array();
        for (const auto& [config, state] : shown_) {
            Json one{
                {"name", config.name},
                {"kind", config.kind},
                {"file", config.file},
                {"held", state.held},
                {"wrong", state.wrong},
                {"errors", state.errors}
            };
            one["read_at"] = state.read_at == Time{} ? Json() : Json(rfc3339(state.read_at));
            if (!state.fault.empty()) {
                one["fault"] = state.fault;
            }
            out.push_back(std::move(one));
        }
        return out;
    }

  private:
    void loop() {
        std::unique_lock lock(mutex_);
        while (!stopping_) {
            const std::vector<config::LineSource> wanted = wanted_;
            const bool changed = std::exchange(changed_, false);
            lock.unlock();
            if (changed) {
                follow(wanted);
            }
            look();
            lock.lock();
            shown_.clear();
            for (const Watched& one : watched_) {
                shown_.emplace_back(one.config, one.source->state());
            }
            wake_.wait_for(lock, kLook, [this] { return stopping_ || changed_; });
        }
    }

    void look() {
        for (Watched& one : watched_) {
            if (one.source->look(lines_, now())) {
                tell(one);
            }
        }
    }

    // Sources that stay, stay as they are.
    void follow(const std::vector<config::LineSource>& wanted) {
        std::vector<Watched> next;
        for (const config::LineSource& source : wanted) {
            const auto known = std::ranges::find(watched_, source, &Watched::config);
            next.push_back(
                known != watched_.end() ? std::move(*known) : Watched{source, make(source)}
            );
        }
        watched_ = std::move(next);
        end_others(wanted);
    }

    // What a source told that the configuration doesn't name any more.
    void end_others(const std::vector<config::LineSource>& wanted) {
        const auto open = lines_.open_nas();
        Status ended = open ? Status{} : fail(open.error());
        for (const std::string& nas : open ? *open : std::vector<std::string>{}) {
            const bool ours = nas.starts_with("static:") || nas.starts_with("kea:");
            if (ours && std::ranges::find(wanted, nas, nas_of) == wanted.end() && ended) {
                log::info("LINES_SOURCE_GONE", "a source of lines is gone", {{"source", nas}});
                ended = lines_.stop_all(nas, now());
            }
        }
        if (!ended) {
            log::warning(
                "LINES_NOT_ENDED",
                "what a source told that is gone is still open",
                {{"error", ended.error().message}}
            );
        }
    }

    line::LineStore& lines_;
    std::vector<Watched> watched_;  // of the thread

    std::mutex mutex_;  // all below
    std::condition_variable wake_;
    std::vector<config::LineSource> wanted_;
    std::vector<std::pair<config::LineSource, SourceState>> shown_;
    bool changed_ = true;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace

std::string nas_of(const config::LineSource& source) {
    return source.kind + ":" + source.name;
}

Status put_in_parts(line::LineStore& lines, const std::vector<line::Session>& sessions) {
    for (std::span<const line::Session> rest{sessions}; !rest.empty();) {
        const auto part = rest.first(std::min(rest.size(), kPart));
        if (Status put = lines.put_all(part); !put) {
            return put;
        }
        rest = rest.subspan(part.size());
    }
    return {};
}

FileStamp FileStamp::of(const std::string& file) {
    struct stat found{};
    if (::stat(file.c_str(), &found) != 0) {
        return {};
    }
    return {
        true,
        found.st_dev,
        found.st_ino,
        static_cast<std::uint64_t>(found.st_size),
        std::int64_t{found.st_mtim.tv_sec} * 1'000'000'000 + found.st_mtim.tv_nsec
    };
}

std::unique_ptr<LineSources> LineSources::start(
    const std::vector<config::LineSource>& sources, line::LineStore& lines
) {
    return std::make_unique<Watching>(sources, lines);
}

}  // namespace sekisho::gate
