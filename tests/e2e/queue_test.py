"""The operator's work on the queue: by selector, with notice or without, suspended over a restart."""
import json
import signal
import urllib.request

from harness import Sekisho, main, message, wait_for

NOWHERE = '[delivery]\nresolvers = ["127.0.0.1@1"]\nsmarthost = "127.0.0.1:1"\n[queue]\nretry = ["1h"]\n'


def send(s, login, *recipients):
    with s.submit(login) as session:
        for to in recipients:
            session.sendmail(login, [to], message(f"to {to}", to=to, sender=login))


def queued(s, *selector):
    return s.json("queue", "list", *selector)


def tried(s, count):
    wait_for("all to be tried", lambda: sum(e["attempts"] > 0 for e in queued(s)) >= count)


def chosen_by_selector():
    with Sekisho(extra=NOWHERE) as s:
        bulk, taro = s.account("bulk@example.net"), s.account()
        s.start()
        send(s, bulk, *[f"r{n}@one.example" for n in range(5)], "r@two.example")
        send(s, taro, "friend@two.example")
        tried(s, 7)
        assert len(queued(s)) == 7 and len(queued(s, "--account", bulk)) == 6
        assert len(queued(s, "--domain", "two.example")) == 2
        assert [e["sender"] for e in queued(s, "--account", bulk, "--domain", "two.example")] == [bulk]
        assert queued(s, "--older", "1h") == [] and len(queued(s, "--limit", "3")) == 3
        assert queued(s, "--sender", taro)[0]["recipients"][0]["address"] == "friend@two.example"

        # Nothing without a selector, nothing unasked, nothing with --dry-run.
        assert "--all" in s.cli("queue", "drop", code=2)
        shown = s.cli("queue", "hold", "--account", bulk, "--dry-run")
        assert "6 messages" in shown and "r0@one.example" in shown, shown
        refused = s.cli("queue", "hold", "--account", bulk, code=2)
        assert "nobody to ask here: say --yes" in refused and "6 messages" in refused, refused
        assert not any(e["state"] == "held" for e in queued(s))

        s.cli("queue", "hold", "--account", bulk, "--domain", "one.example", "--yes", "--reason", "looks stolen")
        assert len(queued(s, "--held")) == 5
        row = s.json("events", "--account", bulk, "--kind", "held")[0]
        assert "looks stolen" in row["detail"] and " by " in row["detail"], row
        s.cli("queue", "release", "--account", bulk, "--yes")
        assert queued(s, "--held") == []

        # Dropped without a word, or with a notice to the sender.
        assert "3 done" in s.cli("queue", "drop", *[e["queue_id"] for e in queued(s, "--domain", "one.example")[:3]])
        assert len(queued(s)) == 4 and s.mailbox() == []
        s.cli("queue", "drop", "--sender", taro, "--yes", "--bounce", "--reason", "not wanted there")
        notice = wait_for("the notice", s.mailbox)[0].read_text()
        assert "not wanted there" in notice and "friend@two.example" in notice, notice
        assert queued(s, "--sender", taro) == []
        assert "is no queue id" in s.cli("queue", "drop", "nonsense!", code=2)


def sent_by_another_server():
    with Sekisho(extra=NOWHERE) as s, Sekisho(mail='domains = ["there.example"]') as other:
        taro, there = s.account(), other.account("hanako@there.example")
        s.start()
        other.start()
        send(s, taro, there, "x@one.example")
        tried(s, 1)
        assert "is neither HOST:PORT" in s.cli("queue", "reroute", "--sender", taro, "--yes", "--to", "nonsense", code=2)
        s.cli("queue", "reroute", "--recipient", there, "--yes", "--to", f"127.0.0.1:{other.exchange}")
        wait_for("the mail at the other server", other.mailbox)
        assert f"127.0.0.1:{other.exchange}" in s.json("events", "--kind", "released")[0]["detail"]
        assert [e["recipients"][0]["address"] for e in queued(s)] == ["x@one.example"]


def compacted_while_mail_goes_on():
    small = '[queue]\nsegment_size = "2MiB"\nretry = ["1h"]\n'
    with Sekisho(extra='[delivery]\nresolvers = ["127.0.0.1@1"]\nsmarthost = "127.0.0.1:1"\n' + small, mail='message_size_max = "1MiB"\n') as s:
        taro = s.account()
        s.start("mail")
        assert "nothing to give back" in s.cli("queue", "compact")
        with s.submit(taro) as session:
            for n in range(9):
                to = f"{'kept' if n % 4 == 0 else 'gone'}{n}@one.example"
                session.sendmail(taro, [to], message(f"to {to}", to=to, body=("x" * 70 + "\r\n") * 8000))
        tried(s, 9)
        s.cli("queue", "drop", *[e["queue_id"] for e in queued(s) if e["recipients"][0]["address"].startswith("gone")])
        kept = {e["queue_id"]: e for e in queued(s)}
        before = s.json("mail", "status")["queue"]
        planned = s.json("queue", "compact", "--dry-run")
        assert planned["segments"] >= 2 and planned["messages"] >= 1 and planned["frees"] > 0, planned
        assert s.json("mail", "status")["queue"]["segments"] == before["segments"], "a plan changes nothing"
        assert s.json("queue", "compact")["segments"] == planned["segments"]
        send(s, taro, taro)  # mail goes on
        wait_for("mail as ever", s.mailbox)
        after = s.json("mail", "status")["queue"]
        assert after["segment_bytes"] < before["segment_bytes"], (before, after)
        assert {e["queue_id"]: e["attempts"] for e in queued(s)} == {i: e["attempts"] for i, e in kept.items()}
        s.kill("mail", signal.SIGKILL)
        s.start("mail")
        assert {e["queue_id"] for e in queued(s)} == kept.keys()
        s.kill("mail", signal.SIGTERM)
        assert f"{len(kept)} messages" in s.cli("queue", "verify") and "no fault" in s.cli("queue", "verify")
        # By itself, while no role runs; and there is an end to it.
        s.start("mail")
        s.cli("queue", "drop", *kept)
        s.kill("mail", signal.SIGTERM)
        s.cli("queue", "compact")
        names = sorted(p.name for p in (s.folder / "spool").iterdir())
        for _ in range(2):
            assert "nothing to give back" in s.cli("queue", "compact")
        assert sorted(p.name for p in (s.folder / "spool").iterdir()) == names


def suspended_over_a_restart():
    with Sekisho(extra=NOWHERE) as s:
        taro, bulk = s.account(), s.account("bulk@example.net")
        s.start()
        s.cli("queue", "suspend", code=2)  # of what?
        s.cli("queue", "suspend", "--account", bulk, "--reason", "stolen password")
        s.cli("queue", "suspend", "--domain", "Down.Example", "--until", "2h", "--reason", "they asked")
        send(s, bulk, taro)
        send(s, taro, "x@down.example", taro)
        wait_for("the mail that nobody stopped", s.mailbox)
        states = {e["recipients"][0]["address"]: e for e in queued(s)}
        assert states[taro]["state"] == "suspended" and "stolen password" in states[taro]["hold_reason"], states
        assert states["x@down.example"]["state"] == "suspended", states
        assert all(e["attempts"] == 0 for e in states.values())

        s.kill("mail", signal.SIGKILL)
        s.start("mail")
        table = {row["name"]: row for row in s.json("queue", "suspensions")["suspensions"]}
        assert table[bulk]["reason"] == "stolen password" and "until" in table["down.example"], table
        send(s, bulk, taro)
        send(s, taro, taro)
        wait_for("the mail that nobody stopped", lambda: len(s.mailbox()) == 2)
        assert len(queued(s, "--account", bulk)) == 2

        s.cli("queue", "resume", "--account", bulk, "--reason", "new password")
        wait_for("what was suspended", lambda: len(s.mailbox()) == 4)
        assert "is not suspended" in s.cli("queue", "resume", "--account", bulk, code=1)
        s.cli("queue", "suspend", "--domain", "down.example", "--until", "1s")
        wait_for("the end of its time", lambda: s.json("queue", "suspensions")["suspensions"] == [])
        wait_for("a try", lambda: queued(s)[0]["attempts"] > 0)
        details = [e["detail"] for e in s.json("events", "--limit", "1000") if e.get("rule") == "suspension"]
        assert any("resumed" in d and "new password" in d for d in details) and any("time is over" in d for d in details), details


def exported_and_imported():
    with Sekisho(extra=NOWHERE) as s, Sekisho(extra=NOWHERE) as other:
        taro = s.account()
        s.start("mail")
        send(s, taro, "a@one.example", "b@one.example", "c@two.example")
        tried(s, 3)
        s.cli("queue", "hold", "--domain", "two.example", "--yes", "--reason", "kept")
        before = {e["queue_id"]: e for e in queued(s)}
        folder = s.folder / "export"
        assert "stop the mail role first" in s.cli("queue", "verify", code=1)
        s.kill("mail", signal.SIGTERM)
        assert "3 messages" in s.cli("queue", "verify") and "no fault" in s.cli("queue", "verify")
        assert s.json("queue", "export", str(folder))["exported"] == 3
        assert s.json("queue", "export", str(folder))["exported"] == 3
        assert len(list(folder.glob("*.eml"))) == 3 and "Subject: to a@one.example" in (folder / f"{min(before)}.eml").read_text()

        # Into another machine's queue, begun again after an interruption.
        (other.folder / "spool").mkdir()
        hidden = folder / f"{max(before)}.json"
        content = hidden.read_text()
        hidden.write_text("{")
        assert "it is no JSON object" in other.cli("queue", "import", str(folder), code=2)
        hidden.write_text(content)
        (folder / f"{min(before)}.json.imported").rename(folder / f"{min(before)}.json")
        assert other.json("queue", "import", str(folder)) == {"imported": 1, "known": 1}
        other.start("mail")
        after = {e["queue_id"]: e for e in queued(other)}
        assert after.keys() == before.keys()
        for name in ("sender", "account", "accepted", "expires", "size", "message_id"):
            assert {i: e[name] for i, e in after.items()} == {i: e[name] for i, e in before.items()}, name
        assert [e["hold_reason"] for e in queued(other, "--held")] == ["kept"]
        # A damaged message is found.
        other.kill("mail", signal.SIGTERM)
        for segment in (other.folder / "spool").glob("segment-*.log"):
            data = segment.read_bytes()
            at = data.find(b"Subject: to a@one.example")
            if at >= 0:
                with segment.open("r+b") as file:
                    file.seek(at)
                    file.write(b"XUBJECT")
        text = other.cli("queue", "verify", code=1)
        assert min(before) in text and "faults" in text, text


def through_the_desk():
    with Sekisho(extra=NOWHERE) as s:
        taro = s.account()
        s.start()
        send(s, taro, "a@one.example", "b@one.example")
        tried(s, 2)
        token = (s.folder / "operator.token").read_text().strip()

        def call(path, body=None):
            request = urllib.request.Request(
                f"http://127.0.0.1:{s.http}/api/v1{path}",
                data=None if body is None else json.dumps(body).encode(),
                headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Sekisho-Reason": "test"},
            )
            with urllib.request.urlopen(request, timeout=20) as answer:
                return json.load(answer)

        assert call("/queue/count?domain=one.example")["count"] == 2
        page = call("/queue?limit=1&domain=one.example")
        assert len(page["messages"]) == 1
        rest = call(f"/queue?limit=1&domain=one.example&cursor={page['next_cursor']}")
        ids = [page["messages"][0]["queue_id"], rest["messages"][0]["queue_id"]]
        assert call("/queue/hold", {"ids": ids, "reason": "for the test"})["done"] == 2
        assert {e["state"] for e in queued(s)} == {"held"}
        call("/queue/suspend", {"domain": "one.example", "reason": "down"})
        assert call("/queue/suspensions")["suspensions"][0]["who"] == "local at the desk"
        answer = call("/queue/drop", {"ids": [*ids, "0000000001"], "reason": "done"})
        assert answer["done"] == 2 and len(answer["failed"]) == 1, answer


main([chosen_by_selector, sent_by_another_server, compacted_while_mail_goes_on, suspended_over_a_restart, exported_and_imported, through_the_desk])
