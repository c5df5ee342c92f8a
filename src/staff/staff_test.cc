#include "staff/staff.h"

#include "base/bytes.h"
#include "base/time.h"
#include "staff/audit.h"
#include "staff/memory_store.h"
#include "staff/roles.h"
#include "staff/throttle.h"
#include "staff/totp.h"

#include <chrono>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace sekisho::staff {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kKey20 = "12345678901234567890";
constexpr const char* kKey32 = "12345678901234567890123456789012";
constexpr const char* kKey64 = "1234567890123456789012345678901234567890123456789012345678901234";

// RFC 4226 appendix D.
TEST(Hotp, Rfc4226Vectors) {
    const char* codes[] = {
        "755224",
        "287082",
        "359152",
        "969429",
        "338314",
        "254676",
        "287922",
        "162583",
        "399871",
        "520489"
    };
    for (std::uint64_t i = 0; i < std::size(codes); ++i) {
        EXPECT_EQ(hotp(kKey20, i), codes[i]) << i;
    }
}

// RFC 6238 appendix B, with the keys of its reference code: as long as each hash (errata 2866).
TEST(Totp, Rfc6238Vectors) {
    struct Row {
        std::int64_t seconds;
        const char *sha1, *sha256, *sha512;
    };
    for (const Row& row :
         {Row{59, "94287082", "46119246", "90693936"},
          Row{1111111109, "07081804", "68084774", "25091201"},
          Row{1111111111, "14050471", "67062674", "99943326"},
          Row{1234567890, "89005924", "91819424", "93441116"},
          Row{2000000000, "69279037", "90698825", "38618901"},
          Row{20000000000, "65353130", "77737706", "47863826"}}) {
        const auto step = static_cast<std::uint64_t>(totp_step(from_ms(row.seconds * 1000)));
        EXPECT_EQ(hotp(kKey20, step, 8, TotpHash::Sha1), row.sha1) << row.seconds;
        EXPECT_EQ(hotp(kKey32, step, 8, TotpHash::Sha256), row.sha256) << row.seconds;
        EXPECT_EQ(hotp(kKey64, step, 8, TotpHash::Sha512), row.sha512) << row.seconds;
    }
}

TEST(Totp, ACodeOpensOnceAndOnlyNearItsTime) {
    const Time now = from_ms(1'111'111'109'000);
    const std::int64_t step = totp_step(now);
    EXPECT_EQ(check_totp(kKey20, "081804", now, 0), step);
    EXPECT_EQ(check_totp(kKey20, "081 804", now, 0), step);
    EXPECT_EQ(check_totp(kKey20, "081804", now, step), std::nullopt) << "used already";
    EXPECT_EQ(check_totp(kKey20, "081804", now + std::chrono::seconds{30}, 0), step);
    EXPECT_EQ(check_totp(kKey20, "081804", now - std::chrono::seconds{30}, 0), step);
    EXPECT_EQ(check_totp(kKey20, "081804", now + std::chrono::seconds{90}, 0), std::nullopt);
    EXPECT_EQ(check_totp(kKey20, "", now, 0), std::nullopt);
    EXPECT_EQ(check_totp(kKey20, "0818040", now, 0), std::nullopt);
    EXPECT_EQ(check_totp("", hotp("", static_cast<std::uint64_t>(step)), now, 0), std::nullopt);
}

// RFC 4648 §10, without padding.
TEST(Base32, Rfc4648Vectors) {
    const std::pair<const char*, const char*> rows[] = {
        {"", ""},
        {"f", "MY"},
        {"fo", "MZXQ"},
        {"foo", "MZXW6"},
        {"foob", "MZXW6YQ"},
        {"fooba", "MZXW6YTB"},
        {"foobar", "MZXW6YTBOI"}
    };
    for (const auto& [plain, coded] : rows) {
        EXPECT_EQ(base32(plain), coded);
        EXPECT_EQ(unbase32(coded), plain);
    }
    EXPECT_EQ(unbase32("mzxw6ytboi"), "foobar");
    for (const char* wrong : {"M", "MZX", "MZ1A", "MZXW6==="}) {
        EXPECT_EQ(unbase32(wrong), std::nullopt) << wrong;
    }
    EXPECT_EQ(
        otpauth_uri("Tōkai Net", "hanako", "foobar"),
        "otpauth://totp/T%C5%8Dkai%20Net:hanako?secret=MZXW6YTBOI&issuer=T%C5%8Dkai%20Net"
        "&algorithm=SHA1&digits=6&period=30"
    );
}

TEST(Roles, AreASet) {
    const Roles both = Roles::parse("abuse, support").value();
    EXPECT_EQ(both, Roles(Role::Support, Role::Abuse));
    EXPECT_EQ(both.text(), "support, abuse");
    EXPECT_TRUE(both.meets(Roles{Role::Abuse}));
    EXPECT_FALSE(both.meets(Roles(Role::Operator, Role::Auditor)));
    EXPECT_THAT(
        Roles::parse("admin").error().message, HasSubstr("support, abuse, operator, auditor")
    );
    EXPECT_FALSE(Roles::parse(""));
    EXPECT_TRUE(Roles{}.empty());
    EXPECT_FALSE(Roles{}.meets(kAllRoles));
}

TEST(Names, AreNarrow) {
    EXPECT_TRUE(check_name("h.tanaka-2"));
    for (const std::string& wrong :
         {std::string(),
          std::string("Hanako"),
          std::string("1a"),
          std::string("a b"),
          std::string("a\n"),
          std::string(33, 'a')}) {
        EXPECT_FALSE(check_name(wrong)) << wrong;
    }
}

TEST(Throttling, FillsAndBeginsAnew) {
    Throttle throttle{3, std::chrono::minutes{15}, 2};
    Time now = from_ms(1'000'000'000);
    for (int i = 0; i < 3; ++i) {
        EXPECT_FALSE(throttle.full("a", now));
        throttle.count("a", now);
    }
    EXPECT_EQ(throttle.full("a", now), now + std::chrono::minutes{15});
    EXPECT_FALSE(throttle.full("b", now));
    now += std::chrono::minutes{15};
    EXPECT_FALSE(throttle.full("a", now));
    for (int i = 0; i < 3; ++i) {
        throttle.count("a", now);
    }
    throttle.forgive("a");
    EXPECT_FALSE(throttle.full("a", now));
    // Bounded: the oldest makes room.
    throttle.count("x", now);
    throttle.count("y", now + std::chrono::seconds{1});
    throttle.count("z", now + std::chrono::seconds{2});
    throttle.count("z", now + std::chrono::seconds{2});
    throttle.count("z", now + std::chrono::seconds{2});
    EXPECT_TRUE(throttle.full("z", now + std::chrono::seconds{3}));
}

class Audit : public testing::Test {
  protected:
    void SetUp() override {
        for (const char* who : {"hanako", "jiro", "hanako", "auditor"}) {
            AuditEntry entry;
            entry.at = from_ms(1'000 * (++clock_));
            entry.who = who;
            entry.action = "lookSubscriber";
            entry.subject = "L-0042";
            entry.reason = "ticket 4711 \xe6\x9d\xb1";
            entries_.push_back(store_.note(entry).value());
        }
    }
    static std::vector<std::string> faults(
        const std::vector<AuditEntry>& entries, std::int64_t count
    ) {
        AuditCheck check;
        for (const AuditEntry& entry : entries) {
            check.take(entry);
        }
        check.end(count);
        return check.faults();
    }

    std::int64_t clock_ = 0;
    MemoryStore store_;
    std::vector<AuditEntry> entries_;
};

TEST_F(Audit, AWholeChainHasNoFault) {
    EXPECT_THAT(faults(entries_, 4), ElementsAre());
    EXPECT_EQ(entries_[0].previous, std::string(32, '\0'));
}

TEST_F(Audit, WhatWasTakenOutOrChangedShows) {
    auto without = entries_;
    without.erase(without.begin() + 1);
    EXPECT_THAT(faults(without, 4), ElementsAre("entries 2 to 2 are missing"));
    auto renumbered = without;
    renumbered[1].number = 2;
    EXPECT_THAT(faults(renumbered, 3).front(), HasSubstr("entry 2 doesn't follow"));
    auto last = entries_;
    last.pop_back();
    EXPECT_THAT(faults(last, 4), ElementsAre("entries 4 to 4 are missing at the end"));
    for (std::string AuditEntry::* member :
         {&AuditEntry::who,
          &AuditEntry::how,
          &AuditEntry::address,
          &AuditEntry::action,
          &AuditEntry::subject,
          &AuditEntry::reason,
          &AuditEntry::outcome}) {
        auto changed = entries_;
        changed[2].*member += "x";
        EXPECT_THAT(faults(changed, 4), ElementsAre("entry 3 was changed"));
        // Made good again by who knows how: the next one tells.
        changed[2].digest = digest_of(changed[2]);
        EXPECT_THAT(
            faults(changed, 4), ElementsAre("entry 4 doesn't follow from the entry before it")
        );
    }
    auto later = entries_;
    later[1].at += std::chrono::seconds{1};
    EXPECT_THAT(faults(later, 4), ElementsAre("entry 2 was changed"));
}

// Made anew from the second entry on, the chain is whole again; what was noted elsewhere tells.
TEST_F(Audit, AHeadNotedElsewhereTellsAChainMadeAnew) {
    MemoryStore forged;
    std::vector<AuditEntry> all;
    for (AuditEntry entry : entries_) {
        entry.reason = "nothing";
        all.push_back(forged.note(entry).value());
    }
    EXPECT_THAT(faults(all, 4), ElementsAre());
    AuditCheck check;
    check.expect(3, entries_[2].digest);
    for (const AuditEntry& entry : all) {
        check.take(entry);
    }
    check.end(4);
    EXPECT_THAT(check.faults(), ElementsAre("entry 3 is not the one that was noted elsewhere"));
    AuditCheck cut;
    cut.expect(4, entries_[3].digest);
    cut.take(entries_[0]);
    cut.end(1);
    EXPECT_THAT(cut.faults().front(), HasSubstr("entry 4 was noted elsewhere"));
}

TEST_F(Audit, LinesAreReadBack) {
    for (const AuditEntry& entry : entries_) {
        const AuditEntry back = parse_line(to_line(entry)).value();
        EXPECT_EQ(digest_of(back), entry.digest);
        EXPECT_EQ(back.digest, entry.digest);
    }
    for (const char* wrong : {"", "x", "[]", "{}", R"({"number":1,"at_ms":2})"}) {
        EXPECT_FALSE(parse_line(wrong)) << wrong;
    }
}

}  // namespace
}  // namespace sekisho::staff
