"""Evidence: real blocked packets on record with both ends for as long as asked, each look written down, then gone from the file."""
import time

from border import CLASSES, LINE4, LINE6, SERVER4, SERVER6, STATIC4, Border, needs_root
from harness import Sekisho, main, wait_for

GATE = 'engine = "xdp"\ninterfaces = ["in0", "out0"]\nevidence_longest = "2h"\nevidence_keep = "%s"'


def start(s, *options, code=0):
    words = ["--reason", "complaint 4711", "--actor", "alice", *options]
    return s.cli("gate", "evidence", "start", *words, code=code)


def blocked(border, source=LINE4, server=SERVER4):
    try:
        border.connect(source, server).close()
    except ConnectionRefusedError:
        return
    raise AssertionError("not refused")


def files(s):
    """All that the database has on the disk."""
    return b"".join(p.read_bytes() for p in s.folder.glob("sekisho.db*") if not p.name.endswith("-shm"))


def recorded_shown_erased():
    with Border() as border, Sekisho(classes=CLASSES % "refuse", gate=GATE % "0s", gate_inside=border.router) as s:
        s.start("gate")
        blocked(border)  # before it is asked for
        wait_for("the event", lambda: s.json("events", "--kind", "gate-blocked"))
        assert SERVER4.encode() not in files(s), "no destination without evidence"
        out = start(s, "--prefix", "198.51.100.0/28", "--for", "1h")
        assert "evidence 1 of 198.51.100.0/28: recording" in out, out
        wait_for("the gate to know", lambda: s.json("gate", "status")["evidence"]["living"] == 1)
        blocked(border)
        blocked(border, LINE6, SERVER6)  # not of the prefix
        shown = wait_for("the record", lambda: (got := s.json("gate", "evidence", "show", "1", "--actor", "bob"))["records"] and got)
        assert len(shown["records"]) == 1, shown
        record = shown["records"][0]
        assert (record["client"], record["server"], record["server_port"]) == (LINE4, SERVER4, 25), record
        assert record["client_port"] > 1023 and record["outcome"] == "blocked" and record["rule"] == "op25b", record
        assert SERVER4.encode() in files(s)
        looks = s.json("events", "--kind", "evidence-shown")
        assert looks and "shown to bob" in looks[0]["detail"], looks
        for event in s.json("events", "--limit", "1000"):
            assert SERVER4 not in str(event) and SERVER6 not in str(event), event
        out = s.cli("gate", "evidence", "stop", "1", "--erase", "--actor", "carol")
        assert "1 records erased" in out, out
        assert SERVER4.encode() not in files(s), "erased means erased"
        assert "were due to go" in s.cli("gate", "evidence", "show", "1", code=1)
        kinds = [e["kind"] for e in s.json("gate", "events", "--since", "1h") if e["kind"].startswith("evidence")]
        assert kinds[0] == "evidence-begun" and kinds[-2:] == ["evidence-stopped", "evidence-erased"], kinds


def gone_by_itself():
    with Border() as border, Sekisho(classes=CLASSES % "answer", gate=GATE % "0s", gate_inside=border.router) as s:
        s.start("gate")
        start(s, "--prefix", LINE4, "--for", "10s")
        wait_for("the gate to know", lambda: s.json("gate", "status")["evidence"]["living"] == 1)
        assert border.greeting(LINE4, SERVER4).startswith("554 ")
        wait_for("the record", lambda: SERVER4.encode() in files(s))
        wait_for("its end", lambda: s.json("gate", "evidence", "list")[0]["state"] == "erased")
        assert SERVER4.encode() not in files(s)
        assert border.greeting(LINE4, SERVER4).startswith("554 ")
        time.sleep(1.5)  # the gate writes every second
        assert SERVER4.encode() not in files(s), "nothing is recorded after"


def wrong_ones_are_told():
    with Sekisho(classes=CLASSES % "refuse", gate=GATE % "1d") as s:
        for expected, options in (
            ("name one of them", ["--for", "1h"]),
            ("name one of them", ["--for", "1h", "--line", "L1", "--prefix", STATIC4]),
            ("wider than the /24", ["--for", "1h", "--prefix", "198.51.0.0/16"]),
            ("gate.evidence_longest", ["--for", "3h", "--line", "L1"]),
            ("is no time", ["--for", "long", "--line", "L1"]),
        ):
            out = start(s, *options, code=2)
            assert expected in out, (expected, out)
        assert "no evidence 7" in s.cli("gate", "evidence", "show", "7", code=1)
        start(s, "--line", "L1", "--for", "1h")
        assert s.json("gate", "evidence", "list")[0]["actor"] == "alice"
        s.write_config(classes=CLASSES % "refuse")
        s.config.write_text(s.config.read_text().replace('engine = "xdp"', 'engine = "none"'))
        assert "nothing is seen" in start(s, "--line", "L1", "--for", "1h", code=1)


needs_root()
main([recorded_shown_erased, gone_by_itself, wrong_ones_are_told])
