#include "net/cms.h"

#include "base/file.h"
#include "net/tls.h"

#include <openssl/bio.h>
#include <openssl/cms.h>

#include <gtest/gtest.h>
#include <string>

namespace sekisho::net {
namespace {

TEST(Cms, WrapsTheTextInItsSignature) {
    const std::string at = ::testing::TempDir() + "cms-";
    ASSERT_TRUE(make_self_signed(at + "crt", at + "key", {"guide.example.net"}, 10));
    const auto signer = CmsSigner::open(at + "crt", at + "key");
    ASSERT_TRUE(signer) << signer.error().message;
    const std::string text = "<plist>\nプロファイル\r\n</plist>";
    const auto signed_text = (*signer)->sign(text);
    ASSERT_TRUE(signed_text) << signed_text.error().message;
    BIO* const in = BIO_new_mem_buf(signed_text->data(), static_cast<int>(signed_text->size()));
    CMS_ContentInfo* const cms = d2i_CMS_bio(in, nullptr);
    ASSERT_NE(cms, nullptr);
    BIO* const out = BIO_new(BIO_s_mem());
    EXPECT_EQ(
        CMS_verify(cms, nullptr, nullptr, nullptr, out, CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY), 1
    );
    const char* data = nullptr;
    const auto size = BIO_get_mem_data(out, &data);
    EXPECT_EQ(std::string(data, static_cast<std::size_t>(size)), text);
    BIO_free(out);
    CMS_ContentInfo_free(cms);
    BIO_free(in);
}

TEST(Cms, SaysWhichFileIsWrong) {
    const std::string at = ::testing::TempDir() + "cms-bad-";
    ASSERT_TRUE(make_self_signed(at + "crt", at + "key", {"a.example"}, 10));
    ASSERT_TRUE(make_self_signed(at + "crt2", at + "key2", {"a.example"}, 10));
    EXPECT_TRUE(CmsSigner::open(at + "none", at + "key").error().message.contains("none"));
    EXPECT_TRUE(CmsSigner::open(at + "key", at + "key").error().message.contains("key"));
    EXPECT_TRUE(CmsSigner::open(at + "crt", at + "key2").error().message.contains("key2"));
}

}  // namespace
}  // namespace sekisho::net
