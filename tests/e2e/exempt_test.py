"""Exemptions without a gate beside: kept for it, and known to the mail server at once; wrong ones exit 2."""
import smtplib

from harness import Sekisho, main, wait_for

CLASSES = """
[[class]]
name = "subscribers"
prefixes = ["127.0.0.1", "198.51.100.0/24"]
[[class]]
name = "static"
[[rule]]
name = "static"
from = "static"
to = "*"
[[rule]]
name = "op25b"
from = "subscribers"
to = "*"
action = "refuse"
"""


def add(s, *target, code=0, **options):
    words = {"owner": "ticket 25", "reason": "a server", "class": "static", **options}
    flags = [word for name, value in words.items() for word in (f"--{name}", value)]
    return s.cli("gate", "exempt", "add", *target, *flags, code=code)


def to_port_25(s):
    with smtplib.SMTP("127.0.0.1", s.exchange, timeout=20) as session:
        session.ehlo("pc.example.org")
        session.mail("someone@example.org")
        return session.rcpt("taro@example.net")


def the_mail_server_knows_exemptions():
    with Sekisho(classes=CLASSES) as s:
        s.account()
        s.start("mail")
        code, text = to_port_25(s)
        assert code == 550 and b"587" in text, (code, text)
        out = add(s, "127.0.0.1")
        assert "exemption 1: 127.0.0.1/32 is of class static" in out and "does not run here" in out, out
        wait_for("the exemption in the mail server", lambda: to_port_25(s)[0] == 250)
        steps = s.json("gate", "explain", "127.0.0.1", "192.0.2.1")["steps"]
        assert "exemption 1 of ticket 25" in steps[-1], steps
        s.cli("gate", "exempt", "revoke", "1", "--reason", "moved")
        wait_for("the end of it in the mail server", lambda: to_port_25(s)[0] == 550)
        every = s.json("gate", "exempt", "list", "--all")
        assert [one["ended_reason"] for one in every] == ["moved"], every
        kinds = [e["kind"] for e in s.json("events", "--address", "127.0.0.1") if e["kind"].startswith("lease")]
        assert kinds == ["lease-ended", "lease-granted"], kinds


def wrong_ones_are_told():
    with Sekisho(classes=CLASSES) as s:
        for expected, target, options in (
            ("wider than the /28", ["198.51.100.0/24"], {}),
            ("host bits", ["198.51.100.7/24"], {}),
            ("no class", ["198.51.100.7"], {"class": "nonesuch"}),
            ("no date", ["198.51.100.7"], {"until": "tomorrow"}),
            ("no time", ["198.51.100.7"], {"for": "long"}),
            ("at most", ["198.51.100.7"], {"for": "400d"}),
            ("an owner", ["198.51.100.7"], {"owner": ""}),
            ("a prefix or for a line", [], {}),
            ("gate.engine", ["198.51.100.7"], {"connections-per-day": "5"}),
        ):
            out = add(s, *target, code=2, **options)
            assert expected in out, (expected, out)
        assert s.json("gate", "exempt", "list") == []
        add(s, "198.51.100.7")
        out = add(s, "198.51.100.7", code=1)
        assert "exemption 1 already: renew or revoke it" in out, out
        assert "no lease 9" in s.cli("gate", "exempt", "renew", "9", code=1)
        s.cli("gate", "exempt", "revoke", "1", "--reason", "moved")
        assert "ended at" in s.cli("gate", "exempt", "renew", "1", code=1)
        assert s.cli("gate", "top").strip() == "nobody was blocked"


main([the_mail_server_knows_exemptions, wrong_ones_are_told])
