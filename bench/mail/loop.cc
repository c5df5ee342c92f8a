#include "bench/mail/loop.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <functional>
#include <sys/epoll.h>
#include <system_error>

namespace sekisho::bench {

Loop::Loop() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (!epoll_.valid()) {
        throw std::system_error(errno, std::generic_category(), "epoll_create1");
    }
}

void Loop::watch(int fd, Key key) {
    epoll_event event{.events = EPOLLIN, .data = {.u64 = key}};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
        throw std::system_error(errno, std::generic_category(), "epoll_ctl");
    }
}

void Loop::watch_writing(int fd, Key key, bool writing) const {
    epoll_event event{.events = EPOLLIN, .data = {.u64 = key}};
    if (writing) {
        event.events |= EPOLLOUT;
    }
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

void Loop::turn(
    std::chrono::milliseconds patience,
    const std::function<void(Key)>& ready,
    const std::function<void(Key)>& due
) {
    if (!due_.empty()) {
        const auto until =
            std::chrono::ceil<std::chrono::milliseconds>(due_.begin()->first - Clock::now());
        patience = std::clamp(until, std::chrono::milliseconds(0), patience);
    }
    std::array<epoll_event, 512> events{};
    const int count = ::epoll_wait(
        epoll_.get(),
        events.data(),
        static_cast<int>(events.size()),
        static_cast<int>(patience.count())
    );
    for (int i = 0; i < count; ++i) {
        ready(events.at(static_cast<std::size_t>(i)).data.u64);
    }
    while (!due_.empty() && due_.begin()->first <= Clock::now()) {
        const Key key = due_.begin()->second;
        due_.erase(due_.begin());
        due(key);
    }
}

}  // namespace sekisho::bench
