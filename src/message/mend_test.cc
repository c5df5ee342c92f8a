#include "message/mend.h"

#include "base/result.h"
#include "message/address.h"
#include "message/encode.h"
#include "message/field_words.h"
#include "message/header.h"
#include "message/mime.h"
#include "message/shorten.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace sekisho::message {
namespace {

const std::string kLong(1500, 'x');

std::string encoded(const std::string& field) {
    const std::string message = field + "\r\n\r\n";
    const Header header = Header::scan(message);
    const auto out = encode_field(header.fields().at(0));
    return out ? *out : "! " + out.error().message;
}

std::string mended(const std::string& message) {
    const auto out = mend(message, {});
    if (!out) {
        return "! " + out.error().message;
    }
    EXPECT_FALSE(has_long_line(*out));
    return *out;
}

// RFC 2047 §5
TEST(FieldWords, TextNamesAndCommentsAreEncoded) {
    EXPECT_EQ(encoded("Subject: 山田"), "Subject: =?UTF-8?B?5bGx55Sw?=\r\n");
    EXPECT_EQ(
        encoded("From: 山田 <taro@example.net>"),
        "From: =?UTF-8?B?5bGx55Sw?= <taro@example.net>\r\n"
    );
    EXPECT_EQ(
        encoded("To: \"山田, 太郎\" <a@b.c>, \"Plain, Name\" <d@e.f>, g@h.i (営業)"),
        "To: =?UTF-8?B?5bGx55SwLCDlpKrpg44=?= <a@b.c>, \"Plain, Name\" <d@e.f>, g@h.i\r\n"
        " (=?UTF-8?B?5Za25qWt?=)\r\n"
    );
    EXPECT_EQ(encoded("Cc: 仲間: a@b.c, 山 <d@e.f>;").find("山"), std::string::npos);
    const auto list = parse_address_list(
        Header::scan(encoded("Cc: 仲間: a@b.c, 山 <d@e.f>;") + "\r\n").fields().at(0).value()
    );
    EXPECT_TRUE(list.well_formed);
    EXPECT_EQ(list.mailboxes.size(), 2U);
    EXPECT_EQ(decode_words(list.groups.at(0)), "仲間");
    EXPECT_EQ(
        encoded("Content-Type: text/plain; name=\"見積.txt\"; charset=utf-8"),
        "Content-Type: text/plain; name*=utf-8''%E8%A6%8B%E7%A9%8D.txt; charset=utf-8\r\n"
    );
}

TEST(FieldWords, AddressesAreNot) {
    for (const char* field :
         {"From: 山田@example.net",
          "From: Taro <山田@example.net>",
          "To: a@例え.jp",
          "To: a@b.c, 山田",
          "Cc: 山田 (x) @example.net"}) {
        EXPECT_TRUE(encoded(field).contains("SMTPUTF8")) << field << ": " << encoded(field);
    }
    EXPECT_TRUE(encoded("References: <山@x>").contains("nothing but ASCII"));
    EXPECT_TRUE(encoded("Subject: \x83\x81\x81").contains("neither ASCII nor UTF-8"));
}

TEST(Shorten, PlainTextBecomesQuotedPrintable) {
    const std::string message = "Subject: s\r\n\r\nfirst\r\n" + kLong + "\r\n";
    EXPECT_TRUE(needs_mending(message, {}));
    const std::string out = mended(message);
    EXPECT_TRUE(out.starts_with(
        "Subject: s\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\nfirst\r\n"
    )) << out;
    EXPECT_EQ(decoded(Header::scan(out), out), "first\r\n" + kLong + "\r\n");
    const std::string fits = "Subject: s\r\n\r\n" + std::string(998, 'x') + "\r\n";
    EXPECT_FALSE(needs_mending(fits, {}));
    EXPECT_EQ(mended(fits), fits);
    EXPECT_TRUE(needs_mending("\r\n" + std::string(999, 'x') + "\r\n", {}));
}

TEST(Shorten, JapaneseBecomesBase64) {
    std::string text;
    for (int i = 0; i < 500; ++i) {
        text += "山田";
    }
    const std::string out = mended(
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
        "MIME-Version: 1.0\r\n\r\n" +
        text + "\r\n"
    );
    EXPECT_TRUE(out.contains("\r\nContent-Transfer-Encoding: base64\r\n")) << out;
    EXPECT_FALSE(out.contains("8bit"));
    EXPECT_EQ(decoded(Header::scan(out), out), text + "\r\n");
}

TEST(Shorten, OnlyThePartThatNeedsItIsChanged) {
    const std::string head =
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"b b\"\r\n\r\n"
        "preamble\r\n--b b\r\nContent-Type: text/html\r\n\r\n<p>short</p>\r\n--b b\r\n";
    const std::string out = mended(
        head + "Content-Type: text/html; charset=utf-8\r\n\r\n<p>" + kLong +
        "</p>\r\n--b b--\r\nend\r\n"
    );
    EXPECT_TRUE(out.starts_with(head)) << out;
    EXPECT_TRUE(out.ends_with("\r\n--b b--\r\nend\r\n"));
    const auto leaves = leaves_of(out, 10);
    ASSERT_EQ(leaves.size(), 2U);
    EXPECT_EQ(leaves[1].type, "text/html");
    EXPECT_EQ(leaves[1].content, "<p>" + kLong + "</p>\r\n");
}

TEST(Shorten, Base64InOneLineIsFoldedAndAttachedMailIsFollowed) {
    const std::string bytes(2000, '\1');
    std::string one_line;
    for (const char c : base64_lines(bytes)) {
        one_line += c == '\r' || c == '\n' ? "" : std::string(1, c);
    }
    const std::string part =
        "MIME-Version: 1.0\r\nContent-Type: image/png\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n";
    EXPECT_EQ(mended(part + one_line + "\r\n"), part + base64_lines(bytes));
    const std::string out =
        mended("Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\n" + kLong + "\r\n");
    EXPECT_TRUE(out.starts_with("Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n"));
    EXPECT_TRUE(out.contains("Content-Transfer-Encoding: quoted-printable"));
}

TEST(Shorten, FieldsAreFolded) {
    std::string references;
    for (int i = 0; i < 60; ++i) {
        references += "<message-" + std::to_string(i) + "@mail.example.net> ";
    }
    const std::string out = mended("References: " + references + "\r\nSubject: s\r\n\r\nx\r\n");
    EXPECT_TRUE(out.ends_with("\r\nSubject: s\r\n\r\nx\r\n"));
    EXPECT_EQ(Header::scan(out).fields().at(0).value() + " ", references);
    EXPECT_TRUE(mended("X-Y: " + kLong + "\r\n\r\n").contains("the field X-Y can't be folded"));
}

TEST(Shorten, WhatIsSignedOrUnclearIsRefused) {
    const std::string body = "\r\n" + kLong + "\r\n--b--\r\n";
    for (const std::string& header : std::vector<std::string>{
             "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n",
             "Content-Type: multipart/encrypted; boundary=b\r\n\r\n--b\r\n",
             "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n"
             "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n",
             "DKIM-Signature: v=1\r\n",
             "Content-Type: multipart/mixed\r\n",
             "Content-Type: multipart/mixed; boundary=other\r\n",
             "Content-Type: message/delivery-status\r\n",
             "Content-Transfer-Encoding: x-uuencode\r\n",
         }) {
        EXPECT_TRUE(
            mended(header + body).starts_with("! Message refused: a line is longer than 998")
        ) << header;
    }
    // The signed part itself has no long line: it stays as it is, and the other is encoded.
    const std::string part =
        "--a\r\nContent-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\nsigned\r\n--b--\r\n";
    EXPECT_TRUE(mended(
                    "Content-Type: multipart/mixed; boundary=a\r\n\r\n" + part + "--a\r\n\r\n" +
                    kLong + "\r\n--a--\r\n"
    )
                    .contains(part));
}

TEST(Mend, RawTextIsLeftAloneWhereItMayBe) {
    const std::string message = "Subject: 山田\r\n\r\nx\r\n";
    EXPECT_TRUE(needs_mending(message, {}));
    EXPECT_FALSE(needs_mending(message, {.utf8 = true}));
    EXPECT_FALSE(needs_mending("DKIM-Signature: v=1\r\n" + message, {}));
    EXPECT_EQ(mended(message), "Subject: =?UTF-8?B?5bGx55Sw?=\r\n\r\nx\r\n");
    const std::string binary = "Subject: s\r\n\r\n" + kLong;
    EXPECT_FALSE(needs_mending(binary, {.binary = true}));
    EXPECT_EQ(mend("From: 山@x.y\r\n\r\n", {}).error().code, Errc::Denied);
}

TEST(Mend, Dates) {
    for (const char* date :
         {"Tue, 24 Nov 2026 13:53:24 +0900",
          "24 Nov 2026 13:53 -0000",
          "Tue, 3 Nov 26 1:02:03 GMT",
          "Tue,  3 Nov 2026 13:53:60 +0900 (JST)"}) {
        EXPECT_TRUE(is_date(date)) << date;
    }
    for (const char* date :
         {"",
          "yesterday",
          "2026-11-24T13:53:24Z",
          "Tue, 24 Nov 2026 13:53:24",
          "Tue, 42 Nov 2026 13:53:24 +0900",
          "Tue, 24 11 2026 13:53:24 +0900",
          "Tue, 24 Nov 2026 25:53:24 +0900"}) {
        EXPECT_FALSE(is_date(date)) << date;
    }
}

}  // namespace
}  // namespace sekisho::message
