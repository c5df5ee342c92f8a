#include "source/source.h"

#include "base/bytes.h"
#include "base/result.h"
#include "config/config.h"
#include "net/task.h"
#include "net/test_support.h"
#include "source/dovecot_dialogue.h"
#include "source/ldap.h"
#include "source/radius_packet.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
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
    dialogue.receive(kHello.substr(0, 50));
    EXPECT_EQ(dialogue.take_output(), "");
    dialogue.receive(kHello.substr(50));
    EXPECT_EQ(
        dialogue.take_output(),
        "AUTH\t1\tPLAIN\tservice=smtp\tsecured\tno-penalty\tresp=" +
            base64(std::string("\0taro\0secret", 12)) + "\n"
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

RadiusLogin radius_login() {
    RadiusLogin out;
    out.login = "taro";
    out.password = "a password of more than sixteen octets";
    out.secret = "testing123";
    out.nas_identifier = "sekisho";
    out.id = 200;
    out.authenticator = "0123456789abcdef";
    return out;
}

std::string md5(const std::string& bytes) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
    unsigned size = 0;
    EVP_Digest(bytes.data(), bytes.size(), out.data(), &size, EVP_md5(), nullptr);
    return {reinterpret_cast<const char*>(out.data()), size};
}

std::string hmac_md5(const std::string& key, const std::string& bytes) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
    unsigned size = 0;
    HMAC(
        EVP_md5(),
        key.data(),
        static_cast<int>(key.size()),
        reinterpret_cast<const unsigned char*>(bytes.data()),
        bytes.size(),
        out.data(),
        &size
    );
    return {reinterpret_cast<const char*>(out.data()), size};
}

// What a server answers to radius_login(); `attributes` stand behind Message-Authenticator.
std::string response(char code, const std::string& attributes, bool with_authenticator = true) {
    const RadiusLogin login = radius_login();
    std::string packet{code, static_cast<char>(login.id), 0, 0};
    packet += login.authenticator;
    if (with_authenticator) {
        packet += "\x50\x12" + std::string(16, '\0');
    }
    packet += attributes;
    packet[3] = static_cast<char>(packet.size());
    if (with_authenticator) {
        packet.replace(22, 16, hmac_md5(login.secret, packet));
    }
    packet.replace(4, 16, md5(packet + login.secret));
    return packet;
}

TEST(Radius, TheRequest) {
    const RadiusLogin login = radius_login();
    const auto packet = access_request(login);
    ASSERT_TRUE(packet);
    EXPECT_EQ(hex(packet->substr(0, 4)), "01c80073") << hex(*packet);
    EXPECT_EQ(packet->substr(4, 16), login.authenticator);
    EXPECT_EQ(hex(packet->substr(20, 2)), "5012") << "Message-Authenticator comes first";
    EXPECT_EQ(packet->substr(38, 6), std::string("\x01\x06taro"));
    std::string zeroed = *packet;
    zeroed.replace(22, 16, std::string(16, '\0'));
    EXPECT_EQ(packet->substr(22, 16), hmac_md5(login.secret, zeroed));
    // The password comes back out of its blocks (RFC 2865 §5.2).
    EXPECT_EQ(hex(packet->substr(44, 2)), "0232");
    std::string shown;
    std::string before = login.authenticator;
    for (std::size_t at = 46; at < 94; at += 16) {
        const std::string block = packet->substr(at, 16);
        std::string plain = md5(login.secret + before);
        for (std::size_t i = 0; i < 16; ++i) {
            plain[i] = static_cast<char>(plain[i] ^ block[i]);
        }
        shown += plain;
        before = block;
    }
    EXPECT_EQ(shown, login.password + std::string(48 - login.password.size(), '\0'));
    for (const std::size_t size : {0U, 129U}) {
        RadiusLogin wrong = radius_login();
        wrong.password.assign(size, 'x');
        EXPECT_FALSE(access_request(wrong));
    }
}

TEST(Radius, ResponsesAreProved) {
    const RadiusLogin login = radius_login();
    const std::string attributes = "\x12\x05sir";
    EXPECT_EQ(read_response(response(2, attributes), login), RadiusAnswer::Accept);
    EXPECT_EQ(read_response(response(3, ""), login), RadiusAnswer::Reject);
    EXPECT_EQ(read_response(response(11, attributes), login), RadiusAnswer::Challenge);
    EXPECT_EQ(read_response(response(2, attributes) + "padding", login), RadiusAnswer::Accept);
    EXPECT_FALSE(read_response(response(5, attributes), login)) << "of another kind";
    EXPECT_FALSE(read_response(response(2, attributes, false), login))
        << "without Message-Authenticator it may be forged";
    EXPECT_FALSE(read_response(response(2, "\x50\x12" + std::string(16, 'x')), login)) << "two";
    EXPECT_FALSE(read_response(response(2, "\x12\x09sir"), login)) << "an attribute too long";
    const std::string good = response(2, attributes);
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
        std::string flipped = good;
        flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
        ASSERT_FALSE(read_response(flipped, login)) << bit;
    }
    for (std::size_t length = 0; length < good.size(); ++length) {
        ASSERT_FALSE(read_response(good.substr(0, length), login)) << length;
    }
    RadiusLogin other = radius_login();
    other.secret = "another";
    EXPECT_FALSE(read_response(good, other));
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

    [[nodiscard]] bool finds() const override { return finds_now; }
    net::Task<Result<account::Account>> find(net::Executor /*executor*/, std::string address)
        override {
        ++asked;
        Result<account::Account> answer = answer_;
        if (answer) {
            answer->login = address;
            answer->name = name_;
        }
        co_return answer;
    }

    bool finds_now = true;
    int asked = 0;

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

TEST_F(Chain, WhoHasAnAddressIsAskedOnceInAWhile) {
    const Result<account::Account> yes = account::Account{};
    const Result<account::Account> unknown = fail(Errc::NotFound, "no entry");
    const Result<account::Account> away = fail(Errc::Unavailable, "away");
    const auto find = [this](Canned* first, Canned* second) {
        std::vector<std::unique_ptr<Source>> sources;
        sources.emplace_back(first);
        sources.emplace_back(second);
        chain = std::make_shared<Sources>(std::move(sources));
        std::string out;
        for (int i = 0; i < 2; ++i) {
            const auto answer = wait(Sources::find(chain, loops->executor(0), "taro@example.net"));
            out = answer ? answer->name : name(answer.error().code);
        }
        return out;
    };
    auto* second = new Canned("s1", yes);
    EXPECT_EQ(find(new Canned("s0", unknown), second), "s1");
    EXPECT_EQ(second->asked, 1) << "remembered";
    EXPECT_TRUE(chain->seen("taro@example.net"));
    EXPECT_EQ(chain->counters()["s1"].found, 1U);
    second = new Canned("s1", unknown);
    EXPECT_EQ(find(new Canned("s0", unknown), second), name(Errc::NotFound));
    EXPECT_EQ(second->asked, 1) << "that there is nobody as well";
    second = new Canned("s1", yes);
    EXPECT_EQ(find(new Canned("s0", away), second), name(Errc::Unavailable));
    EXPECT_EQ(second->asked, 0) << "the first might have known";
    EXPECT_EQ(chain->counters()["s0"].away, 2U) << "which isn't remembered";
    auto* mute = new Canned("s0", away);
    mute->finds_now = false;
    EXPECT_EQ(find(mute, new Canned("s1", yes)), "s1");
    EXPECT_EQ(mute->asked, 0);
}

TEST(Dovecot, LooksUpWhoIsThere) {
    const auto outcome = [](std::string_view said) -> std::string {
        DovecotLookup lookup("taro\t@example.net");
        EXPECT_EQ(
            lookup.take_output(), "VERSION\t1\t1\nUSER\t1\ttaro\x01t@example.net\tservice=smtp\n"
        );
        EXPECT_EQ(lookup.take_output(), "");
        for (const char c : said) {
            lookup.receive(std::string_view(&c, 1));
        }
        if (!lookup.outcome()) {
            return "waits";
        }
        return *lookup.outcome() ? **lookup.outcome() : name(lookup.outcome()->error().code);
    };
    const std::string hello = "VERSION\t1\t2\nSPID\t77\n";
    EXPECT_EQ(outcome(hello), "waits");
    EXPECT_EQ(outcome(hello + "USER\t2\tother\tuid=1\n"), "waits");
    EXPECT_EQ(outcome(hello + "USER\t1\tTaro\tuid=1\n"), "taro");
    EXPECT_EQ(outcome(hello + "NOTFOUND\t1\n"), name(Errc::NotFound));
    EXPECT_EQ(outcome(hello + "FAIL\t1\treason=no\n"), name(Errc::Unavailable));
    EXPECT_EQ(outcome("VERSION\t2\t0\n"), name(Errc::Unavailable));
    EXPECT_EQ(outcome(std::string(9000, 'x')), name(Errc::Unavailable));
}

}  // namespace
}  // namespace sekisho::source
