// libunbound with its own thread; answers come through its descriptor. All calls into it happen on
// one executor, so that a question can be given up without a race; callers wait on their own.
#include "net/resolver.h"

#include "base/bytes.h"
#include "base/file.h"
#include "base/ip.h"
#include "base/result.h"
#include "net/dns_records.h"
#include "net/task.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unbound.h>
#include <unistd.h>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sekisho::net {
namespace {

namespace asio = boost::asio;

constexpr int kClassIn = 1;
enum RecordType : int {
    kTypeA = 1,
    kTypePtr = 12,
    kTypeMx = 15,
    kTypeTxt = 16,
    kTypeAaaa = 28,
    kTypeSrv = 33,
    kTypeTlsa = 52
};
constexpr int kRcodeNoError = 0;
constexpr int kRcodeNxDomain = 3;

// libunbound sets globals up and down with its contexts, without a lock.
std::mutex& context_mutex() {
    static std::mutex mutex;
    return mutex;
}

struct FreeContext {
    void operator()(ub_ctx* context) const {
        const std::scoped_lock lock(context_mutex());
        ub_ctx_delete(context);
    }
};
struct FreeResult {
    void operator()(ub_result* result) const { ub_resolve_free(result); }
};
using ContextPtr = std::unique_ptr<ub_ctx, FreeContext>;
using ResultPtr = std::unique_ptr<ub_result, FreeResult>;

struct RawAnswer {
    std::vector<std::string> rdata;
    bool secure = false;
    bool no_such_name = false;
    std::string canonical;
};
using RawResults = std::vector<Result<RawAnswer>>;  // one for each type asked

Error unbound_error(const std::string& name, int problem) {
    const Errc code = problem == UB_SYNTAX ? Errc::Invalid : Errc::Unavailable;
    return {code, printable(name) + ": " + ub_strerror(problem)};
}

Result<RawAnswer> to_answer(const std::string& name, const ub_result& result) {
    if (result.bogus != 0) {
        const char* why = result.why_bogus;
        return fail(
            Errc::Unavailable,
            name + ": DNSSEC validation failed" + (why != nullptr ? ": " + printable(why) : "")
        );
    }
    if (result.rcode != kRcodeNoError && result.rcode != kRcodeNxDomain) {
        return fail(
            Errc::Unavailable,
            name + ": the resolver answered with code " + std::to_string(result.rcode)
        );
    }
    RawAnswer answer;
    answer.secure = result.secure != 0;
    answer.no_such_name = result.nxdomain != 0;
    if (result.canonname != nullptr) {
        // libunbound names it always; it is of interest only where it is another one.
        std::string own = to_lower(name);
        answer.canonical = to_lower(result.canonname);
        for (std::string* one : {&own, &answer.canonical}) {
            while (one->ends_with('.')) {
                one->pop_back();
            }
        }
        if (answer.canonical == own) {
            answer.canonical.clear();
        }
    }
    if (result.havedata != 0) {
        for (std::size_t i = 0; result.data[i] != nullptr; ++i) {
            answer.rdata.emplace_back(result.data[i], static_cast<std::size_t>(result.len[i]));
        }
    }
    return answer;
}

// A question under way: several types of one name, answered together.
struct Lookup {
    struct Part {
        Lookup* lookup = nullptr;
        int type = 0;
        int async_id = 0;
        std::optional<Result<RawAnswer>> answer;
    };
    explicit Lookup(const Executor& executor) : timer(executor) {}
    std::uint64_t id = 0;
    std::string name;
    std::vector<Part> parts;
    std::function<void(RawResults)> done;
    std::function<void(std::uint64_t)> answered;
    asio::steady_timer timer;
};

class Unbound final : public std::enable_shared_from_this<Unbound> {
  public:
    Unbound(Executor executor, ContextPtr context, Duration timeout)
        : executor_(std::move(executor)),
          context_(std::move(context)),
          // A copy, since Asio closes what it owns and libunbound does too.
          fd_(executor_, ::dup(ub_fd(context_.get()))),
          timeout_(timeout) {}

    [[nodiscard]] const Executor& executor() const { return executor_; }

    static Task<void> run(std::shared_ptr<Unbound> self) {
        auto token = asio::as_tuple(asio::use_awaitable);
        while (!self->stopped_) {
            co_await self->fd_.async_wait(asio::posix::stream_descriptor::wait_read, token);
            if (!self->stopped_) {
                ub_process(self->context_.get());
            }
        }
    }

    // On the executor. `done` is called once, later.
    void start(std::string name, const std::vector<int>& types, auto done) {
        auto lookup = std::make_unique<Lookup>(executor_);
        lookup->id = ++last_id_;
        lookup->name = std::move(name);
        lookup->done = std::move(done);
        lookup->answered = [this](std::uint64_t id) { finish_if_complete(id); };
        for (const int type : types) {
            lookup->parts.push_back({.lookup = lookup.get(), .type = type});
        }
        Lookup& asked = *lookup;
        lookups_.emplace(asked.id, std::move(lookup));
        for (Lookup::Part& part : asked.parts) {
            ask(part);
        }
        asked.timer.expires_after(timeout_);
        asked.timer.async_wait([weak = weak_from_this(),
                                id = asked.id](const boost::system::error_code& error) {
            const auto self = weak.lock();
            if (self && !error) {
                self->give_up(id, Errc::Unavailable, "no answer in time");
            }
        });
        // Refused at once: tell it later all the same.
        asio::post(executor_, [self = shared_from_this(), id = asked.id] {
            self->finish_if_complete(id);
        });
    }

    void stop() {
        asio::dispatch(executor_, [self = shared_from_this()] {
            self->stopped_ = true;
            boost::system::error_code ignored;
            self->fd_.close(ignored);
            std::vector<std::uint64_t> ids;
            for (const auto& [id, lookup] : self->lookups_) {
                ids.push_back(id);
            }
            for (const std::uint64_t id : ids) {
                self->give_up(id, Errc::Cancelled, "the resolver is stopping");
            }
        });
    }

  private:
    void ask(Lookup::Part& part) {
        if (stopped_) {
            part.answer = fail(Errc::Cancelled, "the resolver is stopping");
            return;
        }
        const std::string& name = part.lookup->name;
        const int problem = ub_resolve_async(
            context_.get(),
            name.c_str(),
            part.type,
            kClassIn,
            &part,
            &Unbound::on_answer,
            &part.async_id
        );
        if (problem != 0) {
            part.answer = fail(unbound_error(name, problem));
        }
    }

    // From ub_process().
    static void on_answer(void* data, int problem, ub_result* raw) {
        auto& part = *static_cast<Lookup::Part*>(data);
        const ResultPtr result(raw);
        const std::string& name = part.lookup->name;
        if (problem != 0 || !result) {
            part.answer = fail(unbound_error(name, problem));
        } else {
            part.answer = to_answer(printable(name), *result);
        }
        // Copied: the call destroys the lookup with the function in it.
        const auto answered = part.lookup->answered;
        answered(part.lookup->id);
    }

    void finish_if_complete(std::uint64_t id) {
        const auto found = lookups_.find(id);
        if (found == lookups_.end()) {
            return;
        }
        for (const Lookup::Part& part : found->second->parts) {
            if (!part.answer) {
                return;
            }
        }
        finish(id);
    }

    void give_up(std::uint64_t id, Errc code, const std::string& why) {
        const auto found = lookups_.find(id);
        if (found == lookups_.end()) {
            return;
        }
        for (Lookup::Part& part : found->second->parts) {
            if (!part.answer) {
                ub_cancel(context_.get(), part.async_id);
                part.answer = fail(code, printable(found->second->name) + ": " + why);
            }
        }
        finish(id);
    }

    void finish(std::uint64_t id) {
        auto node = lookups_.extract(id);
        Lookup& lookup = *node.mapped();
        lookup.timer.cancel();
        RawResults results;
        for (Lookup::Part& part : lookup.parts) {
            results.push_back(std::move(*part.answer));
        }
        lookup.done(std::move(results));
    }

    Executor executor_;
    ContextPtr context_;
    asio::posix::stream_descriptor fd_;
    Duration timeout_;
    std::unordered_map<std::uint64_t, std::unique_ptr<Lookup>> lookups_;
    std::uint64_t last_id_ = 0;
    bool stopped_ = false;
};

Task<RawResults> look_up(
    std::shared_ptr<Unbound> unbound, std::string name, std::vector<int> types
) {
    auto start = [unbound = std::move(unbound),
                  name = std::move(name),
                  types = std::move(types)](auto handler) mutable {
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        auto done = [shared](RawResults results) {
            auto executor = asio::get_associated_executor(*shared);
            asio::post(executor, [shared, results = std::move(results)]() mutable {
                std::move (*shared)(std::move(results));
            });
        };
        // Nothing of the resolver stays in the waiting task: the question holds the task already.
        const Executor executor = unbound->executor();
        asio::dispatch(
            executor,
            [unbound = std::move(unbound),
             name = std::move(name),
             types = std::move(types),
             done = std::move(done)] { unbound->start(name, types, done); }
        );
    };
    auto token = asio::use_awaitable;
    auto results =
        co_await asio::async_initiate<decltype(token), void(RawResults)>(std::move(start), token);
    co_return results;
}

template <class T>
Result<Answer<T>> read_all(
    const Result<RawAnswer>& raw,
    const std::string& name,
    std::optional<T> (*read)(std::string_view)
) {
    if (!raw) {
        return fail(raw.error());
    }
    Answer<T> answer;
    answer.secure = raw->secure;
    answer.no_such_name = raw->no_such_name;
    answer.canonical = raw->canonical;
    for (const std::string& rdata : raw->rdata) {
        auto record = read(rdata);
        if (!record) {
            return fail(Errc::Unavailable, printable(name) + ": a malformed record came back");
        }
        answer.records.push_back(std::move(*record));
    }
    return answer;
}

class UnboundResolver final : public Resolver {
  public:
    explicit UnboundResolver(std::shared_ptr<Unbound> unbound) : unbound_(std::move(unbound)) {}
    UnboundResolver(const UnboundResolver&) = delete;
    UnboundResolver& operator=(const UnboundResolver&) = delete;
    ~UnboundResolver() override { unbound_->stop(); }

    Task<Result<Answer<Mx>>> mx(std::string domain) override {
        return one<Mx>(unbound_, std::move(domain), kTypeMx, &read_mx);
    }
    Task<Result<Answer<std::string>>> txt(std::string name) override {
        return one<std::string>(unbound_, std::move(name), kTypeTxt, &read_txt);
    }
    Task<Result<Answer<std::string>>> ptr(IpAddress address) override {
        return one<std::string>(unbound_, reverse_name(address), kTypePtr, &read_ptr);
    }
    Task<Result<Answer<Srv>>> srv(std::string name) override {
        return one<Srv>(unbound_, std::move(name), kTypeSrv, &read_srv);
    }
    Task<Result<Answer<Tlsa>>> tlsa(std::string name) override {
        return one<Tlsa>(unbound_, std::move(name), kTypeTlsa, &read_tlsa);
    }
    Task<Result<Answer<IpAddress>>> addresses(std::string host, bool v4, bool v6) override {
        return both_families(unbound_, std::move(host), v4, v6);
    }

  private:
    template <class T>
    static Task<Result<Answer<T>>> one(
        std::shared_ptr<Unbound> unbound,
        std::string name,
        int type,
        std::optional<T> (*read)(std::string_view)
    ) {
        std::vector<int> types(1, type);
        const RawResults raw = co_await look_up(std::move(unbound), name, std::move(types));
        co_return read_all(raw.front(), name, read);
    }

    static Task<Result<Answer<IpAddress>>> both_families(
        std::shared_ptr<Unbound> unbound, std::string host, bool v4, bool v6
    ) {
        std::vector<int> types;
        if (v6) {
            types.push_back(kTypeAaaa);
        }
        if (v4) {
            types.push_back(kTypeA);
        }
        Answer<IpAddress> all;
        if (types.empty()) {
            co_return all;
        }
        all.secure = true;
        std::optional<Error> problem;
        const RawResults raw = co_await look_up(std::move(unbound), host, types);
        for (std::size_t i = 0; i < raw.size(); ++i) {
            auto part = read_all(raw[i], host, types[i] == kTypeA ? &read_a : &read_aaaa);
            if (!part) {
                problem = part.error();
                continue;
            }
            all.secure = all.secure && part->secure;
            if (!part->records.empty()) {
                all.canonical = part->canonical;
            }
            all.records.insert(all.records.end(), part->records.begin(), part->records.end());
        }
        if (problem && all.records.empty()) {
            co_return fail(std::move(*problem));
        }
        all.secure = all.secure && !problem;
        co_return all;
    }

    std::shared_ptr<Unbound> unbound_;
};

Status check(int problem, const std::string& what) {
    if (problem != 0) {
        return fail(Errc::Invalid, what + ": " + ub_strerror(problem));
    }
    return {};
}

// libunbound reads the file only with the first question, and then says on standard error what is
// wrong with it.
Status set_trust_anchor(ub_ctx* context, const std::string& path) {
    constexpr std::size_t size_max = 1U << 20U;
    const auto text = read_file(path, size_max);
    if (!text) {
        return fail(text.error());
    }
    if (text->find("DS") == std::string::npos && text->find("DNSKEY") == std::string::npos) {
        return fail(Errc::Invalid, path + ": no DS or DNSKEY record in it");
    }
    return check(ub_ctx_add_ta_file(context, path.c_str()), path);
}

Status configure(ub_ctx* context, const ResolverOptions& options) {
    // The provider's own world has private addresses, resolvers on this host, and in test networks
    // names under .test (RFC 6761 §6.2): what the forwarder says of them counts.
    static constexpr std::pair<const char*, const char*> settings[] = {
        {"do-not-query-localhost:", "no"},
        {"unblock-lan-zones:", "yes"},
        {"insecure-lan-zones:", "yes"},
        {"local-zone:", "test. transparent"},
    };
    for (const auto& [key, value] : settings) {
        if (Status set = check(ub_ctx_set_option(context, key, value), key); !set) {
            return set;
        }
    }
    for (const std::string& server : options.forward_to) {
        if (Status set = check(ub_ctx_set_fwd(context, server.c_str()), "resolver " + server);
            !set) {
            return set;
        }
    }
    if (options.forward_to.empty()) {
        if (Status set = check(ub_ctx_resolvconf(context, nullptr), "/etc/resolv.conf"); !set) {
            return set;
        }
    }
    if (!options.hosts_file.empty()) {
        const char* path = options.hosts_file.c_str();
        if (Status set = check(ub_ctx_hosts(context, path), options.hosts_file); !set) {
            return set;
        }
    }
    if (!options.trust_anchor_file.empty()) {
        if (Status set = set_trust_anchor(context, options.trust_anchor_file); !set) {
            return set;
        }
    }
    if (Status set = check(ub_ctx_async(context, 1), "resolver thread"); !set) {
        return set;
    }
    // A name that libunbound knows by itself (RFC 6761 §6.3): makes it read its configuration now.
    ub_result* raw = nullptr;
    const Status ready = check(
        ub_resolve(context, "localhost", kTypeA, kClassIn, &raw),
        options.trust_anchor_file.empty() ? "resolver" : options.trust_anchor_file
    );
    const ResultPtr result(raw);
    return ready;
}

}  // namespace

Task<Result<Answer<Srv>>> Resolver::srv(std::string name) {
    co_return fail(Errc::Unavailable, printable(name) + ": SRV records aren't asked for");
}

Task<Result<Answer<Tlsa>>> Resolver::tlsa(std::string name) {
    co_return fail(Errc::Unavailable, printable(name) + ": TLSA records aren't asked for");
}

Result<std::unique_ptr<Resolver>> Resolver::make(
    Executor executor, const ResolverOptions& options
) {
    ContextPtr context;
    {
        const std::scoped_lock lock(context_mutex());
        context.reset(ub_ctx_create());
    }
    if (!context) {
        return fail(Errc::Unavailable, "resolver: libunbound can't start");
    }
    if (Status configured = configure(context.get(), options); !configured) {
        return fail(configured.error());
    }
    auto unbound = std::make_shared<Unbound>(executor, std::move(context), options.timeout);
    spawn(executor, Unbound::run(unbound), "resolver");
    return std::make_unique<UnboundResolver>(std::move(unbound));
}

}  // namespace sekisho::net
