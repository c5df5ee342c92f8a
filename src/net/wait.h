// The outcome of a task for a thread that isn't a loop's: start-up, the command line, tests.
#pragma once

#include "net/task.h"

#include <exception>
#include <future>
#include <memory>
#include <type_traits>
#include <utility>

namespace sekisho::net {

template <class T>
Task<void> deliver(Task<T> task, std::shared_ptr<std::promise<T>> promise) {
    try {
        if constexpr (std::is_void_v<T>) {
            co_await std::move(task);
            promise->set_value();
        } else {
            T value = co_await std::move(task);
            promise->set_value(std::move(value));
        }
    } catch (...) {
        promise->set_exception(std::current_exception());
    }
}

// Runs the task on the executor and blocks the calling thread until it has ended; never call it on
// a loop's thread. An exception of the task is thrown here.
template <class T>
T wait_for(const Executor& executor, Task<T> task) {
    auto promise = std::make_shared<std::promise<T>>();
    auto future = promise->get_future();
    spawn(executor, deliver(std::move(task), promise), "wait_for");
    return future.get();
}

}  // namespace sekisho::net
