// What the sessions of a try show of TLS, for who reports it to the domains.
#include "base/ip.h"
#include "delivery/engine.h"
#include "delivery/host_tries.h"
#include "delivery/security.h"
#include "delivery/smtp_client.h"
#include "delivery/tls_seen.h"
#include "queue/spool.h"
#include "report/letter.h"
#include "smtp/client_session.h"

#include <string>
#include <utility>

namespace sekisho::delivery {

// A new connection; another message over a kept one is no other session (RFC 8460 §4.4).
void HostTries::note_tls(
    const Security& security, const Peer& peer, const Attempt& attempt, std::string ours
) {
    if (lmtp_ || !security.context || attempt.recipients.empty()) {
        return;
    }
    using End = TlsSession::End;
    TlsSession session;
    session.host = peer.name;
    session.ours = std::move(ours);
    session.theirs = peer.endpoint.address.text();
    session.error = attempt.tls_error;
    session.fault = attempt.tls_fault;
    if (attempt.tls_failed) {
        session.end = attempt.tls_tried ? End::Broken : End::Plain;
    } else if (!attempt.tls.empty()) {
        session.end = End::Secured;
    } else if (attempt.recipients.front().stage >= smtp::Stage::StartTls) {
        session.end = End::Plain;
    }
    tell(security, session);
}

void HostTries::tell(const Security& security, const TlsSession& session) {
    const auto& listener = job_->shop->deps.tls_seen;
    const queue::Envelope& envelope = job_->entry.envelope;
    // What a message waives says nothing of the policy; reports aren't reported in turn; an address
    // has no name that could have a policy.
    if (!listener || wish_.optional || domain_.name.empty() || domain_.name.starts_with('[') ||
        IpAddress::parse(domain_.name) ||
        (envelope.client.empty() && report::is_own_letter(envelope.message_id))) {
        return;
    }
    if (const auto seen = tls_seen(domain_, security, session)) {
        listener(*seen);
    }
}

}  // namespace sekisho::delivery
