#include "mail/outside_settings.h"

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "mail/alignment.h"
#include "net/http_client.h"
#include "net/resolver.h"
#include "net/server.h"
#include "net/task.h"
#include "report/xml.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace sekisho::mail {
namespace {

constexpr Duration kPatience = std::chrono::seconds(5);
constexpr std::size_t kHostMax = 253, kServicesMax = 10;

// "https://" before, the path after the domain.
constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kPlaces{{
    {"autoconfig.", "/mail/config-v1.1.xml"},
    {"", "/.well-known/autoconfig/mail/config-v1.1.xml"},
}};

bool is_host(std::string_view text) {
    return !text.empty() && text.size() <= kHostMax && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    });
}

void add_server(std::vector<OutsideService>& out, const report::Element& server) {
    OutsideService one;
    one.host = to_lower(server.value("hostname"));
    const std::string port = server.value("port");
    const auto read = std::from_chars(port.data(), port.data() + port.size(), one.port);
    const std::string security = to_upper(server.value("socketType"));
    one.implicit_tls = security == "SSL" || security == "TLS";
    const bool secured = one.implicit_tls || security == "STARTTLS";
    if (is_host(one.host) && read.ec == std::errc{} && one.port != 0 && secured &&
        out.size() < kServicesMax) {
        out.push_back(std::move(one));
    }
}

}  // namespace

Result<std::vector<OutsideService>> read_autoconfig(std::string_view xml) {
    std::vector<OutsideService> out;
    const auto root =
        report::read_xml(xml, [&out](const report::Root& /*root*/, const report::Element& child) {
            if (child.name == "emailProvider") {
                for (const report::Element* server : child.all("outgoingServer")) {
                    add_server(out, *server);
                }
            }
            return Status{};
        });
    if (!root) {
        return fail(root.error());
    }
    if (root->name != "clientConfig") {
        return fail(Errc::Invalid, "it is no autoconfiguration");
    }
    std::vector<OutsideService> ordered;
    for (const bool implicit : {true, false}) {
        std::ranges::copy_if(out, std::back_inserter(ordered), [implicit](const auto& one) {
            return one.implicit_tls == implicit;
        });
    }
    return ordered;
}

net::Task<std::vector<OutsideService>> fetch_autoconfig(
    net::Resolver* resolver, net::Executor executor, OutsideWeb web, std::string domain
) {
    std::vector<OutsideService> found;
    if (!web.tls || !is_host(domain)) {
        co_return found;
    }
    for (const auto& [before, path] : kPlaces) {
        net::HttpCall call;
        call.url.host = std::string(before) + domain;
        call.url.target = path;
        call.timeout = kPatience;
        call.tls = web.tls;
        call.public_only = !web.private_too;
        const auto answer = co_await net::http_call(*resolver, executor, std::move(call));
        constexpr int kOk = 200;
        if (!answer || answer->status != kOk) {
            continue;
        }
        auto read = read_autoconfig(answer->body);
        if (read && !read->empty()) {
            found = std::move(*read);
            co_return found;
        }
    }
    co_return found;
}

}  // namespace sekisho::mail
