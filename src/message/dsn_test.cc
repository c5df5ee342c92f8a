#include "message/dsn.h"

#include "base/result.h"
#include "base/time.h"
#include "message/dsn_text.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

namespace sekisho::message {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

// An independent reader: Python's email package takes the report apart and prints it as JSON.
constexpr std::string_view kReader = R"PY(
import email, email.policy, json, sys
data = open(sys.argv[1], 'rb').read()
assert b'\r' not in data.replace(b'\r\n', b''), 'bare CR'
assert b'\n' not in data.replace(b'\r\n', b''), 'bare LF'
m = email.message_from_bytes(data, policy=email.policy.default)
parts = list(m.iter_parts())
def defects(p):
    return [type(d).__name__ for d in p.defects] + \
           [type(d).__name__ for v in p.values() for d in getattr(v, 'defects', ())]
status = parts[1]
blocks = [{k: str(v) for k, v in b.items()} for b in status.get_payload()]
last = parts[2]
if last.get_content_type() == 'message/rfc822':
    inner = last.get_payload(0)
    returned = {'subject': str(inner['Subject']), 'body': inner.get_payload(decode=True).decode('utf-8', 'replace')}
else:
    returned = {'headers': last.get_payload(decode=True).decode('utf-8', 'replace')}
print(json.dumps({
  'seven_bit': all(b < 128 for b in data), 'longest': max(len(l) for l in data.split(b'\r\n')),
  'type': m.get_content_type(), 'report': m.get_param('report-type'),
  'parts': [p.get_content_type() for p in parts],
  'defects': defects(m) + [d for p in parts for d in defects(p)],
  'header': {k: str(v) for k, v in m.items()}, 'text': parts[0].get_content(),
  'blocks': blocks, 'returned': returned}))
)PY";

json read_with_python(const std::string& message) {
    std::array<char, 32> path{"/tmp/sekisho_dsn_XXXXXX"};
    std::array<char, 32> script{"/tmp/sekisho_dsn_XXXXXX"};
    const auto write = [](char* name, std::string_view text) {
        const int descriptor = ::mkstemp(name);
        std::FILE* const file = ::fdopen(descriptor, "w");
        std::fwrite(text.data(), 1, text.size(), file);
        std::fclose(file);
    };
    write(path.data(), message);
    write(script.data(), kReader);
    const std::string command = std::string("python3 ") + script.data() + " " + path.data();
    std::FILE* const pipe = ::popen(command.c_str(), "r");
    std::string out;
    std::array<char, 4096> buffer{};
    for (std::size_t got = 0; (got = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
        out.append(buffer.data(), got);
    }
    EXPECT_EQ(::pclose(pipe), 0) << message;
    ::unlink(path.data());
    ::unlink(script.data());
    return json::parse(out, nullptr, false);
}

constexpr std::string_view kOriginal =
    "Received: from pc by mail.example.net; x\r\nFrom: taro@example.net\r\n"
    "To: hanako@example.org\r\nSubject: =?ISO-2022-JP?B?GyRCJDMkcyRLJEEkTxsoQg==?=\r\n"
    "Date: Tue, 24 Nov 2026 13:50:00 +0900\r\nMessage-ID: <1@pc.example.net>\r\n\r\nhello\r\n";

DsnRequest request() {
    DsnRequest request;
    request.reporting_mta = "mail.example.net";
    request.from = "postmaster@mail.example.net";
    request.to = "taro@example.net";
    request.provider_name = "Example Net";
    request.provider_name_ja = "例ネット";
    request.support = "support@example.net";
    request.guide_url = "https://guide.example.net";
    request.envid = "QQ+2B314159";
    request.original_queue_id = "4GqX2nK0";
    request.dsn_id = "4GqX2nK1.abcdef";
    request.original = kOriginal;
    request.arrival = parse_rfc3339("2026-11-24T04:50:01Z");
    request.now = *parse_rfc3339("2026-11-24T13:53:24Z");
    DsnRecipient recipient;
    recipient.address = "hanako@example.org";
    recipient.orcpt = "rfc822;hanako+2Bbox@example.org";
    recipient.diagnostic =
        "550 5.1.1 <hanako@example.org>: Recipient address rejected: User unknown";
    recipient.remote_mta = "mx.example.org";
    recipient.last_attempt = parse_rfc3339("2026-11-24T13:53:20Z");
    request.recipients = {recipient};
    return request;
}

TEST(Dsn, AnIndependentReaderFindsEverything) {
    const Result<Dsn> dsn = build_dsn(request());
    ASSERT_TRUE(dsn);
    EXPECT_FALSE(dsn->body_8bit);
    EXPECT_FALSE(dsn->smtputf8);
    const json read = read_with_python(dsn->message);
    ASSERT_TRUE(read.is_object());
    EXPECT_EQ(read["type"], "multipart/report");
    EXPECT_EQ(read["report"], "delivery-status");
    EXPECT_EQ(read["parts"], json({"text/plain", "message/delivery-status", "message/rfc822"}));
    EXPECT_EQ(read["defects"], json::array());
    EXPECT_EQ(read["seven_bit"], true);
    EXPECT_LE(read["longest"], 78);
    EXPECT_EQ(read["header"]["Auto-Submitted"], "auto-replied");
    EXPECT_EQ(read["header"]["To"], "taro@example.net");
    EXPECT_EQ(read["header"]["From"], "Mail Delivery System <postmaster@mail.example.net>");
    EXPECT_EQ(read["header"]["In-Reply-To"], "<1@pc.example.net>");
    EXPECT_EQ(read["header"]["Message-ID"], dsn->message_id);
    EXPECT_EQ(
        read["header"]["Subject"], "メールを届けられませんでした / Your mail could not be delivered"
    );
    ASSERT_EQ(read["blocks"].size(), 2U);
    EXPECT_EQ(
        read["blocks"][0],
        json(
            {{"Original-Envelope-Id", "QQ+314159"},
             {"Reporting-MTA", "dns; mail.example.net"},
             {"Arrival-Date", "Tue, 24 Nov 2026 04:50:01 +0000"},
             {"X-Sekisho-Queue-ID", "4GqX2nK0"}}
        )
    );
    EXPECT_EQ(
        read["blocks"][1],
        json(
            {{"Original-Recipient", "rfc822; hanako+box@example.org"},
             {"Final-Recipient", "rfc822; hanako@example.org"},
             {"Action", "failed"},
             {"Status", "5.1.1"},
             {"Remote-MTA", "dns; mx.example.org"},
             {"Diagnostic-Code",
              "smtp; 550 5.1.1 <hanako@example.org>: Recipient address rejected: User unknown"},
             {"Last-Attempt-Date", "Tue, 24 Nov 2026 13:53:20 +0000"}}
        )
    );
    EXPECT_EQ(read["returned"]["body"], "hello\r\n");
}

TEST(Dsn, PeopleReadWhichMailToWhomWhyAndWhatToDo) {
    const json read = read_with_python(build_dsn(request())->message);
    const std::string text = read["text"];
    for (const char* part :
         {"例ネット",
          "件名: こんにちは",
          "Subject: こんにちは",
          "あて先: hanako@example.org",
          "To: hanako@example.org",
          "存在しません",
          "There is no such mailbox",
          "送り直してください",
          "Check the address",
          "User unknown",
          "受付番号: 4GqX2nK0",
          "Reference: 4GqX2nK0",
          "support@example.net",
          "https://guide.example.net",
          "<1@pc.example.net>",
          "Date: Tue, 24 Nov 2026 13:50:00 +0900"}) {
        EXPECT_THAT(text, HasSubstr(part));
    }
}

TEST(Dsn, ReturnsOnlyTheHeaderWhenAskedOrWhenItMust) {
    DsnRequest hdrs = request();
    hdrs.ret = "HDRS";
    DsnRequest large = request();
    large.returned_max = kOriginal.size() - 1;
    DsnRequest eight = request();
    const std::string with_8bit = std::string(kOriginal) + "日本語\r\n";
    eight.original = with_8bit;
    DsnRequest bare = request();
    const std::string with_bare = std::string(kOriginal) + "a\nb\r\n";
    bare.original = with_bare;
    DsnRequest longer = request();
    const std::string with_long = std::string(kOriginal) + std::string(999, 'x') + "\r\n";
    longer.original = with_long;
    DsnRequest success = request();
    success.ret = "FULL";
    success.recipients[0].action = DsnAction::Delivered;
    success.recipients[0].diagnostic = "250 2.0.0 ok";
    for (const DsnRequest& each : {hdrs, large, eight, bare, longer, success}) {
        const Result<Dsn> dsn = build_dsn(each);
        ASSERT_TRUE(dsn);
        const json read = read_with_python(dsn->message);
        EXPECT_EQ(read["parts"][2], "text/rfc822-headers");
        EXPECT_EQ(read["seven_bit"], true);
        const std::string headers = read["returned"]["headers"];
        EXPECT_THAT(headers, HasSubstr("Message-ID: <1@pc.example.net>"));
        EXPECT_THAT(headers, Not(HasSubstr("hello")));
        EXPECT_THAT(std::string(read["text"]), HasSubstr("Only the header"));
    }
}

TEST(Dsn, An8BitOriginalIsReturnedInFullWhereAllowed) {
    DsnRequest eight = request();
    const std::string original = std::string(kOriginal) + "日本語\r\n";
    eight.original = original;
    eight.allow_8bit = true;
    const Result<Dsn> dsn = build_dsn(eight);
    ASSERT_TRUE(dsn);
    EXPECT_TRUE(dsn->body_8bit);
    const json read = read_with_python(dsn->message);
    EXPECT_EQ(read["parts"][2], "message/rfc822");
    EXPECT_EQ(read["returned"]["body"], "hello\r\n日本語\r\n");
}

TEST(Dsn, RawHeadersAreEncodedToStay7Bit) {
    DsnRequest raw = request();
    const std::string original = "From: a@b.c\nSubject: 日本語\r\nX: =\r\n\r\nhello\r\n";
    raw.original = original;
    const json read = read_with_python(build_dsn(raw)->message);
    EXPECT_EQ(read["seven_bit"], true);
    EXPECT_EQ(read["returned"]["headers"], "From: a@b.c\r\nSubject: 日本語\r\nX: =\r\n");
}

TEST(Dsn, DelayedSaysUntilWhenAndThatNothingIsToBeDone) {
    DsnRequest delayed = request();
    delayed.recipients[0].action = DsnAction::Delayed;
    delayed.recipients[0].diagnostic = "connection to mx.example.org timed out";
    delayed.recipients[0].diagnostic_is_reply = false;
    delayed.recipients[0].status = "4.4.1";
    delayed.recipients[0].retry_until = parse_rfc3339("2026-11-29T04:50:01Z");
    const json read = read_with_python(build_dsn(delayed)->message);
    EXPECT_EQ(read["blocks"][1]["Action"], "delayed");
    EXPECT_EQ(read["blocks"][1]["Status"], "4.4.1");
    EXPECT_EQ(read["blocks"][1]["Will-Retry-Until"], "Sun, 29 Nov 2026 04:50:01 +0000");
    EXPECT_EQ(
        read["blocks"][1]["Diagnostic-Code"], "x-sekisho; connection to mx.example.org timed out"
    );
    const std::string text = read["text"];
    EXPECT_THAT(text, HasSubstr("送り直す必要はありません"));
    EXPECT_THAT(text, HasSubstr("you need not send it again"));
    EXPECT_THAT(text, Not(HasSubstr("What to do")));
}

TEST(Dsn, GivenUpAfterTemporaryFailuresIsAFailure) {
    DsnRequest expired = request();
    expired.recipients[0].diagnostic = "451 4.7.1 Try again later";
    const json read = read_with_python(build_dsn(expired)->message);
    EXPECT_EQ(read["blocks"][1]["Status"], "5.7.1");
}

TEST(Dsn, ManyRecipientsAndHostileTextKeepTheStructure) {
    DsnRequest many = request();
    many.to = "太郎@example.net";
    DsnRecipient hostile;
    hostile.address = "花子@example.org";
    hostile.orcpt = "rfc822;a+0D+0AAction:+20delivered";
    hostile.diagnostic = "550 no\r\n\r\n--=_sekisho_4GqX2nK1.abcdef--\r\nStatus: 2.0.0 \xff" +
                         std::string(3000, 'y');
    hostile.remote_mta = "mx\r\nAction: delivered";
    many.recipients.push_back(hostile);
    const std::string original =
        "Subject: --=_sekisho_4GqX2nK1.abcdef\r\n\r\n"
        "--=_sekisho_4GqX2nK1.abcdef--\r\nend\r\n";
    many.original = original;
    const Result<Dsn> dsn = build_dsn(many);
    ASSERT_TRUE(dsn);
    EXPECT_TRUE(dsn->smtputf8);
    const json read = read_with_python(dsn->message);
    ASSERT_EQ(read["parts"].size(), 3U);
    ASSERT_EQ(read["blocks"].size(), 3U);
    EXPECT_EQ(read["blocks"][2]["Final-Recipient"], "utf-8; \\x{82B1}\\x{5B50}@example.org");
    EXPECT_EQ(read["blocks"][2]["Status"], "5.0.0");
    EXPECT_EQ(read["blocks"][2]["Action"], "failed");
    EXPECT_FALSE(read["blocks"][2].contains("Original-Recipient"));
    EXPECT_LE(read["longest"], 998);
    EXPECT_EQ(read["returned"]["body"], "--=_sekisho_4GqX2nK1.abcdef--\r\nend\r\n");
}

TEST(Dsn, IsNeverSentToTheNullPath) {
    DsnRequest null = request();
    null.to.clear();
    EXPECT_EQ(build_dsn(null).error().code, Errc::Invalid);
    DsnRequest nobody = request();
    nobody.recipients.clear();
    EXPECT_FALSE(build_dsn(nobody));
    DsnRequest nameless = request();
    nameless.dsn_id.clear();
    EXPECT_FALSE(build_dsn(nameless));
}

TEST(DsnWanted, FollowsNotify) {
    EXPECT_TRUE(dsn_wanted("", DsnAction::Failed));
    EXPECT_TRUE(dsn_wanted("", DsnAction::Delayed));
    EXPECT_FALSE(dsn_wanted("", DsnAction::Delivered));
    EXPECT_FALSE(dsn_wanted("NEVER", DsnAction::Failed));
    EXPECT_TRUE(dsn_wanted("success,FAILURE", DsnAction::Failed));
    EXPECT_TRUE(dsn_wanted("success,FAILURE", DsnAction::Delivered));
    EXPECT_TRUE(dsn_wanted("SUCCESS", DsnAction::Relayed));
    EXPECT_FALSE(dsn_wanted("SUCCESS, FAILURE", DsnAction::Delayed));
}

TEST(StatusOfReply, ReadsOrInfers) {
    EXPECT_EQ(status_of_reply("550 5.1.1 no", DsnAction::Failed), "5.1.1");
    EXPECT_EQ(status_of_reply("550-5.7.26 no", DsnAction::Failed), "5.7.26");
    EXPECT_EQ(status_of_reply("452 4.2.2", DsnAction::Delayed), "4.2.2");
    EXPECT_EQ(status_of_reply("550 no", DsnAction::Failed), "5.0.0");
    EXPECT_EQ(status_of_reply("450 5.1.1 mismatch", DsnAction::Delayed), "4.0.0");
    EXPECT_EQ(status_of_reply("550 5.1.1234 x", DsnAction::Failed), "5.0.0");
    EXPECT_EQ(status_of_reply("", DsnAction::Delayed), "4.0.0");
    EXPECT_EQ(status_of_reply("timed out", DsnAction::Failed), "5.0.0");
    EXPECT_EQ(status_of_reply("250 ok", DsnAction::Delivered), "2.0.0");
}

TEST(ExplainStatus, ChoosesTheDetailThenTheSubject) {
    EXPECT_THAT(explain_status("5.1.1").why_en, HasSubstr("no such mailbox"));
    EXPECT_THAT(explain_status("5.1.10").why_en, HasSubstr("takes no mail"));
    EXPECT_THAT(explain_status("5.1.99").why_en, HasSubstr("did not accept an address"));
    EXPECT_THAT(explain_status("5.7.1").why_en, HasSubstr("by its rules"));
    EXPECT_THAT(explain_status("4.2.2").why_en, HasSubstr("full"));
    EXPECT_THAT(explain_status("").why_en, HasSubstr("could not be delivered"));
    EXPECT_THAT(explain_status("5.9.9").why_en, HasSubstr("could not be delivered"));
}

}  // namespace
}  // namespace sekisho::message
