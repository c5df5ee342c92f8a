// A request for an exemption from the subscriber's own page. What is looked up, and what becomes of
// it, is the mail role's; here it is taken, shown and withdrawn.
#include "account/account.h"
#include "base/bytes.h"
#include "base/ip.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "desk/context.h"
#include "desk/exemption.h"
#include "desk/my_facts.h"
#include "desk/my_visit.h"
#include "exemption/act.h"
#include "exemption/exemption.h"
#include "guide/guide.h"
#include "guide/my.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace sekisho::desk {
namespace {

constexpr std::size_t kRequestsShown = 5;

std::int64_t number_of(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
    return ec == std::errc{} && end == text.data() + text.size() ? value : 0;
}

guide::MyRequest shown(const Context& context, const exemption::Request& one) {
    guide::MyRequest out;
    out.id = one.id;
    out.address = one.address.text();
    out.domain = one.domain;
    out.reason = one.reason;
    out.state = exemption::name(one.state);
    out.why = one.why;
    out.open = one.open();
    out.created = one.created;
    if (one.state == exemption::State::Granted) {
        if (const auto lease = context.leases.find(one.lease); lease) {
            out.until = lease->expires;
        }
    }
    for (const exemption::Finding& finding : one.findings) {
        out.findings.push_back(
            {std::string(exemption::name(finding.check)),
             std::string(exemption::name(finding.mark)),
             finding.detail}
        );
    }
    return out;
}

}  // namespace

bool offers_exemption(const Context& context) {
    const config::Gate& gate = context.snapshot.config.gate;
    return context.requests != nullptr && gate.exempt_requests != "off" &&
           !gate.exempt_class.empty();
}

exemption::Terms exemption_terms(const config::Gate& gate) {
    exemption::Terms terms;
    terms.class_name = gate.exempt_class;
    terms.lasts = gate.exempt_for;
    terms.unlisted = !gate.dnsbl.empty();
    terms.limits.longest = gate.exempt_longest;
    return terms;
}

void Visit::fill_exemption(guide::MyExemption& out) const {
    const config::Gate& gate = context_.snapshot.config.gate;
    out.automatic = gate.exempt_requests == "automatic";
    out.days = gate.exempt_held_for / std::chrono::hours(24);
    const std::string& line = who_->account.line;
    // From the line itself only: nobody asks for an address that they don't sit at.
    if (!line.empty() && is_of_line(context_, line, request_.peer, context_.now)) {
        out.address = request_.peer.text();
    }
    const auto found = context_.requests->of_login(who_->account.login, kRequestsShown);
    for (const exemption::Request& one : found ? *found : std::vector<exemption::Request>{}) {
        out.requests.push_back(shown(context_, one));
    }
}

guide::GuideResponse Visit::exemption() {
    if (!offers_exemption(context_)) {
        return go("", "");
    }
    return field("do") == "withdraw" ? withdraw_request() : ask_exemption();
}

guide::GuideResponse Visit::ask_exemption() {
    exemption::Request asked;
    asked.login = who_->account.login;
    asked.address = request_.peer;
    asked.domain = to_lower(trim(field("domain")));
    asked.reason = trim(field("reason"));
    asked.created = asked.changed = context_.now;
    asked.by = asked.login;
    asked.told = asked.state;
    const std::string& line = who_->account.line;
    if (!line.empty() && is_of_line(context_, line, request_.peer, context_.now)) {
        asked.line = line;
    }
    const auto no = [&](std::string_view key, int status) {
        guide::My my = signed_in(guide::My::Sheet::Exemption);
        fill_exemption(my.exemption);
        my.exemption.typed_domain = is_utf8(asked.domain) ? asked.domain : "";
        my.exemption.typed_reason = is_utf8(asked.reason) ? asked.reason : "";
        return told(std::move(my), key, status);
    };
    if (!exemption::check(asked)) {
        asked.domain.resize(std::min<std::size_t>(asked.domain.size(), 300));
        asked.reason.resize(std::min<std::size_t>(asked.reason.size(), 300));
        return no("exemption-bad", 422);
    }
    const auto id = context_.requests->add(asked);
    if (!id) {
        const Errc why = id.error().code;
        return why == Errc::Conflict ? no("exemption-open", 422)
               : why == Errc::Full   ? no("exemption-many", 429)
                                     : no("kept", 503);
    }
    note_change(
        asked.login,
        "asked for an exemption of " + asked.address.text() + " on my page, request " +
            std::to_string(*id)
    );
    return go("/exemption", "asked");
}

guide::GuideResponse Visit::withdraw_request() {
    auto found = context_.requests->find(number_of(field("id")));
    if (!found || found->login != who_->account.login) {  // of somebody else: there is none
        return go("/exemption", "");
    }
    found->told = exemption::State::Withdrawn;
    const auto done = exemption::bring(
        {*context_.requests, {context_.leases, context_.journal}},
        *found,
        {exemption::State::Withdrawn, "withdrawn by its owner"},
        who_->account.login,
        *context_.snapshot.policy,
        exemption_terms(context_.snapshot.config.gate),
        context_.now
    );
    if (!done && done.error().code != Errc::Conflict) {
        log::error("MY_STORE_AWAY", done.error().message);
        guide::My my = signed_in(guide::My::Sheet::Exemption);
        fill_exemption(my.exemption);
        return told(std::move(my), "kept", 503);
    }
    return go("/exemption", done ? "withdrawn" : "");
}

}  // namespace sekisho::desk
