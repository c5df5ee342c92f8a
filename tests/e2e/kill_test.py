"""kill -9 in the middle, many times: what was answered 250 arrives; only messages in flight may arrive twice."""
import os
import random
import re
import signal
import smtplib
import threading
import time

from harness import Sekisho, main, message, wait_for

ROUNDS = int(os.environ.get("SEKISHO_KILL_ROUNDS", "60"))
SEED = int(os.environ.get("SEKISHO_SEED", "25"))


class Sender(threading.Thread):
    """Sends until its connection breaks; keeps the subjects that were answered 250."""

    def __init__(self, sekisho, login, number):
        super().__init__(daemon=True)
        self.sekisho, self.login, self.number, self.acknowledged = sekisho, login, number, []

    def run(self):
        try:
            session = self.sekisho.submit(self.login)
            for count in range(1000):
                subject = f"{self.number}-{count}"
                session.sendmail(self.login, [self.login], message(subject, body=("x" * 70 + "\r\n") * random.randint(1, 300)))
                self.acknowledged.append(subject)
        except (OSError, smtplib.SMTPException):
            pass


def nothing_acknowledged_is_lost():
    random.seed(SEED)
    with Sekisho(mail="connections_per_address_max = 1000") as s:
        login = s.account()
        s.cli("config", "check")
        acknowledged = []
        for number in range(ROUNDS):
            s.start("mail")
            senders = [Sender(s, login, f"{number}-{i}") for i in range(2)]
            for sender in senders:
                sender.start()
            began = time.monotonic()
            wait_for("a first acknowledgement", lambda: any(x.acknowledged for x in senders) or time.monotonic() - began > 15)
            time.sleep(random.uniform(0, 0.05))  # the moment of the kill is drawn, nothing is asserted about it
            s.kill("mail", signal.SIGKILL)
            for sender in senders:
                sender.join(30)
                acknowledged += sender.acknowledged
        s.start("mail")
        wait_for("an empty queue", lambda: s.json("queue", "list") == [], 120)
        arrived = [re.search(r"^Subject: (\S+)", p.read_text(), re.M).group(1) for p in s.mailbox()]
        lost = set(acknowledged) - set(arrived)
        duplicated = len(arrived) - len(set(arrived))
        print(f"{ROUNDS} kills, seed {SEED}: {len(acknowledged)} acknowledged, {len(arrived)} arrived, {duplicated} twice, {len(lost)} lost")
        assert len(acknowledged) >= ROUNDS, "too few messages were acknowledged for a proof"
        assert not lost, sorted(lost)[:10]
        assert duplicated <= ROUNDS * 4, "more duplicates than could be in flight"


main([nothing_acknowledged_is_lost])
