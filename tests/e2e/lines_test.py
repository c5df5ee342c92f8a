"""Lines from files: a static table that changes while the gate runs, and the leases of a real Kea in namespaces."""
import json
import os
import shutil
import subprocess
import time

from harness import Sekisho, main, wait_for

KEA4, KEA6, PERFDHCP = shutil.which("kea-dhcp4"), shutil.which("kea-dhcp6"), shutil.which("perfdhcp")


def source(name, kind, file, identity=""):
    more = f'identity = "{identity}"' if identity else ""
    return f'[[lines]]\nname = "{name}"\nkind = "{kind}"\nfile = "{file}"\n{more}\n'


def who(s, address, at=None):
    found = s.json("line", "find", address, *(["--at", at] if at else []))
    return found["line"] if found["certainty"] == "subscriber" else found["certainty"]


def state(s, name):
    return next(one for one in s.json("gate", "status")["line_index"]["sources"] if one["name"] == name)


def a_static_table_is_followed():
    with Sekisho(classes=source("fixed", "static", "lines.csv")) as s:
        table = s.folder / "lines.csv"
        table.write_text("prefix,line,realm,ports\n198.51.100.7,L7\n2001:db8:7::/48,L7\n"
                         "192.0.2.1,L1,,1024-2047\n192.0.2.1,L2,,psid 52/8 offset 4\n")
        s.start("gate")
        wait_for("the table", lambda: state(s, "fixed")["held"] == 4)
        assert who(s, "198.51.100.7") == "L7" and who(s, "[2001:db8:7::1]:40000") == "L7"
        assert who(s, "198.51.100.7", "2020-01-01T00:00:00Z") == "L7", "what the first table says was always so"
        assert who(s, "192.0.2.1") == "ambiguous"
        assert who(s, "192.0.2.1:1500") == "L1" and who(s, "192.0.2.1:29504") == "L2"
        assert who(s, "192.0.2.1:9") == "unknown"
        # A wrong row: the good ones count, and nothing that was known ends.
        table.write_text("198.51.100.7,L7\n198.51.100.8,L8\n192.0.2.1/16,L1\n")
        wait_for("the new row", lambda: who(s, "198.51.100.8") == "L8")
        told = wait_for("the fault", lambda: state(s, "fixed")["wrong"] and state(s, "fixed"))
        assert any("lines.csv:3: " in error for error in told["errors"]), told
        assert "lines.csv:3: " in s.cli("gate", "status") and "lines.csv:3: " in s.log("gate")
        assert who(s, "192.0.2.1:1500") == "L1"
        # Nothing right in it, and gone: the same.
        for change in (lambda: table.write_text("<html>\n"), table.unlink):
            change()
            wait_for("the fault of the file", lambda: "fault" in state(s, "fixed"))
            assert who(s, "198.51.100.8") == "L8"
            table.write_text("198.51.100.7,L7\n198.51.100.8,L8\n")
            wait_for("the good file", lambda: "fault" not in state(s, "fixed") and state(s, "fixed")["wrong"] == 0)
        wait_for("the end of what is gone", lambda: who(s, "192.0.2.1:1500") == "unknown")
        # An address goes to another line: each has its time.
        before = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        table.write_text("198.51.100.7,L9\n198.51.100.8,L8\n")
        wait_for("the change", lambda: who(s, "198.51.100.7") == "L9")
        assert who(s, "198.51.100.7", before) == "L7"
        held = s.json("line", "sessions", "L7")
        assert len(held) == 2 and all(one["end"] for one in held), held
        # A source that the configuration doesn't name any more ends.
        s.write_config()
        s.cli("reload", "gate")
        wait_for("the end of the source", lambda: who(s, "198.51.100.8") == "unknown")
        assert "no address" in s.cli("line", "find", "nonsense", code=2)


def faults_of_the_configuration_are_told():
    with Sekisho() as s:
        for expected, classes in (
            ("identity: is missing", source("k", "kea", "f")),
            ("is for kind = \"kea\"", source("k", "static", "f", "duid")),
            ("there already", source("k", "static", "f") + source("k", "static", "g")),
            ("expected one of", source("k", "isc", "f")),
        ):
            s.write_config(classes=classes)
            out = s.cli("config", "check", str(s.config), code=None)
            assert expected in out, (expected, out)


class Kea:
    """Two namespaces and a server of each family, which cleans its lease file up every few seconds."""

    def __init__(self, folder):
        self.folder = folder
        self.names = [f"sekisho-kea-{os.getpid()}-{end}" for end in ("s", "c")]
        self.processes = []

    def __enter__(self):
        server, client = self.names
        for one in self.names:
            subprocess.run(["ip", "netns", "add", one], check=True)
        subprocess.run(["ip", "link", "add", "dhcp0", "netns", server, "type", "veth", "peer", "name", "dhcp1", "netns", client], check=True)
        for name, link, last in ((server, "dhcp0", 1), (client, "dhcp1", 2)):
            for words in (["addr", "add", f"10.9.0.{last}/24", "dev", link],
                          ["addr", "add", f"2001:db8:9::{last}/64", "dev", link, "nodad"], ["link", "set", link, "up"]):
                subprocess.run(["ip", "-n", name, *words], check=True)
        wait_for("link-local addresses", lambda: all(
            (out := subprocess.run(["ip", "-n", one, "-6", "addr", "show", "scope", "link"], capture_output=True, text=True).stdout)
            and "tentative" not in out for one in self.names))
        return self

    def __exit__(self, *error):
        for process in self.processes:
            process.terminate()
            process.wait(10)
        if error[0] is not None:
            for log in self.folder.glob("kea-*.log"):
                print(f"--- {log.name}\n{log.read_text()[-2000:]}")
        for one in self.names:
            subprocess.run(["ip", "netns", "del", one])

    def start(self, program, family, more):
        config = self.folder / f"kea{family}.json"
        config.write_text(json.dumps({f"Dhcp{family}": {
            "interfaces-config": {"interfaces": ["dhcp0"]},
            "lease-database": {"type": "memfile", "persist": True, "lfc-interval": 2,
                               "name": str(self.folder / f"kea-leases{family}.csv")},
            "valid-lifetime": 3600, "store-extended-info": True, "loggers": [
                {"name": "*", "severity": "INFO", "output_options": [{"output": "stdout"}]}], **more}}))
        log = (self.folder / f"kea-{family}.log").open("w")
        self.processes.append(subprocess.Popen(
            ["ip", "netns", "exec", self.names[0], program, "-c", config], stdout=log, stderr=log,
            env={**os.environ, "KEA_PIDFILE_DIR": str(self.folder), "KEA_LOCKFILE_DIR": str(self.folder)}))
        wait_for("Kea to be up", lambda: "STARTED" in (self.folder / f"kea-{family}.log").read_text())

    def clients(self, *options):
        subprocess.run(["ip", "netns", "exec", self.names[1], PERFDHCP, "-W", "500000", *options], capture_output=True, timeout=60)

    def rows(self, family):
        return [row.split(",") for path in self.folder.glob(f"kea-leases{family}.csv*")
                for row in path.read_text().splitlines() if not row.startswith("address,")]


def leases_of_a_real_kea():
    sources = source("v4", "kea", "kea-leases4.csv", "circuit-id") + source("v6", "kea", "kea-leases6.csv", "duid")
    with Sekisho(classes=sources) as s, Kea(s.folder) as kea:
        s.start("gate")  # before Kea: the files come later
        assert "not there" in wait_for("the missing file", lambda: state(s, "v4").get("fault"))
        kea.start(KEA4, 4, {"subnet4": [{"subnet": "10.9.0.0/24", "id": 1, "pools": [{"pool": "10.9.0.100-10.9.0.200"}]}]})
        kea.start(KEA6, 6, {"data-directory": str(s.folder), "subnet6": [{"subnet": "2001:db8:9::/64", "id": 1, "interface": "dhcp0",
                                         "pd-pools": [{"prefix": "2001:db8:a000::", "prefix-len": 36, "delegated-len": 56}]}]})
        # Relayed, as perfdhcp does it, each time by another port of the access node: 82.1.
        for port in ("port-1", "port-2"):
            data = port.encode()
            kea.clients("-4", "-l", "dhcp1", "-r", "5", "-n", "1", "-R", "1", "-b", f"mac=00:0c:01:02:03:0{port[-1]}",
                        "-o", f"82,01{len(data):02x}{data.hex()}", "10.9.0.1")
        kea.clients("-6", "-l", "dhcp1", "-r", "5", "-n", "3", "-R", "3", "-e", "prefix-only", "all")
        v4 = wait_for("leases of DHCPv4", lambda: {row[0] for row in kea.rows(4)})
        assert len(v4) == 2, kea.rows(4)
        wait_for("them as lines", lambda: {who(s, address) for address in v4} == {"port-1", "port-2"})
        prefixes = wait_for("delegated prefixes", lambda: {row[0]: row[1] for row in kea.rows(6) if row[6] == "2"})
        for prefix, duid in prefixes.items():
            wait_for("it as a line", lambda: who(s, prefix + "7") == duid)
        # Kea's clean-up replaces the files under our eyes, and a gate that starts anew reads them all.
        wait_for("a clean-up", lambda: (s.folder / "kea-leases4.csv.2").exists())
        wait_for("reading it", lambda: state(s, "v4")["held"] == 2 and "fault" not in state(s, "v4"))
        s.kill("gate")
        s.start("gate")
        wait_for("reading it again", lambda: state(s, "v4")["held"] == 2)
        assert {who(s, address) for address in v4} == {"port-1", "port-2"}
        assert len(s.json("line", "sessions", "port-1")) == 1, "the restart made no other session of it"
        assert state(s, "v4")["wrong"] == 0 and state(s, "v6")["wrong"] == 0


assert KEA4 and KEA6 and PERFDHCP, "kea-dhcp4-server, kea-dhcp6-server and kea-admin are needed: ./dev setup test"
main([a_static_table_is_followed, faults_of_the_configuration_are_told, leases_of_a_real_kea])
