#include "base/file.h"
#include "base/time.h"
#include "dkim/keys/keyring.h"
#include "dkim/keys/store.h"
#include "dkim/signature.h"
#include "message/header.h"

#include <chrono>
#include <filesystem>
#include <gtest/gtest.h>
#include <string>
#include <sys/stat.h>
#include <thread>
#include <vector>

namespace sekisho::dkim {
namespace {

using std::chrono::hours;
const Time kNow = *parse_rfc3339("2026-11-26T12:00:00Z");
constexpr auto kRsa = Algorithm::RsaSha256;
constexpr auto kEd = Algorithm::Ed25519Sha256;

KeyEntry entry(std::string selector, Algorithm algorithm = kEd) {
    KeyEntry key;
    key.domain = "example.net";
    key.selector = std::move(selector);
    key.algorithm = algorithm;
    key.record = "v=DKIM1; k=ed25519; p=AAAA";
    key.created = key.since = kNow;
    return key;
}
KeyState state(const Keyring& ring, std::string_view selector) {
    return ring.find("example.net", selector)->state;
}

TEST(Keyring, ANewKeyTakesOverAndTheOldOneIsRetired) {
    Keyring ring;
    ASSERT_TRUE(
        ring.add(entry("e2026a")) && ring.add(entry("e2026b")) && ring.add(entry("s2026a", kRsa))
    );
    ASSERT_TRUE(ring.activate("example.net", "e2026a", kNow));
    ASSERT_TRUE(ring.activate("example.net", "s2026a", kNow));
    EXPECT_EQ(ring.signing("example.net", kEd)->selector, "e2026a");
    ASSERT_TRUE(ring.activate("example.net", "e2026b", kNow + hours(1)));
    EXPECT_EQ(state(ring, "e2026a"), KeyState::Retired);
    EXPECT_EQ(state(ring, "s2026a"), KeyState::Signing) << "another algorithm";
    EXPECT_TRUE(ring.outlived(hours(24), kNow + hours(24)).empty());
    ASSERT_EQ(ring.outlived(hours(24), kNow + hours(25)).size(), 1U);
    ASSERT_TRUE(ring.remove("example.net", "e2026a", kNow));
    EXPECT_FALSE(ring.activate("example.net", "e2026a", kNow)) << "its file has gone";
    EXPECT_FALSE(ring.retire("example.net", "nothing", kNow));
    EXPECT_FALSE(ring.add(entry("e2026a")));
}

TEST(Keyring, AKeyThatWasOvertakenNeverSigns) {
    Keyring ring;
    ASSERT_TRUE(
        ring.add(entry("e2026a")) && ring.add(entry("e2026b")) && ring.add(entry("e2026c"))
    );
    ASSERT_TRUE(ring.activate("example.net", "e2026b", kNow));
    EXPECT_EQ(state(ring, "e2026a"), KeyState::Retired);
    EXPECT_EQ(state(ring, "e2026c"), KeyState::Waiting) << "a newer one still may";
}

TEST(Keyring, SelectorsAreNeverGivenTwice) {
    Keyring ring;
    EXPECT_EQ(ring.next_selector("example.net", kRsa, kNow), "s2026a");
    EXPECT_EQ(ring.next_selector("example.net", kEd, kNow), "e2026a");
    for (int i = 0; i < 27; ++i) {
        ASSERT_TRUE(ring.add(entry(ring.next_selector("example.net", kEd, kNow))));
    }
    EXPECT_NE(ring.find("example.net", "e2026z"), nullptr);
    EXPECT_NE(ring.find("example.net", "e2026aa"), nullptr);
    ASSERT_TRUE(ring.remove("example.net", "e2026aa", kNow));
    EXPECT_EQ(ring.next_selector("example.net", kEd, kNow), "e2026ab");
    EXPECT_EQ(ring.next_selector("example.org", kEd, kNow), "e2026a");
}

TEST(Keyring, KnowsWhatIsLacking) {
    Keyring ring;
    ASSERT_TRUE(ring.add(entry("e2026a")));
    const auto lacking = ring.lacking({"Example.NET", "example.org"}, {kRsa, kEd});
    using Pair = std::pair<std::string, Algorithm>;
    EXPECT_EQ(
        lacking,
        (std::vector<Pair>{{"example.net", kRsa}, {"example.org", kRsa}, {"example.org", kEd}})
    );
}

TEST(Keyring, ReadsWhatItWrites) {
    Keyring ring;
    ASSERT_TRUE(ring.add(entry("e2026a")) && ring.add(entry("e2026b")));
    ASSERT_TRUE(ring.activate("example.net", "e2026b", kNow));
    const auto again = Keyring::parse(ring.text());
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->text(), ring.text());
    EXPECT_EQ(state(*again, "e2026b"), KeyState::Signing);
    for (const char* bad : {"", "[]", "{}", R"({"keys":[1]})", R"({"keys":[{"domain":"../x"}]})"}) {
        EXPECT_FALSE(Keyring::parse(bad)) << bad;
    }
}

TEST(Keyring, ComparesWithTheDns) {
    const KeyEntry key = entry("e2026a");
    EXPECT_EQ(compare(key, {}), Seen::Missing);
    EXPECT_EQ(compare(key, {"k=ed25519; t=y; p=AA AA"}), Seen::Right);
    EXPECT_EQ(compare(key, {"k=ed25519; p=AAAB"}), Seen::Other);
    EXPECT_EQ(compare(key, {"k=ed25519; p="}), Seen::Other);
    EXPECT_EQ(compare(key, {"p=AAAA"}), Seen::Other) << "of type rsa";
}

class KeyStoreTest : public testing::Test {
  protected:
    void SetUp() override {
        std::string name = std::filesystem::temp_directory_path() / "sekisho-keys-XXXXXX";
        ASSERT_NE(mkdtemp(name.data()), nullptr);
        folder = name;
    }
    void TearDown() override { std::filesystem::remove_all(folder); }
    std::string folder;
};

TEST_F(KeyStoreTest, MakesKeysThatSignOnceTheyAreActive) {
    const KeyStore store(folder + "/dkim", "");
    EXPECT_TRUE(store.read()->keys().empty());
    EXPECT_EQ(store.stamp(), 0);
    ASSERT_TRUE(store.prepare());
    const auto keys = store.make({{"Example.net", kEd}}, kNow);
    ASSERT_TRUE(keys) << keys.error().message;
    EXPECT_EQ(keys->front().dns_name(), "e2026a._domainkey.example.net");
    struct stat info{};
    ASSERT_EQ(stat((folder + "/dkim/example.net/e2026a.pem").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U);
    ASSERT_EQ(stat((folder + "/dkim").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0700U);

    const std::vector<std::string> domains{"example.net"};
    const auto header = message::Header::scan("From: postmaster@mail.example.net\r\n\r\n");
    EXPECT_TRUE((*make_signer(store, {domains, {kEd}, "mail.example.net"}))->empty());
    ASSERT_TRUE(store.update([](Keyring& ring) {
        return ring.activate("example.net", "e2026a", kNow);
    }));
    const auto signer = make_signer(store, {domains, {kEd}, "mail.example.net"});
    ASSERT_TRUE(signer);
    EXPECT_TRUE((*signer)->signs(header)) << "the host's own notifications";
    EXPECT_FALSE((*make_signer(store, {domains, {kEd}, "mail.example.org"}))->signs(header));
    EXPECT_FALSE((*make_signer(store, {{"example.org"}, {kEd}, "mail.example.net"}))->signs(header)
    );
}

TEST_F(KeyStoreTest, ARemovedKeyHasNoFile) {
    const KeyStore store(folder + "/dkim", "");
    ASSERT_TRUE(store.make({{"example.net", kEd}}, kNow));
    ASSERT_TRUE(store.update([](Keyring& ring) {
        return ring.remove("example.net", "e2026a", kNow);
    }));
    EXPECT_FALSE(std::filesystem::exists(folder + "/dkim/example.net/e2026a.pem"));
    EXPECT_EQ(store.make({{"example.net", kEd}}, kNow)->front().selector, "e2026b");
}

TEST_F(KeyStoreTest, AKeyThatIsAnotherIsRefused) {
    const KeyStore store(folder + "/dkim", "");
    ASSERT_TRUE(store.make({{"example.net", kEd}}, kNow));
    const auto other = store.make({{"example.net", kEd}}, kNow);
    std::filesystem::copy_file(
        folder + "/dkim/example.net/e2026a.pem",
        folder + "/dkim/example.net/e2026b.pem",
        std::filesystem::copy_options::overwrite_existing
    );
    const auto loaded = store.load(other->front());
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, Errc::Corrupt);
    ASSERT_TRUE(write_file_atomic(folder + "/dkim/keys.json", "{"));
    EXPECT_EQ(store.read().error().code, Errc::Corrupt);
    EXPECT_FALSE(store.make({{"example.net", kEd}}, kNow)) << "a damaged list isn't overwritten";
}

TEST_F(KeyStoreTest, TwoThatChangeItAtOnceLoseNothing) {
    const KeyStore store(folder + "/dkim", "");
    constexpr int each = 20;
    const auto work = [&store] {
        for (int i = 0; i < each; ++i) {
            ASSERT_TRUE(KeyStore(store).make({{"example.net", kEd}}, kNow));
        }
    };
    std::thread other(work);
    work();
    other.join();
    EXPECT_EQ(store.read()->keys().size(), 2U * each);
}

}  // namespace
}  // namespace sekisho::dkim
