#include "account/app_password.h"
#include "account/password.h"
#include "base/bytes.h"
#include "base/ip.h"
#include "base/time.h"
#include "conduct/login_memory.h"
#include "dkim/key.h"
#include "dkim/sign.h"
#include "dkim/verify.h"
#include "event/event.h"
#include "limit/gcra.h"
#include "limit/spec.h"
#include "mail/test_world.h"
#include "message/header.h"
#include "store/spool_log.h"
#include "store/store.h"
#include "store/test_support.h"

#include <chrono>
#include <filesystem>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::mail {
namespace {

using test::Client;
using test::eventually;
using Submission = test::MailTest;

std::string send(Client& client, const std::string& to, const std::string& body) {
    client.say("MAIL FROM:<taro@example.net>");
    const std::string accepted = client.say("RCPT TO:<" + to + ">");
    if (!accepted.starts_with("250 ")) {
        return accepted;
    }
    client.say("DATA");
    return client.say(body + "\r\n.");
}

TEST_F(Submission, StartTlsLoginAndAMessageInTheSpool) {
    start();
    auto client = this->client("submission");
    EXPECT_EQ(client->reply(), "220 mail.example.net ESMTP Sekisho");
    std::string offers = client->say("EHLO pc.home");
    EXPECT_NE(offers.find("STARTTLS"), std::string::npos);
    EXPECT_EQ(offers.find("AUTH"), std::string::npos);
    EXPECT_TRUE(client->say("MAIL FROM:<taro@example.net>").starts_with("530 5.7.0 Must issue"));
    EXPECT_TRUE(client->say(plain("taro@example.net", "correct horse")).starts_with("538 5.7.11"));
    EXPECT_TRUE(client->say("STARTTLS").starts_with("220 "));
    ASSERT_TRUE(client->tls());
    offers = client->say("EHLO pc.home");
    EXPECT_NE(offers.find("AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN"), std::string::npos);
    EXPECT_TRUE(client->say("MAIL FROM:<taro@example.net>").starts_with("530 5.7.0 Authentication")
    );
    EXPECT_EQ(
        client->say(plain("Taro@Example.net", "correct horse")),
        "235 2.7.0 Authentication succeeded"
    );
    const std::string sent = send(*client, "b@other.example", "Subject: hello\r\n\r\ntext");
    ASSERT_TRUE(sent.starts_with("250 2.0.0 Ok: queued as Q")) << sent;
    EXPECT_TRUE(client->say("QUIT").starts_with("221 "));
    EXPECT_EQ(client->reply(), "<closed>");

    const auto kept = spool.kept();
    ASSERT_EQ(kept.size(), 1U);
    const auto& [envelope, bytes] = kept[0];
    EXPECT_TRUE(sent.ends_with(envelope.queue_id));
    EXPECT_EQ(envelope.reverse_path, "taro@example.net");
    EXPECT_EQ(envelope.recipients.at(0).address, "b@other.example");
    EXPECT_EQ(envelope.account, "taro@example.net");
    EXPECT_EQ(envelope.client, "127.0.0.1");
    EXPECT_EQ(envelope.size, bytes.size());
    EXPECT_TRUE(bytes.starts_with("Received: from pc.home")) << bytes;
    for (const char* part :
         {"with ESMTPSA",
          "id Q1",
          "\r\nDate: ",
          "\r\nMessage-ID: <",
          "\r\nFrom: ",
          "Subject: hello\r\n",
          "\r\n\r\ntext\r\n"}) {
        EXPECT_NE(bytes.find(part), std::string::npos) << part << " in " << bytes;
    }
    EXPECT_NE(bytes.find("Message-ID: " + envelope.message_id), std::string::npos);

    const auto accepted = journal.of(event::Kind::Accepted);
    ASSERT_EQ(accepted.size(), 1U);
    EXPECT_EQ(accepted[0].queue_id, envelope.queue_id);
    EXPECT_EQ(accepted[0].message_id, envelope.message_id);
    EXPECT_EQ(accepted[0].account, "taro@example.net");
    EXPECT_EQ(accepted[0].line, "line-of-taro@example.net");
    EXPECT_EQ(accepted[0].recipient, "b@other.example");
    ASSERT_EQ(journal.of(event::Kind::LoginAccepted).size(), 1U);
    EXPECT_EQ(journal.of(event::Kind::LoginAccepted)[0].detail, "PLAIN");

    const auto status = nlohmann::json::parse(server->status_json());
    EXPECT_EQ(status["messages"]["accepted"], 1);
    EXPECT_EQ(status["logins"]["accepted"], 1);
    EXPECT_EQ(status["refused"]["530"], 2);
    EXPECT_EQ(status["refused"]["538"], 1);
    EXPECT_EQ(status["tls"]["started"], 1);
}

// RFC 2852, RFC 6710, RFC 8689, RFC 3030.
TEST_F(Submission, WhatAMessageAsksForIsKeptWithIt) {
    config.mail.binarymime = true;
    config.mail.priority_max = 2;
    start();
    auto client = ready("submissions");
    const std::string offers = client->say("EHLO pc");
    for (const char* offer : {"BINARYMIME", "DELIVERBY 60", "MT-PRIORITY", "REQUIRETLS"}) {
        EXPECT_NE(offers.find(std::string("-") + offer + "\n"), std::string::npos) << offers;
    }
    const std::string before = client->say(
        "MAIL FROM:<taro@example.net> BODY=BINARYMIME BY=3600;NT MT-PRIORITY=5 REQUIRETLS"
    );
    ASSERT_TRUE(before.starts_with("250 ")) << before;
    client->say("RCPT TO:<b@other.example>");
    client->write(std::string("BDAT 17 LAST\r\nSubject: x\r\n\r\n\n\0.", 31));
    const std::string sent = client->reply();
    EXPECT_TRUE(
        sent.starts_with("250 2.3.6 2 is the new priority assigned to the message; queued as Q")
    ) << sent;
    client->say("MAIL FROM:<taro@example.net> MT-PRIORITY=-4 BY=60;R");
    client->say("RCPT TO:<b@other.example>");
    client->say("DATA");
    EXPECT_TRUE(client->say("Subject: y\r\n\r\n.").starts_with("250 2.0.0 Ok: queued as Q"));

    const auto kept = spool.kept();
    ASSERT_EQ(kept.size(), 2U);
    const queue::Envelope& first = kept[0].envelope;
    EXPECT_TRUE(first.body_binary && first.require_tls && !first.body_8bit);
    EXPECT_EQ(first.priority, 2);
    ASSERT_TRUE(first.deliver_by);
    EXPECT_EQ(first.deliver_by->deadline, first.accepted + std::chrono::hours(1));
    EXPECT_EQ(first.deliver_by->mode, queue::DeliverBy::Mode::Notify);
    EXPECT_TRUE(first.deliver_by->trace);
    EXPECT_NE(kept[0].bytes.find(" PRIORITY 2;"), std::string::npos) << kept[0].bytes;
    EXPECT_TRUE(kept[0].bytes.ends_with(std::string("\r\n\r\n\n\0.", 7)));
    const queue::Envelope& second = kept[1].envelope;
    EXPECT_EQ(second.priority, -4);
    EXPECT_FALSE(second.require_tls || second.body_binary);
    EXPECT_EQ(second.deliver_by->mode, queue::DeliverBy::Mode::Return);
}

TEST_F(Submission, ImplicitTlsAndLogin) {
    start();
    auto client = this->client("submissions");
    client->reply();
    EXPECT_EQ(client->say("EHLO pc").find("STARTTLS"), std::string::npos);
    EXPECT_TRUE(client->say("AUTH LOGIN").starts_with("334 "));
    EXPECT_TRUE(client->say(base64("taro@example.net")).starts_with("334 "));
    EXPECT_TRUE(client->say(base64("correct horse")).starts_with("235 "));
}

TEST_F(Submission, SenderMustBelongToTheLogin) {
    start();
    auto client = ready("submissions");
    EXPECT_EQ(
        client->say("MAIL FROM:<hanako@example.net>"),
        "553 5.7.1 Sender <hanako@example.net> does not belong to account taro@example.net; "
        "allowed: taro@example.net, yamada@example.net"
    );
    EXPECT_TRUE(client->say("MAIL FROM:<YAMADA@example.net>").starts_with("250 "));
    client->say("RSET");
    auto taro = accounts.find("taro@example.net").value();
    taro.enabled = false;
    ASSERT_TRUE(accounts.update(taro));
    EXPECT_TRUE(client->say("MAIL FROM:<taro@example.net>").starts_with("550 5.7.13"));
    EXPECT_TRUE(ready("submission")->say("NOOP").starts_with("250"));
    const auto refused = journal.of(event::Kind::Refused);
    ASSERT_GE(refused.size(), 2U);
    EXPECT_EQ(refused[0].rule, "sender");
    EXPECT_EQ(refused[1].rule, "disabled");
    accounts.away = true;
    EXPECT_TRUE(client->say("MAIL FROM:<taro@example.net>").starts_with("450 4.3.0"));
}

TEST_F(Submission, WrongPasswords) {
    config.mail.login_failures_per_hour = 2;
    start();
    auto client = this->client("submissions");
    client->reply();
    client->say("EHLO pc");
    const std::string wrong =
        "535 5.7.8 Authentication credentials invalid; see https://guide.example.net/login#5.7.8";
    EXPECT_EQ(client->say(plain("taro@example.net", "wrong horse")), wrong);
    // Thunderbird's second try with the same password counts no second time.
    client->say("AUTH LOGIN " + base64("taro@example.net"));
    EXPECT_EQ(client->say(base64("wrong horse")), wrong);
    EXPECT_EQ(server->limiter().explain("taro@example.net", now()).at(0).used, 1);
    EXPECT_EQ(
        client->say(plain("nobody@example.net", "wrong horse")).substr(0, wrong.size()), wrong
    );
    EXPECT_TRUE(client->reply().starts_with("421 4.7.0")) << "three failures end the session";

    auto second = this->client("submissions");
    second->reply();
    second->say("EHLO pc");
    const std::string limited = second->say(plain("taro@example.net", "correct horse"));
    EXPECT_TRUE(
        limited.starts_with("454 4.7.0 Limit login_failures_per_hour.address reached: 2 of 2")
    ) << limited;
    const auto refused = journal.of(event::Kind::LoginRefused);
    ASSERT_EQ(refused.size(), 4U);
    EXPECT_EQ(refused[0].account, "taro@example.net");
    EXPECT_NE(refused[0].detail.find("wrong-password"), std::string::npos);
    EXPECT_NE(refused[2].detail.find("unknown-user"), std::string::npos);
    EXPECT_EQ(refused[3].detail.find("horse"), std::string::npos);
}

TEST_F(Submission, AnImportedHashIsMadeAnewAtTheFirstLogin) {
    auto taro = accounts.find("taro@example.net").value();
    taro.credential = {.hash = "{SSHA}XypeYxBs1GmqQ1pYKAO0+NyfsYZMoPZs", .scram = {}};
    ASSERT_TRUE(accounts.update(taro));
    start();
    auto client = this->client("submissions");
    client->reply();
    client->say("EHLO pc");
    EXPECT_TRUE(client->say(plain("taro@example.net", "wrong horse")).starts_with("535 5.7.8"));
    EXPECT_TRUE(accounts.find("taro@example.net")->credential.hash.starts_with("{SSHA}"));
    EXPECT_TRUE(client->say(plain("taro@example.net", "correct horse")).starts_with("235 "));
    const account::Credential made = accounts.find("taro@example.net")->credential;
    EXPECT_FALSE(account::is_outdated(made, {}));
    EXPECT_TRUE(account::verify_password(made.hash, "correct horse"));
    EXPECT_EQ(journal.of(event::Kind::AccountChanged).size(), 1U);
}

TEST_F(Submission, AnAppPasswordIsNamedInTheEventAndHasItsPlace) {
    const std::string password = account::generate_app_password();
    account::AppPassword phone;
    phone.name = "phone";
    phone.selector = account::selector_of(password);
    phone.credential = account::make_credential(password, account::kTestHash).value();
    phone.from = {Prefix::parse("127.0.0.0/8").value()};
    ASSERT_TRUE(accounts.add_app_password("taro@example.net", phone));
    start();
    auto client = this->client("submissions");
    client->reply();
    client->say("EHLO pc");
    EXPECT_TRUE(client->say(plain("taro@example.net", password)).starts_with("235 "));
    ASSERT_EQ(journal.of(event::Kind::LoginAccepted).size(), 1U);
    EXPECT_EQ(
        journal.of(event::Kind::LoginAccepted)[0].detail, "PLAIN with app password \"phone\""
    );
    EXPECT_TRUE(eventually([&] {
        return accounts.find("taro@example.net")->app_passwords[0].last_address == "127.0.0.1";
    }));
    phone.from = {Prefix::parse("192.0.2.0/24").value()};
    ASSERT_TRUE(accounts.remove_app_password("taro@example.net", "phone"));
    ASSERT_TRUE(accounts.add_app_password("taro@example.net", phone));
    auto second = this->client("submissions");
    second->reply();
    second->say("EHLO pc");
    EXPECT_TRUE(second->say(plain("taro@example.net", password)).starts_with("535 5.7.8 This app"));
    EXPECT_TRUE(second->say(plain("taro@example.net", "correct horse")).starts_with("235 "));
}

class MemoryLogins final : public conduct::LoginMemory {
  public:
    Status keep_success(const conduct::LoginMark& mark) override { return keep(good_, mark); }
    Status keep_failure(const conduct::LoginMark& mark) override { return keep(bad_, mark); }
    Result<std::vector<conduct::LoginMark>> successes(Time, std::size_t) override {
        const std::scoped_lock lock(mutex_);
        return good_;
    }
    Result<std::vector<conduct::LoginMark>> failures(Time, std::size_t) override {
        const std::scoped_lock lock(mutex_);
        return bad_;
    }

  private:
    Status keep(std::vector<conduct::LoginMark>& where, const conduct::LoginMark& mark) {
        const std::scoped_lock lock(mutex_);
        where.push_back(mark);
        return {};
    }
    std::mutex mutex_;
    std::vector<conduct::LoginMark> good_, bad_;
};

TEST_F(Submission, ARestartIsNoNewStartForGuesses) {
    config.mail.login_failures_per_hour = 2;
    MemoryLogins kept;
    logins = &kept;
    start();
    const auto tries = [&](const std::string& login, const std::string& password) {
        auto client = this->client("submissions");
        client->reply();
        client->say("EHLO pc");
        return client->say(plain(login, password)).substr(0, 3);
    };
    EXPECT_EQ(tries("support@example.net", "correct horse"), "235");
    EXPECT_EQ(tries("taro@example.net", "wrong horse"), "535");
    EXPECT_EQ(tries("taro@example.net", "wrong house"), "535");
    EXPECT_EQ(tries("taro@example.net", "correct horse"), "454");
    EXPECT_TRUE(eventually([&] { return kept.failures({}, 0)->size() == 2; }));
    EXPECT_TRUE(eventually([&] { return kept.successes({}, 0)->size() == 1; }));
    server.reset();
    start();
    EXPECT_EQ(tries("taro@example.net", "correct horse"), "454");
    EXPECT_EQ(tries("support@example.net", "correct horse"), "235") << "familiar here";
}

TEST_F(Submission, AccountsAwayIsTemporary) {
    accounts.away = true;
    start();
    auto client = this->client("submissions");
    client->reply();
    client->say("EHLO pc");
    EXPECT_TRUE(client->say(plain("taro@example.net", "correct horse")).starts_with("454 4.7.0"));
}

TEST_F(Submission, RecipientsPerHour) {
    config.mail.recipients_per_hour = 2;
    start();
    auto client = ready("submissions");
    client->say("MAIL FROM:<taro@example.net>");
    EXPECT_TRUE(client->say("RCPT TO:<a@x.example>").starts_with("250 "));
    EXPECT_TRUE(client->say("RCPT TO:<b@x.example>").starts_with("250 "));
    const std::string limited = client->say("RCPT TO:<c@x.example>");
    EXPECT_TRUE(limited.starts_with(
        "450 4.7.1 Limit recipients_per_hour reached: 2 of 2 used, free again 20"
    )) << limited;
    // What was not sent doesn't count.
    client->say("RSET");
    EXPECT_TRUE(send(*client, "a@x.example", "Subject: x\r\n\r\nx").starts_with("250 "));
    EXPECT_TRUE(send(*client, "b@x.example", "Subject: x\r\n\r\nx").starts_with("250 "));
    EXPECT_TRUE(send(*client, "c@x.example", "Subject: x\r\n\r\nx").starts_with("450 4.7.1"));
    EXPECT_EQ(journal.of(event::Kind::Refused).back().rule, "limit:recipients_per_hour");
    // A reload takes the limit away, and holds for the connections that run.
    config.mail.recipients_per_hour = 0;
    ASSERT_TRUE(server->reload(config, nullptr, nullptr));
    client->say("RSET");
    EXPECT_TRUE(send(*client, "c@x.example", "Subject: x\r\n\r\nx").starts_with("250 "));
}

TEST_F(Submission, LimitsByAnyKey) {
    const auto spec = [](std::string name, limit::By by, limit::Counts counts, std::int64_t n) {
        limit::Spec out;
        out.name = std::move(name);
        out.by = {by};
        out.counts = counts;
        out.how = limit::Rate{.count = n};
        return out;
    };
    config.limit = {
        spec("strangers", limit::By::Account, limit::Counts::NewRecipients, 2),
        spec("bytes", limit::By::Line, limit::Counts::Bytes, 100),
        spec("unknown", limit::By::Address, limit::Counts::RefusedRecipients, 2),
        spec("quiet", limit::By::SenderDomain, limit::Counts::Messages, 1),
        spec("big", limit::By::Account, limit::Counts::Recipients, 50),
    };
    config.limit[3].shadow = true;
    start();
    auto client = ready("submissions");
    const std::string small = "Subject: x\r\n\r\nx";
    EXPECT_TRUE(send(*client, "a@x.example", small).starts_with("250 "));
    EXPECT_TRUE(send(*client, "b@x.example", small).starts_with("250 "));
    const std::string refused = send(*client, "c@x.example", small);
    EXPECT_TRUE(refused.starts_with("450 4.7.1 Limit strangers reached: 2 of 2 used")) << refused;
    EXPECT_TRUE(refused.ends_with("; see https://guide.example.net/limits")) << refused;
    EXPECT_EQ(journal.of(event::Kind::Refused).back().rule, "limit:strangers");
    client->say("RSET");
    EXPECT_TRUE(send(*client, "b@x.example", small).starts_with("250 ")) << "not new any more";
    // What one limit refused is not taken from another.
    EXPECT_EQ(server->limiter().explain("taro@example.net", now()).back().used, 3);
    EXPECT_TRUE(send(*client, "a@x.example", "Subject: x\r\n\r\n" + std::string(200, 'x'))
                    .starts_with("450 4.7.1 Limit bytes reached"));
    // Refused recipients: the third isn't even looked up.
    client->say("MAIL FROM:<taro@example.net>");
    EXPECT_TRUE(client->say("RCPT TO:<no1@example.net>").starts_with("550 5.1.1"));
    EXPECT_TRUE(client->say("RCPT TO:<no2@example.net>").starts_with("550 5.1.1"));
    EXPECT_TRUE(client->say("RCPT TO:<no3@example.net>").starts_with("450 4.7.1 Limit unknown"));
    // In shadow: told once, refused never.
    const auto shadows = journal.of(event::Kind::LimitWouldRefuse);
    ASSERT_EQ(shadows.size(), 1U);
    EXPECT_EQ(shadows[0].rule, "limit:quiet");
    EXPECT_EQ(shadows[0].account, "taro@example.net");
}

TEST_F(Submission, CountersOutliveARestart) {
    const store::TestFolder folder;
    const auto store = *store::open_store(folder.file());
    counters = &store->limits();
    config.mail.recipients_per_hour = 1;
    start();
    const std::string small = "Subject: x\r\n\r\nx";
    {
        auto client = ready("submissions");
        EXPECT_TRUE(send(*client, "a@x.example", small).starts_with("250 "));
    }
    ASSERT_TRUE(server->keep_counters());
    server.reset();
    start();
    auto client = ready("submissions");
    EXPECT_TRUE(send(*client, "a@x.example", small).starts_with("450 4.7.1"));
}

TEST_F(Submission, ConnectionsAndFailedLoginsAreLimited) {
    limit::Spec guesses;
    guesses.name = "guesses";
    guesses.by = {limit::By::Class};
    guesses.counts = limit::Counts::FailedLogins;
    guesses.how = limit::Rate{.count = 1};
    limit::Spec connections = guesses;
    connections.name = "connections";
    connections.by = {limit::By::Prefix};
    connections.counts = limit::Counts::Connections;
    connections.how = limit::Rate{.count = 2};
    config.limit = {guesses, connections};
    start();
    for (const char* answer : {"535 5.7.8", "454 4.7.0 Limit guesses reached: 1 of 1 used"}) {
        auto client = this->client("submissions");
        client->reply();
        client->say("EHLO pc");
        const std::string said = client->say(plain("taro@example.net", "wrong"));
        EXPECT_TRUE(said.starts_with(answer)) << said;
    }
    auto third = this->client("submission");
    const std::string said = third->reply();
    EXPECT_TRUE(said.starts_with(
        "421 4.7.0 mail.example.net Limit connections reached: 2 of 2 used, free again"
    )) << said;
}

TEST_F(Submission, OwnDomainsRecipientsAreChecked) {
    start();
    auto client = ready("submissions");
    client->say("MAIL FROM:<taro@example.net>");
    EXPECT_TRUE(client->say("RCPT TO:<nobody@example.net>").starts_with("550 5.1.1"));
    EXPECT_TRUE(client->say("RCPT TO:<support@example.net>").starts_with("250 "));
}

TEST_F(Submission, NothingIsAcknowledgedBeforeItIsDurable) {
    spool.hold_back = true;
    start();
    auto client = ready("submissions");
    client->say("MAIL FROM:<taro@example.net>");
    client->say("RCPT TO:<a@x.example>");
    client->say("DATA");
    client->write("Subject: x\r\n\r\nx\r\n.\r\n");
    ASSERT_TRUE(eventually([&] { return spool.holds(); }));
    // The server is alive and says nothing to this client.
    EXPECT_TRUE(ready("submission")->say("NOOP").starts_with("250"));
    EXPECT_FALSE(client->waiting());
    EXPECT_TRUE(journal.of(event::Kind::Accepted).empty());
    spool.let_go();
    EXPECT_TRUE(client->reply().starts_with("250 2.0.0 Ok: queued as Q1"));
    EXPECT_EQ(journal.of(event::Kind::Accepted).size(), 1U);
}

TEST_F(Submission, SpoolTroubleIsTemporary) {
    start();
    auto client = ready("submissions");
    spool.error = Error{Errc::Full, "no space"};
    EXPECT_TRUE(send(*client, "a@x.example", "Subject: x\r\n\r\nx").starts_with("452 4.3.1"));
    spool.error = Error{Errc::Unavailable, "the disk failed"};
    EXPECT_TRUE(send(*client, "a@x.example", "Subject: x\r\n\r\nx").starts_with("451 4.3.0"));
    spool.error.reset();
    EXPECT_TRUE(journal.of(event::Kind::Accepted).empty());
    EXPECT_TRUE(send(*client, "a@x.example", "Subject: x\r\n\r\nx").starts_with("250 "));
}

TEST_F(Submission, ADisconnectInTheMiddleLeavesNothing) {
    start();
    auto client = ready("submissions");
    client->say("MAIL FROM:<taro@example.net>");
    client->say("RCPT TO:<a@x.example>");
    client->say("DATA");
    client->write("Subject: half\r\n\r\nhalf");
    client->close();
    EXPECT_TRUE(eventually([&] {
        return nlohmann::json::parse(server->status_json())["connections"]["open"] == 0;
    }));
    EXPECT_TRUE(spool.kept().empty());
    for (const auto& use : server->limiter().explain("taro@example.net", now())) {
        EXPECT_EQ(use.used, 0) << use.limit;
    }
}

TEST_F(Submission, HiddenClientAddress) {
    config.mail.hide_client_address = true;
    start();
    auto client = ready("submissions");
    send(*client, "a@x.example", "Subject: x\r\n\r\nx");
    ASSERT_EQ(spool.kept().size(), 1U);
    EXPECT_EQ(spool.kept()[0].bytes.find("127.0.0.1"), std::string::npos);
}

// A key signs for example.net; the message is verified as another server would.
TEST_F(Submission, WhatIsOursIsSigned) {
    const auto key = dkim::PrivateKey::make(dkim::Algorithm::Ed25519Sha256);
    ASSERT_TRUE(key);
    auto keys = std::make_shared<dkim::Signer>();
    keys->add("example.net", "example.net", {"e2026a", *key});
    signer.set(keys);
    add("taro@example.net", {"taro@example.net", "taro@other.example"});
    start();
    const auto client = ready("submissions");
    ASSERT_TRUE(
        send(*client, "b@other.example", "From: taro@example.net\r\nSubject: hello\r\n\r\ntext")
            .starts_with("250 ")
    );
    ASSERT_TRUE(
        send(*client, "b@other.example", "From: taro@other.example\r\n\r\ntext").starts_with("250 ")
    );
    // Without From it is the account's own that is added, and signed.
    ASSERT_TRUE(send(*client, "b@other.example", "Subject: none\r\n\r\ntext").starts_with("250 "));
    const auto kept = spool.kept();
    ASSERT_EQ(kept.size(), 3U);
    std::map<std::string, dkim::KeyAnswer> dns;
    dns["e2026a._domainkey.example.net"] = std::vector{key->record()};
    for (const std::size_t index : {0U, 2U}) {
        const std::string& message = kept[index].bytes;
        EXPECT_TRUE(message.starts_with("DKIM-Signature: ")) << message;
        EXPECT_EQ(kept[index].envelope.size, message.size());
        const auto header = message::Header::scan(message);
        dkim::Verifier verifier(header, now());
        verifier.body(std::string_view(message).substr(header.body_offset()));
        const auto verdicts = verifier.finish(dns);
        ASSERT_EQ(verdicts.size(), 1U);
        EXPECT_EQ(verdicts[0].status, dkim::Outcome::Pass) << verdicts[0].reason;
    }
    EXPECT_EQ(kept[1].bytes.find("DKIM-Signature"), std::string::npos) << "not our domain";
}

TEST_F(Submission, IntoTheRealSpool) {
    const std::string folder = ::testing::TempDir() + "sekisho-mail-" + random_token(40);
    store::SpoolOptions options;
    options.directory = folder;
    options.segment_size = 1U << 20U;
    options.free_space_min = 0;
    real_spool = store::SpoolLog::open(options).value();
    start();
    auto client = ready("submissions");
    const std::string sent = send(*client, "a@x.example", "Subject: real\r\n\r\n..dot");
    ASSERT_TRUE(sent.starts_with("250 2.0.0 Ok: queued as ")) << sent;
    const std::string id = sent.substr(sent.rfind(' ') + 1);
    const auto bytes = real_spool->message(id);
    ASSERT_TRUE(bytes) << bytes.error().message;
    EXPECT_TRUE(bytes->ends_with("\r\n\r\n.dot\r\n"));
    EXPECT_NE(bytes->find(id), std::string::npos) << *bytes;
    EXPECT_EQ(real_spool->counters().acks_before_durable_total, 0U);
    client->close();
    server.reset();
    real_spool.reset();
    real_spool = store::SpoolLog::open(options).value();
    EXPECT_EQ(real_spool->message(id).value_or("lost"), *bytes);
    real_spool.reset();
    std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace sekisho::mail
