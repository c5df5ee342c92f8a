#include "cli/spool_ops.h"

#include "base/time.h"
#include "cli/context.h"
#include "queue/spool.h"

#include <gtest/gtest.h>
#include <string>

namespace sekisho::cli {
namespace {

queue::Entry full() {
    queue::Entry entry;
    queue::Envelope& envelope = entry.envelope;
    envelope.queue_id = "0c4x8k2m1q";
    envelope.reverse_path = "a@example.net";
    envelope.account = "a";
    envelope.client = "2001:db8::1";
    envelope.message_id = "<1@example.net>";
    envelope.ret = "HDRS";
    envelope.envid = "QQ314159";
    envelope.smtputf8 = envelope.body_8bit = envelope.body_binary = envelope.require_tls = true;
    envelope.priority = -4;
    envelope.route = "relay.example:25";
    envelope.accepted = from_ms(1'790'000'000'000);
    envelope.deliver_by = queue::DeliverBy{
        .deadline = from_ms(1'790'000'100'000),
        .mode = queue::DeliverBy::Mode::Notify,
        .trace = true
    };
    envelope.recipients = {
        {.address = "b@example.org", .orcpt = "rfc822;b", .notify = "NEVER", .last_reply = "451 no"
        },
        {.address = "c@example.org", .state = queue::RecipientState::Delivered},
    };
    entry.held = true;
    entry.hold_reason = "why";
    return entry;
}

TEST(SpoolOps, AnEnvelopeSurvivesExportAndImport) {
    const std::string text = export_json(full()).dump();
    const auto read = import_json(text);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(export_json(*read).dump(), text);
    EXPECT_EQ(read->envelope.deliver_by, full().envelope.deliver_by);
    EXPECT_EQ(read->envelope.recipients[1].state, queue::RecipientState::Delivered);
}

TEST(SpoolOps, AWrongEnvelopeIsRefusedByTheMemberThatIsWrong) {
    const auto error = [](const char* member, const Json& value) {
        Json row = export_json(full());
        row[member] = value;
        const auto read = import_json(row.dump());
        return read ? std::string("taken") : read.error().message;
    };
    EXPECT_EQ(error("priority", 10), "priority is from -9 to 9");
    EXPECT_EQ(error("route", "nonsense"), "route is not HOST:PORT");
    EXPECT_EQ(error("queue_id", "u"), "queue_id is none");
    EXPECT_EQ(error("accepted", "yesterday"), "accepted is no time");
    EXPECT_EQ(error("recipients", Json::array()), "recipients: there are none");
    EXPECT_NE(error("sender", 7), "taken");
    EXPECT_NE(error("recipients", "x"), "taken");
    EXPECT_EQ(import_json("[]").error().message, "it is no JSON object");
    EXPECT_FALSE(import_json("{}"));
}

}  // namespace
}  // namespace sekisho::cli
