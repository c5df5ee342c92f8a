#include "dkim/canonical.h"

#include "base/bytes.h"
#include "message/header.h"

#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::dkim {
namespace {

std::string body(Canonicalization how, std::string_view text, std::size_t part = 1000) {
    std::string out;
    CanonicalBody canonical(how, [&out](std::string_view bytes) { out += bytes; });
    while (!text.empty()) {
        canonical.add(text.substr(0, part));
        text.remove_prefix(std::min(part, text.size()));
    }
    canonical.finish();
    return out;
}
constexpr auto kSimple = Canonicalization::Simple;
constexpr auto kRelaxed = Canonicalization::Relaxed;

// RFC 6376 §3.4.5.
constexpr std::string_view kExample = "A: X\r\nB : Y\t\r\n\tZ  \r\n\r\n C \r\nD \t E\r\n\r\n\r\n";

TEST(Canonical, TheExamplesOfTheRfc) {
    const auto header = message::Header::scan(kExample);
    ASSERT_EQ(header.fields().size(), 2U);
    EXPECT_EQ(canonical_field(header.fields()[0], kRelaxed), "a:X\r\n");
    EXPECT_EQ(canonical_field(header.fields()[1], kRelaxed), "b:Y Z\r\n");
    EXPECT_EQ(canonical_field(header.fields()[0], kSimple), "A: X\r\n");
    EXPECT_EQ(canonical_field(header.fields()[1], kSimple), "B : Y\t\r\n\tZ  \r\n");
    const auto text = kExample.substr(header.body_offset());
    EXPECT_EQ(body(kRelaxed, text), " C\r\nD E\r\n");
    EXPECT_EQ(body(kSimple, text), " C \r\nD \t E\r\n");
}

TEST(Canonical, AnEmptyBody) {
    EXPECT_EQ(body(kSimple, ""), "\r\n");
    EXPECT_EQ(body(kRelaxed, ""), "");
    EXPECT_EQ(body(kSimple, "\r\n\r\n"), "\r\n");
    EXPECT_EQ(body(kRelaxed, "\r\n \r\n"), "");
    // RFC 6376 §3.4.3 and §3.4.4 give these in words of SHA-256.
    BodyHash simple(kSimple, std::nullopt);
    EXPECT_EQ(base64(simple.finish().sha256), "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=");
    BodyHash relaxed(kRelaxed, std::nullopt);
    EXPECT_EQ(base64(relaxed.finish().sha256), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
}

TEST(Canonical, ABodyWithoutALastLineEndGetsOne) {
    EXPECT_EQ(body(kSimple, "a"), "a\r\n");
    EXPECT_EQ(body(kRelaxed, "a \t"), "a\r\n");
    EXPECT_EQ(body(kSimple, "a\r"), "a\r\r\n");
}

TEST(Canonical, ALoneLineFeedEndsALineAndALoneReturnDoesNot) {
    EXPECT_EQ(body(kSimple, "a\nb\rc\n\n"), "a\r\nb\rc\r\n");
}

TEST(Canonical, TheSameInPartsOfAnySize) {
    const std::string text = " a \t b\r\n\r\n \t\r\nc\r\r\n\rd \r\n.\r\n\r\n\r\n";
    for (const auto how : {kSimple, kRelaxed}) {
        const std::string whole = body(how, text);
        for (std::size_t part = 1; part < text.size(); ++part) {
            EXPECT_EQ(body(how, text, part), whole) << part;
        }
    }
    EXPECT_EQ(body(kRelaxed, text), " a b\r\n\r\n\r\nc\r\r\n\rd\r\n.\r\n");
}

TEST(Canonical, ManyEmptyLinesInTheMiddleStay) {
    std::string text = "a";
    for (int i = 0; i < 20'000; ++i) {
        text += "\r\n";
    }
    EXPECT_EQ(body(kSimple, text + "b\r\n"), text + "b\r\n");
    EXPECT_EQ(body(kSimple, text), "a\r\n");
}

TEST(Canonical, ALimitHashesTheFirstOctetsAndCountsAll) {
    BodyHash limited(kSimple, 5);
    limited.add("abcd\r\nefgh\r\n");
    const auto got = limited.finish();
    EXPECT_EQ(got.size, 12U);
    EXPECT_EQ(got.sha256, sha256("abcd\r"));
    BodyHash nothing(kSimple, 0);
    nothing.add("abc\r\n");
    EXPECT_EQ(nothing.finish().sha256, sha256(""));
}

}  // namespace
}  // namespace sekisho::dkim
