#include "gate/replay/flow_log.h"

#include "base/bytes.h"
#include "base/csv.h"
#include "base/ip.h"
#include "base/time.h"
#include "gate/replay/seen.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::gate {
namespace {

enum Column : std::uint8_t { kClient, kServer, kTime, kPort, kPackets, kLine, kColumns };
struct Name {
    std::string_view name;
    Column column;
};
constexpr unsigned kSmtpPort = 25;

constexpr auto kNames = std::to_array<Name>({
    {"client", kClient},   {"sa", kClient},
    {"srcaddr", kClient},  {"ip.src", kClient},
    {"ipv6.src", kClient}, {"server", kServer},
    {"da", kServer},       {"dstaddr", kServer},
    {"ip.dst", kServer},   {"ipv6.dst", kServer},
    {"time", kTime},       {"ts", kTime},
    {"first", kTime},      {"frame.time_epoch", kTime},
    {"port", kPort},       {"dp", kPort},
    {"dstport", kPort},    {"tcp.dstport", kPort},
    {"packets", kPackets}, {"ipkt", kPackets},
    {"pkt", kPackets},     {"line", kLine},
});

char separator_of(std::string_view text) {
    const std::string_view first = text.substr(0, text.find('\n'));
    for (const char one : {'\t', ';'}) {
        if (first.find(one) != std::string_view::npos) {
            return one;
        }
    }
    return ',';
}

template <class Number>
std::optional<Number> number(std::string_view text) {
    Number value{};
    const char* end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, value);
    return error == std::errc{} && at == end ? std::optional{value} : std::nullopt;
}

std::optional<Time> time_of(std::string_view text) {
    if (const auto seconds = number<double>(text)) {
        constexpr double kMost = 1e11;  // far beyond any log, and far from the ends of the type
        return std::abs(*seconds) < kMost
                   ? std::optional{from_ms(static_cast<std::int64_t>(*seconds * 1000))}
                   : std::nullopt;
    }
    if (const auto time = parse_rfc3339(text)) {
        return time;
    }
    std::string with_zone{text};  // "2026-11-24 09:00:00.123"
    if (const std::size_t space = with_zone.find(' '); space != std::string::npos) {
        with_zone[space] = 'T';
        return parse_rfc3339(with_zone + "Z");
    }
    return std::nullopt;
}

// Which fields hold which column; tshark writes IPv4 and IPv6 into columns of their own.
using Columns = std::array<std::vector<std::size_t>, kColumns>;

Columns columns_of(std::span<const std::string> header) {
    Columns out;
    for (std::size_t i = 0; i < header.size(); ++i) {
        const std::string name = to_lower(trim(header[i]));
        const auto known = std::ranges::find(kNames, name, &Name::name);
        if (known != kNames.end()) {
            out.at(known->column).push_back(i);
        }
    }
    return out;
}

class Row {
  public:
    Row(const Columns& columns, std::span<const std::string> fields)
        : columns_(columns), fields_(fields) {}
    [[nodiscard]] std::string_view at(Column column) const {
        for (const std::size_t i : columns_.at(column)) {
            if (i < fields_.size() && !trim(fields_[i]).empty()) {
                return trim(fields_[i]);
            }
        }
        return {};
    }

  private:
    const Columns& columns_;
    std::span<const std::string> fields_;
};

// Nothing: of another port. The error: what is wrong with the row.
std::expected<std::optional<SeenFlow>, std::string> flow_of(const Row& row) {
    if (const std::string_view port = row.at(kPort); !port.empty()) {
        const auto value = number<unsigned>(port);
        if (!value || *value > 65535) {
            return std::unexpected("\"" + printable(port) + "\" is no port");
        }
        if (*value != kSmtpPort) {
            return std::nullopt;
        }
    }
    SeenFlow out;
    for (const Column column : {kClient, kServer}) {
        const auto address = IpAddress::parse(row.at(column));
        if (!address) {
            return std::unexpected("\"" + printable(row.at(column)) + "\" is no address");
        }
        if (column == kClient) {
            out.client = *address;
        } else {
            out.server = *address;
        }
    }
    if (const std::string_view text = row.at(kTime); !text.empty()) {
        const auto time = time_of(text);
        if (!time) {
            return std::unexpected("\"" + printable(text) + "\" is no time");
        }
        out.at = *time;
    }
    if (const std::string_view text = row.at(kPackets); !text.empty()) {
        const auto packets = number<std::uint32_t>(text);
        if (!packets) {
            return std::unexpected("\"" + printable(text) + "\" is no number of packets");
        }
        out.packets = *packets;
    }
    out.line = printable(row.at(kLine));
    return out;
}

}  // namespace

FlowLog read_flow_log(std::string_view text) {
    FlowLog out;
    const auto fault = [&out](std::size_t row, std::string message) {
        ++out.faulty;
        if (out.faults.size() < kFlowFaultsMax) {
            out.faults.push_back({row, std::move(message)});
        }
    };
    CsvReader reader(text, separator_of(text));
    const auto header = reader.next();
    const Columns columns = header ? columns_of(header->fields) : Columns{};
    if (columns[kClient].empty() || columns[kServer].empty()) {
        fault(
            0, "its first row names no columns for client and server (sa and da, ip.src and ip.dst)"
        );
        return out;
    }
    for (auto record = reader.next(); record; record = reader.next()) {
        if (!record->fault.empty()) {
            fault(record->line, record->fault);
            continue;
        }
        auto flow = flow_of(Row{columns, record->fields});
        if (!flow) {
            fault(record->line, flow.error());
        } else if (*flow) {
            out.flows.push_back(std::move(**flow));
        } else {
            ++out.other_ports;
        }
    }
    return out;
}

}  // namespace sekisho::gate
