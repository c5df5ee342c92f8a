// Every shape that scripts/gcc12.cq must find, once; never compiled into anything. `./dev lint`
// fails when the rules find fewer here than there are.
#include <coroutine>
#include <exception>
#include <initializer_list>
#include <string>

namespace {

template <class T>
struct Task {
    struct promise_type {
        Task get_return_object() { return {}; }
        std::suspend_never initial_suspend() { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void unhandled_exception() { std::terminate(); }
        template <class U>
        void return_value(U&& /*value*/) {}
    };
    [[nodiscard]] bool await_ready() const { return true; }
    void await_suspend(std::coroutine_handle<> /*caller*/) const {}
    T await_resume() const { return T{}; }
};

struct Options {
    std::string name;
    int tries = 0;
};
template <class F>
Task<int> call(F /*work*/) {
    co_return 1;
}
Task<int> open(Options /*options*/) {
    co_return 1;
}
Task<int> list(std::initializer_list<std::string> /*names*/) {
    co_return 1;
}
Task<int> text(std::string /*text*/) {
    co_return 1;
}

[[maybe_unused]] Task<int> shapes(bool flag, std::string name) {
    co_await call([name] { return name.size(); });                 // a capturing lambda
    co_await open({.name = name, .tries = 2});                     // a braced aggregate
    co_await text(flag ? std::string("yes") : std::string("no"));  // ?:
    co_await list({name, name});                                   // an initializer list
    const int both = flag ? co_await text(name) : 0;               // co_await inside ?:
    while (co_await text(name) > 0) {                              // in the condition of a loop
    }
    co_return both;
}

}  // namespace
