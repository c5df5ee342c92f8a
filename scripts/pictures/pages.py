#!/usr/bin/env python3
"""Pictures of guide and desk for README.md and README.ja.md, from the real pages in Chromium, into docs/pictures/."""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from png import smaller

ROOT = Path(__file__).resolve().parent.parent.parent
PREVIEW = ROOT / "build" / "asan" / "tests" / "web" / "web_preview"
MOST = 120_000  # bytes


def main():
    with tempfile.TemporaryDirectory(prefix="sekisho-pictures-") as folder:
        environment = {"WEB_PREVIEW": str(PREVIEW), **os.environ, "PREVIEW_TAME": "1"}
        subprocess.run(["node", ROOT / "scripts" / "pictures" / "pages.mjs", folder, *sys.argv[1:]], env=environment, check=True)
        for file in sorted(Path(folder).glob("*.png")):
            png = smaller(file.read_bytes())
            (ROOT / "docs" / "pictures" / file.name).write_bytes(png)
            print(f"docs/pictures/{file.name}: {len(png)} bytes")
            if len(png) > MOST:
                sys.exit(f"{file.name} is larger than {MOST} bytes")


if __name__ == "__main__":
    main()
