"""RADIUS accounting with FreeRADIUS: radclient as the access server, radiusd behind our proxy and in front of us."""
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from harness import Sekisho, main, wait_for

SECRET = "testing123"
SERVER_SECRET = "of the server"
RADCLIENT = shutil.which("radclient")
RADIUSD = shutil.which("freeradius") or shutil.which("radiusd")


def udp_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Gate(Sekisho):
    """The role gate without an engine, taking accounting packets; with `forward`, as a proxy."""

    def __init__(self, forward=()):
        self.radius = udp_port()
        servers = ", ".join(f'"127.0.0.1:{port}"' for port in forward)
        more = f'forward = [{servers}]\nforward_secret = "{SERVER_SECRET}"\nforward_timeout = "300ms"' if forward else ""
        super().__init__(extra=f"""
[radius]
listen = ["127.0.0.1:{self.radius}"]
{more}
[[radius.client]]
from = "127.0.0.1"
secret = "{SECRET}"
""")

    def counters(self):
        return self.json("gate", "status")["radius"]

    def who(self, address, at=None):
        found = self.json("line", "find", address, *(["--at", stamp(at)] if at else []))
        return found["line"] if found["certainty"] == "subscriber" else found["certainty"]


def stamp(at):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def send(port, status, session="s1", user="hanako@example.net", secret=SECRET, at=None, times=1, **more):
    """One packet; whether an answer came that radclient could verify."""
    values = {
        "Acct-Status-Type": status, "Acct-Session-Id": f'"{session}"', "User-Name": f'"{user}"',
        "NAS-Identifier": '"bras1"', **{name.replace("_", "-"): value for name, value in more.items()},
    }
    if at:
        values["Event-Timestamp"] = f'"{time.strftime("%b %d %Y %H:%M:%S UTC", time.gmtime(at))}"'
    done = subprocess.run(
        [RADCLIENT, "-q", "-r", "1", "-t", "1.5", "-c", str(times), f"127.0.0.1:{port}", "acct", secret],
        input="\n".join(f"{name} = {value}" for name, value in values.items() if value is not None),
        text=True, capture_output=True, timeout=30, env={**os.environ, "TZ": "UTC"})
    return done.returncode == 0


class Radiusd:
    """FreeRADIUS with an accounting listener that writes a detail file; `policy` runs before that."""

    def __init__(self, secret, policy="", more=""):
        self.folder = Path(tempfile.mkdtemp(prefix="sekisho-radiusd-"))
        self.port = udp_port()
        self.secret, self.policy, self.more = secret, policy, more
        self.process = None
        (self.folder / "dictionary").write_text("$INCLUDE /usr/share/freeradius/dictionary\n")
        (self.folder / "radiusd.conf").write_text(f"""
prefix = /usr
libdir = /usr/lib/freeradius
logdir = {self.folder}
run_dir = {self.folder}
db_dir = {self.folder}
max_request_time = 5
cleanup_delay = 0
security {{ allow_vulnerable_openssl = yes }}
proxy_requests = yes
client nas {{
    ipaddr = 127.0.0.1
    secret = "{secret}"
}}
modules {{
    detail {{
        filename = {self.folder}/detail
        permissions = 0644
    }}
    replicate {{
    }}
}}
{more}
server default {{
    listen {{
        type = acct
        ipaddr = 127.0.0.1
        port = {self.port}
    }}
    preacct {{
        {policy}
    }}
    accounting {{
        detail
    }}
}}
""")

    def start(self):
        log = (self.folder / "log").open("a")
        self.process = subprocess.Popen([RADIUSD, "-f", "-l", "stdout", "-d", str(self.folder)], stdout=log, stderr=log)

        def up():
            assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
            return "Ready to process requests" in (self.folder / "log").read_text()
        wait_for("FreeRADIUS to be up", up)
        return self

    def detail(self):
        path = self.folder / "detail"
        return path.read_text() if path.exists() else ""

    def end(self):
        if self.process:
            self.process.terminate()
            self.process.wait(10)
            self.process = None
            (self.folder / "log").write_text("")

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        log = (self.folder / "log").read_text()
        self.end()
        if kind is not None:
            print(log[-3000:])
        shutil.rmtree(self.folder, ignore_errors=True)


def lost_repeated_reordered_and_late_packets():
    now = int(time.time())
    with Gate() as s:
        s.start("gate")
        port = s.radius
        assert send(port, "Start", at=now - 3600, Framed_IP_Address="198.51.100.7", times=3)
        assert s.who("198.51.100.7") == "hanako"
        assert len(s.json("line", "sessions", "hanako")) == 1
        # The Stop overtakes the Start, which then opens nothing.
        assert send(port, "Stop", "s2", "taro", at=now - 60, Framed_IP_Address="198.51.100.8", Acct_Session_Time=600)
        assert send(port, "Start", "s2", "taro", at=now - 660, Framed_IP_Address="198.51.100.8")
        assert s.who("198.51.100.8") == "unknown"
        assert s.who("198.51.100.8", now - 300) == "taro"
        # The Start was lost: an interim tells it all.
        assert send(port, "Interim-Update", "s3", "jiro", at=now - 10, Acct_Session_Time=1000,
                    Framed_IP_Address="198.51.100.9", Delegated_IPv6_Prefix="2001:db8:1:200::/56")
        assert s.who("198.51.100.9", now - 900) == "jiro"
        assert s.who("2001:db8:1:2ff::1") == "jiro"
        # The Stop of s1 was lost, and its address went to another: nobody is accused until it comes.
        assert send(port, "Start", "s4", "saburo", at=now - 1800, Framed_IP_Address="198.51.100.7")
        assert s.who("198.51.100.7") == "ambiguous"
        assert s.who("198.51.100.7", now - 3000) == "hanako"
        assert send(port, "Stop", at=now - 2000, Framed_IP_Address="198.51.100.7"), "late"
        assert s.who("198.51.100.7") == "saburo"
        assert s.who("198.51.100.7", now - 1900) == "unknown"


def a_restart_of_the_access_server_and_of_ours():
    with Gate() as s:
        s.start("gate")
        assert send(s.radius, "Start", Framed_IP_Address="198.51.100.7")
        assert send(s.radius, "Start", "x", "taro", NAS_Identifier='"bras2"', Framed_IP_Address="198.51.100.8")
        s.kill("gate")
        s.start("gate")
        assert s.who("198.51.100.7") == "hanako"
        wait_for("the index", lambda: s.json("gate", "status")["line_index"]["sessions"] == 2)
        time.sleep(1.1)  # RADIUS counts seconds: what began in this one isn't ended by it
        assert send(s.radius, "Accounting-On", session="boot", user="none")
        assert s.who("198.51.100.7") == "unknown"
        assert s.who("198.51.100.8") == "taro", "of another access server"


def wrong_secrets_are_counted_and_not_answered():
    with Gate() as s:
        s.start("gate")
        assert not send(s.radius, "Start", secret="guessed", Framed_IP_Address="198.51.100.7")
        counters = s.counters()
        assert counters["bad_authenticator"] >= 1 and counters["starts"] == 0, counters
        assert s.who("198.51.100.7") == "unknown"


def our_proxy_in_front_of_freeradius():
    with Radiusd(SERVER_SECRET) as server, Gate(forward=[udp_port(), server.port]) as s:
        s.start("gate")
        # Nobody listens at the first: the second is asked, and its answer verified by radclient.
        assert send(s.radius, "Start", Framed_IP_Address="198.51.100.7", Proxy_State="0x0102",
                    Message_Authenticator="0x00")
        detail = server.detail()
        assert '"hanako@example.net"' in detail and 'Acct-Session-Id = "s1"' in detail, detail
        assert s.who("198.51.100.7") == "hanako"
        forward = s.counters()["forward"]
        assert forward["answered"] == 1 and forward["timeouts"] == 1, forward
        server.end()
        assert not send(s.radius, "Start", "s2", "taro", Framed_IP_Address="198.51.100.8"), "nobody answers"
        assert s.who("198.51.100.8") == "taro", "and yet it is known"
        wait_for("giving up", lambda: s.counters()["forward"]["given_up"] >= 1)
        server.start()
        for number in range(6):  # until it has rested, or is asked again
            if send(s.radius, "Start", f"t{number}", "jiro", Framed_IP_Address="198.51.100.9"):
                break
        assert '"jiro"' in server.detail(), s.counters()


def realm_of(gate):
    """FreeRADIUS's realm sekisho: the gate's accounting."""
    return f"""
home_server ours {{
    type = acct
    ipaddr = 127.0.0.1
    port = {gate.radius}
    secret = "{SECRET}"
}}
home_server_pool ours {{
    home_server = ours
}}
realm sekisho {{
    acct_pool = ours
}}
"""


def copies_from_freeradius():
    with Gate() as s:
        pool = realm_of(s)
        policy = """
        update control {
            Replicate-To-Realm := sekisho
        }
        replicate
"""
        with Radiusd(SERVER_SECRET, policy, pool) as server:
            s.start("gate")
            assert send(server.port, "Start", secret=SERVER_SECRET, Framed_IP_Address="198.51.100.7")
            wait_for("the copy", lambda: s.who("198.51.100.7") == "hanako")
            assert '"hanako@example.net"' in server.detail()
            s.kill("gate")
            assert send(server.port, "Start", "s2", "taro", secret=SERVER_SECRET, Framed_IP_Address="198.51.100.8"), \
                "accounting doesn't depend on who has the copy"


def freeradius_as_a_proxy_in_front_of_us():
    with Gate() as s:
        pool = realm_of(s)
        with Radiusd(SERVER_SECRET, """
        update control {
            Proxy-To-Realm := sekisho
        }
""", pool) as server:
            s.start("gate")
            assert send(server.port, "Start", secret=SERVER_SECRET, Framed_IP_Address="198.51.100.7", Proxy_State="0x0a")
            assert s.who("198.51.100.7") == "hanako"


assert RADCLIENT and RADIUSD, "freeradius and freeradius-utils are needed: ./dev setup test"
main([
    lost_repeated_reordered_and_late_packets,
    a_restart_of_the_access_server_and_of_ours,
    wrong_secrets_are_counted_and_not_answered,
    our_proxy_in_front_of_freeradius,
    copies_from_freeradius,
    freeradius_as_a_proxy_in_front_of_us,
])
