#include "net/task.h"

#include "base/log.h"

#include <boost/asio/co_spawn.hpp>

#include <exception>
#include <string>
#include <utility>

namespace sekisho::net {

void spawn(const Executor& executor, Task<void> task, std::string what) {
    auto ended = [what = std::move(what)](const std::exception_ptr& problem) {
        if (!problem) {
            return;
        }
        try {
            std::rethrow_exception(problem);
        } catch (const std::exception& error) {
            log::error(
                "NET_TASK_FAILED",
                "a task ended with an exception",
                {{"task", what}, {"error", error.what()}}
            );
        } catch (...) {
            log::error(
                "NET_TASK_FAILED",
                "a task ended with an exception of unknown type",
                {{"task", what}}
            );
        }
    };
    boost::asio::co_spawn(executor, std::move(task), std::move(ended));
}

}  // namespace sekisho::net
