"""Exim, OpenSMTPD and Haraka on free ports of 127.0.0.1, as mail servers of others. Each takes mail for DOMAIN, which goes on to `forth`, and relays
everything else by way of `back`; all but Haraka greet within a second. Postfix stands in postfix_peer.py."""
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import free_ports, wait_for

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from peers.lib import caged  # noqa: E402 (after the path to it)

HARAKA = Path(__file__).resolve().parents[2] / "bench" / "mail" / "haraka"


class Smarthost:
    """Where a server sends what isn't for its own domain: a port, and how."""

    def __init__(self, port, login=None, password=None, implicit=False):
        self.port, self.login, self.password, self.implicit = port, login, password, implicit


def greets(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as one:
            one.settimeout(2)
            return one.recv(100).startswith(b"220")
    except OSError:
        return False


class Other:
    """`back`: a Smarthost; `forth`: the port that takes what is for `domain`."""

    tls = True

    def __init__(self, domain, back, forth, authority):
        self.domain, self.back, self.forth, self.authority = domain, back, forth, authority
        self.folder = Path(tempfile.mkdtemp(prefix=f"sekisho-{type(self).__name__.lower()}-"))
        self.folder.chmod(0o755)
        (self.port,) = free_ports(1)
        self.log, self.process = self.folder / "log", None

    def run(self, *command):
        self.process = subprocess.Popen([str(word) for word in command], stdout=self.log.open("a"), stderr=subprocess.STDOUT, start_new_session=True)
        wait_for(f"{type(self).__name__} to greet", self.greets, 40)

    def greets(self):
        if self.process.poll() is not None:
            raise AssertionError(f"{type(self).__name__} ended: {self.log.read_text(errors='replace')[-2000:]}")
        return greets(self.port)

    def __enter__(self):
        self.launch()
        return self

    def __exit__(self, kind, value, trace):
        try:
            os.killpg(self.process.pid, 15)
            self.process.wait(10)
        except ProcessLookupError:
            pass
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, 9)
            self.process.wait()
        if kind is not None:
            for log in [self.log, *self.folder.glob("*log")]:
                print(f"--- {type(self).__name__} {log.name}\n{log.read_text(errors='replace')[-3000:]}")
        shutil.rmtree(self.folder, ignore_errors=True)


EXIM = """\
exim_path = /usr/sbin/exim4
spool_directory = /var/spool/exim4
log_file_path = {folder}/exim-%slog
primary_hostname = mx.{domain}
daemon_smtp_ports = {port}
local_interfaces = 127.0.0.1
tls_advertise_hosts = *
tls_certificate = {chain}
tls_privatekey = {key}
acl_smtp_rcpt = take
acl_smtp_data = take
smtputf8_advertise_hosts = *
rfc1413_query_timeout = 0s
host_lookup =
never_users =
begin acl
take:
  accept
begin routers
forth:
  driver = manualroute
  domains = {domain}
  transport = forth
  route_list = * 127.0.0.1
  self = send
back:
  driver = manualroute
  transport = back
  route_list = * 127.0.0.1
  self = send
begin transports
forth:
  driver = smtp
  port = {forth}
  allow_localhost
back:
  driver = smtp
  port = {back}
  allow_localhost
  tls_verify_hosts =
  tls_try_verify_hosts =
{more}
begin retry
* * F,2h,1s
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  client_send = ^{login}^{password}
"""


class Exim(Other):
    def launch(self):
        root = caged.unpacked("exim4-daemon-light", "exim4-base")
        user = caged.own_passwd(root, ["Debian-exim"])
        spool, mounts = self.folder / "spool", self.folder / "mounts"
        for place in (mounts / "exim4", spool):
            place.mkdir(parents=True)
        for place in (spool, self.folder):
            os.chown(place, user, user)
        for name in ("mx.key", "mx.chain"):
            shutil.copy(self.authority.folder / name, self.folder / name)
            os.chown(self.folder / name, user, user)
        back = self.back
        more = ["  hosts_require_auth = *", "  hosts_require_tls = *"] if back.login else []
        more += ["  protocol = smtps"] if back.implicit else []
        config = self.folder / "exim4.conf"
        config.write_text(EXIM.format(folder=self.folder, domain=self.domain, port=self.port, key=self.folder / "mx.key", chain=self.folder / "mx.chain",
                                      forth=self.forth, back=back.port, login=back.login or "", password=back.password or "", more="\n".join(more)))
        (root / "etc" / "exim4").mkdir(exist_ok=True)
        (root / "etc" / "exim4" / "exim4.conf").touch()
        more = (f'mount --bind "{config}" /etc/exim4/exim4.conf\nmount -t overlay overlay -o "lowerdir={mounts}:/var/spool" /var/spool\n'
                f'mount --bind "{spool}" /var/spool/exim4')
        self.run(*caged.cage(root, ["/usr/sbin", "/usr/lib", "/etc"], more), "/usr/sbin/exim4", "-bdf", "-q2s")


class OpenSmtpd(Other):
    """The package of Debian 12 finishes no TLS handshake as a server: it takes mail in plain."""

    tls = False

    def launch(self):
        root = caged.unpacked("opensmtpd")
        caged.own_passwd(root, ["opensmtpd", "opensmtpq"])
        spool, mounts = self.folder / "spool", self.folder / "mounts"
        for place in (mounts / "smtpd", spool):
            place.mkdir(parents=True)
        spool.chmod(0o711)
        back, config, secrets = self.back, self.folder / "smtpd.conf", self.folder / "secrets"
        secrets.write_text(f"ours {back.login}:{back.password}\n")
        secrets.chmod(0o640)
        way = f"smtp://127.0.0.1:{back.port}"
        if back.login:
            way = f"{'smtps' if back.implicit else 'smtp+tls'}://ours@127.0.0.1:{back.port}"
        more = 'auth <secrets> tls no-verify' if back.login else ""
        config.write_text(f"""table secrets file:{secrets}
listen on 127.0.0.1 port {self.port} hostname mx.{self.domain}
action "forth" relay host smtp://127.0.0.1:{self.forth}
action "back" relay helo mx.{self.domain} host {way} {more}
match from any for domain "{self.domain}" action "forth"
match from any for any action "back"
""")
        for place in (self.folder, config, secrets):
            os.chown(place, 0, 0)
        more = (f'mount -t overlay overlay -o "lowerdir={mounts}:/var/spool" /var/spool\nmount --bind "{spool}" /var/spool/smtpd\n'
                "mkdir -p /run/opensmtpd /var/lib/opensmtpd/empty 2>/dev/null || true")
        self.run(*caged.cage(root, ["/usr/sbin", "/usr/libexec", "/etc", "/usr/lib"], more), "/usr/sbin/smtpd", "-d", "-f", config)


ROUTES = """\
exports.hook_get_mx = (next, hmail, domain) => next(OK, domain === %(domain)s ? { priority: 0, exchange: '127.0.0.1', port: %(forth)d } : %(back)s)
exports.hook_rcpt = (next, connection) => { connection.relaying = true; next(OK) }
"""


class Haraka(Other):
    def launch(self):
        modules = HARAKA / "node_modules"
        if not (modules / "Haraka").exists():
            done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"], cwd=HARAKA, capture_output=True, text=True)
            if done.returncode:
                raise caged.Missing(f"Haraka can't be had from npm: {done.stderr.strip()[-200:]}")
        program = modules / "Haraka" / "bin" / "haraka"
        subprocess.run(["node", program, "-i", self.folder], capture_output=True, check=True, timeout=60)
        back = {"priority": 0, "exchange": "127.0.0.1", "port": self.back.port}
        if self.back.login:
            back |= {"auth_user": self.back.login, "auth_pass": self.back.password, "auth_type": "PLAIN"}
        at = self.authority.folder
        for name, text in {
            "smtp.ini": f"listen=127.0.0.1:{self.port}\n",
            "me": f"mx.{self.domain}\n",
            "plugins": "tls\nroutes\n",
            "tls.ini": f"key={at / 'mx.key'}\ncert={at / 'mx.chain'}\n[outbound]\nrejectUnauthorized=false\n",
            "outbound.ini": "enable_tls=true\ntemp_fail_intervals=1s*9\n",
            "log.ini": "level=NOTICE\n",
            "loglevel": "NOTICE\n",
            "host_list": f"{self.domain}\n",
        }.items():
            (self.folder / "config" / name).write_text(text)
        (self.folder / "plugins" / "routes.js").write_text(
            ROUTES % {"domain": json.dumps(self.domain), "forth": self.forth, "back": json.dumps(back)})
        self.run("node", program, "-c", self.folder)
