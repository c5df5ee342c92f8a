// run_on(): a blocking piece of work seen from a coroutine.
#pragma once

#include "net/server.h"
#include "net/task.h"

#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace sekisho::net {

// Runs `work` on a worker and returns when it has run, on the caller's own executor. An exception
// of `work` is thrown here.
Task<void> run_blocking(Workers& workers, std::function<void()> work);

template <class T>
Task<T> run_on(Workers& workers, std::function<T()> work) {
    if constexpr (std::is_void_v<T>) {
        co_await run_blocking(workers, std::move(work));
    } else {
        // Owned by both sides: when the loops stop, the caller's frame may go before the work ends.
        auto result = std::make_shared<std::optional<T>>();
        std::function<void()> keep = [result, work = std::move(work)] { result->emplace(work()); };
        co_await run_blocking(workers, std::move(keep));
        co_return std::move(**result);
    }
}

}  // namespace sekisho::net
