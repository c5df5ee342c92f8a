#!/usr/bin/env python3
"""Pictures of Thunderbird's window with the outgoing server's settings, in Japanese and English, from the real program.

  thunderbird.py --config FILE --out FOLDER    with the names of an operator: then `pictures = "FOLDER"` in [settings]
  thunderbird.py                               of an example operator, into web/guide/pictures/

Needs root (Thunderbird gets a network of its own, and reaches nobody) and the packages thunderbird and thunderbird-l10n-ja.
"""
import argparse
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

from png import smaller  # noqa: E402
from thunderbird import Thunderbird, missing, own_network  # noqa: E402

# The one of tests/web/web_preview.cc.
EXAMPLE = {"provider": "Tokai Net", "provider_ja": "とうかいネット", "domain": "tokai.example", "outgoing_host": "smtp.tokai.example",
           "outgoing_port": 465, "security": "SSL/TLS", "shown": "smtp.tokai.example 465 SSL/TLS taro@tokai.example"}
MOST = 60_000  # bytes
LOOK = {"layout.css.devPixelsPerPx": "2.0", "ui.systemUsesDarkTheme": 0, "browser.theme.content-theme": 1, "browser.theme.toolbar-theme": 1}


def settings_of(sekisho, config):
    if not config:
        return EXAMPLE
    done = subprocess.run([sekisho, "--config", config, "--json", "config", "settings"], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return json.loads(done.stdout)


def photograph(language, settings):
    name = settings["provider_ja" if language == "ja" else "provider"]
    own = {**settings, "description": name, "user": f"taro@{settings['domain']}"}
    scripts = [Path(__file__).with_suffix(".js")]
    with Thunderbird(language={"ja": "ja", "en": "en-US"}[language], size=(2000, 1700), preferences=LOOK, scripts=scripts) as bird:
        bird.do("account", own)
        place = bird.do("outgoingServer")
        return smaller(bird.photograph(), {"Settings": settings["shown"], "Software": "scripts/pictures/thunderbird.py"}, place)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", help="the operator's sekisho.toml")
    parser.add_argument("--out", type=Path, default=ROOT / "web" / "guide" / "pictures")
    parser.add_argument("--sekisho", default=str(ROOT / "build" / "asan" / "src" / "sekisho"), help="the program that reads it")
    given = parser.parse_args()
    lacking = missing()
    if lacking:
        sys.exit(f"missing: {', '.join(lacking)}")
    own_network()
    settings = settings_of(given.sekisho, given.config)
    given.out.mkdir(parents=True, exist_ok=True)
    for language in ("ja", "en"):
        png = photograph(language, settings)
        file = given.out / f"thunderbird-{language}.png"
        file.write_bytes(png)
        print(f"{file}: {len(png)} bytes, {settings['shown']}")
        if len(png) > MOST:
            sys.exit(f"{file} is larger than {MOST} bytes")


if __name__ == "__main__":
    main()
