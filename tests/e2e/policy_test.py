"""Another policy in force: shown before, confirmed or rolled back after, moved by the clock; gate and mail server agree."""
import datetime
import hashlib
import shutil
import smtplib
import subprocess
import time

from harness import Sekisho, free_ports, main, wait_for


def classes(stage="observe", note="", regions="", share=100, steps=""):
    return f"""
[[class]]
name = "subscribers"
prefixes = ["127.0.0.0/8"]
[[region]]
name = "east"
prefixes = ["127.0.0.0/9"]
[[region]]
name = "west"
prefixes = ["127.128.0.0/9"]
[[rule]]
name = "op25b"
from = "subscribers"
to = "*"
action = "refuse"
stage = "{stage}"
note = "{note}"
regions = [{regions}]
share = {share}
steps = [{steps}]
"""


def code_on_25(s):
    with smtplib.SMTP("127.0.0.1", s.exchange, timeout=20) as session:
        session.ehlo("pc.example.org")
        session.mail("someone@example.org")
        return session.rcpt("taro@example.net")[0]


def enforced(s):
    return code_on_25(s) == 550


def version(s):
    return next(one["version"] for one in s.json("gate", "history") if one["state"].startswith("in force"))


def it_is_shown_applied_and_rolled_back():
    with Sekisho(classes=classes()) as s:
        s.account()
        assert "start the gate first" in s.cli("gate", "apply", "--dry-run", code=1)
        s.start("gate", "mail")
        assert not enforced(s)
        assert "no difference" in s.cli("gate", "apply")
        assert "this is the first" in s.cli("gate", "rollback", "--yes", code=1)

        s.write_config(classes=classes("enforce"))
        out = s.cli("gate", "apply", "--dry-run")
        assert '~ rule "op25b": stage observe -> enforce' in out, out
        assert "pass, reported -> refuse for 16777216 IPv4 addresses; 127.0.0.0/8" in out, out
        assert "--yes" in s.cli("gate", "apply", code=2)
        assert version(s) == 1 and not enforced(s)
        out = s.cli("gate", "apply", "--yes", "--note", "from 1 April")
        assert "version 2 is in force" in out and "gate rollback" in out, out
        assert enforced(s)
        history = s.json("gate", "history")
        assert [one["version"] for one in history] == [2, 1] and history[0]["note"] == "from 1 April", history

        out = s.cli("gate", "rollback", "--yes", "--note", "too many calls")
        assert "stage enforce -> observe" in out and "version 1 is in force" in out, out
        wait_for("the mail server to follow", lambda: not enforced(s))
        assert "rolled back" in s.cli("reload")
        assert version(s) == 1 and not enforced(s)
        for role in ("gate", "mail"):  # a restart is no way around it
            s.kill(role)
            s.start(role)
        assert version(s) == 1 and not enforced(s)
        steps = s.json("gate", "explain", "127.0.0.1", "192.0.2.1")["steps"]
        assert any("stage observe" in step for step in steps), steps

        s.cli("gate", "apply", "--yes")  # by name it is meant
        assert version(s) == 2 and enforced(s)
        s.cli("gate", "rollback", "--yes")
        s.write_config(classes=classes("enforce", note="again"))  # another policy is another matter
        s.cli("reload")
        assert version(s) == 3 and enforced(s)
        s.cli("gate", "rollback", "1", "--yes")
        wait_for("the first again", lambda: not enforced(s))


def what_nobody_confirms_goes_back_by_itself():
    with Sekisho(classes=classes()) as s:
        s.account()
        s.start("gate", "mail")
        s.write_config(classes=classes("enforce"))
        out = s.cli("gate", "apply", "--yes", "--confirm-within", "2s")
        assert "version 1 comes back at" in out, out
        assert enforced(s)
        wait_for("the earlier policy", lambda: version(s) == 1)
        wait_for("the mail server to follow", lambda: not enforced(s))
        assert "was not confirmed in time" in s.json("gate", "history")[1]["note"]
        assert "waits for a confirmation" in s.cli("gate", "confirm", code=1)

        s.cli("gate", "apply", "--yes", "--confirm-within", "2s")
        s.cli("gate", "confirm")
        time.sleep(3)
        assert version(s) == 2 and enforced(s)

        s.write_config(classes=classes("enforce", note="third"))
        s.cli("gate", "apply", "--yes", "--confirm-within", "1s")
        s.kill("gate")  # dead when the time is up
        time.sleep(1.2)
        s.start("gate")
        assert version(s) == 2


def the_clock_moves_a_rule():
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=15)
    step = f'{{ at = {at.isoformat(timespec="milliseconds")}, stage = "enforce", regions = ["east"] }}'
    with Sekisho(classes=classes(steps=step)) as s:
        s.account()
        s.start("gate", "mail")
        assert not enforced(s)
        coming = s.json("gate", "plan")["steps"][1]
        assert (coming["rule"], coming["state"], coming["scope"]) == ("op25b.1", "coming", "region east"), coming
        assert "coming" in s.cli("gate", "plan")
        later = s.json("gate", "plan", "--at", "2099-01-01")["steps"][1]
        assert later["state"] == "in force", later
        assert any("on: stage enforce for region east" in one for one in s.json("gate", "explain", "127.0.0.1", "192.0.2.1")["steps"])
        wait_for("the step", lambda: enforced(s))
        wait_for("the gate's step", lambda: s.json("gate", "status")["classes"][-1]["name"] == "subscribers.east")
        assert s.json("gate", "plan")["steps"][1]["state"] == "in force"
        kinds = [one["kind"] for one in s.json("events")]
        assert "policy-changed" in kinds, kinds
        s.kill("mail")
        s.start("mail")
        assert enforced(s), "a restart doesn't move it back"
        steps = s.json("gate", "explain", "127.200.0.1", "192.0.2.1")["steps"]
        assert any("stage observe" in one for one in steps), steps


def share_of(line):
    return int.from_bytes(hashlib.sha256(line.encode()).digest()[:4], "big") % 100


def a_share_of_the_lines_begins():
    assert shutil.which("radclient"), "freeradius-utils is not installed"
    inside = next(f"line{i}" for i in range(1000) if share_of(f"line{i}") < 10)
    beyond = next(f"line{i}" for i in range(1000) if share_of(f"line{i}") >= 10)
    (port,) = free_ports(1)
    radius = f"""
[radius]
listen = ["127.0.0.1:{port}"]
[[radius.client]]
from = "127.0.0.1"
secret = "s3cret"
"""
    with Sekisho(classes=classes("enforce", share=10), extra=radius) as s:
        s.account()
        s.start("gate", "mail")

        def session(status, line):
            packet = (f"Acct-Status-Type={status},Acct-Session-Id={line},User-Name={line},"
                      "NAS-IP-Address=127.0.0.1,Framed-IP-Address=127.0.0.1\n")
            done = subprocess.run(["radclient", "-x", f"127.0.0.1:{port}", "acct", "s3cret"], input=packet, capture_output=True, text=True, timeout=20)
            assert "Accounting-Response" in done.stdout, done.stdout + done.stderr

        def by_policy():
            done = s.json("gate", "explain", "127.0.0.1", "192.0.2.1")
            return done["to_port_25"]["action"], done["to_port_25"]["client_class"]

        assert by_policy() == ("pass", "subscribers")
        session("Start", inside)
        assert by_policy() == ("refuse", "subscribers.first10")
        wait_for("the mail server to follow", lambda: enforced(s))
        assert s.json("gate", "plan")["shares"] == {"sessions": 1, "prefixes": 1, "left_out": 0}
        session("Stop", inside)
        session("Start", beyond)
        assert by_policy() == ("pass", "subscribers")


def wrong_ones_change_nothing():
    with Sekisho(classes=classes()) as s:
        s.account()
        s.start("gate")
        s.write_config(classes=classes("enforce", regions='"nowhere"'))
        assert "region \"nowhere\", which is not declared" in s.cli("gate", "apply", "--yes", code=2)
        s.write_config(classes=classes("enforce"))
        assert "no time from 1s to 24h" in s.cli("gate", "apply", "--yes", "--confirm-within", "soon", code=2)
        assert "no version 9" in s.cli("gate", "rollback", "9", "--yes", code=1)
        assert "is no time" in s.cli("gate", "plan", "--at", "tomorrow", code=2)
        assert version(s) == 1
        s.kill("gate")
        assert "is it running?" in s.cli("gate", "apply", "--yes", code=1)
        s.start("gate")
        assert version(s) == 2, "the file is what is wanted"


main([
    it_is_shown_applied_and_rolled_back,
    what_nobody_confirms_goes_back_by_itself,
    the_clock_moves_a_rule,
    a_share_of_the_lines_begins,
    wrong_ones_change_nothing,
])
