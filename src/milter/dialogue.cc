#include "milter/dialogue.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/result.h"
#include "milter/changes.h"
#include "milter/packet.h"
#include "smtp/reply.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::milter {
namespace {

constexpr std::size_t kReplyLinesMax = 32;

// What a milter is told that asks for nothing else: what Postfix and Sendmail tell by default.
constexpr std::array<std::string_view, kStages> kUsual{
    "j {daemon_name} {daemon_addr} {daemon_port} {if_name} {if_addr} v _",
    "{tls_version} {cipher}",
    "i {auth_type} {auth_authen} {auth_author} {client_addr} {client_name} {client_port} "
    "{mail_addr} {mail_host} {mail_mailer}",
    "{rcpt_addr} {rcpt_host} {rcpt_mailer}",
    "i",
    "i",
    "i",
};

std::vector<std::string> names_of(std::string_view list) {
    std::vector<std::string> out;
    std::string name;
    for (const char c : std::string(list) + " ") {
        if (c != ' ' && c != ',' && c != '\t') {
            name += c;
        } else if (!name.empty()) {
            out.push_back(std::exchange(name, {}));
        }
    }
    return out;
}

// libmilter writes each per cent sign twice.
std::string without_doubled_signs(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        out += text[i];
        if (text[i] == '%' && i + 1 < text.size() && text[i + 1] == '%') {
            ++i;
        }
    }
    return out;
}

}  // namespace

std::optional<smtp::Reply> parse_refusal(std::string_view text) {
    smtp::Reply out;
    const std::string whole = without_doubled_signs(text);
    for (std::string_view line : split(whole, '\n')) {
        if (line.ends_with('\r')) {
            line.remove_suffix(1);
        }
        if (line.empty() && !out.lines.empty()) {
            continue;
        }
        if (line.size() < 3 || (line[0] != '4' && line[0] != '5') ||
            !std::ranges::all_of(line.substr(0, 3), [](char c) { return c >= '0' && c <= '9'; }) ||
            (line.size() > 3 && line[3] != ' ' && line[3] != '-')) {
            return std::nullopt;
        }
        const int code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
        if ((out.code != 0 && code != out.code) || out.lines.size() >= kReplyLinesMax) {
            return std::nullopt;
        }
        out.code = code;
        std::string_view rest = trim(line.substr(std::min<std::size_t>(4, line.size())));
        const std::string_view first = rest.substr(0, rest.find(' '));
        if (smtp::is_enhanced_code(first) && first[0] == line[0]) {
            out.enhanced = first;
            rest = trim(rest.substr(first.size()));
        }
        out.lines.emplace_back(rest);
    }
    if (out.code == 0) {
        return std::nullopt;
    }
    if (out.enhanced.empty()) {
        out.enhanced = out.temporary() ? "4.7.1" : "5.7.1";
    }
    return out;
}

Dialogue::Dialogue(std::size_t body_max) : body_max_(body_max) {
    output_ = to_bytes(
        command::kNegotiate, number(kVersion) + number(action::kAll) + number(step::kOffered)
    );
}

std::string Dialogue::take_output() {
    return std::exchange(output_, {});
}

Answer Dialogue::take_answer() {
    return std::exchange(answer_, {});
}

Changes Dialogue::take_changes() {
    return std::exchange(changes_, {});
}

bool Dialogue::take_progress() {
    return std::exchange(progress_, false);
}

void Dialogue::tell(char command, std::string_view data, std::uint32_t silent, Wait wait) {
    SEKISHO_ASSERT(wait_ == Wait::Nothing);
    output_ += to_bytes(command, data);
    answer_ = {};
    if (!does(silent)) {
        wait_ = wait;
    }
}

void Dialogue::tell_macros(Stage stage, char command, const Macros& macros) {
    const auto at = static_cast<std::size_t>(stage);
    std::string data(1, command);
    for (const std::string& name : wanted_[at] ? *wanted_[at] : names_of(kUsual.at(at))) {
        // "auth_type" asked for without its braces is "{auth_type}".
        auto found = macros.find(name);
        if (found == macros.end() && name.size() > 1 && !name.starts_with('{')) {
            found = macros.find("{" + name + "}");
        }
        if (found != macros.end() && !found->second.empty()) {
            data += terminated(found->first) + terminated(found->second);
        }
    }
    if (data.size() > 1) {
        output_ += to_bytes(command::kMacros, data);
    }
}

void Dialogue::connect(const Client& client, const Macros& macros) {
    answer_ = {};
    if (does(step::kNoConnect)) {
        return;
    }
    tell_macros(Stage::Connect, command::kConnect, macros);
    std::string data = terminated(client.name);
    if (client.address.empty()) {
        data += 'U';
    } else {
        data += client.v6 ? '6' : '4';
        data += static_cast<char>(client.port >> 8U);
        data += static_cast<char>(client.port & 0xFFU);
        data += terminated(client.address);
    }
    tell(command::kConnect, data, step::kSilentConnect);
}

void Dialogue::helo(std::string_view name, const Macros& macros) {
    answer_ = {};
    if (does(step::kNoHelo)) {
        return;
    }
    tell_macros(Stage::Helo, command::kHelo, macros);
    tell(command::kHelo, terminated(name), step::kSilentHelo);
}

namespace {

std::string path_data(std::string_view path, const std::vector<std::string>& parameters) {
    std::string out = terminated(path);
    for (const std::string& parameter : parameters) {
        out += terminated(parameter);
    }
    return out;
}

}  // namespace

void Dialogue::mail(
    std::string_view path, const std::vector<std::string>& parameters, const Macros& macros
) {
    answer_ = {};
    changes_ = {};
    skip_body_ = false;
    if (does(step::kNoMail)) {
        return;
    }
    tell_macros(Stage::Mail, command::kMail, macros);
    tell(command::kMail, path_data(path, parameters), step::kSilentMail);
}

void Dialogue::rcpt(
    std::string_view path, const std::vector<std::string>& parameters, const Macros& macros
) {
    answer_ = {};
    if (does(step::kNoRcpt)) {
        return;
    }
    tell_macros(Stage::Rcpt, command::kRcpt, macros);
    tell(command::kRcpt, path_data(path, parameters), step::kSilentRcpt);
}

void Dialogue::data(const Macros& macros) {
    answer_ = {};
    constexpr std::uint32_t kKnowsData = 4;  // the version that brought it
    if (version_ < kKnowsData || does(step::kNoData)) {
        return;
    }
    tell_macros(Stage::Data, command::kData, macros);
    tell(command::kData, {}, step::kSilentData);
}

void Dialogue::field(std::string_view name, std::string_view raw) {
    answer_ = {};
    if (!does(step::kNoHeader)) {
        tell(
            command::kHeader,
            terminated(name) + terminated(field_value(raw, leading_space())),
            step::kSilentHeader
        );
    }
}

void Dialogue::end_of_fields(const Macros& macros) {
    answer_ = {};
    if (does(step::kNoEndOfHeader)) {
        return;
    }
    tell_macros(Stage::EndOfHeader, command::kEndOfHeader, macros);
    tell(command::kEndOfHeader, {}, step::kSilentEndOfHeader);
}

bool Dialogue::wants_body() const {
    return !does(step::kNoBody) && !skip_body_;
}

void Dialogue::body(std::string_view chunk) {
    SEKISHO_ASSERT(chunk.size() <= kChunkMax);
    answer_ = {};
    if (wants_body()) {
        tell(command::kBody, chunk, step::kSilentBody);
        body_told_ = waits();
    }
}

void Dialogue::end_of_message(const Macros& macros) {
    answer_ = {};
    tell_macros(Stage::EndOfMessage, command::kEndOfMessage, macros);
    tell(command::kEndOfMessage, {}, 0, Wait::EndOfMessage);
}

void Dialogue::abort() {
    tell(command::kAbort, {}, 0, Wait::Nothing);
    changes_ = {};
}

void Dialogue::quit() {
    tell(command::kQuit, {}, 0, Wait::Nothing);
}

bool Dialogue::new_client() {
    constexpr std::uint32_t kKnowsNewClient = 6;
    if (version_ < kKnowsNewClient) {
        return false;
    }
    tell(command::kNewClient, {}, 0, Wait::Nothing);
    changes_ = {};
    return true;
}

Status Dialogue::receive(std::string_view bytes) {
    input_.receive(bytes);
    while (true) {
        auto packet = input_.next();
        if (!packet) {
            return fail(packet.error());
        }
        if (!*packet) {
            return {};
        }
        if (Status taken = take(**packet); !taken) {
            return taken;
        }
    }
}

Status Dialogue::take(const Packet& packet) {
    switch (wait_) {
        case Wait::Negotiation:
            return negotiated(packet);
        case Wait::Nothing:
            return fail(
                Errc::Invalid,
                "it says '" + printable({&packet.command, 1}) + "' without being asked"
            );
        case Wait::EndOfMessage: {
            const auto change = take_change(changes_, packet, body_max_);
            if (!change) {
                return fail(change.error());
            }
            if (*change) {
                if (!may(packet.command)) {
                    return fail(Errc::Invalid, "it asks for a change that it hadn't announced");
                }
                return {};
            }
            return answered(packet);
        }
        case Wait::Answer:
            return answered(packet);
    }
    return {};
}

bool Dialogue::may(char command) const {
    switch (command) {
        case response::kAddHeader:
        case response::kInsertHeader:
            return (actions_ & (action::kAddHeader | action::kChangeHeader)) != 0;
        case response::kChangeHeader:
            return (actions_ & action::kChangeHeader) != 0;
        case response::kReplaceBody:
            return (actions_ & action::kChangeBody) != 0;
        case response::kAddRcpt:
            return (actions_ & (action::kAddRcpt | action::kAddRcptWith)) != 0;
        case response::kAddRcptWith:
            return (actions_ & action::kAddRcptWith) != 0;
        case response::kDeleteRcpt:
            return (actions_ & action::kDeleteRcpt) != 0;
        case response::kChangeFrom:
            return (actions_ & action::kChangeFrom) != 0;
        default:
            return (actions_ & action::kQuarantine) != 0;
    }
}

Status Dialogue::negotiated(const Packet& packet) {
    if (packet.command != command::kNegotiate) {
        return fail(Errc::Invalid, "it doesn't negotiate");
    }
    DataReader data(packet.data);
    const auto version = data.number();
    const auto actions = data.number();
    const auto steps = data.number();
    if (!version || !actions || !steps) {
        return fail(Errc::Invalid, "its negotiation is too short");
    }
    if (*version < kVersionMin || *version > kVersion) {
        return fail(
            Errc::Invalid, "it speaks version " + std::to_string(*version) + " of the protocol"
        );
    }
    if ((*actions & ~action::kAll) != 0 || (*steps & ~step::kOffered) != 0) {
        return fail(Errc::Invalid, "it wants what wasn't offered");
    }
    version_ = *version;
    actions_ = *actions;
    steps_ = *steps;
    while (!data.empty()) {
        const auto stage = data.number();
        const auto names = data.text();
        if (!stage || !names) {
            return fail(Errc::Invalid, "its list of macros is malformed");
        }
        if (*stage < kStages) {
            wanted_[*stage] = names_of(*names);
        }
    }
    wait_ = Wait::Nothing;
    return {};
}

Status Dialogue::answered(const Packet& packet) {
    using Kind = Answer::Kind;
    Answer out;
    switch (packet.command) {
        case response::kProgress:
            progress_ = true;
            return {};
        case response::kContinue:
            break;
        case response::kSkip:
            // Of the body's chunks; elsewhere it is as good as "continue".
            skip_body_ = skip_body_ || body_told_;
            break;
        case response::kAccept:
            out.kind = Kind::Accept;
            break;
        case response::kDiscard:
            out.kind = Kind::Discard;
            break;
        case response::kReject:
            out.kind = Kind::Reject;
            break;
        case response::kTempFail:
            out.kind = Kind::TempFail;
            break;
        case response::kConnectionFail:
            out.kind = Kind::TempFail;
            out.closes = true;
            break;
        case response::kReply: {
            auto text = DataReader(packet.data).text();
            out.reply = text ? parse_refusal(*text) : std::nullopt;
            if (!out.reply) {
                return fail(Errc::Invalid, "its reply is none: " + printable(packet.data, 80));
            }
            out.kind = out.reply->temporary() ? Kind::TempFail : Kind::Reject;
            out.closes = out.reply->code == 421;
            break;
        }
        default:
            return fail(
                Errc::Invalid, "it says '" + printable({&packet.command, 1}) + "' out of place"
            );
    }
    body_told_ = false;
    answer_ = std::move(out);
    wait_ = Wait::Nothing;
    return {};
}

}  // namespace sekisho::milter
