#include "guide/photograph.h"

#include "guide/guide.h"
#include "guide/guide_fake.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <utility>

namespace sekisho::guide {
namespace {

using fake::get;
using fake::header;
using testing::HasSubstr;
using testing::Not;

const std::string kShown = "smtp.tokai.example 465 SSL/TLS taro@tokai.example";

std::string four(std::uint32_t number) {
    std::string bytes;
    for (int shift = 24; shift >= 0; shift -= 8) {
        bytes += static_cast<char>((number >> static_cast<unsigned>(shift)) & 0xFFU);
    }
    return bytes;
}

std::string chunk(const std::string& type, const std::string& data) {
    return four(static_cast<std::uint32_t>(data.size())) + type + data + "sum.";
}

std::string png(std::uint32_t width, std::uint32_t height, const std::string& more = "") {
    return std::string("\x89PNG\r\n\x1A\n") +
           chunk("IHDR", four(width) + four(height) + std::string("\x08\x03\0\0\0", 5)) + more +
           chunk("IDAT", "dots") + chunk("IEND", "");
}

std::string settings_chunk(const std::string& shown) {
    return chunk("tEXt", "Settings" + std::string(1, '\0') + shown);
}

std::string fault(const std::string& bytes) {
    const auto read = read_photograph(bytes, fake::small_provider());
    return read ? "" : read.error().message;
}

TEST(Photograph, IsReadWithItsSize) {
    const auto read =
        read_photograph(png(1130, 848, settings_chunk(kShown)), fake::small_provider());
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->width, 1130U);
    EXPECT_EQ(read->height, 848U);
    EXPECT_EQ(read->version.size(), 12U);
    EXPECT_EQ(fault(png(1130, 848)), "") << "one's own picture says nothing of settings";
}

TEST(Photograph, OfOtherSettingsIsNotUsed) {
    EXPECT_THAT(
        fault(png(400, 300, settings_chunk("smtp.tokai.example 587 STARTTLS taro@tokai.example"))),
        HasSubstr("it shows smtp.tokai.example 587 STARTTLS taro@tokai.example, not " + kShown)
    );
    EXPECT_EQ(fault(png(400, 300, chunk("tEXt", "Settings"))), "") << "a keyword and no text";
    EXPECT_EQ(fault(png(400, 300, chunk("tEXt", "Software"))), "");
}

TEST(Photograph, WhatIsNoWholePictureIsRefused) {
    EXPECT_EQ(fault(""), "no PNG");
    EXPECT_EQ(fault("<svg onload=alert(1)>"), "no PNG");
    EXPECT_EQ(fault(png(400, 300).substr(0, 8)), "a PNG without its header");
    const std::string whole = png(400, 300, settings_chunk(kShown));
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_NE(fault(whole.substr(0, size)), "") << size;
    }
    EXPECT_EQ(fault(whole + "<script>"), "a PNG without its end");
    EXPECT_EQ(fault(png(0, 300)), "a side of 0 pixels");
    EXPECT_EQ(fault(png(400, 4001)), "a side of 4001 pixels");
    EXPECT_EQ(fault(png(400, 300, four(0xFFFFFFFF) + "tEXt")), "a PNG without its end");
    EXPECT_THAT(fault(std::string(kMostOfPhotograph + 1, 'x')), HasSubstr("larger than"));
}

class PhotographOnPages : public testing::Test {
  protected:
    PhotographOnPages() {
        facts_.here = fake::standing("subscribers", policy::Action::Refuse);
        Photographs made;
        made.emplace(
            "thunderbird-ja", read_photograph(png(1130, 848), fake::small_provider()).value()
        );
        guide_.emplace(fake::small_provider(), std::move(made));
    }
    GuideResponse ask(const std::string& path) { return guide_->handle(get(path), facts_); }

    fake::FakeFacts facts_;
    std::optional<Guide> guide_;
};

TEST_F(PhotographOnPages, TakesThePlaceOfTheDrawnOneInItsLanguage) {
    for (const char* page : {"thunderbird", "settings"}) {
        const std::string shown = ask(std::string("/ja/") + page).body;
        EXPECT_THAT(
            shown, HasSubstr("<img class=\"window\" src=\"/pictures/thunderbird-ja.png?v=")
        );
        EXPECT_THAT(shown, HasSubstr("width=\"1130\" height=\"848\" alt=\"Thunderbird"));
        EXPECT_THAT(shown, HasSubstr("loading=\"lazy\""));
        EXPECT_THAT(shown, HasSubstr("<ol class=\"marks\">"));
        EXPECT_THAT(ask(std::string("/en/") + page).body, Not(HasSubstr("/pictures/")));
    }
    EXPECT_THAT(ask("/en/thunderbird").body, HasSubstr("<svg class=\"window\""));
    EXPECT_THAT(ask("/ja/thunderbird").body, Not(HasSubstr("<svg class=\"window\"")));
}

TEST_F(PhotographOnPages, IsServedUnderItsNameOnly) {
    const GuideResponse served = ask("/pictures/thunderbird-ja.png");
    EXPECT_EQ(served.status, 200);
    EXPECT_EQ(served.content_type, "image/png");
    EXPECT_EQ(served.body, png(1130, 848));
    EXPECT_EQ(header(served, "Cache-Control"), "public, max-age=86400");
    EXPECT_EQ(header(served, "X-Content-Type-Options"), "nosniff");
    for (const char* path :
         {"/pictures/thunderbird-en.png",
          "/pictures/",
          "/pictures/../sekisho.toml",
          "/pictures/thunderbird-ja.png/../x",
          "/pictures/THUNDERBIRD-ja.png"}) {
        EXPECT_EQ(ask(path).status, 404) << path;
    }
}

}  // namespace
}  // namespace sekisho::guide
