// Whether the DNS has what it should: each kind of record has its own idea of "the same".
#include "base/bytes.h"
#include "base/result.h"
#include "dkim/keys/keyring.h"
#include "zone/records.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::zone {
namespace {

using Values = std::vector<std::string>;

bool has(const Values& values, const std::string& one) {
    return std::find(values.begin(), values.end(), one) != values.end();
}

// What follows the first `count` words.
std::string_view after_words(std::string_view text, int count) {
    for (; count > 0; --count) {
        text = text.substr(std::min(text.find(' '), text.size()));
        text = trim(text);
    }
    return text;
}

// Some value has the same words from the given one on: preferences and weights are the operator's.
bool same_from_word(const Record& record, const Values& there, int word) {
    const std::string_view wanted = after_words(record.value, word);
    return std::any_of(there.begin(), there.end(), [&](const std::string& one) {
        return after_words(one, word) == wanted;
    });
}

Values beginning(const Values& there, std::string_view tag) {
    Values out;
    std::copy_if(there.begin(), there.end(), std::back_inserter(out), [&](const std::string& one) {
        return to_lower(one).starts_with(to_lower(tag));
    });
    return out;
}

// RFC 7208 §3.2, RFC 7489 §6.6.3: more than one is as bad as none.
void compare_policy(Finding& finding, Values there, std::string_view tag) {
    there = beginning(there, tag);
    if (there.empty()) {
        finding.state = State::Missing;
    } else if (there.size() == 1 && there.front() == finding.record.value) {
        finding.state = State::Right;
    } else {
        finding.state = State::Different;
        finding.there = std::move(there);
    }
}

bool is_right(const Record& record, const Values& there, const Values& target) {
    switch (record.kind) {
        case Kind::Mx:
            return same_from_word(record, there, 1);
        case Kind::Srv:
            return same_from_word(record, there, 2);
        case Kind::Dkim:
            return dkim::compare(record.key, there) == dkim::Seen::Right;
        case Kind::Alias:
            return std::any_of(there.begin(), there.end(), [&](const std::string& address) {
                return has(target, address) || address == record.value;
            });
        case Kind::Host:
            return !there.empty();
        case Kind::Tlsa:
        case Kind::Spf:
        case Kind::Dmarc:
        case Kind::TlsReports:
            return has(there, record.value);
    }
    return false;
}

}  // namespace

std::string_view name(State state) {
    switch (state) {
        case State::Right:
            return "right";
        case State::Missing:
            return "missing";
        case State::Different:
            return "different";
        case State::Unknown:
            return "unknown";
    }
    return "unknown";
}

bool Finding::fault() const {
    switch (state) {
        case State::Right:
            return false;
        case State::Missing:
        case State::Unknown:
            return record.required;
        case State::Different:
            // Two policies where one must be are a fault whoever knows better.
            return record.required && (record.exact || there.size() > 1);
    }
    return true;
}

Finding compare(const Record& record, const Result<Values>& there, const Values& target) {
    Finding finding;
    finding.record = record;
    if (!there) {
        finding.state = State::Unknown;
        finding.error = there.error().message;
        return finding;
    }
    if (record.kind == Kind::Spf) {
        compare_policy(finding, *there, "v=spf1");
    } else if (record.kind == Kind::Dmarc) {
        compare_policy(finding, *there, "v=DMARC1");
    } else if (record.kind == Kind::TlsReports) {
        compare_policy(finding, *there, "v=TLSRPTv1");
    } else if (is_right(record, *there, target)) {
        finding.state = State::Right;
    } else if (there->empty()) {
        finding.state = State::Missing;
    } else {
        finding.state = State::Different;
        finding.there = *there;
    }
    return finding;
}

}  // namespace sekisho::zone
