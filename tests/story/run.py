#!/usr/bin/env python3
"""Walks the founding page's sentences S1 to S18, and what has grown since (S19 and later), in network namespaces.

usage: python3 tests/story/run.py --sekisho PATH [--only S5,S7] [--keep] [--out DIR]
"""

import argparse
import fcntl
import importlib
import json
import os
import shutil
import signal
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

import clients  # noqa: E402
import story as page  # noqa: E402
import world as lab  # noqa: E402
from outsiders import Outsiders  # noqa: E402
from peers.lib import netns  # noqa: E402
from peers.lib.proc import Failed, Processes  # noqa: E402
from provider import Provider  # noqa: E402

_SENTENCES = 18  # of the founding page; later rows are what has grown since
SCRATCH = "/tmp/sekisho-story"
LOCK = "/run/lock/sekisho-story"
_BOUND_S = 600


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sekisho", required=True, help="the sekisho binary")
    parser.add_argument("--only", default="", help="rows to walk, as S5,S7")
    parser.add_argument("--keep", action="store_true", help="leave the world standing until Ctrl-C")
    parser.add_argument("--out", default=os.path.join(HERE, "..", "..", "var", "story"), help="report and pictures")
    return parser.parse_args()


class OutOfTime(Exception):
    pass


def bound(_signal, _frame):
    raise OutOfTime(f"the story took more than {_BOUND_S} s")


def stop(_signal, _frame):
    raise KeyboardInterrupt


def rows(only):
    for module in ("outbound", "guide", "submission", "inbound", "support", "identity", "strangers", "service"):
        importlib.import_module(f"rows.{module}")
    wanted = {name.strip().upper() for name in only.split(",") if name.strip()}
    chosen = sorted(page.ROWS, key=lambda row: int(row.id[1:]))
    unknown = wanted - {row.id for row in chosen}
    if unknown:
        raise Failed(f"no such row: {', '.join(sorted(unknown))}")
    return [row for row in chosen if not wanted or row.id in wanted]


def clear(out):
    """Makes room for this run's report; touches nothing that a run did not write."""
    os.makedirs(out, exist_ok=True)
    shutil.rmtree(os.path.join(out, "log"), ignore_errors=True)
    for name in os.listdir(out):
        if name == "report.json" or (name.startswith("S") and name.endswith(".png")):
            os.unlink(os.path.join(out, name))


def note(text):
    print(f"      {text}", flush=True)


def build(processes, binary, out):
    """The whole world with every rule in stage observe, the 'before' picture taken, then enforced."""
    start = time.monotonic()
    world = lab.World()
    world.build()
    outsiders = Outsiders(processes, os.path.join(SCRATCH, "peers"))
    outsiders.start()
    note(f"world: {len(lab.names.NAMESPACES)} namespaces, signed DNS, 4 Postfix  ({time.monotonic() - start:.1f} s)")
    provider = Provider(processes, binary, os.path.join(SCRATCH, "provider"), outsiders)
    provider.start()
    outsiders.sessions()
    told = page.Story(world, processes, outsiders, provider, out, SCRATCH)
    told.walk_before()
    told.before["status"] = provider.status()
    told.before["would-block"] = provider.wait_events(
        "would-block flows of three lines",
        lambda events: len({e.get("line") for e in events if e.get("line")}) >= 3,
        *("--kind", "gate-would-block", "--limit", "1000"),
    )
    provider.enforce()
    note(f"gate: observed, then enforced  ({time.monotonic() - start:.1f} s)")
    return told


def head(row, report):
    """Says once where the page's sentences end."""
    since = [one for one in report if one["since_the_page"]]
    if int(row.id[1:]) > _SENTENCES and not since:
        print("---- what has grown since the founding page", flush=True)


def walk(told, row, report):
    start = time.monotonic()
    try:
        evidence, passed = row.walk(told), True
    except (OutOfTime, KeyboardInterrupt):
        raise
    except Failed as failed:
        evidence, passed = [str(failed)], False
    except Exception:
        evidence, passed = [traceback.format_exc().strip()], False
    print(f"{row.id:<4}  {'PASS' if passed else 'FAIL'}  {row.says}", flush=True)
    for line in evidence:
        for part in str(line).splitlines() or [""]:
            note(f"      {part}")
    seconds = round(time.monotonic() - start, 1)
    since = int(row.id[1:]) > _SENTENCES
    report.append(
        {"id": row.id, "says": row.says, "since_the_page": since, "passed": passed, "evidence": evidence, "seconds": seconds}
    )


def tell(args, out, report):
    """Builds, walks the chosen rows into report, and takes everything down again."""
    chosen = rows(args.only)
    processes = Processes(os.path.join(out, "log"))
    try:
        told = build(processes, os.path.abspath(args.sekisho), out)
        for row in chosen:
            head(row, report)
            walk(told, row, report)
        signal.alarm(0)
        if args.keep:
            note("the world stands; Ctrl-C takes it down")
            signal.pause()
    finally:
        signal.alarm(0)
        # A second Ctrl-C must not leave half a world behind.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        try:
            processes.stop_all()
        finally:
            lab.remove()
            shutil.rmtree(SCRATCH, ignore_errors=True)


def main():
    args = arguments()
    if not netns.have_root():
        print("story: it needs root for its network namespaces")
        print(f"0 passed, 0 failed, {len(rows(args.only))} skipped")
        return 0
    missing = clients.require_programs()
    if missing or not os.access(args.sekisho, os.X_OK):
        print(f"story: missing: {', '.join(missing) or args.sekisho}")
        return 2
    with open(LOCK, "w") as lock:
        # The namespaces' names are the same for every run, so runs go one after the other.
        fcntl.flock(lock, fcntl.LOCK_EX)
        out = os.path.abspath(args.out)
        clear(out)
        lab.fresh_directory(SCRATCH)
        lab.remove()
        clients.install_node_packages()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, stop)
        signal.signal(signal.SIGALRM, bound)
        signal.alarm(_BOUND_S)
        report, trouble = [], ""
        try:
            tell(args, out, report)
        except KeyboardInterrupt:
            trouble = "" if args.keep and report else "interrupted"
        except (Failed, OutOfTime) as failed:
            trouble = str(failed)
        failed = [row for row in report if not row["passed"]]
        with open(os.path.join(out, "report.json"), "w") as file:
            json.dump({"rows": report, "trouble": trouble}, file, indent=1, ensure_ascii=False)
        if trouble:
            print(f"story: {trouble}")
        print(f"{len(report) - len(failed)} passed, {len(failed)} failed    {out}")
        return 1 if failed or trouble or not report else 0


if __name__ == "__main__":
    sys.exit(main())
