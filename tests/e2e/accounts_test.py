"""Accounts that come from other systems, and passwords for single devices: the real binary, with hashes made by their real makers."""
import hashlib
import signal
import sqlite3
import smtplib
import subprocess

from harness import Sekisho, main, untrusting, wait_for
from scram import Refused, scram

PASSWORD = "correct horse"
DOVECOT = ["SSHA", "SSHA256", "SSHA512", "SHA", "SHA256", "SHA512", "SHA256.hex", "SMD5", "PLAIN-MD5", "LDAP-MD5", "MD5-CRYPT", "SHA256-CRYPT",
           "SHA512-CRYPT", "BLF-CRYPT", "PBKDF2", "ARGON2I", "ARGON2ID", "SCRAM-SHA-256", "PLAIN", "CLEAR.b64"]
MKPASSWD = ["yescrypt", "sha512crypt", "sha256crypt", "md5crypt", "bcrypt", "bcrypt-a"]
PASSLIB = ["ldap_pbkdf2_sha1", "ldap_pbkdf2_sha256", "ldap_pbkdf2_sha512", "pbkdf2_sha256", "pbkdf2_sha512", "ldap_salted_sha1", "ldap_md5", "argon2"]


def said(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


def passlib_hashes():
    # Debian's package belongs to Debian's Python.
    return said("/usr/bin/python3", "-c", "import sys\nfrom passlib import hash\n"
                "for name in sys.argv[2:]:\n"
                "    made = getattr(hash, name)\n"
                "    if 'pbkdf2' in name: made = made.using(rounds=1000)\n"
                "    try: print(name, made.hash(sys.argv[1]))\n"
                "    except Exception: pass\n", PASSWORD, *PASSLIB).splitlines()


def written_elsewhere():
    """(who made it, what it wrote)"""
    out = [(f"doveadm-{scheme}", said("doveadm", "pw", "-s", scheme, "-p", PASSWORD)) for scheme in DOVECOT]
    out += [(f"mkpasswd-{method}", said("mkpasswd", "-m", method, PASSWORD)) for method in MKPASSWD]
    out += [(f"passlib-{name.replace('_', '-')}", value) for name, value in (line.split(" ", 1) for line in passlib_hashes())]
    return out


def rows(s, query, *values):
    with sqlite3.connect(s.folder / "sekisho.db") as database:
        return database.execute(query, values).fetchall()


def an_import_is_whole_or_nothing():
    with Sekisho() as s:
        table = s.folder / "users.csv"
        good = said("doveadm", "pw", "-s", "SSHA", "-p", PASSWORD)
        table.write_text(f"login,password,name,line,quota\n"
                         f"taro@example.net,{good},Taro,L1,5\n"
                         f"no login,{good},,,\n"
                         f"hanako@example.net,secret-in-plain,,,\n"
                         f"Taro@example.net,{good},,,\n"
                         f"jiro@example.net,{{PLAIN}}in plain words,,,\n")
        refused = s.cli("account", "import", table, "--dry-run", code=1)
        for line, why in ((3, "is not a login"), (4, "names no scheme"), (5, "is in line 2 already")):
            assert f"{table}:{line}:" in refused and why in refused, refused
        assert "secret-in-plain" not in refused and "quota" in refused and "1 passwords to hash" in refused, refused
        s.cli("account", "import", table, code=1)
        assert s.json("account", "list") == [], "half-imported"
        s.cli("account", "import", table, "--skip-bad")
        assert [a["login"] for a in s.json("account", "list")] == ["jiro@example.net", "taro@example.net"]
        assert rows(s, "SELECT line, name FROM accounts WHERE login = 'taro@example.net'") == [("L1", "Taro")]
        assert rows(s, "SELECT password_hash FROM accounts WHERE login = 'jiro@example.net'")[0][0].startswith("$argon2id$")

        again = s.cli("account", "import", table, "--skip-bad", code=0)
        assert "there already" in again and "0 new" in again, again
        table.write_text("login,name\njiro@example.net,Jiro\n")
        assert "there already" not in s.cli("account", "import", table, "--update")
        assert rows(s, "SELECT name, line FROM accounts WHERE login = 'jiro@example.net'") == [("Jiro", "")]
        table.write_text("login,name\nnobody@example.net,No\n")
        assert "no account nobody@example.net to update" in s.cli("account", "import", table, "--update", code=1)
        table.write_text("a,b\n1,2\n")
        assert "no column" in s.cli("account", "import", table, code=2)
        events = [e["detail"] for e in s.json("events", "--account", "jiro@example.net")]
        assert sorted(events) == ["changed by an import", "imported"], events


DUMP = r"""-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)
CREATE TABLE `mailbox` (
  `username` varchar(255) NOT NULL,
  `password` varchar(255) NOT NULL,
  `name` varchar(255) NOT NULL DEFAULT '',
  `quota` bigint(20) NOT NULL DEFAULT 0,
  `active` tinyint(1) NOT NULL DEFAULT 1,
  PRIMARY KEY (`username`)
) ENGINE=InnoDB;
INSERT INTO `mailbox` VALUES ('taro@example.net','{SSHA}',' O\'Taro; x',0,1),
('hanako@example.net','{PLAIN}plum blossom','Hanako',0,0),
('short@example.net','{PLAIN}plum blossom');
CREATE TABLE `alias` (`address` varchar(255), `goto` text, `active` tinyint(1));
INSERT INTO `alias` VALUES ('taro@example.net','taro@example.net',1),('sales@example.net','taro@example.net,x@else.test',1),
('bad@other.test','taro@example.net',1);
"""


def a_dump_of_a_database_is_imported():
    with Sekisho() as s:
        dump = s.folder / "postfix.sql"
        dump.write_text(DUMP.replace("{SSHA}", said("doveadm", "pw", "-s", "SSHA512", "-p", PASSWORD)))
        refused = s.cli("account", "import", dump, "--dry-run", code=1)
        assert f"{dump}:12: it has 2 values, the table 5 columns" in refused and "as sql: 3 rows" in refused, refused
        s.cli("account", "import", dump, "--format", "sql", code=1)
        assert s.json("account", "list") == [], "half-imported"
        s.cli("account", "import", dump, "--format", "sql", "--skip-bad")
        accounts = {a["login"]: a for a in s.json("account", "list")}
        assert accounts["taro@example.net"]["name"] == "O'Taro; x" and not accounts["hanako@example.net"]["enabled"], accounts
        assert "\"users\"" in s.cli("account", "import", dump, "--format", "sql", "--table", "users", code=2)
        # Columns with names of one's own; PostgreSQL's way.
        dump.write_text("COPY public.users (mailid, secret, crypt) FROM stdin;\njiro@example.net\t{PLAIN}plum blossom\tno\n\\.\n")
        s.cli("account", "import", dump, "--format", "sql", "--table", "users", "--login-column", "mailid", "--password-column", "secret")
        assert "jiro@example.net" in [a["login"] for a in s.json("account", "list")]
        dump.write_text("INSERT INTO mailbox (username, password) VALUES ('x@example.net', '{PLAIN}plum")
        assert "line 1: a string begins and has no end" in s.cli("account", "import", dump, "--format", "sql", code=2)
        s.start("mail")
        for login, password in (("taro@example.net", PASSWORD), ("jiro@example.net", "plum blossom")):
            with s.submit() as session:
                session.ehlo()
                assert session.login(login, password)[0] == 235, login


def aliases_of_others_are_imported():
    with Sekisho() as s:
        s.account()
        dump = s.folder / "postfix.sql"
        dump.write_text(DUMP)
        refused = s.cli("alias", "import", dump, "--format", "sql", code=1)
        assert "other.test is not one of mail.domains" in refused and "1 passed over" in refused, refused
        assert s.json("alias", "list") == [], "half-imported"
        s.cli("alias", "import", dump, "--format", "sql", "--skip-bad")
        assert [(a["address"], a["targets"]) for a in s.json("alias", "list")] == [("sales@example.net", ["taro@example.net", "x@else.test"])]
        virtual = s.folder / "virtual"
        virtual.write_text("# virtual(5)\nsales@example.net  x@else.test\n@example.net\ttaro@example.net\noffice  taro,\n  x@else.test\n")
        refused = s.cli("alias", "import", virtual, "--domain", "example.net", "--dry-run", code=1)
        assert f"{virtual}:2: sales@example.net is an alias already" in refused, refused
        s.cli("alias", "import", virtual, "--domain", "example.net", "--update")
        assert {a["address"]: a["targets"] for a in s.json("alias", "list")} == {
            "sales@example.net": ["x@else.test"], "@example.net": ["taro@example.net"], "office@example.net": ["taro@example.net", "x@else.test"]}
        assert "3 as before" in s.cli("alias", "import", virtual, "--domain", "example.net")
        virtual.write_text("taro@example.net x@else.test\n")
        assert "address of the account taro@example.net" in s.cli("alias", "import", virtual, code=1)


def hashes_of_others_open_and_are_made_anew():
    with Sekisho() as s:
        made = written_elsewhere()
        users = s.folder / "users"
        users.write_text("".join(f"{name.lower()}@example.net:{value}:5000:5000:{name},x:/home::\n" for name, value in made))
        assert "passwd-file" in s.cli("account", "import", users)
        kept = dict(rows(s, "SELECT login, password_hash FROM accounts"))
        assert len(kept) == len(made) >= 30, kept
        assert kept["doveadm-ssha@example.net"].startswith("{SSHA}"), "kept as they are"
        s.start("mail")

        def refusal(login):
            session = s.submit()
            session.ehlo()
            try:
                scram(session, login, PASSWORD)
            except Refused as refused:
                assert session.docmd("NOOP")[0] == 250, "a client may fall back to PLAIN in the same session"
                return refused.code, refused.text
            finally:
                session.close()
            return None

        assert refusal("doveadm-ssha@example.net") == refusal("nobody@example.net") != None
        assert refusal("doveadm-scram-sha-256@example.net") is None, "these keys were imported"
        for number, (name, value) in enumerate(made):
            login = f"{name.lower()}@example.net"
            session = s.submit()
            session.ehlo()
            session.user, session.password = login, "wrong " + PASSWORD
            if number % 8 == 0:  # each costs a second; the unit test has them all
                try:
                    session.auth("LOGIN", session.auth_login)
                    raise AssertionError(f"{name}: a wrong password opened it")
                except smtplib.SMTPAuthenticationError as error:
                    assert error.smtp_code == 535, (name, error)
            try:
                session.password = PASSWORD
                session.auth("PLAIN", session.auth_plain)
            except smtplib.SMTPAuthenticationError as error:
                raise AssertionError(f"{name}: {value}: {error}")
            session.quit()
        after = dict(rows(s, "SELECT login, password_hash FROM accounts"))
        left = [login for login, value in after.items() if not value.startswith("$argon2id$v=19$m=19456,t=2,p=1$")]
        assert not left, left
        assert refusal("doveadm-ssha@example.net") is None, "SCRAM works from now on"
        assert refusal("mkpasswd-yescrypt@example.net") is None
        assert wait_for("the event", lambda: any("made anew" in e["detail"] for e in s.json("events", "--account", "doveadm-ssha@example.net")))


def app_passwords():
    with Sekisho() as s:
        login = s.account()
        made = s.json("account", "app-password", "add", login, "--name", "phone", "--from", "127.0.0.0/8", "--from", "2001:db8::/32")
        secret = made["password"]
        elsewhere = s.json("account", "app-password", "add", login, "--name", "printer", "--from", "192.0.2.0/24")["password"]
        assert "already" in s.cli("account", "app-password", "add", login, "--name", "phone", code=1)
        assert "to come" in s.cli("account", "app-password", "add", login, "--name", "old", "--expires", "2001-01-01", code=2)
        assert secret not in s.cli("account", "app-password", "list", login), "it is shown once"
        s.start("mail")
        session = s.submit()
        session.login(login, secret)
        session.quit()
        session = s.submit()
        session.ehlo()
        scram(session, login, secret)
        session.quit()
        s.submit(login).quit()
        for how in ("plain", "scram"):
            session = s.submit()
            session.ehlo()
            try:
                scram(session, login, elsewhere) if how == "scram" else session.login(login, elsewhere)
                raise AssertionError("an app password for another network was taken")
            except (Refused, smtplib.SMTPAuthenticationError) as refused:
                assert "535" in str(refused) and "not for this address" in str(refused), refused
            session.close()
        details = lambda: sorted(e["detail"] for e in s.json("events", "--account", login, "--kind", "login-accepted"))
        wait_for("the events", lambda: details() == ["PLAIN", 'PLAIN with app password "phone"', 'SCRAM-SHA-256 with app password "phone"'])
        used = wait_for("the last use", lambda: [p for p in s.json("account", "app-password", "list", login) if "last_used" in p])
        assert [(p["name"], p["last_address"]) for p in used] == [("phone", "127.0.0.1")], used

        # The account's own password may change: SCRAM shows the salt that all have in common.
        s.password = "another battery staple"
        s.cli("account", "passwd", login, "--password-stdin", stdin=s.password + "\n")
        for password in (secret, s.password):
            session = s.submit()
            session.ehlo()
            scram(session, login, password)
            session.quit()
        s.cli("account", "app-password", "revoke", login, "--name", "phone")
        try:
            s.submit().login(login, secret)
            raise AssertionError("a revoked app password was taken")
        except smtplib.SMTPAuthenticationError as error:
            assert error.smtp_code == 535, error
        s.submit(login).quit()


def channel_binding():
    """SCRAM-SHA-256-PLUS: our own client binds to the server's certificate, GNU SASL's to the connection (tls-exporter)."""
    with Sekisho() as s:
        login = s.account()
        s.start("mail")
        for port in (s.submission, s.submissions):
            if port == s.submission:
                session = s.submit()
            else:
                session = smtplib.SMTP_SSL("127.0.0.1", port, context=untrusting(), timeout=20)
            session.ehlo()
            assert session.esmtp_features["auth"].split()[0] == "SCRAM-SHA-256-PLUS"
            certificate = hashlib.sha256(session.sock.getpeercert(binary_form=True)).digest()
            for gs2, binding, mechanism in (("p=tls-server-end-point,,", bytes(32), "SCRAM-SHA-256-PLUS"), ("y,,", b"", "SCRAM-SHA-256")):
                try:
                    scram(session, login, s.password, gs2, binding, mechanism)
                    raise AssertionError(f"{gs2} was taken")
                except Refused as refused:
                    assert refused.code == 501, refused
            scram(session, login, s.password, "p=tls-server-end-point,,", certificate, "SCRAM-SHA-256-PLUS")
            session.quit()
        done = subprocess.run(["gsasl", "--client", "--smtp", "--starttls", "--connect", f"127.0.0.1:{s.submission}", "--mechanism", "SCRAM-SHA-256-PLUS",
                               "--authentication-id", login, "--password", s.password, "--authorization-id", login, "--x509-ca-file=", "--verbose"],
                              input="QUIT\r\n", capture_output=True, text=True, timeout=60)
        assert "235 2.7.0" in done.stdout + done.stderr, done.stdout + done.stderr
        accepted = lambda: [e["detail"] for e in s.json("events", "--account", login, "--kind", "login-accepted")]
        wait_for("the events", lambda: accepted().count("SCRAM-SHA-256-PLUS") == 3)


def guessing_locks_out_neither_owner_nor_neighbours():
    # Small segments: the sanitizers' build reads them slowly at the restart.
    with Sekisho(mail='login_failures_per_hour = 3\nmessage_size_max = "1MiB"', extra='[queue]\nsegment_size = "2MiB"\n') as s:
        taro, hanako = s.account(), s.account("hanako@example.net")
        s.start("mail")
        s.submit(hanako).quit()  # familiar from here

        def wrong(login, password):
            done = subprocess.run(["swaks", "--server", f"127.0.0.1:{s.submission}", "--tls", "--quit-after", "AUTH", "--auth", "PLAIN", "--auth-user", login,
                                   "--auth-password", password], capture_output=True, text=True, timeout=60)
            return [line for line in done.stdout.splitlines() if line.startswith(("<** ", "<~* "))][0]

        reply = wrong(taro, "guess 0")
        assert "535 5.7.8" in reply and "/login#5.7.8" in reply, reply
        session = s.submit()
        session.ehlo()
        for mechanism in (session.auth_plain, session.auth_login):
            session.user, session.password = taro, "guess 0"
            try:
                session.auth("PLAIN" if mechanism == session.auth_plain else "LOGIN", mechanism)
                raise AssertionError("a wrong password was taken")
            except smtplib.SMTPAuthenticationError:
                pass
        session.close()
        assert "535 5.7.8" in wrong(taro, "guess 1"), "the same password by two mechanisms counts once"
        assert "535 5.7.8" in wrong(taro, "guess 2")
        limited = wrong(taro, "guess 3")
        assert "454 4.7.0" in limited and "login_failures_per_hour" in limited, limited
        s.kill("mail", signal.SIGTERM)
        s.start("mail")
        assert "454 4.7.0" in wrong(taro, s.password), "a restart is no new start"
        s.submit(hanako).quit()


main([an_import_is_whole_or_nothing, a_dump_of_a_database_is_imported, aliases_of_others_are_imported, hashes_of_others_open_and_are_made_anew, app_passwords, channel_binding,
      guessing_locks_out_neither_owner_nor_neighbours])
