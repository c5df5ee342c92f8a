"""Mailboxes in a real Dovecot: who has one is asked by LMTP while the other server waits, so that nothing is taken to be bounced."""
import os
import shutil
import smtplib
import subprocess
import sys

from harness import Sekisho, free_ports, main, message, wait_for

DOVECOT = shutil.which("dovecot", path="/usr/sbin")
if not DOVECOT or os.geteuid() != 0:
    print("dovecot is not installed, or this isn't root")
    sys.exit(77)


class Dovecot:
    def __init__(self, folder, users):
        self.folder, [self.port] = folder / "dovecot", free_ports(1)
        self.folder.mkdir()
        folder.chmod(0o755)
        (self.folder / "mail").mkdir()
        shutil.chown(self.folder / "mail", "nobody")
        (self.folder / "users").write_text("".join(f"{user}::65534:65534::{self.folder}/mail/{user}::\n" for user in users))
        (self.folder / "dovecot.conf").write_text(f"""
base_dir = {self.folder}/run
state_dir = {self.folder}/state
log_path = {self.folder}/log
protocols = lmtp
ssl = no
mail_location = maildir:~/Maildir
first_valid_uid = 1
listen = 127.0.0.1
userdb {{
  driver = passwd-file
  args = username_format=%u {self.folder}/users
}}
passdb {{
  driver = passwd-file
  args = {self.folder}/users
}}
protocol lmtp {{
  auth_username_format = %Lu
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {self.port}
  }}
}}
""")
        self.start()

    def start(self):
        self.process = subprocess.Popen([DOVECOT, "-F", "-c", self.folder / "dovecot.conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def up():
            try:
                with smtplib.LMTP("127.0.0.1", self.port) as session:
                    return session.noop()[0] == 250
            except OSError:
                return False
        wait_for("dovecot", up)

    def stop(self):
        self.process.terminate()
        self.process.wait(20)

    def mails(self, user):
        return [path.read_text() for path in (self.folder / "mail" / user / "Maildir" / "new").glob("*")]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()


def send(s, subject, to, code=250):
    with smtplib.SMTP("127.0.0.1", s.exchange, timeout=30) as session:
        session.ehlo("relay.author.example")
        session.mail("a@author.example")
        answer = session.rcpt(to)
        assert answer[0] == code, answer
        if code == 250:
            assert session.data(message(subject, to=to, sender="a@author.example"))[0] == 250
        return answer[1].decode()


def dovecot_says_who_has_a_mailbox():
    with Sekisho() as s, Dovecot(s.folder, ["jiro@example.net", "saburo@example.net"]) as dovecot:
        s.write_config(extra=f'[delivery]\nlocal = "lmtp"\nlmtp = "127.0.0.1:{dovecot.port}"\n[queue]\nretry = ["1s"]\n')
        s.account("taro@example.net")  # sends; has no mailbox there
        s.cli("alias", "add", "team@example.net", "jiro@example.net", "taro@example.net")
        s.start("mail")
        send(s, "known", "Jiro@example.net")
        wait_for("the mail", lambda: len(dovecot.mails("jiro@example.net")) == 1)
        assert "5.1.1" in send(s, "unknown", "nobody@example.net", code=550)
        assert "5.1.1" in send(s, "no mailbox", "taro@example.net", code=550)
        # An alias for both: whoever has a mailbox gets it.
        send(s, "team", "team@example.net")
        wait_for("the team's mail", lambda: len(dovecot.mails("jiro@example.net")) == 2)
        # A mailbox comes before the catch-all.
        s.cli("alias", "add", "@example.net", "saburo@example.net")
        send(s, "rest", "whoever@example.net")
        send(s, "mine", "jiro@example.net")
        wait_for("what nobody has", lambda: any("Subject: rest" in text for text in dovecot.mails("saburo@example.net")))
        wait_for("the third", lambda: len(dovecot.mails("jiro@example.net")) == 3)
        asked = s.json("mail", "status")["call_ahead"]
        assert asked["asked"] <= 5 and asked["remembered"] >= 3, asked
        # Away: who is known is known, the rest is told to come again. Nothing bounced meanwhile.
        dovecot.stop()
        send(s, "waits", "jiro@example.net")
        assert "try again later" in send(s, "later", "other@example.net", code=450)
        dovecot.start()
        wait_for("what waited", lambda: any("Subject: waits" in text for text in dovecot.mails("jiro@example.net")), 40)
        assert s.json("events", "--kind", "bounced") == [], s.cli("events", "--kind", "bounced")


main([dovecot_says_who_has_a_mailbox])
