// What is written from the declaration of the keys: the default file and the reference page.
#include "config/keys.h"
#include "config/reader.h"

#include <algorithm>
#include <sstream>
#include <string>
#include <string_view>

namespace sekisho::config {
namespace {

std::string wrapped_comment(std::string_view text) {
    constexpr std::size_t kWidth = 100;
    std::string out;
    while (!text.empty()) {
        std::size_t cut = text.size();
        if (text.size() > kWidth) {
            const std::size_t space = text.rfind(' ', kWidth);
            cut = space == std::string_view::npos ? text.size() : space;
        }
        out += "# " + std::string(text.substr(0, cut)) + "\n";
        text.remove_prefix(std::min(text.size(), cut + 1));
    }
    return out;
}

template <class T>
std::string kind(const Key<T>& key) {
    return key.type + (key.range.empty() ? "" : ": " + key.range) +
           (key.live ? "" : "; at the next start");
}

template <class T>
void markdown_table(std::ostringstream& out, const Table<T>& table) {
    const std::string title = table.name.empty() ? "General"
                              : table.many       ? "[[" + table.name + "]]"
                                                 : "[" + table.name + "]";
    out << "\n## " << title << "\n\n" << table.help << (table.help.empty() ? "" : "\n\n");
    out << "| key | type and range | default | what it does |\n|---|---|---|---|\n";
    for (const Key<T>& key : table.keys) {
        std::string type = key.type + (key.range.empty() ? "" : ": " + key.range);
        std::replace(type.begin(), type.end(), '|', ',');
        out << "| `" << key.name << "` | " << type << " | "
            << (key.fallback.empty() ? "(required)" : "`" + key.fallback + "`") << " | " << key.help
            << (key.live ? "" : " *Takes effect at the next start.*") << " |\n";
    }
}

template <class T>
void commented_example(std::ostringstream& out, const Table<T>& table) {
    out << "\n" << wrapped_comment(table.help) << "#[[" << table.name << "]]\n";
    for (const Key<T>& key : table.keys) {
        out << "#" << key.name << " = " << (key.fallback.empty() ? "\"...\"" : key.fallback)
            << "  # " << kind(key) << "\n";
    }
}

}  // namespace

std::string defaults_toml() {
    std::ostringstream out;
    out << "# sekisho.toml: every key at its default.\n";
    for (const Table<Config>& table : tables()) {
        if (!table.name.empty()) {
            out << "\n" << wrapped_comment(table.help) << "[" << table.name << "]\n";
        }
        for (const Key<Config>& key : table.keys) {
            out << "\n"
                << wrapped_comment(key.help) << "# (" << kind(key) << ")\n"
                << key.name << " = " << key.fallback << "\n";
        }
    }
    commented_example(out, radius_client_table());
    commented_example(out, line_source_table());
    commented_example(out, account_source_table());
    commented_example(out, milter_table());
    commented_example(out, route_table());
    commented_example(out, source_table());
    commented_example(out, destination_table());
    commented_example(out, limit_table());
    commented_example(out, class_table());
    commented_example(out, region_table());
    commented_example(out, rule_table());
    return out.str();
}

std::string reference_markdown() {
    std::ostringstream out;
    out << "# Configuration reference\n\n"
           "One file, `sekisho.toml`. `sekisho config check FILE` reads it as the roles do and "
           "names every fault with its "
           "line; `sekisho config defaults` prints a commented file with every key at its default. "
           "Keys take effect with "
           "`sekisho reload` unless marked otherwise; a file with a fault is refused and the old "
           "one stays in force.\n\n"
           "This page is made from the declaration in `src/config/keys.cc` (`sekisho config "
           "reference`).\n";
    for (const Table<Config>& table : tables()) {
        markdown_table(out, table);
    }
    markdown_table(out, radius_client_table());
    markdown_table(out, line_source_table());
    markdown_table(out, account_source_table());
    markdown_table(out, milter_table());
    markdown_table(out, route_table());
    markdown_table(out, source_table());
    markdown_table(out, destination_table());
    markdown_table(out, limit_table());
    markdown_table(out, class_table());
    markdown_table(out, region_table());
    markdown_table(out, rule_table());
    return out.str();
}

}  // namespace sekisho::config
