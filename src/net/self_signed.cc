// make_self_signed(): a first certificate, so that TLS works before the operator has brought one.
#include "base/bytes.h"
#include "base/file.h"
#include "base/free_by.h"
#include "base/ip.h"
#include "base/result.h"
#include "net/tls.h"
#include "net/tls_session.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace sekisho::net {
namespace {

using KeyPtr = std::unique_ptr<EVP_PKEY, FreeBy<&EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, FreeBy<&X509_free>>;
using BioPtr = std::unique_ptr<BIO, FreeBy<&BIO_free_all>>;
using NumberPtr = std::unique_ptr<BIGNUM, FreeBy<&BN_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, FreeBy<&X509_EXTENSION_free>>;

std::string content(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

bool add_extension(X509* certificate, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
    return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

// Random and positive, at most 20 octets (RFC 5280 §4.1.2.2).
bool set_serial(X509* certificate) {
    constexpr int bits = 127;
    const NumberPtr number(BN_new());
    return number && BN_rand(number.get(), bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
           BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_names(X509* certificate, const std::vector<std::string>& names) {
    // The common name holds at most 64 characters (RFC 5280 appendix A.1); the names that count
    // are the alternative ones (RFC 6125 §6.4.4).
    constexpr std::size_t common_name_max = 64;
    const std::string common = names.front().substr(0, common_name_max);
    X509_NAME* subject = X509_get_subject_name(certificate);
    if (X509_NAME_add_entry_by_txt(
            subject,
            "CN",
            MBSTRING_UTF8,
            reinterpret_cast<const unsigned char*>(common.data()),
            static_cast<int>(common.size()),
            -1,
            0
        ) != 1 ||
        X509_set_issuer_name(certificate, subject) != 1) {
        return false;
    }
    std::string alternative;
    for (const std::string& name : names) {
        alternative += alternative.empty() ? "" : ",";
        alternative += (IpAddress::parse(name) ? "IP:" : "DNS:") + name;
    }
    return add_extension(certificate, NID_subject_alt_name, alternative);
}

bool fill(X509* certificate, EVP_PKEY* key, const std::vector<std::string>& names, int days) {
    constexpr long clock_skew = 3600;
    return X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
           X509_gmtime_adj(X509_getm_notBefore(certificate), -clock_skew) != nullptr &&
           X509_time_adj_ex(X509_getm_notAfter(certificate), days, 0, nullptr) != nullptr &&
           X509_set_pubkey(certificate, key) == 1 && set_names(certificate, names) &&
           add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(certificate, NID_key_usage, "critical,digitalSignature") &&
           add_extension(certificate, NID_ext_key_usage, "serverAuth") &&
           add_extension(certificate, NID_subject_key_identifier, "hash") &&
           X509_sign(certificate, key, EVP_sha256()) > 0;
}

// The names go into OpenSSL's extension syntax, where ',' and ':' have meanings.
bool plain_name(const std::string& name) {
    if (name.empty() || name.size() > 253) {
        return false;
    }
    if (IpAddress::parse(name)) {
        return true;
    }
    return name.find_first_not_of(
               "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_*"
           ) == std::string::npos;
}

}  // namespace

Status make_self_signed(
    const std::string& certificate_file,
    const std::string& key_file,
    const std::vector<std::string>& names,
    int days
) {
    if (names.empty() || days <= 0) {
        return fail(Errc::Invalid, "a certificate needs a name and a day or more");
    }
    for (const std::string& name : names) {
        if (!plain_name(name)) {
            return fail(Errc::Invalid, "'" + printable(name) + "' can't be a certificate's name");
        }
    }
    ERR_clear_error();
    const KeyPtr key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
    const CertificatePtr certificate(X509_new());
    const BioPtr key_pem(BIO_new(BIO_s_mem()));
    const BioPtr certificate_pem(BIO_new(BIO_s_mem()));
    if (!key || !certificate || !key_pem || !certificate_pem ||
        !fill(certificate.get(), key.get(), names, days) ||
        PEM_write_bio_PKCS8PrivateKey(
            key_pem.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr
        ) != 1 ||
        PEM_write_bio_X509(certificate_pem.get(), certificate.get()) != 1) {
        return fail(Errc::Unavailable, "making a certificate: " + openssl_error());
    }
    if (Status wrote = write_file_atomic(key_file, content(key_pem.get()), 0600); !wrote) {
        return wrote;
    }
    return write_file_atomic(certificate_file, content(certificate_pem.get()), 0644);
}

}  // namespace sekisho::net
