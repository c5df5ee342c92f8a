#include "config/config.h"

#include "base/bytes.h"
#include "base/ip.h"

#include <array>
#include <filesystem>
#include <string>
#include <unistd.h>

namespace sekisho::config {
namespace {

std::string machine_name() {
    std::array<char, 256> name{};
    if (gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') {
        return "localhost";
    }
    return name.data();
}

// The address at which somebody on this machine or, with a real address, somebody else reaches the
// endpoint.
std::string reachable(const Endpoint& endpoint, const std::string& hostname) {
    const bool any = endpoint.address == IpAddress{} || endpoint.address == IpAddress::v6({});
    return any ? hostname + ":" + std::to_string(endpoint.port) : endpoint.text();
}

// Paths in the file are relative to its folder, so that a command means the same wherever it is
// typed.
void anchor(std::string& path, const std::filesystem::path& folder) {
    if (!path.empty() && std::filesystem::path(path).is_relative()) {
        path = (folder / path).lexically_normal().string();
        while (path.size() > 1 && path.ends_with('/')) {  // "." of the file's folder
            path.pop_back();
        }
    }
}

void fill(std::string& place, const std::string& value) {
    if (place.empty()) {
        place = value;
    }
}

}  // namespace

Config Config::resolved() const {
    Config c = *this;
    const std::filesystem::path folder = std::filesystem::absolute(c.file).parent_path();
    for (std::string* path :
         {&c.state_dir,
          &c.tls.certificate,
          &c.tls.key,
          &c.acme.ca,
          &c.queue.directory,
          &c.delivery.trust_anchor,
          &c.delivery.trust_ca,
          &c.delivery.maildir,
          &c.delivery.replies,
          &c.settings.pictures,
          &c.events.file,
          &c.events.webhook_secret,
          &c.events.webhook_ca,
          &c.limits.country_file,
          &c.peer_evidence.names}) {
        anchor(*path, folder);
    }
    for (auto* files : {&c.peer_evidence.dynamic_networks, &c.limits.relay_networks}) {
        for (std::string& networks : *files) {
            anchor(networks, folder);
            c.watched_files.push_back(networks);
        }
    }
    for (LineSource& source : c.lines) {
        anchor(source.file, folder);
    }
    for (delivery::RouteRule& route : c.delivery.routes) {
        anchor(route.password_file, folder);
    }
    for (const std::string& watched :
         {c.limits.country_file, c.delivery.replies, c.peer_evidence.names}) {
        if (!watched.empty()) {
            c.watched_files.push_back(watched);
        }
    }
    fill(c.mail.hostname, machine_name());
    if (c.mail.domains.empty()) {
        c.mail.domains.push_back(c.provider.domain);
    }
    fill(c.forwarding.srs_domain, c.mail.domains.front());
    c.forwarding.srs_domain = to_lower(c.forwarding.srs_domain);
    fill(c.provider.name_ja, c.provider.name);
    fill(c.provider.support_mail, "support@" + c.provider.domain);
    if (c.provider.guide_url.empty() && !c.http.listen.empty()) {
        c.provider.guide_url = (c.http.tls ? "https://" : "http://") +
                               reachable(c.http.listen.front(), c.mail.hostname);
    }
    if (c.tls.certificate.empty()) {
        c.tls.certificate = c.state_dir + "/tls/certificate.pem";
        c.tls.key = c.state_dir + "/tls/key.pem";
    }
    fill(c.queue.directory, c.state_dir + "/spool");
    fill(c.delivery.maildir, c.state_dir + "/maildir");
    fill(c.reports.organization, c.provider.name);
    fill(c.delivery.dsn_from, "postmaster@" + c.mail.hostname);
    fill(c.settings.outgoing_host, c.mail.hostname);
    fill(c.settings.incoming_host, c.settings.outgoing_host);
    return c;
}

peer::Rules PeerEvidence::peer_rules() const {
    peer::Rules out = rules;
    out.server_at = static_cast<int>(server_at);
    out.client_at = -static_cast<int>(client_at);
    return out;
}

std::string Config::database() const {
    return state_dir + "/sekisho.db";
}

std::string Config::dkim_folder() const {
    return state_dir + "/dkim";
}

std::string Config::socket(const std::string& role) const {
    return state_dir + "/run/" + role + ".sock";
}

}  // namespace sekisho::config
