"""Postfix, Exim, Haraka and OpenSMTPD as peers of the benchmark: as they come and tuned, on free ports, in folders of their own."""
import json
import os
import pwd
import subprocess
import sys
from pathlib import Path

from servers import ACCOUNTS, PASSWORD, USERS, Server
from world import Skip, wait_for

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parents[1] / "tests" / "peers" / "lib"))
import caged  # noqa: E402 (after the path to it)
from caged import cage, own_passwd  # noqa: E402


def unpacked(*packages):
    try:
        return caged.unpacked(*packages)
    except caged.Missing as why:
        raise Skip(str(why)) from None


MASTER = """\
127.0.0.1:{plain}      inet n - n - {most} smtpd -o smtpd_sasl_auth_enable=no
127.0.0.1:{submission} inet n - n - {most} smtpd -o smtpd_tls_security_level=may -o smtpd_sasl_auth_enable=yes
pickup    unix  n - n 60    1 pickup
cleanup   unix  n - n -     0 cleanup
qmgr      unix  n - n 300   1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n -     - trivial-rewrite
bounce    unix  - - n -     0 bounce
defer     unix  - - n -     0 bounce
trace     unix  - - n -     0 bounce
proxymap  unix  - - n -     - proxymap
proxywrite unix - - n -     1 proxymap
smtp      unix  - - n -     - smtp
error     unix  - - n -     - error
retry     unix  - - n -     - error
scache    unix  - - n -     1 scache
anvil     unix  - - n -     1 anvil
postlog   unix-dgram n - n - 1 postlogd
"""


class Postfix(Server):
    name = "Postfix"
    settings = "as it comes, but messages of more than 10 MB taken; passwords in plain text (sasldb)"
    durability = "fsync of each queue file before 250"
    tuning = {}
    most = "-"

    def launch(self):
        if not Path("/usr/sbin/postfix").exists() or not Path("/usr/sbin/saslpasswd2").exists():
            raise Skip("the packages postfix and sasl2-bin are not installed")
        for name in ("etc", "queue", "data", "etc/sasl"):
            (self.folder / name).mkdir(exist_ok=True)
        os.chown(self.folder / "data", pwd.getpwnam("postfix").pw_uid, -1)
        database = self.folder / "etc" / "sasl" / "sasldb2"
        if not database.exists():
            for n in range(ACCOUNTS):
                user, domain = (USERS % n).split("@")
                subprocess.run(["saslpasswd2", "-p", "-c", "-f", database, "-u", domain, user], input=PASSWORD, text=True, check=True, capture_output=True)
            database.chmod(0o644)
        # Debian's Postfix looks for it here, beside main.cf.
        (self.folder / "etc" / "sasl" / "smtpd.conf").write_text(
            f"pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN\nsasldb_path: {database}\nlog_level: 2\n")
        parameters = {
            "compatibility_level": "3.6",
            "queue_directory": self.folder / "queue",
            "data_directory": self.folder / "data",
            "maillog_file": self.log,
            "maillog_file_prefixes": self.folder,
            "myhostname": "mail.example.net",
            "mydestination": "",
            "mynetworks": "127.0.0.0/8",
            "alias_maps": "",
            "alias_database": "",
            "message_size_limit": "52428800",  # as it comes it takes no 10 MB
            "relayhost": f"[127.0.0.1]:{self.sink.port}",
            "smtpd_tls_cert_file": self.world.certificate,
            "smtpd_tls_key_file": self.world.key,
            "smtpd_sasl_path": "smtpd",
            "smtpd_sasl_local_domain": "example.net",
            **self.tuning,
        }
        if self.world.slow_disk():  # it hands on nothing else of its environment
            usual = subprocess.run(["postconf", "-dh", "import_environment"], capture_output=True, text=True).stdout.strip()
            parameters["import_environment"] = " ".join([usual, *(f"{name}={value}" for name, value in self.world.slow_disk().items())])
        (self.folder / "etc" / "main.cf").write_text("".join(f"{name} = {value}\n" for name, value in parameters.items()))
        (self.folder / "etc" / "master.cf").write_text(MASTER.format(plain=self.plain, submission=self.submission, most=self.most))
        self.log.write_text("")
        self.group.start(["/usr/sbin/postfix", "-c", self.folder / "etc", "start-fg"], log=self.folder / "out", env=self.environment())
        wait_for("Postfix to start", lambda: "daemon started" in self.log.read_text(errors="replace"), 60)

    def version(self):
        return subprocess.run(["postconf", "-h", "mail_version"], capture_output=True, text=True).stdout.strip()


class PostfixTuned(Postfix):
    name = "Postfix tuned"
    settings = "no flow delay, 200 processes, 50 deliveries at once, processes kept, connections cached, no client limits, two levels of queue folders; passwords in plain text"
    tuning = {
        "in_flow_delay": "0",
        "default_process_limit": "200",
        "smtpd_client_connection_count_limit": "0",
        "smtpd_client_connection_rate_limit": "0",
        "smtp_destination_concurrency_limit": "50",
        "default_destination_concurrency_limit": "50",
        "initial_destination_concurrency": "50",
        "max_use": "10000",
        "smtp_connection_cache_on_demand": "yes",
        "smtp_connection_cache_destinations": "static:all",
        "hash_queue_depth": "2",
        "smtpd_tls_session_cache_database": "",
    }


EXIM = """\
exim_path = /usr/sbin/exim4
spool_directory = /var/spool/exim4
log_file_path = {folder}/exim-%slog
primary_hostname = mail.example.net
daemon_smtp_ports = {plain} : {submission}
local_interfaces = 127.0.0.1
tls_advertise_hosts = ${{if eq{{$received_port}}{{{submission}}}{{*}}{{}}}}
tls_certificate = {certificate}
tls_privatekey = {key}
acl_smtp_rcpt = take
domainlist local_domains =
rfc1413_query_timeout = 0s
host_lookup =
ignore_bounce_errors_after = 2d
never_users =
smtp_connect_backlog = 1000
{tuning}
begin acl
take:
  accept
begin routers
away:
  driver = manualroute
  transport = remote
  route_list = * 127.0.0.1
  self = send
  no_more
begin transports
remote:
  driver = smtp
  port = {sink}
  allow_localhost
begin retry
* * F,2h,1m
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_condition = ${{if eq{{$auth3}}{{{password}}}}}
  server_set_id = $auth2
"""


class Exim(Server):
    name = "Exim"
    settings = "as it comes, but smtp_accept_max 1000 (20 refuses), backlog 1000 (20 leaves clients unanswered); passwords in plain text"
    durability = "fsync of both spool files and their folder before 250"
    tuning = "smtp_accept_max = 1000"

    def launch(self):
        if os.getuid() != 0:
            raise Skip("Exim needs root for mounts of its own")
        root = unpacked("exim4-daemon-light", "exim4-base")
        user = own_passwd(root, ["Debian-exim"])
        spool = self.folder / "spool"
        for place in (self.folder / "mounts" / "exim4", spool):
            place.mkdir(parents=True, exist_ok=True)
        for place in (spool, self.folder):
            os.chown(place, user, user)
        config, slow = self.folder / "exim4.conf", self.world.slow_disk()
        config.write_text(EXIM.format(folder=self.folder, plain=self.plain, submission=self.submission, certificate=self.world.certificate,
                                      key=self.world.key, sink=self.sink.port, password=PASSWORD, tuning="\n".join([self.tuning, *(["add_environment = " + " : ".join(f"{name}={value}" for name, value in slow.items())] if slow else [])])))
        os.chown(config, 0, 0)
        (root / "etc" / "exim4").mkdir(exist_ok=True)
        (root / "etc" / "exim4" / "exim4.conf").touch()
        more = f"""mount --bind "{config}" /etc/exim4/exim4.conf
mount -t overlay overlay -o "lowerdir={self.folder}/mounts:/var/spool" /var/spool
mount --bind "{spool}" /var/spool/exim4"""
        command = cage(root, ["/usr/sbin", "/usr/lib", "/etc"], more)
        self.group.start([*command, "/usr/sbin/exim4", "-bdf", "-q30m"], log=self.log, env=self.environment())

    def version(self):
        return caged.version("exim4-daemon-light")


class EximTuned(Exim):
    name = "Exim tuned"
    settings = "no limit of connections, all messages of a connection delivered at once, spool divided, nothing logged; passwords in plain text"
    tuning = "smtp_accept_max = 0\nsmtp_accept_queue_per_connection = 0\nsplit_spool_directory\nlog_selector = -all"


HARAKA_SINK = """\
exports.hook_get_mx = (next) => next(OK, { priority: 0, exchange: '127.0.0.1', port: %d })
exports.hook_rcpt = function (next, connection) { connection.relaying = true; next(OK) }
"""


class Haraka(Server):
    name = "Haraka"
    settings = "as it comes, one worker, its own queue on disk; passwords in plain text (auth/flat_file)"
    durability = "fsync of each queue file, not of its folder, before 250"
    nodes = 0
    outbound = ""

    def launch(self):
        modules = HERE / "haraka" / "node_modules"
        if not (modules / "Haraka").exists():
            done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"], cwd=HERE / "haraka", capture_output=True, text=True)
            if done.returncode:
                raise Skip(f"Haraka can't be had from npm: {done.stderr.strip()[-200:]}")
        config = self.folder / "config"
        haraka = modules / "Haraka" / "bin" / "haraka"
        if not config.exists():
            subprocess.run(["node", haraka, "-i", self.folder], capture_output=True, check=True, timeout=60)
        users = "".join(f"{USERS % n}={PASSWORD}\n" for n in range(ACCOUNTS))
        for name, text in {
            "smtp.ini": f"listen=127.0.0.1:{self.plain},127.0.0.1:{self.submission}\nnodes={self.nodes}\n" if self.nodes
                        else f"listen=127.0.0.1:{self.plain},127.0.0.1:{self.submission}\n",
            "me": "mail.example.net\n",
            "plugins": "tls\nauth/flat_file\nto_sink\n",
            "tls.ini": f"key={self.world.key}\ncert={self.world.certificate}\n[outbound]\n",
            "auth_flat_file.ini": f"[core]\nmethods=PLAIN\n[users]\n{users}",
            "outbound.ini": f"enable_tls=false\n{self.outbound}",
            "log.ini": "level=NOTICE\n",
            "loglevel": "NOTICE\n",
            "databytes": "104857600\n",
            "host_list": "example.net\n",
        }.items():
            (config / name).write_text(text)
        (self.folder / "plugins" / "to_sink.js").write_text(HARAKA_SINK % self.sink.port)
        self.group.start(["node", haraka, "-c", self.folder], log=self.log, env=self.environment())

    def version(self):
        package = HERE / "haraka" / "node_modules" / "Haraka" / "package.json"
        return json.loads(package.read_text())["version"] if package.exists() else ""


class HarakaTuned(Haraka):
    name = "Haraka tuned"
    settings = "two workers, 200 deliveries at once; its own queue on disk; passwords in plain text"
    nodes = 2
    outbound = "concurrency_max=200\nmaxTempFailures=1\n"


class OpenSmtpd(Server):
    """Only in plain: its TLS finishes no handshake with the OpenSSL of Debian 12 (missing private key), and AUTH needs TLS there."""

    name, tls = "OpenSMTPD", False
    connections_most = 10  # its backlog is 5; more leave clients without a greeting, for a minute
    settings = "as it comes, 10 connections; no TLS: the package of Debian 12 finishes no handshake"
    durability = "stock; see the count"

    def launch(self):
        if os.getuid() != 0:
            raise Skip("OpenSMTPD needs root for mounts of its own")
        root = unpacked("opensmtpd")
        first = own_passwd(root, ["opensmtpd", "opensmtpq"])
        spool = self.folder / "spool"
        for place in (self.folder / "mounts" / "smtpd", spool, self.folder / "empty"):
            place.mkdir(parents=True, exist_ok=True)
        spool.chmod(0o711)
        config = self.folder / "smtpd.conf"
        config.write_text(f"""listen on 127.0.0.1 port {self.plain} hostname mail.example.net
action "away" relay host smtp://127.0.0.1:{self.sink.port}
match from any for any action "away"
""")
        os.chown(self.folder, 0, 0)
        self.queue_group = first + 1
        more = f"""mount -t overlay overlay -o "lowerdir={self.folder}/mounts:/var/spool" /var/spool
mount --bind "{spool}" /var/spool/smtpd
mkdir -p /run/opensmtpd /var/lib/opensmtpd/empty 2>/dev/null || true"""
        command = cage(root, ["/usr/sbin", "/usr/libexec", "/etc", "/usr/lib"], more)
        self.group.start([*command, "/usr/sbin/smtpd", "-d", "-f", config], log=self.log, env=self.environment())

    def version(self):
        return caged.version("opensmtpd")


PEERS = [Postfix, PostfixTuned, Exim, EximTuned, Haraka, HarakaTuned, OpenSmtpd]
