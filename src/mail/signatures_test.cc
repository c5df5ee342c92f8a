#include "mail/signatures.h"

#include "base/result.h"
#include "base/time.h"
#include "dkim/key.h"
#include "dkim/sign.h"
#include "dkim/verify.h"
#include "message/header.h"
#include "net/resolver.h"
#include "net/server.h"
#include "net/wait.h"

#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace sekisho::mail {
namespace {

class Names final : public net::Resolver {
  public:
    net::Task<Result<net::Answer<net::Mx>>> mx(std::string /*domain*/) override {
        co_return fail(Errc::Unavailable, "not asked for");
    }
    net::Task<Result<net::Answer<IpAddress>>> addresses(
        std::string /*host*/, bool /*v4*/, bool /*v6*/
    ) override {
        co_return fail(Errc::Unavailable, "not asked for");
    }
    net::Task<Result<net::Answer<std::string>>> ptr(IpAddress /*address*/) override {
        co_return fail(Errc::Unavailable, "not asked for");
    }
    net::Task<Result<net::Answer<std::string>>> txt(std::string name) override {
        ++asked;
        std::this_thread::sleep_for(slow);
        if (broken) {
            co_return fail(Errc::Unavailable, "SERVFAIL");
        }
        net::Answer<std::string> out;
        out.records = records[name];
        co_return out;
    }
    std::map<std::string, std::vector<std::string>> records;
    Duration slow{0};
    bool broken = false;
    int asked = 0;
};

class Signatures : public testing::Test {
  protected:
    Signatures() {
        const auto key = dkim::PrivateKey::make(dkim::Algorithm::Ed25519Sha256).value();
        names.records["a._domainkey.example.net"] = {key.record()};
        names.records["b._domainkey.example.net"] = {key.record()};
        signer.add("example.net", "example.net", {"a", key});
        signer.add("example.net", "example.net", {"b", key});
        loops->run();
    }
    ~Signatures() override {
        workers.reset();
        loops->stop();
    }
    Vouched vouched(const std::string& message, Duration patience = Duration{10'000}) {
        return net::wait_for(
            loops->executor(0),
            verify_signatures(
                &names, workers.get(), std::make_shared<const std::string>(message), now(), patience
            )
        );
    }
    std::vector<dkim::Verdict> verify(
        const std::string& message, Duration patience = Duration{10'000}
    ) {
        return vouched(message, patience).signatures;
    }
    std::string signed_message(const std::string& message) {
        return signer.sign(message, message::Header::scan(message), now()).value() + message;
    }
    Names names;
    dkim::Signer signer;
    std::unique_ptr<net::Loops> loops = net::Loops::make(1);
    std::unique_ptr<net::Workers> workers = net::Workers::make(1);
};

TEST_F(Signatures, AreVerifiedWithKeysFromTheDns) {
    const std::string good = signed_message("From: a@example.net\r\n\r\nHello\r\n");
    auto verdicts = verify(good);
    ASSERT_EQ(verdicts.size(), 2U);
    EXPECT_EQ(verdicts[0].status, dkim::Outcome::Pass) << verdicts[0].reason;
    EXPECT_EQ(verdicts[1].selector, "b");
    EXPECT_EQ(verify(good + "more\r\n")[0].status, dkim::Outcome::Fail);
    names.broken = true;
    EXPECT_EQ(verify(good)[0].status, dkim::Outcome::TempError);
}

TEST_F(Signatures, WithoutAnyNothingIsAsked) {
    EXPECT_TRUE(verify("From: a@example.net\r\n\r\nHello\r\n").empty());
    EXPECT_EQ(names.asked, 0);
}

TEST_F(Signatures, ABrokenChainIsKnownWithoutAQuestion) {
    const auto none = vouched("From: a@example.net\r\n\r\nHello\r\n");
    EXPECT_EQ(none.chain.result, arc::Result::None);
    const auto broken = vouched(
        "ARC-Seal: i=1; a=rsa-sha256; cv=none; d=example.net; s=a; b=AAAA\r\n"
        "From: a@example.net\r\n\r\nHello\r\n"
    );
    EXPECT_EQ(broken.chain.result, arc::Result::Fail);
    EXPECT_EQ(broken.chain.reason, "set 1: it is not whole");
    EXPECT_EQ(names.asked, 0);
}

TEST_F(Signatures, PatienceEnds) {
    names.slow = Duration{20};
    const auto verdicts = verify(signed_message("From: a@example.net\r\n\r\n"), Duration{5});
    ASSERT_EQ(verdicts.size(), 2U);
    EXPECT_EQ(verdicts[0].status, dkim::Outcome::Pass);
    EXPECT_EQ(verdicts[1].status, dkim::Outcome::TempError);
    EXPECT_EQ(names.asked, 1);
}

}  // namespace
}  // namespace sekisho::mail
