// Deliverers against servers of the test's own, over a spool in memory: for the tests of this room.
#pragma once

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "delivery/deliverer.h"
#include "delivery/test_support.h"
#include "dkim/key.h"
#include "dkim/sign.h"
#include "dkim/verify.h"
#include "message/header.h"
#include "net/resolver.h"
#include "net/test_support.h"
#include "net/tls.h"
#include "queue/spool.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <gtest/gtest.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace sekisho::delivery {

using net::test::eventually;
using net::test::loopback;
using queue::RecipientState;
using test::Script;
using test::ScriptedServer;

inline Result<std::string> mailbox_of(std::string_view address) {
    if (address == "taro@example.net" || address == "alias@example.net" ||
        address == "postmaster") {
        return std::string("taro@example.net");
    }
    if (address == "store-down@example.net") {
        return fail(Errc::Unavailable, "the store is away");
    }
    return fail(Errc::NotFound, "no such account");
}

class DelivererTest : public net::test::NetTest {
  protected:
    DelivererTest() {
        EXPECT_TRUE(net::make_self_signed(folder / "crt", folder / "key", {"mx.test"}, 10));
        server_tls = *net::TlsContext::server(folder / "crt", folder / "key");
        options.route.hostname = "mail.example.net";
        options.route.domains = {"example.net"};
        options.notices.hostname = "mail.example.net";
        options.notices.from = "postmaster@mail.example.net";
        options.maildir = folder / "maildir";
        options.retry.waits = {Duration{600'000}};
        options.retry.jitter = 0;
    }
    ~DelivererTest() override {
        if (deliverer) {
            deliverer->stop(Duration{20'000});
            deliverer.reset();
        }
        // Before what the tries refer to is gone.
        loops->stop();
        workers.reset();
    }
    void start() {
        Deps deps{
            .loops = *loops,
            .workers = *workers,
            .resolver = resolver,
            .spool = spool,
            .journal = journal,
            .tls = *net::TlsContext::client_opportunistic(),
            .find_mailbox = mailbox_of,
            .signer = &signer,
        };
        deliverer = Deliverer::make(std::move(deps), options);
        deliverer->start();
    }
    // A server for other.example; its port becomes the port of all hosts found by MX.
    std::unique_ptr<ScriptedServer> serve(Script script, const std::string& address = "127.0.0.1") {
        Endpoint at{
            *IpAddress::parse(address),
            options.route.port == 25 ? std::uint16_t{0} : options.route.port
        };
        auto server = std::make_unique<ScriptedServer>(*loops, at, std::move(script));
        options.route.port = server->at().port;
        return server;
    }
    void route_to(const std::string& address = "127.0.0.1") {
        resolver.add("other.example", {{10, "mx.other.example"}});
        resolver.add_host("mx.other.example", {address});
    }
    std::string send(
        const std::vector<std::string>& to,
        const std::string& from = "taro@example.net",
        const std::string& notify = ""
    ) {
        queue::Envelope envelope;
        envelope.reverse_path = from;
        envelope.message_id = "<1@example.net>";
        envelope.accepted = now();
        for (const std::string& address : to) {
            queue::Recipient recipient;
            recipient.address = address;
            recipient.notify = notify;
            envelope.recipients.push_back(recipient);
        }
        std::string id;
        spool.append(std::move(envelope), kMessage, [&](Result<std::string> given) {
            id = *given;
        });
        return id;
    }
    // Waits for the end of a try.
    test::MemorySpool::Item tried(const std::string& id, int attempts = 1) {
        EXPECT_TRUE(eventually([&] { return spool.item(id).entry.attempts >= attempts; })) << id;
        return spool.item(id);
    }
    static std::string reply_of(const test::MemorySpool::Item& item, std::size_t n = 0) {
        return item.entry.envelope.recipients.at(n).last_reply;
    }
    static RecipientState state_of(const test::MemorySpool::Item& item, std::size_t n = 0) {
        return item.entry.envelope.recipients.at(n).state;
    }
    // The files in the Maildir of taro@example.net.
    std::vector<std::string> inbox() {
        std::vector<std::string> result;
        const std::string path = folder / "maildir/taro@example.net/new";
        if (std::filesystem::exists(path)) {
            for (const auto& entry : std::filesystem::directory_iterator(path)) {
                result.push_back(
                    folder.read("maildir/taro@example.net/new/" + entry.path().filename().string())
                );
            }
        }
        return result;
    }

    static inline const std::string kMessage = "Subject: hello\r\n\r\n.dot\r\nbody\r\n";
    net::test::Folder folder;
    std::shared_ptr<const net::TlsContext> server_tls;
    Options options;
    test::MemorySpool spool;
    test::MemoryJournal journal;
    test::MapResolver resolver;
    dkim::SignerHolder signer;
    std::unique_ptr<Deliverer> deliverer;
};

}  // namespace sekisho::delivery
