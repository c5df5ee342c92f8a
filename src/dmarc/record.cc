#include "dmarc/record.h"

#include "base/bytes.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::dmarc {
namespace {

constexpr std::size_t kReportsMax = 20;  // kept of a rua; nobody has more

std::optional<Policy> read_policy(std::string_view value) {
    for (const Policy each : {Policy::None, Policy::Quarantine, Policy::Reject}) {
        if (iequals(value, name(each))) {
            return each;
        }
    }
    return std::nullopt;
}

// A scheme and something after it (RFC 3986 §3). "mailto:" needs an address. The obsolete
// "!10m" behind it is not looked at.
bool is_report_uri(std::string_view uri) {
    const std::size_t colon = uri.find(':');
    if (colon == std::string_view::npos || colon == 0 || colon + 1 == uri.size()) {
        return false;
    }
    const std::string scheme = to_lower(uri.substr(0, colon));
    const bool good = std::ranges::all_of(scheme, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
    });
    const bool clean = std::ranges::all_of(uri, [](char c) { return c > 0x20 && c < 0x7F; });
    return good && clean && (scheme != "mailto" || uri.find('@') != std::string_view::npos);
}

struct Tag {
    std::string_view name, value;
};

std::optional<Tag> read_tag(std::string_view text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) {
        return std::nullopt;
    }
    return Tag{trim(text.substr(0, equals)), trim(text.substr(equals + 1))};
}

class RecordReader {
  public:
    void take(const Tag& tag) {
        // The first of a kind counts; a list with two is no tag-list (RFC 6376 §3.2), but Unknown
        // is better than to trust the second.
        const std::string key = to_lower(tag.name);
        if (std::ranges::find(seen_, key) != seen_.end()) {
            return;
        }
        seen_.push_back(key);
        if (key == "p") {
            const auto policy = read_policy(tag.value);
            bad_policy_ = bad_policy_ || !policy;
            record_.policy = policy.value_or(Policy::None);
        } else if (key == "sp") {
            record_.subdomains = read_policy(tag.value);
            bad_policy_ = bad_policy_ || !record_.subdomains;
        } else if (key == "np") {
            record_.nonexistent = read_policy(tag.value);
            bad_policy_ = bad_policy_ || !record_.nonexistent;
        } else if (key == "adkim") {
            record_.strict_dkim = iequals(tag.value, "s");
        } else if (key == "aspf") {
            record_.strict_spf = iequals(tag.value, "s");
        } else if (key == "t") {
            record_.testing = iequals(tag.value, "y");
        } else if (key == "psd") {
            record_.psd = iequals(tag.value, "y")   ? Psd::Yes
                          : iequals(tag.value, "n") ? Psd::No
                                                    : Psd::Unknown;
        } else if (key == "rua") {
            add_uris(tag.value, record_.aggregate_reports);
        } else if (key == "ruf") {
            add_uris(tag.value, record_.failure_reports);
        } else if (key == "fo") {
            read_options(tag.value);
        }
    }

    static void add_uris(std::string_view value, std::vector<std::string>& out) {
        for (const std::string_view each : split(value, ',')) {
            const std::string_view uri = trim(each);
            if (is_report_uri(uri) && out.size() < kReportsMax) {
                out.emplace_back(uri);
            }
        }
    }

    // "1:d": what isn't known is left out; nothing of it: as if it weren't there.
    void read_options(std::string_view value) {
        std::string known;
        for (const std::string_view each : split(value, ':')) {
            const std::string option = to_lower(trim(each));
            if (option == "0" || option == "1" || option == "d" || option == "s") {
                known += (known.empty() ? "" : ":") + option;
            }
        }
        if (!known.empty()) {
            record_.failure_options = known;
        }
    }

    Record finish() {
        if (bad_policy_) {
            record_.policy = Policy::None;
            record_.subdomains.reset();
            record_.nonexistent.reset();
            record_.usable = !record_.aggregate_reports.empty();
        }
        return std::move(record_);
    }

  private:
    Record record_;
    bool bad_policy_ = false;
    std::vector<std::string> seen_;
};

}  // namespace

std::string_view name(Policy policy) {
    switch (policy) {
        case Policy::None:
            return "none";
        case Policy::Quarantine:
            return "quarantine";
        case Policy::Reject:
            return "reject";
    }
    return "none";
}

std::optional<Record> parse_record(std::string_view text) {
    const std::vector<std::string_view> parts = split(text, ';');
    const auto version = read_tag(parts.front());
    if (!version || version->name != "v" || version->value != "DMARC1") {
        return std::nullopt;
    }
    RecordReader reader;
    for (const std::string_view part : parts) {
        if (const auto tag = read_tag(part)) {
            reader.take(*tag);
        }
    }
    return reader.finish();
}

}  // namespace sekisho::dmarc
