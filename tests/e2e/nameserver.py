"""A zone on NSD behind an unbound that keeps nothing, both on ports of 127.0.0.1."""
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from harness import free_ports, wait_for


class NameServer:
    def __init__(self, zone="example.net", port=None):
        """`port`: where a program asks that takes no other than 53."""
        self.zone, self.folder = zone, Path(tempfile.mkdtemp(prefix="sekisho-dns-"))
        self.nsd_port, self.port = free_ports(2)
        self.port = port or self.port
        self.serial, self.processes = 0, []
        self.write([])
        self.start()

    @property
    def resolver(self):
        return f"127.0.0.1@{self.port}"

    def write(self, lines):
        self.serial += 1
        (self.folder / "zone").write_text(
            f"$ORIGIN {self.zone}.\n$TTL 1\n@ IN SOA ns hostmaster {self.serial} 60 60 60 1\n@ IN NS ns\nns IN A 127.0.0.1\n"
            f"serial IN TXT \"{self.serial}\"\n" + "\n".join(lines) + "\n")

    def publish(self, lines):
        """The zone has these lines (and no others) when this returns."""
        # A TTL of the lines themselves would outlive the next change in caches.
        self.write([line.replace(" 3600 IN ", " 1 IN ", 1) for line in lines])
        self.processes[0].send_signal(signal.SIGHUP)
        wait_for("the new zone", lambda: self.ask(f"serial.{self.zone}", "TXT") == [f'"{self.serial}"'])

    def ask(self, name, kind):
        done = subprocess.run(["dig", "@127.0.0.1", "-p", str(self.port), "+short", "+time=1", "+tries=1", name, kind],
                              capture_output=True, text=True)
        return [line for line in done.stdout.splitlines() if not line.startswith(";")]

    def start(self):
        at = self.folder
        (at / "nsd.conf").write_text(
            f'server:\n  ip-address: 127.0.0.1@{self.nsd_port}\n  username: ""\n  zonesdir: "{at}"\n  pidfile: "{at}/nsd.pid"\n'
            f'  database: ""\n  xfrdfile: "{at}/xfrd"\n  zonelistfile: "{at}/zone.list"\n  xfrdir: "{at}"\n  server-count: 1\n'
            f'remote-control:\n  control-enable: no\nzone:\n  name: {self.zone}\n  zonefile: zone\n')
        (at / "unbound.conf").write_text(
            f'server:\n  interface: 127.0.0.1@{self.port}\n  username: ""\n  chroot: ""\n  directory: "{at}"\n'
            f'  pidfile: "{at}/unbound.pid"\n  use-syslog: no\n  do-daemonize: no\n  do-not-query-localhost: no\n'
            f'  module-config: "iterator"\n  cache-max-ttl: 0\n  cache-max-negative-ttl: 0\n'
            f'remote-control:\n  control-enable: no\nstub-zone:\n  name: {self.zone}\n  stub-addr: 127.0.0.1@{self.nsd_port}\n')
        for program in ("nsd", "unbound"):
            log = (at / f"{program}.log").open("a")
            self.processes.append(subprocess.Popen([f"/usr/sbin/{program}", "-d", "-c", at / f"{program}.conf"], stdout=log, stderr=log))
        wait_for("the name servers", lambda: self.ask(f"serial.{self.zone}", "TXT"))

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(20)
        if kind is not None:
            for program in ("nsd", "unbound"):
                print(f"--- {program}.log\n{(self.folder / f'{program}.log').read_text()[-2000:]}")
        shutil.rmtree(self.folder, ignore_errors=True)
