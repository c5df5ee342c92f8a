"""One round of fault_test.py: the server, its clients and a destination, one fault or two, and what came of each message."""
import json
import os
import re
import shutil
import signal
import smtplib
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, namedtuple
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import harness  # noqa: E402
from harness import Sekisho  # noqa: E402
from sink import Sink  # noqa: E402

TARO, FAR = "taro@example.net", "far.example"
Plan = namedtuple("Plan", "way first again seed")
Sent = namedtuple("Sent", "recipients answer")  # answer: yes, no, or none (the connection broke)
Result = namedtuple("Result", "plan counts faults struck")
WAIT = 60  # for a queue that should be empty within seconds

# Name, kinds of recipients, lines of the message: together more than one segment holds.
FIRST = [("a", ["ok"], 3), ("b", ["ok", "no", "later"], 20), ("c", ["here"], 900), ("d", ["ok", "ok2"], 2500), ("e", ["no"], 2)]
THEN = [("f", ["ok"], 6000), ("g", ["here", "ok"], 5000), ("h", ["ok"], 40), ("i", ["ok"], 6500), ("j", ["no"], 1500)]


class Answers:
    """Of RCPT: `no...` never, `later...` at the second time."""

    def __init__(self):
        self.seen = set()

    def get(self, address, otherwise):
        if address.startswith("no"):
            return "550 5.1.1 nobody of this name"
        if address.startswith("later") and address not in self.seen:
            self.seen.add(address)
            return "451 4.2.1 not now"
        return otherwise


class Template:
    """A state folder with an account and a certificate, made once."""

    def __enter__(self):
        self.house = Sekisho()
        self.house.account(TARO)
        self.house.start("mail")
        self.house.stop()
        for name in ("spool", "maildir", "run"):
            shutil.rmtree(self.house.folder / name, ignore_errors=True)
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.house.folder, ignore_errors=True)


class House(Sekisho):
    """As a test's, but of the template, and with a disk of its own."""

    def __init__(self, template, port):
        super().__init__()
        self.folder = self.folder.resolve()
        for one in template.house.folder.iterdir():
            if one.name != "sekisho.toml":
                (shutil.copytree if one.is_dir() else shutil.copy)(one, self.folder / one.name)
        self.write_config(
            mail='connections_per_address_max = 1000\nmessage_size_max = "1MiB"\n',
            extra=f'[queue]\nsegment_size = "2MiB"\nretry = ["1s"]\nfree_space_min = "0B"\n[delivery]\nsmarthost = "127.0.0.1:{port}"\n',
        )
        self.beside = Path(tempfile.mkdtemp(prefix="sekisho-faults-", dir=self.folder.parent))
        (self.beside / "grave").mkdir()

    def begin(self, disk="", plan="", seed=0, mirror=False, lies=False):
        """Starts the mail server; False when it died before it was up."""
        env = dict(os.environ)
        if disk:
            env.update(LD_PRELOAD=disk, SEKISHO_FAULT_PLAN=plan, SEKISHO_FAULT_SEED=str(seed),
                       SEKISHO_FAULT_UNDER=f"{self.folder}/spool:{self.folder}/maildir",
                       SEKISHO_FAULT_LOG=str(self.beside / "operations"), SEKISHO_FAULT_GRAVE=str(self.beside / "grave"))
        if lies:
            env["SEKISHO_FAULT_LIES"] = "1"
        if mirror:
            (self.beside / "mirror" / str(self.folder)[1:]).mkdir(parents=True)
            env["SEKISHO_FAULT_MIRROR"] = str(self.beside / "mirror")
        log = (self.folder / "mail.log").open("a")
        self.process = self.processes["mail"] = subprocess.Popen(
            [harness.BINARY, "mail", "--config", self.config], stdout=log, stderr=log, env=env)
        self.until(lambda: self.status() is not None)
        return self.process.poll() is None

    def ask(self, **request):
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(20)
                line.connect(str(self.folder / "run" / "mail.sock"))
                line.sendall(json.dumps(request).encode() + b"\n")
                got = b""
                while not got.endswith(b"\n"):
                    part = line.recv(65536)
                    if not part:
                        return None
                    got += part
                return json.loads(got).get("result")
        except OSError:
            return None

    def status(self):
        return self.ask(command="status")

    def until(self, condition):
        """False when the process ended, or nothing came of it in a long time."""
        end = time.monotonic() + WAIT
        while self.process.poll() is None and time.monotonic() < end:
            if condition():
                return True
            time.sleep(0.03)
        return False

    def empty(self):
        def nothing():
            status = self.status()
            return status and status["queue"]["queued"] == 0
        return self.until(nothing)

    def struck(self):
        """What the faults met: lines of the log of operations that name one."""
        log = self.beside / "operations"
        lines = [line.split() for line in log.read_text().splitlines()] if log.exists() else []
        return [" ".join(line) for line in lines if len(line) == 6], len(lines)

    def __exit__(self, kind, value, trace):
        shutil.rmtree(self.beside, ignore_errors=True)
        for process in self.processes.values():
            if process.poll() is None:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def body_of(name, lines):
    return "".join(f"{name} {line} {'x' * 60}\r\n" for line in range(lines))


class Round:
    def __init__(self, template, disk, plan):
        self.template, self.disk, self.plan = template, disk, plan
        self.sent, self.lock, self.faults, self.lines = {}, threading.Lock(), [], {}
        self.settled, self.was_up = Counter(), False

    def run(self, mirror=False, lies=False):
        with Sink(answers=Answers()) as self.sink, House(self.template, self.sink.port) as self.house:
            self.sink.server.handle_error = lambda *_: None  # who is killed hangs up
            try:
                crashed = not self.live(mirror, lies)
                # Not to start at all is an answer to an error while it opens.
                refused = self.house.process.returncode == 1 and not self.was_up
                if self.house.process.returncode not in (None, 0, -signal.SIGKILL) and not refused:
                    self.faults.append(f"ended with {self.house.process.returncode}: {self.house.log('mail')[-1500:]}")
                if self.plan.again and self.house.begin(self.disk, self.plan.again, self.plan.seed + 1):
                    self.house.empty()
                    self.stop()
                if self.plan.first:
                    self.come_back()
                self.unseen = self.compare() if mirror else []
                struck, self.operations = self.house.struck()
                return self.judge(crashed, struck)
            except Exception as error:  # a round's own failure is a fault of this round
                self.faults.append(f"{type(error).__name__}: {error}; {self.house.log('mail')[-1500:]}")
                return Result(self.plan, Counter(rounds=1, wrong=1), self.faults, "")

    def live(self, mirror, lies):
        """The life that is struck; False when it ended before its time."""
        if not self.house.begin(self.disk, self.plan.first, self.plan.seed, mirror, lies):
            return False
        self.was_up = True
        self.send_all(FIRST)
        if not self.house.empty():
            return self.stuck()
        self.settled = self.arrived()
        self.send_all(THEN)
        if not self.house.empty():
            return self.stuck()
        return self.stop()

    def stuck(self):
        if self.house.process.poll() is None:
            self.faults.append("the queue doesn't drain")
            self.stop()
        return False

    def stop(self):
        if self.house.process.poll() is None:
            self.house.process.terminate()
        return self.house.process.wait(WAIT) == 0

    def come_back(self):
        """No faults any more: everything ends, and mail is taken and delivered as ever."""
        if not self.house.begin():
            raise AssertionError("it doesn't start again")
        if not self.house.empty():
            self.stuck()
        self.send_all([("z", ["ok", "here"], 3)], senders=1)
        if not self.house.empty():
            self.stuck()
        if self.sent["z0"].answer != "yes":
            self.faults.append(f"nothing is accepted after the restart: {self.sent['z0']}")
        if self.house.status()["queue"]["acks_before_durable_total"] != 0:
            self.faults.append("acknowledged before it was durable")
        if not self.stop():
            self.faults.append("it didn't stop in order")
        if "SPOOL_DAMAGED" in self.house.log("mail"):
            self.faults.append("damage: " + "; ".join(re.findall(r".*SPOOL_DAMAGED.*", self.house.log("mail"))[:3]))

    # Clients

    def send_all(self, messages, senders=2):
        threads = [threading.Thread(target=self.client, args=(number, messages)) for number in range(senders)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def client(self, number, messages):
        session = None
        for name, kinds, lines in messages:
            for turn in range(12):  # refused: the same once more, under another name
                one = f"{name}{number}" + (f"-{turn}" if turn else "")
                session, answer = self.offer(session, one, kinds, lines)
                if answer != "no":
                    break
                time.sleep(0.3)
            if self.house.process.poll() is not None:
                return
        if session:
            session.close()

    def offer(self, session, name, kinds, lines):
        to = [TARO if kind == "here" else f"{kind}-{name}@{FAR}" for kind in kinds]
        text = f"From: {TARO}\r\nTo: {', '.join(to)}\r\nSubject: id={name}=\r\n\r\n" + body_of(name, lines)
        answer = "none"
        try:
            session = session or self.house.submit(TARO)
            session.sendmail(TARO, to, text)
            answer = "yes"
        except smtplib.SMTPServerDisconnected:
            session = None
        except (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused):
            answer = "no"
        except (OSError, smtplib.SMTPException):
            session = None
        with self.lock:
            self.sent[name], self.lines[name] = Sent(to, answer), lines
        return session, answer

    # What came of it

    def arrived(self):
        """How often each (message, recipient) came, as "delivered" or as "returned"."""
        count = Counter()
        for mail in list(self.sink.mails):
            for to in mail["recipients"]:
                count[self.checked(mail["body"]), to] += 1
        for path in self.house.mailbox():
            text = path.read_bytes().decode()
            if "report-type=delivery-status" in text:
                name = re.search(r"^Subject: id=(\S+)=", text, re.M).group(1)
                for to in re.findall(r"^Final-Recipient: rfc822; *(\S+)", text, re.M | re.I):
                    count[name, "returned " + to] += 1
            else:
                count[self.checked(text), TARO] += 1
        return count

    def checked(self, text):
        name = re.search(r"^Subject: id=(\S+)=", text, re.M).group(1)
        body = text.replace("\r\n", "\n").partition("\n\n")[2]
        if name in self.lines and body != body_of(name, self.lines[name]).replace("\r\n", "\n"):
            self.faults.append(f"{name} isn't what was sent")
        return name

    def judge(self, crashed, struck):
        counts, came = Counter(rounds=1, struck=bool(struck)), self.arrived()
        for name, sent in self.sent.items():
            counts[{"yes": "accepted", "no": "refused", "none": "in doubt"}[sent.answer]] += 1
            for to in sent.recipients:
                delivered, returned = came[name, to], came[name, "returned " + to]
                counts["delivered"] += bool(delivered)
                counts["returned"] += bool(returned)
                self.judge_one(name, to, sent.answer, delivered, returned, crashed, counts)
        for key, times in self.settled.items():
            if came[key] != times:
                self.faults.append(f"{key} was over before the fault and came {came[key]} times, not {times}")
        counts["wrong"] += len(self.faults)
        return Result(self.plan, counts, self.faults, "; ".join(struck))

    def judge_one(self, name, to, answer, delivered, returned, crashed, counts):
        if answer == "yes" and delivered + returned == 0:
            counts["lost"] += 1
            self.faults.append(f"{name} to {to} was accepted and is LOST")
        if answer == "yes" and bool(returned) != to.startswith("no"):
            self.faults.append(f"{name} to {to}: delivered {delivered}, returned {returned}")
        if delivered > 1 or returned > 1:
            counts["twice"] += 1
            if not crashed and not self.plan.again:
                self.faults.append(f"{name} to {to} came {delivered + returned} times though nothing crashed")
        if answer == "no" and delivered + returned and not crashed and not self.plan.again:
            self.faults.append(f"{name} to {to} was refused and came all the same")

    def compare(self):
        """What differs between the folders and their mirror."""
        unseen = []
        for folder in ("spool", "maildir"):
            mine = self.house.folder / folder
            copy = self.house.beside / "mirror" / str(mine)[1:]
            names = {p.relative_to(mine) for p in mine.rglob("*") if p.is_file()} | {p.relative_to(copy) for p in copy.rglob("*") if p.is_file()}
            for name in sorted(names):
                one, other = mine / name, copy / name
                if not (one.exists() and other.exists() and one.read_bytes() == other.read_bytes()):
                    unseen.append(f"{folder}/{name}")
        return unseen


def operations(template, disk):
    """How many a run without faults has, and the files whose every change wasn't seen."""
    one = Round(template, disk, Plan("count", "", "", 0))
    result = one.run(mirror=True)
    assert not result.faults, result.faults
    return one.operations, one.unseen


def found_out(template, disk, total):
    """Whether a disk whose flushes do nothing is found out: else the rounds prove nothing."""
    return bool(Round(template, disk, Plan("lies", f"before:{total // 2}:all", "", 0)).run(lies=True).faults)
