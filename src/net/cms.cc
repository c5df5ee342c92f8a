#include "net/cms.h"

#include "base/file.h"
#include "base/free_by.h"
#include "base/result.h"

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::net {
namespace {

using Bio = std::unique_ptr<BIO, FreeBy<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, FreeBy<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, FreeBy<EVP_PKEY_free>>;
using Cms = std::unique_ptr<CMS_ContentInfo, FreeBy<CMS_ContentInfo_free>>;

struct FreedStack {
    void operator()(STACK_OF(X509) * certificates) const {
        sk_X509_pop_free(certificates, X509_free);
    }
};
using Certificates = std::unique_ptr<STACK_OF(X509), FreedStack>;

Bio reader(std::string_view text) {
    return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

Error openssl_error(const std::string& what) {
    std::array<char, 256> text{};
    ERR_error_string_n(ERR_get_error(), text.data(), text.size());
    return {Errc::Invalid, what + ": " + text.data()};
}

class Signer final : public CmsSigner {
  public:
    Signer(Certificate certificate, Certificates others, Key key)
        : certificate_(std::move(certificate)), others_(std::move(others)), key_(std::move(key)) {}

    [[nodiscard]] Result<std::string> sign(std::string_view text) const override {
        const Bio in = reader(text);
        const Cms cms(CMS_sign(
            certificate_.get(), key_.get(), others_.get(), in.get(), CMS_BINARY | CMS_NOSMIMECAP
        ));
        const Bio out(BIO_new(BIO_s_mem()));
        if (!cms || !out || i2d_CMS_bio(out.get(), cms.get()) != 1) {
            return fail(openssl_error("signing"));
        }
        const char* data = nullptr;
        const auto size = BIO_get_mem_data(out.get(), &data);
        return std::string(data, static_cast<std::size_t>(size));
    }

  private:
    Certificate certificate_;
    Certificates others_;
    Key key_;
};

}  // namespace

Result<std::shared_ptr<const CmsSigner>> CmsSigner::open(
    const std::string& certificate_file, const std::string& key_file
) {
    const auto chain = read_file(certificate_file);
    const auto secret = read_file(key_file);
    if (!chain || !secret) {
        return fail((chain ? secret : chain).error());
    }
    const Bio in = reader(*chain);
    Certificate certificate(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr));
    if (!certificate) {
        return fail(openssl_error(certificate_file));
    }
    Certificates others(sk_X509_new_null());
    while (X509* const next = PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)) {
        sk_X509_push(others.get(), next);
    }
    ERR_clear_error();  // the end of the file counts as one
    const Bio key_text = reader(*secret);
    Key key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, nullptr));
    if (!key || X509_check_private_key(certificate.get(), key.get()) != 1) {
        return fail(openssl_error(key_file));
    }
    return std::make_shared<const Signer>(
        std::move(certificate), std::move(others), std::move(key)
    );
}

}  // namespace sekisho::net
