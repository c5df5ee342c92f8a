// Local delivery into a real Dovecot by LMTP, over TCP and over its Unix-domain socket, with the
// real spool. Needs root (Dovecot changes users) and skips without.
#include "base/result.h"
#include "base/time.h"
#include "delivery/deliverer.h"
#include "delivery/test_support.h"
#include "net/test_support.h"
#include "queue/spool.h"
#include "store/spool_log.h"

#include <cstdint>
#include <filesystem>
#include <future>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

namespace sekisho {
namespace {

namespace fs = std::filesystem;
using net::test::eventually;

class DovecotLmtp : public net::test::NetTest {
  protected:
    void SetUp() override {
        if (::geteuid() != 0) {
            GTEST_SKIP() << "needs root";
        }
        if (!net::test::has_program("dovecot")) {
            GTEST_SKIP() << "dovecot isn't installed";
        }
        configure();
        start_dovecot();
        auto opened = store::SpoolLog::open({.directory = folder / "spool"});
        ASSERT_TRUE(opened) << opened.error().message;
        spool = std::move(*opened);
    }
    void TearDown() override {
        if (deliverer) {
            deliverer->stop(Duration{20'000});
            deliverer.reset();
        }
        loops->stop();
        workers.reset();
        loops.reset();
        spool.reset();
        loops = net::Loops::make(1);
    }

    void configure() {
        const std::string dir = folder.path();
        port = net::test::free_port();
        ASSERT_EQ(
            net::test::run(
                "chmod 755 " + dir + " && mkdir " + dir + "/mail && chown nobody " + dir + "/mail"
            )
                .status,
            0
        );
        folder.write("users", "taro@example.net::65534:65534::" + dir + "/mail/taro::\n");
        folder.write(
            "dovecot.conf",
            "base_dir = " + dir + "/run\nstate_dir = " + dir + "/state\nlog_path = " + dir +
                "/dovecot.log\nprotocols = lmtp\nssl = no\nmail_location = maildir:~/Maildir\n"
                "first_valid_uid = 1\nlisten = 127.0.0.1\n"
                "userdb {\n  driver = passwd-file\n  args = username_format=%u " +
                dir + "/users\n}\npassdb {\n  driver = passwd-file\n  args = " + dir +
                "/users\n}\nprotocol lmtp {\n  auth_username_format = %Lu\n}\n"
                "service lmtp {\n  inet_listener lmtp {\n    address = 127.0.0.1\n    port = " +
                std::to_string(port) + "\n  }\n  unix_listener lmtp {\n    mode = 0666\n  }\n}\n"
        );
    }

    void start_dovecot() {
        const std::string dir = folder.path();
        dovecot = std::make_unique<net::test::Process>(
            std::vector<std::string>{"dovecot", "-F", "-c", dir + "/dovecot.conf"}, dir + "/out"
        );
        ASSERT_TRUE(eventually([&] { return net::test::answers(port); }))
            << folder.read("out") << folder.read("dovecot.log");
    }

    void start(const std::string& lmtp) {
        delivery::Deps deps{
            .loops = *loops,
            .workers = *workers,
            .resolver = resolver,
            .spool = *spool,
            .journal = journal,
            .tls = nullptr,
            .find_mailbox = [](std::string_view) -> Result<std::string> {
                return fail(Errc::NotFound, "not to be asked");
            },
        };
        delivery::Options options;
        options.route.hostname = "mail.example.net";
        options.route.domains = {"example.net"};
        options.notices.hostname = "mail.example.net";
        options.notices.from = "postmaster@mail.example.net";
        options.local = delivery::Options::Local::Lmtp;
        options.lmtp = lmtp;
        deliverer = delivery::Deliverer::make(std::move(deps), options);
        deliverer->start();
    }

    void send(const std::vector<std::string>& to) {
        queue::Envelope envelope;
        envelope.reverse_path = "sender@example.org";
        envelope.accepted = now();
        for (const std::string& address : to) {
            queue::Recipient recipient;
            recipient.address = address;
            recipient.notify = "NEVER";
            envelope.recipients.push_back(recipient);
        }
        std::promise<Result<std::string>> given;
        spool->append(std::move(envelope), "Subject: by LMTP\r\n\r\n.dot\r\n", [&](auto id) {
            given.set_value(std::move(id));
        });
        const auto id = given.get_future().get();
        ASSERT_TRUE(id) << id.error().message;
    }

    std::string inbox() {
        const fs::path path = folder / "mail/taro/Maildir/new";
        std::string all;
        if (fs::exists(path)) {
            for (const auto& entry : fs::directory_iterator(path)) {
                all += folder.read("mail/taro/Maildir/new/" + entry.path().filename().string());
            }
        }
        return all;
    }

    void walk() {
        send({"taro@example.net", "nobody-there@example.net"});
        EXPECT_TRUE(eventually([&] { return spool->counters().queued == 0; }))
            << folder.read("dovecot.log");
        EXPECT_TRUE(journal.last("taro@example.net").starts_with("delivered: 250 2.0.0"))
            << journal.last("taro@example.net");
        EXPECT_TRUE(journal.last("nobody-there@example.net").starts_with("bounced: 550 5.1.1"))
            << journal.last("nobody-there@example.net");
        const std::string mail = inbox();
        EXPECT_NE(mail.find("Return-Path: <sender@example.org>"), std::string::npos) << mail;
        EXPECT_NE(mail.find("Subject: by LMTP"), std::string::npos) << mail;
        EXPECT_NE(mail.find("\n.dot"), std::string::npos) << mail;
    }

    net::test::Folder folder;
    std::uint16_t port = 0;
    std::unique_ptr<net::test::Process> dovecot;
    std::unique_ptr<queue::Spool> spool;
    delivery::test::MemoryJournal journal;
    delivery::test::MapResolver resolver;
    std::unique_ptr<delivery::Deliverer> deliverer;
};

TEST_F(DovecotLmtp, OverTcp) {
    start("127.0.0.1:" + std::to_string(port));
    walk();
}

TEST_F(DovecotLmtp, OverAUnixSocket) {
    start(folder / "run/lmtp");
    walk();
}

TEST_F(DovecotLmtp, AServerThatIsDownDefersAndIsTriedAgain) {
    dovecot.reset();
    start("127.0.0.1:" + std::to_string(port));
    send({"taro@example.net"});
    EXPECT_TRUE(eventually([&] {
        return journal.last("taro@example.net").starts_with("deferred: 451 4.4.1");
    })) << journal.last("taro@example.net");
    start_dovecot();
    for (const queue::Entry& entry : spool->list(10)) {
        // The outcome is told when it is known, and a little later on disk: until then the message
        // is still in the deliverer's hands, and a retry is refused.
        Status retried;
        EXPECT_TRUE(eventually([&] {
            retried = spool->retry_now(entry.envelope.queue_id, now());
            return retried.has_value();
        })) << retried.error().message;
    }
    EXPECT_TRUE(eventually([&] { return spool->counters().queued == 0; }))
        << folder.read("dovecot.log");
    EXPECT_NE(inbox().find("Subject: by LMTP"), std::string::npos);
}

}  // namespace
}  // namespace sekisho
