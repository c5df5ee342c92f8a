// How well peer::judge() tells servers from clients: reads cases that bench/peer/cases.py writes,
// prints the confusion table by source, ends with 1 when one per cent or more of the known servers
// is judged a client.
//
// A case is a line of tabs: truth ("server", "client"), source, setting, address, name ("-": no
// PTR), "1" when the name leads back to the address, HELO, "1" when HELO does.
#include "base/bytes.h"
#include "base/ip.h"
#include "peer/judge.h"

#include <fmt/core.h>

#include <array>
#include <cstddef>
#include <iostream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::peer {
namespace {

constexpr std::size_t kFields = 8;
constexpr double kPermitted = 1.0;  // per cent
constexpr std::size_t kShown = 10;

struct Counts {
    std::array<std::size_t, 3> of{};  // by Opinion
    [[nodiscard]] std::size_t all() const { return of[0] + of[1] + of[2]; }
    [[nodiscard]] std::size_t at(Opinion opinion) const {
        return of.at(static_cast<std::size_t>(opinion));
    }
};

struct Table {
    std::map<std::string, Counts> rows;  // "truth source, setting"
    Counts servers, clients;
    std::vector<std::string> wrong;  // servers that were judged clients
};

bool add(Table& table, std::string_view line) {
    const std::vector<std::string_view> fields = split(line, '\t');
    const auto address = fields.size() == kFields ? IpAddress::parse(fields[3])
                                                  : Result<IpAddress>(fail(Errc::Invalid, ""));
    if (!address || (fields[0] != "server" && fields[0] != "client")) {
        return false;
    }
    Facts facts;
    facts.address = *address;
    facts.our_names = {"mx.example.net", "example.net"};
    if (fields[4] != "-") {
        facts.ptr_names.emplace_back(fields[4]);
        if (fields[5] == "1") {
            facts.confirmed.emplace_back(fields[4]);
        }
    }
    facts.helo = fields[6];
    facts.helo_leads_back = fields[7] == "1";
    const Judgement judgement = judge(facts);
    const auto place = static_cast<std::size_t>(judgement.opinion);
    const bool server = fields[0] == "server";
    ++table.rows[fmt::format("{} {}, {}", fields[0], fields[1], fields[2])].of.at(place);
    ++(server ? table.servers : table.clients).of.at(place);
    if (server && judgement.opinion == Opinion::Client) {
        table.wrong.push_back(fmt::format("{}: {}", fields[4], judgement.text()));
    }
    return true;
}

void print_row(const std::string& what, const Counts& counts) {
    const auto cell = [&](Opinion opinion) {
        const double share =
            100.0 * static_cast<double>(counts.at(opinion)) / static_cast<double>(counts.all());
        return fmt::format("{:>7} {:>5.1f}%", counts.at(opinion), share);
    };
    fmt::print(
        "{:<58}{:>7}  {}  {}  {}\n",
        what,
        counts.all(),
        cell(Opinion::Server),
        cell(Opinion::Unknown),
        cell(Opinion::Client)
    );
}

int run() {
    Table table;
    std::string line;
    std::size_t number = 0;
    while (std::getline(std::cin, line)) {
        ++number;
        if (!add(table, line)) {
            fmt::print(stderr, "line {}: not a case\n", number);
            return 2;
        }
    }
    if (table.servers.all() == 0 || table.clients.all() == 0) {
        fmt::print(stderr, "no servers, or no clients, to judge\n");
        return 2;
    }
    fmt::print(
        "{:<58}{:>7}  {:>14}  {:>14}  {:>14}\n",
        "what it is",
        "cases",
        "server",
        "unknown",
        "client"
    );
    for (const auto& [what, counts] : table.rows) {
        print_row(what, counts);
    }
    print_row("all servers", table.servers);
    print_row("all clients", table.clients);
    for (std::size_t i = 0; i < table.wrong.size() && i < kShown; ++i) {
        fmt::print("judged a client: {}\n", table.wrong[i]);
    }
    const double share = 100.0 * static_cast<double>(table.servers.at(Opinion::Client)) /
                         static_cast<double>(table.servers.all());
    fmt::print("known servers judged client: {:.2f}% (fewer than {}% wanted)\n", share, kPermitted);
    return share < kPermitted ? 0 : 1;
}

}  // namespace
}  // namespace sekisho::peer

int main() {
    return sekisho::peer::run();
}
