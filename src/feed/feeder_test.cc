// The feeds against a real store, a real file, and our own HTTP server as the webhook.
#include "feed/feeder.h"

#include "account/digest.h"
#include "base/bytes.h"
#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "event/event.h"
#include "feed/record.h"
#include "net/http.h"
#include "net/http_client.h"
#include "net/resolver.h"
#include "net/server.h"
#include "net/test_support.h"
#include "store/store.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <gtest/gtest.h>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::feed {
namespace {

using net::test::eventually;

class FeederTest : public net::test::NetTest {
  protected:
    FeederTest() {
        database = folder / "sekisho.db";
        store = std::move(*store::open_store(database));
        net::ResolverOptions resolving;
        resolving.forward_to = {"127.0.0.1@9"};
        resolver = std::move(*net::Resolver::make(loops->executor(0), resolving));
        options.kinds = *kinds_of({});
        options.wait = Duration{50};
        options.retry_first = Duration{20};
    }
    ~FeederTest() override {
        end();
        listener.reset();
        loops->stop();
        resolver.reset();
        workers.reset();
    }

    void serve() {
        net::HttpHandler handler = [this](const net::HttpRequest& request) {
            const std::scoped_lock lock(mutex);
            net::HttpResponse response;
            response.status = status;
            if (status == 204) {
                requests.push_back(request);
            }
            ++asked;
            return response;
        };
        net::HttpOptions serving;
        serving.body_max = std::size_t{1} << 20U;
        const Endpoint at =
            url ? Endpoint{*IpAddress::parse("127.0.0.1"), url->port} : net::test::loopback();
        auto made = net::serve_http(*loops, *workers, at, serving, std::move(handler));
        ASSERT_TRUE(made) << made.error().message;
        listener = std::move(*made);
        url = *net::HttpUrl::parse("http://" + listener->local().text() + "/hook");
    }
    void start() {
        const Feeder::Deps deps{loops->executor(0), *workers, *resolver, *store, database};
        feeder = std::move(*Feeder::make(deps, options));
    }
    void end() { feeder.reset(); }
    void happens(event::Kind kind, const std::string& detail) {
        event::Event event;
        event.at = now();
        event.kind = kind;
        event.detail = detail;
        store->journal().append(event);
        ASSERT_TRUE(store->journal().flush());
    }
    void answer(int with) {
        const std::scoped_lock lock(mutex);
        status = with;
    }
    int times_asked() {
        const std::scoped_lock lock(mutex);
        return asked;
    }
    // The details of what the webhook took, in order.
    std::string told() {
        const std::scoped_lock lock(mutex);
        std::string out;
        for (const net::HttpRequest& request : requests) {
            for (const auto& one : nlohmann::json::parse(request.body)) {
                out += one.value("detail", "") + " ";
            }
        }
        return out;
    }
    // Until the feed has found its place: what happens then is told.
    void settle(const std::string& name) {
        EXPECT_TRUE(eventually([&] {
            const auto place = store->setting("feed_" + name + "_at");
            return place && place->has_value();
        }));
    }

    net::test::Folder folder;
    std::string database;
    std::unique_ptr<store::Store> store;
    std::unique_ptr<net::Resolver> resolver;
    std::unique_ptr<net::Listener> listener;
    std::optional<net::HttpUrl> url;
    std::mutex mutex;
    int status = 204;
    int asked = 0;
    std::vector<net::HttpRequest> requests;
    Options options;
    std::unique_ptr<Feeder> feeder;
};

TEST_F(FeederTest, AFileHasALineForEachEventFromNowOn) {
    happens(event::Kind::Delivered, "before");
    options.file = folder / "events.json";
    start();
    settle("file");
    happens(event::Kind::Delivered, "one");
    happens(event::Kind::LoginAccepted, "of another kind");
    happens(event::Kind::Bounced, "two");
    EXPECT_TRUE(eventually([&] { return folder.read("events.json").contains("two"); }));
    const std::string text = folder.read("events.json");
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2) << text;
    EXPECT_FALSE(text.contains("before"));
    ASSERT_EQ(std::rename((folder / "events.json").c_str(), (folder / "old").c_str()), 0);
    happens(event::Kind::Held, "three");
    EXPECT_TRUE(eventually([&] { return folder.read("events.json").contains("three"); }));
    EXPECT_TRUE(eventually([&] { return feeder->status()["file"]["sent_total"] == 3; }));
}

TEST_F(FeederTest, AWebhookGetsSignedBatchesAndARestartLosesNothing) {
    serve();
    options.webhook = url;
    options.key = "plum";
    options.batch = 2;
    start();
    settle("webhook");
    happens(event::Kind::Accepted, "one");
    EXPECT_TRUE(eventually([&] { return told() == "one "; })) << told();
    end();
    for (const char* detail : {"two", "three", "four"}) {
        happens(event::Kind::Delivered, detail);
    }
    start();
    EXPECT_TRUE(eventually([&] { return told() == "one two three four "; })) << told();
    const std::scoped_lock lock(mutex);
    ASSERT_EQ(requests.size(), 3U);
    const net::HttpRequest& first = requests.front();
    EXPECT_EQ(first.method + " " + first.path, "POST /hook");
    EXPECT_EQ(first.headers.at("content-type"), "application/json");
    const std::string given = first.headers.at("x-sekisho-signature");
    const std::string seconds = given.substr(2, given.find(',') - 2);
    EXPECT_EQ(
        given.substr(given.find("v1=") + 3),
        hex(account::hmac_sha256("plum", seconds + "." + first.body))
    );
    EXPECT_EQ(nlohmann::json::parse(requests[1].body).size(), 2U);
}

TEST_F(FeederTest, WhatIsRefusedComesAgainInOrder) {
    serve();
    options.webhook = url;
    start();
    settle("webhook");
    answer(500);
    happens(event::Kind::Accepted, "one");
    // Asked twice, so the first one's failure is known.
    EXPECT_TRUE(eventually([&] { return times_asked() >= 2; }));
    EXPECT_TRUE(feeder->status()["webhook"]["error"].get<std::string>().contains("answered 500"));
    happens(event::Kind::Delivered, "two");
    answer(204);
    EXPECT_TRUE(eventually([&] { return told() == "one two "; })) << told();
    EXPECT_TRUE(eventually([&] { return feeder->status()["webhook"]["sent_total"] == 2; }));
    EXPECT_EQ(feeder->status()["webhook"]["error"], "");
    EXPECT_EQ(feeder->status()["webhook"]["dropped_total"], 0);
}

TEST_F(FeederTest, TooManyThatWaitAreCountedAndTheOldestLeftOut) {
    serve();
    options.webhook = url;
    options.buffer = 2;
    start();
    settle("webhook");
    answer(503);
    for (const char* detail : {"one", "two", "three"}) {
        happens(event::Kind::Delivered, detail);
        happens(event::Kind::LoginRefused, "doesn't count");
    }
    EXPECT_TRUE(eventually([&] { return feeder->status()["webhook"]["dropped_total"] == 1; }));
    answer(204);
    EXPECT_TRUE(eventually([&] { return told() == "two three "; })) << told();
}

TEST_F(FeederTest, NobodyListeningIsNoHarm) {
    serve();
    options.webhook = url;
    listener.reset();
    start();
    settle("webhook");
    happens(event::Kind::Delivered, "one");
    EXPECT_TRUE(eventually([&] { return feeder->status()["webhook"]["failures_total"] >= 2; }));
    serve();
    EXPECT_TRUE(eventually([&] { return told() == "one "; }));
}

TEST_F(FeederTest, SwitchedOnAgainItBeginsAtTheEnd) {
    serve();
    options.webhook = url;
    start();
    settle("webhook");
    feeder->follow([&] {
        Options off = options;
        off.webhook.reset();
        return off;
    }());
    EXPECT_TRUE(eventually([&] { return !store->setting("feed_webhook_at")->has_value(); }));
    happens(event::Kind::Delivered, "unseen");
    feeder->follow(options);
    settle("webhook");
    happens(event::Kind::Delivered, "seen");
    EXPECT_TRUE(eventually([&] { return told() == "seen "; })) << told();
}

}  // namespace
}  // namespace sekisho::feed
