#include "cli/init.h"

#include "account/account.h"
#include "account/password.h"
#include "base/bytes.h"
#include "base/file.h"
#include "base/time.h"
#include "config/config.h"
#include "config/reader.h"
#include "net/tls.h"
#include "store/store.h"

#include <filesystem>
#include <string>
#include <vector>

namespace sekisho::cli {
namespace {

constexpr const char* kFirstConfig =
    R"(# Made by the first start. Every key: `sekisho config defaults` or docs/configuration.md.
state_dir = "."

[provider]
name = "Example Net"
domain = "example.net"

[gate]
engine = "xdp"
mode = "observe"        # counts and reports, blocks nothing; "enforce" lets each rule act as its stage says

[mail]
port_fallback = ["25=2525", "587=2587", "465=2465"]

[http]
listen = ["0.0.0.0:8025", "[::]:8025"]

# Who is who. An address belongs to the class of its longest prefix, else to "outside".
#[[class]]
#name = "subscribers"
#prefixes = ["198.51.100.0/24", "2001:db8:100::/40"]

# Until there are classes of yours, this counts all that speaks on port 25.
[[rule]]
name = "all-port-25"
from = "*"
to = "*"
action = "refuse"
stage = "observe"
note = "Shows who uses port 25 before anything is blocked."
)";

Result<FirstStart> first_account(const config::Config& config, FirstStart first) {
    auto store = store::open_store(config.database());
    if (!store) {
        return fail(store.error());
    }
    const auto accounts = (*store)->accounts().list();
    if (!accounts) {
        return fail(accounts.error());
    }
    if (!accounts->empty()) {
        return first;
    }
    account::Account a;
    a.login = kFirstLogin;
    a.name = "First account";
    a.addresses = {a.login, "postmaster@example.net"};
    a.created = a.changed = now();
    first.login = a.login;
    first.password = account::generate_password();
    auto credential = account::make_credential(first.password, account::HashOptions{});
    if (!credential) {
        return fail(credential.error());
    }
    a.credential = *credential;
    if (Status added = (*store)->accounts().add(a); !added) {
        return fail(added.error());
    }
    return first;
}

}  // namespace

Status ensure_certificate(const config::Config& config) {
    const bool certificate = std::filesystem::exists(config.tls.certificate);
    const bool key = std::filesystem::exists(config.tls.key);
    if (certificate && key) {
        return {};
    }
    // Only our own place is filled; a file that the operator named and that is missing is a fault
    // to be told.
    if (config.tls.certificate != config.state_dir + "/tls/certificate.pem") {
        return fail(
            Errc::NotFound,
            (certificate ? config.tls.key : config.tls.certificate) + ": no such file (tls)"
        );
    }
    if (Status made = make_folder(config.state_dir + "/tls", 0750); !made) {
        return made;
    }
    const std::string& domain = config.provider.domain;
    const std::vector<std::string> names{
        config.mail.hostname, "localhost", domain, "autoconfig." + domain, "autodiscover." + domain
    };
    constexpr int kDays = 825;
    return net::make_self_signed(config.tls.certificate, config.tls.key, names, kDays);
}

Status ensure_token(const config::Config& config) {
    const std::string path = config.state_dir + "/operator.token";
    if (std::filesystem::exists(path)) {
        return {};
    }
    constexpr int kBits = 200;
    return write_file_atomic(path, random_token(kBits) + "\n", 0640);
}

Result<FirstStart> initialise(const std::string& state) {
    FirstStart first;
    first.config_file = state + "/sekisho.toml";
    if (Status made = make_folder(state, 0750); !made) {
        return fail(made.error());
    }
    if (!std::filesystem::exists(first.config_file)) {
        if (Status wrote = write_file_atomic(first.config_file, kFirstConfig, 0640); !wrote) {
            return fail(wrote.error());
        }
    }
    const auto loaded = config::load(first.config_file);
    if (!loaded) {
        std::string text;
        for (const config::Problem& problem : loaded.error()) {
            text += (text.empty() ? "" : "\n") + problem.message();
        }
        return fail(Errc::Invalid, text);
    }
    const config::Config config = loaded->resolved();
    if (Status made = ensure_certificate(config); !made) {
        return fail(made.error());
    }
    if (Status made = ensure_token(config); !made) {
        return fail(made.error());
    }
    return first_account(config, first);
}

}  // namespace sekisho::cli
