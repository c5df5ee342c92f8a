#include "bench/micro/scenarios.h"

#include "base/ip.h"
#include "dkim/key.h"
#include "dkim/sign.h"
#include "dkim/test_data.h"
#include "limit/gcra.h"
#include "message/address.h"
#include "message/header.h"
#include "queue/spool.h"
#include "smtp/address.h"
#include "smtp/command.h"
#include "smtp/server_session.h"
#include "spf/check.h"
#include "spf/test_zone.h"
#include "store/spool_log.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <semaphore>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace sekisho::bench {
namespace {

using Once = std::function<bool()>;

// About 10 KB, with the fields that mail programs write.
std::string message_text() {
    std::string text =
        "Received: from client.example.net by mail.example.net with ESMTPSA id 1\r\n"
        "From: Taro Yamada <taro@football.example.com>\r\n"
        "To: \"Hanako, Sales\" <hanako@example.org>, list: a@example.org, b@example.org;\r\n"
        "Subject: The figures of this week\r\n"
        "Date: Tue, 24 Nov 2026 10:00:00 +0900\r\n"
        "Message-ID: <1@football.example.com>\r\n"
        "MIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n\r\n";
    while (text.size() < 10'240) {
        text += "A line of plain text, about as long as people and programs make their lines.\r\n";
    }
    return text;
}

Once commands() {
    smtp::CommandRules rules;
    rules.auth = true;
    return [rules] {
        static constexpr std::array<std::string_view, 5> kLines = {
            "EHLO client.example.net",
            "MAIL FROM:<taro@example.net> SIZE=10240 BODY=8BITMIME RET=HDRS ENVID=QQ314159",
            "RCPT TO:<hanako@example.org> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;hanako@example.org",
            "BDAT 10240 LAST",
            "QUIT",
        };
        return std::ranges::all_of(kLines, [&](std::string_view line) {
            return smtp::parse_command(line, rules).has_value();
        });
    };
}

Once smtp_addresses() {
    return [] {
        return smtp::parse_address("taro.yamada+news@mail.example.net").has_value() &&
               smtp::parse_address("\"a quoted one\"@example.net").has_value() &&
               smtp::parse_address("postmaster@[IPv6:2001:db8::25]").has_value();
    };
}

Once message_addresses() {
    return [] {
        const auto list = message::parse_address_list(
            "Taro Yamada <taro@example.net>, \"Hanako, Sales\" (office) <hanako@example.org>, "
            "friends: a@example.org, b@example.org;"
        );
        return list.well_formed && list.mailboxes.size() == 4;
    };
}

Once header_scan() {
    return [text = message_text()] {
        const auto header = message::Header::scan(text);
        return header.complete() && header.fields().size() == 8;
    };
}

// One client's message through the pure server session, by DATA, all in one packet a stage.
bool session_once(const std::string& data) {
    smtp::ServerOptions options;
    options.hostname = "mail.example.net";
    smtp::ServerSession session(std::move(options));
    session.start();
    std::size_t stage = 0;
    const std::array<std::string_view, 4> stages = {
        "EHLO client.example.net\r\n",
        "MAIL FROM:<taro@example.net> SIZE=10240\r\nRCPT TO:<hanako@example.org>\r\nDATA\r\n",
        data,
        "QUIT\r\n",
    };
    bool delivered = false;
    while (true) {
        auto action = session.next();
        if (std::holds_alternative<smtp::ServerSession::Close>(action)) {
            return delivered;
        }
        if (std::holds_alternative<smtp::ServerSession::Read>(action)) {
            if (stage == stages.size()) {
                return false;
            }
            session.receive(stages[stage++]);
        } else if (std::holds_alternative<smtp::ServerSession::Deliver>(action)) {
            delivered = true;
            session.answer(smtp::reply(250, "2.6.0", "Taken"));
        } else if (!std::holds_alternative<smtp::ServerSession::Send>(action)) {
            session.answer(smtp::reply(250, "2.1.0", "Ok"));
        }
    }
}

Once session() {
    return [data = message_text() + ".\r\n"] { return session_once(data); };
}

Once dkim_sign(dkim::Algorithm algorithm) {
    auto key = algorithm == dkim::Algorithm::Ed25519Sha256
                   ? dkim::PrivateKey::parse(dkim::test::kEd25519Pem)
                   : dkim::PrivateKey::make(algorithm);
    auto signer = std::make_shared<dkim::Signer>();
    signer->add("football.example.com", "football.example.com", {"test", std::move(key).value()});
    return [signer, text = message_text()] {
        const auto header = message::Header::scan(text);
        const auto fields = signer->sign(text, header, dkim::test::kNow);
        return fields.has_value() && !fields->empty();
    };
}

Once dkim_verify() {
    return [keys = dkim::test::rfc_keys()] {
        const auto verdicts =
            dkim::test::verify(dkim::test::kRfc8463, keys, dkim::test::kNow, 4096);
        return verdicts.size() == 2 && std::ranges::all_of(verdicts, [](const auto& verdict) {
                   return verdict.status == dkim::Outcome::Pass;
               });
    };
}

Once spf_check() {
    auto zone = std::make_shared<spf::TestZone>();
    zone->txt("example.org", "v=spf1 mx include:_spf.example.net ip4:192.0.2.0/24 -all");
    zone->txt("_spf.example.net", "v=spf1 ip4:198.51.100.0/24 ip6:2001:db8::/32 ~all");
    zone->mx("example.org", "mx1.example.org");
    zone->a("mx1.example.org", "203.0.113.9");
    spf::Query query;
    query.client = IpAddress::parse("192.0.2.25").value();
    query.helo = "mx.example.org";
    query.sender_local = "taro";
    query.sender_domain = "example.org";
    query.receiver = "mail.example.net";
    return [zone, query] { return zone->check(query).result == spf::Code::Pass; };
}

Once gcra() {
    auto made =
        limit::Gcra::make({.count = 1'000'000, .per = std::chrono::seconds(1), .burst = 100});
    return [rate = made.value(), tat = limit::Instant{}, now = limit::Instant{}]() mutable {
        now += std::chrono::microseconds(2);
        const bool allowed = rate.check(tat, now, 1).allowed;
        tat = rate.taken(tat, now, 1);
        return allowed;
    };
}

// One writer, each message durable before the next: what a flush costs, with all around it.
struct SpoolWorld {
    SpoolWorld() {
        std::string name =
            (std::filesystem::temp_directory_path() / "sekisho-micro-XXXXXX").string();
        if (::mkdtemp(name.data()) != nullptr) {
            folder = name;
            store::SpoolOptions options;
            options.directory = folder;
            options.free_space_min = 0;
            options.commit_wait = {};
            auto opened = store::SpoolLog::open(std::move(options));
            if (opened) {
                spool = std::move(*opened);
            }
        }
    }
    ~SpoolWorld() {
        spool.reset();
        std::error_code ignored;
        std::filesystem::remove_all(folder, ignored);
    }
    SpoolWorld(const SpoolWorld&) = delete;
    SpoolWorld& operator=(const SpoolWorld&) = delete;

    bool append(const std::string& text) const {
        queue::Envelope envelope;
        envelope.reverse_path = "taro@example.net";
        envelope.recipients.push_back({.address = "hanako@example.org"});
        std::binary_semaphore done(0);
        bool ok = false;
        spool->append(std::move(envelope), text, [&](const Result<std::string>& result) {
            ok = result.has_value();
            done.release();
        });
        done.acquire();
        return ok;
    }

    std::string folder;
    std::unique_ptr<queue::Spool> spool;
};

Once spool_append() {
    auto world = std::make_shared<SpoolWorld>();
    return [world, text = message_text()] { return world->spool && world->append(text); };
}

}  // namespace

const std::vector<Scenario>& scenarios() {
    static const std::vector<Scenario> all = {
        {"smtp_commands", commands},
        {"smtp_addresses", smtp_addresses},
        {"smtp_session_10k", session},
        {"message_addresses", message_addresses},
        {"header_scan_10k", header_scan},
        {"dkim_sign_rsa_10k", [] { return dkim_sign(dkim::Algorithm::RsaSha256); }},
        {"dkim_sign_ed25519_10k", [] { return dkim_sign(dkim::Algorithm::Ed25519Sha256); }},
        {"dkim_verify_both", dkim_verify},
        {"spf_check", spf_check},
        {"gcra", gcra},
        {"spool_append_10k", spool_append, false},
    };
    return all;
}

}  // namespace sekisho::bench
