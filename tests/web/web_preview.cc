// Serves guide and desk on a free loopback port over stores in memory, for the browser tests and
// for looking at pages while they are written:
//   web_preview STATE_DIR [PICTURES]      (STATE_DIR/operator.token is the desk's token)
// PICTURES: a folder with pictures of real programs. With PREVIEW_TAME in the environment nobody in
// it attacks anybody, for pictures.
// The header X-Preview-Peer, an address, makes a request come from there. Ends when standard input
// does.
#include "account/password.h"
#include "base/time.h"
#include "desk/desk.h"
#include "desk/desk_fake.h"
#include "exemption/memory_store.h"
#include "lease/memory_store.h"
#include "net/http.h"
#include "net/server.h"
#include "staff/memory_store.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

namespace {

using namespace sekisho;

config::Config sample_config(std::string state_dir) {
    config::Config config;
    config.state_dir = std::move(state_dir);
    config.provider.name = "Tokai Net";
    config.provider.name_ja = "とうかいネット";
    config.provider.domain = "tokai.example";
    config.provider.support_mail = "support@tokai.example";
    config.provider.support_phone = "0120-000-000";
    config.provider.support_hours = "9:00-17:00";
    config.provider.guide_url = "https://mail-guide.tokai.example";
    config.mail.domains = {"tokai.example"};
    config.settings.outgoing_host = "smtp.tokai.example";
    config.settings.incoming_host = "imap.tokai.example";
    config.gate.exempt_requests = "operator";
    config.gate.exempt_class = "static";
    return config;
}

// What the mail role would say: the password is right when it opens the account.
std::string judged(const nlohmann::json& asked, account::AccountStore& accounts) {
    const auto found = accounts.find(asked.value("login", ""));
    const bool right =
        found && account::verify_password(found->credential.hash, asked.value("password", ""));
    return nlohmann::json{
        {"verdict", right ? "right" : "wrong"}, {"login", asked.value("login", "")}
    }.dump();
}

// For pictures: PREVIEW_TAME is set, the roles answer and nobody attacks.
bool is_tame() {
    return std::getenv("PREVIEW_TAME") != nullptr;
}

std::string evil() {
    return is_tame() ? "" : "<img src=x onerror=alert(1)>";
}

// A world in which every name that others choose is markup.
void fill_my(desk::fake::MemoryAccounts& accounts, desk::fake::MemoryJournal& journal, Time now) {
    account::Account& taro = accounts.accounts.front();
    taro.credential = account::make_credential("correct horse", account::kTestHash).value();
    account::AppPassword printer;
    printer.name = std::string("\u96fb\u8a71 ") + "<b>\"x\"";
    printer.selector = "abcd";
    printer.created = now - std::chrono::hours{50};
    printer.last_used = now - std::chrono::hours{2};
    printer.last_address = "198.51.100.7";
    taro.app_passwords = {printer};
    event::Event sent;
    sent.at = now - std::chrono::minutes{30};
    sent.kind = event::Kind::Accepted;
    sent.account = taro.login;
    sent.queue_id = "Q7KX9";
    sent.sender = taro.login;
    journal.append(sent);
    sent.kind = event::Kind::Bounced;
    sent.recipient = std::string("\"") + evil() + "\"@company.example";
    sent.detail = std::string("550 5.1.1 no such user ") + evil();
    journal.append(sent);
    event::Event login;
    login.at = now - std::chrono::minutes{20};
    login.kind = event::Kind::LoginAccepted;
    login.account = taro.login;
    login.address = "192.0.2.99";
    login.detail = std::string("PLAIN with app password \"") + evil() + "\"";
    journal.append(login);
    login.kind = event::Kind::LoginRefused;
    login.detail = std::string("PLAIN wrong-password: 535 5.7.8 ") + evil();
    login.count = 3;
    journal.append(login);
}

// Of each role one, with the key of RFC 6238's examples: "support", "abuse", "operator", "auditor".
void fill_staff(staff::Store& store, Time now) {
    for (const staff::Role role : staff::kRoles) {
        staff::Operator one;
        one.name = staff::name(role);
        one.roles = staff::Roles{role};
        one.password_hash =
            account::hash_password("correct horse battery", account::kTestHash).value();
        one.totp_key = "12345678901234567890";
        one.created = one.changed = now;
        static_cast<void>(store.add(one));
    }
}

void fill_leases(lease::LeaseStore& leases, Time now) {
    lease::Lease one;
    one.line = "L-0042";
    one.class_name = "static";
    one.owner = "ticket 4712";
    one.reason = "moves her mail server";
    one.created_by = "operator at the desk";
    one.created = now - std::chrono::hours{48};
    one.expires = now + std::chrono::hours{24 * 28};
    static_cast<void>(leases.add(one));
}

// One that waits for an operator, of somebody else; and one of Taro that was refused.
void fill_requests(exemption::RequestStore& requests, Time now) {
    using exemption::Check;
    using exemption::Mark;
    exemption::Request one;
    one.login = "hanako@tokai.example";
    one.line = "L-0050";
    one.address = IpAddress::parse("198.51.100.9").value();
    one.domain = "hanako.example";
    one.reason = std::string("mail of her shop ") + evil();
    one.created = one.changed = now - std::chrono::hours{3};
    one.checked = now - std::chrono::hours{2};
    one.state = exemption::State::Waiting;
    one.why = "every criterion is met; an operator decides";
    one.by = "the criteria";
    one.findings = {
        {Check::Held, Mark::Passed, "198.51.100.9 has been the line's for 30 days"},
        {Check::ReverseName, Mark::Passed, "mx.hanako.example"},
        {Check::Spf, Mark::Passed, "hanako.example: pass by ip4:198.51.100.9"},
        {Check::Relay, Mark::Passed, "it refused another domain with 550"},
        {Check::Lists, Mark::Passed, "on none of 2 block lists"},
    };
    static_cast<void>(requests.add(one));
    one.login = "taro@tokai.example";
    one.line = "L-0042";
    one.address = IpAddress::parse("198.51.100.7").value();
    one.domain = "taro.example";
    one.reason = std::string("mail of his club ") + evil();
    one.state = exemption::State::Refused;
    one.findings.at(1) = {Check::ReverseName, Mark::Failed, "198.51.100.7 has no PTR record"};
    one.findings.at(2) = {Check::Spf, Mark::Unknown, std::string("taro.example: ") + evil()};
    one.why = "reverse-name: 198.51.100.7 has no PTR record";
    static_cast<void>(requests.add(one));
}

Result<std::string> sample_role(
    const std::string& role, const std::string& request, account::AccountStore& accounts
) {
    const auto asked = nlohmann::json::parse(request);
    const std::string command = asked.value("command", "");
    if (role == "mail" && command == "login-check") {
        return judged(asked, accounts);
    }
    if (role == "mail" && command == "conduct-show") {
        return nlohmann::json{
            {"stage", "slow"},
            {"since", "2026-11-20T01:02:03Z"},
            {"reason", std::string("used from 4 networks in an hour ") + evil()}
        }.dump();
    }
    if (role == "mail" && command == "limit-show") {
        return nlohmann::json{{"uses",
                               {{{"limit", "recipients_per_hour"},
                                 {"key", "taro@tokai.example"},
                                 {"used", 41},
                                 {"allowed", 60},
                                 {"reset", "2026-11-27T15:00:00Z"}}}}
        }.dump();
    }
    if (role == "mail" && command == "sendas-list") {
        return nlohmann::json{
            {"addresses",
             {{{"address", std::string("boss@") + evil()},
               {"proven", false},
               {"outlook", "rejected"}},
              {{"address", "taro@club.example"}, {"proven", true}, {"outlook", "unaligned"}}}}
        }.dump();
    }
    if (role == "gate" && !is_tame()) {
        return fail(Errc::Unavailable, "nobody listens there");
    }
    if (request.contains("conduct-") || request.contains("queue-")) {
        return R"({"text":"done as ordered","done":1,"failed":[]})";
    }
    return R"({"role":"mail","queue":{"queued":3,"held":1,"acks_before_durable_total":0}})";
}

net::HttpResponse as_peer(desk::Desk& desk, net::HttpRequest request) {
    const auto wanted = request.headers.find("x-preview-peer");
    if (wanted != request.headers.end()) {
        if (const auto peer = IpAddress::parse(wanted->second)) {
            request.peer = *peer;
        }
    }
    return desk.handle(request);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2 && argc != 3) {
        std::fputs("usage: web_preview STATE_DIR [PICTURES]\n", stderr);
        return 2;
    }
    desk::fake::MemoryAccounts accounts;
    desk::fake::MemoryLines lines;
    desk::fake::MemoryJournal journal;
    lease::MemoryLeaseStore leases;
    staff::MemoryStore staff;
    desk::fake::fill_world(accounts, lines, journal, now());
    fill_my(accounts, journal, now());
    desk::fake::MemorySessions sessions;
    fill_staff(staff, now());
    fill_leases(leases, now());
    exemption::MemoryRequestStore requests;
    fill_requests(requests, now());
    config::Config config = sample_config(argv[1]);
    config.settings.pictures = argc == 3 ? argv[2] : "";
    desk::Desk desk{desk::Deps{
        .config = std::move(config),
        .policy = policy::Policy::compile(desk::fake::sample_policy()).value(),
        .accounts = accounts,
        .lines = lines,
        .journal = journal,
        .leases = leases,
        .staff = staff,
        .control = [&accounts](
                       const std::string& role, const std::string& request
                   ) { return sample_role(role, request, accounts); },
        .sessions = &sessions,
        .requests = &requests,
        .sign_in_wait = Duration{0},
        .clock = nullptr,
        .offset_minutes = [] { return 540; }
    }};
    const auto loops = net::Loops::make(1);
    const auto workers = net::Workers::make(1);
    const auto listener = net::serve_http(
        *loops,
        *workers,
        Endpoint{.address = IpAddress::v4(0x7F000001), .port = 0},
        net::HttpOptions{},
        [&desk](const net::HttpRequest& request) { return as_peer(desk, request); }
    );
    if (!listener) {
        std::fprintf(stderr, "%s\n", listener.error().message.c_str());
        return 1;
    }
    loops->run();
    std::printf("http://%s\n", (*listener)->local().text().c_str());
    std::fflush(stdout);
    while (std::getchar() != EOF) {
    }
    loops->stop();
    return 0;
}
