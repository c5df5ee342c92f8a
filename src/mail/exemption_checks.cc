#include "mail/exemption_checks.h"

#include "base/bytes.h"
#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "exemption/exemption.h"
#include "mail/sender_lookups.h"
#include "net/stream.h"
#include "net/task.h"
#include "peer/judge.h"
#include "spf/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::mail {
namespace {

using exemption::Check;
using exemption::Finding;
using exemption::Mark;

constexpr Duration kStepMax = std::chrono::seconds(10);
constexpr std::size_t kReplyMax = 8192;

Finding names(const peer::Facts& facts) {
    if (!facts.confirmed.empty()) {
        return {Check::ReverseName, Mark::Passed, facts.confirmed.front()};
    }
    if (!facts.names_known) {
        return {Check::ReverseName, Mark::Unknown, "the DNS doesn't answer"};
    }
    return {
        Check::ReverseName,
        Mark::Failed,
        facts.ptr_names.empty()
            ? facts.address.text() + " has no PTR record"
            : facts.ptr_names.front() + " does not lead back to " + facts.address.text()
    };
}

Finding lists(const peer::Facts& facts, const std::vector<std::string>& asked) {
    if (facts.listings.empty()) {
        return {Check::Lists, Mark::Passed, fmt::format("on none of {} block lists", asked.size())};
    }
    return {Check::Lists, Mark::Failed, "listed by " + facts.listings.front().zone};
}

Finding spf(const spf::Outcome& outcome, const std::string& domain) {
    const std::string said = domain + ": " + std::string(spf::name(outcome.result)) +
                             (outcome.mechanism.empty() ? "" : " by " + outcome.mechanism);
    if (outcome.result == spf::Code::TempError) {
        return {Check::Spf, Mark::Unknown, said};
    }
    // A record that lets everybody send says nothing about this address.
    return {Check::Spf, spf_domain(outcome).empty() ? Mark::Failed : Mark::Passed, said};
}

// The code of the next reply; 0: none came. Multiline replies are read to their end.
net::Task<int> reply_code(net::Stream* stream, std::string* left) {
    while (true) {
        std::size_t at = 0;
        for (auto end = left->find('\n'); end != std::string::npos;
             at = end + 1, end = left->find('\n', at)) {
            const std::string_view line = std::string_view(*left).substr(at, end - at);
            const bool digits = line.size() >= 3 && line[0] >= '2' && line[0] <= '5' &&
                                line[1] >= '0' && line[1] <= '9' && line[2] >= '0' &&
                                line[2] <= '9';
            if (!digits) {
                co_return 0;
            }
            if (line.size() == 3 || line[3] != '-') {
                const int code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
                left->erase(0, end + 1);
                co_return code;
            }
        }
        if (left->size() > kReplyMax) {
            co_return 0;
        }
        std::array<char, 1024> buffer{};
        const std::span<char> room(buffer);
        const auto read = co_await stream->read_some(room);
        if (!read) {
            co_return 0;
        }
        left->append(buffer.data(), *read);
    }
}

net::Task<int> say(net::Stream* stream, std::string* left, std::string line) {
    stream->expires_after(kStepMax);
    line += "\r\n";
    const auto written = co_await stream->write_all(line);
    if (!written) {
        co_return 0;
    }
    const int code = co_await reply_code(stream, left);
    co_return code;
}

// As a stranger: would it take a message for a domain that isn't its own? Asked by RCPT; nothing is
// sent. Who takes everything at first and refuses later is told to refuse at once.
net::Task<Finding> relay(net::Executor executor, ExemptionQuestion question) {
    const Endpoint to{question.address, question.port};
    auto connected = co_await net::connect(executor, to, std::nullopt, kStepMax);
    Finding finding;
    finding.check = Check::Relay;
    if (!connected) {
        finding.mark = Mark::Passed;
        finding.detail = "nobody answers on port 25";
        co_return finding;
    }
    const std::unique_ptr<net::Stream> stream = std::move(*connected);
    std::string left;
    stream->expires_after(kStepMax);
    const int greeting = co_await reply_code(stream.get(), &left);
    int greeted = 0;
    if (greeting == 220) {
        std::string hello = "EHLO " + question.hostname;
        greeted = co_await say(stream.get(), &left, std::move(hello));
    }
    if (greeted != 250) {
        finding.mark = Mark::Passed;
        finding.detail = "it takes no mail from strangers";
        stream->close();
        co_return finding;
    }
    std::string from = "MAIL FROM:<>";
    int taken = co_await say(stream.get(), &left, std::move(from));
    if (taken == 250) {
        std::string rcpt = "RCPT TO:<relay-test@" + question.hostname + ">";
        taken = co_await say(stream.get(), &left, std::move(rcpt));
    }
    std::string quit = "QUIT";
    const int bye = co_await say(stream.get(), &left, std::move(quit));
    static_cast<void>(bye);
    stream->close();
    const bool open = taken == 250 || taken == 251;
    finding.mark = open ? Mark::Failed : taken == 0 ? Mark::Unknown : Mark::Passed;
    finding.detail = open         ? "it takes mail for other domains from anybody"
                     : taken == 0 ? "the connection broke off"
                                  : fmt::format("it refused another domain with {}", taken);
    co_return finding;
}

}  // namespace

net::Task<ExemptionFacts> look_up_exemption(Dns dns, ExemptionQuestion question) {
    PeerQuestion about;
    about.address = question.address;
    for (const std::string& zone : question.lists) {
        config::DnsList list;
        list.zone = zone;
        list.answers = Prefix(IpAddress::v4(0x7F000000), 8);  // RFC 5782 §2.1
        about.block_lists.push_back(std::move(list));
    }
    const peer::Facts facts = co_await look_up_peer(dns, std::move(about));
    spf::Query query;
    query.client = question.address;
    query.sender_domain = question.domain;
    query.sender_local = "postmaster";
    query.helo = facts.confirmed.empty() ? question.domain : facts.confirmed.front();
    query.receiver = question.hostname;
    const spf::Outcome outcome = co_await look_up_spf(dns, std::move(query));
    const Finding relays = co_await relay(dns.executor, question);
    ExemptionFacts out;
    out.reverse_name = facts.confirmed.empty() ? std::string() : facts.confirmed.front();
    out.findings.push_back(names(facts));
    out.findings.push_back(spf(outcome, question.domain));
    out.findings.push_back(relays);
    out.findings.push_back(lists(facts, question.lists));
    co_return out;
}

}  // namespace sekisho::mail
