"""Who would be cut: from the gate's own journal on a later day of the plan, by another file, and from a flow log."""
from border import CLASSES, LINE4, SERVER4, STATIC4, Border, needs_root
from harness import Sekisho, main, wait_for

PLANNED = (CLASSES % "refuse").replace('action = "refuse"', 'action = "refuse"\nstage = "observe"\nsteps = [{ at = 2031-04-01T00:00:00Z, stage = "enforce" }]')
LINES = '\n[[lines]]\nname = "fixed"\nkind = "static"\nfile = "lines.csv"\n'


def by_the_plan_and_by_another_file():
    with Border() as border, Sekisho(classes=PLANNED + LINES, gate='interfaces = ["in0", "out0"]', gate_inside=border.router) as s:
        (s.folder / "lines.csv").write_text(f"prefix,line\n{LINE4},L0001\n")
        assert "nothing was seen here yet" in s.cli("gate", "replay", code=1)
        s.start("gate")
        assert border.greeting(LINE4, SERVER4).startswith("220"), "observed, not cut"
        wait_for("the event", lambda: s.json("events", "--kind", "gate-would-block"))
        today = s.json("gate", "replay")
        assert (today["seen"], today["lost"], today["senders"]) == (1, 0, []), today
        then = s.json("gate", "replay", "--at", "2031-04-02")
        assert then["lost"] == 1, then
        assert [then["senders"][0][key] for key in ("line", "address", "change", "servers")] == ["L0001", LINE4, "lost", ["outside"]], then
        assert "L0001" in s.cli("gate", "replay", "--at", "2031-04-02")
        s.cli("gate", "exempt", "add", LINE4, "--owner", "t", "--reason", "a server", "--class", "static", "--for", "1h")
        assert s.json("gate", "replay", "--at", "2031-04-02")["lost"] == 1, "the exemption is over by then"
        other = s.folder / "other.toml"
        other.write_text(s.config.read_text().replace('stage = "observe"', 'stage = "enforce"'))
        assert s.json("gate", "replay", "--policy", str(other))["lost"] == 0, "exempt"
        s.cli("gate", "exempt", "revoke", "1", "--reason", "over")
        assert s.json("gate", "replay", "--policy", str(other))["lost"] == 1
        log = s.folder / "flows.csv"
        log.write_text(f"ts,sa,da,dp,ipkt\n2026-11-24 09:00:00,{LINE4},{SERVER4},25,7\n2026-11-24 09:00:00,{STATIC4},{SERVER4},25,1\nwrong,row\n")
        seen = s.json("gate", "replay", "--flows", str(log), "--at", "2031-04-02", "--all")
        assert [(one["address"], one["lost"], one["passes"]) for one in seen["senders"]] == [(LINE4, 7, 0), (STATIC4, 0, 1)], seen
        assert seen["left_out"] == 1 and "flows.csv:4" in seen["faults"][0], seen
        for expected, words in (
            ("no time", ["--at", "tomorrow"]),
            ("no time", ["--since", "long"]),
            ("nowhere.csv", ["--flows", str(s.folder / "nowhere.csv")]),
            ("nowhere.toml", ["--policy", str(s.folder / "nowhere.toml")]),
        ):
            out = s.cli("gate", "replay", *words, code=None)
            assert expected in out, (expected, out)
        log.write_text("a,b\n1,2\n")
        assert "no columns" in s.cli("gate", "replay", "--flows", str(log), code=2)


needs_root()
main([by_the_plan_and_by_another_file])
