#include "delivery/sts_source.h"

#include "base/bytes.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "delivery/tls/mta_sts.h"
#include "net/callback.h"
#include "net/http_client.h"
#include "net/task.h"
#include "net/tls.h"
#include "net/workers.h"

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::delivery {
namespace {

constexpr Duration kRefresh = std::chrono::hours(24);
constexpr Duration kAfterFailure = std::chrono::minutes(5);
constexpr Duration kFetchTime = std::chrono::seconds(60);  // RFC 8461 §3.3
constexpr std::size_t kFailuresMax = 10'000;
constexpr int kOk = 200;

// The body of a good answer; else what is wrong with it.
Result<std::string> policy_text(Result<net::HttpAnswer> answer) {
    if (!answer) {
        return fail(answer.error());
    }
    if (answer->status != kOk) {
        return fail(Errc::Unavailable, "HTTP status " + std::to_string(answer->status));
    }
    const auto type = answer->headers.find("content-type");
    const std::string_view said =
        type == answer->headers.end() ? std::string_view{} : std::string_view(type->second);
    if (!iequals(trim(said.substr(0, said.find(';'))), "text/plain")) {
        return fail(Errc::Invalid, "the policy isn't text/plain but " + printable(said));
    }
    return std::move(answer->body);
}

class Source final : public StsSource, public std::enable_shared_from_this<Source> {
  public:
    explicit Source(Deps deps) : deps_(std::move(deps)) {}

    net::Task<StsFinding> find(net::Executor executor, std::string domain) override {
        const auto self = shared_from_this();
        std::string problem;
        const auto id = co_await record(domain, problem);
        StsFinding known = co_await stored(domain);
        if (!id || !worth_fetching(domain, *id, known)) {
            known.problem = problem.empty() ? known.problem : problem;
            co_return known;
        }
        if (auto flight = join(domain)) {
            if (known.policy) {
                co_return known;
            }
            co_await landed(flight);
            co_return flight->finding;
        }
        const Landing landing(*this, domain);
        StsFinding found = co_await fetch(std::move(executor), domain, *id);
        if (!found.policy) {
            known.problem = found.problem;
            known.trouble = found.trouble;
            found = std::move(known);
        }
        landing.flight->finding = found;
        co_return found;
    }

  private:
    using Trouble = StsFinding::Trouble;
    // A fetch that goes on.
    struct Flight {
        StsFinding finding;
        bool over = false;
        std::vector<std::function<void()>> waiting;
    };
    // Ends it, whatever happens.
    struct Landing {
        Landing(Source& source_of, std::string domain_of)
            : source(source_of), domain(std::move(domain_of)) {
            const std::scoped_lock lock(source.mutex_);
            flight = source.flights_.at(domain);
        }
        Landing(const Landing&) = delete;
        Landing& operator=(const Landing&) = delete;
        ~Landing() {
            std::vector<std::function<void()>> waiting;
            {
                const std::scoped_lock lock(source.mutex_);
                flight->over = true;
                waiting.swap(flight->waiting);
                source.flights_.erase(domain);
            }
            for (const auto& resume : waiting) {
                resume();
            }
        }
        Source& source;
        std::string domain;
        std::shared_ptr<Flight> flight;
    };

    net::Task<std::optional<std::string>> record(const std::string& domain, std::string& problem) {
        std::string name = "_mta-sts." + domain;
        const auto answer = co_await deps_.resolver.txt(std::move(name));
        if (!answer) {
            problem = answer.error().message;
            co_return std::nullopt;
        }
        auto id = sts_id(answer->records);
        if (!id) {
            problem = "_mta-sts." + domain + " has no TXT record of MTA-STS";
        }
        co_return id;
    }

    net::Task<StsFinding> stored(const std::string& domain) {
        std::function<Result<std::optional<StoredSts>>()> work = [this, domain] {
            return deps_.store.find(domain);
        };
        auto kept =
            co_await net::run_on<Result<std::optional<StoredSts>>>(deps_.workers, std::move(work));
        StsFinding finding;
        if (!kept) {
            log::warning("MTA_STS_STORE", kept.error().message, {{"domain", domain}});
            co_return finding;
        }
        if (!*kept || (*kept)->expires <= deps_.clock()) {
            co_return finding;
        }
        // What was kept was read without a fault, by this version or another.
        if (auto policy = parse_sts_policy((*kept)->text)) {
            finding.policy = std::move(*policy);
            finding.id = (*kept)->id;
            finding.fetched = (*kept)->fetched;
            finding.expires = (*kept)->expires;
        }
        co_return finding;
    }

    [[nodiscard]] bool worth_fetching(
        const std::string& domain, const std::string& id, StsFinding& known
    ) {
        const Time at = deps_.clock();
        if (known.policy && known.id == id && at - known.fetched < kRefresh) {
            return false;
        }
        const std::scoped_lock lock(mutex_);
        std::erase_if(failures_, [at](const auto& one) { return one.second.until <= at; });
        const auto failed = failures_.find(domain);
        if (failed != failures_.end()) {
            known.problem = failed->second.why;
            known.trouble = failed->second.trouble;
        }
        return failed == failures_.end();
    }

    // The fetch for the domain that goes on; null: the caller is to do it.
    std::shared_ptr<Flight> join(const std::string& domain) {
        const std::scoped_lock lock(mutex_);
        auto& flight = flights_[domain];
        if (flight) {
            return flight;
        }
        flight = std::make_shared<Flight>();
        return nullptr;
    }

    net::Task<void> landed(std::shared_ptr<Flight> flight) {
        std::function<void(std::function<void()>)> begin = [this,
                                                            flight](std::function<void()> resume) {
            {
                const std::scoped_lock lock(mutex_);
                if (!flight->over) {
                    flight->waiting.push_back(std::move(resume));
                    return;
                }
            }
            resume();
        };
        co_await net::suspend(std::move(begin));
    }

    net::Task<StsFinding> fetch(net::Executor executor, std::string domain, std::string id) {
        net::HttpCall call;
        call.url.host = "mta-sts." + domain;
        call.url.port = deps_.port;
        call.url.target = "/.well-known/mta-sts.txt";
        call.body_max = kStsPolicyMax;
        call.timeout = kFetchTime;
        call.tls = deps_.tls;
        auto answer = co_await net::http_call(deps_.resolver, std::move(executor), std::move(call));
        const auto text = policy_text(std::move(answer));
        StsFinding finding;
        if (!text) {
            const bool certificate =
                net::certificate_fault(text.error().message) != net::CertificateFault::None;
            finding.trouble = certificate ? Trouble::Certificate : Trouble::Fetch;
            finding.problem = failed(domain, text.error().message, finding.trouble);
            co_return finding;
        }
        auto policy = parse_sts_policy(*text);
        if (!policy) {
            finding.trouble = Trouble::Invalid;
            finding.problem = failed(
                domain, "the policy can't be read: " + policy.error().message, finding.trouble
            );
            co_return finding;
        }
        finding.id = id;
        finding.fetched = deps_.clock();
        finding.expires = finding.fetched + policy->max_age;
        finding.policy = std::move(*policy);
        StoredSts keep;
        keep.id = std::move(id);
        keep.text = *text;
        keep.fetched = finding.fetched;
        keep.expires = finding.expires;
        std::function<Status()> work = [this, domain, keep] {
            return deps_.store.remember(domain, keep);
        };
        const Status kept = co_await net::run_on<Status>(deps_.workers, std::move(work));
        if (!kept) {
            log::warning("MTA_STS_STORE", kept.error().message, {{"domain", domain}});
        }
        co_return finding;
    }

    std::string failed(const std::string& domain, const std::string& why, Trouble trouble) {
        log::info("MTA_STS_FETCH", "no policy could be had", {{"domain", domain}, {"error", why}});
        const std::scoped_lock lock(mutex_);
        if (failures_.size() < kFailuresMax) {
            failures_[domain] = {deps_.clock() + kAfterFailure, why, trouble};
        }
        return why;
    }

    struct Failure {
        Time until{};
        std::string why;
        Trouble trouble = Trouble::None;
    };
    Deps deps_;
    std::mutex mutex_;
    std::map<std::string, std::shared_ptr<Flight>> flights_;
    std::map<std::string, Failure> failures_;
};

}  // namespace

std::shared_ptr<StsSource> StsSource::make(Deps deps) {
    return std::make_shared<Source>(std::move(deps));
}

}  // namespace sekisho::delivery
