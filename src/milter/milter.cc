#include "milter/milter.h"

#include "base/result.h"
#include "config/config.h"
#include "milter/dialogue.h"
#include "milter/packet.h"
#include "net/stream.h"
#include "net/task.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::milter {

std::string Milter::away(std::chrono::steady_clock::time_point now) const {
    const std::scoped_lock lock(mutex_);
    return now < until_ ? why_ : std::string{};
}

void Milter::note_away(std::string why, std::chrono::steady_clock::time_point now) {
    const std::scoped_lock lock(mutex_);
    why_ = std::move(why);
    until_ = now + kRest;
}

void Milter::note_back() {
    const std::scoped_lock lock(mutex_);
    why_.clear();
    until_ = {};
}

std::string Milter::trouble() const {
    const std::scoped_lock lock(mutex_);
    return why_;
}

net::Task<Result<std::unique_ptr<net::Stream>>> connect(
    net::Executor executor, config::Milter config
) {
    if (!config.path.empty()) {
        auto local =
            co_await net::connect_unix(std::move(executor), config.path, config.connect_timeout);
        co_return local;
    }
    auto remote = co_await net::connect(
        std::move(executor), config.endpoint, std::nullopt, config.connect_timeout
    );
    co_return remote;
}

net::Task<Result<std::string>> probe(net::Executor executor, config::Milter config) {
    auto connected = co_await connect(std::move(executor), config);
    if (!connected) {
        co_return fail(connected.error());
    }
    const std::unique_ptr<net::Stream> stream = std::move(*connected);
    stream->expires_after(config.connect_timeout);
    Dialogue dialogue(0);
    std::array<char, 4096> buffer{};
    while (dialogue.waits()) {
        const std::string output = dialogue.take_output();
        const Status written = co_await stream->write_all(output);
        if (!written) {
            co_return fail(written.error());
        }
        const Result<std::size_t> got = co_await stream->read_some(buffer);
        if (!got) {
            co_return fail(got.error());
        }
        const Status taken = dialogue.receive(std::string_view(buffer.data(), *got));
        if (!taken) {
            co_return fail(taken.error());
        }
    }
    dialogue.quit();
    const std::string output = dialogue.take_output();
    const Status written = co_await stream->write_all(output);
    static_cast<void>(written);  // it is said; whether it is heard doesn't matter
    std::string may;
    for (const auto& [bit, what] :
         {std::pair{action::kAddHeader, "add fields"},
          std::pair{action::kChangeHeader, "change fields"},
          std::pair{action::kChangeBody, "replace the body"},
          std::pair{action::kChangeFrom, "change the sender"},
          std::pair{action::kAddRcpt, "add recipients"},
          std::pair{action::kDeleteRcpt, "remove recipients"},
          std::pair{action::kQuarantine, "hold"}}) {
        if ((dialogue.actions() & bit) != 0) {
            may += (may.empty() ? "" : ", ") + std::string(what);
        }
    }
    co_return fmt::format(
        "speaks version {}, may {}", dialogue.version(), may.empty() ? "change nothing" : may
    );
}

}  // namespace sekisho::milter
