#!/usr/bin/env python3
"""Small laws of the tree: file length, left-over marks, READMEs of folders, paths of a machine, corpora of fuzzers."""
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINES_MAX = 600
CODE = {".cc", ".h", ".c", ".py", ".js", ".mjs", ".css", ".sh"}
MARKS = re.compile(r"\b(TODO|FIXME|XXX)\b")
MACHINE = re.compile(r"(/work/|/home/[a-z]|/root/)")


def tracked():
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [line for line in out.stdout.splitlines() if (ROOT / line).is_file()]


def main():
    faults = []
    files = tracked()
    for name in files:
        path = ROOT / name
        if path.suffix not in CODE and name not in ("dev", ".ci/run"):
            continue
        text = path.read_text(errors="replace")
        count = text.count("\n")
        if count > LINES_MAX and "package-lock" not in name:
            faults.append(f"{name}: {count} lines; divide it (at most {LINES_MAX})")
        if name.startswith("scripts/check_"):
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if MARKS.search(line):
                faults.append(f"{name}:{number}: a mark is left: {line.strip()[:80]}")
            if MACHINE.search(line):
                faults.append(f"{name}:{number}: a path of a machine: {line.strip()[:80]}")
    for fuzz in (ROOT / "src").rglob("*_fuzz.cc"):
        room = fuzz.parent.relative_to(ROOT / "src").as_posix().replace("/", "_")
        corpus = ROOT / "tests/fuzz/corpus" / f"{room}_{fuzz.stem}"
        if not corpus.is_dir() or not any(corpus.iterdir()):
            faults.append(f"{fuzz.relative_to(ROOT)}: no seed corpus in {corpus.relative_to(ROOT)}")
    for fault in faults:
        print(fault)
    print(f"tree: {len(files)} files, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
