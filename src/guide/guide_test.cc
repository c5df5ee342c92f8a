#include "guide/guide.h"

#include "guide/formats.h"
#include "guide/guide_fake.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <regex>
#include <set>

namespace sekisho::guide {
namespace {

using fake::get;
using fake::header;
using testing::HasSubstr;
using testing::Not;

class GuideTest : public testing::Test {
  protected:
    GuideTest() {
        facts_.here = fake::standing("subscribers", policy::Action::Refuse);
        facts_.classes["subscribers"] = facts_.here;
        facts_.classes["static"] = fake::standing("static", policy::Action::Pass);
        facts_.classes["outside"] = fake::standing("outside", policy::Action::Pass);
    }
    GuideResponse ask(const GuideRequest& request) { return guide_.handle(request, facts_); }
    std::string body(const std::string& path) { return ask(get(path)).body; }

    Guide guide_{fake::small_provider()};
    fake::FakeFacts facts_;
};

TEST_F(GuideTest, EveryPageIsThereInBothLanguagesAndSmall) {
    for (const std::string language : {"ja", "en"}) {
        for (const std::string_view page : Guide::pages()) {
            const std::string path = "/" + language + "/" + std::string(page);
            const GuideResponse response = ask(get(path));
            EXPECT_EQ(response.status, 200) << path;
            EXPECT_THAT(response.body, HasSubstr("<html lang=\"" + language + "\">")) << path;
            EXPECT_EQ(header(response, "Content-Language"), language);
            EXPECT_LT(response.body.size(), 100'000U) << path;
            EXPECT_THAT(response.body, Not(HasSubstr("<script"))) << path;
            EXPECT_THAT(response.body, Not(HasSubstr("style=\""))) << "the CSP would stop it";
            EXPECT_THAT(response.body, Not(HasSubstr("Tokai <Net>"))) << path;
        }
    }
    EXPECT_GE(Guide::pages().size(), 11U);
}

TEST_F(GuideTest, EachReplyToALoginHasItsSection) {
    const std::string page = body("/login");
    for (const char* reply :
         {"535 5.7.8", "534 5.7.9", "530 5.7.0", "538 5.7.11", "525 5.7.13", "454 4.7.0"}) {
        EXPECT_THAT(page, HasSubstr("<code>" + std::string(reply) + "</code>"));
        EXPECT_THAT(page, HasSubstr("id=\"" + std::string(reply).substr(4) + "\""));
    }
}

TEST_F(GuideTest, EveryInternalLinkLeadsToAPage) {
    const std::regex link{"(?:href|action|src)=\"(/[^\"#?]*)"};
    std::set<std::string> seen;
    for (const std::string language : {"ja", "en"}) {
        for (const std::string_view page : Guide::pages()) {
            GuideRequest request = get("/" + language + "/" + std::string(page));
            request.query["address"] = "taro@tokai.example";
            const std::string html = ask(request).body;
            for (auto it = std::sregex_iterator(html.begin(), html.end(), link);
                 it != std::sregex_iterator();
                 ++it) {
                seen.insert((*it)[1]);
            }
        }
    }
    EXPECT_GT(seen.size(), 20U);
    for (const std::string& path : seen) {
        GuideRequest request = get(path);
        request.query["address"] = "taro@tokai.example";
        EXPECT_EQ(ask(request).status, 200) << path;
    }
}

TEST_F(GuideTest, HeadersShutEverythingOut) {
    for (const char* path : {"/ja/", "/guide.css", "/nowhere", "/mail/config-v1.1.xml"}) {
        const GuideResponse response = ask(get(path));
        EXPECT_THAT(header(response, "Content-Security-Policy"), HasSubstr("default-src 'none'"));
        EXPECT_THAT(header(response, "Content-Security-Policy"), Not(HasSubstr("script-src")));
        EXPECT_EQ(header(response, "X-Content-Type-Options"), "nosniff");
        EXPECT_EQ(header(response, "Referrer-Policy"), "no-referrer");
    }
    EXPECT_EQ(header(ask(get("/ja/check")), "Cache-Control"), "private, no-store");
}

TEST_F(GuideTest, RootPicksTheLanguage) {
    GuideRequest request = get("/");
    request.headers["accept-language"] = "en-GB, ja;q=0.3";
    EXPECT_EQ(ask(request).status, 302);
    EXPECT_EQ(header(ask(request), "Location"), "/en/");
    EXPECT_EQ(header(ask(request), "Vary"), "Accept-Language");
    request.headers.clear();
    EXPECT_EQ(header(ask(request), "Location"), "/ja/") << "the operator has a Japanese name";
}

TEST_F(GuideTest, LanguageSwitchKeepsPageAndQuery) {
    GuideRequest request = get("/ja/setup");
    request.query["address"] = "a&b@tokai.example";
    EXPECT_THAT(ask(request).body, HasSubstr("href=\"/en/setup?address=a%26b%40tokai.example\""));
    request = get("/25");
    request.query["ref"] = "K7-22";
    EXPECT_THAT(ask(request).body, HasSubstr("href=\"/en/refused?ref=K7-22\""));
}

TEST_F(GuideTest, NothingOfARequestReachesAPageUnescaped) {
    const std::string attack = "\"'><script>alert(1)</script>";
    std::vector<std::string> paths{"/25", "/nowhere", "/ja/nowhere", "/" + attack, "/ja/" + attack};
    for (const std::string_view page : Guide::pages()) {
        paths.push_back("/ja/" + std::string(page));
        paths.push_back("/en/" + std::string(page));
    }
    for (const std::string& path : paths) {
        GuideRequest request = get(path);
        for (const char* name : {"address", "ref", "lang", "emailaddress", "Email", "Protocol"}) {
            request.query[name] = attack;
        }
        for (const char* name : {"host", "accept-language", "user-agent", "referer"}) {
            request.headers[name] = attack;
        }
        request.query[attack] = attack;
        const std::string html = ask(request).body;
        EXPECT_THAT(html, Not(HasSubstr("<script"))) << path;
        EXPECT_THAT(html, Not(HasSubstr("'><"))) << path;
    }
    GuideRequest request = get("/ja/setup");
    request.query["address"] = attack;
    EXPECT_THAT(ask(request).body, HasSubstr("value=\"&quot;&#39;&gt;&lt;script&gt;"));
}

TEST_F(GuideTest, StartShowsTheVerdictForTheReadersLine) {
    EXPECT_THAT(body("/ja/"), HasSubstr("ポート25は止まっています"));
    EXPECT_THAT(body("/ja/"), HasSubstr("192.0.2.7"));
    facts_.here.to_others.stage = policy::Stage::Notify;
    EXPECT_THAT(body("/en/"), HasSubstr("Port 25 will be closed"));
    facts_.here = fake::standing("static", policy::Action::Pass);
    EXPECT_THAT(body("/en/"), HasSubstr("Port 25 is open"));
    facts_.here = fake::standing("outside", policy::Action::Pass);
    EXPECT_THAT(body("/en/"), HasSubstr("This is not a Tokai &lt;Net&gt; &amp; Sons line"));
}

TEST_F(GuideTest, CheckShowsTheOwnRecord) {
    OwnLine line;
    line.known = OwnLine::Known::Line;
    line.blocked = 37;
    line.last_try = parse_rfc3339("2026-11-24T12:00:00Z");
    line.logins_refused = 2;
    line.prefixes.emplace_back(Prefix::parse("2001:db8:7::/56").value(), facts_.here);
    facts_.line = line;
    facts_.here.in_force = parse_rfc3339("2026-11-01T00:00:00Z");
    facts_.here.to_others.closes = parse_rfc3339("2027-04-01T00:00:00Z");
    const std::string html = body("/en/check");
    EXPECT_THAT(html, HasSubstr("<strong>37</strong>"));
    EXPECT_THAT(html, HasSubstr("2026-11-24 21:00 (UTC+09:00)"));
    EXPECT_THAT(html, HasSubstr("2026-11-01 09:00 (UTC+09:00)"));
    EXPECT_THAT(html, HasSubstr("Port 25 closes"));
    EXPECT_THAT(html, HasSubstr("2027-04-01 09:00 (UTC+09:00)"));
    EXPECT_THAT(html, HasSubstr("2001:db8:7::/56"));
    EXPECT_THAT(html, HasSubstr("When a login fails"));
}

TEST_F(GuideTest, CheckShowsNobodyElsesRecord) {
    OwnLine line;
    line.blocked = 765432;
    line.known = OwnLine::Known::Shared;
    facts_.line = line;
    EXPECT_THAT(body("/en/check"), HasSubstr("Several lines share this address"));
    EXPECT_THAT(body("/en/check"), Not(HasSubstr("765432")));
    facts_.line->known = OwnLine::Known::Nobody;
    EXPECT_THAT(body("/en/check"), Not(HasSubstr("765432")));
    facts_.line->known = OwnLine::Known::Line;
    facts_.here = fake::standing("outside", policy::Action::Pass);
    EXPECT_THAT(body("/en/check"), Not(HasSubstr("765432")))
        << "an outside line is not ours to show";
}

TEST_F(GuideTest, CheckSaysWhenTheRecordIsAway) {
    facts_.line = fail(Errc::Unavailable, "database <locked>");
    const std::string html = body("/en/check");
    EXPECT_THAT(html, HasSubstr("cannot be read right now"));
    EXPECT_THAT(html, Not(HasSubstr("locked")));
    EXPECT_THAT(html, HasSubstr("Port 25 is closed"));
}

TEST_F(GuideTest, AffectedListsTheClassesOfThePolicy) {
    const std::string html = body("/en/affected");
    EXPECT_THAT(html, HasSubstr("line (fixed address)"));
    EXPECT_THAT(html, HasSubstr("your line"));
    EXPECT_THAT(html, Not(HasSubstr("partner&#39;s network"))) << "this policy has no such class";
}

TEST_F(GuideTest, SettingsOfferEncryptionOnly) {
    const std::string html = body("/ja/settings");
    EXPECT_LT(html.find("<code>465</code>"), html.find("<code>587</code>"));
    EXPECT_THAT(html, HasSubstr("smtp.tokai.example"));
    EXPECT_THAT(html, HasSubstr("role=\"img\" aria-label=\"Thunderbird"));
}

TEST_F(GuideTest, SetupIsTheSameForEveryLocalPart) {
    const auto page = [&](const std::string& local) {
        GuideRequest request = get("/ja/setup");
        request.query["address"] = local + "@tokai.example";
        std::string html = ask(request).body;
        for (std::size_t at = 0; (at = html.find(local + "@", at)) != std::string::npos;) {
            html.replace(at, local.size(), "X");
        }
        for (std::size_t at = 0; (at = html.find(local + "%40", at)) != std::string::npos;) {
            html.replace(at, local.size(), "X");
        }
        return html;
    };
    EXPECT_EQ(page("hanako"), page("nosuchuser"));
    EXPECT_THAT(page("hanako"), HasSubstr("apple.mobileconfig"));
}

TEST_F(GuideTest, SetupSendsOutsideAddressesToTheirCompany) {
    GuideRequest request = get("/en/setup");
    request.query["address"] = "taro@company.example";
    const std::string html = ask(request).body;
    EXPECT_THAT(html, HasSubstr("<strong>company.example</strong> is not an address of"));
    EXPECT_THAT(html, Not(HasSubstr("mobileconfig")));
    request.query["address"] = "no address";
    EXPECT_THAT(ask(request).body, HasSubstr("role=\"alert\""));
}

TEST_F(GuideTest, RefusedShowsTheReference) {
    GuideRequest request = get("/25");
    request.query["ref"] = "K7-22Q";
    request.headers["accept-language"] = "en";
    facts_.refused = parse_rfc3339("2026-11-24T12:00:00Z");
    const GuideResponse response = ask(request);
    EXPECT_THAT(response.body, HasSubstr("K7-22Q"));
    EXPECT_THAT(response.body, HasSubstr("<html lang=\"en\">"));
    EXPECT_THAT(response.body, HasSubstr("2026-11-24 21:00"));
    EXPECT_EQ(header(response, "Vary"), "Accept-Language");
    EXPECT_THAT(body("/25"), Not(HasSubstr("class=\"reference\"")));
}

TEST_F(GuideTest, UnknownPathsAndMethodsSaySo) {
    EXPECT_EQ(ask(get("/nowhere")).status, 404);
    EXPECT_EQ(ask(get("/fr/settings")).status, 404);
    EXPECT_EQ(ask(get("/ja/settings/x")).status, 404);
    EXPECT_EQ(ask(get("")).status, 400);
    GuideRequest request = get("/ja/setup");
    request.method = "POST";
    EXPECT_EQ(ask(request).status, 405);
    EXPECT_EQ(header(ask(request), "Allow"), "GET, HEAD");
}

TEST_F(GuideTest, AutoconfigAnswersEveryLocalPartAlike) {
    const auto config = [&](const std::string& path, const std::string& address) {
        GuideRequest request = get(path);
        request.query["emailaddress"] = address;
        return ask(request);
    };
    const std::string path = "/mail/config-v1.1.xml";
    const GuideResponse known = config(path, "taro@tokai.example");
    EXPECT_EQ(known.content_type, "text/xml; charset=utf-8");
    EXPECT_EQ(known.body, config(path, "EVOLUTIONUSER@tokai.example").body);
    EXPECT_EQ(known.body, config(path, "").body);
    EXPECT_EQ(
        known.body, config("/.well-known/autoconfig/mail/config-v1.1.xml", "x@TOKAI.example").body
    );
    EXPECT_THAT(config(path, "a@second.example").body, HasSubstr("id=\"second.example\""));
    EXPECT_EQ(config(path, "a@company.example").status, 404);
    EXPECT_THAT(config(path, "\"><script>@tokai.example").body, Not(HasSubstr("script")));
}

TEST_F(GuideTest, AutodiscoverTakesGetAndPostInAnyCase) {
    GuideRequest request = get("/AutoDiscover/Autodiscover.XML");
    request.method = "POST";
    request.body = "<Request><EMailAddress>taro@tokai.example</EMailAddress></Request>";
    EXPECT_THAT(ask(request).body, HasSubstr("<LoginName>taro@tokai.example</LoginName>"));
    request.method = "GET";
    request.body.clear();
    request.query["EmailAddress"] = "taro@tokai.example";
    EXPECT_THAT(ask(request).body, HasSubstr("<LoginName>taro@tokai.example</LoginName>"));
    request.query.clear();
    EXPECT_THAT(ask(request).body, HasSubstr("<ErrorCode>600</ErrorCode>"));
    request.method = "DELETE";
    EXPECT_EQ(ask(request).status, 405);
}

TEST_F(GuideTest, AutodiscoverJsonPointsToTheXml) {
    GuideRequest request = get("/autodiscover/autodiscover.json");
    request.query["Protocol"] = "AutoDiscoverV1";
    EXPECT_EQ(
        ask(request).body,
        R"({"Protocol":"AutodiscoverV1","Url":"https://mail-guide.tokai.example/autodiscover/autodiscover.xml"})"
    );
    request.query["Protocol"] = "ActiveSync";
    EXPECT_EQ(ask(request).status, 404);
}

TEST_F(GuideTest, OffersWellKnownFilesOnlyWhenTheyAreWanted) {
    const GuideRequest pacc = get("/.well-known/user-agent-configuration.json");
    const GuideRequest sts = get("/.well-known/mta-sts.txt");
    EXPECT_EQ(ask(pacc).status, 404);
    EXPECT_EQ(ask(sts).status, 404);
    config::Config config = fake::small_provider();
    config.settings.pacc = true;
    config.settings.submissions_port = 465;
    config.mail.mta_sts = "enforce";
    const Guide guide(config);
    EXPECT_EQ(guide.handle(pacc, facts_).body, *pacc_json(config));
    EXPECT_EQ(guide.handle(pacc, facts_).content_type, "application/json");
    const GuideResponse policy = guide.handle(sts, facts_);
    EXPECT_EQ(
        policy.body,
        "version: STSv1\r\nmode: enforce\r\nmx: " + config.mail.hostname + "\r\nmax_age: 604800\r\n"
    );
    EXPECT_EQ(policy.content_type, "text/plain; charset=utf-8");
}

TEST_F(GuideTest, AppleProfileOnlyForOwnDomains) {
    GuideRequest request = get("/mail/apple.mobileconfig");
    request.query["address"] = "taro@tokai.example";
    EXPECT_EQ(ask(request).content_type, "application/x-apple-aspen-config");
    request.query["address"] = "taro@company.example";
    EXPECT_EQ(ask(request).status, 404);
}

TEST_F(GuideTest, ACodeIsShownFirstAndProvenByTheButtonOnly) {
    GuideRequest request = get("/en/sendas");
    request.query["code"] = "abcd-efgh";
    const GuideResponse asked = ask(request);
    EXPECT_NE(asked.body.find("<strong>taro@corp.example.com</strong>"), std::string::npos);
    EXPECT_NE(asked.body.find("action=\"/en/sendas?code=abcd-efgh\""), std::string::npos);
    EXPECT_FALSE(facts_.proven);
    request.method = "POST";
    EXPECT_NE(ask(request).body.find("The address is confirmed"), std::string::npos);
    EXPECT_TRUE(facts_.proven);
    request.query["code"] = "<script>";
    const GuideResponse wrong = ask(request);
    EXPECT_NE(wrong.body.find("This code is not valid"), std::string::npos);
    EXPECT_EQ(wrong.body.find("<script>"), std::string::npos);
    facts_.claim = fail(Errc::Unavailable, "mail is away");
    request.query["code"] = "abcd-efgh";
    EXPECT_NE(ask(request).body.find("be checked just now"), std::string::npos);
    GuideRequest other = get("/en/limits");
    other.method = "POST";
    EXPECT_EQ(ask(other).status, 405);
}

}  // namespace
}  // namespace sekisho::guide
