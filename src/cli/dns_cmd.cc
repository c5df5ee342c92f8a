// sekisho dns [check]: what to publish for the mail of our domains, and whether the DNS has it.
#include "base/bytes.h"
#include "base/result.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/dkim_ops.h"
#include "cli/dns_ops.h"
#include "config/config.h"
#include "dkim/keys/keyring.h"
#include "guide/formats.h"
#include "net/certificate.h"
#include "zone/records.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

struct Options {
    std::string domain;
};

// What can't be read is told and left out: the other records are as right without it.
zone::Facts facts_of(const config::Config& config) {
    zone::Facts facts;
    const auto ring = key_store(config).read();
    if (ring) {
        facts.keys = ring->keys();
    } else {
        fmt::print(stderr, "sekisho: no DKIM records: {}\n", ring.error().message);
    }
    const bool has_keys =
        std::any_of(facts.keys.begin(), facts.keys.end(), [](const dkim::KeyEntry& key) {
            return key.published();
        });
    if (ring && !has_keys && config.dkim.sign) {
        fmt::print(
            stderr,
            "sekisho: no DKIM keys yet: the mail role makes them when it starts, or sekisho dkim "
            "keygen\n"
        );
    }
    if (config.settings.pacc) {
        const auto document = guide::pacc_json(config);
        facts.pacc_sha256 = document ? sha256(*document) : "";
    }
    if (const auto policy = guide::mta_sts_policy(config)) {
        facts.sts_sha256 = sha256(*policy);
    }
    if (!config.mail.exchange.empty() && config.mail.mta_sts == "off") {
        fmt::print(
            stderr, "sekisho: no MTA-STS records: mail.mta_sts is \"off\" (testing, enforce)\n"
        );
    }
    if (config.reports.receive.empty()) {
        fmt::print(stderr, "sekisho: no TLSRPT record: reports.receive names no address\n");
    }
    const auto certificate = net::read_certificate(config.tls.certificate, config.mail.hostname);
    if (certificate) {
        facts.certificate_key_sha256 = certificate->key_sha256;
    } else {
        fmt::print(stderr, "sekisho: no TLSA record: {}\n", certificate.error().message);
    }
    return facts;
}

Result<std::vector<zone::Record>> records_of(config::Config config, const Options& options) {
    if (!options.domain.empty()) {
        std::erase_if(config.mail.domains, [&](const std::string& domain) {
            return !iequals(domain, options.domain);
        });
        if (config.mail.domains.empty()) {
            return fail(Errc::NotFound, options.domain + " is not in mail.domains");
        }
    }
    return zone::records_to_publish(config, facts_of(config));
}

Json to_json(const zone::Record& record) {
    Json out{
        {"name", record.name},
        {"type", record.type},
        {"value", record.value},
        {"required", record.required},
        {"why", record.why},
    };
    if (record.kind == zone::Kind::Host) {
        out["value"] = nullptr;
    }
    return out;
}

int show(const Context& context, const Options& options) {
    const auto config = load_config(context);
    if (!config) {
        return config.error();
    }
    const auto records = records_of(*config, options);
    if (!records) {
        return report(context, records.error());
    }
    Json list = Json::array();
    for (const zone::Record& record : *records) {
        list.push_back(to_json(record));
    }
    std::string text = zone::zone_text(*records);
    text.pop_back();
    print(context, list, text);
    return kDone;
}

std::string findings_text(const std::vector<zone::Finding>& findings) {
    std::vector<std::vector<std::string>> rows;
    std::string details;
    for (const zone::Finding& one : findings) {
        const bool host = one.record.kind == zone::Kind::Host;
        rows.push_back(
            {std::string(name(one.state)) + (one.fault() ? " !" : ""),
             host ? "A/AAAA" : one.record.type,
             one.record.name}
        );
        if (one.state == zone::State::Right) {
            continue;
        }
        details += fmt::format("\n{}: {}: {}\n", one.record.name, name(one.state), one.record.why);
        if (!host) {
            details += "  publish  " + zone::zone_line(one.record) + "\n";
        }
        for (const std::string& there : one.there) {
            details += "  there is " + printable(there, 500) + "\n";
        }
        if (!one.error.empty()) {
            details += "  " + one.error + "\n";
        }
    }
    std::string text = table({"DNS", "TYPE", "NAME"}, rows) + details;
    while (text.ends_with('\n')) {
        text.pop_back();
    }
    return text;
}

int check(const Context& context, const Options& options) {
    const auto config = load_config(context);
    if (!config) {
        return config.error();
    }
    const auto records = records_of(*config, options);
    if (!records) {
        return report(context, records.error());
    }
    const auto findings = check_records(*config, *records);
    if (!findings) {
        return report(context, findings.error());
    }
    Json list = Json::array();
    bool good = true;
    for (const zone::Finding& one : *findings) {
        Json line = to_json(one.record);
        line["state"] = name(one.state);
        line["fault"] = one.fault();
        line["there"] = one.there;
        if (!one.error.empty()) {
            line["error"] = one.error;
        }
        list.push_back(std::move(line));
        good = good && !one.fault();
    }
    print(context, list, findings_text(*findings));
    return good ? kDone : kFailed;
}

}  // namespace

void add_dns(CLI::App& app, Context& context, Chosen& chosen) {
    auto options = std::make_shared<Options>();
    auto* dns = app.add_subcommand("dns", "What to publish in the DNS, as a zone file");
    dns->require_subcommand(0, 1);
    dns->add_option("--domain", options->domain, "Only this one of mail.domains");
    auto* checking =
        dns->add_subcommand("check", "Ask the resolvers, and compare; exit 1 when mail suffers");
    checking->add_option("--domain", options->domain, "Only this one of mail.domains");
    checking->callback([&context, &chosen, options] {
        chosen = [&context, options] { return check(context, *options); };
    });
    dns->callback([&context, &chosen, options, checking] {
        if (!checking->parsed()) {
            chosen = [&context, options] { return show(context, *options); };
        }
    });
}

}  // namespace sekisho::cli
