"""./dev bench mail [CASE...]: ours and the peers in turn, several rounds; prints, and with --json writes bench/results/NAME.json."""
import argparse
import json
import re
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import cases  # noqa: E402
import figures  # noqa: E402
import peers  # noqa: E402
import queue_cases  # noqa: E402
from servers import ACCOUNTS, Ceiling, Ours, count_syncs  # noqa: E402
from world import ROOT, Skip, World  # noqa: E402

SERVED = "ABCDFG"  # by the same servers, in turn
IDLE = {"Sekisho": 10_000, "do-nothing": 10_000, "Haraka": 10_000, "Exim tuned": 1000, "Postfix tuned": 150}


def options():
    asked = argparse.ArgumentParser(prog="./dev bench mail", description=__doc__)
    asked.add_argument("cases", nargs="*", metavar="CASE", help=f"of {' '.join([*cases.CASES, 'E', *queue_cases.CASES])}; all by default")
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--seconds", type=float, default=2.0, help="of load in each run")
    asked.add_argument("--patience", type=float, default=8.0, help="seconds that the destination is waited for after each run")
    asked.add_argument("--peers", default="", help="names, with commas; all by default")
    asked.add_argument("--scale", type=float, default=1.0, help="of the queues and accounts of H, I and M; 1: the sizes of the default run")
    asked.add_argument("--build", default=str(ROOT / "build" / "release"))
    asked.add_argument("--state", default=None, help="where the servers' folders are made: the disk that is measured")
    asked.add_argument("--flush-ms", type=int, default=0, help="each fsync and fdatasync of a server takes so much longer, as on a slower disk")
    asked.add_argument("--json", action="store_true", help="write bench/results/NAME.json")
    asked.add_argument("--name", default="", help="NAME; mail, or the case")
    got = asked.parse_args()
    got.cases = [one.upper() for one in got.cases] or [*"ABCDEFG", *queue_cases.CASES]
    wrong = [one for one in got.cases if one not in cases.CASES and one != "E" and one not in queue_cases.CASES]
    if wrong:
        asked.error(f"no case {' '.join(wrong)}")
    got.name = got.name or (got.cases[0] if len(got.cases) == 1 else "mail") + (f"-flush{got.flush_ms}ms" if got.flush_ms else "")
    return got


def say(text):
    print(text, flush=True)


class Bench:
    def __init__(self, asked):
        self.asked, self.world = asked, World(asked.build, asked.state, asked.flush_ms)
        self.servers, self.absent, self.durable, self.raw, self.first_logins = [], {}, {}, {}, {}
        self.facts, self.date = {**cases.machine(), "flush_ms_added": asked.flush_ms}, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())

    def kinds(self):
        wanted = [name.strip().lower() for name in self.asked.peers.split(",") if name.strip()]
        return [Ours, *[kind for kind in peers.PEERS if not wanted or kind.name.lower() in wanted], Ceiling]

    def begin(self):
        for kind in self.kinds():
            server = kind(self.world)
            try:
                self.servers.append(server.start())
                say(f"  {server.name} {server.version()}: {server.settings}")
            except (Skip, OSError) as why:
                self.absent[kind.name] = str(why).split("\n")[0]
                say(f"  {kind.name} is left out: {why}\n{server.tail()}")
        if not any(server.ours for server in self.servers):
            raise SystemExit("ours did not start")

    def peers(self):
        return [server.name for server in self.servers if not server.ours and server.keeps]

    def warm(self):
        """Each account logs in once, so that no case has the first hash of a password in its figures; what that cost is told."""
        for server in self.servers:
            if not (server.tls and server.keeps):
                continue
            try:
                before = server.group.cpu_seconds()
                told, run, ids = cases.load(self.world, server, "--messages", ACCOUNTS, "--connections", 4, secure=True)
                cases.drain(server, run, told["acknowledged"], self.asked.patience)
                ids.unlink(missing_ok=True)
                spent = (server.group.cpu_seconds() - before) * 1e3 / max(told["acknowledged"], 1)
                self.first_logins[server.name] = spent
                say(f"  {server.name}: {spent:.1f} ms CPU a message while {ACCOUNTS} accounts log in for the first time")
            except Exception as why:  # told, and met again in the cases
                say(f"  {server.name}: {why}")

    def syncs(self):
        """A short run of its own, under strace, tells what each server asks of the disk."""
        for server in self.servers:
            if not server.keeps:
                self.durable[server.name] = server.durability
                continue
            try:
                def send(server=server):
                    told, run, _ = cases.load(self.world, server, "--messages", 200, "--connections", min(20, server.connections_most), "--per-connection", 10)
                    cases.drain(server, run, told["acknowledged"], self.asked.patience)
                    return max(told["acknowledged"], 1)
                calls = count_syncs(server, send)
                counted = ", ".join(f"{count:.2f} {name}" for name, count in sorted(calls.items())) or "no call"
                self.durable[server.name] = f"{server.durability + '; ' if server.durability else ''}{counted} a message, {min(20, server.connections_most)} clients"
            except Skip as why:
                self.durable[server.name] = f"{server.durability} (not counted: {why})"
            say(f"  {server.name}: {self.durable[server.name]}")

    def run(self, case):
        """All rounds of a case: [{server: what was measured}]."""
        rounds = []
        for number in range(self.asked.rounds):
            one = {}
            for server in self.servers:
                if case.secure and not server.tls:
                    continue
                try:
                    got = cases.measure(self.world, server, case, self.asked.seconds, self.asked.patience)
                except Exception as why:  # one that fails is told; the others go on
                    got = {"failure": str(why)[:300]}
                one[server.name] = got
                say(f"  {case.key} round {number + 1} {server.name:<14} {line(got)}")
            rounds.append(one)
        return rounds

    def idle(self):
        """Case E once each, on fresh servers: their memory doesn't shrink again."""
        one = {}
        for kind in self.kinds():
            if kind.name not in IDLE or kind.name in self.absent:
                continue
            server = kind(self.world)
            try:
                server.start()
                one[server.name] = cases.idle(self.world, server, IDLE[kind.name], 60)
            except Exception as why:
                one[server.name] = {"failure": str(why)[:300]}
            finally:
                server.stop()
            say(f"  E {server.name:<14} {line(one[server.name])}")
        return [one]

    def end(self):
        for server in self.servers:
            server.stop()
        self.servers = []


def line(got):
    """What was measured, on one line."""
    shown = []
    for name, value in got.items():
        if value in (None, "", 0, 0.0) and name not in ("accepted", "rate"):
            continue
        shown.append(f"{name} {value:.2f}" if isinstance(value, float) else f"{name} {value}")
    return ", ".join(shown)


def told(rows, absent):
    for row in rows:
        if row["target"] is None:
            continue
        verdict = "met" if row["met"] else "MISSED"
        against = f", {row['peer']} {row['peer_value']:.3f}" if row["peer_value"] is not None else ""
        limit = f", limit {row['limit']:.3f}" if row["limit"] is not None else ""
        say(f"  {row['case']} {row['metric']:<13} {row['ours']:10.3f} {row['unit']}; {row['target_text']} = {row['target']:.3f}: {verdict}{against}{limit}")
    for name, why in absent.items():
        say(f"  without {name}: {why}")


def main():
    asked = options()
    bench, rows = Bench(asked), []
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))

    def keep(more):
        """What is measured is written at once: an end in the middle loses the case it fell in, no other."""
        rows.extend(more)
        if asked.json:
            written(asked.name, rows, bench)

    began = time.monotonic()
    try:
        served = [one for one in asked.cases if one in SERVED]
        if served:
            say("servers")
            bench.begin()
            say("first logins")
            bench.warm()
            say("calls for stable storage")
            bench.syncs()
            for key in served:
                say(f"{key}: {cases.CASES[key].title}")
                bench.raw[key] = bench.run(cases.CASES[key])
                keep(figures.rows(key, bench.raw[key], Ours.name, bench.peers(), bench.durable, bench.facts, bench.date))
            known = bench.peers()
            bench.end()
        else:
            known = [kind.name for kind in peers.PEERS]
        if "E" in asked.cases:
            say("E: idle TLS connections, memory each")
            bench.raw["E"] = bench.idle()
            keep(figures.rows("E", bench.raw["E"], Ours.name, known, bench.durable, bench.facts, bench.date))
        for key in [one for one in asked.cases if one in queue_cases.CASES]:
            say(f"{key}: {queue_cases.CASES[key].__doc__.splitlines()[0]}")
            try:
                bench.raw[key], more = queue_cases.CASES[key](bench, say)
                keep(more)
            except Skip as why:
                bench.absent[f"case {key}"] = str(why).split("\n")[0]
    finally:
        bench.end()
        bench.world.close()
    say(f"targets ({time.monotonic() - began:.0f} s)")
    told(rows, bench.absent)
    if asked.json:
        say(f"bench/results/{asked.name}.json")


def written(name, rows, bench):
    results = ROOT / "bench" / "results"
    results.mkdir(exist_ok=True)
    safe = re.sub(r"[^A-Za-z0-9_-]", "-", name)
    (results / f"{safe}.json").write_text(json.dumps(rows, indent=1) + "\n")
    settings = {kind.name: kind.settings for kind in bench.kinds()}
    (results / f"{safe}-rounds.json").write_text(json.dumps(
        {"rounds": bench.raw, "settings": settings, "absent": bench.absent, "durable": bench.durable, "seconds": bench.asked.seconds, "first_login_cpu_ms": bench.first_logins}, indent=1) + "\n")


if __name__ == "__main__":
    main()
