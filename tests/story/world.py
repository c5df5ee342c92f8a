"""Builds the world of names.py: namespaces, cables, addresses, routes, far-end packet counters."""

import json
import os
import shutil

import names
from peers.lib import netns

LINK4 = "192.0.2.1"  # the gate's address; its cables are unnumbered
NET4 = "203.0.113.1"
NET6 = "2001:db8:f00::1"


def remove():
    """Takes the whole world away, also one left by a run that was killed."""
    for name in names.NAMESPACES:
        netns.remove(name)


def fresh_directory(path):
    """An empty place that unprivileged daemons may walk through."""
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)
    os.chmod(path, 0o755)


class World:
    def build(self):
        netns.create(names.GATE, names.CORE.ip4, forward=True)
        netns.create(names.INTERNET, forward=True)
        for host in names.HOSTS:
            netns.create(host.ns, host.resolver)
        self._backbone()
        for host in names.HOSTS:
            self._attach(host)
        self._count()

    def _backbone(self):
        netns.link(names.GATE, "outside", names.INTERNET, "provider")
        netns.batch(
            names.GATE,
            [
                f"addr add {names.GATE4}/32 dev outside",
                f"addr add {names.GATE6}/128 dev outside nodad",
                "addr add fe80::1/64 dev outside nodad",
                "link set dev outside up",
                f"route add {NET4}/32 dev outside",
                f"route add default via {NET4} dev outside",
                "route add ::/0 via fe80::2 dev outside",
            ],
        )
        # What the internet knows of us: our prefixes, and the wholesale carrier's, by our border.
        ours4 = ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.64/26"]
        ours6 = ["2001:db8:1::/48", "2001:db8:100::/40", "2001:db8:200::/40", "2001:db8:500::/40"]
        netns.batch(
            names.INTERNET,
            [
                f"addr add {NET4}/32 dev provider",
                f"addr add {NET6}/128 dev provider nodad",
                "addr add fe80::2/64 dev provider nodad",
                "link set dev provider up",
                f"route add {names.GATE4}/32 dev provider",
                *[f"route add {p} via {names.GATE4} dev provider" for p in ours4],
                *[f"route add {p} via fe80::1 dev provider" for p in ours6],
            ],
        )

    def _attach(self, host):
        router = names.PREFIX + host.router
        gateway4 = LINK4 if host.router == "gate" else NET4
        netns.link(router, host.name, host.ns, "eth0")
        own4 = [*[f"{a}/32" for a in host.v4], *([host.any4] if host.any4 else [])]
        own6 = [*[f"{a}/128" for a in host.v6], *([host.any6] if host.any6 else [])]
        netns.batch(
            router,
            [
                f"addr add fe80::1/64 dev {host.name} nodad",
                f"link set dev {host.name} up",
                *[f"route add {p} dev {host.name}" for p in own4],
                *[f"route add {p} via fe80::10 dev {host.name}" for p in own6],
            ],
        )
        lines = [f"addr add {a}/32 dev eth0" for a in host.v4]
        # The first IPv6 address is the preferred source; the others answer only.
        lines += [
            f"addr add {a}/128 dev eth0 nodad" + ("" if a == host.ip6 else " preferred_lft 0") for a in host.v6
        ]
        lines += [
            "addr add fe80::10/64 dev eth0 nodad",
            "link set dev eth0 up",
            f"route add {gateway4}/32 dev eth0 src {host.ip4}",
            f"route add default via {gateway4} dev eth0 src {host.ip4}",
            f"route add ::/0 via fe80::1 dev eth0 src {host.ip6}",
        ]
        if host.any4:
            lines.append(f"route add local {host.any4} dev lo")
        if host.any6:
            lines.append(f"route add local {host.any6} dev lo")
        netns.batch(host.ns, lines)

    def _count(self):
        """Counts new connections to port 25 by source, beyond the gate and at our mail host."""
        for place in (names.INTERNET, names.MAIL.ns, names.DYNAMIC.ns):
            rules = []
            for host in names.HOSTS:
                for family, address in (("ip", host.ip4), ("ip6", host.ip6)):
                    counter = f"{host.name}_{family}"
                    rules.append(
                        f"add counter inet lab {counter}\n"
                        f"add rule inet lab in {family} saddr {address} tcp dport 25 "
                        f"tcp flags & (syn | ack) == syn counter name {counter}\n"
                    )
            text = (
                "add table inet lab\n"
                "add chain inet lab in { type filter hook prerouting priority 0; }\n" + "".join(rules)
            )
            netns.inside_run(place, ["nft", "-f", "-"], input=text)

        # Answers from port 25 that reach a subscriber's line.
        text = (
            "add counter inet lab answers\n"
            "add rule inet lab in tcp sport 25 tcp flags & (syn | ack) == syn | ack counter name answers\n"
        )
        netns.inside_run(names.DYNAMIC.ns, ["nft", "-f", "-"], input=text)

    def answers(self):
        return self._counter(names.DYNAMIC.ns, "answers")

    def connections(self, place, host, family):
        """How many first packets to port 25 from `host` have arrived in `place`."""
        return self._counter(place, f"{host.name}_{'ip6' if family == 6 else 'ip'}")

    def _counter(self, place, name):
        text = netns.inside_run(place, ["nft", "-j", "list", "counter", "inet", "lab", name]).stdout
        for entry in json.loads(text)["nftables"]:
            if "counter" in entry:
                return entry["counter"]["packets"]
        raise AssertionError(name)
