"""What is done otherwise at single destinations: rate, connections, retries, expiry; and who asks us to slow down is listened to."""
import socketserver
import threading
import time

from harness import Sekisho, main, message, wait_for


class Server(socketserver.ThreadingTCPServer):
    """Another's mail server: takes so many connections at once, and answers RCPT with what `answer` says."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, most=100, answer=lambda to: "250 ok", seconds=0.0):
        self.most, self.answer, self.seconds = most, answer, seconds
        self.lock, self.open, self.refused, self.arrived = threading.Lock(), 0, 0, []
        super().__init__(("127.0.0.1", 0), Dialogue)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class Dialogue(socketserver.StreamRequestHandler):
    def say(self, text):
        self.wfile.write((text + "\r\n").encode())

    def handle(self):
        with self.server.lock:
            self.server.open += 1
            full = self.server.open > self.server.most
            self.server.refused += full
        try:
            if full:
                self.say("421 4.7.0 too many connections from you, slow down")
            else:
                self.converse()
        except OSError:
            pass
        finally:
            with self.server.lock:
                self.server.open -= 1

    def converse(self):
        self.say("220 other.test")
        to = ""
        for line in self.rfile:
            verb = line[:4].upper()
            if verb == b"RCPT":
                to = line.decode().split("<")[1].split(">")[0]
                self.say(self.server.answer(to))
            elif verb == b"DATA":
                self.say("354 go")
                while self.rfile.readline() not in (b".\r\n", b""):
                    pass
                time.sleep(self.server.seconds)
                with self.server.lock:
                    self.server.arrived.append((to, time.monotonic()))
                self.say("250 taken")
            elif verb == b"QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")


def house(server, rules, more=""):
    return Sekisho(extra=f'[delivery]\nsmarthost = "127.0.0.1:{server.port}"\n{more}\n{rules}',
                   mail="recipients_per_hour = 100000\nrecipients_per_day = 100000")


def send(s, login, *recipients):
    with s.submit(login) as session:
        for to in recipients:
            session.sendmail(login, [to], message("x", to=to, sender=login))


def place(s):
    return next(iter(s.json("mail", "status")["delivery"]["destinations"]), {})


def a_rate_is_kept():
    rules = '[[destination]]\nname = "slow"\ndomains = ["slow.test"]\nrate = "3/1s"\n'
    with Server() as server, house(server, rules) as s:
        login = s.account()
        s.start("mail")
        send(s, login, *[f"a{i}@slow.test" for i in range(7)])
        wait_for("all to arrive", lambda: len(server.arrived) == 7)
        at = [when for _, when in server.arrived]
        # A second's worth may come at once; then a third of a second between them.
        assert at[-1] - at[0] >= 1.0, [round(when - at[0], 2) for when in at]


def who_asks_us_to_slow_down_is_listened_to():
    with Server(most=2, seconds=0.1) as server, house(server, "", "concurrency_per_destination = 8") as s:
        login = s.account()
        s.start("mail")
        send(s, login, *[f"a{i}@busy.test" for i in range(40)])
        slowed = wait_for("the server to be heard", lambda: place(s).get("slowed_by") and place(s), 30)
        assert slowed["slowed_by"].startswith("421 4.7.0 too many connections") and slowed["limit"] <= 4, slowed
        told = s.cli("queue", "stats")
        assert "slowed" in told and "too many connections" in told, told
        refused = server.refused
        # Those that were refused wait for a quarter of an hour, as the reply means; all others arrive.
        wait_for("the others", lambda: len(server.arrived) >= 40 - server.refused, 90)
        assert server.refused <= refused + 6, (refused, server.refused)


def an_own_schedule_and_an_own_end():
    rules = """
[[destination]]
name = "quick"
domains = ["quick.test"]
retry = ["1s"]
[[destination]]
name = "short"
domains = [".short.test"]
retry = ["1s"]
expire = "3s"
"""
    tries = {}

    def answer(to):
        tries[to] = tries.get(to, 0) + 1
        return "250 ok" if to == "a@quick.test" and tries[to] > 2 else "451 4.2.0 not now"

    with Server(answer=answer) as server, house(server, rules) as s:
        login = s.account()
        s.start("mail")
        send(s, login, "a@quick.test", "b@x.short.test", "c@usual.test")
        wait_for("the quick one", lambda: [to for to, _ in server.arrived] == ["a@quick.test"], 30)
        expired = wait_for("the short one's end", lambda: s.json("events", "--kind", "expired"), 30)
        assert [one["recipient"] for one in expired] == ["b@x.short.test"], expired
        assert tries["c@usual.test"] == 1, tries
        deferred = [one for one in s.json("events", "--kind", "deferred") if one["recipient"] == "c@usual.test"]
        assert len(deferred) == 1, deferred
        for rule, wrong in (
            ('[[destination]]\nname = "x"\n', "needs domains or hosts"),
            ('[[destination]]\nname = "x"\ndomains = ["a.test"]\nrate = "fast"\n', 'such as "100/1m"'),
            ('[[destination]]\nname = "x"\nhosts = ["mx a"]\n', 'hosts: "mx a"'),
            ('[[destination]]\nname = "x"\ndomains = ["a.test"]\nexpire = "20d"\n', "longer than queue.expire"),
            ('[[destination]]\nname = "x"\ndomains = ["a.test"]\n[[destination]]\nname = "x"\ndomains = ["b.test"]\n', "there already"),
        ):
            s.write_config(extra=rule)
            out = s.cli("config", "check", code=2)
            assert wrong in out, (rule, out)


main([a_rate_is_kept, who_asks_us_to_slow_down_is_listened_to, an_own_schedule_and_an_own_end])
