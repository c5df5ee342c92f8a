"""Mail hosts with good and bad credentials, signed and unsigned zones, and MTA-STS policies, on loopback."""
import hashlib
import http.server
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import free_ports, wait_for  # noqa: E402
from peers.lib import postfix as postfix_of  # noqa: E402
from peers.lib.proc import Processes  # noqa: E402

NEEDED = ("/usr/sbin/postfix", "/usr/sbin/nsd", "/usr/sbin/unbound", "/usr/bin/ldns-signzone", "/usr/bin/ldns-keygen")
ZONES = ("signed.test", "plain.test")
CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def missing():
    return [program for program in NEEDED if not os.path.exists(program)] + ([] if os.geteuid() == 0 else ["root"])


def run(*command, cwd=None, feed=None):
    done = subprocess.run([str(word) for word in command], cwd=cwd, input=feed, capture_output=True)
    if done.returncode:
        raise AssertionError(f"{command}: {done.stdout.decode()}{done.stderr.decode()}")
    return done.stdout


class Authority:
    """A CA and what it signs: NAME.key, NAME.crt and NAME.chain, the certificate with that of the CA."""

    def __init__(self, folder):
        self.folder = folder
        run("openssl", "req", "-x509", *CURVE, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=Test CA", "-days", 10, cwd=folder)

    def leaf(self, name, hosts, days=10, own=False):
        at = self.folder
        names = ",".join(f"DNS:{host}" for host in hosts)
        if own:
            run("openssl", "req", "-x509", *CURVE, "-keyout", f"{name}.key", "-out", f"{name}.crt", "-subj", f"/CN={name}",
                "-addext", f"subjectAltName={names}", "-days", days, cwd=at)
            shutil.copy(at / f"{name}.crt", at / f"{name}.chain")
            return
        (at / f"{name}.ext").write_text(f"subjectAltName={names}\n")
        run("openssl", "req", *CURVE, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}", cwd=at)
        run("openssl", "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-extfile", f"{name}.ext",
            "-out", f"{name}.crt", "-days", days, cwd=at)
        (at / f"{name}.chain").write_text((at / f"{name}.crt").read_text() + (at / "ca.crt").read_text())

    def spki(self, name):
        """The SHA-256 of a certificate's key, as "3 1 1" and "2 1 1" have it."""
        public = run("openssl", "x509", "-in", f"{name}.crt", "-noout", "-pubkey", cwd=self.folder)
        return hashlib.sha256(run("openssl", "pkey", "-pubin", "-outform", "DER", feed=public)).hexdigest()


class Names:
    """NSD with ZONES, the first of them signed, behind an unbound that doesn't validate."""

    FORGED, SIGNED_AS = "f0" * 32, "5e" * 32  # a digest that is changed after it was signed

    def __init__(self, folder, lines):
        """`lines`: zone -> lines of its file."""
        self.folder = folder
        self.nsd_port, self.port = free_ports(2)
        for zone in ZONES:
            (folder / zone).write_text(
                f"$ORIGIN {zone}.\n$TTL 300\n@ IN SOA ns hostmaster 1 3600 600 86400 300\n@ IN NS ns\nns IN A 127.0.0.1\n"
                + "\n".join(lines[zone]) + "\n")
        key = run("ldns-keygen", "-a", "ECDSAP256SHA256", "-k", "signed.test", cwd=folder).decode().strip()
        shutil.copy(folder / f"{key}.key", folder / "anchor")
        run("ldns-signzone", "-n", "signed.test", key, cwd=folder)
        signed = folder / "signed.test.signed"
        text, forged = re.subn(self.SIGNED_AS, self.FORGED, signed.read_text(), flags=re.IGNORECASE)
        assert forged == sum(self.SIGNED_AS in line for line in lines["signed.test"])
        signed.write_text(text)
        self._configure()

    @property
    def resolver(self):
        return f"127.0.0.1@{self.port}"

    def _configure(self):
        at = self.folder
        (at / "nsd.conf").write_text(
            f'server:\n  ip-address: 127.0.0.1@{self.nsd_port}\n  username: ""\n  zonesdir: "{at}"\n  pidfile: "{at}/nsd.pid"\n'
            f'  database: ""\n  xfrdfile: "{at}/xfrd"\n  zonelistfile: "{at}/zone.list"\n  xfrdir: "{at}"\n  server-count: 1\n'
            f'remote-control:\n  control-enable: no\n'
            f'zone:\n  name: signed.test\n  zonefile: signed.test.signed\nzone:\n  name: plain.test\n  zonefile: plain.test\n')
        stubs = "".join(f"stub-zone:\n  name: {zone}\n  stub-addr: 127.0.0.1@{self.nsd_port}\n" for zone in ZONES)
        (at / "unbound.conf").write_text(
            f'server:\n  interface: 127.0.0.1@{self.port}\n  username: ""\n  chroot: ""\n  directory: "{at}"\n'
            f'  pidfile: "{at}/unbound.pid"\n  use-syslog: no\n  do-daemonize: no\n  do-not-query-localhost: no\n'
            f'  module-config: "iterator"\n  local-zone: "test." nodefault\nremote-control:\n  control-enable: no\n{stubs}')

    def start(self, processes):
        for program in ("nsd", "unbound"):
            processes.start(program, [f"/usr/sbin/{program}", "-d", "-c", self.folder / f"{program}.conf"])
        for zone in ZONES:
            wait_for(zone, lambda zone=zone: self.ask(f"ns.{zone}"))

    def ask(self, name, kind="A"):
        done = subprocess.run(["dig", "@127.0.0.1", "-p", str(self.port), "+short", "+time=1", "+tries=1", name, kind],
                              capture_output=True, text=True)
        return [line for line in done.stdout.splitlines() if not line.startswith(";")]


class Policies:
    """An HTTPS server with a policy for each domain of `policies`; 404 for all others."""

    def __init__(self, authority, policies):
        self.policies, self.asked = policies, []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                domain = self.headers.get("Host", "").split(":")[0].removeprefix("mta-sts.")
                outer.asked.append(domain)
                body = outer.policies.get(domain) if self.path == "/.well-known/mta-sts.txt" else None
                self.send_response(200 if body else 404)
                self.send_header("Content-Type", "text/plain")
                self.end_headers()
                self.wfile.write((body or "no such policy").encode())

            def log_message(self, *words):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority.folder / "policies.chain", authority.folder / "policies.key")
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def policy(mode, *mx):
    return f"version: STSv1\r\nmode: {mode}\r\n" + "".join(f"mx: {one}\r\n" for one in mx) + "max_age: 86400\r\n"


class World:
    """`credentials`: name of a listener -> its certificate, None for no TLS. It has an address of its own, and all
    of them one port."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="sekisho-tls-"))
        self.folder.chmod(0o755)
        self.processes = Processes(str(self.folder / "logs"))
        self.authority = Authority(self.folder)
        self.postfix = self.names = self.policies = None

    def mail_hosts(self, port, credentials, domains):
        """credentials: name -> (address, certificate or None). Their mail is thrown away once it is taken."""
        self.postfix = postfix = postfix_of.Postfix(self.processes, None, str(self.folder / "postfix"), "mx.test")
        postfix.parameters |= {
            "inet_interfaces": "127.0.0.1", "inet_protocols": "ipv4", "relay_domains": " ".join(domains), "relay_transport": "discard",
            "smtpd_relay_restrictions": "reject_unauth_destination", "smtpd_peername_lookup": "no", "smtpd_tls_security_level": "may",
            "smtpd_client_connection_count_limit": "0", "smtp_dns_support_level": "disabled", "smtp_tls_security_level": "none",
        }
        for address, certificate in credentials.values():
            chain = self.folder / f"{certificate}.chain"
            options = ("smtpd_tls_security_level=none",) if certificate is None else (
                f"smtpd_tls_chain_files={self.folder / certificate}.key,{chain}",)
            postfix.listen(f"{address}:{port}", *options)
        postfix.start()
        postfix.ready()

    def taken(self):
        """The recipients that Postfix took mail for."""
        lines = self.postfix.log_lines("postfix/discard", "status=sent")
        return {line.split("to=<")[1].split(">")[0] for line in lines}

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if self.policies:
            self.policies.stop()
        if self.postfix:
            self.postfix.stop()
        self.processes.stop_all()
        if kind is not None and self.postfix:
            print(self.postfix.log_text()[-3000:])
        shutil.rmtree(self.folder, ignore_errors=True)
