#include "line/static_table.h"

#include "base/bytes.h"
#include "base/ip.h"
#include "line/line.h"
#include "line/ports.h"

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::line {
namespace {

constexpr std::size_t kFieldMax = 253;

// The fields of one row, or nothing when a quote is not closed or stands inside a field.
std::optional<std::vector<std::string>> fields(std::string_view row) {
    std::vector<std::string> out(1);
    bool quoted = false;
    bool was_quoted = false;
    for (std::size_t i = 0; i < row.size(); ++i) {
        const char c = row[i];
        if (quoted && c == '"' && i + 1 < row.size() && row[i + 1] == '"') {
            out.back().push_back('"');
            ++i;
        } else if (quoted) {
            quoted = c != '"';
            if (quoted) {
                out.back().push_back(c);
            }
        } else if (c == ',') {
            out.emplace_back();
            was_quoted = false;
        } else if (c == '"' && trim(out.back()).empty() && !was_quoted) {
            out.back().clear();
            quoted = true;
            was_quoted = true;
        } else if (c == '"' || (was_quoted && c != ' ')) {
            return std::nullopt;
        } else {
            out.back().push_back(c);
        }
    }
    if (quoted) {
        return std::nullopt;
    }
    for (std::string& field : out) {
        field = std::string{trim(field)};
    }
    return out;
}

bool is_name(std::string_view text) {
    return text.size() <= kFieldMax && is_utf8(text) && printable(text, kFieldMax + 1) == text;
}

bool is_heading(std::string_view row) {
    const auto read = fields(row);
    return read && read->size() >= 2 && iequals(read->at(0), "prefix");
}

class Reader {
  public:
    explicit Reader(std::string nas) : nas_(std::move(nas)) {}
    StaticTable take() { return std::move(out_); }

    void row(std::string_view text, std::size_t number) {
        const auto read = fields(text);
        if (!read) {
            return error(number, "a quote is not closed, or stands inside a field");
        }
        if (read->size() < 2 || read->size() > 4) {
            return error(number, "a row is prefix,line, or with ,realm or ,realm,ports after them");
        }
        const auto prefix = Prefix::parse(read->at(0));
        if (!prefix) {
            return error(number, prefix.error().message);
        }
        const std::string& line = read->at(1);
        const std::string realm = read->size() > 2 ? to_lower(read->at(2)) : std::string{};
        if (line.empty() || !is_name(line) || !is_name(realm)) {
            return error(number, "the line or realm is empty, too long or not printable");
        }
        PortSet ports;
        if (read->size() == 4 && !read->at(3).empty()) {
            const auto named = PortSet::parse(read->at(3));
            if (!named) {
                return error(number, named.error().message);
            }
            if (!prefix->is_v4()) {
                return error(number, "only IPv4 addresses are shared by ports");
            }
            ports = *named;
        }
        add({line, realm, ports, number}, *prefix);
    }

  private:
    struct Owner {
        std::string line, realm;
        PortSet ports;
        std::size_t row;
    };
    void add(Owner owner, const Prefix& prefix) {
        std::vector<Owner>& known = rows_[prefix];
        for (const Owner& other : known) {
            const bool same = other.line == owner.line && other.realm == owner.realm;
            if (same && other.ports == owner.ports) {
                return;  // said twice
            }
            if (!same && other.ports.overlaps(owner.ports)) {
                return error(
                    owner.row,
                    (owner.ports.is_every() ? "" : "ports " + owner.ports.text() + " of ") +
                        prefix.text() + " belongs to line " + other.line + " already, by row " +
                        std::to_string(other.row)
                );
            }
        }
        Session session;
        session.id = prefix.text();
        session.id += owner.ports.is_every() ? "" : " ports " + owner.ports.text();
        session.nas = nas_;
        session.line = owner.line;
        session.realm = owner.realm;
        session.prefixes = {prefix};
        session.ports = owner.ports;
        out_.sessions.push_back(std::move(session));
        known.push_back(std::move(owner));
    }
    void error(std::size_t number, std::string message) {
        out_.errors.push_back({.row = number, .message = std::move(message)});
    }

    const std::string nas_;
    StaticTable out_;
    std::map<Prefix, std::vector<Owner>> rows_;
};

}  // namespace

StaticTable parse_static_table(std::string_view text, std::string nas) {
    if (text.starts_with("\xef\xbb\xbf")) {
        text.remove_prefix(3);  // a mark that spreadsheets put in front
    }
    Reader reader{std::move(nas)};
    std::size_t number = 0;
    bool first = true;
    for (std::string_view row : split(text, '\n')) {
        ++number;
        row = trim(row);
        if (row.empty() || row.starts_with('#')) {
            continue;
        }
        if (!(first && is_heading(row))) {
            reader.row(row, number);
        }
        first = false;
    }
    return reader.take();
}

}  // namespace sekisho::line
