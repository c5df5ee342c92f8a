#include "smtp/address.h"

#include "base/bytes.h"
#include "base/ip.h"
#include "base/result.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::smtp {
namespace {

constexpr std::size_t kLabelMax = 63;  // RFC 1035 §2.3.4

bool alnum(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool high(char c) {
    return static_cast<unsigned char>(c) >= 0x80;
}

// RFC 5322 §3.2.3
bool atext(char c) {
    return alnum(c) || (c != '\0' && std::string_view("!#$%&'*+-/=?^_`{|}~").contains(c));
}

bool dot_atom(std::string_view local) {
    if (local.empty() || local.starts_with('.') || local.ends_with('.') ||
        local.find("..") != std::string_view::npos) {
        return false;
    }
    return std::all_of(local.begin(), local.end(), [](char c) {
        return atext(c) || high(c) || c == '.';
    });
}

std::unexpected<Error> wrong(const char* what) {
    return fail(Errc::Invalid, what);
}

// Reads forward over one text; every read_* leaves `at` behind what it took.
class Scanner {
  public:
    Scanner(std::string_view text, const AddressRules& rules) : text_(text), rules_(rules) {}

    [[nodiscard]] bool done() const { return at_ >= text_.size(); }
    [[nodiscard]] std::size_t at() const { return at_; }
    [[nodiscard]] bool take(char c) {
        if (done() || text_[at_] != c) {
            return false;
        }
        ++at_;
        return true;
    }

    [[nodiscard]] Result<std::string> local_part() {
        const std::size_t from = at_;
        Result<std::string> local = !done() && text_[at_] == '"' ? quoted() : atoms();
        if (!local) {
            return local;
        }
        if (local->empty()) {
            return wrong("the local part is empty");
        }
        if (at_ - from > rules_.local_max) {
            return wrong("the local part is too long");
        }
        if (!is_utf8(*local)) {
            return wrong("the local part is not UTF-8");
        }
        return local;
    }

    [[nodiscard]] Result<std::string> domain() {
        return !done() && text_[at_] == '[' ? literal() : name();
    }

    // A-d-l ":" (RFC 5321 §4.1.2); checked for form, then forgotten.
    [[nodiscard]] Status source_route() {
        while (true) {
            if (!take('@')) {
                return wrong("the source route has no '@'");
            }
            const auto host = domain();
            if (!host) {
                return fail(host.error());
            }
            if (take(':')) {
                return {};
            }
            if (!take(',')) {
                return wrong("the source route has no ':'");
            }
        }
    }

  private:
    Result<std::string> atoms() {
        const std::size_t from = at_;
        while (!done() && (atext(text_[at_]) || text_[at_] == '.' || high(text_[at_]))) {
            if (high(text_[at_]) && !rules_.utf8) {
                return wrong("the local part is not ASCII");
            }
            ++at_;
        }
        const std::string_view local = text_.substr(from, at_ - from);
        if (!local.empty() && !rules_.loose_dots && !dot_atom(local)) {
            return wrong("a dot stands where none may");
        }
        return std::string(local);
    }

    // Quoted-string: qtextSMTP and quoted-pairSMTP, so printable ASCII and space only.
    Result<std::string> quoted() {
        std::string out;
        ++at_;
        while (!done()) {
            char c = text_[at_++];
            if (c == '"') {
                return out;
            }
            if (c == '\\') {
                if (done()) {
                    break;
                }
                c = text_[at_++];
                if (high(c)) {
                    return wrong("a backslash stands before a non-ASCII character");
                }
            }
            if (c < 0x20 && !high(c)) {
                return wrong("the quoted local part has a control character");
            }
            if (c == 0x7f || (high(c) && !rules_.utf8)) {
                return wrong("the quoted local part has a character that is not allowed");
            }
            out.push_back(c);
        }
        return wrong("the quoted local part has no end");
    }

    Result<std::string> name() {
        const std::size_t from = at_;
        while (!done() && (alnum(text_[at_]) || high(text_[at_]) ||
                           std::string_view("-_.").contains(text_[at_]))) {
            ++at_;
        }
        const std::string_view domain = text_.substr(from, at_ - from);
        if (domain.empty()) {
            return wrong("the domain is missing");
        }
        if (domain.size() > kDomainMax) {
            return wrong("the domain is too long");
        }
        if (!is_domain(domain, rules_.utf8)) {
            return wrong("the domain is malformed");
        }
        return to_lower(domain);
    }

    Result<std::string> literal() {
        const std::size_t end = text_.find(']', at_);
        if (end == std::string_view::npos) {
            return wrong("the address literal has no end");
        }
        std::string_view inside = text_.substr(at_ + 1, end - at_ - 1);
        at_ = end + 1;
        const bool v6 = inside.size() > 5 && iequals(inside.substr(0, 5), "IPv6:");
        if (v6) {
            inside.remove_prefix(5);
        }
        const bool colon = inside.contains(':');
        const auto address = IpAddress::parse(inside);
        if (!address || v6 != colon) {
            return wrong("the address literal is malformed");
        }
        // ::ffff:a.b.c.d is read as the IPv4 address that it stands for.
        return (address->is_v4() ? "[" : "[IPv6:") + address->text() + "]";
    }

    std::string_view text_;
    const AddressRules& rules_;
    std::size_t at_ = 0;
};

Result<Address> mailbox(Scanner& scan) {
    auto local = scan.local_part();
    if (!local) {
        return fail(local.error());
    }
    if (!scan.take('@')) {
        return wrong("the '@' and the domain are missing");
    }
    auto domain = scan.domain();
    if (!domain) {
        return fail(domain.error());
    }
    return Address{std::move(*local), std::move(*domain)};
}

bool good_label(std::string_view label) {
    return !label.empty() && label.size() <= kLabelMax && !label.starts_with('-') &&
           !label.ends_with('-');
}

}  // namespace

std::string Address::text() const {
    std::string out;
    if (dot_atom(local)) {
        out = local;
    } else {
        out.push_back('"');
        for (const char c : local) {
            if (c == '"' || c == '\\') {
                out.push_back('\\');
            }
            out.push_back(c);
        }
        out.push_back('"');
    }
    if (!domain.empty()) {
        out += "@" + domain;
    }
    return out;
}

std::string Address::key() const {
    return to_lower(text());
}

bool Address::ascii() const {
    return std::none_of(local.begin(), local.end(), high) &&
           std::none_of(domain.begin(), domain.end(), high);
}

bool is_domain(std::string_view text, bool utf8) {
    if (text.empty() || text.size() > kDomainMax || (utf8 && !is_utf8(text))) {
        return false;
    }
    for (const std::string_view label : split(text, '.')) {
        const bool characters = std::all_of(label.begin(), label.end(), [utf8](char c) {
            return alnum(c) || c == '-' || c == '_' || (utf8 && high(c));
        });
        if (!characters || !good_label(label)) {
            return false;
        }
    }
    return true;
}

Result<Address> parse_address(std::string_view text, const AddressRules& rules) {
    Scanner scan(text, rules);
    auto address = mailbox(scan);
    if (address && !scan.done()) {
        return wrong("there is something behind the address");
    }
    return address;
}

Result<Path> parse_path(std::string_view text, PathKind kind, const AddressRules& rules) {
    if (!text.starts_with('<')) {
        return wrong("the address must stand in angle brackets");
    }
    if (text.starts_with("<>")) {
        if (kind == PathKind::Forward) {
            return wrong("a recipient can't be empty");
        }
        return Path{{}, 2};
    }
    constexpr std::string_view kPostmaster = "<postmaster>";
    if (kind == PathKind::Forward && iequals(text.substr(0, kPostmaster.size()), kPostmaster)) {
        return Path{Address{"postmaster", {}}, kPostmaster.size()};
    }
    Scanner scan(text, rules);
    if (!scan.take('<')) {
        return wrong("the address must stand in angle brackets");
    }
    if (text.substr(1).starts_with('@')) {
        if (const Status route = scan.source_route(); !route) {
            return fail(route.error());
        }
    }
    auto address = mailbox(scan);
    if (!address) {
        return fail(address.error());
    }
    if (!scan.take('>')) {
        return wrong("the address does not end with '>'");
    }
    if (scan.at() > kPathMax) {
        return wrong("the path is too long");
    }
    return Path{std::move(*address), scan.at()};
}

}  // namespace sekisho::smtp
