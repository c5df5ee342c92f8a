"""A sender is told once that a message is late; and what was to be there by a time comes back or is told."""
import json
import re
import signal

from harness import Sekisho, main, message, wait_for

NOWHERE = '[delivery]\nresolvers = ["127.0.0.1@1"]\nsmarthost = "127.0.0.1:1"\n[queue]\nretry = ["1s"]\n'


def notices(s):
    """Action and status of each notification in the mailbox."""
    texts = [path.read_text() for path in s.mailbox()]
    return sorted(
        (re.search(r"^Action: (\S+)", text, re.M).group(1), re.search(r"^Status: (\S+)", text, re.M).group(1)) for text in texts
    )


def attempts(s):
    return sum(entry["attempts"] for entry in s.json("queue", "list"))


def told_once_and_over_a_restart():
    with Sekisho(extra=NOWHERE + 'delay_notice = "1s"\n') as s:
        taro = s.account()
        s.start()
        with s.submit(taro) as session:
            session.sendmail(taro, ["a@one.example"], message("late"))
            session.sendmail(taro, ["b@one.example"], message("not to be told"), rcpt_options=["NOTIFY=FAILURE"])
        wait_for("the notice", s.mailbox, 60)
        text = s.mailbox()[0].read_text()
        assert "Action: delayed" in text and "Will-Retry-Until:" in text and "a@one.example" in text, text
        before = attempts(s)
        wait_for("more tries", lambda: attempts(s) >= before + 3, 60)
        s.kill("mail", signal.SIGKILL)
        s.start("mail")
        before = attempts(s)
        wait_for("more tries", lambda: attempts(s) >= before + 3, 60)
        assert len(s.mailbox()) == 1, notices(s)


def by_a_time():
    with Sekisho(extra=NOWHERE + '[events]\nfile = "events.json"\n', mail='deliver_by_min = "1s"') as s:
        taro = s.account()
        s.start()
        with s.submit(taro) as session:
            assert "deliverby" in session.esmtp_features, session.esmtp_features
            session.sendmail(taro, ["back@one.example"], message("return"), mail_options=["BY=3;R"])
            session.sendmail(taro, ["told@one.example"], message("notify"), mail_options=["BY=3;N"])
            session.sendmail(taro, ["hush@one.example"], message("notify"), mail_options=["BY=3;N"], rcpt_options=["NOTIFY=NEVER"])
        wait_for("both notices", lambda: len(s.mailbox()) >= 2, 60)
        assert notices(s) == [("delayed", "4.4.1"), ("failed", "5.4.7")], notices(s)
        left = {entry["recipients"][0]["address"] for entry in s.json("queue", "list")}
        assert left == {"told@one.example", "hush@one.example"}, left
        before = attempts(s)
        wait_for("more tries", lambda: attempts(s) >= before + 4, 60)
        assert len(s.mailbox()) == 2, notices(s)
        over_time_is_an_event_of_its_own(s)


def over_time_is_an_event_of_its_own(s):
    row, = s.json("events", "--kind", "expired")
    assert row["recipient"] == "back@one.example" and row["detail"].startswith("451 4.4."), row
    assert s.json("events", "--kind", "bounced") == [], "nobody refused it"
    told = [json.loads(line) for line in (s.folder / "events.json").read_text().splitlines()]
    assert [one["recipient"] for one in told if one["kind"] == "expired"] == ["back@one.example"], told
    assert "back@one.example: expired" in s.cli("trace", row["queue_id"])
    assert "its time over" in s.cli("why", row["queue_id"]), s.cli("why", row["queue_id"])
    counters = s.json("mail", "status")["delivery"]
    assert (counters["expired_total"], counters["bounced_total"]) == (1, 0), counters


main([told_once_and_over_a_restart, by_a_time])
