#include "account/forwarding.h"

#include "account/account.h"
#include "base/result.h"

#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::account {
namespace {

struct Expansion : ::testing::Test {
    std::string of(std::string_view recipient) {
        const auto found = expand(recipient, lookup);
        if (!found) {
            return std::string("! ") + name(found.error().code);
        }
        std::string out;
        for (const Destination& one : *found) {
            out += (out.empty() ? "" : " ") + one.address + (one.outside ? "<" + one.by : "");
        }
        return out;
    }
    void alias(const std::string& address, std::vector<std::string> targets) {
        aliases[address] = {address, std::move(targets), {}};
    }
    void forward(const std::string& login, std::vector<std::string> targets, bool keep) {
        forwards[login] = {login, std::move(targets), keep, {}};
    }
    template <class T>
    static Result<T> in(const std::map<std::string, T, std::less<>>& all, std::string_view key) {
        const auto found = all.find(key);
        return found == all.end() ? Result<T>(fail(Errc::NotFound, "none")) : found->second;
    }
    Result<Account> account(std::string_view address) const {
        if (broken) {
            return fail(Errc::Unavailable, "away");
        }
        if (address != "taro@example.net" && address != "hanako@example.net") {
            return fail(Errc::NotFound, "none");
        }
        Account out;
        out.login = address;
        return out;
    }
    bool broken = false;
    std::map<std::string, Alias, std::less<>> aliases;
    std::map<std::string, Forward, std::less<>> forwards;
    Lookup lookup{
        [this](std::string_view address) { return account(address); },
        [this](std::string_view address) { return in(aliases, address); },
        [this](std::string_view login) { return in(forwards, login); },
        [](std::string_view domain) { return domain == "example.net"; },
        [](std::string_view address) {
            return std::string(address == "postmaster@example.net" ? "hanako@example.net" : "");
        }
    };
};

TEST_F(Expansion, WhoHasAnAccount) {
    EXPECT_EQ(of("Taro@Example.NET"), "taro@example.net");
    EXPECT_EQ(of("nobody@example.net"), std::string("! ") + name(Errc::NotFound));
    EXPECT_EQ(of("postmaster@example.net"), "hanako@example.net");
    broken = true;
    EXPECT_EQ(of("taro@example.net"), std::string("! ") + name(Errc::Unavailable));
}

TEST_F(Expansion, AliasesOfAliases) {
    alias("sales@example.net", {"team@example.net", "x@example.org"});
    alias("team@example.net", {"taro@example.net", "hanako@example.net", "taro@example.net"});
    EXPECT_EQ(
        of("sales@example.net"),
        "taro@example.net hanako@example.net x@example.org<sales@example.net"
    );
}

TEST_F(Expansion, ForwardsWithAndWithoutACopy) {
    forward("taro@example.net", {"taro@example.org"}, true);
    EXPECT_EQ(of("taro@example.net"), "taro@example.net taro@example.org<taro@example.net");
    forward("taro@example.net", {"taro@example.org"}, false);
    EXPECT_EQ(of("taro@example.net"), "taro@example.org<taro@example.net");
    alias("t@example.net", {"taro@example.net"});
    EXPECT_EQ(of("t@example.net"), "taro@example.org<taro@example.net");
}

TEST_F(Expansion, TheRestOfADomain) {
    alias("@example.net", {"hanako@example.net"});
    EXPECT_EQ(of("anything@example.net"), "hanako@example.net");
    EXPECT_EQ(of("taro@example.net"), "taro@example.net");
}

TEST_F(Expansion, Circles) {
    alias("a@example.net", {"b@example.net"});
    alias("b@example.net", {"a@example.net"});
    EXPECT_EQ(of("a@example.net"), std::string("! ") + name(Errc::Conflict));
    alias("b@example.net", {"a@example.net", "taro@example.net"});
    EXPECT_EQ(of("a@example.net"), "taro@example.net");
    // Two who send everything to each other lose it, unless somebody keeps a copy.
    forward("taro@example.net", {"hanako@example.net"}, false);
    forward("hanako@example.net", {"taro@example.net"}, false);
    EXPECT_EQ(of("taro@example.net"), std::string("! ") + name(Errc::Conflict));
    alias("@example.net", {"gone@example.net"});
    EXPECT_EQ(of("x@example.net"), std::string("! ") + name(Errc::Conflict));
}

TEST_F(Expansion, Bounded) {
    std::vector<std::string> many;
    for (int i = 0; i < 6; ++i) {
        const std::string list = "l" + std::to_string(i) + "@example.net";
        many.push_back(list);
        std::vector<std::string> targets;
        for (int j = 0; j < 100; ++j) {
            targets.push_back(std::to_string(i) + "." + std::to_string(j) + "@example.org");
        }
        alias(list, targets);
    }
    alias("all@example.net", many);
    EXPECT_EQ(of("all@example.net"), std::string("! ") + name(Errc::Full));
}

TEST(Forwarding, WhatIsKept) {
    EXPECT_EQ(
        checked(Alias{" Sales@Example.net", {"A@b.example"}, {}})->targets.at(0), "a@b.example"
    );
    EXPECT_TRUE(checked(Alias{"@example.net", {"a@b.example"}, {}}));
    EXPECT_FALSE(checked(Alias{"@", {"a@b.example"}, {}}));
    EXPECT_FALSE(checked(Alias{"sales@example.net", {}, {}}));
    EXPECT_FALSE(checked(Alias{"sales@example.net", {"sales@example.net"}, {}}));
    EXPECT_FALSE(checked(Alias{"sales@example.net", {"a@b.example", "A@b.example"}, {}}));
    EXPECT_FALSE(checked(Forward{"taro", {"nobody"}, true, {}}));
}

TEST(AliasesOf, LeadToAnAddressDirectlyOrByWayOfOthers) {
    const std::map<std::string, std::vector<std::string>, std::less<>> to{
        {"taro@example.net", {"@example.org", "sales@example.net", "team@example.net"}},
        {"sales@example.net", {"all@example.net"}},
        {"all@example.net", {"sales@example.net"}},
    };
    const auto found = [&](std::vector<std::string> addresses) {
        return aliases_of(addresses, [&](std::string_view target) {
            const auto one = to.find(target);
            return Result<std::vector<std::string>>(
                one == to.end() ? std::vector<std::string>{} : one->second
            );
        });
    };
    EXPECT_EQ(
        *found({"taro@example.net"}),
        (std::vector<std::string>{"sales@example.net", "team@example.net", "all@example.net"})
    ) << "a catch-all gives no right, and a circle ends";
    EXPECT_TRUE(found({"hanako@example.net"})->empty());
    const auto broken = aliases_of({"a@example.net"}, [](std::string_view) {
        return Result<std::vector<std::string>>(fail(Errc::Unavailable, "away"));
    });
    EXPECT_FALSE(broken);
}

}  // namespace
}  // namespace sekisho::account
