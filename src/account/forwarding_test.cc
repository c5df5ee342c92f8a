#include "account/forwarding.h"

#include "account/account.h"
#include "base/result.h"

#include <gtest/gtest.h>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::account {
namespace {

class Forwards final : public ForwardStore {
  public:
    Result<Alias> alias(std::string_view address) override {
        const auto found = aliases_.find(std::string(address));
        return found == aliases_.end() ? Result<Alias>(fail(Errc::NotFound, "none"))
                                       : Alias{found->first, found->second, {}};
    }
    Result<std::vector<Alias>> aliases() override { return std::vector<Alias>{}; }
    Status set_alias(const Alias& alias) override {
        aliases_[alias.address] = alias.targets;
        return {};
    }
    Status remove_alias(std::string_view) override { return {}; }
    Result<Forward> forward(std::string_view login) override {
        const auto found = forwards_.find(std::string(login));
        return found == forwards_.end() ? Result<Forward>(fail(Errc::NotFound, "none"))
                                        : found->second;
    }
    Result<std::vector<Forward>> forwards() override { return std::vector<Forward>{}; }
    Status set_forward(const Forward& forward) override {
        forwards_[forward.login] = forward;
        return {};
    }
    Status remove_forward(std::string_view) override { return {}; }

    std::map<std::string, std::vector<std::string>> aliases_;
    std::map<std::string, Forward> forwards_;
};

class Accounts final : public AccountStore {
  public:
    Result<Account> find(std::string_view login) override { return find_by_address(login); }
    Result<Account> find_by_address(std::string_view address) override {
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
    Result<std::vector<Account>> list() override { return std::vector<Account>{}; }
    Status add(const Account&) override { return {}; }
    Status update(const Account&) override { return {}; }
    Status remove(std::string_view) override { return {}; }
    Result<BatchResult> add_all(std::span<const Account>, const BatchOptions&) override {
        return BatchResult{};
    }
    Status replace_credential(std::string_view, std::string_view, const Credential&) override {
        return {};
    }
    Status add_app_password(std::string_view, const AppPassword&) override { return {}; }
    Status remove_app_password(std::string_view, std::string_view) override { return {}; }
    Status set_stays_home(std::string_view, bool) override { return {}; }
    Status app_password_used(std::string_view, std::string_view, Time, std::string_view) override {
        return {};
    }
    bool broken = false;
};

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
        ASSERT_TRUE(forwards.set_alias({address, std::move(targets), {}}));
    }
    void forward(const std::string& login, std::vector<std::string> targets, bool keep) {
        ASSERT_TRUE(forwards.set_forward({login, std::move(targets), keep, {}}));
    }
    Accounts accounts;
    Forwards forwards;
    Lookup lookup{
        accounts,
        forwards,
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
    accounts.broken = true;
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

}  // namespace
}  // namespace sekisho::account
