#include "source/source.h"

#include "base/bytes.h"
#include "base/result.h"
#include "config/config.h"
#include "net/task.h"
#include "net/test_support.h"
#include "source/dovecot_dialogue.h"
#include "source/ldap.h"

#include <cstddef>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::source {
namespace {

TEST(Addresses, TemplatesAndAttributes) {
    EXPECT_EQ(expand("{login}", "taro@example.net"), "taro@example.net");
    EXPECT_EQ(expand("{user}@mail.{domain}", "taro@example.net"), "taro@mail.example.net");
    EXPECT_EQ(expand("{user}@example.net", "taro"), "taro@example.net");
    EXPECT_EQ(expand("{other}{", "taro"), "{other}{");
    EXPECT_EQ(expand("{login}", "{user}"), "{user}") << "once";
    const auto account = make_account(
        "taro",
        {"Taro@example.net", "no address", "@x", "x@", "a\nb@c"},
        {"{user}@example.net", "{login}"}
    );
    EXPECT_EQ(account.login, "taro");
    EXPECT_EQ(account.addresses, std::vector<std::string>{"taro@example.net"});
}

// RFC 4515 §4
TEST(Ldap, ValuesInFilters) {
    EXPECT_EQ(filter_value("taro@example.net"), "taro@example.net");
    EXPECT_EQ(filter_value("Parens R Us (for all)"), "Parens R Us \\28for all\\29");
    EXPECT_EQ(filter_value("*"), "\\2a");
    EXPECT_EQ(filter_value("C:\\MyFile"), "C:\\5cMyFile");
    EXPECT_EQ(filter_value(std::string("\0\x04\xc4", 3)), "\\00\\04\\c4");
}

TEST(Ldap, WhatCantBeIsTold) {
    config::AccountSource config;
    config.kind = "ldap";
    config.base = "dc=example,dc=net";
    for (const char* server : {"", "example.net", "http://example.net", "ldap//x"}) {
        config.server = server;
        EXPECT_FALSE(make_ldap(config)) << server;
    }
    config.server = "ldaps://example.net";
    EXPECT_TRUE(make_ldap(config));
    config.start_tls = true;
    EXPECT_FALSE(make_ldap(config));
}

constexpr std::string_view kHello =
    "VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nMECH\tLOGIN\tplaintext\nSPID\t75\nCUID\t1\n"
    "COOKIE\t8d6a\nDONE\n";

// "user", or the error's name.
std::string outcome_of(std::string_view said, std::size_t step = 1000) {
    DovecotDialogue dialogue("taro", "secret");
    for (std::size_t at = 0; at < said.size(); at += step) {
        dialogue.receive(said.substr(at, step));
    }
    if (!dialogue.outcome()) {
        return "waits";
    }
    return *dialogue.outcome() ? **dialogue.outcome() : name(dialogue.outcome()->error().code);
}

TEST(Dovecot, TheDialogue) {
    DovecotDialogue dialogue("taro", "secret");
    EXPECT_EQ(dialogue.take_output(), "VERSION\t1\t2\nCPID\t1\n");
    dialogue.receive(kHello.substr(0, 100));
    EXPECT_EQ(dialogue.take_output(), "");
    dialogue.receive(kHello.substr(100));
    EXPECT_EQ(
        dialogue.take_output(),
        "AUTH\t1\tPLAIN\tservice=smtp\tsecured\tresp=" + base64(std::string("\0taro\0secret", 12)) +
            "\n"
    );
    EXPECT_FALSE(dialogue.outcome());
    dialogue.receive("OK\t1\tuser=Taro@Example.net\n");
    ASSERT_TRUE(dialogue.outcome() && *dialogue.outcome());
    EXPECT_EQ(**dialogue.outcome(), "taro@example.net");
}

TEST(Dovecot, Outcomes) {
    const std::string hello(kHello);
    EXPECT_EQ(outcome_of(hello), "waits");
    for (const std::size_t step : {1U, 7U, 1000U}) {
        EXPECT_EQ(outcome_of(hello + "OK\t1\n", step), "taro");
        EXPECT_EQ(outcome_of(hello + "OK\t2\tuser=other\nOK\t1\tuser=taro\n", step), "taro");
    }
    const std::string denied = name(Errc::Denied);
    const std::string away = name(Errc::Unavailable);
    EXPECT_EQ(outcome_of(hello + "FAIL\t1\tuser=taro\n"), denied);
    EXPECT_EQ(outcome_of(hello + "FAIL\t1\tuser=taro\tcode=user_disabled\n"), denied);
    EXPECT_EQ(outcome_of(hello + "FAIL\t1\tuser=taro\ttemp\n"), away);
    EXPECT_EQ(outcome_of(hello + "OK\t1\tuser=\n"), away);
    EXPECT_EQ(outcome_of(hello + "CONT\t1\t\n"), away);
    EXPECT_EQ(outcome_of("OK\t1\tuser=taro\n"), "waits") << "nothing was asked yet";
    EXPECT_EQ(outcome_of("VERSION\t2\t0\n"), away);
    EXPECT_EQ(outcome_of("VERSION\t1\t0\nMECH\tCRAM-MD5\nDONE\n"), away);
    EXPECT_EQ(outcome_of(std::string(10'000, 'x')), away);
    std::string endless;
    for (int i = 0; i < 300; ++i) {
        endless += "X\n";
    }
    EXPECT_EQ(outcome_of(endless), away);
}

// A source that says what it was told to.
class Canned final : public Source {
  public:
    Canned(std::string name, Result<account::Account> answer)
        : name_(std::move(name)), answer_(std::move(answer)) {}
    [[nodiscard]] const std::string& name() const override { return name_; }
    net::Task<Result<account::Account>> log_in(
        net::Executor /*executor*/, std::string login, std::string /*password*/
    ) override {
        Result<account::Account> answer = answer_;
        if (answer) {
            answer->login = login;
            answer->name = name_;
        }
        co_return answer;
    }

  private:
    std::string name_;
    Result<account::Account> answer_;
};

class Chain : public net::test::NetTest {
  protected:
    std::string log_in(std::vector<Result<account::Account>> answers) {
        std::vector<std::unique_ptr<Source>> sources;
        for (std::size_t i = 0; i < answers.size(); ++i) {
            sources.push_back(
                std::make_unique<Canned>("s" + std::to_string(i), std::move(answers[i]))
            );
        }
        chain = std::make_shared<Sources>(std::move(sources));
        const auto answer =
            wait(Sources::log_in(chain, loops->executor(0), "taro@example.net", "secret"));
        return answer ? answer->name : name(answer.error().code);
    }
    std::shared_ptr<Sources> chain;
};

TEST_F(Chain, TheFirstThatKnowsDecides) {
    const Result<account::Account> yes = account::Account{};
    const Result<account::Account> unknown = fail(Errc::NotFound, "no entry");
    const Result<account::Account> wrong = fail(Errc::Denied, "wrong");
    const Result<account::Account> away = fail(Errc::Unavailable, "away");
    EXPECT_EQ(log_in({}), name(Errc::NotFound));
    EXPECT_EQ(log_in({unknown, yes, wrong}), "s1");
    EXPECT_TRUE(chain->known("taro@example.net", now()));
    EXPECT_FALSE(chain->known("taro@example.net", now() + Sources::kKnownFor));
    EXPECT_EQ(chain->counters()["s0"].not_found, 1U);
    EXPECT_EQ(chain->counters()["s1"].accepted, 1U);
    EXPECT_EQ(log_in({wrong, yes}), name(Errc::Denied));
    EXPECT_EQ(log_in({away, yes}), name(Errc::Unavailable)) << "it might have said no";
    EXPECT_FALSE(chain->known("taro@example.net", now()));
    EXPECT_EQ(log_in({unknown, unknown}), name(Errc::NotFound));
}

}  // namespace
}  // namespace sekisho::source
