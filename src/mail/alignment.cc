#include "mail/alignment.h"

#include "base/bilingual.h"
#include "base/time.h"
#include "config/config.h"
#include "dmarc/record.h"
#include "message/encode.h"
#include "message/header.h"
#include "smtp/reply.h"
#include "spf/check.h"

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace sekisho::mail {
namespace {

struct Texts {
    std::string_view ja, en;
};

// {0} the domain, {1} the provider, {2} what DMARC asks for.
Texts texts_of(const Alignment& found) {
    const bool quarantine = found.dmarc.disposition == dmarc::Policy::Quarantine;
    switch (found.outlook) {
        case Outlook::Passes:
            return {
                "{1}から送ったメールは、{0}の設定で認められています。相手に届きます。",
                "{0} lets {1} send its mail: it will arrive like mail from {0} itself."
            };
        case Outlook::Unaligned:
            return {
                "{0}には、{1}から送ったメールを断る設定がありません。たいていは届きますが、{0}から"
                "のメールだと確かめられないため、迷惑メールとみなされることがあります。",
                "{0} doesn't ask anybody to refuse mail that comes from elsewhere. Mail through "
                "{1} "
                "will mostly arrive, but nobody can verify that it is from {0}, so some may take "
                "it "
                "for junk."
            };
        case Outlook::Doubtful:
            if (quarantine) {
                return {
                    "{0}は、ほかから送られたメールを迷惑メールに入れるよう求めています（DMARC "
                    "p={2}）。{1}から送ると、迷惑メールに入ることが多くなります。",
                    "{0} asks receivers to put mail that comes from elsewhere into the junk folder "
                    "(DMARC p={2}). Mail through {1} will mostly land there."
                };
            }
            return {
                "{0}の送信元の設定（SPF）に、{1}のサーバーが入っていません。断る相手があります。",
                "The list of servers that send for {0} (SPF) doesn't have those of {1}. Some "
                "receivers will refuse the mail."
            };
        case Outlook::Rejected:
            return {
                "{0}は、ほかから送られたメールを受け取らないよう求めています（DMARC "
                "p={2}）。{1}から送ると、相手に断られます。",
                "{0} asks receivers to refuse mail that comes from elsewhere (DMARC p={2}). Mail "
                "through {1} will be rejected."
            };
        case Outlook::Unknown:
            break;
    }
    return {
        "{0}の設定をいま確かめられませんでした。あとで確かめます。",
        "The settings of {0} could not be looked up just now; they will be looked at again."
    };
}

Texts service_texts() {
    return {
        "代わりに、{0}の送信サーバー {1}（ポート {2}、{3}）をお使いください。",
        "Send through the server of {0} instead: {1}, port {2}, {3}."
    };
}

Texts no_service_texts() {
    return {
        "代わりに、{0}"
        "のメールを提供する会社の送信サーバーをお使いください。設定は、その会社にお尋ね"
        "ください。",
        "Send through the server of whoever provides {0} instead; ask them for its settings."
    };
}

Texts owner_texts() {
    return {
        "{0}を管理している方は、SPFに{1}のサーバーを加えるか、{1}のDKIM鍵を公開すれば、送れるように"
        "なります。",
        "Whoever manages {0} can allow it: by adding the servers of {1} to its SPF record, or by "
        "publishing a DKIM key of {1}."
    };
}

std::string filled(std::string_view text, const Alignment& found, const std::string& provider) {
    return fmt::format(
        fmt::runtime(text), found.domain, provider, dmarc::name(found.dmarc.disposition)
    );
}

std::string explain(const Alignment& found, const std::string& provider, bool ja) {
    const auto pick = [ja](const Texts& texts) { return ja ? texts.ja : texts.en; };
    std::string out = filled(pick(texts_of(found)), found, provider) + "\n";
    if (!harms(found.outlook)) {
        return out;
    }
    if (found.services.empty()) {
        out += filled(pick(no_service_texts()), found, provider) + "\n";
    } else {
        const OutsideService& best = found.services.front();
        out += fmt::format(
            fmt::runtime(pick(service_texts())),
            found.domain,
            best.host,
            best.port,
            best.implicit_tls ? "SSL/TLS" : "STARTTLS"
        );
        out += "\n";
    }
    return out + filled(pick(owner_texts()), found, provider) + "\n";
}

Letter compose(
    std::string_view to,
    std::string_view subject,
    const std::string& body,
    const LetterOptions& options,
    std::string_view unique,
    Time now
) {
    Letter out;
    out.message_id = fmt::format("<sendas.{}@{}>", unique, options.hostname);
    out.message += message::make_field("From", options.from);
    out.message += message::make_field("To", to);
    out.message += message::make_field("Subject", message::encode_words(subject));
    out.message += message::make_field("Date", rfc5322_date(now));
    out.message += message::make_field("Message-ID", out.message_id);
    // RFC 3834 §5: no program answers it.
    out.message += message::make_field("Auto-Submitted", "auto-generated");
    out.message += message::make_field("MIME-Version", "1.0");
    out.message += message::make_field("Content-Type", "text/plain; charset=utf-8");
    out.message += message::make_field("Content-Transfer-Encoding", "base64");
    std::string text;
    for (const char c : body) {
        text += c == '\n' ? "\r\n" : std::string(1, c);
    }
    out.message += "\r\n" + message::base64_lines(text);
    return out;
}

std::string signed_off(const LetterOptions& options) {
    return fmt::format(
        "{}\n{}\n",
        options.language == "ja" ? options.provider_ja : options.provider,
        options.support
    );
}

}  // namespace

std::string_view name(Outlook outlook) {
    switch (outlook) {
        case Outlook::Passes:
            return "passes";
        case Outlook::Unaligned:
            return "unaligned";
        case Outlook::Doubtful:
            return "doubtful";
        case Outlook::Rejected:
            return "rejected";
        case Outlook::Unknown:
            break;
    }
    return "unknown";
}

Outlook outlook_of(const Alignment& found) {
    if (found.dkim || found.spf.result == spf::Code::Pass) {
        // Without a policy nothing asks for alignment, and what vouches is the domain's own.
        if (found.dmarc.result == dmarc::Result::Pass ||
            found.dmarc.result == dmarc::Result::None ||
            found.dmarc.result == dmarc::Result::PermError) {
            return Outlook::Passes;
        }
    }
    if (found.dmarc.result == dmarc::Result::TempError ||
        found.spf.result == spf::Code::TempError) {
        return Outlook::Unknown;
    }
    if (found.dmarc.result == dmarc::Result::Fail) {
        if (found.dmarc.disposition == dmarc::Policy::Reject) {
            return Outlook::Rejected;
        }
        if (found.dmarc.disposition == dmarc::Policy::Quarantine) {
            return Outlook::Doubtful;
        }
    }
    return found.spf.result == spf::Code::Fail ? Outlook::Doubtful : Outlook::Unaligned;
}

bool harms(Outlook outlook) {
    return outlook == Outlook::Doubtful || outlook == Outlook::Rejected;
}

std::string explain_ja(const Alignment& found, const std::string& provider) {
    return explain(found, provider, true);
}

std::string explain_en(const Alignment& found, const std::string& provider) {
    return explain(found, provider, false);
}

smtp::Reply unaligned_reply(const Alignment& found, std::string_view guide_url) {
    std::string text = fmt::format("Mail from {} would not arrive through here: ", found.domain);
    text +=
        found.dmarc.result == dmarc::Result::Fail && found.dmarc.disposition != dmarc::Policy::None
            ? fmt::format("its DMARC policy is p={}", dmarc::name(found.dmarc.disposition))
            : "its SPF record allows other servers only";
    if (!found.services.empty()) {
        const OutsideService& best = found.services.front();
        text += fmt::format("; send through {} port {}", best.host, best.port);
    }
    if (!guide_url.empty()) {
        text += fmt::format("; see {}/sendas", guide_url);
    }
    return smtp::reply(550, "5.7.1", std::move(text));
}

LetterOptions letter_options(const config::Config& config) {
    return {
        config.mail.hostname,
        config.delivery.dsn_from,
        config.provider.name,
        config.provider.name_ja.empty() ? config.provider.name : config.provider.name_ja,
        config.provider.support_mail,
        config.provider.guide_url,
    };
}

Letter code_letter(
    const std::string& address,
    const std::string& login,
    const std::string& code,
    const LetterOptions& options,
    std::string_view unique,
    Time now
) {
    const std::string link =
        options.guide_url.empty() ? "" : fmt::format("{}/sendas?code={}", options.guide_url, code);
    const std::string ja = fmt::format(
        "{} です。\n\n{} の利用者が、差出人として {} を使えるように申し込みました。\n"
        "ご自身の申し込みであれば、48時間以内に次のページで確認してください。\n\n{}\n\n"
        "確認コード: {}\n\n"
        "心当たりがないときは、何もしないでください。このままでは使えるようになりません。\n\n",
        options.provider_ja,
        login,
        address,
        link,
        code
    );
    const std::string en = fmt::format(
        "The account {} at {} asks to send mail as {}.\n"
        "If it is you who asks, confirm it within 48 hours on this page:\n\n{}\n\n"
        "Code: {}\n\n"
        "If you know nothing of it, do nothing: without the code it may not.\n\n",
        login,
        options.provider,
        address,
        link,
        code
    );
    return compose(
        address,
        in_language("差出人アドレスの確認 / Confirm your sender address", options.language),
        in_language(ja, en, options.language) + signed_off(options),
        options,
        unique,
        now
    );
}

Letter warning_letter(
    const std::string& to,
    const std::string& author,
    const Alignment& found,
    const LetterOptions& options,
    std::string_view unique,
    Time now
) {
    std::string body = in_language(
        fmt::format(
            "{0} です。\n\n今日、差出人 {1} "
            "のメールを送られましたが、届かないおそれがあります。\n\n{2}\n",
            options.provider_ja,
            author,
            explain_ja(found, options.provider_ja)
        ),
        fmt::format(
            "Mail that you sent as {} today may not arrive.\n\n{}\n",
            author,
            explain_en(found, options.provider)
        ),
        options.language
    );
    body += signed_off(options);
    if (!options.guide_url.empty()) {
        body += options.guide_url + "/sendas\n";
    }
    return compose(
        to,
        in_language(
            "メールが届かないおそれがあります / Your mail may not arrive", options.language
        ),
        body,
        options,
        unique,
        now
    );
}

}  // namespace sekisho::mail
