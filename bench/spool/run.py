"""./dev bench spool: what keeps messages durably, ours and others in turn, round after round, on the same disk; also with flushes that take longer."""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "mail"))
import figures  # noqa: E402
from cases import machine  # noqa: E402
from world import ROOT  # noqa: E402

OURS, SIZE = "Sekisho", 10_240
SHOWN = ("rate", "cpu_ms", "p50_ms", "p99_ms")


def options():
    asked = argparse.ArgumentParser(prog="./dev bench spool", description=__doc__)
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--writers", type=int, nargs="*", default=[1, 16, 64], help="the target is set for 64")
    asked.add_argument("--messages", type=int, default=20_000, help="of 10 KB in each run; a tenth where a flush takes long")
    asked.add_argument("--flush-ms", type=int, default=2, help="then once more with flushes that take so much longer; 0: not")
    asked.add_argument("--engines", default="", help="names, with commas; all by default")
    asked.add_argument("--build", default=str(ROOT / "build" / "release"))
    asked.add_argument("--state", default=None, help="a folder on the disk that is measured")
    asked.add_argument("--json", action="store_true", help="write bench/results/spool.json and spool-flushNms.json")
    return asked.parse_args()


class Bench:
    def __init__(self, asked):
        self.asked, self.facts_of = asked, {}
        self.program = Path(asked.build) / "bench" / "spool" / "bench_spool"
        there = subprocess.run([self.program, "list"], check=True, capture_output=True, text=True).stdout.splitlines()
        wanted = [one for one in asked.engines.split(",") if one]
        self.engines = [one for one in there if not wanted or one in wanted]
        self.absent = {one: "this build is without its library" for one in ("LMDB", "RocksDB") if one not in there}

    def one(self, engine, writers, messages, flush_ms):
        folder = tempfile.mkdtemp(prefix="sekisho-bench-spool-", dir=self.asked.state or ROOT / "build")
        extra = {"LD_PRELOAD": str(Path(self.asked.build) / "bench/mail/bench_slow_flush.so"), "SEKISHO_FLUSH_MS": str(flush_ms)} if flush_ms else {}
        try:
            done = subprocess.run([self.program, engine, folder, str(writers), str(messages), str(SIZE)],
                                  capture_output=True, text=True, env={**os.environ, **extra}, timeout=600)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        if done.returncode != 0:
            return {"failure": (done.stderr or done.stdout).strip()[:300]}
        told = json.loads(done.stdout)
        self.facts_of[engine] = told.pop("facts", "")
        return told

    def rounds(self, writers, messages, flush_ms):
        made = []
        for number in range(self.asked.rounds):
            made.append({engine: self.one(engine, writers, messages, flush_ms) for engine in self.engines})
            for engine, got in made[-1].items():
                print(f"  {writers:3} writers, round {number + 1} {engine:<11} " + (got.get("failure") or
                      f"{got['rate']:9.0f} msg/s  {got['cpu_ms'] * 1e3:7.1f} us CPU each  p50 {got['p50_ms']:7.2f} ms  p99 {got['p99_ms']:7.2f} ms"), flush=True)
        return made


def case(writers):
    return "spool" if writers == 64 else f"spool-{writers}"


def run(bench, flush_ms, date):
    asked, rows, raw = bench.asked, [], {}
    messages = max(asked.messages // 10, 1) if flush_ms else asked.messages
    print(f"{messages} messages of {SIZE} bytes" + (f", each flush {flush_ms} ms longer" if flush_ms else ""))
    for writers in asked.writers:
        # One writer waits for each flush: fewer messages tell as much.
        raw[case(writers)] = bench.rounds(writers, messages if writers > 1 else max(messages // 4, 1), flush_ms)
        peers = [one for one in bench.engines if one not in (OURS, figures.CEILING)]
        facts = {**machine(), "flush_ms_added": flush_ms}
        rows += figures.rows(case(writers), raw[case(writers)], OURS, peers, bench.facts_of, facts, date, SHOWN)
    for row in rows:
        if row["target"] is not None:
            print(f"  {row['case']} {row['metric']}: {row['ours']:.0f}, {row['target_text']} = {row['target']:.0f}: {'met' if row['met'] else 'MISSED'}")
    if asked.json:
        name = f"spool-flush{flush_ms}ms" if flush_ms else "spool"
        results = ROOT / "bench" / "results"
        results.mkdir(exist_ok=True)
        (results / f"{name}.json").write_text(json.dumps(rows, indent=1) + "\n")
        (results / f"{name}-rounds.json").write_text(json.dumps(
            {"rounds": raw, "settings": {f"{one} (spool)": text for one, text in bench.facts_of.items()}, "absent": bench.absent}, indent=1) + "\n")
        print(f"bench/results/{name}.json")


def main():
    bench, date = Bench(options()), time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    for one, why in bench.absent.items():
        print(f"without {one}: {why}")
    run(bench, 0, date)
    if bench.asked.flush_ms:
        run(bench, bench.asked.flush_ms, date)
    if OURS in bench.engines:
        drained = bench.one("drain", 64, bench.asked.messages, 0)
        print("  taken, read and finished: " + (drained.get("failure") or f"{drained['rate']:.0f} msg/s, {drained['cpu_ms'] * 1e3:.1f} us CPU each"))


if __name__ == "__main__":
    main()
