"""Routes through the mail server of another provider: a real Postfix on 587 and 465, whose users Dovecot knows (behind the other one's OP25B)."""
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import Sekisho, free_ports, main, message, wait_for
from nameserver import NameServer
from postfix_peer import Postfix
from tls_world import Authority

DOVECOT = "/usr/sbin/dovecot"
if not all(os.path.exists(program) for program in (DOVECOT, "/usr/sbin/postfix", "/usr/sbin/nsd")) or os.geteuid() != 0:
    print("dovecot, postfix or nsd is not installed, or this is not root")
    sys.exit(77)

ZONE = "provider.example.org"
PASSWORD = "cherry blossom, 3 petals"


class Users:
    """Dovecot's authentication, for Postfix."""

    def __init__(self):
        self.folder = f = Path(tempfile.mkdtemp(prefix="sekisho-dovecot-"))
        f.chmod(0o755)
        user = pwd.getpwuid(os.getuid()).pw_name
        (f / "users").write_text(f"roaming@{ZONE}:{{PLAIN}}{PASSWORD}::::::\n")
        (f / "dovecot.conf").write_text(f"""
base_dir = {f}/run
state_dir = {f}/state
log_path = {f}/log
protocols =
ssl = no
default_internal_user = {user}
default_login_user = {user}
default_internal_group = {user}
disable_plaintext_auth = no
auth_mechanisms = plain login scram-sha-256
auth_failure_delay = 0
passdb {{
  driver = passwd-file
  args = {f}/users
}}
userdb {{
  driver = static
  args = uid=0 gid=0 home=/nonexistent
}}
service auth {{
  unix_listener {f}/auth-client {{
    mode = 0666
  }}
}}
service anvil {{
  chroot =
}}
""")
        self.process = None

    def __enter__(self):
        self.process = subprocess.Popen([DOVECOT, "-F", "-c", self.folder / "dovecot.conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for("dovecot", (self.folder / "auth-client").exists)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)


def relay(users, authority, ports):
    """Every port offers something else."""
    at = authority.folder
    postfix = Postfix(ZONE, smtpd_sasl_type="dovecot", smtpd_sasl_path=users.folder / "auth-client", smtpd_sasl_auth_enable="yes",
                      smtpd_relay_restrictions="permit_sasl_authenticated,reject", smtpd_client_auth_rate_limit="0",
                      smtpd_tls_cert_file=at / "relay.chain", smtpd_tls_key_file=at / "relay.key", smtpd_tls_auth_only="yes")
    may, wrapped = "smtpd_tls_security_level=may", "smtpd_tls_wrappermode=yes"
    offers = {
        "scram": [may],
        "plain": [may, "smtpd_sasl_mechanism_filter=plain"],
        "login": [wrapped, "smtpd_sasl_mechanism_filter=login"],
        "other": [may, f"smtpd_tls_cert_file={at}/other.chain", f"smtpd_tls_key_file={at}/other.key"],
        "bare": ["smtpd_tls_security_level=none", "smtpd_tls_auth_only=no"],
        "open": [may, "smtpd_sasl_auth_enable=no"],
    }
    for name, options in offers.items():
        postfix.listen(f"127.0.0.1:{ports[name]}", *options)
    return postfix


def route(name, port, *more, domains=None):
    return "\n".join(["[[route]]", f'name = "{name}"', f'domains = ["{domains or name + ".test"}"]', f'via = ["relay.{ZONE}:{port}"]',
                      f'login = "roaming@{ZONE}"', 'password_file = "relay.password"', *more, ""])


def through_the_server_of_another_provider():
    names = NameServer(ZONE)
    folder = Path(tempfile.mkdtemp(prefix="sekisho-ca-"))
    folder.chmod(0o755)
    authority = Authority(folder)
    authority.leaf("relay", [f"relay.{ZONE}"])
    authority.leaf("other", ["elsewhere.test"])
    kinds = ("scram", "plain", "login", "other", "bare", "open")
    ports = dict(zip(kinds, free_ports(len(kinds))))
    routes = "".join([
        # Of one sender alone, whatever the domain; it goes before the others.
        route("sender", ports["plain"], 'senders = ["hanako@example.net"]', domains="*"),
        route("scram", ports["scram"]),
        route("plain", ports["plain"]),
        route("login", ports["login"], 'protocol = "submissions"'),
        route("other", ports["other"]),
        route("bare", ports["bare"], 'tls = "opportunistic"'),
        route("said", ports["bare"], 'tls = "none"', "login_without_tls = true"),
        route("open", ports["open"]),
    ])
    extra = (f'[delivery]\nresolvers = ["{names.resolver}"]\nipv6 = false\ntrust_ca = "{folder}/ca.crt"\nsmarthost = "127.0.0.1:1"\n'
             f'[queue]\nretry = ["1h"]\n{routes}')
    server = Sekisho(extra=extra)
    secret = server.folder / "relay.password"
    secret.write_text(PASSWORD + "\n")
    secret.chmod(0o600)
    with Users() as users, names, relay(users, authority, ports) as postfix, server:
        names.publish(["relay IN A 127.0.0.1"])
        login = server.account()
        hanako = server.account("hanako@example.net")
        server.start("mail")

        def send(to, sender=login):
            with server.submit(sender) as session:
                session.sendmail(sender, [to], message("by route", to=to, sender=sender))

        def fate(to, kind):
            return [e["detail"] for e in server.json("events", "--recipient", to) if e["kind"] == kind]

        def delivered(to):
            return wait_for(f"{to} to be delivered", lambda: fate(to, "delivered"))[0]

        def deferred(to):
            return wait_for(f"{to} to be put off", lambda: fate(to, "deferred"))[0]

        # The best mechanism that is offered, under a certificate that was verified.
        for kind, method in (("scram", "SCRAM-SHA-256"), ("plain", "PLAIN"), ("login", "LOGIN"), ("said", "SCRAM-SHA-256")):
            send(f"a@{kind}.test")
            detail = delivered(f"a@{kind}.test")
            assert ("no TLS" if kind == "said" else "verified") in detail, detail
            assert postfix.lines(f"sasl_method={method}, sasl_username=roaming@{ZONE}"), (kind, postfix.log())
        logins = len(postfix.lines("sasl_username="))
        # By its sender.
        send("b@scram.test", hanako)
        assert f":{ports['plain']}" in delivered("b@scram.test")
        # The password goes to nobody who isn't who they should be, nor without TLS.
        send("a@other.test")
        assert "4.7.5" in deferred("a@other.test"), deferred("a@other.test")
        send("a@bare.test")
        assert "not sent without it" in deferred("a@bare.test"), deferred("a@bare.test")
        send("a@open.test")
        assert "does not offer AUTH" in deferred("a@open.test"), deferred("a@open.test")
        assert len(postfix.lines("sasl_username=")) == logins + 1, postfix.log()
        assert not postfix.lines("SASL", "authentication failed"), postfix.log()
        # Without a route: the smarthost, which isn't there.
        send("a@elsewhere.test")
        assert "4.4.1" in deferred("a@elsewhere.test")
        # A wrong password: nothing is returned; a right one takes effect with a reload.
        secret.write_text("plum\n")
        server.cli("reload")
        server.write_config(extra=extra + route("late", ports["plain"]))
        server.cli("reload")
        send("a@late.test")
        assert "535 5.7.8" in deferred("a@late.test"), deferred("a@late.test")
        secret.unlink()
        server.cli("reload")
        queue_id = server.json("queue", "list", "--recipient", "a@late.test")[0]["queue_id"]
        server.cli("queue", "retry", queue_id)
        wait_for("no password", lambda: any("can't be read" in one for one in fate("a@late.test", "deferred")))
        secret.write_text(PASSWORD)
        server.cli("reload")
        server.cli("queue", "retry", queue_id)
        delivered("a@late.test")
        # By an operator's word, to a route by its name.
        queue_id = server.json("queue", "list", "--recipient", "a@elsewhere.test")[0]["queue_id"]
        assert "neither HOST:PORT" in server.cli("queue", "reroute", queue_id, "--to", "nowhere", code=None)
        server.cli("queue", "reroute", queue_id, "--to", "scram")
        assert f":{ports['scram']}" in delivered("a@elsewhere.test")
        told = server.cli("peer", "tls", "scram.test")
        assert "by the route scram" in told and "rule verified" in told, told
    shutil.rmtree(folder, ignore_errors=True)


main([through_the_server_of_another_provider])
