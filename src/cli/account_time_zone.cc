// sekisho account time-zone LOGIN [ZONE]: where the account's days begin, for limits by day.
#include "base/bytes.h"
#include "base/result.h"
#include "base/time_zone.h"
#include "cli/account_ops.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "store/store.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>

namespace sekisho::cli {
namespace {

struct Asked {
    std::string login;
    std::optional<std::string> zone;
};

int told(const Context& context, const std::string& login, const std::string& zone) {
    print(
        context,
        Json{{"login", login}, {"time_zone", zone}},
        login + ": " + (zone.empty() ? "the time zone of the limits" : zone)
    );
    return kDone;
}

int time_zone(const Context& context, const Asked& asked) {
    const std::string login = to_lower(asked.login);
    return with_store(context, [&](store::Store& store) {
        if (!asked.zone) {
            const auto found = store.accounts().find(login);
            return found ? told(context, login, found->time_zone) : report(context, found.error());
        }
        std::string zone;
        if (*asked.zone != "none") {
            const auto read = TimeZone::parse(*asked.zone);
            if (!read) {
                return report(context, read.error());
            }
            zone = read->text();
        }
        if (const Status set = store.accounts().set_time_zone(login, zone); !set) {
            return report(context, set.error());
        }
        record_change(store, login, "time zone: " + (zone.empty() ? "none of its own" : zone));
        if (const Status recorded = store.journal().flush(); !recorded) {
            return report(context, recorded.error());
        }
        return told(context, login, zone);
    });
}

}  // namespace

void add_account_time_zone(CLI::App& account, Context& context, Chosen& chosen) {
    auto asked = std::make_shared<Asked>();
    auto* command = account.add_subcommand(
        "time-zone", "Where the account's days begin, for limits by day and account"
    );
    command->add_option("login", asked->login, "The account's login")->required();
    command->add_option(
        "zone", asked->zone, "Asia/Tokyo, +09:00, or none: as the limits have it. Not given: shown"
    );
    command->callback([&context, &chosen, asked] {
        chosen = [&context, asked] { return time_zone(context, *asked); };
    });
}

}  // namespace sekisho::cli
