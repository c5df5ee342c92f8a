#include "mail/forwarding.h"

#include "account/forwarding.h"
#include "base/time.h"
#include "mail/rules.h"
#include "message/header.h"
#include "queue/spool.h"

#include <chrono>
#include <gtest/gtest.h>
#include <map>
#include <string>
#include <vector>

namespace sekisho::mail {
namespace {

using Destinations = std::map<std::string, std::vector<account::Destination>>;

const Time kNow{std::chrono::seconds{1'800'000'000}};

queue::Envelope to(const std::vector<std::string>& recipients) {
    queue::Envelope out;
    for (const std::string& one : recipients) {
        queue::Recipient recipient;
        recipient.address = one;
        out.recipients.push_back(recipient);
    }
    return out;
}

std::string text(const std::vector<queue::Recipient>& recipients) {
    std::string out;
    for (const queue::Recipient& one : recipients) {
        out += (out.empty() ? "" : " ") + one.address + (one.orcpt.empty() ? "" : "=" + one.orcpt);
    }
    return out;
}

const Destinations kAll{
    {"sales@example.net",
     {{"taro@example.net", false, {}}, {"x@b.example", true, "sales@example.net"}}},
    {"taro@example.net", {{"taro@example.net", false, {}}}},
    {"gone@example.net", {{"x@b.example", true, "gone@example.net"}}},
    {"srs0=x@example.net", {{"a@c.example", true, {}}}},
};

TEST(Spread, EachForwarderHasAMessageOfItsOwn) {
    const Spread out = spread(
        to({"Sales@example.net", "taro@example.net", "gone@example.net", "o@d.example"}), kAll, {}
    );
    EXPECT_EQ(text(out.here), "taro@example.net=rfc822;Sales@example.net o@d.example");
    ASSERT_EQ(out.on.size(), 2U);
    EXPECT_EQ(text(out.on.at("sales@example.net")), "x@b.example=rfc822;Sales@example.net");
    EXPECT_EQ(text(out.on.at("gone@example.net")), "x@b.example=rfc822;gone@example.net");
    EXPECT_EQ(out.circle, "");
}

TEST(Spread, ABounceGoesOnAsItIs) {
    const Spread out = spread(to({"SRS0=x@example.net"}), kAll, {});
    EXPECT_EQ(text(out.here), "a@c.example=rfc822;SRS0+3Dx@example.net");
    EXPECT_TRUE(out.on.empty());
}

TEST(Spread, WhatWasForwardedBefore) {
    const auto header =
        message::Header::scan("Delivered-To: Gone@example.net\r\nDelivered-To: <x>\r\n\r\n");
    const auto been = visited(header);
    EXPECT_EQ(spread(to({"gone@example.net"}), kAll, been).circle, "gone@example.net");
    // Who keeps a copy gets it again, and nobody is bounced at.
    const Spread kept = spread(to({"sales@example.net"}), kAll, {"sales@example.net"});
    EXPECT_EQ(kept.circle, "");
    EXPECT_EQ(text(kept.here), "taro@example.net=rfc822;sales@example.net");
    EXPECT_TRUE(kept.on.empty());
}

TEST(Senders, OfForwardedMail) {
    Settings settings;
    settings.domains = {"example.net"};
    settings.config.forwarding.srs_domain = "example.net";
    const srs::Secrets secrets{"s"};
    const std::string made = forwarded_sender("a@author.example", settings, secrets, kNow);
    EXPECT_TRUE(made.starts_with("SRS0=") && made.ends_with("=author.example=a@example.net"))
        << made;
    EXPECT_EQ(original_sender(made, secrets, kNow), "a@author.example");
    EXPECT_EQ(original_sender(made, {"other"}, kNow), made);
    EXPECT_EQ(forwarded_sender("taro@example.net", settings, secrets, kNow), "taro@example.net");
    EXPECT_EQ(forwarded_sender("", settings, secrets, kNow), "");
    EXPECT_EQ(original_sender("taro@example.net", secrets, kNow), "taro@example.net");
    // A local part that must be quoted comes back as it was.
    const std::string odd = forwarded_sender("\"a b\"@author.example", settings, secrets, kNow);
    EXPECT_EQ(original_sender(odd, secrets, kNow), "\"a b\"@author.example");
}

}  // namespace
}  // namespace sekisho::mail
