"""What replies of other servers mean: the operator's rules before the built-in ones, and who is refused since mail only comes back."""
import smtplib

from harness import Sekisho, main, message, wait_for
from nameserver import NameServer
from sink import Sink

ZONE = "peers.example.org"


def world(answers, extra=""):
    names, sink = NameServer(ZONE), Sink(answers=answers)
    server = Sekisho(extra=f'[delivery]\nresolvers = ["{names.resolver}"]\nport = {sink.port}\nreplies = "replies.toml"\n'
                           f'[queue]\nretry = ["2h"]\n{extra}')
    (server.folder / "replies.toml").write_text("")
    return names, sink, server


def send(server, to):
    with server.submit("taro@example.net") as session:
        session.sendmail("taro@example.net", [to], message("hello", to=to))


def refusal(server, to):
    try:
        send(server, to)
    except smtplib.SMTPRecipientsRefused as refused:
        return list(refused.recipients.values())[0][1]
    return None


def recipient(server, to, state):
    def found():
        return [r for m in server.json("trace", "--recipient", to).get("messages", []) for r in m["recipients"] if r.get("state") == state]
    return wait_for(f"{to} to be {state}", found)[0]


def rules_say_what_it_means_and_when_to_try_again():
    grey, house = f"grey@{ZONE}", f"house@{ZONE}"
    names, sink, configured = world({grey: "450 4.2.0 Greylisted, come back", house: "550 5.7.1 the house is closed on Mondays"})
    with names, sink, configured as server:
        names.publish(["@ IN A 127.0.0.1"])
        server.account()
        server.start()
        said = server.json("queue", "classify", "550 5.7.1 the house is closed on Mondays")
        assert said["rule"] == "status x.7.x" and said["kind"] == "policy", said
        send(server, grey)
        first = recipient(server, grey, "deferred")
        assert "greylisting" in first["cause"], first
        (waiting,) = server.json("queue", "list")
        # The schedule says two hours, the rule ten minutes and a little.
        assert minutes_between(first["at"], waiting["due"]) < 15, (first, waiting)
        send(server, house)
        recipient(server, house, "bounced")

        # The operator knows better; the file is followed when it changes.
        (server.folder / "replies.toml").write_text(f"""
[[kind]]
name = "monday"
why_en = "They are closed today."
todo_en = "Nothing."
why_ja = "本日は休みです。"
todo_ja = "何もする必要はありません。"
treat = "later"
[[reply]]
name = "closed"
kind = "monday"
texts = ["closed on * mondays", "closed on mondays"]
""")
        wait_for("the rule", lambda: server.json("queue", "classify", "550 5.7.1 closed on Mondays")["rule"] == "closed")
        server.cli("reload", "mail", "desk")
        send(server, house)
        again = recipient(server, house, "deferred")
        assert again["cause"] == "They are closed today.", again
        (server.folder / "replies.toml").write_text("[[reply]]\nname = \"x\"\nkind = \"nothing\"\n")
        assert 'kind "nothing" is not known' in server.cli("config", "check", server.config, code=2)


def minutes_between(a, b):
    from datetime import datetime
    return (datetime.fromisoformat(b.replace("Z", "+00:00")) - datetime.fromisoformat(a.replace("Z", "+00:00"))).total_seconds() / 60


def who_only_bounces_is_refused():
    gone, full = f"gone@{ZONE}", f"full@{ZONE}"
    names, sink, configured = world({gone: "550 5.1.1 no such user", full: "552 5.2.2 mailbox full"}, '[suppression]\nafter = 2\nkeep = "30d"\n')
    with names, sink, configured as server:
        names.publish(["@ IN A 127.0.0.1"])
        server.account()
        server.start()
        for tried, to in enumerate((full, full, full, gone), 1):
            send(server, to)
            wait_for("the try", lambda: len(sink.rcpts) == tried)
        assert server.json("suppression", "list")["suppressed"] == []
        send(server, gone)
        (one,) = wait_for("the list", lambda: server.json("suppression", "list")["suppressed"])
        assert one["recipient"] == gone and one["bounces"] == 2 and one["by"] == "bounces", one
        try:
            send(server, f"Gone@{ZONE}")
        except smtplib.SMTPRecipientsRefused as refused:
            code, text = list(refused.recipients.values())[0]
            assert code == 550 and b"5.1.1" in text and b"came back 2 times" in text and one["until"].encode() in text, text
        else:
            raise AssertionError("it was taken")
        send(server, full)
        # What the system itself sends goes: a receipt, with the null reverse-path.
        before = len(sink.rcpts)
        with server.submit("taro@example.net") as session:
            session.sendmail("", [gone], message("read", to=gone))
        wait_for("the receipt", lambda: gone in sink.rcpts[before:])
        shown = server.cli("events", "--recipient", gone)
        assert "suppression-changed" in shown and "came back 2 times" in shown, shown
        trace = server.cli("trace", "--recipient", gone)
        assert "refused from now on" in trace, trace

        assert "no longer refused" in server.cli("suppression", "remove", gone)
        send(server, gone)
        assert "is refused" in server.cli("suppression", "add", f"other@{ZONE}", "--until", "1h", "--reason", "asked us to stop")
        # Another process added it: the mail role sees that within a second.
        text = wait_for("the refusal", lambda: refusal(server, f"other@{ZONE}"))
        assert b"asked us to stop" in text, text
        assert "no address" in server.cli("suppression", "add", "nobody", code=2)
        assert "is not refused" in server.cli("suppression", "remove", "x@y.example", code=1)


if __name__ == "__main__":
    main([rules_say_what_it_means_and_when_to_try_again, who_only_bounces_is_refused])
