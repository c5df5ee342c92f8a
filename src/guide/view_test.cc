#include "guide/view.h"

#include "guide/guide_fake.h"
#include "guide/pages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sekisho::guide {
namespace {

using testing::HasSubstr;
using testing::Not;

class ViewTest : public testing::Test {
  protected:
    config::Config config_ = fake::small_provider();
    GuideRequest request_ = fake::get("/ja/");
    View view_{config_, Language::Ja, request_};
};

TEST(Escape, CoversTextAndBothKindsOfAttribute) {
    EXPECT_EQ(escape_html(R"(<a b="c" d='e'>&)"), "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;");
}

TEST(Escape, XmlReplacesWhatXmlCannotHold) {
    EXPECT_EQ(escape_xml(std::string_view{"a\0b\x1f", 4}), "a\uFFFDb\uFFFD");
    EXPECT_EQ(escape_xml("a\tb\n<"), "a\tb\n&lt;");
    EXPECT_EQ(escape_xml("\xff"), "\\xff") << "bytes that are no UTF-8 stay readable";
}

TEST(Escape, QueryKeepsUnreservedOnly) {
    EXPECT_EQ(encode_query("a-Z_0.~@+ あ"), "a-Z_0.~%40%2B%20%E3%81%82");
}

TEST_F(ViewTest, ValuesAreEscapedAndMarkupIsOurs) {
    const std::string html = view_.html("contact.lead");
    EXPECT_THAT(html, HasSubstr("とうかい&lt;ネット&gt;"));
    EXPECT_THAT(view_.html("op25b.next.text"), HasSubstr(R"(<a href="/ja/remedies">)"));
    EXPECT_THAT(view_.html("op25b.keep"), HasSubstr("<strong>受信は止まりません。</strong>"));
    EXPECT_THAT(view_.plain("op25b.keep"), Not(HasSubstr("*")));
}

TEST_F(ViewTest, JapaneseNamesTouchJapaneseTextAndLatinNamesDoNot) {
    view_.set("provider", "とうかい");
    EXPECT_EQ(view_.plain("nav.start"), "トップ");
    EXPECT_EQ(view_.plain("site.footer").substr(0, 27), "このページはとうか");
    EXPECT_EQ(view_.plain("class.static"), "とうかいの回線（固定アドレス）");
    view_.set("provider", "Tokai");
    EXPECT_EQ(view_.html("class.static"), "Tokai の回線（固定アドレス）");
}

TEST_F(ViewTest, AValueIsNotReadAsMarkup) {
    view_.set("class", "**x** [y](z) `c` {provider}");
    const std::string html = view_.html("class.other");
    EXPECT_THAT(html, HasSubstr("**x** [y](z) `c` {provider}"));
    EXPECT_THAT(html, Not(HasSubstr("<a")));
}

TEST_F(ViewTest, ShowsLocalTimeWithItsOffset) {
    EXPECT_EQ(view_.time_text(request_.now), "2026-11-24 22:53 (UTC+09:00)");
    request_.utc_offset_minutes = -210;
    EXPECT_EQ(view_.time_text(request_.now), "2026-11-24 10:23 (UTC-03:30)");
    EXPECT_THAT(view_.time(request_.now), HasSubstr(R"(datetime="2026-11-24T13:53:24.000Z")"));
}

TEST_F(ViewTest, ReferencesAreLettersDigitsAndHyphens) {
    const auto reference = [&](std::string text) {
        request_.query["ref"] = std::move(text);
        return reference_of(view_);
    };
    EXPECT_EQ(reference("K7-2Q9x"), "K7-2Q9x");
    EXPECT_EQ(reference(std::string(40, 'A')), std::string(40, 'A'));
    EXPECT_EQ(reference(std::string(41, 'A')), "");
    EXPECT_EQ(reference("a b"), "");
    EXPECT_EQ(reference("\"><script>"), "");
    EXPECT_EQ(reference(""), "");
}

TEST_F(ViewTest, ClassesAreNamedInWordsOrByTheOperator) {
    Standing standing = fake::standing("static", policy::Action::Pass);
    EXPECT_EQ(class_label(view_, standing), "とうかい&lt;ネット&gt; の回線（固定アドレス）");
    standing.class_name = "campus";
    standing.class_note = "学内<網>";
    EXPECT_EQ(class_label(view_, standing), "学内&lt;網&gt;");
    standing.class_note.clear();
    EXPECT_EQ(class_label(view_, standing), "区分「campus」");
    for (const char* reserved : {"other", "roaming.text"}) {
        standing.class_name = reserved;
        EXPECT_THAT(class_label(view_, standing), HasSubstr("区分「")) << reserved;
    }
}

TEST(Verdict, FollowsRuleAndStage) {
    using policy::Action;
    using policy::Stage;
    const auto kind = [](const char* name, Action action, Stage stage = Stage::Enforce) {
        return verdict_kind(fake::standing(name, action, stage));
    };
    EXPECT_EQ(kind("subscribers", Action::Refuse), "stopped");
    EXPECT_EQ(kind("subscribers", Action::Drop), "stopped");
    EXPECT_EQ(kind("subscribers", Action::Answer), "stopped");
    EXPECT_EQ(kind("subscribers", Action::Limit), "limited");
    EXPECT_EQ(kind("subscribers", Action::Refuse, Stage::Observe), "planned");
    EXPECT_EQ(kind("subscribers", Action::Limit, Stage::Notify), "planned");
    EXPECT_EQ(kind("static", Action::Pass), "open");
    EXPECT_EQ(kind("static", Action::Count, Stage::Observe), "open");
    EXPECT_EQ(kind("outside", Action::Refuse), "outside");
}

TEST(Verdict, ActionsAreNamedForPeople) {
    using policy::Action;
    using policy::Stage;
    EXPECT_EQ(action_key({.declared = Action::Pass, .note = ""}), "action.passes");
    EXPECT_EQ(action_key({.declared = Action::Count, .note = ""}), "action.passes");
    EXPECT_EQ(action_key({.declared = Action::Drop, .note = ""}), "action.stopped");
    EXPECT_EQ(action_key({.declared = Action::Limit, .note = ""}), "action.limited");
    EXPECT_EQ(
        action_key({.declared = Action::Drop, .stage = Stage::Observe, .note = ""}),
        "action.observe"
    );
    EXPECT_EQ(
        action_key({.declared = Action::Drop, .stage = Stage::Notify, .note = ""}), "action.notify"
    );
}

}  // namespace
}  // namespace sekisho::guide
