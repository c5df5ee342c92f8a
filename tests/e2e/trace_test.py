"""Where is my message: its steps with the other side's answer, what that means, the next try; and the queue at a glance."""
from harness import Sekisho, main, message, wait_for

NOWHERE = '[delivery]\nresolvers = ["127.0.0.1@1"]\nsmarthost = "127.0.0.1:1"\n[queue]\nretry = ["1h"]\n'


def a_message_is_found_by_everything_known_of_it():
    with Sekisho(extra=NOWHERE) as s:
        taro, hanako = s.account(), s.account("hanako@example.net")
        s.start()
        with s.submit(taro) as session:
            session.sendmail(taro, ["a@one.example", "b@two.example"], message("waits"))
            session.sendmail(taro, [hanako], message("arrives", to=hanako))
        wait_for("a try", lambda: [e for e in s.json("queue", "list") if e["attempts"] > 0])
        wait_for("the other", s.mailbox)

        def tried():
            found = s.json("trace", "--recipient", "a@one.example").get("messages", [])
            return [m for m in found if m["recipients"][0]["state"] == "deferred"]

        (waits,) = wait_for("the events", tried)
        assert waits["state"] == "waiting" and waits["account"] == taro and waits["client"] == "127.0.0.1", waits
        first = waits["recipients"][0]
        assert first["address"] == "a@one.example" and first["tries"] == 1, first
        assert first["cause"] == "The recipient's mail server does not answer.", first
        assert first["next_try"] == s.json("queue", "show", waits["queue_id"])["due"], first

        def both(selector):
            return {m["state"] for m in s.json("trace", *selector).get("messages", [])} == {"waiting", "finished"}

        for selector in (["--account", taro], ["--sender", taro, "--since", "1h"], ["--client", "127.0.0.1"]):
            wait_for(f"both by {selector}", lambda: both(selector))
        assert "nothing is recorded" in s.cli("trace", "--account", taro, "--until", "1h", code=1)
        assert s.json("trace", "--account", taro, "--limit", "1")["cut"]
        by_id = s.json("trace", waits["message_id"])["messages"]
        assert [m["queue_id"] for m in by_id] == [waits["queue_id"]]
        text = s.cli("trace", waits["queue_id"])
        assert "next try" in text and "does not answer" in text and "to b@two.example: deferred, 1 try" in text, text
        assert "give a Message-ID" in s.cli("trace", code=2)

        stats = s.json("queue", "stats")
        assert stats["messages"] == 1 and [d["domain"] for d in stats["destinations"]] == ["one.example", "two.example"], stats
        assert stats["destinations"][0]["next_try"] == first["next_try"] and stats["destinations"][0]["why"], stats
        assert stats["accounts"][0]["account"] == taro
        assert "one.example" in s.cli("queue", "stats", "--domain", "one.example")


main([a_message_is_found_by_everything_known_of_it])
