#include "zone/records.h"

#include "base/result.h"
#include "config/config.h"
#include "config/reader.h"
#include "dkim/keys/keyring.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace sekisho::zone {
namespace {

using Values = std::vector<std::string>;

config::Config configured(const std::string& more = "") {
    const auto loaded = config::parse(
        "[provider]\ndomain = \"example.net\"\nguide_url = \"https://guide.example.net:8443/x\"\n"
        "[mail]\nhostname = \"Mail.example.net\"\n" +
            more,
        "/etc/sekisho.toml"
    );
    EXPECT_TRUE(loaded);
    return loaded->resolved();
}
dkim::KeyEntry key(const std::string& selector, dkim::KeyState state) {
    dkim::KeyEntry out;
    out.domain = "example.net";
    out.selector = selector;
    out.algorithm = dkim::Algorithm::Ed25519Sha256;
    out.record = "v=DKIM1; k=ed25519; p=AAAA";
    out.state = state;
    return out;
}
std::vector<std::string> lines(const std::vector<Record>& records) {
    std::vector<std::string> out;
    for (const Record& record : records) {
        if (record.kind != Kind::Host) {
            out.push_back(zone_line(record));
        }
    }
    return out;
}
Record find(const std::vector<Record>& records, const std::string& name, Kind kind) {
    const auto found = std::find_if(records.begin(), records.end(), [&](const Record& record) {
        return record.name == name && record.kind == kind;
    });
    EXPECT_NE(found, records.end()) << name;
    return found == records.end() ? Record{} : *found;
}

TEST(Records, EverythingForADomain) {
    Facts facts;
    facts.keys = {
        key("e2026a", dkim::KeyState::Signing),
        key("e2025a", dkim::KeyState::Retired),
        key("e2024a", dkim::KeyState::Removed)
    };
    facts.certificate_key_sha256 = std::string(32, '\xAB');
    EXPECT_EQ(
        lines(records_to_publish(configured(), facts)),
        (Values{
            "mail.example.net. 3600 IN TXT \"v=spf1 a -all\"",
            "_25._tcp.mail.example.net. 3600 IN TLSA 3 1 1 "
            "abababababababababababababababababababababababababababababababab",
            "example.net. 3600 IN MX 10 mail.example.net.",
            "example.net. 3600 IN TXT \"v=spf1 mx ~all\"",
            "e2026a._domainkey.example.net. 3600 IN TXT \"v=DKIM1; k=ed25519; p=AAAA\"",
            "e2025a._domainkey.example.net. 3600 IN TXT \"v=DKIM1; k=ed25519; p=AAAA\"",
            "_dmarc.example.net. 3600 IN TXT \"v=DMARC1; p=none; "
            "rua=mailto:postmaster@example.net\"",
            "_submission._tcp.example.net. 3600 IN SRV 0 1 587 mail.example.net.",
            "_submissions._tcp.example.net. 3600 IN SRV 0 1 465 mail.example.net.",
            "_imaps._tcp.example.net. 3600 IN SRV 0 1 993 mail.example.net.",
            "autoconfig.example.net. 3600 IN CNAME guide.example.net.",
            "autodiscover.example.net. 3600 IN CNAME guide.example.net.",
        })
    );
}

TEST(Records, FollowTheConfiguration) {
    const auto records = records_to_publish(
        configured("domains = [\"example.org\", \"Example.net\"]\nexchange = []\nsubmission = []\n"
                   "[delivery]\nsmarthost = \"192.0.2.9:25\"\n"
                   "[settings]\nincoming_type = \"pop3\"\nincoming_port = 110\nincoming_host = "
                   "\"pop.example.org\"\n"),
        {}
    );
    const auto all = lines(records);
    const auto has = [&](const std::string& line) {
        return std::find(all.begin(), all.end(), line) != all.end();
    };
    EXPECT_TRUE(has("example.org. 3600 IN TXT \"v=spf1 a:mail.example.net ip4:192.0.2.9 ~all\""));
    EXPECT_TRUE(has("_pop3._tcp.example.net. 3600 IN SRV 0 1 110 pop.example.org."));
    for (const std::string& line : all) {
        EXPECT_EQ(line.find(" MX "), std::string::npos) << line;
        EXPECT_EQ(line.find("TLSA"), std::string::npos) << line;
        EXPECT_EQ(line.find("_submission."), std::string::npos) << line;
    }
}

TEST(Records, LongTextsAreDivided) {
    const std::string text = quoted_txt(std::string(300, 'a') + "\"");
    EXPECT_EQ(text, "\"" + std::string(255, 'a') + "\" \"" + std::string(45, 'a') + "\\\"\"");
    EXPECT_EQ(quoted_txt(""), "\"\"");
}

TEST(Records, TheZoneSaysWhatEachIsFor) {
    const std::string text = zone_text(records_to_publish(configured(), {}));
    EXPECT_TRUE(text.starts_with("; mail.example.net: the mail server's addresses")) << text;
    EXPECT_NE(
        text.find("; where mail for the domain goes\nexample.net. 3600 IN MX"), std::string::npos
    );
    EXPECT_NE(text.find("DMARC: reports first"), std::string::npos);
}

struct Row {
    Kind kind;
    const char* name;
    Values there;
    State state;
    bool fault;
};

TEST(Compare, EachKindHasItsOwnIdeaOfTheSame) {
    Facts facts;
    facts.keys = {key("e2026a", dkim::KeyState::Waiting)};
    facts.certificate_key_sha256 = "\x01\x02";
    const auto records = records_to_publish(configured(), facts);
    const char* dkim_name = "e2026a._domainkey.example.net";
    for (const Row& row : std::vector<Row>{
             {Kind::Host, "mail.example.net", {}, State::Missing, true},
             {Kind::Host, "mail.example.net", {"192.0.2.1"}, State::Right, false},
             {Kind::Mx, "example.net", {"5 mail.example.net.", "9 b.example."}, State::Right, false
             },
             {Kind::Mx, "example.net", {"10 other.example."}, State::Different, true},
             {Kind::Mx, "example.net", {}, State::Missing, true},
             {Kind::Spf, "example.net", {"v=spf1 mx ~all", "other"}, State::Right, false},
             {Kind::Spf, "example.net", {"v=spf1 ip4:192.0.2.0/24 -all"}, State::Different, false},
             {Kind::Spf, "example.net", {"v=spf1 mx ~all", "v=spf1 -all"}, State::Different, true},
             {Kind::Spf, "example.net", {"other"}, State::Missing, true},
             {Kind::Dkim, dkim_name, {"p=AAAA; k=ed25519"}, State::Right, false},
             {Kind::Dkim, dkim_name, {"v=DKIM1; k=ed25519; p=BBBB"}, State::Different, true},
             {Kind::Dkim, dkim_name, {}, State::Missing, true},
             {Kind::Dmarc, "_dmarc.example.net", {"v=DMARC1; p=reject"}, State::Different, false},
             {Kind::Dmarc, "_dmarc.example.net", {}, State::Missing, false},
             {Kind::Tlsa, "_25._tcp.mail.example.net", {"3 1 1 0102"}, State::Right, false},
             {Kind::Tlsa, "_25._tcp.mail.example.net", {"3 1 1 0103"}, State::Different, false},
             {Kind::Srv,
              "_submission._tcp.example.net",
              {"10 9 587 mail.example.net."},
              State::Right,
              false},
             {Kind::Srv,
              "_submission._tcp.example.net",
              {"0 1 25 mail.example.net."},
              State::Different,
              false},
         }) {
        const Finding got = compare(find(records, row.name, row.kind), row.there);
        EXPECT_EQ(got.state, row.state) << row.name << " " << testing::PrintToString(row.there);
        EXPECT_EQ(got.fault(), row.fault) << row.name << " " << testing::PrintToString(row.there);
    }
}

TEST(Compare, AnAliasHasTheAddressesOfItsTarget) {
    const auto records = records_to_publish(configured(), {});
    const Record alias = find(records, "autoconfig.example.net", Kind::Alias);
    EXPECT_EQ(
        compare(alias, Values{"192.0.2.1"}, {"192.0.2.1", "2001:db8::1"}).state, State::Right
    );
    EXPECT_EQ(compare(alias, Values{"192.0.2.2"}, {"192.0.2.1"}).state, State::Different);
    EXPECT_EQ(compare(alias, Values{}, {"192.0.2.1"}).state, State::Missing);
}

TEST(Compare, NoAnswerIsAFaultOnlyWhereItMatters) {
    const auto records = records_to_publish(configured(), {});
    const Finding mx =
        compare(find(records, "example.net", Kind::Mx), fail(Errc::Unavailable, "SERVFAIL"));
    EXPECT_EQ(mx.state, State::Unknown);
    EXPECT_EQ(mx.error, "SERVFAIL");
    EXPECT_TRUE(mx.fault());
    EXPECT_FALSE(
        compare(find(records, "_dmarc.example.net", Kind::Dmarc), fail(Errc::Timeout, "t")).fault()
    );
}

TEST(Records, ReportsGoWhereTheyAreRead) {
    config::Config config = configured();
    config.reports.receive = "reports@example.net";
    const Values own = lines(records_to_publish(config, {}));
    EXPECT_NE(
        std::find(
            own.begin(),
            own.end(),
            "_dmarc.example.net. 3600 IN TXT \"v=DMARC1; p=none; rua=mailto:reports@example.net\""
        ),
        own.end()
    );
    EXPECT_NE(
        std::find(
            own.begin(),
            own.end(),
            "_smtp._tls.example.net. 3600 IN TXT \"v=TLSRPTv1; rua=mailto:reports@example.net\""
        ),
        own.end()
    );
    config.reports.receive = "reports@other.example";
    const Values other = lines(records_to_publish(config, {}));
    EXPECT_NE(
        std::find(
            other.begin(),
            other.end(),
            "example.net._report._dmarc.other.example. 3600 IN TXT \"v=DMARC1\""
        ),
        other.end()
    );
}

}  // namespace
}  // namespace sekisho::zone
