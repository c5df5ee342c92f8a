#include "delivery/dismiss.h"

#include "base/bytes.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "delivery/notices.h"
#include "dkim/sign.h"
#include "message/header.h"
#include "queue/spool.h"

#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::delivery {

Notice signed_notice(const dkim::Signer* signer, Notice notice, Time at) {
    if (signer == nullptr) {
        return notice;
    }
    const auto header = message::Header::scan(notice.message);
    const auto fields = signer->sign(notice.message, header, at);
    if (fields) {
        notice.message.insert(0, *fields);
        notice.envelope.size = notice.message.size();
    } else {
        log::error(
            "DELIVERY_NOTICE_NOT_SIGNED",
            "a notification goes without DKIM signature",
            {{"message_id", notice.envelope.message_id}, {"error", fields.error().message}}
        );
    }
    return notice;
}

Status dismiss(
    const DismissDeps& deps, const queue::Entry& entry, const std::string& reason, Time at
) {
    std::vector<FinishedRecipient> recipients;
    for (const queue::Recipient& recipient : entry.envelope.recipients) {
        if (recipient.state != queue::RecipientState::Pending) {
            continue;
        }
        FinishedRecipient finished;
        finished.recipient = recipient;
        finished.settled.state = queue::RecipientState::Bounced;
        finished.settled.status = "5.7.1";  // RFC 3463 §3.8: not authorised, message refused
        finished.settled.reply = "550 5.7.1 " + reason;
        finished.tried.local = true;
        recipients.push_back(std::move(finished));
    }
    const auto original = deps.spool.message(entry.envelope.queue_id);
    if (!original) {
        return fail(original.error());
    }
    constexpr int unique_bits = 60;
    auto notice = make_notice(
        entry.envelope, recipients, *original, deps.options, random_token(unique_bits), at
    );
    if (notice) {
        const auto signer = deps.signer != nullptr ? deps.signer->get() : nullptr;
        Notice ready = signed_notice(signer.get(), std::move(*notice), at);
        auto stored = std::make_shared<std::promise<Result<std::string>>>();
        auto answer = stored->get_future();
        deps.spool.append(
            std::move(ready.envelope),
            std::move(ready.message),
            [stored](Result<std::string> result) { stored->set_value(std::move(result)); }
        );
        if (auto result = answer.get(); !result) {
            return fail(result.error());
        }
    }
    return deps.spool.drop(entry.envelope.queue_id);
}

}  // namespace sekisho::delivery
