// sekisho why: gathers what is known about a message, an account, an address or a reference.
#include "base/bytes.h"
#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/why.h"
#include "config/config.h"
#include "event/event.h"
#include "policy/policy.h"
#include "store/store.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace sekisho::cli {
namespace {

using About = WhyFacts::About;

constexpr std::size_t kEventsMax = 200;

class Gathering {
  public:
    Gathering(const config::Config& config, store::Store& store, const std::string& subject)
        : config_(config), store_(store) {
        facts_.subject = subject;
        facts_.now = now();
    }

    Result<WhyFacts> run() {
        if (const auto address = IpAddress::parse(facts_.subject)) {
            return of_address(*address);
        }
        const auto account = store_.accounts().find(to_lower(facts_.subject));
        if (account) {
            return of_account(*account);
        }
        const auto by_address = store_.accounts().find_by_address(to_lower(facts_.subject));
        if (by_address) {
            return of_account(*by_address);
        }
        auto found = of_message_or_reference();
        if (found || found.error().code != Errc::NotFound || config_.account_sources.empty()) {
            return found;
        }
        return of_account_elsewhere(std::move(found));
    }

  private:
    std::optional<Json> ask_mail(const Json& request) {
        auto answer = ask(config_, "mail", request);
        if (!answer) {
            facts_.mail_runs &= answer.error().code != Errc::Unavailable;
            return std::nullopt;
        }
        return std::move(*answer);
    }
    void ask_limits() {
        const auto answer = ask_mail(Json{{"command", "limit-show"}, {"subject", facts_.subject}});
        if (answer) {
            for (const Json& use : answer->value("uses", Json::array())) {
                facts_.uses.push_back(use);
            }
        }
    }
    Status find(event::Query query) {
        query.limit = kEventsMax;
        auto events = store_.journal().find(query);
        if (!events) {
            return fail(events.error());
        }
        facts_.events = std::move(*events);
        return {};
    }

    Result<WhyFacts> of_address(const IpAddress& address) {
        facts_.about = About::Address;
        event::Query query;
        query.address = address.text();
        if (Status found = find(query); !found) {
            return fail(found.error());
        }
        ask_limits();
        const auto policy = policy::Policy::compile(config_.policy);
        if (policy) {
            facts_.policy = "policy: " + address.text() + " is of class " +
                            (*policy)->written((*policy)->classify(address)).name +
                            "; sekisho gate explain " + address.text() + " SERVER says more";
        }
        return std::move(facts_);
    }

    Result<WhyFacts> of_account(const account::Account& account) {
        facts_.subject = account.login;
        facts_.account_known = true;
        facts_.enabled = account.enabled;
        facts_.disabled_reason = account.disabled_reason;
        event::Query query;
        query.account = account.login;
        if (Status found = find(query); !found) {
            return fail(found.error());
        }
        ask_limits();
        facts_.conduct = ask_mail(Json{{"command", "conduct-show"}, {"account", account.login}});
        return std::move(facts_);
    }

    // An account that lives in another system is known here by what it did.
    Result<WhyFacts> of_account_elsewhere(Result<WhyFacts> unknown) {
        account::Account account;
        account.login = to_lower(facts_.subject);
        facts_.about = About::Account;
        auto found = of_account(account);
        if (!found) {
            return found;
        }
        const bool judged =
            found->conduct && (found->conduct->value("stage", "normal") != "normal" ||
                               found->conduct->value("exempt", false));
        if (found->events.empty() && found->uses.empty() && !judged) {
            return unknown;
        }
        return found;
    }

    Result<WhyFacts> of_message_or_reference() {
        facts_.about = About::Message;
        facts_.message = ask_mail(Json{{"command", "queue-show"}, {"queue_id", facts_.subject}});
        event::Query query;
        query.queue_id = facts_.subject;
        if (Status found = find(query); !found) {
            return fail(found.error());
        }
        if (facts_.events.empty() && !facts_.message) {
            facts_.about = About::Reference;
            query.queue_id.reset();
            query.reference = facts_.subject;
            if (Status found = find(query); !found) {
                return fail(found.error());
            }
        }
        if (facts_.events.empty() && !facts_.message) {
            return fail(
                Errc::NotFound,
                "\"" + facts_.subject +
                    "\" is no queue id, account, address or reference that is known"
            );
        }
        return std::move(facts_);
    }

    const config::Config& config_;
    store::Store& store_;
    WhyFacts facts_;
};

int why(const Context& context, const std::string& subject) {
    const auto config = load_config(context);
    if (!config) {
        return config.error();
    }
    auto store = store::open_store(config->database());
    if (!store) {
        return report(context, store.error());
    }
    const auto facts = Gathering(*config, **store, subject).run();
    if (!facts) {
        return report(context, facts.error());
    }
    const Why answer = explain_why(*facts);
    print(context, why_json(answer), why_text(answer));
    return kDone;
}

}  // namespace

void add_why(CLI::App& app, Context& context, Chosen& chosen) {
    auto subject = std::make_shared<std::string>();
    auto* command = app.add_subcommand(
        "why", "Why something was refused, is held or slow; since when, until when, what to do"
    );
    command->add_option("subject", *subject, "A queue id, an account, an address, or a reference")
        ->required();
    command->callback([&context, &chosen, subject] {
        chosen = [&context, subject] { return why(context, *subject); };
    });
}

}  // namespace sekisho::cli
