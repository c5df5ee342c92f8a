"""What replies of other servers mean: the operator's rules before the built-in ones."""
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


if __name__ == "__main__":
    main([rules_say_what_it_means_and_when_to_try_again])
