#include "arc/chain.h"
#include "arc/verify.h"
#include "base/file.h"
#include "base/result.h"
#include "base/time.h"
#include "dkim/verify.h"
#include "message/header.h"

#include <chrono>
#include <cstdint>
#include <gtest/gtest.h>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::arc {
namespace {

using Json = nlohmann::json;
using Keys = std::map<std::string, dkim::KeyAnswer>;

// Sealed by dkimpy and by mailauth; testdata/make.py makes them.
class Chains : public ::testing::Test {
  protected:
    static Json data() {
        const auto text =
            read_file(std::string(SEKISHO_SOURCE_DIR) + "/src/arc/testdata/chains.json");
        return Json::parse(*text);
    }
    static Keys keys() {
        Keys out;
        for (const auto& [name, record] : data()["keys"].items()) {
            out.emplace(name, std::vector<std::string>{record.get<std::string>()});
        }
        return out;
    }
    static Time made() { return Time{std::chrono::seconds(data()["made"].get<std::int64_t>())}; }
    static std::string message(std::string_view name) {
        for (const Json& chain : data()["chains"]) {
            if (chain["name"] == name) {
                return chain["message"].get<std::string>();
            }
        }
        ADD_FAILURE() << name;
        return "";
    }

    static Verdict verify(std::string_view text, const Keys& keys) {
        const auto header = message::Header::scan(text);
        Verifier verifier(header, made());
        const std::string_view body = text.substr(header.body_offset());
        verifier.body(body.substr(0, body.size() / 2));
        verifier.body(body.substr(body.size() / 2));
        return verifier.finish(keys);
    }
    static std::string changed(std::string text, std::string_view from, std::string_view to) {
        const std::size_t at = text.find(from);
        EXPECT_NE(at, std::string::npos) << from;
        return at == std::string::npos ? text : text.replace(at, from.size(), to);
    }
};

TEST_F(Chains, OfOthersAreVerified) {
    std::size_t seen = 0;
    for (const Json& chain : data()["chains"]) {
        const auto name = chain["name"].get<std::string>();
        const Verdict verdict = verify(chain["message"].get<std::string>(), keys());
        const auto sealers = chain["sealers"].get<std::vector<std::string>>();
        EXPECT_EQ(verdict.result, sealers.empty() ? Result::Fail : Result::Pass)
            << name << ": " << verdict.reason;
        ASSERT_EQ(verdict.sealers.size(), sealers.size()) << name;
        for (std::size_t i = 0; i < sealers.size(); ++i) {
            EXPECT_EQ(verdict.sealers[i].domain, sealers[i]) << name;
            EXPECT_EQ(verdict.sealers[i].authserv_id, "mx." + sealers[i]) << name;
            EXPECT_NE(verdict.sealers[i].findings.find("=pass"), std::string::npos) << name;
        }
        EXPECT_EQ(verdict.oldest_pass, chain["oldest"].get<std::size_t>()) << name;
        ++seen;
    }
    EXPECT_EQ(seen, 8U);
}

TEST_F(Chains, WithoutAnyIsNone) {
    EXPECT_EQ(verify("From: a@b.example\r\n\r\nHi.\r\n", {}).result, Result::None);
    EXPECT_TRUE(Verifier(message::Header::scan("From: a\r\n\r\n"), made()).queries().empty());
}

TEST_F(Chains, EachKeyIsAskedForOnce) {
    const std::string text = message("dkimpy twice");
    const auto header = message::Header::scan(text);
    EXPECT_EQ(
        Verifier(header, made()).queries(),
        (std::vector<std::string>{"s1._domainkey.forward.example", "s1._domainkey.school.example"})
    );
}

TEST_F(Chains, WhatWasChangedFails) {
    const std::string twice = message("dkimpy twice");
    for (const auto& [from, to] : std::vector<std::pair<std::string_view, std::string_view>>{
             {"The minutes.", "The minute."},
             {"Subject: Minutes", "Subject: Money"},
             {"spf=pass", "spf=fail"},    // what the first found
             {"dkim=pass", "dkim=fail"},  // what the second found
             {"d=forward.example", "d=school.example"},
         }) {
        const Verdict verdict = verify(changed(twice, from, to), keys());
        EXPECT_EQ(verdict.result, Result::Fail) << from;
        EXPECT_FALSE(verdict.reason.empty());
        EXPECT_TRUE(verdict.sealers.empty()) << "nobody vouches for it";
    }
}

TEST_F(Chains, BrokenOnesSayWhy) {
    const std::string twice = message("dkimpy twice");
    const auto field = [&twice](std::string_view start) {
        const std::size_t at = twice.find(start);
        std::size_t end = twice.find("\r\n", at);
        while (twice.at(end + 2) == ' ') {
            end = twice.find("\r\n", end + 2);
        }
        return twice.substr(at, end + 2 - at);
    };
    const std::string seal = field("ARC-Seal: i=2");
    const struct {
        std::string text;
        std::string_view why;
    } cases[] = {
        {changed(twice, seal, ""), "set 2: it is not whole"},
        {seal + twice, "set 2: two fields ARC-Seal"},
        {changed(twice, "ARC-Seal: i=2", "ARC-Seal: i=3"), "set 2: it is not whole"},
        {changed(twice, "ARC-Seal: i=2", "ARC-Seal: i=51"), "from 1 to 50"},
        {changed(twice, "ARC-Seal: i=2", "ARC-Seal: i=02"), "from 1 to 50"},
        {changed(twice, "ARC-Seal: i=2", "ARC-Seal: x"), "from 1 to 50"},
        {changed(twice, "cv=pass", "cv=none"), "cv="},
        {changed(twice, "cv=none", "cv=pass"), "cv="},
        {changed(twice, "cv=pass", "cv=fine"), "cv="},
        {changed(twice, "ARC-Seal: i=2;", "ARC-Seal: i=2; h=from;"), "h="},
    };
    for (const auto& [text, why] : cases) {
        const Verdict verdict = verify(text, keys());
        EXPECT_EQ(verdict.result, Result::Fail) << why;
        EXPECT_NE(verdict.reason.find(why), std::string::npos) << verdict.reason << " / " << why;
        EXPECT_TRUE(Verifier(message::Header::scan(text), made()).queries().empty())
            << "a broken chain is worth no question";
    }
}

TEST_F(Chains, KeysDecide) {
    const std::string once = message("mailauth once");
    const std::string name = "s1._domainkey.forward.example";
    Verdict verdict = verify(once, {});
    EXPECT_EQ(verdict.result, Result::Fail);
    EXPECT_TRUE(verdict.temporary);
    Keys down;
    down.emplace(name, fail(Errc::Unavailable, "SERVFAIL"));
    EXPECT_TRUE(verify(once, down).temporary);
    Keys other = keys();
    other.insert_or_assign(name, other.at("s1._domainkey.list.example"));
    verdict = verify(once, other);
    EXPECT_EQ(verdict.result, Result::Fail);
    EXPECT_FALSE(verdict.temporary);
    Keys gone = keys();
    gone.insert_or_assign(name, std::vector<std::string>{});
    EXPECT_NE(verify(once, gone).reason.find("no key"), std::string::npos);
    gone.insert_or_assign(name, std::vector<std::string>{"v=DKIM1; p="});
    EXPECT_NE(verify(once, gone).reason.find("revoked"), std::string::npos);
}

}  // namespace
}  // namespace sekisho::arc
