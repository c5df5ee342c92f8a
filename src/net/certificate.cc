#include "net/certificate.h"

#include "base/bytes.h"
#include "base/file.h"
#include "base/result.h"
#include "base/time.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <chrono>
#include <cstddef>
#include <ctime>
#include <memory>
#include <optional>
#include <string>

namespace sekisho::net {
namespace {

std::optional<std::string> key_sha256(const X509* certificate) {
    unsigned char* der = nullptr;
    const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    if (size <= 0) {
        return std::nullopt;
    }
    const std::string info(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
    return sha256(info);
}

}  // namespace

Result<CertificateFacts> read_certificate(const std::string& file, const std::string& host) {
    const auto text = read_file(file);
    if (!text) {
        return fail(text.error());
    }
    const std::unique_ptr<BIO, decltype(&BIO_free_all)> source(
        BIO_new_mem_buf(text->data(), static_cast<int>(text->size())), BIO_free_all
    );
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(
        PEM_read_bio_X509(source.get(), nullptr, nullptr, nullptr), X509_free
    );
    std::tm until{};
    if (!certificate || ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &until) != 1) {
        return fail(Errc::Invalid, file + " holds no certificate in PEM form");
    }
    CertificateFacts out;
    out.not_after = Time(std::chrono::seconds{timegm(&until)});
    out.self_signed =
        X509_NAME_cmp(
            X509_get_subject_name(certificate.get()), X509_get_issuer_name(certificate.get())
        ) == 0;
    const auto key_digest = key_sha256(certificate.get());
    if (!key_digest) {
        return fail(Errc::Invalid, file + ": the certificate's key can't be read");
    }
    out.key_sha256 = *key_digest;
    out.names_host = X509_check_host(certificate.get(), host.data(), host.size(), 0, nullptr) == 1;
    return out;
}

}  // namespace sekisho::net
