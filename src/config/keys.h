// The one declaration of every key. Private to the room: it names the TOML library.
#pragma once

#include "base/result.h"
#include "base/time_zone.h"
#include "config/config.h"
#include "limit/spec.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <toml++/toml.h>
#include <utility>
#include <vector>

namespace sekisho::config {

// A key of the table that fills a T.
template <class T>
struct Key {
    std::string name;      // inside its table
    std::string type;      // for people: "string", "size", "list of endpoints"
    std::string range;     // for people: "100 to 50000", "xdp | nftables | none"; may be empty
    std::string fallback;  // the default in TOML; empty: the key is required
    std::string help;
    bool live = true;  // takes effect with `sekisho reload`; else at the next start
    // Puts the value in its place, or says what was expected.
    std::function<std::optional<std::string>(T&, const toml::node&)> read;
};

template <class T>
struct Table {
    std::string name;  // "mail"; "[[class]]" is "class" with many = true
    bool many = false;
    std::string help;
    std::vector<Key<T>> keys;
};

// What [[class]] says before its files are read.
struct ClassTable {
    policy::ClassSource source;
    std::vector<std::string> files;
};

// The same of [[region]].
struct RegionTable {
    policy::RegionSource source;
    std::vector<std::string> files;
};

// What [[limit]] says before it is known what [limits] says.
struct LimitTable {
    limit::Spec spec;
    std::string rate;
    std::uint64_t burst = 0;
    std::int64_t per_day = 0;
    std::optional<TimeZone> time_zone;
};

[[nodiscard]] const std::vector<Table<Config>>& tables();
[[nodiscard]] std::vector<Key<Config>> smtp_keys();                // a part of [mail]
[[nodiscard]] std::vector<Key<Config>> client_certificate_keys();  // a part of [tls]
[[nodiscard]] Table<Config> oauth_table();                         // a part of mail_tables()
[[nodiscard]] std::vector<Key<Config>> delivery_tls_keys();        // a part of [delivery]
[[nodiscard]] std::vector<Table<Config>> mail_tables();            // a part of tables()
[[nodiscard]] const Table<ClassTable>& class_table();
[[nodiscard]] const Table<RegionTable>& region_table();
[[nodiscard]] const Table<policy::RuleSource>& rule_table();
[[nodiscard]] const Table<Radius::Client>& radius_client_table();
[[nodiscard]] const Table<LineSource>& line_source_table();
[[nodiscard]] const Table<AccountSource>& account_source_table();
// What is wrong with it beside those that are there already: key (empty: the whole of it), text.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> faults_of(
    const AccountSource& source, const std::vector<AccountSource>& others
);
[[nodiscard]] const Table<Milter>& milter_table();
// Fills in where it listens; what is wrong with it beside those that are there already: key, text.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> faults_of(
    Milter& milter, const std::vector<Milter>& others
);
[[nodiscard]] const Table<delivery::RouteRule>& route_table();
[[nodiscard]] const Table<delivery::SourcePool>& source_table();
[[nodiscard]] const Table<delivery::DestinationRule>& destination_table();
// What is wrong with it beside those that are there already.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> faults_of(
    delivery::DestinationRule& rule, const std::vector<delivery::DestinationRule>& others
);
[[nodiscard]] std::vector<std::pair<std::string, std::string>> destination_faults(
    const Config& config
);
// The same of a route.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> faults_of(
    delivery::RouteRule& rule, const std::vector<delivery::RouteRule>& others
);
// What is wrong with it beside those that are there already.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> faults_of(
    delivery::SourcePool& pool, const std::vector<delivery::SourcePool>& others
);
// Routes may stand before the sources that they name, so this is for the end.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> source_faults(const Delivery& all);
[[nodiscard]] std::vector<Table<Config>> event_tables();  // a part of tables()
[[nodiscard]] Table<Config> limits_table();               // a part of tables()
// What is wrong with it: key, text.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> report_faults(const Reports& reports
);
[[nodiscard]] Table<Config> reports_table();  // a part of tables()
[[nodiscard]] std::vector<std::pair<std::string, std::string>> conduct_faults(const Conduct& conduct
);
[[nodiscard]] Table<Config> conduct_table();  // a part of tables()
[[nodiscard]] std::vector<std::pair<std::string, std::string>> evidence_faults(
    const PeerEvidence& evidence
);
[[nodiscard]] Table<Config> evidence_table();  // a part of mail_tables()
[[nodiscard]] Table<Config> desk_table();      // a part of tables()
[[nodiscard]] Table<Config> http_table();      // a part of mail_tables()
[[nodiscard]] std::vector<std::pair<std::string, std::string>> acme_faults(const Config& config);
[[nodiscard]] Table<Config> acme_table();        // a part of mail_tables()
[[nodiscard]] Table<Config> settings_table();    // a part of mail_tables()
[[nodiscard]] Table<Config> forwarding_table();  // a part of mail_tables()
[[nodiscard]] const Table<LimitTable>& limit_table();
[[nodiscard]] Result<limit::Spec> spec_of(const LimitTable& table, const TimeZone& time_zone);

}  // namespace sekisho::config
