#include "cli/acme.h"

#include "base/bytes.h"
#include "base/file.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/context.h"
#include "config/config.h"
#include "gate/enforce/command.h"
#include "net/certificate.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace sekisho::cli {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kChallenges = "/.well-known/acme-challenge/";
constexpr std::size_t kTokenMax = 200;
constexpr std::size_t kSaidMax = 600;
constexpr Duration kFirstPause = 1h;
constexpr Duration kLongestPause = 12h;

std::string folder_of(const config::Config& config) {
    return config.state_dir + "/acme";
}
std::string webroot_in(const std::string& state_dir) {
    return state_dir + "/acme/webroot";
}
// lego's certificate and key, without ".crt" and ".key": called by the first name.
std::string got_in(const config::Config& config) {
    return folder_of(config) + "/certificates/" + acme_names(config).front();
}
std::string failure_file(const config::Config& config) {
    return folder_of(config) + "/failure.json";
}

// Base64url, as RFC 8555 §8 has it: nothing that could lead out of the folder.
bool is_token(std::string_view text) {
    return !text.empty() && text.size() <= kTokenMax && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_';
    });
}

// The host of "https://guide.example.net:8443/x"; empty for an address, which no authority names.
std::string host_of(std::string_view url) {
    const std::size_t at = url.find("://");
    url.remove_prefix(at == std::string_view::npos ? 0 : at + 3);
    const std::string host{url.substr(0, url.find_first_of("/:"))};
    const bool name = std::ranges::any_of(host, [](char c) { return c >= 'a' && c <= 'z'; });
    return name && host.find('.') != std::string::npos ? host : std::string{};
}

// The key first: should we end between the two, the next call puts both in their places.
Status put_in_force(const config::Config& config) {
    const std::string got = got_in(config);
    const auto certificate = read_file(got + ".crt");
    const auto key = read_file(got + ".key");
    if (!certificate || !key) {
        return fail(
            Errc::NotFound,
            "lego left no certificate in " + folder_of(config) +
                "/certificates: " + (certificate ? key : certificate).error().message
        );
    }
    if (Status made = make_folder(config.state_dir + "/tls", 0750); !made) {
        return made;
    }
    if (Status wrote = write_file_atomic(config.tls.key, *key, 0600); !wrote) {
        return wrote;
    }
    return write_file_atomic(config.tls.certificate, *certificate, 0644);
}

// A role that doesn't run reads the files when it starts.
void have_it_read(const config::Config& config) {
    for (const char* role : {"mail", "desk"}) {
        const auto answer = ask(config, role, Json{{"command", "reload"}});
        if (!answer && answer.error().code != Errc::Unavailable) {
            log::error(
                "ACME_NOT_READ",
                "a role has not taken the new certificate",
                {{"role", role}, {"error", answer.error().message}}
            );
        }
    }
}

void note_failure(const config::Config& config, const std::string& why) {
    const auto before = last_failure(config);
    const Json note{
        {"at", rfc3339(now())}, {"count", before ? before->count + 1 : 1}, {"why", why}
    };
    if (const Status kept = write_file_atomic(failure_file(config), note.dump() + "\n", 0640);
        !kept) {
        log::error("ACME_NOT_KEPT", kept.error().message);
    }
}

Status run_lego(const config::Config& config, const std::atomic<bool>& stop) {
    // lego has time-outs of its own; this is for what nobody thought of.
    std::vector<std::string> words{"300", "env"};
    if (!config.acme.ca.empty()) {
        words.push_back("LEGO_CA_CERTIFICATES=" + config.acme.ca);
    }
    words.emplace_back(config.acme.client);
    const bool has_one = std::filesystem::exists(got_in(config) + ".crt");
    std::ranges::move(lego_words(config, has_one), std::back_inserter(words));
    const auto done = gate::run_command("timeout", words, "", &stop);
    if (!done) {
        return fail(done.error());
    }
    if (done->status == 0) {
        return {};
    }
    if (done->status == 127) {
        return fail(
            Errc::NotFound,
            "the program " + config.acme.client + " is not installed (Debian: apt install lego)"
        );
    }
    const std::string said = done->err + done->out;
    const std::size_t from = said.size() > kSaidMax ? said.size() - kSaidMax : 0;
    return fail(
        Errc::Unavailable,
        fmt::format("lego ended with {}: {}", done->status, printable(said.substr(from), kSaidMax))
    );
}

}  // namespace

std::vector<std::string> acme_names(const config::Config& config) {
    if (!config.acme.names.empty()) {
        return config.acme.names;
    }
    std::vector<std::string> names{config.mail.hostname};
    for (const std::string& host :
         {config.settings.outgoing_host, host_of(config.provider.guide_url)}) {
        if (!host.empty() && std::ranges::find(names, host) == names.end()) {
            names.push_back(host);
        }
    }
    if (config.mail.mta_sts != "off") {  // others fetch the policy there (RFC 8461 §3.3)
        for (const std::string& domain : config.mail.domains) {
            names.push_back("mta-sts." + domain);
        }
    }
    return names;
}

std::vector<std::string> lego_words(const config::Config& config, bool has_one) {
    std::vector<std::string> words{
        "--path",
        folder_of(config),
        "--server",
        config.acme.directory,
        "--email",
        config.acme.mail,
        "--accept-tos",
        "--key-type",
        "ec256",
        "--http",
        "--http.webroot",
        webroot_in(config.state_dir)
    };
    for (const std::string& name : acme_names(config)) {
        words.emplace_back("--domains");
        words.push_back(name);
    }
    if (has_one) {
        // With the same key, or TLSA records (RFC 7672) would name one that is gone; names that are
        // new are added. When it is needed we have judged ourselves: no number of days is too many.
        for (const char* word : {"renew", "--reuse-key", "--no-random-sleep", "--days", "36500"}) {
            words.emplace_back(word);
        }
    } else {
        words.emplace_back("run");
    }
    return words;
}

std::optional<std::string> acme_due(const config::Config& config, Time now) {
    if (config.acme.directory.empty()) {
        return std::nullopt;
    }
    for (const std::string& name : acme_names(config)) {
        const auto facts = net::read_certificate(config.tls.certificate, name);
        if (!facts) {
            return facts.error().message;
        }
        if (facts->self_signed) {
            return "the certificate is self-signed";
        }
        if (facts->not_after < now + config.acme.renew_before) {
            return "it ends at " + rfc3339(facts->not_after);
        }
        if (!facts->names_host) {
            return "it is not for " + name;
        }
    }
    return std::nullopt;
}

std::optional<Result<std::string>> challenge_answer(
    const std::string& state_dir, std::string_view path
) {
    if (!path.starts_with(kChallenges)) {
        return std::nullopt;
    }
    const std::string token{path.substr(kChallenges.size())};
    if (!is_token(token)) {
        return fail(Errc::NotFound, "no challenge");
    }
    return read_file(webroot_in(state_dir) + std::string(kChallenges) + token);
}

Status obtain_certificate(const config::Config& config, const std::atomic<bool>& stop) {
    static std::mutex mutex;
    const std::unique_lock lock(mutex, std::try_to_lock);
    if (!lock.owns_lock()) {
        return fail(Errc::Conflict, "a certificate is being obtained already");
    }
    if (Status made = make_folder(webroot_in(config.state_dir), 0750); !made) {
        return made;
    }
    Status done = run_lego(config, stop);
    if (done) {
        done = put_in_force(config);
    }
    if (!done) {
        if (!stop) {  // else it isn't the authority's fault
            note_failure(config, done.error().message);
        }
        return done;
    }
    std::error_code ignored;
    std::filesystem::remove(failure_file(config), ignored);
    have_it_read(config);
    return {};
}

Result<Json> certificate_json(const config::Config& config, Time now) {
    const auto facts = net::read_certificate(config.tls.certificate, config.mail.hostname);
    if (!facts) {
        return fail(facts.error());
    }
    Json out{
        {"file", config.tls.certificate},
        {"until", rfc3339(facts->not_after)},
        {"self_signed", facts->self_signed},
        {"for_hostname", facts->names_host},
        {"acme", !config.acme.directory.empty()},
    };
    if (!config.acme.directory.empty()) {
        out["names"] = acme_names(config);
        out["due"] = acme_due(config, now).value_or("");
    }
    if (const auto failure = last_failure(config)) {
        out["failure"] = Json{
            {"at", rfc3339(failure->at)},
            {"count", failure->count},
            {"why", failure->why},
            {"next_try", rfc3339(next_try(*failure))}
        };
    }
    return out;
}

std::optional<AcmeFailure> last_failure(const config::Config& config) {
    const auto text = read_file(failure_file(config));
    const Json note = text ? Json::parse(*text, nullptr, false) : Json{};
    if (!note.is_object()) {
        return std::nullopt;
    }
    const auto at = parse_rfc3339(note.value("at", ""));
    return AcmeFailure{at.value_or(Time{}), note.value("count", 1), note.value("why", "")};
}

Time next_try(const AcmeFailure& failure) {
    Duration pause = kFirstPause;
    for (int i = 1; i < failure.count && pause < kLongestPause; ++i) {
        pause *= 2;
    }
    return failure.at + std::min(pause, kLongestPause);
}

}  // namespace sekisho::cli
