#include "guide/guide.h"

#include "base/bytes.h"
#include "guide/asset.h"
#include "guide/formats.h"
#include "guide/my_page.h"
#include "guide/pages.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace sekisho::guide {
namespace {

// Nothing but our own style sheet and pictures; no script at all.
constexpr std::string_view kContentPolicy =
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'";

GuideResponse plain_answer(int status, std::string text) {
    GuideResponse response;
    response.status = status;
    response.content_type = "text/plain; charset=utf-8";
    response.body = std::move(text);
    return response;
}

GuideResponse xml_answer(std::string body) {
    GuideResponse response;
    response.content_type = "text/xml; charset=utf-8";
    response.body = std::move(body);
    response.headers.emplace_back("Cache-Control", "private, no-store");
    return response;
}

std::string_view header(const GuideRequest& request, const std::string& name) {
    const auto found = request.headers.find(name);
    return found == request.headers.end() ? std::string_view{} : found->second;
}

std::string query(const GuideRequest& request, std::string_view name) {
    for (const auto& [key, value] : request.query) {
        if (iequals(key, name)) {  // Outlook and its proxies write names in any case
            return value;
        }
    }
    return "";
}

// "/ja/settings" -> the language and "settings"; nullopt when it has no language.
struct Place {
    Language language;
    std::string_view page;
};
std::optional<Place> place_of(std::string_view path) {
    const std::string_view rest = path.substr(1);
    const auto slash = rest.find('/');
    const auto language = parse_language(rest.substr(0, slash));
    if (!language || slash == std::string_view::npos) {
        return std::nullopt;
    }
    return Place{.language = *language, .page = rest.substr(slash + 1)};
}

void add_safety(GuideResponse& response) {
    response.headers.emplace_back("Content-Security-Policy", kContentPolicy);
    response.headers.emplace_back("X-Content-Type-Options", "nosniff");
    response.headers.emplace_back("Referrer-Policy", "no-referrer");
}

class Handler {
  public:
    Handler(
        const config::Config& config,
        const Photographs& photographs,
        const GuideRequest& request,
        Facts& facts
    )
        : config_(config), photographs_(photographs), request_(request), facts_(facts) {}

    [[nodiscard]] GuideResponse answer() const {
        const std::string lower = to_lower(request_.path);
        if (lower == "/autodiscover/autodiscover.xml") {
            return autodiscover();
        }
        // The one page that changes something: the button that proves an address.
        const auto place = place_of(request_.path);
        const bool posts = request_.method == "POST" && place && place->page == "sendas";
        if (request_.method != "GET" && request_.method != "HEAD" && !posts) {
            GuideResponse response = page(reader(), nullptr, "", "method");
            response.status = 405;
            response.headers.emplace_back("Allow", "GET, HEAD");
            return response;
        }
        if (lower == "/mail/config-v1.1.xml" ||
            lower == "/.well-known/autoconfig/mail/config-v1.1.xml") {
            return autoconfig();
        }
        if (lower == "/autodiscover/autodiscover.json" || lower == "/autodiscover.json") {
            return autodiscover_json();
        }
        if (request_.path == "/mail/apple.mobileconfig") {
            return apple();
        }
        if (request_.path == "/.well-known/user-agent-configuration.json") {
            return pacc();
        }
        if (request_.path == "/.well-known/mta-sts.txt") {
            const auto policy = mta_sts_policy(config_);
            return plain_answer(policy ? 200 : 404, policy.value_or("Not offered.\n"));
        }
        return file_or_page();
    }

  private:
    [[nodiscard]] Language reader() const {
        const Language ours = config_.provider.name_ja.empty() ? Language::En : Language::Ja;
        if (const auto place = place_of(request_.path)) {
            return place->language;
        }
        return preferred(header(request_, "accept-language"), ours);
    }

    [[nodiscard]] GuideResponse file_or_page() const {
        const std::string& path = request_.path;
        if (path == "/guide.css" || path == "/icon.svg" || path == "/favicon.ico") {
            GuideResponse response;
            const bool style = path == "/guide.css";
            response.content_type = style ? "text/css; charset=utf-8" : "image/svg+xml";
            response.body = style ? asset::guide_css : asset::icon_svg;
            response.headers.emplace_back("Cache-Control", "public, max-age=86400");
            return response;
        }
        for (const auto& [name, photograph] : photographs_) {
            if (path == photograph_path(name)) {
                GuideResponse response;
                response.content_type = "image/png";
                response.body = photograph.png;
                response.headers.emplace_back("Cache-Control", "public, max-age=86400");
                return response;
            }
        }
        if (path == "/robots.txt") {
            return plain_answer(200, "User-agent: *\nDisallow: /desk\nDisallow: /api/\n");
        }
        const Language language = reader();
        if (path == "/" || path == "/ja" || path == "/en") {
            GuideResponse response = plain_answer(302, "");
            const Language to = parse_language(path.substr(1)).value_or(language);
            response.headers.emplace_back("Location", fmt::format("/{}/", code(to)));
            response.headers.emplace_back("Vary", "Accept-Language");
            return response;
        }
        // What the mail server's replies point to.
        if (path == "/25" || path == "/login" || path == "/limits" || path == "/sendas") {
            const std::string_view shown =
                path == "/25" ? std::string_view("refused") : std::string_view(path).substr(1);
            GuideResponse response = page(language, find_page(shown), shown, shown);
            response.headers.emplace_back("Vary", "Accept-Language");
            return response;
        }
        if (const auto place = place_of(path)) {
            if (const Page* found = find_page(place->page)) {
                return page(language, found, found->path, found->name);
            }
        }
        GuideResponse response = page(language, nullptr, "", "missing");
        response.status = 404;
        return response;
    }

    // `shown` null: only the title and the text of `name`.
    [[nodiscard]] GuideResponse page(
        Language language, const Page* shown, std::string_view path, std::string_view name
    ) const {
        const View view{config_, language, request_, &photographs_};
        const std::string title = fmt::format("{}.title", name);
        const std::string body =
            shown != nullptr
                ? shown->body(view, facts_)
                : view.heading(1, title) + view.paragraph(fmt::format("{}.text", name));
        // The page of an unknown path is no menu entry: nothing is current.
        GuideResponse response;
        response.body = document(view, shown != nullptr ? path : "-", title, body);
        response.headers.emplace_back("Content-Language", code(language));
        response.headers.emplace_back("Cache-Control", "private, no-store");
        return response;
    }

    // Any local part gets the same answer: Evolution asks for EVOLUTIONUSER@, and whether a mailbox
    // exists isn't told.
    [[nodiscard]] GuideResponse autoconfig() const {
        const auto address = parse_mail_address(query(request_, "emailaddress"));
        const std::string domain = address ? address->domain : config_.provider.domain;
        if (!is_own_domain(config_, domain)) {
            return plain_answer(404, "No such mail domain here.\n");
        }
        return xml_answer(autoconfig_xml(config_, domain));
    }

    [[nodiscard]] GuideResponse autodiscover() const {
        if (request_.method != "GET" && request_.method != "HEAD" && request_.method != "POST") {
            GuideResponse response = plain_answer(405, "GET or POST\n");
            response.headers.emplace_back("Allow", "GET, HEAD, POST");
            return response;
        }
        auto address = request_.method == "POST" ? parse_autodiscover_request(request_.body)
                                                 : std::optional<MailAddress>{};
        if (!address) {
            address = parse_mail_address(query(request_, "emailaddress"));
        }
        if (!address || !is_own_domain(config_, address->domain)) {
            return xml_answer(autodiscover_error_xml(
                address ? 500 : 600, address ? "No such mail domain here" : "Invalid request"
            ));
        }
        return xml_answer(autodiscover_xml(config_, *address));
    }

    // Outlook asks here for where the XML is; mobile versions ask for ActiveSync, which isn't
    // offered.
    [[nodiscard]] GuideResponse autodiscover_json() const {
        GuideResponse response;
        response.content_type = "application/json";
        if (!iequals(query(request_, "protocol"), "autodiscoverv1")) {
            response.status = 404;
            response.body =
                nlohmann::json{
                    {"ErrorCode", "ProtocolNotSupported"},
                    {"ErrorMessage", "Only AutodiscoverV1 is offered"}
                }
                    .dump();
            return response;
        }
        response.body =
            nlohmann::json{
                {"Protocol", "AutodiscoverV1"},
                {"Url", config_.provider.guide_url + "/autodiscover/autodiscover.xml"}
            }
                .dump();
        return response;
    }

    [[nodiscard]] GuideResponse pacc() const {
        const auto document = config_.settings.pacc ? pacc_json(config_) : std::nullopt;
        if (!document) {
            return plain_answer(404, "Not offered.\n");
        }
        GuideResponse response;
        response.content_type = "application/json";
        response.body = *document;
        return response;
    }

    [[nodiscard]] GuideResponse apple() const {
        const auto address = parse_mail_address(query(request_, "address"));
        if (!address || !is_own_domain(config_, address->domain) ||
            !incoming_of(config_.settings)) {
            return plain_answer(404, "No profile for this address.\n");
        }
        const auto language = parse_language(query(request_, "lang")).value_or(reader());
        GuideResponse response;
        response.content_type = "application/x-apple-aspen-config";
        response.body = apple_profile(config_, *address, language);
        response.headers.emplace_back("Cache-Control", "private, no-store");
        response.headers.emplace_back(
            "Content-Disposition", "attachment; filename=\"mail.mobileconfig\""
        );
        return response;
    }

    const config::Config& config_;
    const Photographs& photographs_;
    const GuideRequest& request_;
    Facts& facts_;
};

}  // namespace

GuideResponse Guide::handle(const GuideRequest& request, Facts& facts) const {
    GuideResponse response;
    if (request.path.empty() || request.path.front() != '/') {
        response = plain_answer(400, "Bad request\n");
    } else {
        response = Handler{config_, photographs_, request, facts}.answer();
    }
    add_safety(response);
    return response;
}

GuideResponse Guide::my(const GuideRequest& request, const My& my) const {
    const Language ours = config_.provider.name_ja.empty() ? Language::En : Language::Ja;
    const auto place = place_of(request.path);
    const Language language =
        place ? place->language : preferred(header(request, "accept-language"), ours);
    const View view{config_, language, request};
    GuideResponse response;
    response.body = document(view, my_path(my.sheet), my_title(my.sheet), my_body(view, my));
    response.headers.emplace_back("Content-Language", code(language));
    response.headers.emplace_back("Cache-Control", "no-store");
    add_safety(response);
    return response;
}

std::vector<std::string_view> Guide::pages() {
    std::vector<std::string_view> paths;
    for (const Page& page : all_pages()) {
        paths.push_back(page.path);
    }
    return paths;
}

}  // namespace sekisho::guide
