#include "mail/signatures.h"

#include "arc/verify.h"
#include "base/result.h"
#include "base/time.h"
#include "dkim/verify.h"
#include "message/header.h"
#include "net/resolver.h"
#include "net/server.h"
#include "net/task.h"
#include "net/workers.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::mail {
namespace {

// Owned by the task and the worker, whichever ends last.
struct Examined {
    Examined(std::shared_ptr<const std::string> text, Time now)
        : message(std::move(text)),
          header(message::Header::scan(*message)),
          verifier(header, now),
          chain(header, now) {}
    std::shared_ptr<const std::string> message;
    message::Header header;
    dkim::Verifier verifier;
    arc::Verifier chain;
    std::map<std::string, dkim::KeyAnswer> keys;
};

}  // namespace

net::Task<Vouched> verify_signatures(
    net::Resolver* resolver,
    net::Workers* workers,
    std::shared_ptr<const std::string> message,
    Time now,
    Duration patience
) {
    auto examined = std::make_shared<Examined>(std::move(message), now);
    const auto until = std::chrono::steady_clock::now() + patience;
    std::vector<std::string> names = examined->verifier.queries();
    for (std::string& name : examined->chain.queries()) {
        if (std::ranges::find(names, name) == names.end()) {
            names.push_back(std::move(name));
        }
    }
    for (const std::string& name : names) {
        if (std::chrono::steady_clock::now() >= until) {
            break;
        }
        const auto answer = co_await resolver->txt(name);
        if (answer) {
            examined->keys.insert_or_assign(name, answer->records);
        } else {
            examined->keys.insert_or_assign(name, fail(answer.error()));
        }
    }
    if (examined->header.count("DKIM-Signature") == 0 && names.empty()) {
        co_return Vouched{{}, examined->chain.finish({})};
    }
    std::function<Vouched()> work = [examined] {
        const std::string_view body =
            std::string_view(*examined->message).substr(examined->header.body_offset());
        examined->verifier.body(body);
        examined->chain.body(body);
        return Vouched{
            examined->verifier.finish(examined->keys), examined->chain.finish(examined->keys)
        };
    };
    auto vouched = co_await net::run_on<Vouched>(*workers, std::move(work));
    co_return vouched;
}

}  // namespace sekisho::mail
