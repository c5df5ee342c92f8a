#!/usr/bin/env python3
"""Makes docs/conformance.md of docs/rfc.tsv: extension, RFC, where the code says so, tests that show it.

    scripts/conformance.py            writes it
    scripts/conformance.py --check    fails if it is out of date, or names a test that isn't there
    ... --results                     and if one of them failed in the last `./dev test`, or did not run
"""
import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "docs" / "rfc.tsv"
PAGE = ROOT / "docs" / "conformance.md"
RESULTS = ROOT / "build" / "test-results.json"
STATES = ("yes", "partial", "no")
INDEX = "https://www.rfc-editor.org/rfc/rfc"


def files(*patterns):
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "--", *patterns], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.split() if (ROOT / name).exists()]


def unit_tests():
    """Suite.Name -> the test program of ctest that has it."""
    found = {}
    for file in files("src/*_test.cc", "src/*_contract.h", "tests/kernel/*_test.cc"):
        room = file.relative_to(ROOT)
        program = f"kernel.{file.stem}" if room.parts[0] == "tests" else "unit." + "_".join(room.parent.parts[1:])
        for suite, name in re.findall(r"^TEST(?:_F|_P)?\((\w+), (\w+)\)", file.read_text(), re.M):
            found[f"{suite}.{name}"] = program
    return found


def program_of(evidence, units):
    """The test of ctest that runs it; None: there is no such test."""
    kind, _, name = evidence.partition("/")
    if kind == "golden" and name:
        return "unit.smtp" if (ROOT / f"tests/golden/smtp/{name}.in").exists() else None
    if kind == "e2e" and name:
        return f"e2e.{name}" if (ROOT / f"tests/e2e/{name}.py").exists() else None
    if kind == "peers" and name:
        return f"peers.{name}" if (ROOT / f"tests/peers/{name}").exists() else None
    return units.get(evidence)


def code_citing(number):
    """Rooms whose code cites the RFC."""
    if not number.isdigit():
        return []
    rooms = {str(file.relative_to(ROOT / "src").parent) for file in files("src/*.cc", "src/*.h", "src/*.c")
             if not file.stem.endswith("_test") and re.search(rf"RFC {number}\b", file.read_text(errors="replace"))}
    return sorted(rooms)


def rows():
    for line in TABLE.read_text().splitlines():
        if line and not line.startswith("#"):
            fields = [*line.split("\t"), "", "", ""][:6]
            yield dict(zip(("rfc", "subject", "where", "state", "tests", "missing"), fields))


def link(number):
    """What isn't an RFC is named by its text alone."""
    return f"[{number}]({INDEX}{number})" if number.isdigit() else number


def page(faults, results):
    units, seen = unit_tests(), set()
    out = ["# Conformance", "",
           "Made by `scripts/conformance.py` of `docs/rfc.tsv`, the code and the tests; `./dev lint` keeps it so, and `./dev test` "
           "fails where a test named here does.", "",
           "| extension or subject | RFC | where | implemented | rooms that cite it | tests |", "|---|---|---|---|---|---|"]
    for row in rows():
        if row["state"] not in STATES:
            faults.append(f"RFC {row['rfc']}: \"{row['state']}\" is none of {', '.join(STATES)}")
        shown = row["tests"].split()
        for one in shown:
            program = program_of(one, units)
            if program is None:
                faults.append(f"RFC {row['rfc']}: there is no test {one}")
            elif results is not None and results.get(program, "not run") not in ("Passed", "Skipped"):
                faults.append(f"RFC {row['rfc']}: {one}: {program}: {results.get(program, 'not run')}")
        if results is not None and shown and not any(results.get(program_of(one, units)) == "Passed" for one in shown):
            faults.append(f"RFC {row['rfc']} {row['subject']}: nothing that shows it has run")
        key = (row["rfc"], row["subject"])
        if key in seen:
            faults.append(f"RFC {row['rfc']} {row['subject']}: it stands there twice")
        seen.add(key)
        if row["state"] != "no" and not shown:
            faults.append(f"RFC {row['rfc']} {row['subject']}: {row['state']}, and no test shows it")
        rooms = [] if row["state"] == "no" else code_citing(row["rfc"])
        state = row["state"] + (f": {row['missing']}" if row["missing"] else "")
        out.append(f"| {row['subject']} | {link(row['rfc'])} | {row['where']} | {state} | {', '.join(rooms)} | {', '.join(f'`{one}`' for one in shown)} |")
    states = [row["state"] for row in rows()]
    out += ["", f"{states.count('yes')} yes, {states.count('partial')} partial, {states.count('no')} no.", ""]
    return "\n".join(out)


def main():
    faults, results = [], json.loads(RESULTS.read_text()) if "--results" in sys.argv else None
    text = page(faults, results)
    if "--check" in sys.argv:
        if not PAGE.exists() or PAGE.read_text() != text:
            faults.append("docs/conformance.md is out of date: run scripts/conformance.py")
    else:
        PAGE.write_text(text)
    for fault in faults:
        print(fault)
    print(f"conformance: {text.count(chr(10) + '| ') - 1} rows, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
