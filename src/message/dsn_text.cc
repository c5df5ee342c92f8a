#include "message/dsn_text.h"

#include "base/bytes.h"
#include "base/time.h"
#include "message/dsn.h"
#include "message/encode.h"
#include "message/header.h"
#include "message/repair.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace sekisho::message {
namespace {

constexpr std::size_t kReplyShownMax = 600;

struct Row {
    std::string_view detail;  // "1.1", or "1." for every detail of the subject
    Explanation explanation;
};

// Subject and detail of RFC 3463 §3 and the registry it began; the first row that fits decides.
constexpr std::array<Row, 20> kRows{{
    {"1.1",
     {"そのあて先のメールアドレスは、相手のサーバーに存在しません。",
      "アドレスに書き間違いがないか確かめて、正しいアドレスへ送り直してください。",
      "There is no such mailbox at the recipient's server.",
      "Check the address for a slip and send the mail again to the right one."}},
    {"1.2",
     {"アドレスの @ より後ろの名前（ドメイン）が見つかりません。",
      "@ より後ろの綴りを確かめてください。",
      "The part of the address after the @ (the domain) can't be found.",
      "Check how the part after the @ is spelt."}},
    {"1.3",
     {"メールアドレスの形が正しくありません。",
      "アドレスに余分な文字がないか確かめてください。",
      "The address is not written as a mail address must be.",
      "Look for stray characters in the address."}},
    {"1.10",
     {"あて先のドメインは、メールを受け取らないと宣言しています。",
      "ほかの連絡先をお使いください。",
      "The recipient's domain declares that it takes no mail at all.",
      "Use another way to reach the recipient."}},
    {"1.",
     {"あて先または差出人のアドレスが、相手のサーバーに受け付けられませんでした。",
      "アドレスを確かめてください。",
      "The recipient's server did not accept an address of this mail.",
      "Check the addresses."}},
    {"2.1",
     {"あて先のメールボックスは、いま使えない状態です。",
      "ほかの手段で相手の方に知らせてください。",
      "The recipient's mailbox is not in use at present.",
      "Let the recipient know some other way."}},
    {"2.2",
     {"あて先のメールボックスがいっぱいです。",
      "相手の方に知らせ、空きができてから送り直してください。",
      "The recipient's mailbox is full.",
      "Tell the recipient, and send the mail again when there is room."}},
    {"2.",
     {"あて先のメールボックスに入れられませんでした。",
      "添付ファイルがあれば小さくするか、相手の方に確かめてください。",
      "The mail could not be put into the recipient's mailbox.",
      "Make attachments smaller, or ask the recipient."}},
    {"3.4",
     {"メールが大きすぎて、相手のサーバーが受け取りません。",
      "添付ファイルを小さくするか、分けて送ってください。",
      "The mail is too large for the recipient's server.",
      "Make attachments smaller or send them in parts."}},
    {"3.",
     {"相手のメールサーバーが、いまこのメールを扱えませんでした。",
      "しばらくしてから送り直してください。",
      "The recipient's mail system could not handle this mail.",
      "Send it again later."}},
    {"4.1",
     {"相手のメールサーバーから応答がありません。",
      "アドレスが正しければ、時間をおいて送り直してください。",
      "The recipient's mail server does not answer.",
      "If the address is right, send the mail again later."}},
    {"4.6",
     {"メールがサーバーの間で堂々巡りをしています。",
      "転送の設定を確かめるか、お問い合わせください。",
      "The mail goes round in circles between servers.",
      "Check forwarding settings, or ask us."}},
    {"4.7",
     {"期限まで繰り返し送ろうとしましたが、届けられませんでした。",
      "アドレスを確かめ、正しければ時間をおいて送り直してください。",
      "We kept trying until the time limit, without success.",
      "Check the address; if it is right, send the mail again later."}},
    {"4.",
     {"相手のメールサーバーにつながりませんでした。",
      "アドレスを確かめ、正しければ時間をおいて送り直してください。",
      "The recipient's mail server could not be reached.",
      "Check the address; if it is right, send the mail again later."}},
    {"5.",
     {"相手のメールサーバーとの手順が合いませんでした。",
      "繰り返すときは、下の受付番号を添えてお問い合わせください。",
      "The recipient's mail server and ours did not understand each other.",
      "If this happens again, ask us and give the reference below."}},
    {"6.7",
     {"相手のサーバーは、日本語などを使ったメールアドレスに対応していません。",
      "英数字のアドレスがあれば、そちらへ送ってください。",
      "The recipient's server can't handle addresses with non-English letters.",
      "Use an address with English letters, if there is one."}},
    {"6.",
     {"メールの形式を、相手のサーバーが扱えませんでした。",
      "文字や添付ファイルの形式を変えて送り直してください。",
      "The recipient's server can't handle the form of this mail.",
      "Send it again as plain text or with other attachments."}},
    {"7.",
     {"相手のサーバーが、規則によりこのメールの受け取りを断りました。",
      "下の相手サーバーの返事を見て、わからないときはお問い合わせください。",
      "The recipient's server refused this mail by its rules.",
      "See its answer below; if that does not help, ask us."}},
    {"0.0",
     {"相手のサーバーが受け取りませんでした。",
      "下の相手サーバーの返事を見て、わからないときはお問い合わせください。",
      "The recipient's server did not take this mail.",
      "See its answer below; if that does not help, ask us."}},
    {"",
     {"届けられませんでした。",
      "わからないときはお問い合わせください。",
      "The mail could not be delivered.",
      "If you need help, ask us."}},
}};

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

// The recipients of one action, in one language.
void recipients_text(std::string& out, const DsnRequest& request, DsnAction action, bool ja) {
    for (const DsnRecipient& recipient : request.recipients) {
        if (recipient.action != action) {
            continue;
        }
        out += "\r\n";
        line(out, ja ? "  あて先: " : "  To: ", shown(recipient.address));
        if (action == DsnAction::Failed || action == DsnAction::Delayed) {
            const std::string status =
                recipient.status.empty()
                    ? status_of_reply(
                          recipient.diagnostic_is_reply ? recipient.diagnostic : "", action
                      )
                    : recipient.status;
            const Explanation& why = explain_status(status);
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

const Explanation& explain_status(std::string_view status) {
    const std::size_t dot = status.find('.');
    const std::string_view detail =
        dot == std::string_view::npos ? std::string_view{} : status.substr(dot + 1);
    for (const Row& row : kRows) {
        const bool fits = row.detail.ends_with('.') ? detail.starts_with(row.detail)
                                                    : detail == row.detail || row.detail.empty();
        if (fits) {
            return row.explanation;
        }
    }
    return kRows.back().explanation;
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
