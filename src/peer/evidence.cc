#include "peer/evidence.h"

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace sekisho::peer {
namespace {

struct Row {
    std::string_view name;
    int weight;
    std::string_view about;
};

// In the order of Kind.
constexpr std::array<Row, kKinds> kRows{{
    {"declared_server", 100, "The policy has its address in a class of mail servers."},
    {"declared_dynamic", -100, "The policy has its address in a class of lines."},
    {"own_line", -100, "Its address is at present that of a subscriber's line."},
    {"dynamic_network",
     -40,
     "Its address is in a file of `dynamic_networks`: networks of lines of other providers."},
    {"no_name", -25, "Its address has no name in the DNS (PTR)."},
    {"name_unconfirmed", -10, "Its address has a name, which doesn't lead back to the address."},
    {"name_confirmed", 15, "Its address has a name that leads back to it."},
    {"name_mail", 25, "That name, confirmed, is one of a mail server: `mx`, `smtp`, ..."},
    {"name_static", 5, "That name, confirmed, is one of a fixed line or a hosted server."},
    {"name_plain", 10, "That name, confirmed, was chosen by somebody."},
    {"name_dynamic", -45, "Its address's name is one of a line: `ppp`, `dyn`, ..."},
    {"name_generic", -20, "Its address's name is made from the address."},
    {"helo_leads_back", 20, "It greets with a name that leads to its address."},
    {"helo_matches_name", 10, "It greets with its address's confirmed name."},
    {"helo_elsewhere", -5, "It greets with a name that doesn't lead to its address."},
    {"helo_is_ours", -60, "It greets with our own name or domain."},
    {"helo_not_a_name", -25, "It greets with something that is no full host name."},
    {"helo_literal", -10, "It greets with its address in brackets."},
    {"helo_wrong_literal", -40, "It greets with another address in brackets."},
    {"helo_dynamic", -15, "It greets with a name of a line."},
    {"early_talker", -40, "It spoke before our greeting."},
    {"bare_newline",
     -20,
     "It ended a line with LF alone or had a CR by itself, in this session before its first "
     "recipient."},
    {"tls", 5, "It uses TLS."},
    {"spf_pass", 15, "The SPF record of its sender's domain names it, by more than `+all`."},
    {"block_list", 0, "A list of `mail.dnsbl` has it. Each list has points of its own."},
    {"known_list", 0, "A list of `mail.dnswl` has it. Each list has points of its own."},
    {"past_good",
     20,
     "It brought mail before: five messages or more over three days or more, with hardly anything "
     "that was refused."},
    {"past_bad",
     -25,
     "What it brought lately was mostly refused: recipients that don't exist, forgeries, spam, "
     "faults that mail servers don't have."},
}};

constexpr std::array<std::string_view, 6> kActions{
    "off", "note", "weigh", "delay", "refuse", "accept"
};

const Row& row(Kind kind) {
    return kRows.at(static_cast<std::size_t>(kind));
}

}  // namespace

std::string_view name(Kind kind) {
    return row(kind).name;
}

std::string_view about(Kind kind) {
    return row(kind).about;
}

std::string_view name(Action action) {
    return kActions.at(static_cast<std::size_t>(action));
}

std::optional<Action> action_of(std::string_view name) {
    for (std::size_t i = 0; i < kActions.size(); ++i) {
        if (kActions.at(i) == name) {
            return static_cast<Action>(i);
        }
    }
    return std::nullopt;
}

Rules::Rules() {
    for (std::size_t i = 0; i < kKinds; ++i) {
        all.at(i).weight = kRows.at(i).weight;
    }
}

}  // namespace sekisho::peer
