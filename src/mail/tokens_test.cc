// Bearer tokens: keys from a file and from a URL that change, introspection, and logins with them.
#include "mail/tokens.h"

#include "account/account.h"
#include "account/token_issuer.h"
#include "base/bytes.h"
#include "base/time.h"
#include "config/config.h"
#include "event/event.h"
#include "mail/test_world.h"
#include "net/http.h"
#include "net/resolver.h"
#include "net/server.h"

#include <atomic>
#include <fstream>
#include <gtest/gtest.h>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::mail {
namespace {

using account::test::Issuer;
using Json = nlohmann::json;

class BearerTokens : public test::MailTest {
  protected:
    BearerTokens() {
        net::ResolverOptions options;
        options.forward_to = {"127.0.0.1@9"};
        resolver = std::move(net::Resolver::make(loops->executor(0), options).value());
        oauth.issuer = "https://login.example";
        oauth.audiences = {"mail"};
    }
    ~BearerTokens() override {
        server.reset();
        tokens.reset();
        issuer_site.reset();
        loops->stop();
        resolver.reset();
    }

    // The issuer's site: its keys, and what its introspection says.
    void serve_issuer() {
        net::HttpHandler handler = [this](const net::HttpRequest& request) {
            ++asked;
            net::HttpResponse response;
            response.content_type = "application/json";
            const std::scoped_lock lock(mutex);
            response.status = status;
            response.body = request.path == "/keys" ? key_set : introspection;
            last_form = request.body;
            const auto authorization = request.headers.find("authorization");
            last_authorization =
                authorization == request.headers.end() ? "" : authorization->second;
            return response;
        };
        auto made = net::serve_http(*loops, *workers, loopback(), {}, std::move(handler));
        ASSERT_TRUE(made) << made.error().message;
        issuer_site = std::move(*made);
    }
    [[nodiscard]] std::string url(const std::string& path) const {
        return "http://" + issuer_site->local().text() + path;
    }
    void publish(const std::vector<Json>& keys) {
        const std::scoped_lock lock(mutex);
        key_set = Json{{"keys", keys}}.dump();
    }
    void make() {
        auto made = Tokens::make(oauth, resolver.get(), *workers);
        ASSERT_TRUE(made) << made.error().message;
        tokens = std::move(*made);
    }
    [[nodiscard]] std::shared_ptr<Tokens> tokens_of_test() const override { return tokens; }
    // The account, "away", or why it is refused, up to the colon.
    std::string judge(const std::string& token) {
        const auto verdict =
            net::wait_for(loops->executor(0), Tokens::judge(tokens, loops->executor(0), token));
        if (!verdict) {
            return "away";
        }
        return verdict->refusal.empty() ? verdict->account
                                        : verdict->refusal.substr(0, verdict->refusal.find(':'));
    }
    static Json claims(const std::string& who = "taro@example.net") {
        return {
            {"iss", "https://login.example"},
            {"aud", "mail"},
            {"exp", to_ms(now()) / 1000 + 600},
            {"email", who},
        };
    }

    config::OAuth oauth;
    std::unique_ptr<net::Resolver> resolver;
    std::unique_ptr<net::Listener> issuer_site;
    std::shared_ptr<Tokens> tokens;
    std::atomic<int> asked{0};
    std::mutex mutex;
    int status = 200;
    std::string key_set = R"({"keys":[]})", introspection = "{}", last_form, last_authorization;
};

TEST_F(BearerTokens, KeysFromAFile) {
    const Issuer issuer("ES256");
    const std::string path = ::testing::TempDir() + random_token(40) + ".json";
    oauth.keys = path;
    make();
    EXPECT_EQ(judge(issuer.token(claims())), "away") << "no file yet, so nobody is wrong";
    std::ofstream(path) << Json{{"keys", Json::array({issuer.jwk("k")})}}.dump();
    make();
    EXPECT_EQ(judge(issuer.token(claims())), "taro@example.net");
    EXPECT_EQ(judge("nonsense"), "malformed");
    EXPECT_EQ(tokens->counters().fetches, 1U);
}

TEST_F(BearerTokens, KeysFromAUrlAreReadAnewForATokenThatNamesAnother) {
    const Issuer old_key("EdDSA");
    const Issuer new_key("EdDSA");
    serve_issuer();
    publish({old_key.jwk("k")});
    oauth.keys = url("/keys");
    make();
    EXPECT_EQ(judge(old_key.token(claims())), "taro@example.net");
    EXPECT_EQ(judge(old_key.token(claims())), "taro@example.net");
    EXPECT_EQ(asked, 1) << "they are kept";
    publish({new_key.jwk("new")});
    const std::string token = new_key.sign({{"alg", "EdDSA"}, {"kid", "new"}}, claims());
    EXPECT_EQ(judge(token), "unknown-key") << "not for each token: once in a while";
    EXPECT_EQ(asked, 1);
    make();
    EXPECT_EQ(judge(token), "taro@example.net");
}

TEST_F(BearerTokens, AnIssuerThatIsAwayRefusesNobody) {
    serve_issuer();
    oauth.keys = url("/keys");
    status = 500;
    make();
    EXPECT_EQ(judge(Issuer("EdDSA").token(claims())), "away");
    EXPECT_EQ(tokens->counters().fetches_failed, 1U);
}

// RFC 7662 §2.1
TEST_F(BearerTokens, IntrospectionIsAskedOnceForAToken) {
    serve_issuer();
    oauth.introspection = url("/introspect");
    oauth.client_id = "mail server";
    oauth.client_secret = "s:cret";
    make();
    introspection = Json{{"active", true}, {"email", "taro@example.net"}}.dump();
    EXPECT_EQ(judge("opaque+token/="), "taro@example.net");
    EXPECT_EQ(last_form, "token=opaque%2Btoken%2F%3D&token_type_hint=access_token");
    EXPECT_EQ(last_authorization, "Basic " + base64("mail%20server:s%3Acret"));
    EXPECT_EQ(judge("opaque+token/="), "taro@example.net");
    EXPECT_EQ(asked, 1);
    introspection = R"({"active":false})";
    EXPECT_EQ(judge("another"), "expired");
    EXPECT_EQ(judge("another"), "expired");
    EXPECT_EQ(asked, 3) << "a refusal isn't kept";
    status = 503;
    EXPECT_EQ(judge("third"), "away");
}

TEST_F(BearerTokens, WhatCantBeReadIsTold) {
    const auto error_of = [this] {
        auto made = Tokens::make(oauth, resolver.get(), *workers);
        return made ? std::string("fine") : made.error().message;
    };
    oauth.keys = "https://user@login.example/keys";
    EXPECT_TRUE(error_of().starts_with("oauth.keys: ")) << error_of();
    oauth.keys = "http://login.example/keys";
    EXPECT_TRUE(error_of().contains("must be https")) << error_of();
    oauth.keys = "keys.json";
    oauth.ca = "/nonexistent.pem";
    EXPECT_TRUE(error_of().starts_with("oauth.ca: ")) << error_of();
}

TEST_F(BearerTokens, LoginsOverSmtp) {
    const Issuer issuer("RS256");
    serve_issuer();
    publish({issuer.jwk("k")});
    oauth.keys = url("/keys");
    config.oauth = oauth;
    make();
    start();
    auto client = this->client("submissions");
    client->reply();
    EXPECT_TRUE(client->say("EHLO pc").contains(" OAUTHBEARER XOAUTH2"));
    const auto bearer = [](const std::string& user, const std::string& token) {
        return "AUTH XOAUTH2 " + base64(
                                     "user=" + user +
                                     "\x01"
                                     "auth=Bearer " +
                                     token + "\x01\x01"
                                 );
    };
    const std::string challenge = client->say(bearer("taro@example.net", "forged"));
    EXPECT_TRUE(challenge.starts_with("334 eyJz")) << challenge;
    EXPECT_TRUE(client->say("").starts_with("535 5.7.8 The token is not accepted"));
    client->say(bearer("support@example.net", issuer.token(claims())));
    EXPECT_TRUE(client->say("").starts_with("535 5.7.8")) << "another's token";
    EXPECT_EQ(
        client->say(bearer("taro@example.net", issuer.token(claims()))),
        "235 2.7.0 Authentication succeeded"
    );
    EXPECT_TRUE(client->say("MAIL FROM:<taro@example.net>").starts_with("250 "));
    EXPECT_EQ(journal.of(event::Kind::LoginAccepted).at(0).detail, "XOAUTH2");
    for (const event::Event& one : journal.of(event::Kind::LoginRefused)) {
        EXPECT_FALSE(one.detail.contains("forged")) << one.detail;
    }

    status = 500;
    make();
    server.reset();
    start();
    auto later = this->client("submissions");
    later->reply();
    later->say("EHLO pc");
    EXPECT_TRUE(
        later->say(bearer("taro@example.net", issuer.token(claims()))).starts_with("454 4.7.0")
    );
}

}  // namespace
}  // namespace sekisho::mail
