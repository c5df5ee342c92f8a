#include "line/radius_forward.h"

#include "base/ip.h"
#include "base/time.h"
#include "line/radius_packet.h"
#include "radius/codec.h"

#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sekisho::line {
namespace {

using namespace radius;

using namespace std::string_literals;

constexpr Time kNow{Duration{1'700'000'000'000}};
const std::string kNas = "nas secret";
const std::string kUp = "server secret";

std::string request(std::uint8_t id, bool tagged = false) {
    std::string out = packet_head(kAccountingRequest, id);
    append_attribute(out, AcctStatusType, "\0\0\0\1"s);
    if (tagged) {
        append_attribute(out, MessageAuthenticator, std::string(16, '\0'));
    }
    append_attribute(out, ProxyState, "first");
    append_attribute(out, UserName, "hanako");
    set_length(out);
    if (tagged) {
        out.replace(28, 16, hmac_md5(kNas, out));
    }
    out.replace(4, 16, md5(out + kNas));
    return out;
}

// What a server makes of a request that it got.
std::string reply(
    const std::string& sent, const std::string& secret, const std::string& more = ""
) {
    const auto read = parse_accounting(sent);
    std::string out = packet_head(kAccountingResponse, read->id);
    for (const std::string& state : read->proxy_states) {
        append_attribute(out, ProxyState, state);
    }
    if (!more.empty()) {
        append_attribute(out, 18, more);  // Reply-Message
    }
    sign_response(out, *read, secret);
    return out;
}

class Forwarder : public ::testing::Test {
  protected:
    std::optional<AccountingForwarder::Send> forward(const std::string& packet, Time at) {
        return forwarder_.forward(
            {packet,
             *parse_accounting(packet),
             *Endpoint::parse("192.0.2.9:4000"),
             kNas,
             [this](std::string bytes) { answers_.push_back(std::move(bytes)); }},
            at
        );
    }
    AccountingForwarder forwarder_{
        {{*Endpoint::parse("192.0.2.1:1813"), *Endpoint::parse("192.0.2.2:1813")},
         kUp,
         Duration{1000},
         Duration{10'000}}
    };
    std::vector<std::string> answers_;
};

TEST(ForwardedRequest, IsSignedForTheServer) {
    for (const bool tagged : {false, true}) {
        const std::string packet = request(7, tagged);
        ASSERT_TRUE(is_authentic(packet, kNas));
        const std::string sent = *forwarded_request(packet + "padding", 99, "ours", kUp);
        EXPECT_TRUE(is_authentic(sent, kUp));
        EXPECT_FALSE(is_authentic(sent, kNas));
        const auto read = parse_accounting(sent);
        EXPECT_EQ(read->id, 99);
        EXPECT_EQ(read->user_name, "hanako");
        EXPECT_EQ(read->proxy_states, (std::vector{"first"s, "ours"s}));
        EXPECT_EQ(read->has_message_authenticator, tagged);
    }
    std::string full = packet_head(kAccountingRequest, 1);
    while (full.size() + 255 <= kRadiusPacketMax) {
        append_attribute(full, UserName, std::string(253, 'x'));
    }
    set_length(full);
    EXPECT_TRUE(forwarded_request(full, 1, "s", kUp));
    EXPECT_FALSE(forwarded_request(full, 1, std::string(250, 's'), kUp));
}

TEST_F(Forwarder, TheServersAnswerIsWhatTheNasGets) {
    const auto sent = forward(request(7), kNow);
    ASSERT_TRUE(sent);
    EXPECT_EQ(sent->server, 0U);
    forwarder_.response(0, reply(sent->bytes, "another secret"), kNow);
    forwarder_.response(1, reply(sent->bytes, kUp), kNow);  // it wasn't asked
    forwarder_.response(0, "", kNow);
    EXPECT_TRUE(answers_.empty());
    EXPECT_EQ(forwarder_.counters().bad_answers, 3U);
    forwarder_.response(0, reply(sent->bytes, kUp, "hello"), kNow);
    ASSERT_EQ(answers_.size(), 1U);
    // As the NAS checks it: its own id, Proxy-State and secret, the server's words.
    std::string wanted = packet_head(kAccountingResponse, 7);
    append_attribute(wanted, ProxyState, "first");
    append_attribute(wanted, 18, "hello");
    sign_response(wanted, *parse_accounting(request(7)), kNas);
    EXPECT_EQ(answers_[0], wanted);
    EXPECT_TRUE(forwarder_.tick(kNow + Duration{5000}).empty());
}

TEST_F(Forwarder, ARepetitionUnderWayIsNotAskedTwice) {
    ASSERT_TRUE(forward(request(7), kNow));
    EXPECT_FALSE(forward(request(7), kNow + Duration{500}));
    EXPECT_TRUE(forward(request(8), kNow + Duration{500}));
}

TEST_F(Forwarder, TheNextServerIsAskedAndASilentOneLeftAlone) {
    Time at = kNow;
    for (std::uint8_t id = 0; id < 3; ++id) {
        const auto first = forward(request(id), at);
        ASSERT_TRUE(first);
        EXPECT_EQ(first->server, 0U);
        EXPECT_TRUE(forwarder_.tick(at + Duration{999}).empty());
        at += Duration{1000};
        const auto next = forwarder_.tick(at);
        ASSERT_EQ(next.size(), 1U);
        EXPECT_EQ(next[0].server, 1U);
        forwarder_.response(1, reply(next[0].bytes, kUp), at);
        EXPECT_EQ(answers_.size(), id + 1U);
    }
    EXPECT_TRUE(forwarder_.is_resting(0, at));
    EXPECT_EQ(forward(request(20), at)->server, 1U);
    // After its rest it is tried again, and when it answers, asked first as before.
    at += Duration{10'000};
    static_cast<void>(forwarder_.tick(at));
    const auto again = forward(request(21), at);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->server, 0U);
    forwarder_.response(0, reply(again->bytes, kUp), at);
    EXPECT_EQ(forward(request(22), at)->server, 0U);
}

TEST_F(Forwarder, NobodyAnswers) {
    ASSERT_TRUE(forward(request(1), kNow));
    ASSERT_EQ(forwarder_.tick(kNow + Duration{1000}).size(), 1U);
    EXPECT_TRUE(forwarder_.tick(kNow + Duration{2000}).empty());
    EXPECT_TRUE(answers_.empty());
    EXPECT_EQ(forwarder_.counters().given_up, 1U);
    EXPECT_TRUE(forward(request(1), kNow + Duration{2000})) << "a repetition is asked anew";
}

TEST_F(Forwarder, NoMoreThanIdsAreUnderWay) {
    for (int i = 0; i < 512; ++i) {
        std::string packet = request(static_cast<std::uint8_t>(i));
        packet[40] = static_cast<char>(i / 256);  // another packet under the same id
        std::string head = packet;
        head.replace(4, 16, 16, '\0');
        packet.replace(4, 16, md5(head + kNas));
        EXPECT_TRUE(forward(packet, kNow)) << i;
    }
    EXPECT_FALSE(forward(request(1, true), kNow));
    EXPECT_EQ(forwarder_.counters().given_up, 1U);
}

}  // namespace
}  // namespace sekisho::line
