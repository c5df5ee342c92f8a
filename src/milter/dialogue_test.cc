#include "milter/dialogue.h"

#include "base/result.h"
#include "milter/changes.h"
#include "milter/packet.h"

#include <cstdint>
#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::milter {
namespace {

using Kind = Answer::Kind;

std::string negotiation(std::uint32_t actions, std::uint32_t steps, std::uint32_t version = 6) {
    return to_bytes('O', number(version) + number(actions) + number(steps));
}

std::vector<Packet> packets(std::string_view bytes) {
    PacketReader reader;
    reader.receive(bytes);
    std::vector<Packet> out;
    while (true) {
        const auto next = reader.next();
        if (!next || !*next) {
            return out;
        }
        out.push_back(**next);
    }
}

std::string commands(std::string_view bytes) {
    std::string out;
    for (const Packet& one : packets(bytes)) {
        out += one.command;
    }
    return out;
}

struct Open {
    explicit Open(std::uint32_t steps = 0, const std::string& lists = {}) : dialogue(1000) {
        EXPECT_EQ(commands(dialogue.take_output()), "O");
        std::string packet = number(6) + number(action::kAll) + number(steps) + lists;
        EXPECT_TRUE(dialogue.receive(to_bytes('O', packet)));
        EXPECT_FALSE(dialogue.waits());
    }
    // The answer to what was told; Continue when none is due.
    Kind hear(const std::string& packet) {
        EXPECT_TRUE(dialogue.waits());
        EXPECT_TRUE(dialogue.receive(packet));
        EXPECT_FALSE(dialogue.waits());
        return dialogue.take_answer().kind;
    }
    Dialogue dialogue;
};

const Macros kMacros{
    {"i", "q1"}, {"j", "mail.example.net"}, {"{auth_authen}", "taro"}, {"{tls_version}", ""}
};

TEST(MilterDialogue, TellsAllStagesWithTheirMacros) {
    Open open;
    Dialogue& d = open.dialogue;
    d.connect({"pc.example.net", "192.0.2.1", false, 0x1234}, kMacros);
    auto said = packets(d.take_output());
    ASSERT_EQ(said.size(), 2U);
    EXPECT_EQ(said[0].data, std::string("Cj\0mail.example.net\0", 20));
    EXPECT_EQ(
        said[1].data, std::string("pc.example.net\0004\x12\x34", 18) + terminated("192.0.2.1")
    );
    EXPECT_EQ(open.hear(to_bytes('c')), Kind::Continue);

    d.helo("pc", kMacros);  // no macro of its stage has a value
    EXPECT_EQ(commands(d.take_output()), "H");
    open.hear(to_bytes('c'));
    d.mail("<a@example.net>", {"SIZE=10"}, kMacros);
    said = packets(d.take_output());
    EXPECT_EQ(said.at(0).data, std::string("Mi\0q1\0{auth_authen}\0taro\0", 25));
    EXPECT_EQ(said.at(1).data, std::string("<a@example.net>\0SIZE=10\0", 24));
    open.hear(to_bytes('c'));
    d.rcpt("<b@example.net>", {}, kMacros);
    open.hear(to_bytes('c'));
    d.data(kMacros);
    open.hear(to_bytes('c'));
    static_cast<void>(d.take_output());
    d.field("Subject", " a\r\n b");
    EXPECT_EQ(packets(d.take_output()).at(0).data, std::string("Subject\0a\n b\0", 13));
    open.hear(to_bytes('c'));
    d.end_of_fields(kMacros);
    open.hear(to_bytes('c'));
    d.body("Hello\r\n");
    open.hear(to_bytes('c'));
    d.end_of_message(kMacros);
    EXPECT_EQ(open.hear(to_bytes('c')), Kind::Continue);
    EXPECT_EQ(commands(d.take_output()), "DNBDE");
    ASSERT_TRUE(d.new_client());
    d.connect({"x", "2001:db8::1", true, 1}, {});
    EXPECT_EQ(commands(d.take_output()), "KC");
}

TEST(MilterDialogue, LeavesOutWhatIsNotWanted) {
    Open open(
        step::kNoHelo | step::kNoRcpt | step::kSilentHeader | step::kNoBody | step::kLeadingSpace
    );
    Dialogue& d = open.dialogue;
    d.helo("pc", {});
    d.rcpt("<b@example.net>", {}, {});
    d.body("Hello");
    EXPECT_EQ(d.take_output(), "");
    d.field("Subject", "  two spaces");
    EXPECT_FALSE(d.waits());
    EXPECT_EQ(packets(d.take_output()).at(0).data, std::string("Subject\0  two spaces\0", 21));
    EXPECT_FALSE(d.wants_body());
}

TEST(MilterDialogue, GivesTheMacrosItAsksFor) {
    // Stage 2, MAIL; with and without braces, divided by commas or spaces.
    Open open(0, number(2) + terminated("auth_authen, i {nothing}"));
    open.dialogue.mail("<>", {}, kMacros);
    EXPECT_EQ(
        packets(open.dialogue.take_output()).at(0).data,
        std::string("M{auth_authen}\0taro\0i\0q1\0", 25)
    );
}

TEST(MilterDialogue, Answers) {
    Open open;
    const auto to_mail = [&open](const std::string& packet) {
        open.dialogue.mail("<>", {}, {});
        EXPECT_TRUE(open.dialogue.receive(packet));
        return open.dialogue.take_answer();
    };
    EXPECT_EQ(to_mail(to_bytes('a')).kind, Kind::Accept);
    EXPECT_EQ(to_mail(to_bytes('r')).kind, Kind::Reject);
    EXPECT_EQ(to_mail(to_bytes('t')).kind, Kind::TempFail);
    EXPECT_EQ(to_mail(to_bytes('d')).kind, Kind::Discard);
    EXPECT_TRUE(to_mail(to_bytes('f')).closes);
    const Answer own = to_mail(to_bytes('y', terminated("554 5.7.1 100%% spam")));
    EXPECT_EQ(own.kind, Kind::Reject);
    EXPECT_EQ(own.reply->text(), "554 5.7.1 100% spam");
    EXPECT_TRUE(to_mail(to_bytes('y', terminated("421 bye"))).closes);
    open.dialogue.mail("<>", {}, {});
    EXPECT_FALSE(open.dialogue.receive(to_bytes('y', terminated("250 Ok"))));
}

TEST(MilterDialogue, Refusals) {
    const auto several = parse_refusal("550-5.7.1 one\r\n550 5.7.1 two");
    ASSERT_TRUE(several);
    EXPECT_EQ(several->lines, (std::vector<std::string>{"one", "two"}));
    EXPECT_EQ(parse_refusal("451")->text(), "451 4.7.1");
    EXPECT_EQ(parse_refusal("550 4.7.1 other class")->enhanced, "5.7.1");
    for (const char* bad : {"", "55", "250 Ok", "5x0 a", "550_a", "550-a\r\n551 b"}) {
        EXPECT_FALSE(parse_refusal(bad)) << bad;
    }
}

TEST(MilterDialogue, ChangesComeAtTheEndOnly) {
    Open open;
    Dialogue& d = open.dialogue;
    d.mail("<>", {}, {});
    EXPECT_FALSE(d.receive(to_bytes('h', terminated("A") + terminated("b"))));

    Open other;
    other.dialogue.end_of_message({});
    EXPECT_TRUE(other.dialogue.receive(
        to_bytes('p') + to_bytes('h', terminated("A") + terminated("b")) +
        to_bytes('q', terminated("odd")) +
        to_bytes('2', terminated("<c@example.net>") + terminated("NOTIFY=NEVER")) +
        to_bytes('-', terminated("b@example.net")) + to_bytes('e', terminated("<s@example.net>"))
    ));
    EXPECT_TRUE(other.dialogue.waits());
    EXPECT_TRUE(other.dialogue.take_progress());
    EXPECT_EQ(other.hear(to_bytes('a')), Kind::Accept);
    const Changes changes = other.dialogue.take_changes();
    EXPECT_EQ(changes.fields.size(), 1U);
    EXPECT_EQ(*changes.quarantine, "odd");
    EXPECT_EQ(changes.added.at(0).parameters, "NOTIFY=NEVER");
    EXPECT_EQ(changes.removed.at(0), "<b@example.net>");
    EXPECT_EQ(changes.sender->path, "<s@example.net>");
}

TEST(MilterDialogue, OnlyAnnouncedChanges) {
    Dialogue d(1000);
    static_cast<void>(d.take_output());
    EXPECT_TRUE(d.receive(negotiation(action::kAddHeader, 0)));
    d.end_of_message({});
    EXPECT_FALSE(d.receive(to_bytes('b', "new body")));
}

TEST(MilterDialogue, BadNegotiations) {
    for (const std::string& bad :
         {to_bytes('c'),
          to_bytes('O', "abc"),
          negotiation(0, 0, 7),
          negotiation(0, 0, 1),
          negotiation(0x200, 0),
          negotiation(0, 0x800),
          std::string(4, '\0')}) {
        Dialogue d(1000);
        static_cast<void>(d.take_output());
        EXPECT_FALSE(d.receive(bad));
    }
    Dialogue old(1000);
    static_cast<void>(old.take_output());
    EXPECT_TRUE(old.receive(negotiation(0, 0, 2)));
    static_cast<void>(old.take_output());
    old.data({});
    EXPECT_EQ(old.take_output(), "");  // which version 2 doesn't know
    EXPECT_FALSE(old.new_client());
}

TEST(MilterDialogue, NothingUnasked) {
    Open open;
    EXPECT_FALSE(open.dialogue.receive(to_bytes('c')));
}

TEST(MilterDialogue, SkipsTheRestOfTheBody) {
    Open open(step::kSkip);
    open.dialogue.body("one");
    open.hear(to_bytes('s'));
    EXPECT_FALSE(open.dialogue.wants_body());
    open.dialogue.mail("<>", {}, {});
    EXPECT_TRUE(open.dialogue.wants_body());
}

std::string applied(const std::vector<FieldChange>& fields, std::optional<std::string> body = {}) {
    Changes changes;
    changes.fields = fields;
    changes.body = std::move(body);
    return apply("A: 1\r\nB: 2\r\nA: 3\r\n\r\nHello\r\n", changes, false, false);
}

TEST(MilterChanges, Fields) {
    using enum FieldChange::Kind;
    EXPECT_EQ(applied({{Add, 0, "C", "4"}}), "A: 1\r\nB: 2\r\nA: 3\r\nC: 4\r\n\r\nHello\r\n");
    EXPECT_EQ(applied({{Insert, 0, "C", "4"}}), "C: 4\r\nA: 1\r\nB: 2\r\nA: 3\r\n\r\nHello\r\n");
    EXPECT_EQ(applied({{Insert, 9, "C", "4"}}), "A: 1\r\nB: 2\r\nA: 3\r\nC: 4\r\n\r\nHello\r\n");
    EXPECT_EQ(applied({{Change, 2, "a", "x"}}), "A: 1\r\nB: 2\r\na: x\r\n\r\nHello\r\n");
    EXPECT_EQ(applied({{Change, 3, "A", "x"}}), "A: 1\r\nB: 2\r\nA: 3\r\nA: x\r\n\r\nHello\r\n");
    // Taken away from the first to the last, and the other way round.
    EXPECT_EQ(applied({{Change, 1, "A", ""}, {Change, 2, "A", ""}}), "B: 2\r\n\r\nHello\r\n");
    EXPECT_EQ(applied({{Change, 2, "A", ""}, {Change, 1, "A", ""}}), "B: 2\r\n\r\nHello\r\n");
}

TEST(MilterChanges, AValueMakesNoFieldAndNoBody) {
    using enum FieldChange::Kind;
    EXPECT_EQ(
        applied({{Add, 0, "C", "4\r\n\r\nX: 5\n \n\ty"}}),
        "A: 1\r\nB: 2\r\nA: 3\r\nC: 4\r\n X: 5\r\n\ty\r\n\r\nHello\r\n"
    );
    EXPECT_EQ(applied({}, "a\nb\rc\r\n.\n"), "A: 1\r\nB: 2\r\nA: 3\r\n\r\na\r\nb\r\nc\r\n.\r\n");
}

TEST(MilterChanges, Limits) {
    Changes changes;
    EXPECT_TRUE(take_change(changes, {'b', std::string(10, 'x')}, 10));
    EXPECT_FALSE(take_change(changes, {'b', "x"}, 10));
    for (const std::string& bad :
         {std::string("A"),
          terminated("A"),
          terminated("A b") + terminated("c"),
          terminated("") + terminated("c")}) {
        EXPECT_FALSE(take_change(changes, {'h', bad}, 10));
    }
    const std::string field = terminated("A") + terminated("b");
    for (std::size_t i = 0; i < kChangesMax; ++i) {
        EXPECT_TRUE(take_change(changes, {'h', field}, 10));
    }
    EXPECT_FALSE(take_change(changes, {'h', field}, 10));
}

}  // namespace
}  // namespace sekisho::milter
