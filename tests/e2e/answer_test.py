"""A rule that answers, with both engines: the subscriber's mail program is told why, support finds the number, nothing is left behind."""
import re
import urllib.request

from border import CLASSES, LINE4, LINE6, SERVER4, SERVER6, STATIC4, STATIC6, Border, needs_root
from harness import Sekisho, main, wait_for

GATE = """engine = "%s"
interfaces = ["in0", "out0"]
answer_per_address_max = 3
answer_timeout = "20s"
"""


def left_behind(border):
    out = border.run(border.router, "nft", "list", "ruleset").stdout
    for family in ("-4", "-6"):
        out += "".join(line for line in border.run(border.router, "ip", family, "rule").stdout.splitlines() if "8825" in line)
        out += border.run(border.router, "ip", family, "route", "show", "table", "8825").stdout
    return out


def told_why(border, s):
    swaks = border.run(
        border.line, "swaks", "--server", SERVER4, "--local-interface", LINE4, "--timeout", "10",
        "--from", "taro@example.net", "--to", "hanako@outside.example",
    )
    text = swaks.stdout + swaks.stderr
    said = re.search(r"554 5\.7\.1 (.*)", text)
    assert said, text
    assert "rule op25b of Example Net" in said[1] and "mail.example.net port 587" in said[1], said[1]
    page = re.search(r"see (http://127\.0\.0\.1:\d+/25\?ref=(\S+)) \(reference (\S+)\)", said[1])
    assert page and page[2] == page[3], said[1]
    assert page[2] in urllib.request.urlopen(page[1], timeout=20).read().decode()
    events = wait_for("the event", lambda: s.json("events", "--reference", page[2]))
    assert len(events) == 1 and events[0]["kind"] == "gate-answered", events
    assert events[0]["address"] == LINE4 and events[0]["rule"] == "op25b", events
    assert SERVER4 not in str(events), "whom the subscriber wrote to is nobody's business"
    assert "gate-answered" in s.cli("trace", page[2])


def talk(border):
    with border.connect(LINE6, SERVER6) as connection:
        assert connection.getpeername()[0] == SERVER6
        lines = connection.makefile("rw", newline="\r\n")
        assert lines.readline().startswith("554 5.7.1 ")
        for command, expected in (("EHLO pc", "503 5.5.1 "), ("MAIL FROM:<a@example.org>", "503 5.5.1 "), ("QUIT", "221 ")):
            lines.write(command + "\r\n")
            lines.flush()
            got = lines.readline()
            assert got.startswith(expected), got
        assert lines.readline() == ""


def crowded(border):
    """One address holds so many; the next is closed without a word."""
    held = [border.connect(LINE4, SERVER4) for _ in range(3)]
    try:
        for one in held:
            assert one.makefile().readline().startswith("554 ")
        assert border.greeting(LINE4, SERVER4) == ""
        assert border.greeting(LINE6, SERVER6).startswith("554 ")
    finally:
        for one in held:
            one.close()


def with_engine(engine):
    def scenario():
        with Border() as border, Sekisho(classes=CLASSES % "answer", gate=GATE % engine, gate_inside=border.router) as s:
            s.start("gate", "desk")
            told_why(border, s)
            talk(border)
            wait_for("room", lambda: s.json("gate", "status")["answer"]["open"] == 0)
            crowded(border)
            for source, server in ((STATIC4, SERVER4), (STATIC6, SERVER6)):
                assert border.greeting(source, server).startswith("220 "), "others reach the server"
            status = s.json("gate", "status")
            assert status["downgrades"] == [] and status["answer"]["crowded_total"] == 1, status
            kinds = {e["kind"] for e in s.json("gate", "events", "--rule", "op25b")}
            assert kinds == {"gate-answered"}, kinds
            top = s.json("gate", "top", "--exact")
            assert top[0]["address"] == LINE4 and top[0]["answered"] == 4, top
            # Another action, without a restart; then back.
            s.write_config(classes=CLASSES % "refuse")
            s.cli("reload", "gate")
            refused(border)
            assert left_behind(border) == "" or engine == "nftables"
            s.write_config(classes=CLASSES % "answer")
            s.cli("reload", "gate")
            assert border.greeting(LINE4, SERVER4).startswith("554 ")
            # Killed: nobody is answered, nobody passes who would not; detach takes the rest away.
            s.kill("gate")
            refused(border)
            taken = s.cli_inside(border.router, "gate", "detach")
            assert "the table of nftables removed" in taken, taken
            assert left_behind(border) == "", left_behind(border)
            s.start("gate")
            assert border.greeting(LINE6, SERVER6).startswith("554 ")
            s.kill("gate", 15)
            assert left_behind(border) == "", left_behind(border)
            assert border.greeting(LINE4, SERVER4).startswith("220 "), "the gate has gone"
    scenario.__name__ = f"answered_with_{engine}"
    return scenario


def refused(border):
    try:
        greeting = border.greeting(LINE4, SERVER4)
    except ConnectionRefusedError:
        return
    raise AssertionError("not refused: " + greeting)


needs_root()
main([with_engine("xdp"), with_engine("nftables")])
