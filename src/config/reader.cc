#include "config/reader.h"

#include "base/bytes.h"
#include "base/file.h"
#include "config/keys.h"
#include "delivery/routes/rule.h"
#include "delivery/tls/policy.h"
#include "limit/spec.h"
#include "policy/policy.h"
#include "policy/stages.h"

#include <algorithm>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <numeric>
#include <sstream>
#include <string>
#include <string_view>
#include <toml++/toml.h>
#include <utility>
#include <vector>

namespace sekisho::config {
namespace {

// Levenshtein distance, for "did you mean".
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t above = row[j];
            row[j] =
                std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0U : 1U)});
            diagonal = above;
        }
    }
    return row[b.size()];
}

class Nearest {
  public:
    explicit Nearest(std::string wanted) : wanted_(std::move(wanted)) {}
    void offer(const std::string& name) {
        const std::size_t d = distance(wanted_, name);
        if (d < best_) {
            best_ = d;
            name_ = name;
        }
    }
    [[nodiscard]] std::string hint() const {
        const bool close = best_ <= std::max<std::size_t>(2, wanted_.size() / 3);
        return close ? "; did you mean `" + name_ + "`?" : "";
    }

  private:
    std::string wanted_;
    std::string name_;
    std::size_t best_ = static_cast<std::size_t>(-1);
};

class Reader {
  public:
    explicit Reader(std::string name) : name_(std::move(name)) {}

    Loaded read(std::string_view text) {
        config_.file = name_;
        apply(defaults_toml());
        if (!apply(text) || !problems_.empty()) {
            return std::unexpected(std::move(problems_));
        }
        check();
        if (!problems_.empty()) {
            return std::unexpected(std::move(problems_));
        }
        return std::move(config_);
    }

  private:
    bool apply(std::string_view text) {
        toml::table root;
        try {
            root = toml::parse(text, name_);
        } catch (const toml::parse_error& error) {
            problems_.push_back(
                {name_, error.source().begin.line, "", std::string(error.description())}
            );
            return false;
        }
        for (const auto& [key, node] : root) {
            top_level(std::string(key.str()), key.source().begin.line, node);
        }
        return true;
    }

    void top_level(const std::string& key, std::uint32_t line, const toml::node& node) {
        if (policy_table(key, line, node) || delivery_table(key, line, node)) {
            return;
        }
        if (key == line_source_table().name) {
            each(
                line_source_table(),
                key,
                line,
                node,
                [this](LineSource& source, std::uint32_t at) { add_line_source(source, at); }
            );
            return;
        }
        if (key == account_source_table().name) {
            each(
                account_source_table(),
                key,
                line,
                node,
                [this](AccountSource& source, std::uint32_t at) { add_account_source(source, at); }
            );
            return;
        }
        if (key == milter_table().name) {
            checked(milter_table(), line, node, config_.milters);
            return;
        }
        if (key == limit_table().name) {
            each(limit_table(), key, line, node, [this](LimitTable& table, std::uint32_t at) {
                limits_.emplace_back(std::move(table), at);
            });
            return;
        }
        Nearest nearest(key);
        for (const Table<Config>& table : tables()) {
            if (table.name.empty()) {
                for (const Key<Config>& one : table.keys) {
                    nearest.offer(one.name);
                    if (one.name == key) {
                        value(one, key, config_, node);
                        return;
                    }
                }
                continue;
            }
            nearest.offer(table.name);
            if (table.name == key) {
                section(table, line, node);
                return;
            }
        }
        nearest.offer(class_table().name);
        nearest.offer(region_table().name);
        nearest.offer(rule_table().name);
        nearest.offer(line_source_table().name);
        nearest.offer(account_source_table().name);
        nearest.offer(milter_table().name);
        nearest.offer(route_table().name);
        nearest.offer(source_table().name);
        nearest.offer(destination_table().name);
        nearest.offer(limit_table().name);
        problem(line, key, "unknown key" + nearest.hint());
    }

    bool delivery_table(const std::string& key, std::uint32_t line, const toml::node& node) {
        config::Delivery& all = config_.delivery;
        if (key == route_table().name) {
            checked(route_table(), line, node, all.routes);
        } else if (key == source_table().name) {
            checked(source_table(), line, node, all.sources);
        } else if (key == destination_table().name) {
            checked(destination_table(), line, node, all.destinations);
        } else {
            return false;
        }
        return true;
    }

    // A table of which each is looked at beside those before it.
    template <class T>
    void checked(
        const Table<T>& table, std::uint32_t line, const toml::node& node, std::vector<T>& all
    ) {
        each(table, table.name, line, node, [&](T& one, std::uint32_t at) {
            for (auto& [name, text] : faults_of(one, all)) {
                problem(at, table.name + (name.empty() ? "" : "." + name), std::move(text));
            }
            all.push_back(std::move(one));
        });
    }

    bool policy_table(const std::string& key, std::uint32_t line, const toml::node& node) {
        policy::Source& policy = config_.policy;
        if (key == class_table().name) {
            each(class_table(), key, line, node, [&](ClassTable& t, std::uint32_t at) {
                policy.classes.push_back(with_files(t, at, "class.files"));
            });
            return true;
        }
        if (key == region_table().name) {
            each(region_table(), key, line, node, [&](RegionTable& t, std::uint32_t at) {
                policy.regions.push_back(with_files(t, at, "region.files"));
            });
            return true;
        }
        if (key == rule_table().name) {
            each(rule_table(), key, line, node, [&](policy::RuleSource& rule, std::uint32_t at) {
                rule.origin = origin(at);
                for (policy::Step& step : rule.steps) {
                    step.origin = name_ + ":" + step.origin;
                }
                policy.rules.push_back(std::move(rule));
            });
            return true;
        }
        return false;
    }

    void section(const Table<Config>& table, std::uint32_t line, const toml::node& node) {
        const toml::table* content = node.as_table();
        if (content == nullptr) {
            problem(line, table.name, "expected a table, [" + table.name + "]");
            return;
        }
        for (const auto& [key, inner] : *content) {
            if (table.name == "radius" && key.str() == "client") {
                const std::uint32_t at = key.source().begin.line;
                each(
                    radius_client_table(),
                    radius_client_table().name,
                    at,
                    inner,
                    [this](Radius::Client& c, std::uint32_t) {
                        config_.radius.clients.push_back(std::move(c));
                    }
                );
                continue;
            }
            one_key(
                table,
                table.name + "." + std::string(key.str()),
                std::string(key.str()),
                key.source().begin.line,
                config_,
                inner
            );
        }
    }

    template <class T>
    bool one_key(
        const Table<T>& table,
        const std::string& path,
        const std::string& key,
        std::uint32_t line,
        T& target,
        const toml::node& node
    ) {
        Nearest nearest(key);
        for (const Key<T>& one : table.keys) {
            nearest.offer(one.name);
            if (one.name == key) {
                return value(one, path, target, node);
            }
        }
        problem(line, path, "unknown key" + nearest.hint());
        return false;
    }

    template <class T>
    bool value(const Key<T>& key, const std::string& path, T& target, const toml::node& node) {
        if (auto wrong = key.read(target, node)) {
            problem(node.source().begin.line, path, *wrong);
            return false;
        }
        return true;
    }

    // An array of tables: one T for each, complete and right, is handed to `take`.
    template <class T, class Take>
    void each(
        const Table<T>& table,
        const std::string& path,
        std::uint32_t line,
        const toml::node& node,
        Take take
    ) {
        const toml::array* array = node.as_array();
        if (array == nullptr || !array->is_array_of_tables()) {
            problem(line, path, "expected tables, [[" + path + "]]");
            return;
        }
        for (const toml::node& item : *array) {
            const toml::table& content = *item.as_table();
            T target{};
            bool good = true;
            for (const auto& [key, inner] : content) {
                good &= one_key(
                    table,
                    path + "." + std::string(key.str()),
                    std::string(key.str()),
                    key.source().begin.line,
                    target,
                    inner
                );
            }
            for (const Key<T>& key : table.keys) {
                if (key.fallback.empty() && !content.contains(key.name)) {
                    problem(item.source().begin.line, path + "." + key.name, "is missing");
                    good = false;
                }
            }
            if (good) {
                take(target, item.source().begin.line);
            }
        }
    }

    // A class or a region with the prefixes of its files.
    template <class T>
    decltype(T::source) with_files(T& table, std::uint32_t line, const std::string& key) {
        table.source.origin = origin(line);
        for (const std::string& file : table.files) {
            const std::filesystem::path folder = std::filesystem::path(name_).parent_path();
            const std::string path = (folder / file).string();
            const auto text = read_file(path);
            if (!text) {
                problem(line, key, text.error().message);
                continue;
            }
            auto prefixes = parse_prefix_file(*text, path);
            if (!prefixes) {
                problems_.insert(problems_.end(), prefixes.error().begin(), prefixes.error().end());
                continue;
            }
            table.source.prefixes.insert(
                table.source.prefixes.end(), prefixes->begin(), prefixes->end()
            );
            config_.watched_files.push_back(path);
        }
        return std::move(table.source);
    }

    void add_line_source(LineSource& source, std::uint32_t line) {
        const auto same = std::ranges::find(config_.lines, source.name, &LineSource::name);
        if (same != config_.lines.end()) {
            problem(line, "lines.name", "\"" + source.name + "\" is there already");
        }
        if (source.name.empty() || source.name.size() > 64 || source.file.empty()) {
            problem(line, "lines", "name (up to 64 bytes) and file can't be empty");
        }
        if ((source.kind == "kea") == source.identity.empty()) {
            problem(
                line,
                "lines.identity",
                source.kind == "kea" ? "is missing; kind = \"kea\" needs it"
                                     : "is for kind = \"kea\" alone"
            );
        }
        config_.lines.push_back(std::move(source));
    }

    void add_account_source(AccountSource& source, std::uint32_t line) {
        for (auto& [key, text] : faults_of(source, config_.account_sources)) {
            problem(line, "account_source" + (key.empty() ? "" : "." + key), std::move(text));
        }
        config_.account_sources.push_back(std::move(source));
    }

    // A day begins when [limits] says, which may stand anywhere.
    void add_limits() {
        for (const auto& [table, line] : limits_) {
            const std::string& name = table.spec.name;
            auto spec = spec_of(table, config_.limits.time_zone);
            if (!spec) {
                problem(line, "limit", "\"" + name + "\": " + spec.error().message);
                continue;
            }
            if (name.empty() || name.size() > 64) {
                problem(line, "limit.name", "must have 1 to 64 bytes");
            }
            if (std::ranges::find(config_.limit, name, &limit::Spec::name) != config_.limit.end()) {
                problem(line, "limit.name", "\"" + name + "\" is there already");
            }
            config_.limit.push_back(std::move(*spec));
        }
    }

    // What no single key can tell.
    void check() {
        for (const auto& faults :
             {source_faults(config_.delivery),
              conduct_faults(config_.conduct),
              evidence_faults(config_.peer_evidence),
              report_faults(config_.reports),
              acme_faults(config_),
              destination_faults(config_)}) {
            for (const auto& [key, text] : faults) {
                problem(0, key, text);
            }
        }
        add_limits();
        if (config_.tls.certificate.empty() != config_.tls.key.empty()) {
            problem(0, "tls", "certificate and key go together: give both or neither");
        }
        check_oauth();
        check_forwarding();
        if (config_.queue.segment_size < config_.mail.message_size_max + 1024 * 1024) {
            problem(
                0,
                "queue.segment_size",
                "must be at least mail.message_size_max and 1MiB more, so that a message fits in a "
                "segment"
            );
        }
        if (config_.delivery.local == "lmtp" && config_.delivery.lmtp.empty()) {
            problem(0, "delivery.lmtp", "is missing; delivery.local = \"lmtp\" needs it");
        }
        if (config_.delivery.trust_anchor.empty() &&
            std::ranges::any_of(config_.delivery.tls, [](const delivery::TlsRule& rule) {
                return rule.level == delivery::TlsLevel::Dane;
            })) {
            problem(
                0,
                "delivery.trust_anchor",
                "is missing; \"dane\" in delivery.tls needs answers that are validated here"
            );
        }
        if (!config_.delivery.ipv4 && !config_.delivery.ipv6) {
            problem(0, "delivery", "ipv4 and ipv6 are both off: nothing could be delivered");
        }
        if (!config_.radius.listen.empty() && config_.radius.clients.empty()) {
            problem(
                0, "radius.client", "is missing; radius.listen takes packets from nobody without it"
            );
        }
        if (config_.radius.forward.empty() != config_.radius.forward_secret.empty()) {
            problem(0, "radius", "forward and forward_secret go together: give both or neither");
        }
        for (const std::string& pair : config_.mail.port_fallback) {
            const auto parts = split(pair, '=');
            if (parts.size() != 2 || !Endpoint::parse("0.0.0.0:" + std::string(parts[0])) ||
                !Endpoint::parse("0.0.0.0:" + std::string(parts[1]))) {
                problem(0, "mail.port_fallback", "\"" + pair + "\" is not \"PORT=PORT\"");
            }
        }
        if (config_.gate.exempt_requests != "off" && config_.gate.exempt_class.empty()) {
            problem(0, "gate.exempt_requests", "needs gate.exempt_class");
        }
        if (const Status policy = policy::check_all(config_.policy); !policy) {
            problems_.push_back({"", 0, "", policy.error().message});
        } else {
            check_class("gate.exempt_class", config_.gate.exempt_class);
            check_class("gate.penalty_class", config_.gate.penalty_class);
        }
    }

    // Where bounces of forwarded mail come back to.
    void check_forwarding() {
        const std::string& domain = config_.forwarding.srs_domain;
        std::vector<std::string> ours = config_.mail.domains;
        if (ours.empty()) {
            ours.push_back(config_.provider.domain);
        }
        if (!domain.empty() && std::ranges::none_of(ours, [&domain](const std::string& one) {
                return iequals(one, domain);
            })) {
            problem(0, "forwarding.srs_domain", "\"" + domain + "\" is not one of mail.domains");
        }
    }

    void check_oauth() {
        const OAuth& oauth = config_.oauth;
        if (!oauth.keys.empty() && !oauth.introspection.empty()) {
            problem(0, "oauth", "keys and introspection: give one of them");
        }
        if (!oauth.keys.empty() && (oauth.issuer.empty() || oauth.audiences.empty())) {
            problem(0, "oauth", "issuer and audiences are missing; keys need both");
        }
        if (oauth.enabled() && oauth.claim.empty()) {
            problem(0, "oauth.claim", "is empty; it names the account");
        }
        for (const std::string& pair : config_.tls.client_logins) {
            const auto parts = split(pair, '=');
            constexpr std::size_t kDigits = 64;
            if (parts.size() != 2 || parts[0].size() != kDigits || !unhex(parts[0]) ||
                parts[1].empty()) {
                problem(0, "tls.client_logins", "\"" + pair + "\" is not \"SHA256=LOGIN\"");
            }
        }
    }

    void check_class(std::string key, const std::string& wanted) {
        const policy::Source& policy = config_.policy;
        const bool known =
            wanted == policy.default_class ||
            std::any_of(policy.classes.begin(), policy.classes.end(), [&](const auto& one) {
                return one.name == wanted;
            });
        if (!wanted.empty() && !known) {
            problem(0, std::move(key), "\"" + wanted + "\" is no [[class]] of this file");
        }
    }

    [[nodiscard]] std::string origin(std::uint32_t line) const {
        return name_ + ":" + std::to_string(line);
    }
    void problem(std::uint32_t line, std::string key, std::string text) {
        problems_.push_back({name_, line, std::move(key), std::move(text)});
    }

    std::string name_;
    Config config_;
    std::vector<std::pair<LimitTable, std::uint32_t>> limits_;
    std::vector<Problem> problems_;
};

}  // namespace

std::string Problem::message() const {
    std::string out = file;
    if (!file.empty()) {
        out += (line == 0 ? "" : ":" + std::to_string(line)) + ": ";
    }
    return out + (key.empty() ? "" : key + ": ") + text;
}

Loaded load(const std::string& path) {
    const auto text = read_file(path);
    if (!text) {
        return std::unexpected(std::vector<Problem>{{"", 0, "", text.error().message}});
    }
    return parse(*text, path);
}

Loaded parse(std::string_view text, const std::string& name) {
    return Reader(name).read(text);
}

std::expected<std::vector<Prefix>, std::vector<Problem>> parse_prefix_file(
    std::string_view text, const std::string& name
) {
    std::vector<Prefix> prefixes;
    std::vector<Problem> problems;
    std::uint32_t line = 0;
    for (std::string_view row : split(text, '\n')) {
        ++line;
        row = trim(row.substr(0, row.find('#')));
        if (row.empty()) {
            continue;
        }
        const auto prefix = Prefix::parse(row);
        if (prefix) {
            prefixes.push_back(*prefix);
        } else {
            problems.push_back({name, line, "", prefix.error().message});
        }
    }
    if (!problems.empty()) {
        return std::unexpected(std::move(problems));
    }
    return prefixes;
}

}  // namespace sekisho::config
