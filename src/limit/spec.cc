#include "limit/spec.h"

#include "base/bytes.h"
#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "limit/connections.h"
#include "limit/gcra.h"
#include "limit/limiter.h"
#include "limit/quota.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace sekisho::limit {
namespace {

template <class Enum, std::size_t N>
using Names = std::array<std::pair<Enum, std::string_view>, N>;

constexpr Names<By, 8> kBy{{
    {By::Account, "account"},
    {By::Line, "line"},
    {By::Address, "address"},
    {By::Prefix, "prefix"},
    {By::Sender, "sender"},
    {By::SenderDomain, "sender-domain"},
    {By::Domain, "domain"},
    {By::Class, "class"},
}};
constexpr Names<Counts, 7> kCounts{{
    {Counts::Messages, "messages"},
    {Counts::Recipients, "recipients"},
    {Counts::Bytes, "bytes"},
    {Counts::Connections, "connections"},
    {Counts::FailedLogins, "failed-logins"},
    {Counts::NewRecipients, "new-recipients"},
    {Counts::RefusedRecipients, "refused-recipients"},
}};
constexpr Names<Where, 4> kWhere{{
    {Where::Anywhere, "anywhere"},
    {Where::Home, "home"},
    {Where::Domestic, "domestic"},
    {Where::Abroad, "abroad"},
}};
constexpr Names<Service, 3> kService{{
    {Service::Both, "both"},
    {Service::Submission, "submission"},
    {Service::Exchange, "exchange"},
}};

// Stands between the parts of a key; no part has it but quoted local parts, which only makes two
// senders share a limit.
constexpr char kBetween = '|';

template <class Enum, std::size_t N>
std::string_view name_in(const Names<Enum, N>& names, Enum value) {
    const auto at = std::ranges::find(names, value, &std::pair<Enum, std::string_view>::first);
    return at == names.end() ? "unknown" : at->second;
}
template <class Enum, std::size_t N>
std::optional<Enum> parse_in(const Names<Enum, N>& names, std::string_view text) {
    const auto at = std::ranges::find(names, text, &std::pair<Enum, std::string_view>::second);
    return at == names.end() ? std::nullopt : std::optional(at->first);
}

std::string domain_of(std::string_view address) {
    const std::size_t at = address.rfind('@');
    return at == std::string_view::npos ? std::string{} : to_lower(address.substr(at + 1));
}

// A part of the key; empty: not known.
std::string part(By by, const Spec& spec, const Facts& facts) {
    switch (by) {
        case By::Account:
            return facts.account;
        case By::Line:
            return facts.line;
        case By::Address:
            return facts.address ? client_key(*facts.address).text() : std::string{};
        case By::Prefix:
            return facts.address
                       ? Prefix(
                             *facts.address, facts.address->is_v4() ? spec.width_v4 : spec.width_v6
                         )
                             .text()
                       : std::string{};
        case By::Sender:
            return to_lower(facts.sender);
        case By::SenderDomain:
            return domain_of(facts.sender);
        case By::Domain:
            return domain_of(facts.recipient);
        case By::Class:
            return facts.network_class;
    }
    return {};
}

std::optional<std::string> key_of(const Spec& spec, const Facts& facts) {
    std::string key;
    for (const By by : spec.by) {
        const std::string one = part(by, spec, facts);
        if (one.empty()) {
            return std::nullopt;
        }
        key += (key.empty() ? "" : std::string(1, kBetween)) + one;
    }
    return key;
}

// What isn't known yet when it is counted, so that the limit would never hold.
bool fits(Counts counts, By by) {
    switch (counts) {
        case Counts::Connections:
            return by == By::Line || by == By::Address || by == By::Prefix || by == By::Class;
        case Counts::FailedLogins:
            return by != By::Sender && by != By::SenderDomain && by != By::Domain;
        case Counts::Messages:
        case Counts::Bytes:
            return by != By::Domain;
        case Counts::Recipients:
        case Counts::NewRecipients:
        case Counts::RefusedRecipients:
            return true;
    }
    return true;
}

}  // namespace

std::string_view name(By by) {
    return name_in(kBy, by);
}
std::string_view name(Counts counts) {
    return name_in(kCounts, counts);
}
std::string_view name(Where where) {
    return name_in(kWhere, where);
}
std::string_view name(Service service) {
    return name_in(kService, service);
}
std::optional<By> parse_by(std::string_view text) {
    return parse_in(kBy, text);
}
std::optional<Counts> parse_counts(std::string_view text) {
    return parse_in(kCounts, text);
}
std::optional<Where> parse_where(std::string_view text) {
    return parse_in(kWhere, text);
}
std::optional<Service> parse_service(std::string_view text) {
    return parse_in(kService, text);
}

std::string Spec::allowance() const {
    if (const auto* const rate = std::get_if<Rate>(&how)) {
        std::string text = fmt::format("{} in {}", rate->count, format_duration(rate->per));
        if (rate->burst != 0 && rate->burst != rate->count) {
            text += fmt::format(", {} at once", rate->burst);
        }
        return text;
    }
    return fmt::format("{} a day", std::get<Day>(how).max);
}

std::string Spec::by_text() const {
    std::string text;
    for (const By one : by) {
        text += (text.empty() ? "" : "+") + std::string(limit::name(one));
    }
    return text;
}

Status check(const Spec& spec) {
    if (spec.by.empty()) {
        return fail(Errc::Invalid, "a limit counts by at least one of account, line, address, ...");
    }
    for (std::size_t i = 0; i < spec.by.size(); ++i) {
        if (std::count(spec.by.begin(), spec.by.end(), spec.by[i]) > 1) {
            return fail(Errc::Invalid, fmt::format("\"{}\" is there twice", name(spec.by[i])));
        }
        if (!fits(spec.counts, spec.by[i])) {
            return fail(
                Errc::Invalid,
                fmt::format(
                    "{} can't be counted by {}, which isn't known then",
                    name(spec.counts),
                    name(spec.by[i])
                )
            );
        }
    }
    if (spec.counts == Counts::NewRecipients && spec.service != Service::Submission) {
        return fail(Errc::Invalid, "new-recipients are those of an account: service = submission");
    }
    if (const auto* const rate = std::get_if<Rate>(&spec.how)) {
        const auto made = Gcra::make(*rate);
        return made ? Status{} : fail(made.error());
    }
    const auto made = Quota::make(std::get<Day>(spec.how));
    return made ? Status{} : fail(made.error());
}

std::vector<Limit> limits_of(std::span<const Spec> specs) {
    std::vector<Limit> out;
    out.reserve(specs.size());
    for (const Spec& spec : specs) {
        out.push_back({.name = spec.name, .how = spec.how, .shadow = spec.shadow});
    }
    return out;
}

std::vector<Want> wants(std::span<const Taking> takings) {
    std::vector<Want> out;
    out.reserve(takings.size());
    for (const Taking& one : takings) {
        out.push_back(one.want());
    }
    return out;
}

std::vector<Taking> takings(
    std::span<const Spec> specs, Counts counts, const Facts& facts, std::int64_t cost
) {
    std::vector<Taking> out;
    for (const Spec& spec : specs) {
        const bool served = spec.service == Service::Both || spec.service == facts.service;
        const bool there = spec.where == Where::Anywhere || spec.where == facts.where;
        if (spec.counts != counts || !served || !there || cost < 1) {
            continue;
        }
        if (auto key = key_of(spec, facts)) {
            const bool of_account = std::ranges::find(spec.by, By::Account) != spec.by.end();
            out.push_back({spec.name, std::move(*key), cost, of_account ? facts.own : Offset{}});
        }
    }
    return out;
}

bool is_about(std::string_view key, std::string_view subject) {
    const auto address = IpAddress::parse(subject);
    for (const std::string_view one : split(key, kBetween)) {
        if (iequals(one, subject)) {
            return true;
        }
        if (address) {
            const auto prefix = Prefix::parse(one);
            if (prefix && prefix->contains(*address)) {
                return true;
            }
        }
    }
    return false;
}

}  // namespace sekisho::limit
