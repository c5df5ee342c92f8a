#include "spf/received.h"

#include "base/ip.h"
#include "spf/check.h"

#include <gtest/gtest.h>

using namespace sekisho;
using namespace sekisho::spf;

namespace {

Query example() {
    Query query;
    query.client = IpAddress::parse("192.0.2.1").value();
    query.helo = "foo.example.com";
    query.sender_local = "myname";
    query.sender_domain = "example.com";
    query.receiver = "mybox.example.org";
    return query;
}

// RFC 7208 §9.1
TEST(Received, SaysWhatWasCheckedAndFound) {
    Outcome outcome;
    outcome.result = Code::Pass;
    outcome.mechanism = "ip4:192.0.2.1/32";
    EXPECT_EQ(
        received_value(example(), outcome),
        "pass (mybox.example.org: domain of myname@example.com designates 192.0.2.1 as permitted "
        "sender) receiver=mybox.example.org; client-ip=192.0.2.1; "
        "envelope-from=\"myname@example.com\"; helo=foo.example.com; identity=mailfrom; "
        "mechanism=\"ip4:192.0.2.1/32\""
    );
}

TEST(Received, NullSender) {
    Query query = example();
    query.sender_local.clear();
    query.sender_domain.clear();
    query.client = IpAddress::parse("2001:db8::1").value();
    Outcome outcome;
    outcome.result = Code::None;
    outcome.identity = Identity::Helo;
    EXPECT_EQ(
        received_value(query, outcome),
        "none (mybox.example.org: host name foo.example.com has no SPF record) "
        "receiver=mybox.example.org; client-ip=\"2001:db8::1\"; envelope-from=\"\"; "
        "helo=foo.example.com; identity=helo"
    );
}

// What a peer says ends neither the comment nor the string.
TEST(Received, QuotesWhatPeersSay) {
    Query query = example();
    query.helo = "a\"b\r\nX: y";
    query.sender_local = "a)b(";
    Outcome outcome;
    outcome.result = Code::PermError;
    outcome.problem = "example.com: \"a\\b\" is no term of SPF";
    const std::string value = received_value(query, outcome);
    EXPECT_NE(value.find("domain of a\\)b\\(@example.com could not be checked"), std::string::npos);
    EXPECT_NE(value.find("helo=\"a\\\"b\\\\x0d\\\\x0aX: y\""), std::string::npos) << value;
    EXPECT_EQ(value.find_first_of("\r\n"), std::string::npos);
}

}  // namespace
