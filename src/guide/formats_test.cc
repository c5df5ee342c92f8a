#include "guide/formats.h"

#include "base/bytes.h"
#include "base/file.h"
#include "guide/guide_fake.h"

#include <cstdlib>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sekisho::guide {
namespace {

using testing::HasSubstr;
using testing::Not;

// SEKISHO_UPDATE_GOLDEN=1 writes the files anew; look at the difference before committing it.
void expect_golden(const std::string& name, const std::string& actual) {
    const std::string path = std::string(SEKISHO_SOURCE_DIR) + "/src/guide/golden/" + name;
    if (std::getenv("SEKISHO_UPDATE_GOLDEN") != nullptr) {
        ASSERT_TRUE(write_file_atomic(path, actual).has_value());
    }
    const auto expected = read_file(path);
    ASSERT_TRUE(expected.has_value()) << expected.error().message;
    EXPECT_EQ(actual, *expected) << name;
}

MailAddress taro() {
    return parse_mail_address("taro+x&y'z@tokai.example").value();
}

TEST(Autoconfig, Golden) {
    expect_golden("autoconfig.xml", autoconfig_xml(fake::small_provider(), "tokai.example"));
}

TEST(Autoconfig, ListsImplicitTlsFirstAndNeverPlain) {
    const std::string xml = autoconfig_xml(fake::small_provider(), "second.example");
    EXPECT_LT(xml.find("<port>465</port>"), xml.find("<port>587</port>"));
    EXPECT_THAT(xml, HasSubstr("<domain>second.example</domain>"));
    EXPECT_THAT(xml, Not(HasSubstr(">plain<")));
    EXPECT_THAT(xml, Not(HasSubstr("password-encrypted"))) << "that is CRAM-MD5 to clients";
}

TEST(Autoconfig, ListsOnlyWhatIsOffered) {
    config::Config config = fake::small_provider();
    config.settings.submissions_port = 0;
    config.settings.incoming_type = "none";
    const std::string xml = autoconfig_xml(config, "tokai.example");
    EXPECT_THAT(xml, Not(HasSubstr("incomingServer")));
    EXPECT_THAT(xml, Not(HasSubstr("<socketType>SSL</socketType>")));
    EXPECT_THAT(xml, HasSubstr("<socketType>STARTTLS</socketType>"));
}

TEST(Autoconfig, KnowsStarttlsPortsOfMailboxes) {
    config::Config config = fake::small_provider();
    config.settings.incoming_port = 143;
    EXPECT_FALSE(incoming_of(config.settings)->implicit_tls);
    config.settings.incoming_port = 995;
    config.settings.incoming_type = "pop3";
    EXPECT_TRUE(incoming_of(config.settings)->implicit_tls);
    EXPECT_TRUE(incoming_of(config.settings)->pop);
}

TEST(Pacc, HasWhatItsClientsTakeAndTheSameForAll) {
    config::Config config = fake::small_provider();
    config.settings.submissions_port = 465;
    config.settings.incoming_port = 993;
    const auto document = nlohmann::json::parse(*pacc_json(config));
    EXPECT_EQ(document["protocols"]["submit"]["host"], config.settings.outgoing_host);
    EXPECT_EQ(document["protocols"]["imap"]["host"], config.settings.incoming_host);
    EXPECT_EQ(document["authentication"]["password"], true);
    EXPECT_EQ(pacc_json(config), pacc_json(config));
    config.settings.incoming_port = 143;
    EXPECT_FALSE(nlohmann::json::parse(*pacc_json(config))["protocols"].contains("imap"));
    config.settings.submissions_port = 2465;
    EXPECT_FALSE(pacc_json(config)) << "clients would ask port 465";
}

TEST(Autodiscover, Golden) {
    expect_golden("autodiscover.xml", autodiscover_xml(fake::small_provider(), taro()));
    expect_golden("autodiscover_error.xml", autodiscover_error_xml(600, "Invalid <request>"));
}

TEST(Autodiscover, SaysEncryptedForStarttlsToo) {
    config::Config config = fake::small_provider();
    config.settings.submissions_port = 0;
    config.settings.incoming_port = 143;
    const std::string xml = autodiscover_xml(config, taro());
    EXPECT_THAT(xml, HasSubstr("<Port>587</Port>"));
    EXPECT_THAT(xml, HasSubstr("<Encryption>TLS</Encryption>"));
    EXPECT_THAT(xml, Not(HasSubstr("<SSL>off</SSL>")));
    EXPECT_EQ(xml.find("<Account>"), xml.rfind("<Account>")) << "Outlook reads one Account";
}

TEST(AutodiscoverRequest, FindsTheAddress) {
    const auto find = [](std::string_view body) {
        const auto address = parse_autodiscover_request(body);
        return address ? address->text() : "none";
    };
    EXPECT_EQ(
        find("<?xml version=\"1.0\"?><Autodiscover xmlns=\"http://x/requestschema/2006\"><Request>"
             "<EMailAddress>Taro@Tokai.example</EMailAddress></Request></Autodiscover>"),
        "Taro@tokai.example"
    );
    EXPECT_EQ(find("<a:emailaddress xmlns:a='u'> t@d.example </a:emailaddress>"), "t@d.example");
    EXPECT_EQ(find("<EMailAddress>o&apos;hara@d.example</EMailAddress>"), "o'hara@d.example");
    EXPECT_EQ(find("<x emailaddress='1'/><EMailAddress>t@d.example</EMailAddress>"), "t@d.example");
}

TEST(AutodiscoverRequest, RefusesTheRest) {
    for (const std::string_view body :
         {"",
          "<EMailAddress>",
          "<EMailAddress/>",
          "<EMailAddress></EMailAddress>",
          "<EMailAddress>a</EMailAddress>",
          "</EMailAddress>t@d.example</EMailAddress>",
          "<MyEMailAddress>t@d.example</MyEMailAddress>",
          "<EMailAddresses>t@d.example</EMailAddresses>",
          "<EMailAddress>t@d.example&lt;script&gt;</EMailAddress>"}) {
        EXPECT_FALSE(parse_autodiscover_request(body).has_value()) << body;
    }
    const std::string padding(8192, ' ');
    EXPECT_FALSE(
        parse_autodiscover_request(padding + "<EMailAddress>t@d.example</EMailAddress>").has_value()
    );
}

TEST(AppleProfile, Golden) {
    expect_golden(
        "apple.mobileconfig", apple_profile(fake::small_provider(), taro(), Language::Ja)
    );
}

TEST(AppleProfile, IsStableForAnAddressAndDiffersBetweenAddresses) {
    const auto config = fake::small_provider();
    const auto hanako = parse_mail_address("hanako@tokai.example").value();
    const auto uuid = [](const std::string& profile) {
        const std::string key = "<key>PayloadUUID</key><string>";
        return profile.substr(profile.find(key) + key.size(), 36);
    };
    const std::string first = apple_profile(config, taro(), Language::En);
    EXPECT_EQ(first, apple_profile(config, taro(), Language::En));
    EXPECT_NE(uuid(first), uuid(apple_profile(config, hanako, Language::En)));
    EXPECT_EQ(uuid(first), uuid(apple_profile(config, taro(), Language::Ja)));
}

TEST(AppleProfile, NamesThePortSinceAppleWouldTry25First) {
    config::Config config = fake::small_provider();
    config.settings.submissions_port = 0;
    const std::string profile = apple_profile(config, taro(), Language::En);
    EXPECT_THAT(
        profile, HasSubstr("<key>OutgoingMailServerPortNumber</key><integer>587</integer>")
    );
    EXPECT_THAT(profile, Not(HasSubstr("Password</key><string>"))) << "no password in a profile";
}

TEST(MailAddress, AcceptsWhatSubscribersHave) {
    EXPECT_EQ(parse_mail_address(" Taro.Y@Tokai.Example ")->text(), "Taro.Y@tokai.example");
    EXPECT_EQ(parse_mail_address("%EMAILADDRESS%@d.example")->local, "%EMAILADDRESS%");
    EXPECT_EQ(parse_mail_address("太郎@例え.jp")->domain, "例え.jp");
    EXPECT_TRUE(parse_mail_address(std::string(64, 'a') + "@d.example").has_value());
}

TEST(MailAddress, RefusesTheRest) {
    const std::string long_label(64, 'd');
    for (const std::string& text :
         {std::string(""),
          std::string("a"),
          std::string("@d"),
          std::string("a@"),
          std::string("a b@d"),
          std::string(".a@d"),
          std::string("a..b@d"),
          std::string("a@d..e"),
          std::string("a@d_e"),
          std::string("a@[192.0.2.1]"),
          std::string("\"a\"@d"),
          std::string("a@d\r\nX: y"),
          std::string("<a@d>"),
          std::string("a@\xff"),
          std::string(65, 'a') + "@d.example",
          "a@" + long_label,
          "a@" + std::string(63, 'd') + "." + std::string(63, 'd') + "." + std::string(63, 'd') +
              "." + std::string(63, 'd')}) {
        EXPECT_FALSE(parse_mail_address(text).has_value()) << printable(text);
    }
}

}  // namespace
}  // namespace sekisho::guide
