#include "mail/rules.h"

#include "base/ip.h"
#include "config/config.h"
#include "line/line.h"
#include "mail/limiting.h"
#include "message/header.h"
#include "message/repair.h"
#include "policy/policy.h"

#include <chrono>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::mail {
namespace {

IpAddress ip(const char* text) {
    return *IpAddress::parse(text);
}

account::Account taro() {
    account::Account out;
    out.login = "taro@example.net";
    out.addresses = {"taro@example.net", "t.yamada@example.net"};
    return out;
}

TEST(SenderTest, OnlyTheAccountsOwnAddresses) {
    EXPECT_FALSE(refuse_sender(taro(), smtp::parse_address("Taro@Example.NET").value()));
    EXPECT_FALSE(refuse_sender(taro(), smtp::parse_address("\"t.yamada\"@example.net").value()));
    EXPECT_FALSE(refuse_sender(taro(), std::nullopt));
    const auto refused = refuse_sender(taro(), smtp::parse_address("hanako@example.net").value());
    ASSERT_TRUE(refused);
    EXPECT_EQ(
        refused->text(),
        "553 5.7.1 Sender <hanako@example.net> does not belong to account taro@example.net; "
        "allowed: "
        "taro@example.net, t.yamada@example.net"
    );
    account::Account disabled = taro();
    disabled.enabled = false;
    disabled.disabled_reason = "unpaid";
    EXPECT_EQ(
        refuse_sender(disabled, smtp::parse_address("taro@example.net").value())->text(),
        "550 5.7.13 This account may not send now: unpaid"
    );
    account::Account none = taro();
    none.addresses.clear();
    EXPECT_TRUE(refuse_sender(none, smtp::parse_address("taro@example.net").value())
                    ->text()
                    .ends_with("allowed: none"));
}

TEST(SenderTest, DomainsAliasesAndDelegatesCountInEnvelopeAndFrom) {
    account::Account rich = taro();
    rich.domains = {"shop.example"};
    rich.aliases = {"sales@example.net"};
    rich.delegated = {"boss@example.net"};
    for (const char* his : {"Any@Shop.Example", "sales@example.net", "boss@example.net"}) {
        EXPECT_FALSE(refuse_sender(rich, smtp::parse_address(his).value())) << his;
        const std::string message = std::string("From: ") + his + "\r\n\r\nHello\r\n";
        EXPECT_FALSE(refuse_author(rich, message::inspect(message::Header::scan(message)))) << his;
    }
    rich.addresses.clear();
    EXPECT_TRUE(refuse_sender(rich, smtp::parse_address("hanako@example.net").value())
                    ->text()
                    .ends_with("allowed: @shop.example, sales@example.net, boss@example.net"));
}

std::string author_refused(const std::string& header) {
    const std::string message = header + "\r\nHello\r\n";
    const auto refusal = refuse_author(taro(), message::inspect(message::Header::scan(message)));
    return refusal ? refusal->text() : "";
}

TEST(SenderTest, TheMessageIsFromTheAccountToo) {
    EXPECT_EQ(author_refused("From: Taro <TARO@Example.NET>\r\n"), "");
    EXPECT_EQ(author_refused("From: a@b, taro@example.net\r\n").substr(0, 9), "550 5.7.1");
    EXPECT_EQ(
        author_refused("From: taro@example.net, t.yamada@example.net\r\n"
                       "Sender: t.yamada@example.net\r\n"),
        ""
    );
    EXPECT_EQ(
        author_refused("From: taro@example.net\r\nSender: boss@example.com\r\n"),
        "550 5.7.1 The message says it is from <boss@example.com>, which does not belong to "
        "account "
        "taro@example.net; allowed: taro@example.net, t.yamada@example.net"
    );
    EXPECT_EQ(author_refused("Subject: no From\r\n"), "");
    EXPECT_EQ(author_refused("From: undisclosed:;\r\n").substr(0, 9), "550 5.6.0");
    EXPECT_EQ(author_refused("From: taro@example.net\r\nFrom: x@y\r\n").substr(0, 9), "550 5.7.1");
    EXPECT_EQ(
        author_refused("From: taro@example.net\r\nFrom: taro@example.net\r\n").substr(0, 9),
        "550 5.6.0"
    );
}

std::shared_ptr<const policy::Policy> policy_with(policy::Stage stage) {
    policy::Source source;
    source.classes = {
        {"subscribers", "", {*Prefix::parse("198.51.100.0/24")}, "t:1"},
        {"static", "", {*Prefix::parse("198.51.100.128/28")}, "t:2"},
        {"exchange", "", {*Prefix::parse("192.0.2.25")}, "t:3"},
    };
    source.rules = {
        {"static-may", "static", "exchange", policy::Action::Pass, policy::Stage::Enforce, "", "t:4"
        },
        {"op25b", "subscribers", "*", policy::Action::Refuse, stage, "", "t:5"},
    };
    return policy::Policy::compile(source).value();
}

line::Answer subscriber() {
    return {line::Certainty::Subscriber, "line-7", "", "one session"};
}

TEST(MisplacedTest, ByRuleByStageAndByLine) {
    const auto policy = policy_with(policy::Stage::Enforce);
    const auto judge = [&](const char* client, const line::Answer& line) {
        const auto why = misplaced(*policy, ip(client), ip("192.0.2.25"), line);
        return why ? why->rule : "";
    };
    EXPECT_EQ(judge("198.51.100.7", {}), "op25b");
    EXPECT_EQ(judge("198.51.100.130", {}), "");
    EXPECT_EQ(judge("198.51.100.130", subscriber()), "") << "a rule that passes beats the line";
    EXPECT_EQ(judge("203.0.113.9", {}), "");
    EXPECT_EQ(judge("203.0.113.9", subscriber()), "line");
    EXPECT_EQ(judge("203.0.113.9", {line::Certainty::Ambiguous, "", "", "two"}), "");
    const auto observed = policy_with(policy::Stage::Observe);
    EXPECT_FALSE(misplaced(*observed, ip("198.51.100.7"), ip("192.0.2.25"), {}));
    const auto notified = policy_with(policy::Stage::Notify);
    EXPECT_TRUE(misplaced(*notified, ip("198.51.100.7"), ip("192.0.2.25"), {}));
}

TEST(ReplyTest, MisplacedNamesThePortTheGuideAndTheReference) {
    Settings settings;
    settings.config.mail.hostname = "mx.example.net";
    settings.config.settings.outgoing_host = "mail.example.net";
    settings.config.provider.guide_url = "https://guide.example.net";
    settings.submission_port = 2587;
    const smtp::Reply reply = misplaced_reply(settings, "k7m2");
    EXPECT_EQ(
        reply.text(),
        "550 5.7.1 Port 25 is for mail servers. Mail programs send through mail.example.net port "
        "2587 "
        "with authentication; see https://guide.example.net/25?ref=k7m2 (reference k7m2)"
    );
}

TEST(ReplyTest, LimitsSayWhatIsUsedAndWhenItIsFree) {
    limit::Refusal refusal;
    refusal.limit = "recipients_per_hour";
    refusal.used = refusal.allowed = 300;
    refusal.free_at =
        std::chrono::sys_days{std::chrono::year{2026} / 11 / 24} + std::chrono::milliseconds(1500);
    EXPECT_EQ(
        limit_reply(refusal, "https://guide.example.net").text(),
        "450 4.7.1 Limit recipients_per_hour reached: 300 of 300 used, free again "
        "2026-11-24T00:00:02Z; see https://guide.example.net/limits"
    );
    EXPECT_EQ(login_limit_reply(refusal).code, 454);
    refusal.possible = false;
    EXPECT_EQ(limit_reply(refusal, "").text().find("free again"), std::string::npos);
}

TEST(LoginRepliesTest, TellStrangersNothingAndPointToTheirOwnText) {
    using account::SaslRefusal;
    const std::string wrong = login_refusal(SaslRefusal::WrongPassword).text();
    EXPECT_EQ(login_refusal(SaslRefusal::UnknownUser).text(), wrong);
    EXPECT_EQ(login_refusal(SaslRefusal::NoKeys).text(), wrong);
    EXPECT_EQ(login_refusal(SaslRefusal::Disabled).code, 525);
    EXPECT_NE(login_refusal(SaslRefusal::AppPassword).text(), wrong);
    EXPECT_EQ(
        with_help(login_unavailable(), "https://guide.example.net").text(),
        "454 4.7.0 Temporary authentication failure, try again later; see "
        "https://guide.example.net/login#4.7.0"
    );
    EXPECT_EQ(with_help(login_unavailable(), "").text(), login_unavailable().text());
    const smtp::Reply broken = login_refusal(SaslRefusal::Malformed);
    EXPECT_EQ(with_help(broken, "https://guide.example.net").text(), broken.text());
}

TEST(LimitsTest, ZeroMeansNone) {
    config::Config config;
    EXPECT_EQ(limits_of(config).size(), 8U);
    EXPECT_TRUE(limit::Limiter::make(limits_of(config), {}));
    limit::Spec own;
    own.name = kRecipientsPerDay;
    own.by = {limit::By::Line};
    own.how = limit::Rate{.count = 5};
    config.limit = {own};
    EXPECT_EQ(limits_of(config).size(), 8U);
    EXPECT_EQ(specs_of(config).at(0).by_text(), "line") << "it takes the default's place";
    config.limit.clear();
    config.mail.recipients_per_day = 0;
    config.mail.recipients_per_hour = 0;
    config.mail.login_failures_per_hour = 0;
    EXPECT_EQ(limits_of(config).size(), 1U) << "that of slow accounts";
}

TEST(LimitsTest, WhereAClientIs) {
    config::Limits limits;
    limits.country = "JP";
    using limit::Where;
    EXPECT_EQ(whereabouts(limits, true, "outside", "US"), Where::Home);
    EXPECT_EQ(whereabouts(limits, false, "subscribers", ""), Where::Home);
    EXPECT_EQ(whereabouts(limits, false, "roaming", ""), Where::Domestic);
    EXPECT_EQ(whereabouts(limits, false, "outside", "JP"), Where::Domestic);
    EXPECT_EQ(whereabouts(limits, false, "outside", "US"), Where::Abroad);
    EXPECT_EQ(whereabouts(limits, false, "outside", ""), Where::Abroad);
    EXPECT_EQ(whereabouts(limits, false, "outside", "", true), Where::Domestic);
    EXPECT_EQ(whereabouts(limits, false, "subscribers", "", true), Where::Home);
}

TEST(LimitsTest, ShadowsAreNotedOnceAMinute) {
    ShadowNotes notes;
    limit::Refusal refusal;
    refusal.limit = "a";
    refusal.key = "taro";
    const Time start = from_ms(1'700'000'000'000);
    EXPECT_EQ(notes.worth(refusal, start), 1);
    EXPECT_EQ(notes.worth(refusal, start), 0);
    EXPECT_EQ(notes.worth(refusal, start + std::chrono::seconds(59)), 0);
    EXPECT_EQ(notes.worth(refusal, start + std::chrono::seconds(60)), 3);
    refusal.key = "jiro";
    EXPECT_EQ(notes.worth(refusal, start), 1);
}

TEST(MessageTest, LoopsAreRefused) {
    std::string message;
    for (int i = 0; i < 50; ++i) {
        message += "Received: from a by b; date\r\n";
    }
    EXPECT_FALSE(refuse_message(message::Header::scan(message + "\r\nx\r\n")));
    message += "received: once more\r\n";
    const auto refused = refuse_message(message::Header::scan(message + "\r\nx\r\n"));
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->code, 554);
    EXPECT_EQ(refused->enhanced, "5.4.6");
    const std::string huge = "X: " + std::string(300 * 1024, 'x') + "\r\n\r\n";
    EXPECT_EQ(refuse_message(message::Header::scan(huge)).value().enhanced, "5.6.0");
}

TEST(MessageTest, WhatMayStandOnceStandsOnce) {
    const auto refused = [](const std::string& fields) {
        return refuse_repeated(message::Header::scan(fields + "\r\nx\r\n"));
    };
    const std::string good = "From: a@example.net\r\nTo: b@example.net\r\nSubject: x\r\n";
    EXPECT_FALSE(refused(good + "Received: a\r\nReceived: b\r\nBcc: c@d\r\nBcc: e@f\r\n"));
    const auto twice = refused(good + "SUBJECT: y\r\n");
    ASSERT_TRUE(twice);
    EXPECT_EQ(twice->code, 550);
    EXPECT_EQ(twice->enhanced, "5.6.0");
    EXPECT_TRUE(twice->text().contains("2 Subject fields")) << twice->text();
    EXPECT_TRUE(refused(good + "from: c@example.net\r\n"));
    EXPECT_TRUE(refused("To: a@b\r\nTo: c@d\r\n"));
}

TEST(FallbackTest, Pairs) {
    const std::vector<std::string> pairs{"25=2525", "587=2587", "nonsense", "1=x"};
    EXPECT_EQ(fallback_port(pairs, 25), 2525);
    EXPECT_EQ(fallback_port(pairs, 587), 2587);
    EXPECT_FALSE(fallback_port(pairs, 465));
    EXPECT_FALSE(fallback_port(pairs, 1));
}

TEST(Rules, PriorityIsGrantedByWhoAsks) {
    config::Mail mail;
    const IpAddress near = IpAddress::parse("192.0.2.9").value();
    const IpAddress far = IpAddress::parse("203.0.113.9").value();
    EXPECT_EQ(granted_priority(mail, std::nullopt, "taro", near), 0);
    EXPECT_EQ(granted_priority(mail, -9, "taro", near), -9) << "less is anybody's";
    EXPECT_EQ(granted_priority(mail, 4, "taro", near), 0);
    mail.priority_max = 3;
    mail.priority_from = {"alarm", "192.0.2.0/24"};
    EXPECT_EQ(granted_priority(mail, 3, "taro", far), 3);
    EXPECT_EQ(granted_priority(mail, 4, "taro", near), 3) << "the prefix is for port 25";
    EXPECT_EQ(granted_priority(mail, 9, "alarm", far), 9);
    EXPECT_EQ(granted_priority(mail, 9, "", near), 9);
    EXPECT_EQ(granted_priority(mail, 9, "", far), 3);
}

}  // namespace
}  // namespace sekisho::mail
