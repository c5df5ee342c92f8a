"""The real `sekisho mail` on a disk that fails at one operation after the other: what was answered 250 arrives or comes back.

    python3 tests/crash/fault_test.py [--binary FILE] [--disk FILE]        some forty points, for everyone
    python3 tests/crash/fault_test.py --all [--rounds N] [--seconds S]     every point in every way, then by chance; by hand

A round: a server with an empty spool, real submissions, a real destination that takes, refuses and puts off; at a drawn
operation on the spool or the mailboxes the process is killed, loses power or gets an error (fault_disk.c says how). Then it
starts again, in some rounds to be struck once more, and drains. Accepted is delivered or returned, intact; twice only what was
in delivery when it died; what was refused stays away when nothing crashed. `--seed` and `--only` repeat a round.
"""
import argparse
import concurrent.futures
import os
import random
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import harness  # noqa: E402
from fault_round import Plan, Round, Template, found_out, operations  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
LOSSES = ("kept", "all", "some")
KILLS = [f"{kind}:{loss}" for kind in ("before", "after", "torn") for loss in LOSSES]
ERRORS = ["short", "eintr", "eio", "enospc"]
COLUMNS = ("rounds", "struck", "accepted", "delivered", "returned", "refused", "in doubt", "twice", "lost", "wrong")


def options():
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--binary", default=str(ROOT / "build/asan/src/sekisho"))
    asked.add_argument("--disk", default=str(ROOT / "build/asan/tests/fault_disk.so"))
    asked.add_argument("--all", action="store_true", help="the long form")
    asked.add_argument("--rounds", type=int, help="stop after so many")
    asked.add_argument("--seconds", type=float, default=float("inf"), help="begin no round after so long")
    asked.add_argument("--seed", type=int, default=25)
    asked.add_argument("--jobs", type=int, default=5, help="rounds at a time: they mostly wait")
    asked.add_argument("--only", help="one round, as a failure prints it: PLAN[;PLAN of the second start]")
    return asked.parse_args()


def one(way, number, chance, again=None):
    kind, _, loss = way.partition(":")
    plan = f"{kind}:{number}" + (f":{loss}" if loss else "")
    return Plan(way, plan, again or "", chance.randrange(1 << 30))


def spread(count, total, chance):
    """Each way about equally often, over the whole run."""
    ways = KILLS + ERRORS
    for at in range(count):
        yield one(ways[at % len(ways)], 1 + (at * total + chance.randrange(total)) // count, chance)


def every(total, chance):
    plans = [one(way, number, chance) for way in KILLS + ERRORS for number in range(1, total + 1)]
    chance.shuffle(plans)
    yield from plans
    yield from combined(total, chance)


def combined(total, chance):
    """Errors that last, a flush that fails before power is lost, and a second fault while it opens again."""
    while True:
        number = 1 + chance.randrange(total)
        way = chance.choice(["lasting errors", "flush failed, then power lost", "struck again"])
        if way == "lasting errors":
            kind = chance.choice(("eio", "enospc"))
            yield Plan(way, ",".join(f"{kind}:{number + i}" for i in range(chance.randrange(2, 7))), "", chance.randrange(1 << 30))
        elif way == "struck again":
            first = one(chance.choice(KILLS), number, chance)
            kind, _, loss = chance.choice(KILLS + ERRORS).partition(":")
            yield Plan(way, first.first, f"{kind}:{1 + chance.randrange(25)}" + (f":{loss}" if loss else ""), first.seed)
        else:
            later = number + 1 + chance.randrange(12)
            yield Plan(way, f"eio:{number},before:{later}:{chance.choice(('all', 'some'))}", "", chance.randrange(1 << 30))


def table(sums):
    rows = [("way", *COLUMNS)] + [(way, *(str(count[name]) for name in COLUMNS)) for way, count in sorted(sums.items())]
    total = Counter()
    for count in sums.values():
        total.update(count)
    rows.append(("all", *(str(total[name]) for name in COLUMNS)))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print(row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:])), flush=True)
    return total


def play(template, disk, plan):
    """A round; once more when somebody took one of its ports meanwhile."""
    for _ in range(5):
        result = Round(template, disk, plan).run()
        if not any("Address already in use" in fault for fault in result.faults):
            break
    return result


def run(plans, asked, template):
    """Some rounds at a time; the counts by way, and the number of rounds that broke a promise."""
    sums, broken, end = {}, 0, time.monotonic() + asked.seconds
    with concurrent.futures.ThreadPoolExecutor(asked.jobs) as pool:
        waiting = set()
        for number, plan in enumerate(plans):
            if number == asked.rounds or time.monotonic() > end:
                break
            waiting.add(pool.submit(play, template, asked.disk, plan))
            if len(waiting) >= asked.jobs:
                done, waiting = concurrent.futures.wait(waiting, return_when=concurrent.futures.FIRST_COMPLETED)
                broken += sum(take(one.result(), sums) for one in done)
        broken += sum(take(one.result(), sums) for one in waiting)
    return sums, broken


def take(result, sums):
    sums.setdefault(result.plan.way, Counter()).update(result.counts)
    done = sum(count["rounds"] for count in sums.values())
    if done % 250 == 0:
        print(f"{done} rounds, lost so far: {sum(count['lost'] for count in sums.values())}", flush=True)
    for fault in result.faults:
        print(f"BROKEN --only '{result.plan.first};{result.plan.again}' --seed {result.plan.seed} ({result.struck}): {fault}", flush=True)
    return bool(result.faults)


def main():
    asked = options()
    harness.BINARY = Path(asked.binary).resolve()
    asked.disk = str(Path(asked.disk).resolve())
    with Template() as template:
        if asked.only:
            first, _, again = asked.only.partition(";")
            sums, broken = run([Plan("this", first, again, asked.seed)], asked, template)
        else:
            total, unseen = operations(template, asked.disk)
            print(f"{total} operations in a run; seen by fault_disk: {'all' if not unseen else 'NOT ' + ', '.join(unseen)}", flush=True)
            chance = random.Random(asked.seed)
            plans = every(total, chance) if asked.all else spread(asked.rounds or 40, total, chance)
            sums, broken = run(plans, asked, template)
            if not found_out(template, asked.disk, total):
                unseen.append("flushes that lie")
                print("a disk whose flushes do nothing isn't found out")
            broken += bool(unseen)
    total = table(sums)
    enough = asked.only or (total["struck"] * 2 > total["rounds"] and total["accepted"] and total["delivered"] and total["returned"])
    print(f"{total['rounds'] - broken} passed, {broken} failed" + ("" if enough else "; too few were struck for a proof"))
    sys.exit(0 if enough and not broken else 1)


if __name__ == "__main__":
    os.environ.pop("LD_PRELOAD", None)
    main()
