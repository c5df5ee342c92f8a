#include "zone/records.h"

#include "base/bytes.h"
#include "base/ip.h"
#include "config/config.h"
#include "dkim/keys/keyring.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::zone {
namespace {

constexpr int kTtl = 3600;
constexpr std::size_t kStringMax = 255;

// Of "https://guide.example.net:8443/x" and of "guide.example.net:25"; an IPv6 address without its
// brackets.
std::string host_of(std::string_view url) {
    const std::size_t scheme = url.find("://");
    if (scheme != std::string_view::npos) {
        url.remove_prefix(scheme + 3);
    }
    url = url.substr(0, url.find('/'));
    if (url.starts_with('[')) {
        return std::string(url.substr(1, url.find(']') - 1));
    }
    return std::string(url.substr(0, url.find(':')));
}

class Plan {
  public:
    Plan(const config::Config& config, const Facts& facts) : config_(config), facts_(facts) {}

    std::vector<Record> run() {
        host();
        for (const std::string& written : config_.mail.domains) {
            domain(to_lower(written));
        }
        return std::move(out_);
    }

  private:
    Record& add(Kind kind, std::string name, std::string type, std::string value) {
        Record record;
        record.kind = kind;
        record.name = std::move(name);
        record.type = std::move(type);
        record.value = std::move(value);
        // A domain that is the host's own, or named twice, asks for the same record once.
        const auto same = std::find_if(out_.begin(), out_.end(), [&](const Record& other) {
            return other.name == record.name && other.type == record.type &&
                   (other.value == record.value || (other.kind == kind && kind == Kind::Spf));
        });
        if (same != out_.end()) {
            return *same;
        }
        out_.push_back(std::move(record));
        return out_.back();
    }

    // The mail server itself, once for all domains.
    void host() {
        const std::string name = to_lower(config_.mail.hostname);
        Record& address = add(Kind::Host, name, "A", "");
        address.required = true;
        address.why =
            "the mail server's addresses, IPv4 and IPv6, each with a PTR record that "
            "names it";
        if (!ours(name)) {
            add(Kind::Spf, name, "TXT", "v=spf1 a -all").why =
                "SPF of the name that the server says in HELO";
        }
        if (!facts_.certificate_key_sha256.empty() && !config_.mail.exchange.empty()) {
            Record& tlsa =
                add(Kind::Tlsa,
                    "_25._tcp." + name,
                    "TLSA",
                    normal_tlsa(3, 1, 1, facts_.certificate_key_sha256));
            tlsa.exact = true;
            tlsa.why =
                "DANE: the key of the certificate in use; only in a zone signed by DNSSEC, "
                "and to be changed before the key is";
        }
    }

    void domain(const std::string& name) {
        if (!config_.mail.exchange.empty()) {
            constexpr std::uint16_t preference = 10;
            Record& mx = add(Kind::Mx, name, "MX", normal_mx(preference, config_.mail.hostname));
            mx.required = mx.exact = true;
            mx.why = "where mail for the domain goes";
        }
        Record& spf = add(Kind::Spf, name, "TXT", spf_text());
        spf.required = true;
        spf.why = "SPF: who sends mail of the domain";
        for (const dkim::KeyEntry& key : facts_.keys) {
            if (key.domain == name && key.published()) {
                dkim(key);
            }
        }
        const std::string& receive = config_.reports.receive;
        const std::string reports = receive.empty() ? "postmaster@" + name : receive;
        Record& dmarc =
            add(Kind::Dmarc, "_dmarc." + name, "TXT", "v=DMARC1; p=none; rua=mailto:" + reports);
        dmarc.why =
            "DMARC: reports first; p=quarantine or p=reject when they show nothing of yours";
        if (!receive.empty()) {
            reports_to(name, to_lower(receive.substr(receive.rfind('@') + 1)));
        }
        services(name);
        autoconfig(name);
    }

    // RFC 8460 §3; and RFC 9990 §4: that the other domain wants reports about this one.
    void reports_to(const std::string& name, const std::string& host) {
        add(Kind::TlsReports,
            "_smtp._tls." + name,
            "TXT",
            "v=TLSRPTv1; rua=mailto:" + config_.reports.receive)
            .why = "TLS reports: whether others reach the mail host with the TLS that you publish";
        if (host != name && !host.ends_with("." + name) && !name.ends_with("." + host)) {
            add(Kind::Dmarc, name + "._report._dmarc." + host, "TXT", "v=DMARC1").why =
                host + " takes DMARC reports about " + name;
        }
    }

    [[nodiscard]] std::string spf_text() const {
        const bool by_mx = !config_.mail.exchange.empty();
        const std::string own = by_mx ? "mx" : "a:" + to_lower(config_.mail.hostname);
        if (config_.delivery.smarthost.empty()) {
            return "v=spf1 " + own + " ~all";
        }
        const std::string host = host_of(config_.delivery.smarthost);
        const auto address = IpAddress::parse(host);
        const std::string kind = !address ? "a:" : (address->is_v4() ? "ip4:" : "ip6:");
        return "v=spf1 " + own + " " + kind + host + " ~all";
    }

    void dkim(const dkim::KeyEntry& key) {
        Record& record = add(Kind::Dkim, key.dns_name(), "TXT", key.record);
        record.key = key;
        record.exact = true;
        record.required = key.state != dkim::KeyState::Retired;
        record.why = fmt::format("DKIM key, {}, {}", name(key.algorithm), name(key.state));
    }

    void service(
        const std::string& domain, const char* label, std::uint16_t port, const std::string& host
    ) {
        add(Kind::Srv, std::string(label) + "._tcp." + domain, "SRV", normal_srv(0, 1, port, host))
            .why = "mail programs find their settings";
    }
    void services(const std::string& domain) {
        const config::Settings& settings = config_.settings;
        if (!config_.mail.submission.empty()) {
            service(domain, "_submission", settings.submission_port, settings.outgoing_host);
        }
        if (!config_.mail.submissions.empty()) {
            service(domain, "_submissions", settings.submissions_port, settings.outgoing_host);
        }
        const bool imap = settings.incoming_type == "imap";
        if (imap || settings.incoming_type == "pop3") {
            constexpr std::uint16_t imap_plain = 143;
            constexpr std::uint16_t pop3_plain = 110;
            const bool plain = settings.incoming_port == (imap ? imap_plain : pop3_plain);
            const char* label = imap ? (plain ? "_imap" : "_imaps") : (plain ? "_pop3" : "_pop3s");
            service(domain, label, settings.incoming_port, settings.incoming_host);
        }
    }

    void autoconfig(const std::string& domain) {
        const std::string host = host_of(config_.provider.guide_url);
        if (host.empty()) {
            return;
        }
        const auto address = IpAddress::parse(host);
        const std::string type = !address ? "CNAME" : (address->is_v4() ? "A" : "AAAA");
        const std::string target = address ? host : to_lower(host) + ".";
        for (const char* label : {"autoconfig.", "autodiscover."}) {
            if (label + domain + "." != target) {
                add(Kind::Alias, label + domain, type, target).why =
                    "mail programs ask the guide for their settings";
            }
        }
    }

    [[nodiscard]] bool ours(const std::string& name) const {
        return std::any_of(
            config_.mail.domains.begin(),
            config_.mail.domains.end(),
            [&](const std::string& domain) { return iequals(domain, name); }
        );
    }

    const config::Config& config_;
    const Facts& facts_;
    std::vector<Record> out_;
};

}  // namespace

std::vector<Record> records_to_publish(const config::Config& config, const Facts& facts) {
    return Plan(config, facts).run();
}

std::string quoted_txt(const std::string& text) {
    std::string out;
    std::string_view rest = text;
    do {
        out += out.empty() ? "\"" : " \"";
        for (const char c : rest.substr(0, kStringMax)) {
            if (c == '"' || c == '\\') {
                out += '\\';
            }
            out += c;
        }
        out += '"';
        rest.remove_prefix(std::min(kStringMax, rest.size()));
    } while (!rest.empty());
    return out;
}

std::string zone_line(const Record& record) {
    const std::string data = record.type == "TXT" ? quoted_txt(record.value) : record.value;
    return fmt::format("{}. {} IN {} {}", record.name, kTtl, record.type, data);
}

std::string zone_text(const std::vector<Record>& records) {
    std::string out;
    std::string why;
    for (const Record& record : records) {
        if (record.why != why) {
            why = record.why;
            out += (out.empty() ? "; " : "\n; ") +
                   (record.kind == Kind::Host ? record.name + ": " : "") + why +
                   (record.required ? "" : " (recommended)") + "\n";
        }
        if (record.kind != Kind::Host) {
            out += zone_line(record) + "\n";
        }
    }
    return out;
}

std::string normal_mx(std::uint16_t preference, const std::string& host) {
    return fmt::format("{} {}.", preference, to_lower(host));
}

std::string normal_srv(
    std::uint16_t priority, std::uint16_t weight, std::uint16_t port, const std::string& target
) {
    return fmt::format("{} {} {} {}.", priority, weight, port, to_lower(target));
}

std::string normal_tlsa(
    std::uint8_t usage, std::uint8_t selector, std::uint8_t matching, const std::string& octets
) {
    return fmt::format("{} {} {} {}", usage, selector, matching, hex(octets));
}

}  // namespace sekisho::zone
