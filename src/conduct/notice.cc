#include "conduct/notice.h"

#include "base/bilingual.h"
#include "base/time.h"
#include "conduct/machine.h"
#include "conduct/warden.h"
#include "message/encode.h"
#include "message/header.h"

#include <fmt/format.h>

#include <array>
#include <string>
#include <string_view>

namespace sekisho::conduct {
namespace {

struct Texts {
    std::string_view subject, ja, en;
};

// By the stage that an account or a line has come to. {0} which, {1} provider in Japanese, {2} in
// English, {3} support, {4} guide.
constexpr std::array<Texts, 5> kTexts{{
    {"メールの送信が元に戻りました / You can send mail again",
     "{0} からの送信の制限を解除しました。ご協力ありがとうございました。",
     "The restrictions on sending from {0} have been lifted. Thank you for your patience."},
    {"メールの送信を遅くしています / Sending is slowed down",
     "{0} から普段と違う送信がありました。念のため、送信できる量を一時的に減らしています。\n"
     "ご自身の送信であれば、何もする必要はありません。しばらくすると元に戻ります。\n"
     "覚えがないときは、パスワードを変え、ウイルスを調べてください。",
     "{0} is sending in an unusual way. To be safe, it may send only slowly for now.\n"
     "If it is you who sends, there is nothing to do: this ends by itself.\n"
     "If it is not, change the password and look for viruses."},
    {"送信されたメールをお預かりしています / Your mail is being held",
     "{0} "
     "からの送信が、他人による不正利用のように見えます。送信されたメールは受け付け、宛先には送ら"
     "ずにお預かりしています。受信はこれまでどおりです。\n"
     "パスワードを変え、ウイルスを調べてから、{3} にご連絡ください。",
     "What {0} sends looks like misuse by somebody else. Its mail is taken and held here, not "
     "lost, "
     "and not sent on. Mail still reaches you as before.\n"
     "Change the password, look for viruses, then write to {3}."},
    {"メールの送信を停止しました / Sending is suspended",
     "{0} が不正に利用されているため、送信を停止しました。受信はこれまでどおりです。\n"
     "パスワードを変え、ウイルスを調べてから、{3} にご連絡ください。",
     "{0} is being misused, so it may not send for now. Mail still reaches you as before.\n"
     "Change the password, look for viruses, then write to {3}."},
    {"パスワードの変更が必要です / A new password is needed",
     "{0} "
     "のパスワードが他人に知られています。パスワードを変えるまで、サインインして送信することはで"
     "きません。\n変え方は {3} にお尋ねください。",
     "Somebody else knows the password of {0}. Until it is changed, nobody can sign in to send.\n"
     "Ask {3} how to change it."},
}};

std::string compose(
    std::string_view to,
    std::string_view subject,
    const std::string& body,
    const NoticeOptions& options,
    const std::string& message_id,
    Time now
) {
    std::string out;
    out += message::make_field("From", options.from);
    out += message::make_field("To", to);
    out += message::make_field("Subject", message::encode_words(subject));
    out += message::make_field("Date", rfc5322_date(now));
    out += message::make_field("Message-ID", message_id);
    // RFC 3834 §5: no program answers it.
    out += message::make_field("Auto-Submitted", "auto-generated");
    out += message::make_field("MIME-Version", "1.0");
    out += message::make_field("Content-Type", "text/plain; charset=utf-8");
    out += message::make_field("Content-Transfer-Encoding", "base64");
    std::string text;
    for (const char c : body) {
        text += c == '\n' ? "\r\n" : std::string(1, c);
    }
    return out + "\r\n" + message::base64_lines(text);
}

std::string id(const NoticeOptions& options, std::string_view unique) {
    return fmt::format("<conduct.{}@{}>", unique, options.hostname);
}

// In a sentence of the language.
std::string called(const Subject& subject, bool japanese) {
    if (subject.kind == Subject::Kind::Account) {
        return subject.id;
    }
    return (japanese ? "回線 " : "Line ") + subject.id;
}

std::string fill(
    std::string_view text, bool japanese, const Happened& what, const NoticeOptions& options
) {
    return fmt::format(
        fmt::runtime(text),
        called(what.record.subject, japanese),
        options.provider_ja,
        options.provider,
        options.support,
        options.guide_url
    );
}

}  // namespace

Notice to_subscriber(
    const Happened& what,
    std::string_view to,
    const NoticeOptions& options,
    std::string_view unique,
    Time now
) {
    const Texts& texts = kTexts.at(static_cast<std::size_t>(what.change.to));
    std::string body = in_language(
        options.provider_ja + " です。\n\n" + fill(texts.ja, true, what, options) + "\n\n",
        fill(texts.en, false, what, options) + "\n\n",
        options.language
    );
    body += (options.language == "ja" ? options.provider_ja : options.provider) + "\n" +
            options.support + "\n";
    if (!options.guide_url.empty()) {
        body += options.guide_url + "/limits\n";
    }
    Notice out{id(options, unique), {}};
    out.message = compose(
        to, in_language(texts.subject, options.language), body, options, out.message_id, now
    );
    return out;
}

Notice to_abuse_desk(
    const Happened& what,
    std::string_view to,
    const NoticeOptions& options,
    std::string_view unique,
    Time now
) {
    const State& state = what.record.state;
    const bool of_line = what.record.subject.kind == Subject::Kind::Line;
    const std::string subject = fmt::format(
        "{}: {} -> {}", text(what.record.subject), name(what.change.from), name(what.change.to)
    );
    std::string body = fmt::format(
        "{}: {}\n状態 / stage: {} -> {}{}\n理由 / reason: {}\n点数 / score: {:.0f}\n",
        of_line ? "回線 / line" : "アカウント / account",
        what.record.subject.id,
        name(what.change.from),
        name(what.change.to),
        what.enforced ? "" : " (observed only)",
        what.change.reason,
        state.score
    );
    if (!state.by.empty()) {
        body += "担当 / by: " + state.by + "\n";
    }
    body += "\n根拠 / evidence:\n";
    for (const std::string& one : state.evidence) {
        body += "- " + one + "\n";
    }
    body += fmt::format(
        "\nsekisho conduct show {0}\nsekisho conduct undo {0} --reason \"...\"\n",
        (of_line ? "--line " : "") + what.record.subject.id
    );
    body += of_line ? fmt::format("sekisho events --line {}\n", what.record.subject.id)
                    : fmt::format("sekisho why {}\n", what.record.subject.id);
    Notice out{id(options, unique), {}};
    out.message = compose(to, subject, body, options, out.message_id, now);
    return out;
}

}  // namespace sekisho::conduct
