// sekisho dkim keygen|list|show|check|rotate|retire|verify: the keys that sign the provider's mail.
#include "arc/verify.h"
#include "base/bytes.h"
#include "base/file.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/dkim_ops.h"
#include "cli/dns_ops.h"
#include "config/config.h"
#include "dkim/keys/keyring.h"
#include "dkim/keys/store.h"
#include "dkim/verify.h"
#include "zone/records.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

struct Options {
    std::string domain, selector, file;
    bool force = false, all = false, at_once = false;
};
using Command = int (*)(const Context&, const config::Config&, const Options&);

std::string zone_line_of(const dkim::KeyEntry& key) {
    zone::Record record;
    record.name = key.dns_name();
    record.type = "TXT";
    record.value = key.record;
    return zone::zone_line(record);
}

Json to_json(const dkim::KeyEntry& key) {
    return Json{
        {"domain", key.domain},
        {"selector", key.selector},
        {"algorithm", name(key.algorithm)},
        {"state", name(key.state)},
        {"since", rfc3339(key.since)},
        {"created", rfc3339(key.created)},
        {"name", key.dns_name()},
        {"record", key.record},
    };
}

// The domains to act on: one of ours that was named, or all of them.
Result<std::vector<std::string>> domains_of(const config::Config& config, const Options& options) {
    if (options.domain.empty()) {
        return config.mail.domains;
    }
    for (const std::string& domain : config.mail.domains) {
        if (iequals(domain, options.domain)) {
            return std::vector<std::string>{domain};
        }
    }
    return fail(Errc::NotFound, options.domain + " is not in mail.domains");
}

int tell_new(
    const Context& context, const std::vector<dkim::KeyEntry>& keys, const std::string& what_next
) {
    Json list = Json::array();
    std::string text;
    for (const dkim::KeyEntry& key : keys) {
        list.push_back(to_json(key));
        text += zone_line_of(key) + "\n";
    }
    if (keys.empty()) {
        text = "every domain has its keys already\n";
    } else {
        text = "; publish:\n" + text + "; " + what_next + "\n";
    }
    text.pop_back();
    print(context, list, text);
    return kDone;
}

int keygen(const Context& context, const config::Config& config, const Options& options) {
    const auto domains = domains_of(config, options);
    if (!domains) {
        return report(context, domains.error());
    }
    const auto store = key_store(config);
    const auto ring = store.read();
    if (!ring) {
        return report(context, ring.error());
    }
    const auto made = store.make(ring->lacking(*domains, dkim_algorithms(config)), now());
    if (!made) {
        return report(context, made.error());
    }
    return tell_new(context, *made, "each key signs once the DNS has it: sekisho dkim check");
}

int list(const Context& context, const config::Config& config, const Options& options) {
    const auto ring = key_store(config).read();
    if (!ring) {
        return report(context, ring.error());
    }
    Json out = Json::array();
    std::vector<std::vector<std::string>> rows;
    for (const dkim::KeyEntry& key : ring->keys()) {
        if ((!options.all && !key.published()) ||
            (!options.domain.empty() && !iequals(key.domain, options.domain))) {
            continue;
        }
        Json one = to_json(key);
        std::string note;
        if (key.state == dkim::KeyState::Retired) {
            one["publish_until"] = rfc3339(key.since + config.dkim.keep_published);
            note = "publish until " + rfc3339(key.since + config.dkim.keep_published);
        } else if (key.state == dkim::KeyState::Waiting) {
            note = "publish " + key.dns_name();
        }
        out.push_back(std::move(one));
        rows.push_back(
            {key.domain,
             key.selector,
             std::string(name(key.algorithm)),
             std::string(name(key.state)),
             rfc3339(key.since),
             note}
        );
    }
    print(
        context,
        out,
        rows.empty() ? "there are no keys: the mail role makes them, or sekisho dkim keygen"
                     : table({"DOMAIN", "SELECTOR", "ALGORITHM", "STATE", "SINCE", ""}, rows)
    );
    return kDone;
}

// The key of the name; with a selector that several domains have, the domain must be told.
Result<dkim::KeyEntry> find_key(const dkim::Keyring& ring, const Options& options) {
    std::vector<dkim::KeyEntry> found;
    for (const dkim::KeyEntry& key : ring.keys()) {
        if (key.selector == options.selector && key.published() &&
            (options.domain.empty() || iequals(key.domain, options.domain))) {
            found.push_back(key);
        }
    }
    if (found.empty()) {
        return fail(Errc::NotFound, "there is no key \"" + printable(options.selector) + "\"");
    }
    if (found.size() > 1) {
        return fail(Errc::Conflict, "several domains have such a key; say which with --domain");
    }
    return found.front();
}

int show(const Context& context, const config::Config& config, const Options& options) {
    const auto ring = key_store(config).read();
    if (!ring) {
        return report(context, ring.error());
    }
    const auto key = find_key(*ring, options);
    if (!key) {
        return report(context, key.error());
    }
    print(
        context,
        to_json(*key),
        fmt::format(
            "; {}, {} since {}\n{}",
            name(key->algorithm),
            name(key->state),
            rfc3339(key->since),
            zone_line_of(*key)
        )
    );
    return kDone;
}

int check(const Context& context, const config::Config& config, const Options& /*options*/) {
    const auto ring = key_store(config).read();
    if (!ring) {
        return report(context, ring.error());
    }
    const auto answers = ask_txt(config, names_to_check(*ring));
    if (!answers) {
        return report(context, answers.error());
    }
    const auto checks = apply_check(config, *answers, now());
    if (!checks) {
        return report(context, checks.error());
    }
    Json out = Json::array();
    std::vector<std::vector<std::string>> rows;
    bool good = true;
    for (const KeyCheck& one : *checks) {
        using Now = KeyCheck::Now;
        good =
            good && (one.now == Now::Signs || one.now == Now::SignsNow || one.now == Now::Removed);
        Json line = to_json(one.key);
        line["check"] = name(one.now);
        if (!one.reason.empty()) {
            line["reason"] = one.reason;
        }
        out.push_back(std::move(line));
        rows.push_back({one.key.dns_name(), std::string(name(one.now)), one.reason});
    }
    print(context, out, rows.empty() ? "there are no keys" : table({"RECORD", "KEY", ""}, rows));
    return good ? kDone : kFailed;
}

int rotate(const Context& context, const config::Config& config, const Options& options) {
    const auto domains = domains_of(config, options);
    if (!domains) {
        return report(context, domains.error());
    }
    const auto store = key_store(config);
    dkim::KeyStore::Wanted wanted;
    for (const std::string& domain : *domains) {
        for (const dkim::Algorithm algorithm : dkim_algorithms(config)) {
            wanted.emplace_back(domain, algorithm);
        }
    }
    const auto made = store.make(wanted, now());
    if (!made) {
        return report(context, made.error());
    }
    if (!options.force) {
        return tell_new(
            context,
            *made,
            "until the DNS has them, the old keys sign on; then they take over by themselves"
        );
    }
    const Status forced = store.update([&](dkim::Keyring& ring) -> Status {
        for (const dkim::KeyEntry& key : *made) {
            if (Status done = ring.activate(key.domain, key.selector, now()); !done) {
                return done;
            }
        }
        return {};
    });
    if (!forced) {
        return report(context, forced.error());
    }
    return tell_new(
        context, *made, "they sign already: until the DNS has them, nobody can verify the mail"
    );
}

int retire(const Context& context, const config::Config& config, const Options& options) {
    const auto store = key_store(config);
    const auto ring = store.read();
    if (!ring) {
        return report(context, ring.error());
    }
    const auto key = find_key(*ring, options);
    if (!key) {
        return report(context, key.error());
    }
    const Status done = store.update([&](dkim::Keyring& current) {
        return options.at_once ? current.remove(key->domain, key->selector, now())
                               : current.retire(key->domain, key->selector, now());
    });
    if (!done) {
        return report(context, done.error());
    }
    const auto after = store.read();
    if (!after) {
        return report(context, after.error());
    }
    const dkim::KeyEntry& now_is = *after->find(key->domain, key->selector);
    std::string text =
        options.at_once
            ? key->dns_name() + ": removed; mail that it signed and that is on its way fails now"
            : key->dns_name() + ": signs no more; publish it until " +
                  rfc3339(now_is.since + config.dkim.keep_published);
    if (after->signing(key->domain, key->algorithm) == nullptr) {
        text += fmt::format(
            "\nnothing signs as {} with {} now; the mail role makes a new key (or: sekisho dkim "
            "keygen)",
            key->domain,
            name(key->algorithm)
        );
    }
    print(context, to_json(now_is), text);
    return kDone;
}

Json chain_json(const arc::Verdict& chain) {
    Json sealers = Json::array();
    for (const auto& one : chain.sealers) {
        sealers.push_back(
            {{"domain", one.domain}, {"selector", one.selector}, {"findings", one.findings}}
        );
    }
    return {
        {"result", name(chain.result)},
        {"reason", chain.reason},
        {"sealers", sealers},
        {"oldest_pass", chain.oldest_pass}
    };
}

std::string chain_text(const arc::Verdict& chain) {
    if (chain.result == arc::Result::None) {
        return "";
    }
    std::string out = fmt::format(
        "\nARC chain: {}{}{}", name(chain.result), chain.reason.empty() ? "" : ": ", chain.reason
    );
    for (std::size_t i = 0; i < chain.sealers.size(); ++i) {
        const auto& one = chain.sealers[i];
        out += fmt::format("\n  {} sealed by {}, which found {}", i + 1, one.domain, one.findings);
    }
    return out;
}

// A file, or standard input: what its signatures are worth by the DNS of now.
int verify(const Context& context, const config::Config& config, const Options& options) {
    constexpr std::size_t size_max = 1U << 30U;
    auto message = read_file(options.file == "-" ? "/dev/stdin" : options.file, size_max);
    if (!message) {
        return report(context, message.error());
    }
    const auto verdicts = verify_message(config, std::move(*message));
    if (!verdicts) {
        return report(context, verdicts.error());
    }
    Json signatures = Json::array();
    std::string text = verdicts->signatures.empty() ? "no signature" : "";
    bool passed = false;
    for (const dkim::Verdict& one : verdicts->signatures) {
        passed = passed || one.status == dkim::Outcome::Pass;
        signatures.push_back(
            {{"result", name(one.status)},
             {"domain", one.domain},
             {"selector", one.selector},
             {"identity", one.identity},
             {"algorithm", one.algorithm},
             {"reason", one.reason},
             {"testing", one.testing}}
        );
        text += fmt::format(
            "{}{} {} {} {}{}{}",
            text.empty() ? "" : "\n",
            name(one.status),
            one.domain,
            one.selector,
            one.algorithm,
            one.reason.empty() ? "" : ": ",
            one.reason
        );
    }
    const Json out{{"signatures", signatures}, {"chain", chain_json(verdicts->chain)}};
    text += chain_text(verdicts->chain);
    print(context, out, text);
    return passed ? kDone : kFailed;
}

CLI::App* add_one(
    CLI::App* dkim,
    Context& context,
    Chosen& chosen,
    const std::shared_ptr<Options>& options,
    const char* name,
    const char* help,
    Command command
) {
    auto* sub = dkim->add_subcommand(name, help);
    sub->callback([&context, &chosen, options, command] {
        chosen = [&context, options, command] {
            const auto config = load_config(context);
            return config ? command(context, *config, *options) : config.error();
        };
    });
    return sub;
}

}  // namespace

void add_dkim(CLI::App& app, Context& context, Chosen& chosen) {
    auto options = std::make_shared<Options>();
    auto* dkim = app.add_subcommand("dkim", "Keys that sign mail: make, list, rotate, retire");
    dkim->require_subcommand(1);
    const auto add = [&](const char* name, const char* help, Command command) {
        return add_one(dkim, context, chosen, options, name, help, command);
    };
    const auto with_domain = [&](CLI::App* sub) {
        sub->add_option("--domain", options->domain, "Only this one of mail.domains");
    };
    with_domain(add("keygen", "Make the keys that are missing, and print their records", keygen));
    auto* listing = add("list", "The keys, their states and what to publish", list);
    with_domain(listing);
    listing->add_flag("--all", options->all, "Removed keys too");
    auto* showing = add("show", "One key's record", show);
    with_domain(showing);
    showing->add_option("selector", options->selector, "s2026a")->required();
    add("check", "Ask the DNS now; keys whose records are there begin to sign", check);
    add("verify", "A message's signatures, by the DNS of now; exit 0 when one passes", verify)
        ->add_option("file", options->file, "The message; - is standard input")
        ->required();
    auto* rotating = add("rotate", "Make new keys that take over once the DNS has them", rotate);
    with_domain(rotating);
    rotating->add_flag("--force", options->force, "Sign with them at once");
    auto* retiring = add("retire", "Sign no more with a key; its record stays for a while", retire);
    with_domain(retiring);
    retiring->add_option("selector", options->selector, "s2026a")->required();
    retiring->add_flag("--now", options->at_once, "Delete it at once, as after a theft");
}

}  // namespace sekisho::cli
