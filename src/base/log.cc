#include "base/log.h"

#include "base/bytes.h"
#include "base/time.h"

#include <memory>
#include <nlohmann/json.hpp>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <string>
#include <string_view>
#include <type_traits>
#include <unistd.h>
#include <variant>

namespace sekisho::log {
namespace {

struct State {
    std::shared_ptr<spdlog::logger> logger;
    bool json = true;
    std::string role;
};

State& state() {
    static State instance = [] {
        State s;
        s.logger = std::make_shared<spdlog::logger>(
            "sekisho", std::make_shared<spdlog::sinks::stderr_sink_mt>()
        );
        s.logger->set_pattern("%v");
        s.logger->flush_on(spdlog::level::trace);
        s.json = isatty(STDERR_FILENO) == 0;
        return s;
    }();
    return instance;
}

spdlog::level::level_enum to_spdlog(Level level) {
    switch (level) {
        case Level::Debug:
            return spdlog::level::debug;
        case Level::Info:
            return spdlog::level::info;
        case Level::Warning:
            return spdlog::level::warn;
        case Level::Error:
            return spdlog::level::err;
    }
    return spdlog::level::info;
}

constexpr std::size_t kValueMax = 2000;

std::string value_text(const Field& field) {
    return std::visit(
        [](const auto& value) -> std::string {
            using T = std::decay_t<decltype(value)>;
            if constexpr (std::is_same_v<T, std::string>) {
                return printable(value, kValueMax);
            } else if constexpr (std::is_same_v<T, bool>) {
                return value ? "true" : "false";
            } else {
                return std::to_string(value);
            }
        },
        field.value
    );
}

std::string as_json(
    const State& s, Level level, std::string_view id, std::string_view text, Fields fields
) {
    nlohmann::ordered_json line;
    line["time"] = rfc3339(now());
    line["level"] = spdlog::level::to_string_view(to_spdlog(level)).data();
    if (!s.role.empty()) {
        line["role"] = s.role;
    }
    line["id"] = id;
    line["text"] = printable(text, kValueMax);
    for (const Field& field : fields) {
        std::visit(
            [&](const auto& value) {
                if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::string>) {
                    line[std::string(field.key)] = printable(value, kValueMax);
                } else {
                    line[std::string(field.key)] = value;
                }
            },
            field.value
        );
    }
    return line.dump();
}

std::string as_text(
    const State& s, Level level, std::string_view id, std::string_view text, Fields fields
) {
    std::string out = rfc3339(now()).substr(11, 12) + " ";
    const char* mark = level == Level::Error ? "ERROR " : level == Level::Warning ? "warn  " : "";
    out += mark;
    if (!s.role.empty()) {
        out += s.role + ": ";
    }
    out += printable(text, kValueMax);
    out += " [" + std::string(id) + "]";
    for (const Field& field : fields) {
        out += " " + std::string(field.key) + "=" + value_text(field);
    }
    return out;
}

}  // namespace

void configure(const Options& options) {
    State& s = state();
    s.logger->set_level(to_spdlog(options.level));
    s.role = options.role;
    s.json = options.format == Format::Json ||
             (options.format == Format::Auto && isatty(STDERR_FILENO) == 0);
}

void write(Level level, std::string_view id, std::string_view text, Fields fields) {
    const State& s = state();
    const auto at = to_spdlog(level);
    if (!s.logger->should_log(at)) {
        return;
    }
    s.logger->log(
        at, "{}", s.json ? as_json(s, level, id, text, fields) : as_text(s, level, id, text, fields)
    );
}

}  // namespace sekisho::log
