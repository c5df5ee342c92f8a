#include "cli/exemption_notice.h"

#include "account/account.h"
#include "base/bilingual.h"
#include "base/bytes.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "exemption/exemption.h"
#include "message/encode.h"
#include "message/header.h"
#include "queue/notice.h"
#include "queue/spool.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::cli {
namespace {

using exemption::State;

constexpr int kIdBits = 80;

struct Texts {
    std::string_view subject, ja, en;
};

// {0} address, {1} until when, {2} support.
std::optional<Texts> texts_of(State state, bool warning) {
    if (warning) {
        return Texts{
            "ポート25の利用条件を満たしていません / Port 25: a criterion is no longer met",
            "{0} "
            "からのメール送信（ポート25）の条件を満たさなくなっています。あすも同じ場合は、許可を"
            "取り消します。下の結果をご確認ください。",
            "What port 25 was opened for {0} for no longer holds. If it is the same tomorrow, it "
            "is "
            "closed. Please look at the findings below."
        };
    }
    switch (state) {
        case State::Granted:
            return Texts{
                "ポート25をお使いいただけます / Port 25 is open for your mail server",
                "{0} からポート25でメールを送れるようにしました。期限は {1} です。"
                "条件は毎日確認します。",
                "{0} may send mail on port 25, until {1}. The criteria are looked at every day."
            };
        case State::Waiting:
            return Texts{
                "お申し込みを確認しています / Your request is with our staff",
                "{0} についてのお申し込みを担当者が確認しています。結果はメールでお知らせします。",
                "Our staff is looking at your request for {0}. You will be told by mail."
            };
        case State::Refused:
            return Texts{
                "ポート25の利用をお受けできません / Port 25 stays closed",
                "{0} についてのお申し込みは、条件を満たしていないためお受けできません。"
                "下の結果を直してから、もう一度お申し込みください。",
                "Your request for {0} can't be granted: a criterion isn't met. Mend what is said "
                "below, then ask again."
            };
        case State::Revoked:
            return Texts{
                "ポート25の許可を取り消しました / Port 25 is closed again",
                "{0} からのポート25の利用を取り消しました。理由は下のとおりです。"
                "直してから、もう一度お申し込みください。",
                "{0} may no longer use port 25, for the reason below. Mend it, then ask again."
            };
        case State::Ended:
            return Texts{
                "ポート25の利用期限が過ぎました / Port 25: the time is over",
                "{0} "
                "からのポート25の利用期限が過ぎました。続けるときは、もう一度お申し込みください。",
                "The time for which {0} could use port 25 is over. Ask again to go on."
            };
        default:
            return std::nullopt;
    }
}

std::string compose(
    const NoticeDeps& deps,
    const exemption::Request& request,
    const Texts& texts,
    const account::Account& to,
    const std::string& id,
    Time now
) {
    const config::Config& config = deps.config;
    std::string until = "-";
    if (const auto lease = deps.store.leases().find(request.lease); lease) {
        until = rfc3339(lease->expires);
    }
    const std::string address = request.address.text();
    const auto fill = [&](std::string_view text) {
        return fmt::format(fmt::runtime(text), address, until);
    };
    std::string body = in_language(
        config.provider.name_ja + " です。\n\n" + fill(texts.ja) + "\n\n",
        fill(texts.en) + "\n\n",
        to.language
    );
    if (!request.why.empty()) {
        body += request.why + "\n\n";
    }
    for (const exemption::Finding& one : request.findings) {
        body += fmt::format("- {}: {} ({})\n", name(one.check), name(one.mark), one.detail);
    }
    body += "\n" + (to.language == "ja" ? config.provider.name_ja : config.provider.name) + "\n" +
            config.provider.support_mail + "\n" + config.provider.guide_url + "/my/exemption\n";
    std::string lines;
    for (const char c : body) {
        lines += c == '\n' ? "\r\n" : std::string(1, c);
    }
    std::string out = message::make_field("From", config.delivery.dsn_from);
    out += message::make_field("To", to.addresses.front());
    out += message::make_field(
        "Subject", message::encode_words(in_language(texts.subject, to.language))
    );
    out += message::make_field("Date", rfc5322_date(now));
    out += message::make_field("Message-ID", id);
    // RFC 3834 §5: no program answers it.
    out += message::make_field("Auto-Submitted", "auto-generated");
    out += message::make_field("MIME-Version", "1.0");
    out += message::make_field("Content-Type", "text/plain; charset=utf-8");
    out += message::make_field("Content-Transfer-Encoding", "base64");
    return out + "\r\n" + message::base64_lines(lines);
}

}  // namespace

void send_exemption_notice(
    const NoticeDeps& deps, const exemption::Request& request, bool warning, Time now
) {
    const auto texts = texts_of(request.state, warning);
    const auto account = deps.store.accounts().find(request.login);
    if (!texts || !account || account->addresses.empty()) {
        return;
    }
    const std::string& to = account->addresses.front();
    const std::string id =
        fmt::format("<exemption.{}@{}>", random_token(kIdBits), deps.config.mail.hostname);
    std::string message = compose(deps, request, *texts, *account, id, now);
    auto envelope = queue::notice_envelope(to, id, message.size(), now);
    deps.spool
        .append(std::move(envelope), std::move(message), [to](const Result<std::string>& done) {
            if (!done) {
                log::error(
                    "EXEMPTION_NOT_TOLD",
                    "a notice could not be queued",
                    {{"to", to}, {"error", done.error().message}}
                );
            }
        });
}

}  // namespace sekisho::cli
