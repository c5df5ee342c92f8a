#include "mail/signatures.h"

#include "base/result.h"
#include "base/time.h"
#include "dkim/verify.h"
#include "message/header.h"
#include "net/resolver.h"
#include "net/server.h"
#include "net/task.h"
#include "net/workers.h"

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
          verifier(header, now) {}
    std::shared_ptr<const std::string> message;
    message::Header header;
    dkim::Verifier verifier;
    std::map<std::string, dkim::KeyAnswer> keys;
};

}  // namespace

net::Task<std::vector<dkim::Verdict>> verify_signatures(
    net::Resolver* resolver,
    net::Workers* workers,
    std::shared_ptr<const std::string> message,
    Time now,
    Duration patience
) {
    auto examined = std::make_shared<Examined>(std::move(message), now);
    const auto until = std::chrono::steady_clock::now() + patience;
    for (const std::string& name : examined->verifier.queries()) {
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
    if (examined->header.count("DKIM-Signature") == 0) {
        co_return std::vector<dkim::Verdict>{};
    }
    std::function<std::vector<dkim::Verdict>()> work = [examined] {
        const std::string_view text = *examined->message;
        examined->verifier.body(text.substr(examined->header.body_offset()));
        return examined->verifier.finish(examined->keys);
    };
    auto verdicts = co_await net::run_on<std::vector<dkim::Verdict>>(*workers, std::move(work));
    co_return verdicts;
}

}  // namespace sekisho::mail
