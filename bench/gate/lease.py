"""How long an exemption takes: from the request at the gate's socket, and from the start of the command, until the
line's connections pass. A line that is refused on port 25 tries all the time; three network namespaces, 100,000 prefixes
in the policy, the release build. Prints medians and the slowest tenth in milliseconds."""
import json
import socket
import statistics
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "e2e"))
from border import CLASSES, LINE4, SERVER4, Border  # noqa: E402
from harness import Sekisho, wait_for  # noqa: E402
from peers.lib import netns  # noqa: E402

ROUNDS = 50
PREFIXES = 100_000
OPTIONS = {"owner": "ticket 25", "reason": "a server", "class": "static"}


class Knocking(threading.Thread):
    """Connects from the line without a pause; `passed` is when a connection last got through, `refused` when one last didn't."""

    def __init__(self, border):
        super().__init__(daemon=True)
        self.border, self.passed, self.refused, self.over = border, 0.0, 0.0, False

    def run(self):
        with netns.inside(self.border.line):
            while not self.over:
                at = time.perf_counter()
                with socket.socket() as knock:
                    knock.bind((LINE4, 0))
                    knock.settimeout(2)
                    try:
                        knock.connect((SERVER4, 25))
                        self.passed = at
                    except OSError:
                        self.refused = at
                    time.sleep(0.0002)


def first(what, after):
    """The time of the first knock with that end which began after `after`, in ms from it."""
    end = time.perf_counter() + 10
    while time.perf_counter() < end:
        if what() > after:
            return (what() - after) * 1e3
        time.sleep(0.0001)
    raise SystemExit("the change never came into force")


def shown(name, values):
    values = sorted(values)
    print(f"  {name:<52} median {statistics.median(values):7.2f} ms, slowest tenth from {values[len(values) * 9 // 10]:7.2f} ms")


def main():
    with Border() as border:
        more = [f"10.{n // 65536}.{n // 256 % 256}.{n % 256}" for n in range(0, PREFIXES * 2, 2)]
        classes = CLASSES % "refuse" + '\n[[class]]\nname = "pool"\nprefixes = ' + json.dumps(more) + "\n"
        with Sekisho(classes=classes, gate='interfaces = ["in0", "out0"]', gate_inside=border.router) as s:
            s.start("gate")
            knocking = Knocking(border)
            knocking.start()
            wait_for("the line to be refused", lambda: knocking.refused)
            path = next(s.folder.rglob("gate.sock"))
            control = socket.socket(socket.AF_UNIX)
            control.connect(str(path))
            lines = control.makefile("rw")

            def ask(**request):
                lines.write(json.dumps(request) + "\n")
                lines.flush()
                answer = json.loads(lines.readline())
                assert "error" not in answer, answer
                return answer

            through, answered, ended, command = [], [], [], []
            for number in range(1, ROUNDS + 1):
                began = time.perf_counter()
                ask(command="lease-add", prefix=LINE4, **OPTIONS, by="bench", kind="exemption", line="", until="", reverse_name="",
                    unlisted=False, connections_per_day=0, **{"for": "1h"})
                answered.append((time.perf_counter() - began) * 1e3)
                through.append(first(lambda: knocking.passed, began))
                began = time.perf_counter()
                ask(command="lease-end", id=number, reason="over", by="bench")
                ended.append(first(lambda: knocking.refused, began))
            for number in range(ROUNDS // 5):
                began = time.perf_counter()
                s.cli("gate", "exempt", "add", LINE4, *[word for name, value in OPTIONS.items() for word in (f"--{name}", value)])
                command.append((time.perf_counter() - began) * 1e3)
                s.cli("gate", "exempt", "revoke", str(ROUNDS + number + 1), "--reason", "over")
            knocking.over = True
            knocking.join()
    print(f"an exemption beside {PREFIXES} prefixes, {ROUNDS} times")
    shown("request to the first connection that passes", through)
    shown("request to the gate's answer (written down, in force)", answered)
    shown("revocation to the first connection refused", ended)
    shown("the whole command, process and all", command)


if __name__ == "__main__":
    main()
