#include "net/certificate.h"

#include "base/file.h"
#include "base/result.h"
#include "base/time.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <chrono>
#include <ctime>
#include <memory>
#include <string>

namespace sekisho::net {

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
    out.names_host = X509_check_host(certificate.get(), host.data(), host.size(), 0, nullptr) == 1;
    return out;
}

}  // namespace sekisho::net
