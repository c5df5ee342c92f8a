#include "spf/received.h"

#include "base/bytes.h"
#include "spf/check.h"

#include <algorithm>
#include <string>
#include <string_view>

namespace sekisho::spf {
namespace {

constexpr std::size_t kShownMax = 200;

// Text of a peer inside a comment (RFC 5322 §3.2.2).
std::string in_comment(std::string_view text) {
    std::string out;
    for (const char c : printable(text, kShownMax)) {
        if (c == '(' || c == ')' || c == '\\') {
            out += '\\';
        }
        out += c;
    }
    return out;
}

bool is_dot_atom(std::string_view text) {
    const auto is_atext = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("!#$%&'*+-/=?^_`{|}~.").find(c) != std::string_view::npos;
    };
    return !text.empty() && text.front() != '.' && text.back() != '.' &&
           text.find("..") == std::string_view::npos && std::ranges::all_of(text, is_atext);
}

// key-value-pair of RFC 7208 §9.1: a dot-atom or a quoted string.
std::string pair(std::string_view key, std::string_view value) {
    std::string out = " " + std::string(key) + "=";
    if (is_dot_atom(value)) {
        return out + std::string(value) + ";";
    }
    out += '"';
    for (const char c : printable(value, kShownMax)) {
        if (c == '"' || c == '\\') {
            out += '\\';
        }
        out += c;
    }
    return out + "\";";
}

std::string sender_of(const Query& query) {
    const std::string local = query.sender_local.empty() ? "postmaster" : query.sender_local;
    return local + "@" + query.sender_domain;
}

}  // namespace

std::string sentence(const Query& query, const Outcome& outcome) {
    const std::string who = outcome.identity == Identity::Helo ? "host name " + query.helo
                                                               : "domain of " + sender_of(query);
    const std::string client = query.client.text();
    switch (outcome.result) {
        case Code::Pass:
            return who + " designates " + client + " as permitted sender";
        case Code::Fail:
            return who + " does not designate " + client + " as permitted sender";
        case Code::SoftFail:
            return who + " probably does not designate " + client + " as permitted sender";
        case Code::Neutral:
            return who + " says nothing about " + client;
        case Code::None:
            return who + " has no SPF record";
        case Code::TempError:
        case Code::PermError:
            return who + " could not be checked: " + outcome.problem;
    }
    return who;
}

std::string received_value(const Query& query, const Outcome& outcome) {
    std::string out(name(outcome.result));
    out += " (" + in_comment(query.receiver + ": " + sentence(query, outcome)) + ")";
    out += pair("receiver", query.receiver);
    out += pair("client-ip", query.client.text());
    const bool helo = outcome.identity == Identity::Helo;
    out += pair("envelope-from", helo ? "" : sender_of(query));
    out += pair("helo", query.helo);
    out += pair("identity", helo ? "helo" : "mailfrom");
    if (!outcome.mechanism.empty()) {
        out += pair("mechanism", outcome.mechanism);
    }
    if (!outcome.problem.empty()) {
        out += pair("problem", outcome.problem);
    }
    out.pop_back();  // the last pair has no ';'
    return out;
}

}  // namespace sekisho::spf
