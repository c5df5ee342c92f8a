#include "dmarc/check.h"

#include "dmarc/record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

using namespace sekisho::dmarc;
using testing::ElementsAre;

namespace {

Identifier spf(std::string domain, Status status = Status::Pass) {
    return {Method::Spf, status, std::move(domain)};
}
Identifier dkim(std::string domain, Status status = Status::Pass) {
    return {Method::Dkim, status, std::move(domain)};
}

class Zone {
  public:
    explicit Zone(std::map<std::string, std::string> records) : records_(std::move(records)) {}
    std::set<std::string> missing, dead;  // names that don't exist; names without an answer

    [[nodiscard]] Outcome check(std::string author, std::vector<Identifier> identifiers = {})
        const {
        const Input input{std::move(author), std::move(identifiers)};
        Answers answers;
        rounds = 0;
        Step step = sekisho::dmarc::check(input, answers);
        while (const auto* questions = std::get_if<Questions>(&step)) {
            ++rounds;
            for (const std::string& name : *questions) {
                Answer& answer = answers[name];
                const auto found = records_.find(name);
                if (found != records_.end()) {
                    answer.texts.push_back(found->second);
                } else if (missing.contains(name)) {
                    answer.kind = Answer::Kind::NoSuchName;
                } else if (dead.contains(name)) {
                    answer.kind = Answer::Kind::Failed;
                }
            }
            step = sekisho::dmarc::check(input, answers);
        }
        return std::get<Outcome>(step);
    }

    mutable int rounds = 0;

  private:
    std::map<std::string, std::string> records_;
};

// RFC 9989 §4.10
TEST(Walk, OfALongNameSkipsItsMiddle) {
    EXPECT_THAT(
        walk("a.b.c.d.e.f.g.h.i.j.mail.example.com"),
        ElementsAre(
            "a.b.c.d.e.f.g.h.i.j.mail.example.com",
            "g.h.i.j.mail.example.com",
            "h.i.j.mail.example.com",
            "i.j.mail.example.com",
            "j.mail.example.com",
            "mail.example.com",
            "example.com",
            "com"
        )
    );
    EXPECT_THAT(
        walk("a.mail.example.com"),
        ElementsAre("a.mail.example.com", "mail.example.com", "example.com", "com")
    );
    EXPECT_EQ(walk("a.b.c.d.e.f.example.com").size(), 8U);
    EXPECT_THAT(walk("com"), ElementsAre("com"));
}

// RFC 9989 §4.10.2, its three examples.
TEST(Organization, IsTheTopmostRecord) {
    const Zone zone(
        {{"_dmarc.mail.example.com", "v=DMARC1; p=none"},
         {"_dmarc.example.com", "v=DMARC1; p=reject"}}
    );
    const Outcome outcome = zone.check("a.mail.example.com");
    EXPECT_EQ(outcome.organization, "example.com");
    EXPECT_EQ(outcome.policy_domain, "example.com");  // not the one between
    EXPECT_EQ(outcome.policy, Policy::Reject);
    EXPECT_EQ(zone.rounds, 1);
}

TEST(Organization, IsTheOneThatSaysItIsNoSuffix) {
    const Zone zone(
        {{"_dmarc.mail.example.com", "v=DMARC1; p=none; psd=n"},
         {"_dmarc.example.com", "v=DMARC1; p=reject"}}
    );
    EXPECT_EQ(zone.check("a.mail.example.com").organization, "mail.example.com");
}

TEST(Organization, IsOneBelowAPublicSuffix) {
    const Zone zone({{"_dmarc.com", "v=DMARC1; p=reject; psd=y"}});
    const Outcome outcome = zone.check("a.mail.example.com");
    EXPECT_EQ(outcome.organization, "example.com");
    EXPECT_EQ(outcome.policy_domain, "com");
    EXPECT_EQ(outcome.policy, Policy::Reject);
    // The suffix itself as the author.
    EXPECT_EQ(zone.check("com").organization, "com");
}

TEST(Organization, IsTheDomainItselfWithoutAnyRecord) {
    const Zone zone({});
    const Outcome outcome = zone.check("a.example.com", {spf("a.example.com")});
    EXPECT_EQ(outcome.organization, "a.example.com");
    EXPECT_EQ(outcome.result, Result::None);
    EXPECT_EQ(outcome.policy_domain, "");
}

// RFC 9989 Appendix B.1
TEST(Alignment, RelaxedAndStrict) {
    const Zone relaxed({{"_dmarc.example.com", "v=DMARC1; p=reject"}});
    const Zone strict({{"_dmarc.example.com", "v=DMARC1; p=reject; aspf=s; adkim=s"}});
    struct Case {
        std::string author;
        Identifier identifier;
        bool relaxed, strict;
    };
    for (const Case& each : {
             Case{"example.com", spf("example.com"), true, true},
             Case{"example.com", spf("child.example.com"), true, false},
             Case{"child.example.com", spf("example.com"), true, false},
             Case{"one.example.com", spf("two.example.com"), true, false},
             Case{"child.example.com", spf("CHILD.Example.com"), true, true},
             Case{"example.com", spf("example.net"), false, false},
             Case{"example.com", spf("notexample.com"), false, false},
             Case{"example.com", dkim("example.com"), true, true},
             Case{"example.com", dkim("mail.example.com"), true, false},
             Case{"example.com", dkim("sample.net"), false, false},
             Case{"example.com", dkim("com"), false, false},
             Case{"example.com", spf("example.com", Status::Other), false, false},
         }) {
        SCOPED_TRACE(each.author + " and " + each.identifier.domain);
        EXPECT_EQ(
            relaxed.check(each.author, {each.identifier}).result,
            each.relaxed ? Result::Pass : Result::Fail
        );
        EXPECT_EQ(
            strict.check(each.author, {each.identifier}).result,
            each.strict ? Result::Pass : Result::Fail
        );
    }
}

TEST(Alignment, OneOfManyIsEnough) {
    const Zone zone({{"_dmarc.example.com", "v=DMARC1; p=reject"}});
    const Outcome outcome = zone.check(
        "example.com", {spf("bounce.example.org"), dkim("example.org"), dkim("news.example.com")}
    );
    EXPECT_EQ(outcome.result, Result::Pass);
    EXPECT_EQ(outcome.disposition, Policy::None);
    EXPECT_THAT(outcome.aligned, ElementsAre("dkim news.example.com"));
}

// A subtree that is an organization of its own doesn't vouch for the rest, nor the rest for it.
TEST(Alignment, StopsAtAnotherOrganization) {
    const Zone zone(
        {{"_dmarc.example.com", "v=DMARC1; p=reject"},
         {"_dmarc.campus.example.com", "v=DMARC1; p=reject; psd=n"}}
    );
    EXPECT_EQ(zone.check("example.com", {spf("campus.example.com")}).result, Result::Fail);
    EXPECT_EQ(zone.check("campus.example.com", {spf("example.com")}).result, Result::Fail);
    EXPECT_EQ(
        zone.check("a.campus.example.com", {spf("b.campus.example.com")}).result, Result::Pass
    );
}

TEST(Alignment, DomainsUnderOneSuffixAreStrangers) {
    const Zone zone(
        {{"_dmarc.jp", "v=DMARC1; p=none; psd=y"}, {"_dmarc.one.jp", "v=DMARC1; p=quarantine"}}
    );
    EXPECT_EQ(zone.check("one.jp", {spf("two.jp")}).result, Result::Fail);
    EXPECT_EQ(zone.check("a.one.jp", {spf("b.one.jp")}).result, Result::Pass);
}

TEST(Policy, OfSubdomains) {
    Zone zone({{"_dmarc.example.com", "v=DMARC1; p=reject; sp=quarantine; np=none"}});
    EXPECT_EQ(zone.check("example.com").disposition, Policy::Reject);
    EXPECT_EQ(zone.check("a.example.com").disposition, Policy::Quarantine);
    zone.missing.insert("b.example.com");
    EXPECT_EQ(zone.check("b.example.com").disposition, Policy::None);
    EXPECT_EQ(zone.rounds, 2);
    const Zone only_sp({{"_dmarc.example.com", "v=DMARC1; p=none; sp=reject"}});
    EXPECT_EQ(only_sp.check("b.example.com").disposition, Policy::Reject);
    const Zone only_p({{"_dmarc.example.com", "v=DMARC1; p=quarantine"}});
    EXPECT_EQ(only_p.check("b.example.com").disposition, Policy::Quarantine);
}

// RFC 9989 Appendix B.3: a public suffix that protects names that nobody registered.
TEST(Policy, OfAPublicSuffixForNamesThatDoNotExist) {
    Zone zone({{"_dmarc.gov.example", "v=DMARC1; p=none; np=reject; psd=y"}});
    zone.missing = {"tax.gov.example"};
    EXPECT_EQ(zone.check("tax.gov.example").disposition, Policy::Reject);
    EXPECT_EQ(zone.check("council.gov.example").disposition, Policy::None);
    EXPECT_EQ(zone.check("council.gov.example").organization, "council.gov.example");
}

TEST(Policy, OneLevelLessWhileTesting) {
    const Zone reject({{"_dmarc.example.com", "v=DMARC1; p=reject; t=y"}});
    const Outcome outcome = reject.check("example.com");
    EXPECT_EQ(outcome.policy, Policy::Reject);
    EXPECT_EQ(outcome.disposition, Policy::Quarantine);
    EXPECT_TRUE(outcome.testing);
    const Zone quarantine({{"_dmarc.example.com", "v=DMARC1; p=quarantine; t=y"}});
    EXPECT_EQ(quarantine.check("example.com").disposition, Policy::None);
}

TEST(Policy, WithoutAnAuthorThereIsNone) {
    const Zone zone({{"_dmarc.example.com", "v=DMARC1; p=reject"}});
    EXPECT_EQ(zone.check("").result, Result::None);
    EXPECT_EQ(zone.check("[192.0.2.1]").result, Result::None);
    EXPECT_EQ(zone.check("a..example.com").result, Result::None);
    EXPECT_EQ(author_domain({"Example.com", "example.COM"}), "example.com");
    EXPECT_EQ(author_domain({"example.com", "example.net"}), "");
    EXPECT_EQ(author_domain({}), "");
}

TEST(Errors, OfTheDnsRefuseNothing) {
    Zone zone({{"_dmarc.example.com", "v=DMARC1; p=reject"}});
    zone.dead = {"_dmarc.a.example.com"};
    const Outcome outcome = zone.check("a.example.com", {spf("example.com")});
    EXPECT_EQ(outcome.result, Result::TempError);
    EXPECT_EQ(outcome.disposition, Policy::None);
    EXPECT_EQ(outcome.problem, "no answer for the DMARC record of a.example.com");
    // An identifier's walk that fails may have been the one that passes.
    EXPECT_EQ(zone.check("example.com", {dkim("a.example.com")}).result, Result::TempError);
    EXPECT_EQ(
        zone.check("example.com", {dkim("a.example.com"), spf("example.com")}).result, Result::Pass
    );
    EXPECT_EQ(
        zone.check("example.com", {spf("example.com", Status::TempError)}).result, Result::TempError
    );
    EXPECT_EQ(
        zone.check("example.com", {spf("other.example", Status::TempError)}).result, Result::Fail
    );
}

TEST(Errors, OfRecords) {
    const Zone bad({{"_dmarc.example.com", "v=DMARC1; p=rejekt"}});
    const Outcome outcome = bad.check("example.com", {spf("example.com")});
    EXPECT_EQ(outcome.result, Result::PermError);
    EXPECT_EQ(outcome.disposition, Policy::None);
    const Zone told({{"_dmarc.example.com", "v=DMARC1; p=rejekt; rua=mailto:d@example.com"}});
    EXPECT_EQ(told.check("example.com").result, Result::Fail);
    EXPECT_EQ(told.check("example.com").disposition, Policy::None);
}

TEST(Errors, TwoRecordsAreNone) {
    const Input input{"example.com", {spf("example.com")}};
    Answers answers;
    answers["_dmarc.com"];
    answers["_dmarc.example.com"].texts = {"v=DMARC1; p=reject", "v=DMARC1; p=none"};
    EXPECT_EQ(std::get<Outcome>(check(input, answers)).result, Result::None);
    // Other texts there are nobody's business.
    answers["_dmarc.example.com"].texts = {"v=spf1 -all", "v=DMARC1; p=reject"};
    EXPECT_EQ(std::get<Outcome>(check(input, answers)).result, Result::Pass);
}

TEST(RecordParser, Tags) {
    const auto record = parse_record(
        "v = DMARC1 ; p=Reject;sp=none; np = quarantine; adkim=s; aspf=S; t=y; psd=n; pct=50; "
        "rua=mailto:a@example.com!10m, https://example.com/r ,nonsense; fo=1; x y; =;"
    );
    ASSERT_TRUE(record);
    EXPECT_EQ(record->policy, Policy::Reject);
    EXPECT_EQ(record->subdomains, Policy::None);
    EXPECT_EQ(record->nonexistent, Policy::Quarantine);
    EXPECT_TRUE(record->strict_dkim && record->strict_spf && record->testing && record->usable);
    EXPECT_EQ(record->psd, Psd::No);
    EXPECT_THAT(
        record->aggregate_reports, ElementsAre("mailto:a@example.com!10m", "https://example.com/r")
    );
}

TEST(RecordParser, VersionIsExactAndFirst) {
    for (const std::string_view other :
         {"",
          "v=DMARC2; p=none",
          "v=dmarc1; p=none",
          "p=none; v=DMARC1",
          "v=DMARC11;p=none",
          "v=spf1 -all",
          "V=DMARC1; p=none"}) {
        EXPECT_FALSE(parse_record(other)) << other;
    }
    const auto bare = parse_record("v=DMARC1");
    ASSERT_TRUE(bare);
    EXPECT_EQ(bare->policy, Policy::None);  // RFC 9989 §4.7
    EXPECT_TRUE(bare->usable);
}

TEST(RecordParser, AWrongPolicySpoilsTheOthers) {
    for (const std::string_view text :
         {"v=DMARC1; p=", "v=DMARC1; p=reject; sp=rejekt", "v=DMARC1; p=reject; np=x"}) {
        const auto record = parse_record(text);
        ASSERT_TRUE(record);
        EXPECT_FALSE(record->usable) << text;
        EXPECT_EQ(record->policy, Policy::None) << text;
    }
    const auto told = parse_record("v=DMARC1; p=reject; sp=rejekt; rua=mailto:a@example.com");
    ASSERT_TRUE(told);
    EXPECT_TRUE(told->usable);
    EXPECT_EQ(told->policy, Policy::None);
    EXPECT_FALSE(told->subdomains);
}

}  // namespace
