"""Signed zones, an authoritative NSD with its own root, and a validating Unbound."""

import glob
import ipaddress
import os

from peers.lib import netns
from peers.lib.proc import Failed, run, until

_NAMESERVER = "ns.nic."


def reverse_name(address):
    return ipaddress.ip_address(address).reverse_pointer + "."


class Zones:
    """Zone name -> records; delegations from the root are made for every zone."""

    def __init__(self, directory, server4, server6):
        self.directory, self.server4, self.server6 = directory, server4, server6
        self.keys = {}
        self.records = {".": [f"{_NAMESERVER} A {server4}", f"{_NAMESERVER} AAAA {server6}"]}
        os.makedirs(directory, exist_ok=True)

    def zone(self, name, records=()):
        self.records.setdefault(name, []).extend(records)

    def host(self, name, *addresses):
        """A or AAAA records, and the PTR of each address."""
        zone = self._zone_of(name)
        for address in addresses:
            kind = "AAAA" if ":" in address else "A"
            self.records[zone].append(f"{name} {kind} {address}")
            self.pointer(address, name)

    def pointer(self, address, name):
        reverse = reverse_name(address)
        self.records[self._zone_of(reverse)].append(f"{reverse} PTR {name}")

    def _zone_of(self, name):
        fitting = [z for z in self.records if z != "." and (name == z or name.endswith("." + z))]
        if not fitting:
            raise Failed(f"no zone for {name}")
        return max(fitting, key=len)

    def sign(self):
        """Writes and signs all zones, children first so that the root can hold their DS."""
        order = [z for z in self.records if z != "."] + ["."]
        for zone in order:
            self.keys[zone] = key = run(
                ["ldns-keygen", "-a", "ECDSAP256SHA256", "-k", "-r", "/dev/urandom", zone], cwd=self.directory
            ).stdout.strip()
            self.sign_again(zone)
            with open(os.path.join(self.directory, key + ".ds")) as file:
                ds = file.read().strip()
            if zone == ".":
                self.anchor = os.path.join(self.directory, "root.anchor")
                with open(self.anchor, "w") as file:
                    file.write(ds + "\n")
            else:
                self.records["."] += [f"{zone} NS {_NAMESERVER}", ds]
        return self.anchor

    def sign_again(self, zone):
        """Writes a zone and signs it with the key that it has."""
        stem = os.path.join(self.directory, "root" if zone == "." else zone.rstrip("."))
        with open(stem + ".zone", "w") as file:
            file.write(f"$ORIGIN {zone}\n$TTL 300\n")
            file.write(f"@ SOA {_NAMESERVER} hostmaster.nic. 1 3600 600 86400 60\n@ NS {_NAMESERVER}\n")
            file.write("\n".join(self.records[zone]) + "\n")
        run(["ldns-signzone", "-o", zone, "-f", stem + ".signed", stem + ".zone", self.keys[zone]], cwd=self.directory)


def start_nsd(processes, namespace, directory, zones, addresses):
    """NSD for all the zones; ready when it answers for the root."""
    configuration = os.path.join(directory, "nsd.conf")
    with open(configuration, "w") as file:
        file.write(
            "server:\n"
            + "".join(f"  ip-address: {a}\n" for a in addresses)
            + f'  username: ""\n  chroot: ""\n  zonesdir: "{directory}"\n  database: ""\n'
            + f'  pidfile: "{directory}/nsd.pid"\n  xfrdfile: "{directory}/xfrd"\n  xfrdir: "{directory}"\n'
            + f'  zonelistfile: "{directory}/zone.list"\n  server-count: 1\n  hide-version: yes\n'
            + "remote-control:\n  control-enable: no\n"
        )
        for zone in zones.records:
            stem = "root" if zone == "." else zone.rstrip(".")
            file.write(f'zone:\n  name: "{zone}"\n  zonefile: "{stem}.signed"\n')
    run(["nsd-checkconf", configuration])
    process = processes.start(f"nsd-{namespace}", netns.argv(namespace, ["nsd", "-d", "-c", configuration]))
    _answering(process, namespace, addresses[0], ".", "SOA")
    return process


def start_unbound(processes, namespace, directory, addresses, root4, root6, anchor, allowed):
    """A resolver that validates from the lab's own root; ready when it resolves."""
    hints = os.path.join(directory, "hints")
    with open(hints, "w") as file:
        file.write(f". 300 NS {_NAMESERVER}\n{_NAMESERVER} 300 A {root4}\n{_NAMESERVER} 300 AAAA {root6}\n")
    # Unbound answers the documentation prefixes' reverse zones itself (RFC 7793) unless told
    # that they are real here.
    zones = ["2.0.192", "100.51.198", "113.0.203"]
    open_zones = [f"{z}.in-addr.arpa." for z in zones] + ["8.b.d.0.1.0.0.2.ip6.arpa."]
    configuration = os.path.join(directory, "unbound.conf")
    with open(configuration, "w") as file:
        file.write(
            "server:\n"
            + "".join(f"  interface: {a}\n" for a in addresses)
            + "".join(f"  access-control: {a} allow\n" for a in allowed)
            + "".join(f'  local-zone: "{z}" nodefault\n' for z in open_zones)
            + f'  directory: "{directory}"\n  chroot: ""\n  username: ""\n  pidfile: "{directory}/unbound.pid"\n'
            + f'  use-syslog: no\n  logfile: ""\n  root-hints: "{hints}"\n  trust-anchor-file: "{anchor}"\n'
            + "  num-threads: 1\n  module-config: \"validator iterator\"\n  val-log-level: 2\n"
            + "  trust-anchor-signaling: no\n  root-key-sentinel: no\n"
            + "remote-control:\n  control-enable: no\n"
        )
    run(["unbound-checkconf", configuration])
    process = processes.start(f"unbound-{namespace}", netns.argv(namespace, ["unbound", "-d", "-c", configuration]))
    _answering(process, namespace, addresses[0], ".", "SOA")
    return process


def _answering(process, namespace, server, name, kind):
    def ready():
        process.require_alive()
        return dig(namespace, server, name, kind, seconds=1)

    until(f"{process.name} to answer", ready)


def dig(namespace, server, name, kind, seconds=3, flags=False):
    """The answer's data lines; with flags=True (lines, set of header flags)."""
    asked = ["dig", f"@{server}", "+tries=1", f"+time={seconds}", "+dnssec", name, kind]
    text = netns.inside_run(namespace, asked, check=False).stdout
    lines, header, section = [], set(), False
    for line in text.splitlines():
        if line.startswith(";; flags:"):
            header = set(line.split(":")[1].split(";")[0].split())
        elif line.startswith(";; ANSWER SECTION"):
            section = True
        elif line.startswith(";;") or not line.strip():
            section = False
        elif section and "RRSIG" not in line.split()[3]:
            lines.append(" ".join(line.split()[3:]))
    return (lines, header) if flags else lines


def key_files(directory):
    return sorted(glob.glob(os.path.join(directory, "K*.private")))
