"""/metrics of a running system: every line is valid, and the gate's counters have their labels; `gate events` follows."""
import json
import re
import shutil
import subprocess
import urllib.request
from pathlib import Path

from border import CLASSES, LINE4, LINE6, SERVER4, SERVER6, Border, needs_root
from harness import BINARY, Sekisho, main, wait_for

GATE = 'engine = "xdp"\ninterfaces = ["in0", "out0"]'
NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? (\S+)$")


def samples(text):
    """Prometheus' text format, version 0.0.4, taken strictly: {(name, labels): value}."""
    assert text.endswith("\n")
    types, helped, out, family = {}, set(), {}, None
    for line in text.splitlines():
        if line.startswith("# HELP "):
            family = line.split(" ", 3)[2]
            assert re.fullmatch(NAME, family) and family not in helped, line
            helped.add(family)
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name == family and name not in types and kind in ("counter", "gauge", "histogram"), line
            assert (kind == "counter") == name.endswith("_total"), line
            types[name] = kind
        else:
            found = SAMPLE.match(line)
            assert found, line
            name, labels, value = found.groups()
            of = re.sub("_(bucket|sum|count)$", "", name) if types.get(family) == "histogram" else name
            assert of == family and family in types, f"outside of its family: {line}"
            pairs = re.findall(LABEL, labels or "")
            keys = [p.split("=", 1)[0] for p in pairs]
            assert len(set(keys)) == len(keys), line
            key = (name, frozenset(pairs))
            assert key not in out, f"twice: {line}"
            out[key] = float(value)
    return out


def promtool(text):
    """Prometheus' own opinion, where it is installed."""
    if shutil.which("promtool"):
        done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr


def refused(border, source, server):
    try:
        border.connect(source, server).close()
        raise AssertionError("not refused")
    except ConnectionRefusedError:
        pass


def scrape(s):
    text = urllib.request.urlopen(f"http://127.0.0.1:{s.http}/metrics", timeout=20).read().decode()
    promtool(text)
    return samples(text)


def value(all_samples, name, **labels):
    wanted = {f'{key}="{text}"' for key, text in labels.items()}
    found = [v for (n, l), v in all_samples.items() if n == name and wanted <= l]
    assert len(found) == 1, (name, labels, found)
    return found[0]


def scraped():
    with Border() as border, Sekisho(classes=CLASSES % "refuse", gate=GATE, gate_inside=border.router) as s:
        s.account()
        s.start("gate", "mail", "desk")
        border.warm()
        for _ in range(3):
            refused(border, LINE4, SERVER4)
        refused(border, LINE6, SERVER6)
        wait_for("the totals", lambda: s.json("gate", "status")["lines"]["blocked_packets_total"] == 4)
        found = scrape(s)
        rule = {"rule": "op25b", "action": "refuse", "done": "refuse", "stage": "enforce", "engine": "xdp"}
        assert value(found, "sekisho_gate_rule_packets_total", direction="to_port25", **rule) == 4
        assert value(found, "sekisho_gate_rule_bytes_total", direction="to_port25", **rule) > 4 * 54
        assert value(found, "sekisho_gate_rule_packets_total", direction="from_port25", **rule) == 0
        unnamed = value(found, "sekisho_gate_rule_packets_total", direction="to_port25", rule="_none")
        assert unnamed >= 3, "the connection of the fixed address"
        client = {"direction": "to_port25", "engine": "xdp"}
        assert value(found, "sekisho_gate_client_packets_total", **{"class": "subscribers"}, **client) == 4
        assert value(found, "sekisho_gate_client_packets_total", **{"class": "static"}, **client) == unnamed
        assert value(found, "sekisho_gate_lines_blocked_packets_total") == 4
        assert value(found, "sekisho_gate_events_lost_total", by="engine") == 0
        assert value(found, "sekisho_gate_interface_attached", interface="in0") == 1
        assert value(found, "sekisho_gate_leases", kind="exemption") == 0
        assert value(found, "sekisho_gate_answer_answered_total") == 0
        assert value(found, "sekisho_up", role="mail") == 1
        refused(border, LINE4, SERVER4)
        assert value(scrape(s), "sekisho_gate_rule_packets_total", direction="to_port25", **rule) == 5
        assert SERVER4 not in s.cli("gate", "top", "--exact")


def followed():
    with Border() as border, Sekisho(classes=CLASSES % "refuse", gate=GATE, gate_inside=border.router) as s:
        s.start("gate")
        command = [BINARY, "--config", s.config, "--json", "gate", "events", "--follow", "--rule", "op25b"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as following:
            try:
                refused(border, LINE4, SERVER4)
                one = json.loads(following.stdout.readline())
                assert one["kind"] == "gate-blocked" and one["address"] == LINE4, one
                refused(border, LINE6, SERVER6)
                assert json.loads(following.stdout.readline())["address"] == LINE6
            finally:
                following.terminate()
        started = s.json("gate", "events", "--kind", "policy-changed")
        assert "the gate has started" in started[0]["detail"], started
        assert len(s.json("gate", "events", "--class", "outside")) == 2
        assert s.json("gate", "events", "--class", "static") == []
        assert "the gate has no kind" in s.cli("gate", "events", "--kind", "delivered", code=2)


def documented():
    """Of what a running system says, everything stands in the document with its type and labels; and the alarms are sound."""
    root = Path(__file__).resolve().parent.parent.parent
    table = {}
    for line in (root / "docs/metrics.md").read_text().splitlines():
        cells = [c.strip() for c in line.split("|")[1:-1]]
        if len(cells) == 4 and cells[0].startswith("`sekisho_"):
            table[cells[0].strip("`")] = (cells[1], set(re.findall(r"`(\w+)`", cells[2])), cells[3])
    # A milter that is never there, for its numbers.
    milter = '[[milter]]\nname = "away"\nsocket = "unix:/nowhere/milter.sock"\naway = "accept"\n'
    with Border() as border, Sekisho(extra=milter, classes=CLASSES % "refuse", gate=GATE, gate_inside=border.router) as s:
        login = s.account()
        s.start("gate", "mail", "desk")
        session = s.submit(login)
        session.sendmail(login, [login], "Subject: x\r\n\r\nx\r\n")
        session.quit()
        wait_for("the event", lambda: s.json("events", "--kind", "delivered"))
        text = urllib.request.urlopen(f"http://127.0.0.1:{s.http}/metrics", timeout=20).read().decode()
        seen = set()
        for name, labels in samples(text):
            of = re.sub("_(bucket|sum|count)$", "", name)
            name = of if table.get(of, ("",))[0] == "histogram" else name
            kind, known, _ = table[name]
            plain = "counter" if name.endswith("_total") else "gauge"
            assert kind == plain or kind == "histogram" and name.endswith("_seconds"), name
            assert {one.split("=")[0] for one in labels} - {"le"} <= known, (name, labels)
            seen.add(name)
        for line in text.splitlines():
            if line.startswith("# HELP "):
                _, _, name, meaning = line.split(" ", 3)
                assert meaning == table[name][2], line
        missing = set(table) - seen
        assert not missing, f"documented, and nothing says it: {missing}"
        top = s.json("top", "--window", "1h")
        assert top["roles"] == {"gate": True, "mail": True} and top["events"]["delivered"] == 1, top
        assert "DEFERRED OR RETURNED" in s.cli("top", "--once") and "is a duration" in s.cli("top", "--window", "x", code=2)
    if shutil.which("promtool"):
        done = subprocess.run(["promtool", "check", "rules", root / "packaging/prometheus/alerts.yml"], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr


needs_root()
main([scraped, followed, documented])
