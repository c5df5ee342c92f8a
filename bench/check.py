"""./dev bench check: instructions of fixed scenarios, counted by callgrind, against bench/baseline.json. A scenario that takes
more than the tolerance above its baseline fails; --update writes the baseline anew. No clock is looked at."""
import argparse
import concurrent.futures
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BASELINE = ROOT / "bench" / "baseline.json"
TOLERANCE_PERCENT = 3.0
TIMES = {"dkim_sign_rsa_10k": 5, "gcra": 10_000}
TIMES_USUAL = 100


def count(program, scenario):
    """Instructions of one doing of the scenario."""
    times = TIMES.get(scenario, TIMES_USUAL)
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", "--toggle-collect=sekisho_counted", f"--callgrind-out-file={folder}/out", program, scenario, str(times)],
            capture_output=True, text=True, timeout=600)
        if done.returncode:
            raise SystemExit(f"{scenario}: {done.stderr.strip()[-500:]}")
        found = re.search(r"^(?:summary|totals): (\d+)", Path(folder, "out").read_text(), re.M)
    if not found or int(found[1]) == 0:
        raise SystemExit(f"{scenario}: callgrind has counted nothing")
    return int(found[1]) / times


def compare(baseline, counted, tolerance):
    """(lines to print, names of the scenarios that got dearer or are not in the baseline)."""
    lines, bad = [], []
    for name, now in counted.items():
        before = baseline.get(name)
        if before is None:
            lines.append(f"{name:<24} {now:12.0f} instructions, not in the baseline: --update adds it")
            bad.append(name)
            continue
        change = (now / before - 1) * 100
        word = "DEARER" if change > tolerance else "cheaper: --update keeps the gain" if change < -tolerance else "as before"
        lines.append(f"{name:<24} {now:12.0f} instructions, baseline {before:12.0f}, {change:+6.2f}% {word}")
        if change > tolerance:
            bad.append(name)
    for name in baseline.keys() - counted.keys():
        lines.append(f"{name:<24} is in the baseline only")
        bad.append(name)
    return lines, bad


def main():
    asked = argparse.ArgumentParser(prog="./dev bench check", description=__doc__)
    asked.add_argument("--build", default=ROOT / "build" / "release", type=Path)
    asked.add_argument("--tolerance", type=float, default=TOLERANCE_PERCENT, help="per cent more that is still taken (default %(default)s)")
    asked.add_argument("--update", action="store_true")
    asked = asked.parse_args()
    program = asked.build.resolve() / "bench" / "micro" / "bench_count"
    names = subprocess.run([program], capture_output=True, text=True, check=True).stdout.split()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        counted = dict(zip(names, pool.map(lambda name: count(program, name), names)))
    if asked.update:
        BASELINE.write_text(json.dumps({name: round(value) for name, value in counted.items()}, indent=1) + "\n")
        print(f"{BASELINE.relative_to(ROOT)}: {len(counted)} scenarios")
        return 0
    if not BASELINE.exists():
        raise SystemExit("no bench/baseline.json: ./dev bench check --update writes it")
    lines, bad = compare(json.loads(BASELINE.read_text()), counted, asked.tolerance)
    print("\n".join(lines))
    print(f"{len(counted)} scenarios, {len(bad)} outside of {asked.tolerance:g}%")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
