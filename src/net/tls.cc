#include "net/tls.h"

#include "base/file.h"
#include "base/result.h"
#include "net/tls_session.h"
#include "net/tlsa.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::net {
namespace {

struct FreeContext {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using ContextPtr = std::unique_ptr<SSL_CTX, FreeContext>;

class OpenSslContext final : public TlsContext {
  public:
    explicit OpenSslContext(ContextPtr context) : context_(std::move(context)) {}
    OpenSslContext(ContextPtr context, Dane dane)
        : context_(std::move(context)), dane_(std::move(dane)) {}
    [[nodiscard]] ssl_ctx_st* native() const override { return context_.get(); }
    [[nodiscard]] const Dane* dane() const override { return dane_ ? &*dane_ : nullptr; }

  private:
    ContextPtr context_;
    std::optional<Dane> dane_;
};

// What both sides have in common. TLS before 1.2 is not spoken (RFC 8996).
Result<ContextPtr> make_context(const SSL_METHOD* method) {
    ERR_clear_error();
    ContextPtr context(SSL_CTX_new(method));
    if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1) {
        return fail(Errc::Unavailable, "TLS: " + openssl_error());
    }
    // Partial writes: one record a call, so that a deadline is looked at between records. Released
    // buffers: an idle connection keeps none.
    SSL_CTX_set_mode(
        context.get(),
        SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
    );
    // The head and the body of a record, and records that came together, by one read each. The
    // buffer is released too when it is empty.
    constexpr std::size_t read_buffer = 48U * 1024U;
    SSL_CTX_set_read_ahead(context.get(), 1);
    SSL_CTX_set_default_read_buffer_len(context.get(), read_buffer);
    SSL_CTX_set_options(
        context.get(),
        SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
            SSL_OP_PRIORITIZE_CHACHA
    );
    return context;
}

// OpenSSL's message doesn't name the file, and "no start line" for a missing file helps nobody.
Status readable(const std::string& path) {
    constexpr std::size_t size_max = 1U << 20U;
    const auto content = read_file(path, size_max);
    if (!content) {
        return fail(content.error());
    }
    return {};
}

}  // namespace

Result<std::shared_ptr<const TlsContext>> TlsContext::server(
    const std::string& certificate_file,
    const std::string& key_file,
    const std::string& client_ca_file
) {
    for (const std::string* path : {&certificate_file, &key_file, &client_ca_file}) {
        if (path->empty() && path == &client_ca_file) {
            continue;
        }
        if (Status read = readable(*path); !read) {
            return fail(read.error());
        }
    }
    auto context = make_context(TLS_server_method());
    if (!context) {
        return fail(context.error());
    }
    SSL_CTX* ssl = context->get();
    // Forward secrecy and AEAD first; the CBC suites are for mail programs of TLS 1.2's first
    // years. TLS 1.3 has its own list, which is left as it is.
    if (SSL_CTX_set_cipher_list(
            ssl,
            "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:ECDHE+AES256:ECDHE+AES128:!aNULL:"
            "!MD5:!CAMELLIA:!ARIA:!AESCCM"
        ) != 1) {
        return fail(Errc::Unavailable, "TLS ciphers: " + openssl_error());
    }
    SSL_CTX_set_dh_auto(ssl, 1);
    if (SSL_CTX_use_certificate_chain_file(ssl, certificate_file.c_str()) != 1) {
        return fail(Errc::Invalid, certificate_file + ": " + openssl_error());
    }
    if (SSL_CTX_use_PrivateKey_file(ssl, key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
        return fail(Errc::Invalid, key_file + ": " + openssl_error());
    }
    if (SSL_CTX_check_private_key(ssl) != 1) {
        return fail(
            Errc::Invalid,
            key_file + ": not the key of the certificate in " + certificate_file + ": " +
                openssl_error()
        );
    }
    if (!client_ca_file.empty()) {
        if (SSL_CTX_load_verify_file(ssl, client_ca_file.c_str()) != 1) {
            return fail(Errc::Invalid, client_ca_file + ": " + openssl_error());
        }
        // Names of the authorities are sent along, so that a program shows the right certificate.
        SSL_CTX_set_client_CA_list(ssl, SSL_load_client_CA_file(client_ca_file.c_str()));
        ERR_clear_error();
    }
    choose_protocols(ssl);
    // Resumption by tickets only: no memory here, and nothing to share between loops.
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(ssl, 1);
    static constexpr unsigned char session_context[] = {'s', 'e', 'k', 'i', 's', 'h', 'o'};
    SSL_CTX_set_session_id_context(ssl, session_context, sizeof session_context);
    return std::make_shared<const OpenSslContext>(std::move(*context));
}

namespace {

// Whose certificates are trusted: those of the file, or the system's.
Status trust(SSL_CTX* ssl, const std::string& ca_file) {
    if (ca_file.empty()) {
        SSL_CTX_set_default_verify_paths(ssl);
        return {};
    }
    if (Status read = readable(ca_file); !read) {
        return read;
    }
    if (SSL_CTX_load_verify_file(ssl, ca_file.c_str()) != 1) {
        return fail(Errc::Invalid, ca_file + ": " + openssl_error());
    }
    return {};
}

}  // namespace

Result<std::shared_ptr<const TlsContext>> TlsContext::client_opportunistic(
    const std::string& ca_file
) {
    auto context = make_context(TLS_client_method());
    if (!context) {
        return fail(context.error());
    }
    SSL_CTX* ssl = context->get();
    // The alternative is plain text, so a short key or an old server is still better than none
    // (RFC 7435 §3): no security level, and servers without RFC 5746.
    SSL_CTX_set_security_level(ssl, 0);
    SSL_CTX_set_options(ssl, SSL_OP_LEGACY_SERVER_CONNECT);
    // The chain is checked, and the outcome kept in TlsInfo, but it stops nothing.
    SSL_CTX_set_verify(ssl, SSL_VERIFY_NONE, nullptr);
    if (Status trusted = trust(ssl, ca_file); !trusted) {
        return fail(trusted.error());
    }
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    ERR_clear_error();
    return std::make_shared<const OpenSslContext>(std::move(*context));
}

Result<std::shared_ptr<const TlsContext>> TlsContext::client_verified(const std::string& ca_file) {
    auto context = make_context(TLS_client_method());
    if (!context) {
        return fail(context.error());
    }
    SSL_CTX* ssl = context->get();
    SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER, nullptr);
    if (Status trusted = trust(ssl, ca_file); !trusted) {
        return fail(trusted.error());
    }
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    ERR_clear_error();
    return std::make_shared<const OpenSslContext>(std::move(*context));
}

namespace {

// A whole certificate or key in DER, and nothing behind it.
bool is_der(const Tlsa& record) {
    const auto* at = reinterpret_cast<const unsigned char*>(record.data.data());
    const auto* const end = at + record.data.size();
    const auto size = static_cast<long>(record.data.size());
    bool read = false;
    if (record.selector == 0) {
        X509* const certificate = d2i_X509(nullptr, &at, size);
        read = certificate != nullptr;
        X509_free(certificate);
    } else {
        EVP_PKEY* const key = d2i_PUBKEY(nullptr, &at, size);
        read = key != nullptr;
        EVP_PKEY_free(key);
    }
    ERR_clear_error();
    return read && at == end;
}

}  // namespace

bool usable(const Tlsa& record) {
    constexpr std::size_t sha256_size = 32;
    constexpr std::size_t sha512_size = 64;
    if ((record.usage != 2 && record.usage != 3) || record.selector > 1) {
        return false;
    }
    switch (record.matching) {
        case 0:
            return is_der(record);
        case 1:
            return record.data.size() == sha256_size;
        case 2:
            return record.data.size() == sha512_size;
        default:
            return false;
    }
}

Result<std::shared_ptr<const TlsContext>> TlsContext::client_dane(
    std::vector<Tlsa> records, std::vector<std::string> names
) {
    std::erase_if(records, [](const Tlsa& record) { return !usable(record); });
    if (records.empty()) {
        return fail(Errc::Invalid, "DANE: no usable TLSA record");
    }
    auto context = make_context(TLS_client_method());
    if (!context) {
        return fail(context.error());
    }
    SSL_CTX* ssl = context->get();
    SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    if (SSL_CTX_dane_enable(ssl) != 1) {
        return fail(Errc::Unavailable, "DANE: " + openssl_error());
    }
    return std::make_shared<const OpenSslContext>(
        std::move(*context), Dane{std::move(records), std::move(names)}
    );
}

}  // namespace sekisho::net
