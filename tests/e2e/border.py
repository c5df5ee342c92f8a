"""A subscriber, a border router for the gate, and a server outside that listens on port 25: three network namespaces."""
import os
import socket
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from peers.lib import netns  # noqa: E402

LINE4, LINE6 = "198.51.100.1", "2001:db8:1::1"
STATIC4, STATIC6 = "198.51.100.2", "2001:db8:1::2"
SERVER4, SERVER6 = "203.0.113.9", "2001:db8:f::9"

CLASSES = """
[[class]]
name = "subscribers"
prefixes = ["198.51.100.0/24", "2001:db8:1::/48"]
[[class]]
name = "static"
prefixes = ["198.51.100.2", "2001:db8:1::2"]
[[rule]]
name = "op25b"
from = "subscribers"
to = "outside"
action = "%s"
"""


class Border:
    def __init__(self):
        self.line, self.router, self.outside = (f"border-{part}-{os.getpid()}" for part in ("line", "gate", "out"))

    def __enter__(self):
        for name in (self.line, self.router, self.outside):
            netns.create(name, forward=name == self.router)
        netns.link(self.line, "eth0", self.router, "in0")
        netns.link(self.outside, "eth0", self.router, "out0")
        for place, device, addresses, routes in (
            (self.line, "eth0", [f"{LINE4}/24", f"{STATIC4}/24", f"{LINE6}/64", f"{STATIC6}/64"], ["198.51.100.254", "2001:db8:1::fe"]),
            (self.router, "in0", ["198.51.100.254/24", "2001:db8:1::fe/64"], []),
            (self.router, "out0", ["203.0.113.254/24", "2001:db8:f::fe/64"], []),
            (self.outside, "eth0", [f"{SERVER4}/24", f"{SERVER6}/64"], ["203.0.113.254", "2001:db8:f::fe"]),
        ):
            netns.batch(place, [
                *[f"addr add {a} dev {device}" + (" nodad" if ":" in a else "") for a in addresses],
                f"link set {device} up",
                *[f"route add {'::/0' if ':' in r else 'default'} via {r}" for r in routes],
            ])
        with netns.inside(self.outside):
            self.listener = socket.create_server(("::", 25), family=socket.AF_INET6, dualstack_ipv6=True)
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, kind, value, trace):
        self.listener.close()
        for name in (self.line, self.router, self.outside):
            netns.remove(name)

    def _serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                connection.sendall(b"220 mx.outside.example ESMTP\r\n")

    def connect(self, source, server, timeout=10):
        """A connection to port 25 of `server`, from the subscriber's line."""
        with netns.inside(self.line):
            return socket.create_connection((server, 25), timeout=timeout, source_address=(source, 0))

    def greeting(self, source, server):
        with self.connect(source, server) as connection:
            return connection.makefile().readline().rstrip("\r\n")

    def warm(self):
        """Attaching a program can cost a packet; one that is sent again would be counted again."""
        for source, server in ((STATIC4, SERVER4), (STATIC6, SERVER6)):
            assert self.greeting(source, server).startswith("220 ")

    def run(self, place, *command):
        return netns.inside_run(place, command, check=False)


def needs_root():
    if not netns.have_root():
        print("skipped: needs root for network namespaces")
        sys.exit(77)
