#include "net/tls_session.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/ip.h"
#include "base/result.h"
#include "net/stream.h"
#include "net/tls.h"
#include "net/tlsa.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace sekisho::net {

std::string openssl_error() {
    const unsigned long code = ERR_get_error();
    ERR_clear_error();
    if (code == 0) {
        return "unknown reason";
    }
    if (const char* reason = ERR_reason_error_string(code)) {
        return reason;
    }
    if (ERR_SYSTEM_ERROR(code)) {
        return std::generic_category().message(ERR_GET_REASON(code));
    }
    std::array<char, 256> text{};
    ERR_error_string_n(code, text.data(), text.size());
    return text.data();
}

void TlsSession::Free::operator()(ssl_st* ssl) const {
    SSL_free(ssl);
}

Result<TlsSession> TlsSession::make(std::shared_ptr<const TlsContext> context, int fd) {
    SEKISHO_ASSERT(context != nullptr);
    ERR_clear_error();
    std::unique_ptr<ssl_st, Free> ssl(SSL_new(context->native()));
    if (!ssl || SSL_set_fd(ssl.get(), fd) != 1) {
        return fail(Errc::Unavailable, "TLS: " + openssl_error());
    }
    return TlsSession(std::move(context), std::move(ssl));
}

namespace {

// RFC 7301 §3.2: ours in our order; no_application_protocol when there is none.
int choose_protocol(
    SSL* ssl,
    const unsigned char** out,
    unsigned char* size,
    const unsigned char* offered,
    unsigned offered_size,
    void* /*unused*/
) {
    const auto* ours = static_cast<const std::vector<std::string>*>(SSL_get_app_data(ssl));
    if (ours == nullptr || ours->empty()) {
        return SSL_TLSEXT_ERR_NOACK;
    }
    for (const std::string& wanted : *ours) {
        for (unsigned at = 0; at < offered_size; at += 1U + offered[at]) {
            const std::string_view one(
                reinterpret_cast<const char*>(offered + at + 1),
                std::min<std::size_t>(offered[at], offered_size - at - 1)
            );
            if (one == wanted) {
                *out = offered + at + 1;
                *size = offered[at];
                return SSL_TLSEXT_ERR_OK;
            }
        }
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

// A certificate that doesn't verify counts as none: mail programs show what they have to anybody
// who asks.
int take_any_certificate(int /*verified*/, X509_STORE_CTX* /*chain*/) {
    return 1;
}

std::vector<std::string> mail_names_of(X509* certificate) {
    std::vector<std::string> out;
    auto* names = static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)
    );
    for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
        const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_EMAIL) {
            const ASN1_IA5STRING* text = name->d.rfc822Name;
            out.emplace_back(
                reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                static_cast<std::size_t>(ASN1_STRING_length(text))
            );
        }
    }
    GENERAL_NAMES_free(names);
    ERR_clear_error();
    return out;
}

std::string sha256_of(const X509* certificate) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
    unsigned size = 0;
    if (X509_digest(certificate, EVP_sha256(), out.data(), &size) != 1) {
        ERR_clear_error();
        return {};
    }
    return hex({reinterpret_cast<const char*>(out.data()), size});
}

}  // namespace

void choose_protocols(ssl_ctx_st* context) {
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
}

Result<TlsSession> TlsSession::server(ServerTls how, int fd) {
    auto session = make(std::move(how.context), fd);
    if (session) {
        ssl_st* ssl = session->ssl_.get();
        SSL_set_accept_state(ssl);
        session->protocols_ = std::make_unique<std::vector<std::string>>(std::move(how.protocols));
        SSL_set_app_data(ssl, session->protocols_.get());
        if (how.ask_certificate) {
            SSL_set_verify(ssl, SSL_VERIFY_PEER, take_any_certificate);
        }
    }
    return session;
}

namespace {

Status demand_dane(ssl_st* ssl, const TlsContext::Dane& dane, const std::string& name) {
    // Sets SNI and the first name too.
    if (SSL_dane_enable(ssl, name.c_str()) != 1) {
        return fail(Errc::Invalid, "DANE: " + openssl_error());
    }
    // RFC 7672 §3.1.1: with usage 3 the record binds the key to the host, names are not compared.
    SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
    for (const std::string& more : dane.names) {
        if (SSL_add1_host(ssl, more.c_str()) != 1) {
            return fail(Errc::Invalid, "DANE: " + openssl_error());
        }
    }
    bool any = false;
    for (const Tlsa& record : dane.records) {
        const auto* const data = reinterpret_cast<const unsigned char*>(record.data.data());
        any = SSL_dane_tlsa_add(
                  ssl, record.usage, record.selector, record.matching, data, record.data.size()
              ) == 1 ||
              any;
    }
    ERR_clear_error();
    // Without records OpenSSL would go by the system's trust instead.
    if (!any) {
        return fail(Errc::Invalid, "DANE: no usable TLSA record");
    }
    return {};
}

}  // namespace

Result<TlsSession> TlsSession::client(
    std::shared_ptr<const TlsContext> context, int fd, const std::string& server_name
) {
    auto session = make(std::move(context), fd);
    if (!session) {
        return session;
    }
    ssl_st* ssl = session->ssl_.get();
    SSL_set_connect_state(ssl);
    std::string name = server_name;
    while (name.ends_with('.')) {
        name.pop_back();  // SNI has no trailing dot
    }
    if (const TlsContext::Dane* const dane = session->context_->dane()) {
        if (const Status set = demand_dane(ssl, *dane, name); !set) {
            return fail(set.error());
        }
        session->named_ = true;
    } else if (IpAddress::parse(name)) {
        session->named_ = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str()) == 1;
    } else if (!name.empty()) {
        // A name that OpenSSL finds too long or odd goes without SNI; the handshake decides.
        // SSL_set_tlsext_host_name() without the C cast of the macro.
        SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data());
        session->named_ = SSL_set1_host(ssl, name.c_str()) == 1;
    }
    ERR_clear_error();
    // A chain alone proves nothing about who it is.
    if (!session->named_ && SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE) {
        return fail(Errc::Invalid, "TLS: \"" + name + "\" is no name that can be verified");
    }
    return session;
}

TlsSession::Step TlsSession::finish(int result, std::size_t bytes) {
    if (result == 1) {
        return {.bytes = bytes};
    }
    const int system_error = errno;
    const int reason = SSL_get_error(ssl_.get(), result);
    if (reason == SSL_ERROR_WANT_READ) {
        return {.want = Want::Read};
    }
    if (reason == SSL_ERROR_WANT_WRITE) {
        return {.want = Want::Write};
    }
    if (reason == SSL_ERROR_ZERO_RETURN) {
        ended_ = true;
        return {};
    }
    // After SSL_ERROR_SYSCALL and SSL_ERROR_SSL the session can't go on, not even to say so.
    broken_ = true;
    if (reason == SSL_ERROR_SYSCALL) {
        ended_ = system_error == 0;
        error_ = std::generic_category().message(system_error);
        ERR_clear_error();
        return {};
    }
    // An end of the connection without close_notify: SMTP and HTTP mark their own ends, so nothing
    // can be cut off unnoticed.
    ended_ = ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
    error_ = openssl_error();
    const long verified = SSL_get_verify_result(ssl_.get());
    if (verified != X509_V_OK && SSL_get_verify_mode(ssl_.get()) != SSL_VERIFY_NONE) {
        error_ += fmt::format(" ({})", X509_verify_cert_error_string(verified));
    }
    return {};
}

CertificateFault certificate_fault(std::string_view words) {
    if (words.ends_with(')')) {  // finish()
        const std::size_t open = words.rfind('(');
        words = words.substr(open == std::string_view::npos ? 0 : open + 1);
        words.remove_suffix(1);
    }
    const auto is = [words](long code) { return words == X509_verify_cert_error_string(code); };
    if (is(X509_V_ERR_CERT_HAS_EXPIRED) || is(X509_V_ERR_CERT_NOT_YET_VALID)) {
        return CertificateFault::Expired;
    }
    if (is(X509_V_ERR_HOSTNAME_MISMATCH) || is(X509_V_ERR_IP_ADDRESS_MISMATCH)) {
        return CertificateFault::OtherName;
    }
    if (is(X509_V_ERR_DANE_NO_MATCH)) {
        return CertificateFault::NoTlsaMatch;
    }
    for (long code = X509_V_ERR_UNSPECIFIED; code <= X509_V_ERR_CA_CERT_MISSING_KEY_USAGE; ++code) {
        if (code != X509_V_OK && is(code)) {
            return CertificateFault::Untrusted;
        }
    }
    return CertificateFault::None;
}

TlsInfo TlsSession::facts() const {
    TlsInfo info;
    info.version = SSL_get_version(ssl_.get());
    info.cipher = SSL_get_cipher_name(ssl_.get());
    if (const char* name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name)) {
        info.server_name = name;
    }
    const unsigned char* protocol = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &protocol, &size);
    if (size > 0) {
        info.protocol.assign(reinterpret_cast<const char*>(protocol), size);
    }
    X509* const certificate = SSL_get0_peer_certificate(ssl_.get());
    const bool verified = certificate != nullptr && SSL_get_verify_result(ssl_.get()) == X509_V_OK;
    if (SSL_is_server(ssl_.get()) == 0) {
        info.peer_verified = verified && named_;
        if (!info.peer_verified && certificate != nullptr) {
            const long why = SSL_get_verify_result(ssl_.get());
            info.fault = X509_verify_cert_error_string(
                why == X509_V_OK ? long{X509_V_ERR_HOSTNAME_MISMATCH} : why
            );
        }
    } else if (verified) {
        info.peer_verified = true;
        info.mail_names = mail_names_of(certificate);
        info.certificate_sha256 = sha256_of(certificate);
    }
    return info;
}

TlsSession::Step TlsSession::handshake() {
    if (broken_) {
        return {};
    }
    ERR_clear_error();
    errno = 0;
    const Step step = finish(SSL_do_handshake(ssl_.get()), 1);
    if (step.bytes > 0) {
        info_ = facts();
    }
    return step;
}

namespace {

// RFC 9266 §2; in TLS 1.2 only with the extended master secret (§3), without which two connections
// can be made to agree.
std::optional<std::string> exporter_binding(ssl_st* ssl) {
    constexpr std::string_view kLabel = "EXPORTER-Channel-Binding";
    if (SSL_version(ssl) < TLS1_3_VERSION && SSL_get_extms_support(ssl) != 1) {
        return std::nullopt;
    }
    std::array<unsigned char, 32> out{};
    const unsigned char none = 0;
    if (SSL_export_keying_material(
            ssl, out.data(), out.size(), kLabel.data(), kLabel.size(), &none, 0, 1
        ) != 1) {
        ERR_clear_error();
        return std::nullopt;
    }
    return std::string(reinterpret_cast<const char*>(out.data()), out.size());
}

// RFC 5929 §4.1: the certificate under the hash of its own signature, SHA-256 for the weak ones;
// undefined where the signature names none (Ed25519).
std::optional<std::string> end_point_binding(ssl_st* ssl) {
    X509* const certificate = SSL_get_certificate(ssl);
    int hash = NID_undef;
    if (certificate == nullptr ||
        OBJ_find_sigid_algs(X509_get_signature_nid(certificate), &hash, nullptr) != 1) {
        return std::nullopt;
    }
    if (hash == NID_md5 || hash == NID_sha1) {
        hash = NID_sha256;
    }
    const EVP_MD* const algorithm = hash == NID_undef ? nullptr : EVP_get_digestbynid(hash);
    std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
    unsigned size = 0;
    if (algorithm == nullptr || X509_digest(certificate, algorithm, out.data(), &size) != 1) {
        ERR_clear_error();
        return std::nullopt;
    }
    return std::string(reinterpret_cast<const char*>(out.data()), size);
}

}  // namespace

std::optional<std::string> TlsSession::channel_binding(std::string_view name) const {
    if (broken_ || !info_) {
        return std::nullopt;
    }
    ERR_clear_error();
    if (name == "tls-exporter") {
        return exporter_binding(ssl_.get());
    }
    return name == "tls-server-end-point" ? end_point_binding(ssl_.get()) : std::nullopt;
}

TlsSession::Step TlsSession::read(std::span<char> buffer) {
    if (broken_) {
        return {};
    }
    ERR_clear_error();
    errno = 0;
    std::size_t total = 0;
    do {
        std::size_t bytes = 0;
        const std::span<char> rest = buffer.subspan(total);
        const int result = SSL_read_ex(ssl_.get(), rest.data(), rest.size(), &bytes);
        if (result != 1) {
            // What was read counts; the reason is there again at the next call.
            const Step step = finish(result, 0);
            return total > 0 ? Step{.bytes = total} : step;
        }
        total += bytes;
    } while (total < buffer.size() && SSL_has_pending(ssl_.get()) == 1);
    return {.bytes = total};
}

TlsSession::Step TlsSession::write(std::string_view bytes) {
    if (broken_) {
        return {};
    }
    ERR_clear_error();
    errno = 0;
    std::size_t sent = 0;
    const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &sent);
    return finish(result, sent);
}

TlsSession::Want TlsSession::send_end() {
    if (broken_ || !info_) {
        return Want::Nothing;
    }
    ERR_clear_error();
    errno = 0;
    const int result = SSL_shutdown(ssl_.get());
    if (result >= 0) {
        return Want::Nothing;  // sent; the peer's own close_notify isn't waited for
    }
    return finish(result, 0).want;
}

bool TlsSession::input_waiting() const {
    if (broken_ || !info_) {
        return false;
    }
    ERR_clear_error();
    char byte = 0;
    std::size_t bytes = 0;
    const int result = SSL_peek_ex(ssl_.get(), &byte, 1, &bytes);
    ERR_clear_error();
    return result == 1 && bytes > 0;
}

}  // namespace sekisho::net
