// The text of a submitted message: what is malformed is refused with a reason, what other servers
// couldn't take is encoded anew (RFC 6409 §8).
#include "base/bytes.h"
#include "base/log.h"
#include "base/result.h"
#include "config/config.h"
#include "mail/rules.h"
#include "mail/session.h"
#include "mail/shared.h"
#include "message/address.h"
#include "message/header.h"
#include "message/mend.h"
#include "message/repair.h"
#include "net/task.h"
#include "net/workers.h"
#include "smtp/reply.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::mail {
namespace {

constexpr std::size_t kShown = 60;      // octets of what is wrong
constexpr std::size_t kLinesMax = 200;  // that are looked at behind the header

bool begins_a_field(std::string_view line) {
    static constexpr std::array<std::string_view, 12> kKnown{
        "From:",
        "To:",
        "Cc:",
        "Subject:",
        "Date:",
        "Message-ID:",
        "Sender:",
        "Reply-To:",
        "MIME-Version:",
        "Content-Type:",
        "Content-Transfer-Encoding:",
        "References:",
    };
    return std::ranges::any_of(kKnown, [line](std::string_view one) {
        return iequals(line.substr(0, one.size()), one);
    });
}

// A line that is no field ends the header. Where fields follow, it stands among them, and who put
// an empty line before it would make text of what were fields; else only the empty line is missing.
std::optional<smtp::Reply> refuse_bad_line(
    const message::Header& header, std::string_view message
) {
    if (!header.has(message::DefectKind::NotAField) || header.fields().empty()) {
        return std::nullopt;
    }
    std::string_view rest = message.substr(header.body_offset());
    const std::string_view bad = rest.substr(0, rest.find_first_of("\r\n"));
    for (std::size_t i = 0; i < kLinesMax && !rest.empty(); ++i) {
        const std::string_view line = rest.substr(0, rest.find_first_of("\r\n"));
        if (line.empty()) {
            return std::nullopt;
        }
        if (i > 0 && begins_a_field(line)) {
            return smtp::reply(
                550,
                "5.6.0",
                fmt::format(
                    "The header has a line that is no field: \"{}\"; the program that made the "
                    "message must be mended",
                    printable(bad, kShown)
                )
            );
        }
        const std::size_t end = rest.find('\n');
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
    return std::nullopt;
}

}  // namespace

std::optional<smtp::Reply> refuse_malformed(
    const message::Header& header, std::string_view message
) {
    if (auto refusal = refuse_bad_line(header, message)) {
        return refusal;
    }
    for (const message::Field& field : header.fields()) {
        if (!iequals(field.name, "To") && !iequals(field.name, "Cc") &&
            !iequals(field.name, "Reply-To")) {
            continue;
        }
        const std::string value = field.value();
        const auto list = message::parse_address_list(value);
        // Names without a domain are given one, an empty field is left out.
        if (value.empty() || !list.mailboxes.empty() || !list.groups.empty() ||
            !message::with_domain(value, "x").empty()) {
            continue;
        }
        return smtp::reply(
            550,
            "5.6.0",
            fmt::format(
                "The field {} has no address that can be read: \"{}\"",
                field.name,
                printable(value, kShown)
            )
        );
    }
    return std::nullopt;
}

// True: the client has its answer.
net::Task<bool> Session::mend(Smtp::Deliver* mail) {
    {
        const auto header = message::Header::scan(mail->message);
        auto refusal = refuse_repeated(header);
        if (!refusal) {
            refusal = refuse_malformed(header, mail->message);
        }
        if (refusal && header.complete()) {
            answer(std::move(*refusal), {}, "header");
            co_return true;
        }
    }
    message::MendOptions options;
    options.utf8 = mail->transaction.mail.smtputf8;
    options.binary = mail->transaction.mail.body == smtp::Body::Binary;
    if (!settings_->config.mail.reencode || !message::needs_mending(mail->message, options)) {
        co_return false;
    }
    auto text = std::make_shared<std::string>(std::move(mail->message));
    std::function<Result<std::string>()> work = [text, options] {
        return message::mend(*text, options);
    };
    auto mended = co_await net::run_on<Result<std::string>>(shared_->workers, std::move(work));
    if (!mended) {
        const bool address = mended.error().code == Errc::Denied;
        answer(smtp::reply(550, address ? "5.6.7" : "5.6.0", mended.error().message), {}, "header");
        co_return true;
    }
    log::info(
        "MAIL_REENCODED",
        "a message was encoded anew, so that others can take it",
        {{"account", smtp_.login()}, {"before", text->size()}, {"after", mended->size()}}
    );
    mail->message = std::move(*mended);
    co_return false;
}

}  // namespace sekisho::mail
