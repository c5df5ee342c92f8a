"""Events told to others: lines of JSON in a file that is rotated, and a webhook that checks signatures, is away and comes back."""
import hashlib
import hmac
import http.server
import json
import signal
import threading
import time

from harness import Sekisho, free_ports, main, message, wait_for

KEY = "plum blossom"


class Hook:
    """Takes batches whose signature is right, or answers what `status` says."""

    def __init__(self, port=0):
        self.status, self.events, self.asked, hook = 204, [], 0, self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                fields = dict(part.split("=", 1) for part in self.headers["X-Sekisho-Signature"].split(","))
                wanted = hmac.new(KEY.encode(), fields["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
                fine = hmac.compare_digest(wanted, fields["v1"]) and abs(time.time() - int(fields["t"])) < 300
                hook.asked += 1
                if fine and hook.status == 204:
                    hook.events += json.loads(body)
                self.send_response(hook.status if fine else 403)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def send(server, to):
    with server.submit("taro@example.net") as session:
        session.sendmail("taro@example.net", [to], message("told", to=to))


def a_file_and_a_webhook_are_told_all_of_it():
    with Hook() as hook:
        configured = Sekisho(extra=f"""
[events]
file = "events.json"
webhook = "http://127.0.0.1:{hook.port}/hook"
webhook_secret = "secret"
webhook_wait = "100ms"
""")
        (configured.folder / "secret").write_text(KEY + "\n")
        with configured as server:
            file = server.folder / "events.json"
            server.account()
            server.start()
            # From now on: where each is stands in the store once it has begun.
            send(server, "taro@example.net")

            def kinds(text):
                return [json.loads(line)["kind"] for line in text.splitlines()]
            wait_for("the file", lambda: file.exists() and "delivered" in kinds(file.read_text()))
            wait_for("the webhook", lambda: "delivered" in [e["kind"] for e in hook.events])
            file.rename(server.folder / "events.1")
            send(server, "taro@example.net")
            wait_for("a new file", lambda: file.exists() and kinds(file.read_text())[-1] == "delivered")
            file.unlink()
            server.processes["mail"].send_signal(signal.SIGHUP)
            send(server, "taro@example.net")
            wait_for("another one", lambda: file.exists() and "delivered" in kinds(file.read_text()))

            # The webhook is down over a restart of ours: nothing is lost, nothing out of order.
            wait_for("three deliveries", lambda: len([e for e in hook.events if e["kind"] == "delivered"]) == 3)
            hook.status = 503
            asked = hook.asked
            send(server, "taro@example.net")
            wait_for("a refusal", lambda: hook.asked > asked)
            assert "answered 503" in server.json("mail", "status")["feeds"]["webhook"]["error"]
            server.kill("mail", signal.SIGTERM)
            server.start("mail")
            send(server, "taro@example.net")
            hook.status = 204
            wait_for("all of it", lambda: len([e for e in hook.events if e["kind"] == "delivered"]) == 5)
            ids = [e["id"] for e in hook.events]
            assert ids == sorted(set(ids)), ids
            assert {e["kind"] for e in hook.events} == {"accepted", "delivered"}, "logins weren't asked for"
            assert server.json("mail", "status")["feeds"]["webhook"]["dropped_total"] == 0


def what_is_wrong_is_told_by_the_check():
    port, = free_ports(1)
    for wrong, says in ((f'webhook = "ftp://127.0.0.1:{port}/"', "events.webhook"), ('kinds = ["eaten"]', '"eaten" is no kind')):
        with Sekisho(extra=f"[events]\n{wrong}\n") as server:
            assert says in server.cli("config", "check", server.config, code=2)


if __name__ == "__main__":
    main([a_file_and_a_webhook_are_told_all_of_it, what_is_wrong_is_told_by_the_check])
