"""Cases of ours alone: interactive senders beside a bulk sender, long queues, and ten times as much of everything."""
import statistics
import subprocess
import time

import cases
import figures
from servers import ACCOUNTS, PASSWORD, USERS, Ours
from world import Sink, free_ports

BULK = 10_000    # messages that wait in H; times --scale (10: the 100,000 of the claim)
QUEUE = 100_000  # longest queue of I; times --scale (10: a million)
SMALL = 1024     # octets of a message where the number counts


def own(bench, name, **attributes):
    """One of ours with a folder of its own, and what is different in it."""
    kind = type("Ours", (Ours,), {"name": name, **attributes})
    return kind(bench.world)


def rows(bench, key, rounds):
    return figures.rows(key, rounds, Ours.name, [], {Ours.name: "as in the cases before: every message durable before 250"}, bench.facts, bench.date)


def interactive(bench, server, seconds):
    """Twenty messages a second of five people, each over a new connection with TLS and AUTH; latency counts from when each was due."""
    told, run, _ = cases.load(bench.world, server, "--seconds", seconds, "--rate", 20, "--connections", 5, "--per-connection", 1, "--size", 10 * 1024, secure=True)
    unique, doubles, _ = cases.drain(server, run, told["acknowledged"], 10)
    return {"p50_ms": told["latency_ms"]["p50"], "p99_ms": told["latency_ms"]["p99"], "accepted": told["acknowledged"], "errors": told["errors"],
            "waiting": told["acknowledged"] - unique, "duplicates": doubles}


def bulk(world, server, *amount, background=False):
    """The bulk sender: one account, to the destination that tarpits."""
    command = [world.program("bench_load"), "--json", "--port", server.submission, "--tls", "starttls", "--auth", f"plain:{USERS % 0}:{PASSWORD}", "--from", USERS % 0,
               "--to", USERS, "--destinations", ACCOUNTS, "--connections", 10, "--per-connection", 1000, "--size", SMALL, *amount]
    words = [str(word) for word in command]
    return subprocess.Popen(words, stdout=subprocess.DEVNULL) if background else subprocess.run(words, capture_output=True, timeout=400)


def mixed(bench, say):
    """interactive senders, alone and beside a bulk sender whose destination tarpits"""
    slow = Sink(bench.world, "tarpit", "--tarpit", 1000)
    server = own(bench, "Sekisho H", inward=slow.port)
    made = []
    try:
        server.start()
        admitted(bench, server, 4 * ACCOUNTS)  # first logins
        waiting = int(BULK * bench.asked.scale)
        alone = [interactive(bench, server, 5) for _ in range(bench.asked.rounds)]
        bulk(bench.world, server, "--messages", waiting)
        for before in alone:
            sender = bulk(bench.world, server, "--seconds", 7, "--rate", 100, background=True)
            time.sleep(1)
            beside = interactive(bench, server, 5)
            sender.wait(60)
            one = {**beside, "alone_p99_ms": before["p99_ms"], "queued": waiting, "ratio_to_idle": beside["p99_ms"] / before["p99_ms"]}
            say(f"  H {one}")
            made.append({Ours.name: one})
    finally:
        server.stop()
        slow.stop()
    return made, rows(bench, "H", made)


def admitted(bench, server, count):
    """CPU and rate of `count` messages that nobody takes yet."""
    before = server.group.cpu_seconds()
    told, _, _ = cases.load(bench.world, server, "--messages", count, "--connections", 50, "--per-connection", 1000, "--size", SMALL, secure=True, timeout=580)
    return {"cpu_ms": (server.group.cpu_seconds() - before) * 1e3 / max(told["acknowledged"], 1), "rate": told["rate"], "accepted": told["acknowledged"],
            "p99_ms": (told["latency_ms"] or {}).get("p99")}


def long_queue(bench, say):
    """admission, memory and the delivery of other mail while a queue grows"""
    longest = int(QUEUE * bench.asked.scale)
    server = own(bench, "Sekisho I", outward=free_ports(1)[0], extra='[queue]\nretry = ["2h"]\nexpire = "5d"\n')
    steps, queued = [], 0
    try:
        server.start()
        admitted(bench, server, 4 * ACCOUNTS)  # first logins
        start = server.group.memory_kb()
        for target in (longest // 100, longest // 10, longest):
            got = admitted(bench, server, max(target - queued, 1000))
            queued += got["accepted"]
            told, run, _ = cases.load(bench.world, server, "--messages", 1000, "--connections", 20, "--per-connection", 100, "--size", SMALL)
            began = time.time()
            unique, _, last = cases.drain(server, run, told["acknowledged"], 30)
            steps.append({"queued": queued, **got, "kb_queued": (server.group.memory_kb() - start) / queued, "others_delivered": unique,
                          "others_waited_s": max(0.0, last - began)})
            say(f"  I {steps[-1]}")
    finally:
        server.stop()
    made = [{Ours.name: {"growth": steps[-1]["cpu_ms"] / steps[0]["cpu_ms"], "kb_queued": steps[-1]["kb_queued"], "steps": steps}}]
    return made, rows(bench, "I", made)


def policy(count):
    """So many classes, each with a prefix, and rules about them."""
    out = []
    for n in range(count):
        out.append(f'[[class]]\nname = "c{n}"\nprefixes = ["10.{n // 256}.{n % 256}.0/24"]\n[[rule]]\nname = "r{n}"\nfrom = "c{n}"\nto = "*"\naction = "pass"\n')
    return "".join(out)


GROWN = {
    "accounts": ({"others": 1000}, {"others": 10_000}, 1, 1),
    "rules": ({"extra": policy(6)}, {"extra": policy(60)}, 1, 1),
    "destinations": ({}, {}, 10, 100),
}


def growth(bench, say):
    """CPU a message with ten times as many accounts, rules, destinations"""
    made = [{Ours.name: {}} for _ in range(bench.asked.rounds)]
    for what, (little, much, few, many) in GROWN.items():
        pair = [own(bench, f"Sekisho M {what} 1x", **little), own(bench, f"Sekisho M {what} 10x", **much)]
        try:
            for server in pair:
                server.start()
                spent(bench, server, 200, 1)  # first logins
            ratios = []
            for one in made:
                small, large = (spent(bench, server, 2000, count) for server, count in zip(pair, (few, many)))
                ratios.append(large / small)
                one[Ours.name][what] = {"1x_cpu_ms": small, "10x_cpu_ms": large}
                one[Ours.name]["growth"] = max(one[Ours.name].get("growth", 0.0), large / small)
            say(f"  M {what}: 10x costs {statistics.median(ratios):.2f} of 1x ({min(ratios):.2f} to {max(ratios):.2f})")
        finally:
            for server in pair:
                server.stop()
    return made, rows(bench, "M", made)


def spent(bench, server, count, domains):
    """CPU a message, in ms, accepted and delivered."""
    before = server.group.cpu_seconds()
    to = "someone@else.example" if domains == 1 else "someone@d%d.example"
    told, run, _ = cases.load(bench.world, server, "--messages", count, "--connections", 20, "--per-connection", 50, "--size", SMALL,
                              "--destinations", domains, secure=True, to=to)
    cases.drain(server, run, told["acknowledged"], 20)
    return (server.group.cpu_seconds() - before) * 1e3 / max(told["acknowledged"], 1)


CASES = {"H": mixed, "I": long_queue, "M": growth}
