// What the session offers, and says of itself.
#include "base/time.h"
#include "smtp/command.h"
#include "smtp/reply.h"
#include "smtp/server_session.h"
#include "smtp/xclient.h"

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

namespace sekisho::smtp {

Reply ServerSession::greeting() const {
    // RFC 5321 §4.2: the greeting begins with our name; RFC 2034 §4 keeps enhanced codes out.
    return reply(220, "", options_.hostname + " ESMTP Sekisho");
}

void ServerSession::add_mechanism(std::string mechanism) {
    options_.mechanisms.push_back(std::move(mechanism));
}

CommandRules ServerSession::rules() const {
    CommandRules rules;
    const bool submission = options_.service == Service::Submission;
    rules.auth = submission && tls_ && !options_.mechanisms.empty();
    rules.future_release = rules.auth && options_.future_release_max.count() > 0;
    rules.utf8_transaction = transaction_.mail.smtputf8;
    rules.binarymime = options_.binarymime;
    rules.deliver_by = options_.deliver_by_min.has_value();
    rules.priority = options_.priority;
    rules.require_tls = options_.require_tls && tls_;
    rules.xclient = options_.xclient;
    if (!extended_) {
        rules.size = rules.eightbit = rules.smtputf8 = rules.dsn = rules.chunking =
            rules.future_release = rules.binarymime = rules.deliver_by = rules.priority =
                rules.require_tls = false;
    }
    return rules;
}

std::string ServerSession::with_guide(std::string text, std::string_view page) const {
    return options_.guide_url.empty() ? text
                                      : fmt::format("{}; see {}{}", text, options_.guide_url, page);
}

std::string ServerSession::protocol() const {
    std::string out = extended_ ? (transaction_.mail.smtputf8 ? "UTF8SMTP" : "ESMTP") : "SMTP";
    if (extended_) {
        out += tls_ ? "S" : "";
        out += login_.empty() ? "" : "A";
    }
    return out;
}

// What is offered by configuration, or under TLS only.
void ServerSession::offer_options(Reply& out) const {
    if (options_.binarymime) {
        out.lines.emplace_back("BINARYMIME");
    }
    if (options_.deliver_by_min) {
        const auto least = options_.deliver_by_min->count();  // RFC 2852 §2
        out.lines.push_back(least > 0 ? fmt::format("DELIVERBY {}", least) : "DELIVERBY");
    }
    if (options_.priority) {
        out.lines.emplace_back("MT-PRIORITY");  // no profile's name: the default one, -9 to 9
    }
    if (options_.xclient) {
        out.lines.emplace_back(kXClientOffer);
    }
    if (options_.require_tls && tls_) {
        out.lines.emplace_back("REQUIRETLS");  // RFC 8689 §2: not before STARTTLS
    }
}

Reply ServerSession::hello_reply() const {
    Reply out{250, "", {options_.hostname}};
    out.lines.emplace_back("PIPELINING");
    out.lines.push_back(fmt::format("SIZE {}", options_.message_size_max));
    out.lines.emplace_back("8BITMIME");
    out.lines.emplace_back("SMTPUTF8");
    out.lines.emplace_back("ENHANCEDSTATUSCODES");
    out.lines.emplace_back("DSN");
    out.lines.emplace_back("CHUNKING");
    offer_options(out);
    out.lines.push_back(fmt::format("LIMITS RCPTMAX={}", options_.recipients_max));  // RFC 9422
    if (options_.tls_available && !tls_) {
        out.lines.emplace_back("STARTTLS");
    }
    // RFC 4954 §4, RFC 8314 §3.1: no password in the clear, so AUTH appears under TLS only.
    if (options_.service == Service::Submission && tls_ && !options_.mechanisms.empty()) {
        std::string auth = "AUTH";
        for (const std::string& mechanism : options_.mechanisms) {
            auth += " " + mechanism;
        }
        out.lines.push_back(std::move(auth));
        if (options_.future_release_max.count() > 0) {
            out.lines.push_back(fmt::format(
                "FUTURERELEASE {} {}",
                options_.future_release_max.count(),
                rfc3339(options_.began + options_.future_release_max)
            ));
        }
    }
    return out;
}

void ServerSession::on_hello(const Command& command) {
    // RFC 5321 §4.1.4: a later EHLO is a RSET too.
    reset_transaction();
    helo_ = command.argument;
    extended_ = command.verb == Verb::Ehlo;
    say(extended_ ? hello_reply() : reply(250, "", options_.hostname));
    flush_ = true;
    count_idle();
}

}  // namespace sekisho::smtp
