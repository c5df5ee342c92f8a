// MTA-STS policies from an HTTPS server here, and what becomes of them when it or the DNS changes.
#include "delivery/sts_source.h"

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "delivery/test_support.h"
#include "delivery/tls/mta_sts.h"
#include "net/http.h"
#include "net/server.h"
#include "net/test_support.h"
#include "net/tls.h"
#include "net/wait.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <future>
#include <gtest/gtest.h>
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

using namespace std::chrono_literals;

constexpr const char* kEnforce =
    "version: STSv1\nmode: enforce\nmx: *.example.org\nmax_age: 604800\n";
constexpr const char* kTesting =
    "version: STSv1\nmode: testing\nmx: *.example.org\nmax_age: 604800\n";

class MemorySts final : public StsStore {
  public:
    Result<std::optional<StoredSts>> find(std::string_view domain) override {
        const std::scoped_lock lock(mutex_);
        const auto found = kept_.find(std::string(domain));
        return found == kept_.end() ? std::optional<StoredSts>{} : std::optional{found->second};
    }
    Status remember(std::string_view domain, const StoredSts& policy) override {
        const std::scoped_lock lock(mutex_);
        kept_[std::string(domain)] = policy;
        return {};
    }

  private:
    std::mutex mutex_;
    std::map<std::string, StoredSts> kept_;
};

class StsSourceTest : public net::test::NetTest {
  protected:
    StsSourceTest() {
        EXPECT_TRUE(
            net::make_self_signed(folder / "crt", folder / "key", {"mta-sts.example.org"}, 10)
        );
        resolver.add_host("mta-sts.example.org", {"127.0.0.1"});
        resolver.add_host("mta-sts.other.example", {"127.0.0.1"});
        record("1");
        answer.content_type = "text/plain; charset=utf-8";
        answer.body = kEnforce;
        net::HttpOptions options;
        options.tls = std::make_shared<net::TlsHolder>(
            *net::TlsContext::server(folder / "crt", folder / "key")
        );
        net::HttpHandler handler = [this](const net::HttpRequest& request) {
            EXPECT_EQ(request.path, "/.well-known/mta-sts.txt");
            ++fetches;
            const std::scoped_lock lock(mutex);
            return answer;
        };
        auto made = net::serve_http(
            *loops, *workers, net::test::loopback(), std::move(options), std::move(handler)
        );
        EXPECT_TRUE(made) << made.error().message;
        listener = std::move(*made);
        restart();
    }
    ~StsSourceTest() override {
        listener.reset();
        loops->stop();
        workers.reset();
    }
    // Only the store outlives it.
    void restart() {
        source = StsSource::make({
            .resolver = resolver,
            .workers = *workers,
            .store = store,
            .tls = *net::TlsContext::client_verified(folder / "crt"),
            .port = listener->local().port,
            .clock = [this] { return from_ms(clock); },
        });
    }
    void record(const std::string& id, const std::string& domain = "example.org") {
        net::Answer<std::string> txt;
        if (!id.empty()) {
            txt.records.push_back("v=STSv1; id=" + id);
        }
        resolver.txt_of.insert_or_assign("_mta-sts." + domain, txt);
    }
    void serve(const std::string& body, int status = 200, const std::string& type = "text/plain") {
        const std::scoped_lock lock(mutex);
        answer.body = body;
        answer.status = status;
        answer.content_type = type;
    }
    // "enforce 1", or the problem; what goes with both.
    std::string find(const std::string& domain = "example.org") {
        const StsFinding found = wait(source->find(loops->executor(1), domain));
        std::string text = found.policy ? std::string(name(found.policy->mode)) + " " + found.id
                                        : std::string("none");
        return text + (found.problem.empty() ? "" : ": " + found.problem);
    }
    void later(Duration duration) { clock += duration.count(); }

    net::test::Folder folder;
    test::MapResolver resolver;
    MemorySts store;
    std::mutex mutex;
    net::HttpResponse answer;
    std::atomic<int> fetches{0};
    std::atomic<std::int64_t> clock{1'800'000'000'000};
    std::unique_ptr<net::Listener> listener;
    std::shared_ptr<StsSource> source;
};

TEST_F(StsSourceTest, FetchesOnceAndAnewAfterADayOrWithAnotherId) {
    EXPECT_EQ(find(), "enforce 1");
    later(23h);
    EXPECT_EQ(find(), "enforce 1");
    restart();
    EXPECT_EQ(find(), "enforce 1");
    EXPECT_EQ(fetches, 1);
    serve(kTesting);
    later(2h);
    EXPECT_EQ(find(), "testing 1") << "a day is over";
    serve(kEnforce);
    record("2");
    EXPECT_EQ(find(), "enforce 2");
    EXPECT_EQ(fetches, 3);
}

// RFC 8461 §5.1
TEST_F(StsSourceTest, AKnownPolicyCountsWhateverIsSuppressedNow) {
    EXPECT_EQ(find(), "enforce 1");
    record("");
    EXPECT_EQ(find(), "enforce 1: _mta-sts.example.org has no TXT record of MTA-STS");
    resolver.txt_of.insert_or_assign(
        "_mta-sts.example.org", fail(Errc::Unavailable, "the DNS is away")
    );
    EXPECT_EQ(find(), "enforce 1: the DNS is away");
    record("2");
    serve("gone", 404);
    EXPECT_EQ(find(), "enforce 1: HTTP status 404");
    later(168h);
    EXPECT_EQ(find(), "none: HTTP status 404") << "its max_age is over";
}

// RFC 8461 §3.3
TEST_F(StsSourceTest, AFailureIsNotRepeatedForFiveMinutes) {
    serve(kEnforce, 302);
    EXPECT_EQ(find(), "none: HTTP status 302") << "a redirect isn't followed";
    serve(kEnforce);
    later(4min);
    EXPECT_EQ(find(), "none: HTTP status 302");
    EXPECT_EQ(fetches, 1);
    later(1min);
    EXPECT_EQ(find(), "enforce 1");
}

TEST_F(StsSourceTest, OnlyAVerifiedPlainTextThatIsAPolicyCounts) {
    EXPECT_EQ(
        find("nothing.example"), "none: _mta-sts.nothing.example has no TXT record of MTA-STS"
    );
    record("1", "other.example");
    const std::string refused = find("other.example");
    EXPECT_NE(refused.find("certificate verify failed"), std::string::npos) << refused;
    EXPECT_EQ(fetches, 0);
    serve(kEnforce, 200, "text/html");
    EXPECT_EQ(find(), "none: the policy isn't text/plain but text/html");
    later(5min);
    serve("version: STSv1\nmode: enforce\nmax_age: 1\n");
    EXPECT_EQ(find(), "none: the policy can't be read: no mx");
    later(5min);
    serve(std::string(kStsPolicyMax + 1, '\n'));
    EXPECT_NE(find().find("none: "), std::string::npos);
    EXPECT_EQ(fetches, 3);
}

TEST_F(StsSourceTest, ManyAtOnceCauseOneFetch) {
    std::vector<std::future<StsFinding>> all;
    for (int i = 0; i < 20; ++i) {
        all.push_back(std::async(std::launch::async, [this, i] {
            return net::wait_for(
                loops->executor(static_cast<std::size_t>(i) % 2),
                source->find(loops->executor(static_cast<std::size_t>(i) % 2), "example.org")
            );
        }));
    }
    for (auto& one : all) {
        EXPECT_EQ(one.get().id, "1");
    }
    EXPECT_EQ(fetches, 1);
}

}  // namespace
}  // namespace sekisho::delivery
