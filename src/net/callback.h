// A coroutine that waits for a callback, which may come on any thread.
#pragma once

#include "net/task.h"

#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace sekisho::net {

// Calls `start` at once with a function that resumes the caller, on the caller's own executor. That
// function is called exactly once, from any thread; the executor must still exist then.
Task<void> suspend(std::function<void(std::function<void()>)> start);

// The same for a callback with a value: `start(done)` hands `done` to what will call it.
template <class T>
Task<T> from_callback(std::function<void(std::function<void(T)>)> start) {
    auto value = std::make_shared<std::optional<T>>();
    std::function<void(std::function<void()>)> begin =
        [value, start = std::move(start)](std::function<void()> resume) {
            start([value, resume = std::move(resume)](T result) {
                value->emplace(std::move(result));
                resume();
            });
        };
    co_await suspend(std::move(begin));
    co_return std::move(**value);
}

}  // namespace sekisho::net
