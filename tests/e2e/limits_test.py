"""Limits: refused with the numbers, shown, reset, replayed, remembered over a kill -9."""
import re
import smtplib
import sqlite3

from harness import Sekisho, main, message, wait_for

LIMITS = """
[[limit]]
name = "strangers"
by = ["account"]
count = "new-recipients"
rate = "2/1h"
[[limit]]
name = "quiet"
by = ["prefix"]
rate = "1/1h"
shadow = true
[[limit]]
name = "abroad"
by = ["account"]
where = "abroad"
per_day = 100
[[limit]]
name = "volume"
by = ["account"]
count = "bytes"
rate = "1KiB/1h"
shadow = true
"""


def refused_with(work):
    try:
        work()
    except smtplib.SMTPRecipientsRefused as error:
        return next(iter(error.recipients.values()))
    raise AssertionError("it was not refused")


def send(session, to):
    return session.sendmail("taro@example.net", [to], message("x", to=to))


def refused_shown_reset_and_kept():
    # Small segments: the sanitizers' build reads them slowly at the restart.
    queue = '[queue]\nsegment_size = "2MiB"\n'
    with Sekisho(classes=LIMITS, extra=queue, mail='message_size_max = "1MiB"\n') as house:
        login = house.account()
        house.account("hanako@example.net")
        house.start("mail")
        session = house.submit(login)
        send(session, "a@far.test")
        send(session, "b@far.test")
        code, text = refused_with(lambda: send(session, "c@far.test"))
        assert code == 450 and b"Limit strangers reached: 2 of 2 used, free again 20" in text, text
        send(session, "a@far.test")
        # A neighbour at the same address isn't touched by it.
        neighbour = house.submit("hanako@example.net")
        neighbour.sendmail("hanako@example.net", ["c@far.test"], message("x", sender="hanako@example.net"))

        shown = {one["limit"]: one for one in house.json("limit", "show", login)["uses"]}
        assert shown["strangers"]["used"] == 2 and shown["strangers"]["allowed"] == 2, shown
        assert shown["abroad"]["used"] == 3, shown
        by_address = house.json("limit", "show", "127.0.0.1")["uses"]
        assert [one["limit"] for one in by_address] == ["quiet"], by_address
        listed = {one["limit"]: one for one in house.json("limit", "list")["limits"]}
        assert listed["strangers"]["refused"] == 1 and listed["quiet"]["would_refuse"] >= 2, listed
        assert listed["abroad"]["where"] == "abroad", listed

        # A killed role knows what was kept, about a second after it was counted.
        def kept():
            with sqlite3.connect(house.folder / "sekisho.db") as database:
                return database.execute("SELECT COUNT(*) FROM limit_states WHERE name IN ('strangers', 'abroad')").fetchone()[0] >= 4
        wait_for("the counters to be kept", kept)
        house.kill("mail")
        house.start("mail")
        again = {one["limit"]: one for one in house.json("limit", "show", login)["uses"]}
        assert again["strangers"]["used"] == 2, again
        session = house.submit(login)
        code, _ = refused_with(lambda: send(session, "c@far.test"))
        assert code == 450

        assert "reason" in house.cli("limit", "reset", login, code=2)
        assert "there is no limit" in house.cli("limit", "reset", login, "--limit", "x", "--reason", "y", code=1)
        house.cli("limit", "reset", login, "--limit", "strangers", "--reason", "called us")
        send(session, "c@far.test")
        wait_for("the reset on record", lambda: "called us" in house.cli("events", "--kind", "limit-reset"))
        wait_for("the shadow on record", lambda: "limit:quiet" in house.cli("events", "--kind", "limit-would-refuse"))


def replayed_over_the_journal():
    with Sekisho() as house:
        login = house.account()
        house.start("mail")
        session = house.submit(login)
        for name in "abcde":
            send(session, f"{name}@far.test")
        session.quit()
        changed = house.folder / "changed.toml"
        changed.write_text(house.config.read_text() + LIMITS)
        house.kill("mail", 15)
        told = house.json("limit", "replay", "--since", "1h", "--config", str(changed))
        hits = {hit["limit"]: hit for hit in told["hits"]}
        assert told["events"] == 5, told
        assert hits["strangers"]["key"] == login and hits["strangers"]["refused"] == 3, told
        assert hits["quiet"]["refused"] == 4 and "abroad" not in hits, told
        assert 1 <= hits["volume"]["refused"] < 5 and told["not_seen"] == [], told
        assert "nobody would have been refused" in house.cli("limit", "replay")
        changed.write_text(house.config.read_text() + "[[limit]]\nname = 'x'\nby = ['account']\n")
        assert "needs either rate or per_day" in house.cli("limit", "replay", "--config", str(changed), code=2)


def days_begin_where_the_subscriber_is():
    zone = "Pacific/Kiritimati"  # 14 hours ahead of UTC
    daily = '[[limit]]\nname = "daily"\nby = ["account"]\ncount = "recipients"\nper_day = 1\n'
    with Sekisho(classes=daily, extra='[limits]\ntime_zone = "Asia/Tokyo"\n') as house:
        login = house.account()
        house.account("hanako@example.net")
        house.start("mail")
        assert "is no time zone" in house.cli("account", "time-zone", login, "Mars/Olympus", code=2)
        assert house.json("account", "time-zone", login, zone) == {"login": login, "time_zone": zone}
        begins = {}
        for who in (login, "hanako@example.net"):
            with house.submit(who) as session:
                session.sendmail(who, ["a@far.test"], message("x", sender=who))
                _, text = refused_with(lambda: session.sendmail(who, ["b@far.test"], message("x", sender=who)))
            begins[who] = re.search(rb"free again (\d\d\d\d-\d\d-\d\dT\d\d:\d\d)", text)[1]
        assert begins[login].endswith(b"T10:00") and begins["hanako@example.net"].endswith(b"T15:00"), begins
        assert house.json("account", "time-zone", login, "none")["time_zone"] == ""
        assert house.json("account", "time-zone", login)["time_zone"] == ""
        assert "no account" in house.cli("account", "time-zone", "nobody@example.net", zone, code=1)


main([refused_shown_reset_and_kept, replayed_over_the_journal, days_begin_where_the_subscriber_is])
