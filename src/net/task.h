// The coroutine type of the shells. Everything that waits on a socket or a timer is a Task.
//
// g++ 12 miscompiles some shapes: inside one expression with co_await no capturing lambda
// temporary, no braced aggregate, no ?: with class temporaries. Name the temporary, std::move it
// in.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <functional>
#include <string>

namespace sekisho::net {

template <class T = void>
using Task = boost::asio::awaitable<T>;
using Executor = boost::asio::any_io_executor;

// Runs a task on an executor. An exception that escapes it is logged with `what` and aborts nothing
// else.
void spawn(const Executor& executor, Task<void> task, std::string what);

}  // namespace sekisho::net
