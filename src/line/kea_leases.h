// Lines by DHCP: the lease files of Kea's memfile backend (kea-leases4.csv, kea-leases6.csv), in
// the order in which Kea itself would read them. A later row about an address replaces the earlier.
// Text in, sessions out; no file and no clock.
#pragma once

#include "base/ip.h"
#include "base/time.h"
#include "line/line.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::line {

// Which part of a lease is the line.
enum class KeaField : std::uint8_t {
    ClientId,  // DHCPv4 only
    Hwaddr,    // in DHCPv6 where Kea knows it
    Duid,      // DHCPv6 only
    Hostname,
    CircuitId,  // RFC 3046 §3.1, or Interface-Id (RFC 8415 §21.18); needs Kea's store-extended-info
    RemoteId,   // RFC 3046 §3.2, or Remote-Id (RFC 4649); the same
};
[[nodiscard]] std::optional<KeaField> parse_kea_field(std::string_view text);  // "circuit-id"

struct RowError {
    std::string file;
    std::size_t row = 0;  // counted from 1
    std::string message;
    [[nodiscard]] std::string text() const;  // "FILE:ROW: what is wrong"
};

class KeaLeases {
  public:
    static constexpr std::size_t kErrorsKept = 100;

    KeaLeases(std::string nas, KeaField field) : nas_(std::move(nas)), field_(field) {}

    // A file from its beginning, with the row that names the columns. `live`: what it says of an
    // end has just happened; a file that was written before we looked doesn't tell when.
    void begin_file(std::string name);
    // Whether the heading of the file was understood.
    [[nodiscard]] bool is_lease_file() const { return !columns_.empty(); }
    // Whole rows of that file; what they say is known from `now` on.
    void feed(std::string_view text, Time now, bool live);
    // What has changed since it was last asked, in order, for LineStore::put_all(): leases that
    // began, went on or ended. What has run out until `now` ends at its time.
    [[nodiscard]] std::vector<Session> take(Time now);
    // What is held after take().
    [[nodiscard]] std::vector<Session> holding() const;
    [[nodiscard]] std::size_t held() const { return held_; }  // how many those are
    // When it is known to have ended; empty when nothing is known of it.
    [[nodiscard]] std::optional<Time> ended(const Prefix& prefix) const;

    [[nodiscard]] const std::vector<RowError>& errors() const { return errors_; }  // the first ones
    [[nodiscard]] std::size_t error_count() const { return error_count_; }
    [[nodiscard]] std::size_t rows() const { return rows_; }

  private:
    struct Lease {
        std::string line;
        Time start{}, seen{}, expire{};
        std::optional<Time> end;
    };
    struct Row {
        Prefix prefix;
        std::string line;
        Time since{}, expire{};
        bool held = false;
    };
    void row(std::string_view text, Time now, bool live);
    void begin(const Row& row, Lease& lease, bool open);
    void apply(const Row& row, Time now, bool live);
    void error(std::string message);
    void heading(std::string_view text);
    [[nodiscard]] std::optional<Row> read(const std::vector<std::string>& fields);
    [[nodiscard]] std::string line_of(const std::vector<std::string>& fields) const;
    [[nodiscard]] const std::string& field(
        const std::vector<std::string>& fields, std::string_view column
    ) const;
    [[nodiscard]] Session session(const Prefix& prefix, const Lease& lease) const;
    void end(const Prefix& prefix, Lease& lease, Time at);

    std::string nas_;
    KeaField field_;
    std::string file_;
    std::size_t number_ = 0;                                   // of the row
    std::map<std::string, std::size_t, std::less<>> columns_;  // empty: no heading was understood
    std::size_t width_ = 0;                                    // how many the heading names
    std::map<Prefix, Lease> leases_;
    Time next_expiry_ = Time::max();  // nothing runs out before it
    std::vector<Session> changes_;
    std::vector<RowError> errors_;
    std::size_t error_count_ = 0, rows_ = 0, held_ = 0;
};

}  // namespace sekisho::line
