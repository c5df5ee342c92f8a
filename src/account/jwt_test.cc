#include "account/jwt.h"

#include "account/token_issuer.h"
#include "base/time.h"

#include <chrono>
#include <cstdint>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::account {
namespace {

using Json = nlohmann::json;
using test::base64url;
using test::Issuer;

const Time kNow = parse_rfc3339("2026-11-27T12:00:00Z").value();
constexpr std::int64_t kNowSeconds = 1795780800;

KeySet keys_of(const std::vector<Json>& keys) {
    const auto set = KeySet::parse(Json{{"keys", keys}}.dump());
    EXPECT_TRUE(set) << set.error().message;
    return set.value_or(KeySet{});
}

TokenRules rules() {
    TokenRules out;
    out.issuer = "https://login.example";
    out.audiences = {"mail", "smtp.example.net"};
    return out;
}

Json claims() {
    return {
        {"iss", "https://login.example"},
        {"aud", "mail"},
        {"exp", kNowSeconds + 3600},
        {"nbf", kNowSeconds - 10},
        {"email", "taro@example.net"},
        {"scope", "openid mail.send"},
    };
}

std::string outcome(
    std::string_view token, const KeySet& keys, const TokenRules& by = rules(), Time at = kNow
) {
    const auto owner = verify_token(token, keys, by, at);
    return owner ? owner->account : std::string(name(owner.error().fault));
}

TEST(Jwt, EveryAlgorithmVerifies) {
    for (const char* algorithm : {"RS256", "ES256", "EdDSA"}) {
        const Issuer issuer(algorithm);
        const KeySet keys = keys_of({issuer.jwk("other"), issuer.jwk("k")});
        std::string token = issuer.token(claims());
        EXPECT_EQ(outcome(token, keys), "taro@example.net") << algorithm;
        EXPECT_EQ(token_key_id(token), "k");
        const auto owner = verify_token(token, keys, rules(), kNow);
        EXPECT_EQ(owner->expires, kNow + std::chrono::hours(1));
        // One bit of the payload, then of the signature.
        std::string forged = token;
        forged[token.find('.') + 5] ^= 1;
        EXPECT_EQ(outcome(forged, keys), "signature") << algorithm;
        forged = token;
        forged[token.rfind('.') + 3] = forged[token.rfind('.') + 3] == 'A' ? 'B' : 'A';
        EXPECT_EQ(outcome(forged, keys), "signature") << algorithm;
        EXPECT_EQ(outcome(issuer.sign({{"alg", algorithm}}, claims()), keys), "taro@example.net")
            << "without a key id every key of the kind is tried";
    }
}

// The examples of RFC 7515 A.3 and RFC 8037 A.4.
TEST(Jwt, ExamplesOfTheRfcs) {
    const KeySet es256 = keys_of({{
        {"kty", "EC"},
        {"crv", "P-256"},
        {"x", "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"},
        {"y", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
    }});
    TokenRules joe;
    joe.issuer = "joe";
    EXPECT_EQ(
        outcome(
            "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
            "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5dj"
            "xLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
            es256,
            joe
        ),
        "audience"
    ) << "its signature is right; it is for nobody";
    const KeySet ed25519 = keys_of(
        {{{"kty", "OKP"}, {"crv", "Ed25519"}, {"x", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}}}
    );
    EXPECT_EQ(
        outcome(
            "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-"
            "09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
            ed25519
        ),
        "malformed"
    ) << "its signature is right; its payload is text";
}

TEST(Jwt, TheTokenDoesNotChooseHowItIsVerified) {
    const Issuer rsa("RS256");
    const Issuer ed("EdDSA");
    const KeySet keys = keys_of({rsa.jwk("k"), ed.jwk("e")});
    const std::string payload = base64url(claims().dump());
    for (const char* header :
         {R"({"alg":"none"})",
          R"({"alg":"HS256","kid":"k"})",
          R"({"alg":"PS256","kid":"k"})",
          R"({"alg":"ES256","kid":"k"})",
          R"({"alg":"rs256","kid":"k"})",
          R"({"kid":"k"})"}) {
        EXPECT_EQ(outcome(base64url(header) + "." + payload + ".", keys), "unknown-key") << header;
    }
    EXPECT_EQ(outcome(ed.sign({{"alg", "EdDSA"}, {"kid", "k"}}, claims()), keys), "unknown-key");
    EXPECT_EQ(outcome(ed.sign({{"alg", "EdDSA"}, {"kid", "new"}}, claims()), keys), "unknown-key");
    EXPECT_EQ(
        outcome(ed.sign({{"alg", "EdDSA"}, {"crit", {"exp"}}, {"kid", "e"}}, claims()), keys),
        "malformed"
    );
}

TEST(Jwt, ClaimsAreJudged) {
    const Issuer issuer("EdDSA");
    const KeySet keys = keys_of({issuer.jwk("k")});
    const auto with = [&](const char* name, const Json& value) {
        Json changed = claims();
        if (value.is_null()) {
            changed.erase(name);
        } else {
            changed[name] = value;
        }
        return outcome(issuer.token(changed), keys);
    };
    EXPECT_EQ(with("iss", "https://login.example/"), "issuer");
    EXPECT_EQ(with("iss", nullptr), "issuer");
    EXPECT_EQ(with("aud", Json::array({"web", "smtp.example.net"})), "taro@example.net");
    EXPECT_EQ(with("aud", Json::array({"web"})), "audience");
    EXPECT_EQ(with("aud", nullptr), "audience");
    EXPECT_EQ(with("aud", 5), "audience");
    EXPECT_EQ(with("exp", nullptr), "malformed");
    EXPECT_EQ(with("exp", "tomorrow"), "malformed");
    EXPECT_EQ(with("exp", -1), "malformed");
    EXPECT_EQ(with("exp", 1e300), "malformed");
    EXPECT_EQ(with("exp", kNowSeconds + 0.5), "taro@example.net");
    EXPECT_EQ(with("exp", kNowSeconds - 59), "taro@example.net") << "the clocks may differ";
    EXPECT_EQ(with("exp", kNowSeconds - 60), "expired");
    EXPECT_EQ(with("nbf", kNowSeconds + 60), "taro@example.net");
    EXPECT_EQ(with("nbf", kNowSeconds + 61), "not-yet");
    EXPECT_EQ(with("nbf", nullptr), "taro@example.net");
    EXPECT_EQ(with("email", nullptr), "account");
    EXPECT_EQ(with("email", 5), "account");
    TokenRules scoped = rules();
    scoped.scope = "mail.send";
    EXPECT_EQ(outcome(issuer.token(claims()), keys, scoped), "taro@example.net");
    scoped.scope = "mail";
    EXPECT_EQ(outcome(issuer.token(claims()), keys, scoped), "scope");
}

TEST(Jwt, OtherBytesAreMalformed) {
    const Issuer issuer("EdDSA");
    const KeySet keys = keys_of({issuer.jwk("k")});
    const std::string good = issuer.token(claims());
    for (const std::string& token :
         {std::string{},
          std::string(".."),
          std::string("a.b.c"),
          good + ".x",
          good + "=",
          good.substr(0, good.rfind('.')),
          " " + good,
          base64url("[]") + ".e30.e30",
          std::string(kTokenMax + 1, 'a')}) {
        EXPECT_EQ(outcome(token, keys), "malformed") << token.substr(0, 80);
    }
}

TEST(Jwt, KeySetsPassOverWhatTheyDontKnow) {
    const Issuer issuer("ES256");
    const Json good = issuer.jwk("k");
    Json encryption = good;
    encryption["use"] = "enc";
    Json other = good;
    other["alg"] = "ES384";
    Json off_curve = good;
    off_curve["y"] = off_curve["x"];
    const Json short_rsa{{"kty", "RSA"}, {"n", base64url(std::string(128, '\xff'))}, {"e", "AQAB"}};
    Json even = Issuer("RS256").jwk("r");
    even["e"] = "BA";
    for (const Json& useless :
         {encryption,
          other,
          off_curve,
          short_rsa,
          even,
          Json{{"kty", "oct"}, {"k", "AAAA"}},
          Json(5)}) {
        EXPECT_FALSE(KeySet::parse(Json{{"keys", Json::array({useless})}}.dump())) << useless;
        EXPECT_EQ(keys_of({useless, good}).keys().size(), 1U) << useless;
    }
    EXPECT_TRUE(keys_of({good}).has("k"));
    EXPECT_FALSE(keys_of({good}).has("x"));
    for (const char* wrong : {"", "[]", "{}", R"({"keys":{}})", R"({"keys":[]})", "{"}) {
        EXPECT_FALSE(KeySet::parse(wrong)) << wrong;
    }
}

TEST(Introspection, AnswersAreJudged) {
    const auto judge = [](const Json& answer) {
        const auto owner = judge_introspection(answer.dump(), rules(), kNow);
        return owner ? owner->account : std::string(name(owner.error().fault));
    };
    const Json good{{"active", true}, {"email", "taro@example.net"}};
    EXPECT_EQ(judge(good), "taro@example.net");
    Json full = claims();
    full["active"] = true;
    EXPECT_EQ(judge(full), "taro@example.net");
    full["aud"] = "web";
    EXPECT_EQ(judge(full), "audience");
    EXPECT_EQ(judge({{"active", false}}), "expired");
    EXPECT_EQ(judge({{"active", "true"}, {"email", "taro@example.net"}}), "expired");
    EXPECT_EQ(judge({{"active", true}}), "account");
    EXPECT_EQ(judge(Json::array()), "malformed");
    Json late = good;
    late["exp"] = kNowSeconds - 3600;
    EXPECT_EQ(judge(late), "expired");
}

}  // namespace
}  // namespace sekisho::account
