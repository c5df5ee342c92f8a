"""Accounts that live elsewhere: a real slapd (bind, compare, StartTLS), a real Dovecot, a real FreeRADIUS; and each away."""
import base64
import os
import pwd
import shutil
import smtplib
import socket
import subprocess
import sys

from harness import Sekisho, free_ports, main, message, untrusting, wait_for
from issuer import Issuer, oauth
from scram import Refused, scram

SLAPD = shutil.which("slapd", path="/usr/sbin:/usr/local/sbin")
DOVECOT = shutil.which("dovecot", path="/usr/sbin")
RADIUSD = shutil.which("freeradius", path="/usr/sbin")
if not SLAPD or not DOVECOT or not RADIUSD:
    print("slapd, dovecot or freeradius is not installed")
    sys.exit(77)

LDIF = """
dn: dc=example,dc=net
objectClass: dcObject
objectClass: organization
o: Example
dc: example

dn: cn=mail,dc=example,dc=net
objectClass: simpleSecurityObject
objectClass: organizationalRole
cn: mail
userPassword: looks

dn: uid=hanako,dc=example,dc=net
objectClass: inetOrgPerson
uid: hanako
cn: Hanako Yamada
sn: Yamada
mail: hanako@example.net
mail: h.yamada@example.net
userPassword: cherry blossom

dn: uid=twin1,dc=example,dc=net
objectClass: inetOrgPerson
uid: twin1
cn: Twin
sn: Twin
mail: twin@example.net
userPassword: cherry blossom

dn: uid=twin2,dc=example,dc=net
objectClass: inetOrgPerson
uid: twin2
cn: Twin
sn: Twin
mail: twin@example.net
userPassword: cherry blossom
"""


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60)


class Slapd:
    def __init__(self, folder):
        self.folder = folder / "slapd"
        (self.folder / "db").mkdir(parents=True)
        self.port, self.tls_port = free_ports(2)
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.folder / "key.pem",
                "-out", self.folder / "crt.pem", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")  # fmt: skip
        (self.folder / "slapd.conf").write_text(f"""
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {self.folder}/pid
TLSCertificateFile {self.folder}/crt.pem
TLSCertificateKeyFile {self.folder}/key.pem
database mdb
maxsize 10485760
suffix "dc=example,dc=net"
rootdn "cn=root,dc=example,dc=net"
directory {self.folder}/db
access to attrs=userPassword by dn="cn=mail,dc=example,dc=net" compare by anonymous auth by * none
access to * by dn="cn=mail,dc=example,dc=net" read by * none
""")
        (self.folder / "all.ldif").write_text(LDIF)
        done = subprocess.run(["/usr/sbin/slapadd", "-f", self.folder / "slapd.conf", "-l", self.folder / "all.ldif"], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        self.start()

    def start(self):
        log = (self.folder / "log").open("a")
        self.process = subprocess.Popen(
            [SLAPD, "-h", f"ldap://127.0.0.1:{self.port} ldaps://127.0.0.1:{self.tls_port}", "-f", self.folder / "slapd.conf", "-d", "256"], stdout=log, stderr=log)

        def up():
            return subprocess.run(["ldapwhoami", "-x", "-H", f"ldap://127.0.0.1:{self.port}"], capture_output=True).returncode == 0
        wait_for("slapd", up)

    def stop(self):
        self.process.terminate()
        self.process.wait(20)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()

    def source(self, more="", server=None):
        return f"""
[[account_source]]
name = "directory"
kind = "ldap"
server = "{server or f'ldap://127.0.0.1:{self.port}'}"
base = "dc=example,dc=net"
bind_dn = "cn=mail,dc=example,dc=net"
secret = "looks"
timeout = "5s"
{more}
"""


def login(s, user, password):
    session = smtplib.SMTP("127.0.0.1", s.submission, timeout=30)
    session.starttls(context=untrusting())
    session.ehlo()
    try:
        return session.login(user, password)[0], session
    except smtplib.SMTPAuthenticationError as error:
        session.close()
        return error.smtp_code, error.smtp_error.decode()


def a_directory_lets_in_and_says_who_may_send_as_whom():
    for more in ("", 'check = "compare"', "start_tls = true\nca = \"CA\""):
        with Sekisho() as s, Slapd(s.folder) as directory:
            s.write_config(extra=directory.source(more.replace("CA", f"{directory.folder}/crt.pem")))
            own = s.account()
            s.start("mail")
            code, session = login(s, "hanako@example.net", "cherry blossom")
            assert code == 235, (more, session)
            assert "SCRAM" not in session.esmtp_features["auth"]
            for sender, wanted in (("hanako@example.net", 250), ("h.yamada@example.net", 250), (own, 553)):
                assert session.mail(sender)[0] == wanted, (more, sender)
                session.rset()
            session.sendmail("hanako@example.net", [own], message("from the directory", sender="hanako@example.net"))
            session.quit()
            wait_for("the mail", lambda: len(s.mailbox()) == 1)
            for user, password in (("hanako@example.net", "plum blossom"), ("nobody@example.net", "cherry blossom"),
                                   ("*", "cherry blossom"), ("hanako)(uid=*", "cherry blossom")):  # fmt: skip
                code, text = login(s, user, password)
                assert code == 535, (more, user, code, text)
            code, text = login(s, "twin@example.net", "cherry blossom")
            assert code == 454, ("two entries are nobody", code, text)
            assert login(s, own, s.password)[0] == 235, "the own store comes first"


def a_directory_that_is_away_is_no_wrong_password():
    with Sekisho() as s, Slapd(s.folder) as directory:
        s.write_config(extra=directory.source())
        own = s.account()
        s.start("mail")
        assert login(s, "hanako@example.net", "cherry blossom")[0] == 235
        directory.stop()
        assert login(s, "hanako@example.net", "cherry blossom")[0] == 235, "a password that was right a moment ago"
        code, text = login(s, "hanako@example.net", "plum blossom")
        assert code == 454 and "4.7.0" in text, (code, text)
        assert login(s, own, s.password)[0] == 235, "own accounts go on"
        directory.start()
        assert login(s, "hanako@example.net", "plum blossom")[0] == 535, "a new connection is made"
        counters = s.json("mail", "status")["account_sources"]["directory"]
        # smtplib tries a second mechanism after a refusal.
        assert counters["away"] in (1, 2) and counters["denied"] in (1, 2) and counters["accepted"] == 1, counters


def tls_from_the_start_is_verified():
    with Sekisho() as s, Slapd(s.folder) as directory:
        server = f"ldaps://127.0.0.1:{directory.tls_port}"
        s.write_config(extra=directory.source(f'ca = "{directory.folder}/crt.pem"', server))
        own = s.account()
        s.start("mail")
        code, session = login(s, "hanako@example.net", "cherry blossom")
        assert code == 235, session
        session.quit()
        assert login(s, "hanako@example.net", "plum blossom")[0] == 535
        assert rcpt(s, "h.yamada@example.net")[0] == 250
        s.stop()
        s.write_config(extra=directory.source("", server))  # the system trusts no such certificate
        s.start("mail")
        code, text = login(s, "hanako@example.net", "cherry blossom")
        assert code == 454, (code, text)
        assert login(s, own, s.password)[0] == 235


def rcpt(s, address, sender="someone@else.test"):
    """What the exchange says to a recipient."""
    with smtplib.SMTP("127.0.0.1", s.exchange, timeout=30) as session:
        session.ehlo("peer.else.test")
        code, text = session.mail(sender)
        assert code == 250, text
        code, text = session.rcpt(address)
        return code, text.decode()


def mail_for_those_in_the_directory_is_taken():
    with Sekisho() as s, Slapd(s.folder) as directory:
        s.write_config(extra=directory.source())
        own = s.account()
        s.start("mail")
        code, text = rcpt(s, "H.Yamada@example.net")
        assert code == 250, text
        code, text = rcpt(s, "nobody@example.net")
        assert code == 550 and "5.1.1" in text, text
        assert rcpt(s, "*@example.net")[0] == 550, "no pattern"
        code, text = rcpt(s, "twin@example.net")
        assert code == 450, ("two entries are nobody that could be known", text)
        with smtplib.SMTP("127.0.0.1", s.exchange, timeout=30) as session:
            session.sendmail("someone@else.test", ["hanako@example.net"], message("for the directory", to="hanako@example.net"))
        wait_for("the mail", lambda: len(s.mailbox()) == 1)
        # A catch-all has its turn after the directory.
        s.cli("alias", "add", "@example.net", own)
        assert rcpt(s, "whoever@example.net")[0] == 250
        s.cli("alias", "remove", "@example.net")
        directory.stop()
        assert rcpt(s, "h.yamada@example.net")[0] == 250, "found a moment ago"
        assert rcpt(s, "nobody@example.net")[0] == 550, "nobody a moment ago"
        code, text = rcpt(s, "another@example.net")
        assert code == 450, text
        assert rcpt(s, own)[0] == 250, "own accounts go on"
        directory.start()
        assert rcpt(s, "another@example.net")[0] == 550, "that it was away isn't remembered"
        counters = s.json("mail", "status")["account_sources"]["directory"]
        assert counters["recipients_found"] == 2 and counters["recipients_unknown"] >= 3, counters
        s.stop()
        s.write_config(extra=directory.source("recipients = false"))
        s.start("mail")
        assert rcpt(s, "hanako@example.net")[0] == 550, "as configured"


def whom_a_token_or_a_certificate_names_may_be_in_the_directory():
    with Sekisho() as s, Slapd(s.folder) as directory:
        f = s.folder
        issuer = Issuer(f)
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f / "ca.key",
                "-out", f / "ca.pem", "-days", "2", "-subj", "/CN=ca")  # fmt: skip
        (f / "ext").write_text("subjectAltName = email:h.yamada@example.net\n")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f / "h.key", "-out", f / "h.csr", "-subj", "/CN=h")
        openssl("x509", "-req", "-in", f / "h.csr", "-CA", f / "ca.pem", "-CAkey", f / "ca.key", "-CAcreateserial", "-days", "2",
                "-extfile", f / "ext", "-out", f / "h.pem")  # fmt: skip
        s.write_config(extra=directory.source() + oauth(issuer) + f'[tls]\nclient_ca = "{f}/ca.pem"\n', mail='scram = "always"\n')
        own = s.account()
        s.start("mail")

        def bearer(user):
            session = s.submit()
            session.ehlo()
            code, text = session.docmd("AUTH", "XOAUTH2 " + base64.b64encode(f"user={user}\1auth=Bearer {issuer.token(user)}\1\1".encode()).decode())
            if code == 334:
                code, text = session.docmd("")
            return code, session

        code, session = bearer("h.yamada@example.net")
        assert code == 235
        for sender, wanted in (("hanako@example.net", 250), ("h.yamada@example.net", 250), (own, 553)):
            assert session.mail(sender)[0] == wanted, sender
            session.rset()
        session.quit()
        assert bearer("nobody@example.net")[0] == 535
        assert bearer("twin@example.net")[0] == 454, "two entries are nobody"
        context = untrusting()
        context.load_cert_chain(f / "h.pem", f / "h.key")
        with smtplib.SMTP_SSL("127.0.0.1", s.submissions, context=context, timeout=20) as session:
            session.ehlo()
            assert session.docmd("AUTH EXTERNAL =")[0] == 235
            assert session.mail("hanako@example.net")[0] == 250
        accepted = wait_for("two logins", lambda: (lambda e: e if len(e) == 2 else None)(s.json("events", "--kind", "login-accepted")))
        assert {e["account"] for e in accepted} == {"h.yamada@example.net"}, accepted
        # SCRAM is for own accounts; who is in the directory must send the password.
        session = s.submit()
        session.ehlo()
        assert "SCRAM-SHA-256" in session.esmtp_features["auth"]
        try:
            scram(session, "hanako@example.net", "cherry blossom")
            raise AssertionError("by SCRAM?")
        except Refused as refused:
            assert refused.code == 535, refused
        code, text = session.docmd("AUTH", "PLAIN " + base64.b64encode(b"\0hanako@example.net\0cherry blossom").decode())
        assert code == 235, text
        session.quit()
        session = s.submit()
        session.ehlo()
        scram(session, own, s.password)
        assert session.mail(own)[0] == 250
        session.quit()
        directory.stop()
        assert bearer("another@example.net")[0] == 454


def an_account_of_the_directory_is_suspended_and_let_go():
    with Sekisho() as s, Slapd(s.folder) as directory:
        hanako = "h.yamada@example.net"  # as limits and conduct know her
        s.write_config(extra=directory.source() + '[conduct]\nmode = "enforce"\nabuse_mail = "abuse@example.net"\n')
        s.account()
        s.start("mail")
        code, session = login(s, "hanako@example.net", "cherry blossom")
        assert code == 235
        assert session.mail(hanako)[0] == 250
        assert "Nothing stands in the way" in s.cli("why", hanako)
        s.cli("account", "suspend", hanako, "--reason", "stolen password")
        try:  # its session ends at once
            assert session.rcpt("someone@else.test")[0] == 421
        except smtplib.SMTPServerDisconnected:
            pass
        code, text = login(s, "hanako@example.net", "cherry blossom")
        assert code != 235, "no login while it is suspended"
        told = s.json("why", hanako)
        assert "stolen password" in told["cause"], told
        # To the first of her addresses that the directory names.
        wait_for("the notice to her", lambda: [p for p in s.mailbox() if b"\nTo: hanako@example.net" in p.read_bytes()])
        s.cli("conduct", "undo", hanako, "--reason", "new password")
        code, session = login(s, "hanako@example.net", "cherry blossom")
        assert code == 235, session
        assert session.mail(hanako)[0] == 250
        session.quit()
        s.cli("conduct", "exempt", hanako, "--reason", "newsletter")
        assert "exempt" in s.cli("conduct", "show", hanako)
        # Delegates may live there too; what they may send as is shown.
        s.cli("account", "delegate", "add", "taro@example.net", hanako)
        assert "taro@example.net (delegate of taro@example.net)" in s.cli("account", "show", hanako)
        code, session = login(s, "hanako@example.net", "cherry blossom")
        assert code == 235 and session.mail("taro@example.net")[0] == 250
        session.quit()


def dovecot_lets_in():
    with Sekisho() as s:
        f = s.folder / "dovecot"
        f.mkdir()
        user = pwd.getpwuid(os.getuid()).pw_name
        (f / "users").write_text("taro.imap:{PLAIN}cherry blossom::::::\n")
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
auth_mechanisms = plain login
auth_username_format = %Ln
auth_failure_delay = 0
passdb {{
  driver = passwd-file
  args = {f}/users
}}
userdb {{
  driver = static
  args = uid={os.getuid()} gid={os.getgid()} home=/nonexistent
}}
service auth {{
  unix_listener {f}/auth-client {{
    mode = 0666
  }}
  unix_listener {f}/auth-userdb {{
    mode = 0666
  }}
}}
service anvil {{
  chroot =
}}
""")
        s.write_config(extra=f"""
[[account_source]]
name = "imap"
kind = "dovecot"
server = "{f}/auth-client"
userdb = "{f}/auth-userdb"
addresses = ["{{user}}@example.net"]
""")
        own = s.account()
        process = subprocess.Popen([DOVECOT, "-F", "-c", f / "dovecot.conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for("dovecot", lambda: (f / "auth-client").exists())
            s.start("mail")
            code, session = login(s, "taro.imap", "cherry blossom")
            assert code == 235, (code, session, (f / "log").read_text() if (f / "log").exists() else "")
            assert session.mail("taro.imap@example.net")[0] == 250
            session.rset()
            assert session.mail(own)[0] == 553
            session.quit()
            # Dovecot leaves the domain out: it is the same account, for limits and all.
            code, session = login(s, "taro.imap@elsewhere.example", "cherry blossom")
            assert code == 235 and session.mail("taro.imap@example.net")[0] == 250, (code, session)
            session.quit()
            accepted = wait_for("two logins", lambda: (lambda e: e if len(e) == 2 else None)(s.json("events", "--kind", "login-accepted")))
            assert {e["account"] for e in accepted} == {"taro.imap"}, accepted
            assert login(s, "taro.imap", "plum blossom")[0] == 535
            code, text = login(s, "nobody", "cherry blossom")
            assert code == 535, (code, text, (f / "log").read_text())
            # Its userdb says who is there.
            code, text = rcpt(s, "Taro.Imap@example.net")
            assert code == 250, (code, text, (f / "log").read_text())
            code, text = rcpt(s, "nobody@example.net")
            assert code == 550 and "5.1.1" in text, (code, text, (f / "log").read_text())
        finally:
            process.terminate()
            process.wait(20)
        code, text = login(s, "taro.imap", "plum blossom")
        assert code == 454, (code, text)
        assert rcpt(s, "another@example.net")[0] == 450
        assert rcpt(s, own)[0] == 250


def freeradius_lets_in():
    with Sekisho() as s:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        f = s.folder / "radius"
        f.mkdir()
        (f / "dictionary").write_text("$INCLUDE /usr/share/freeradius/dictionary\n")
        (f / "users").write_text('taro.line Cleartext-Password := "cherry blossom in the garden"\n')
        reply = "update reply {\n Message-Authenticator := 0x00\n }"
        (f / "radiusd.conf").write_text(f"""
prefix = /usr
libdir = /usr/lib/freeradius
logdir = {f}
run_dir = {f}
pidfile = {f}/pid
client here {{
  ipaddr = 127.0.0.1
  secret = "shared"
  require_message_authenticator = yes
}}
modules {{
  files {{
    filename = {f}/users
  }}
  pap {{
  }}
}}
server default {{
  listen {{
    type = auth
    ipaddr = 127.0.0.1
    port = {port}
  }}
  authorize {{
    files
    pap
  }}
  authenticate {{
    Auth-Type PAP {{
      pap
    }}
  }}
  post-auth {{
    {reply}
    Post-Auth-Type REJECT {{
      {reply}
    }}
  }}
}}
""")
        s.write_config(extra=f"""
[[account_source]]
name = "lines"
kind = "radius"
server = "127.0.0.1:{port}"
secret = "shared"
timeout = "3s"
addresses = ["{{user}}@example.net"]
""")
        s.start("mail")
        log = (f / "out").open("w")
        process = subprocess.Popen([RADIUSD, "-f", "-l", "stdout", "-d", f, "-n", "radiusd"], stdout=log, stderr=log)
        try:
            wait_for("radiusd", lambda: "Ready to process requests" in (f / "out").read_text())
            code, session = login(s, "taro.line", "cherry blossom in the garden")
            assert code == 235, (code, session, (f / "out").read_text())
            assert session.mail("taro.line@example.net")[0] == 250
            session.quit()
            assert login(s, "taro.line", "plum blossom")[0] == 535
            assert login(s, "nobody", "cherry blossom in the garden")[0] == 535
        finally:
            process.terminate()
            process.wait(20)
        code, text = login(s, "taro.line", "plum blossom")
        assert code == 454, (code, text)


main([a_directory_lets_in_and_says_who_may_send_as_whom, a_directory_that_is_away_is_no_wrong_password, tls_from_the_start_is_verified,
      mail_for_those_in_the_directory_is_taken, whom_a_token_or_a_certificate_names_may_be_in_the_directory,
      an_account_of_the_directory_is_suspended_and_let_go, dovecot_lets_in, freeradius_lets_in])
