// sekisho account sendas add|list|remove|prove: addresses elsewhere that an account may send as.
#include "cli/commands.h"
#include "cli/context.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

namespace sekisho::cli {
namespace {

struct Options {
    std::string login, address, code, vouched;
};

std::string added_text(const Json& one) {
    const std::string address = one.value("address", "");
    std::string out =
        one.value("proven", false)
            ? one.value("login", "") + " may send as " + address + "\n"
            : fmt::format(
                  "a code was mailed to {}; until it is given, {} may not send as it\n"
                  "  sekisho account sendas prove {} {} CODE\n",
                  address,
                  one.value("login", ""),
                  one.value("login", ""),
                  address
              );
    out += fmt::format(
        "\nSPF {}, DMARC {}{}, our DKIM key {}: {}\n\n",
        one.value("spf", ""),
        one.value("dmarc", ""),
        one.value("dmarc_policy", "").empty() ? "" : " (p=" + one.value("dmarc_policy", "") + ")",
        one.value("dkim", false) ? "there" : "none",
        one.value("outlook", "")
    );
    const Json texts = one.value("text", Json::object());
    return out + texts.value("en", "") + "\n" + texts.value("ja", "");
}

std::string list_text(const Json& answer) {
    std::vector<std::vector<std::string>> cells;
    for (const Json& one : answer.value("addresses", Json::array())) {
        const bool proven = one.value("proven", false);
        const std::string expires = one.value("code_expires", "");
        cells.push_back(
            {one.value("address", ""),
             proven ? (one.contains("vouched") ? "vouched for" : "proven")
                    : (expires.empty() ? "code void" : "code until " + expires),
             one.value("outlook", ""),
             proven ? one.value("proven_at", "") : "-"}
        );
    }
    return cells.empty() ? answer.value("login", "") + " sends as its own addresses only"
                         : table({"ADDRESS", "STATE", "OUTLOOK", "SINCE"}, cells);
}

}  // namespace

void add_account_send_as(CLI::App& account, Context& context, Chosen& chosen) {
    auto options = std::make_shared<Options>();
    auto* top = account.add_subcommand(
        "sendas", "Addresses elsewhere that it may send as: add, list, remove, prove"
    );
    top->require_subcommand(1);
    const auto asking = [&](const char* verb,
                            const char* help,
                            bool with_address,
                            std::string (*text)(const Json&)) {
        auto* command = top->add_subcommand(verb, help);
        command->add_option("login", options->login, "The account's login")->required();
        if (with_address) {
            command->add_option("address", options->address, "The address elsewhere")->required();
        }
        command->callback([&context, &chosen, options, verb, text] {
            chosen = [&context, options, verb, text] {
                Json request{
                    {"command", "sendas-" + std::string(verb)},
                    {"login", options->login},
                    {"address", options->address},
                    {"by", operator_name()}
                };
                if (!options->code.empty()) {
                    request["code"] = options->code;
                }
                if (!options->vouched.empty()) {
                    request["vouched"] = options->vouched;
                }
                return ask_mail(context, request, text);
            };
        });
        return command;
    };
    asking(
        "add",
        "Register one: a code is mailed to it, and what will become of its mail is looked up",
        true,
        added_text
    )
        ->add_option(
            "--without-code", options->vouched, "Allow it at once; why you know whose it is"
        );
    asking("list", "Those of an account", false, list_text);
    asking("remove", "It may no longer be sent as", true, done_text);
    asking("prove", "Give the code that was mailed to it", true, done_text)
        ->add_option("code", options->code, "The code")
        ->required();
}

}  // namespace sekisho::cli
