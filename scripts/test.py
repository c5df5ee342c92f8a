#!/usr/bin/env python3
"""Builds what the suites need and runs them; a line a suite, then 'N passed, N failed, N skipped'.

A suite is one of: lint (in a whole run behind the others), unit (ASan+UBSan), fuzz (seed corpora), kernel (BPF, namespaces), crash (kill -9),
peers (real daemons), e2e (the real binary), web (Chromium), kill (kill -9 sixty times),
faults (a disk that fails at an operation), story (S1-S27), gcc (g++ 12 with ASan; it is built behind the others).
`./dev test SUITE...` runs some.
"""
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "test-logs"
COUNTS = re.compile(r"^(?:\w+: )?(\d+) passed, (\d+) failed(?:, (\d+) skipped)?", re.M)


def run(name, command, timeout):
    """Runs a command with its output in a log; returns (exit code, output)."""
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"{name}.log"
    with log.open("w") as out:
        try:
            code = subprocess.run(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, timeout=timeout).returncode
        except subprocess.TimeoutExpired:
            out.write(f"\ntimed out after {timeout} s\n")
            code = 124
    return code, log.read_text(errors="replace")


# How each test of the presets that stand for all of them ended last, for scripts/conformance.py.
RESULTS = ROOT / "build" / "test-results.json"
ENDS = re.compile(r"Test +#\d+: (\S+) \.*\s*(?:\*\*\*)?(\w+)")


def remember(output):
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    RESULTS.write_text(json.dumps({**known, **dict(ENDS.findall(output))}, indent=1, sort_keys=True))


# g++ 12 is there for what it makes of coroutines: the rooms that have some, what they use, and their tests. In a whole run
# the mail room is built and its tests, which take longest, are left to `./dev test gcc`.
TARGETS = {"gcc": ["--target", "net_test", "delivery_test", "mail_test"]}
SHORT_TARGETS = {"gcc": ["--target", "net_test", "delivery_test", "sekisho_mail"]}


def build(preset, *prefix):
    code, output = run(f"build-{preset}", [*prefix, "./dev", "build", preset, *TARGETS.get(preset, [])], 2400)
    if code:
        print(output[-6000:], flush=True)
    return code == 0


def ctest(preset, label, rooms=".*"):
    def suite():
        command = ["ctest", "--preset", preset, "-L", f"^{label}$", "-R", f"^{label}\\.({rooms})$",
                   "-j", "2" if label in ("unit", "fuzz", "kernel", "e2e") else "1"]
        code, output = run(f"{label}-{preset}", command, 1500)
        if preset == "asan":
            remember(output)
        total = re.search(r"(\d+) tests? failed out of (\d+)", output)
        failed, every = (int(total.group(1)), int(total.group(2))) if total else (0, 0)
        skipped = len(re.findall(r"\*\*\*Skipped", output))
        if code and not failed:
            failed = 1
        return every - failed - skipped, failed, skipped, output
    return suite


def program(name, command, timeout):
    def suite():
        code, output = run(name, command, timeout)
        found = COUNTS.findall(output)
        passed, failed, skipped = (int(n or 0) for n in found[-1]) if found else (0, 0, 0)
        if code and not failed:
            failed = 1
        if not code and not found:
            passed = 1
        return passed, failed, skipped, output
    return suite


# name -> (presets to build, how to run it)
SUITES = {
    "lint": (["dev-headers"], program("lint", ["./dev", "lint"], 900)),  # in a whole run: behind the others
    "unit": (["asan"], ctest("asan", "unit")),
    "fuzz": (["asan"], ctest("asan", "fuzz")),
    "kernel": (["asan"], ctest("asan", "kernel")),
    "crash": (["asan"], ctest("asan", "crash")),
    "peers": (["asan"], ctest("asan", "peers")),
    "e2e": (["asan"], ctest("asan", "e2e")),
    "web": (["asan"], ctest("asan", "web")),
    "kill": (["asan"], program("kill", ["python3", "tests/e2e/kill_test.py", "build/asan/src/sekisho"], 600)),
    "faults": (["asan"], program("faults", ["python3", "tests/crash/fault_test.py"], 600)),
    "story": (["asan"], program("story", ["python3", "tests/story/run.py", "--sekisho", "build/asan/src/sekisho"], 900)),
    "gcc": (["gcc"], ctest("gcc", "unit", "net|delivery|mail")),
}
SHORT = {"gcc": (["gcc"], ctest("gcc", "unit", "net|delivery"))}


# Suites that make network namespaces and load BPF programs.
NEED_KERNEL = ("kernel", "story")


def no_kernel():
    """Why namespaces or BPF can't be had here; empty when they can."""
    if os.geteuid() != 0:
        return "needs root"
    script = ("mount -t tmpfs none /mnt && ip link add probe0 type veth peer name probe1 && mkdir /mnt/bpf && mount -t bpf bpf /mnt/bpf"
              " && bpftool map create /mnt/bpf/probe type array key 4 value 4 entries 1 name probe")
    tried = subprocess.run(["unshare", "--net", "--mount", "bash", "-c", script], capture_output=True, text=True)
    return "" if tried.returncode == 0 else "no network namespaces or BPF here: " + tried.stderr.strip()[-200:]


# Suites that mostly wait: all of them together, three tests at a time.
BESIDE = ("crash", "peers", "e2e", "web")
# The same for programs of their own, which run at once.
AT_ONCE = ("kill", "faults", "story")


class Report:
    def __init__(self):
        self.built = {"dev-headers": True}
        self.totals = [0, 0, 0]
        self.ok = True
        self.ahead = None
        self.linted = None  # what the linter found, behind the others

    def build(self, preset, *prefix):
        started = time.monotonic()
        self.built[preset] = build(preset, *prefix)
        print(f"build {preset:8} {'done' if self.built[preset] else 'FAILED'} in {time.monotonic() - started:.0f} s", flush=True)

    def build_ahead(self, names, lint=False):
        """Begins to build what later suites need, and to lint, behind everything else that runs."""
        wanted = [preset for name in names for preset in SUITES[name][0] if preset not in self.built]
        if (wanted or lint) and self.ahead is None:
            self.ahead = threading.Thread(target=self.behind, args=(list(dict.fromkeys(wanted)), lint))
            self.ahead.start()

    def behind(self, presets, lint):
        for preset in presets:
            self.build(preset, "nice", "-n", "19")
        if lint:
            started = time.monotonic()
            found = program("lint", ["nice", "-n", "19", "./dev", "lint"], 1200)()
            self.linted = (*found, time.monotonic() - started)

    def builds(self, name):
        """Builds what the suite needs, once."""
        presets = SUITES[name][0]
        if self.ahead and not all(preset in self.built for preset in presets):
            self.ahead.join()
        for preset in presets:
            if preset not in self.built:
                self.build(preset)
        return all(self.built[preset] for preset in presets)

    def run(self, name):
        started = time.monotonic()
        passed, failed, skipped, output = SUITES[name][1]()
        self.tell(name, passed, failed, skipped, output, time.monotonic() - started)

    def run_at_once(self, names):
        started = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            results = pool.map(lambda name: (SUITES[name][1](), time.monotonic() - started), names)
            for name, (result, seconds) in zip(names, results):
                self.tell(name, *result, seconds)

    def run_beside(self, names):
        """One ctest for them all; a line for each."""
        started = time.monotonic()
        command = ["ctest", "--preset", "asan", "-L", f"^({'|'.join(names)})$", "-j", "3"]
        _, output = run("beside-asan", command, 1500)
        remember(output)
        results = re.findall(r"Test +#\d+: (\w+)\.\S+ \.*\s*(\*\*\*)?(\w+)", output)
        strangers = sorted({suite for suite, _, _ in results} - set(names))
        if strangers:  # its faults would be counted nowhere
            self.tell(", ".join(strangers), 0, 1, 0, "a test's name begins with the suite its label says", 0)
        for name in names:
            ends = [end for suite, _, end in results if suite == name]
            passed, skipped = ends.count("Passed"), ends.count("Skipped")
            self.tell(name, passed, len(ends) - passed - skipped, skipped, output, time.monotonic() - started)

    def tell(self, name, passed, failed, skipped, output, seconds):
        print(f"{name:14} {passed} passed, {failed} failed, {skipped} skipped in {seconds:.0f} s", flush=True)
        if failed or passed == 0:
            print(output[-8000:], flush=True)
            self.ok = False
        self.totals = [a + b for a, b in zip(self.totals, (passed, failed, skipped))]

    def skip(self, name, why):
        print(f"{name:14} 0 passed, 0 failed, 1 skipped: {why}", flush=True)
        self.totals[2] += 1

    def fail(self, name):
        print(f"{name:14} 0 passed, 1 failed: not built", flush=True)
        self.totals[1] += 1


def main():
    wanted = sys.argv[1:] or list(SUITES)
    if not sys.argv[1:]:
        SUITES.update(SHORT)
        TARGETS.update(SHORT_TARGETS)
    unknown = [name for name in wanted if name not in SUITES]
    if unknown:
        print(f"no suite {', '.join(unknown)}; there are: {' '.join(SUITES)}")
        return 2
    missing, report = no_kernel(), Report()
    beside = [name for name in BESIDE if name in wanted]
    lint_behind = "lint" in wanted and "unit" in wanted
    if lint_behind:
        wanted.remove("lint")
    at_once = [name for name in AT_ONCE if name in wanted and not (missing and name in NEED_KERNEL)]
    for name in wanted:
        if name in BESIDE and name not in beside:
            continue  # has run
        if missing and name in NEED_KERNEL:
            report.skip(name, missing)
        elif name in AT_ONCE and name not in at_once:
            continue  # has run
        elif name in at_once:
            together = [one for one in at_once if report.builds(one) or report.fail(one)]
            at_once = []
            if together:
                report.run_at_once(together)
        elif name in beside:
            together = [one for one in beside if report.builds(one) or report.fail(one)]
            beside = []
            if together:
                report.build_ahead(wanted[wanted.index(name) + 1:])
                report.run_beside(together)
        elif report.builds(name):
            if name == "unit":
                report.build_ahead(wanted[wanted.index(name) + 1:], lint_behind)
            report.run(name)
        else:
            report.fail(name)
    if lint_behind:
        if report.ahead:
            report.ahead.join()
        report.tell("lint", *(report.linted or (0, 1, 0, "it did not run", 0)))
    if not sys.argv[1:]:  # all have run
        report.tell("conformance", *program("conformance", ["python3", "scripts/conformance.py", "--check", "--results"], 60)(), 0)
    passed, failed, skipped = report.totals
    print(f"\n{passed} passed, {failed} failed, {skipped} skipped")
    return 0 if report.ok and failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
