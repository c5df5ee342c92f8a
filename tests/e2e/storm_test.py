"""Other providers go down, greylist, tarpit, answer 4xx and 5xx, cut off and come back while mail pours in: in the end what was accepted was delivered or came back."""
import collections
import os
import random
import re
import smtplib
import socketserver
import threading
import time

from harness import Sekisho, free_ports, main, message, wait_for

SECONDS = float(os.environ.get("SEKISHO_STORM_SECONDS", "12"))
SEED = int(os.environ.get("SEKISHO_SEED", "25"))
PROVIDERS = ("ame", "kaze", "yuki", "kiri", "nami")
WEATHER = ("well", "down", "greylist", "tarpit", "busy", "cut")


class Provider:
    """A mail server whose weather changes. Keeps (subject, recipient) of what it answered 250, and of what it took and said nothing about."""

    def __init__(self, name, port):
        self.name, self.port, self.weather = name, port, "well"
        self.taken, self.silent, self.seen, self.server = [], [], set(), None

    def change(self, weather):
        if (weather == "down") != (self.server is None):
            self.close() if weather == "down" else self.open()
        self.weather = weather

    def open(self):
        provider = self

        class Session(socketserver.StreamRequestHandler):
            timeout = 60

            def handle(self):
                try:
                    provider.talk(self.rfile, self.wfile)
                except OSError:
                    pass

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address, daemon_threads, request_queue_size = True, True, 100

        self.server = Server(("127.0.0.1", self.port), Session)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def talk(self, rfile, wfile):
        def say(text):
            if self.weather == "tarpit":
                time.sleep(0.3)
            wfile.write(text.encode() + b"\r\n")
        say("220 provider")
        recipients = []
        for raw in rfile:
            line, weather = raw.decode(errors="replace").strip(), self.weather
            verb = line.upper()
            if weather == "down":
                return
            if verb.startswith("EHLO"):
                say("250-provider\r\n250 PIPELINING")
            elif verb.startswith("RCPT"):
                say(self.judge(line[line.index("<") + 1:line.index(">")], weather, recipients))
            elif verb == "DATA":
                if not recipients:
                    say("503 5.5.1 nobody to send it to")
                    continue
                say("354 go")
                if not self.take(rfile, recipients, say):
                    return
                recipients = []
            elif verb == "QUIT":
                say("221 bye")
                return
            elif verb.startswith(("RSET", "MAIL")):
                recipients = []
                say("421 4.3.2 busy" if weather == "busy" and random.random() < 0.3 else "250 ok")
            else:
                say("250 ok")

    def judge(self, to, weather, recipients):
        if to.startswith("gone"):
            return "550 5.1.1 no such user"
        if weather == "greylist" and to not in self.seen:
            self.seen.add(to)
            return "450 4.2.0 greylisted, come again"
        if weather == "busy" and random.random() < 0.5:
            return "451 4.3.0 busy"
        recipients.append(to)
        return "250 ok"

    def take(self, rfile, recipients, say):
        """False: it was cut off."""
        body, weather = [], self.weather
        for part in rfile:
            if part == b".\r\n":
                break
            body.append(part)
        else:
            return False
        subject = re.search(rb"^Subject: (\S+)", b"".join(body), re.M).group(1).decode()
        found = [(subject, to) for to in recipients]
        if weather == "cut" and random.random() < 0.5:
            self.silent += found
            return False
        if weather == "busy" and random.random() < 0.3:
            say("452 4.3.1 no space")
            return True
        self.taken += found
        say("250 taken")
        return True


class Sender(threading.Thread):
    """Sends until it is told to stop; keeps (subject, recipient) of what was answered 250."""

    def __init__(self, server, login, number):
        super().__init__(daemon=True)
        self.server, self.login, self.number, self.accepted, self.ended = server, login, number, [], False
        self.draw = random.Random(SEED * 100 + number)

    def run(self):
        with self.server.submit(self.login) as session:
            for count in range(100_000):
                if self.ended:
                    return
                subject = f"s{self.number}-{count}"
                user = "gone" if self.draw.random() < 0.1 else "user"
                to = [f"{user}{self.draw.randrange(20)}@{name}.test" for name in self.draw.sample(PROVIDERS, self.draw.choice((1, 1, 1, 2, 3)))]
                refused = session.sendmail(self.login, to, message(subject, to=", ".join(to), sender=self.login))
                self.accepted += [(subject, one) for one in to if one not in refused]
                time.sleep(0.02)


def returned(server):
    """(subject, recipient) of every failure that came back."""
    found = []
    for path in server.mailbox():
        text = path.read_text()
        subjects = re.findall(r"^Subject: (s\d+-\d+)\r?$", text, re.M)
        failed = re.findall(r"^Final-Recipient: rfc822; ?(\S+?)\r?\n(?:.+\n)*?Action: failed", text, re.M)
        found += [(subjects[-1], to) for to in failed]
    return found


def what_is_accepted_is_delivered_or_returned():
    random.seed(SEED)
    providers = [Provider(name, port) for name, port in zip(PROVIDERS, free_ports(len(PROVIDERS)))]
    routes = "".join(f'[[route]]\nname = "{p.name}"\ndomains = ["{p.name}.test"]\nvia = ["127.0.0.1:{p.port}"]\n' for p in providers)
    limits = "recipients_per_hour = 100000\nrecipients_per_day = 100000"
    with Sekisho(extra='[queue]\nretry = ["2s"]\n[conduct]\nmode = "off"\n' + routes, mail=limits) as server:
        senders = [Sender(server, server.account(f"user{n}@example.net"), n) for n in range(3)]
        server.start("mail")
        try:
            for provider in providers:
                provider.open()
            for sender in senders:
                sender.start()
            end, weathers = time.monotonic() + SECONDS, collections.Counter()
            while time.monotonic() < end:
                for provider in providers:
                    provider.change(random.choice(WEATHER))
                    weathers[provider.weather] += 1
                time.sleep(random.uniform(0.3, 1.2))
            for sender in senders:
                sender.ended = True
            for sender in senders:
                sender.join(60)
            for provider in providers:
                provider.change("well")

            def empty():
                server.cli("queue", "retry", "--yes", "--all", code=None)
                return server.json("queue", "list") == []
            wait_for("an empty queue", empty, 120)
            accepted = [one for sender in senders for one in sender.accepted]
            delivered = [one for provider in providers for one in provider.taken]
            silent = {one for provider in providers for one in provider.silent}
            back = wait_for("the last return", lambda: (lambda b: b if len(b) >= sum(to.startswith("gone") for _, to in accepted) else None)(returned(server)), 30)
            counts = collections.Counter(delivered)
            print(f"seed {SEED}, {SECONDS:.0f} s of {dict(weathers)}: {len(accepted)} accepted, {len(counts)} delivered, {len(back)} returned, "
                  f"{sum(counts.values()) - len(counts)} twice, {len(silent)} taken without a word")
            assert len(accepted) > 50 and silent and back, "too little happened for a proof"
            assert set(accepted) == set(counts) | set(back), sorted(set(accepted) ^ (set(counts) | set(back)))[:10]
            assert not set(counts) & set(back), "delivered and returned"
            assert len(back) == len(set(back)), "returned twice"
            assert max(counts.values()) == 1, [one for one, n in counts.items() if n > 1]
        finally:
            for provider in providers:
                provider.close()


if __name__ == "__main__":
    main([what_is_accepted_is_delivered_or_returned])
