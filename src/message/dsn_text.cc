#include "message/dsn_text.h"

#include "base/bytes.h"
#include "base/time.h"
#include "message/dsn.h"
#include "message/encode.h"
#include "message/header.h"
#include "message/repair.h"
#include "replies/table.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace sekisho::message {
namespace {

constexpr std::size_t kReplyShownMax = 600;

struct ActionWords {
    DsnAction action;
    std::string_view ja, en;
};
constexpr std::array<ActionWords, 5> kActions{{
    {DsnAction::Failed,
     "次のあて先には届けられませんでした。もう送ろうとはしません。",
     "The mail could not be delivered to the following. We have stopped trying."},
    {DsnAction::Delayed,
     "次のあて先にはまだ届いていません。引き続き送りますので、送り直す必要はありません。",
     "The mail has not reached the following yet. We keep trying; you need not send it again."},
    {DsnAction::Delivered, "次のあて先に届きました。", "The mail was delivered to the following."},
    {DsnAction::Relayed,
     "次のあて先のサーバーに渡しました。この先の到着の知らせは届かないことがあります。",
     "The mail was handed to the server of the following, which may send no further notice."},
    {DsnAction::Expanded,
     "次のあて先（メーリングリストなど）に届き、そこから配られました。",
     "The mail reached the following list and was passed on from there."},
}};

bool has(const DsnRequest& request, DsnAction action) {
    return std::any_of(
        request.recipients.begin(),
        request.recipients.end(),
        [action](const DsnRecipient& recipient) { return recipient.action == action; }
    );
}

std::string shown(std::string_view text) {
    return printable(text, kReplyShownMax);
}

void line(std::string& out, std::string_view label, std::string_view value) {
    if (!value.empty()) {
        out += label;
        out += value;
        out += "\r\n";
    }
}

// By the reply's words, unless the status says something else: that its time was over.
replies::Kind explain(const DsnRecipient& recipient, DsnAction action) {
    const std::string said =
        status_of_reply(recipient.diagnostic_is_reply ? recipient.diagnostic : "", action);
    const bool same = recipient.status.empty() || recipient.status == said;
    if (recipient.diagnostic_is_reply && same && !recipient.diagnostic.empty()) {
        return replies::in_use()
            ->find({.reply = recipient.diagnostic, .host = recipient.remote_mta})
            .kind;
    }
    return explain_status(recipient.status.empty() ? said : recipient.status);
}

// The recipients of one action, in one language.
void recipients_text(std::string& out, const DsnRequest& request, DsnAction action, bool ja) {
    for (const DsnRecipient& recipient : request.recipients) {
        if (recipient.action != action) {
            continue;
        }
        out += "\r\n";
        line(out, ja ? "  あて先: " : "  To: ", shown(recipient.address));
        if (action == DsnAction::Failed || action == DsnAction::Delayed) {
            const replies::Kind why = explain(recipient, action);
            line(out, ja ? "  理由: " : "  Why: ", ja ? why.why_ja : why.why_en);
            if (action == DsnAction::Failed) {
                line(
                    out,
                    ja ? "  どうすればよいか: " : "  What to do: ",
                    ja ? why.todo_ja : why.todo_en
                );
            }
            const std::string_view label =
                recipient.diagnostic_is_reply
                    ? (ja ? "  相手サーバーの返事: " : "  The other server said: ")
                    : (ja ? "  詳しくは: " : "  In detail: ");
            line(out, label, shown(recipient.diagnostic));
        }
        if (recipient.retry_until && action == DsnAction::Delayed) {
            line(
                out,
                ja ? "  いつまで送り続けるか: " : "  We keep trying until: ",
                rfc5322_date(*recipient.retry_until)
            );
        }
    }
}

void which_mail(std::string& out, const Header& original, bool ja) {
    const Inspection inspection = inspect(original);
    const Field* const date = original.find("Date");
    line(out, ja ? "  件名: " : "  Subject: ", printable(inspection.subject, kReplyShownMax));
    if (date != nullptr) {
        line(out, ja ? "  送信日時: " : "  Date: ", shown(date->value()));
    }
    line(out, "  Message-ID: ", shown(inspection.message_id));
}

void closing(std::string& out, const DsnRequest& request, bool in_full, bool ja) {
    out += "\r\n";
    line(out, ja ? "受付番号: " : "Reference: ", request.original_queue_id);
    if (!request.support.empty()) {
        line(
            out,
            ja ? "お問い合わせ（受付番号をお知らせください）: "
               : "Questions (please give the reference): ",
            request.support
        );
    }
    line(out, ja ? "メールの設定のご案内: " : "How to set up your mail: ", request.guide_url);
    if (in_full) {
        out += ja ? "元のメールをこのメールに添えてお返しします。\r\n"
                  : "The mail you sent is enclosed.\r\n";
    } else {
        out += ja ? "元のメールのヘッダーだけを添えてお返しします。本文は含まれません。\r\n"
                  : "Only the header of the mail you sent is enclosed, not its text.\r\n";
    }
}

void in_language(
    std::string& out, const DsnRequest& request, const Header& original, bool in_full, bool ja
) {
    const std::string& provider =
        ja && !request.provider_name_ja.empty() ? request.provider_name_ja : request.provider_name;
    if (ja) {
        out += (provider.empty() ? request.reporting_mta : provider) +
               " のメールサーバーからのお知らせです。\r\n";
    } else {
        out += "This is a notice from the mail server of " +
               (provider.empty() ? request.reporting_mta : provider) + ".\r\n";
    }
    out += ja ? "お送りになったメール:\r\n" : "The mail you sent:\r\n";
    which_mail(out, original, ja);
    for (const ActionWords& words : kActions) {
        if (has(request, words.action)) {
            out += "\r\n";
            out += ja ? words.ja : words.en;
            out += "\r\n";
            recipients_text(out, request, words.action, ja);
        }
    }
    closing(out, request, in_full, ja);
}

}  // namespace

replies::Kind explain_status(std::string_view status) {
    const std::string alone = std::string(status.substr(0, 1)) + "00 " + std::string(status);
    return replies::in_use()->find({.reply = alone, .host = {}}).kind;
}

std::string_view dsn_subject(const DsnRequest& request) {
    if (has(request, DsnAction::Failed)) {
        return "メールを届けられませんでした / Your mail could not be delivered";
    }
    if (has(request, DsnAction::Delayed)) {
        return "メールの到着が遅れています / Your mail is delayed";
    }
    return "メールが届きました / Your mail was delivered";
}

std::string dsn_text(const DsnRequest& request, const Header& original, bool returned_in_full) {
    std::string out = "(English below)\r\n\r\n";
    in_language(out, request, original, returned_in_full, true);
    out += "\r\n----------------------------------------\r\n\r\n";
    in_language(out, request, original, returned_in_full, false);
    return out;
}

}  // namespace sekisho::message
