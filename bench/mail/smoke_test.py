"""The load generator against the sink: every way of sending, and that loss and doubles would be seen.

    smoke_test.py BENCH_LOAD BENCH_SINK
"""
import json
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

LOAD, SINK = sys.argv[1:3]
FOLDER = tempfile.TemporaryDirectory(prefix="sekisho-bench-")
AT = Path(FOLDER.name)


def make_certificate():
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=sink.example", "-keyout", AT / "key.pem", "-out", AT / "cert.pem"],
        check=True, capture_output=True)


@contextmanager
def sink(*options):
    """A sink on a free port; gives its port, and `told` afterwards."""
    process = subprocess.Popen([SINK, "--port", "0", "--json", "--ids", AT / "sink.ids", *options],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        line = process.stderr.readline()
        assert line.startswith("listening "), line
        got = {"port": line.split()[1]}
        yield got
        process.send_signal(signal.SIGTERM)
        got["told"] = json.loads(process.communicate(timeout=30)[0])
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def load(port, *options, code=0):
    done = subprocess.run([LOAD, "--port", port, "--from", "a%d@example.net", "--to", "b%d@example.org", "--json",
                           "--ids", AT / "load.ids", *options], capture_output=True, text=True, timeout=100)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return json.loads(done.stdout)


def ids(name):
    """{(run, number): times} of an id file."""
    seen = {}
    for line in (AT / name).read_text().splitlines():
        run, first, last, times = line.split()
        for number in range(int(first), int(last) + 1):
            seen[run, number] = int(times)
    return seen


def every_way_of_sending():
    ways = [
        ([], []),
        ([], ["--pipelining", "yes"]),
        ([], ["--chunking", "yes"]),
        ([], ["--pipelining", "yes", "--chunking", "yes", "--threads", "2"]),
        (["--threads", "2"], ["--per-connection", "1"]),
        ([], ["--size", "3000000", "--messages", "8"]),
        (["--tls"], ["--tls", "starttls", "--auth", "plain:user%d:secret", "--accounts", "3"]),
        (["--tls"], ["--tls", "starttls", "--resume", "yes", "--per-connection", "1"]),
        (["--implicit"], ["--tls", "implicit", "--size", "500000", "--pipelining", "yes"]),
        (["--tarpit", "1", "--delay", "3"], ["--messages", "10"]),
        ([], ["--rate", "200", "--messages", "40"]),
    ]
    for there, here in ways:
        with sink(*there, "--cert", AT / "cert.pem", "--key", AT / "key.pem") as got:
            sent = load(got["port"], "--connections", "5", "--per-connection", "7", *([] if "--messages" in here else ["--messages", "60"]), *here) \
                if "--per-connection" not in here else load(got["port"], "--connections", "5", "--messages", "60", *here)
        told = got["told"]
        wanted = int(here[here.index("--messages") + 1]) if "--messages" in here else 60
        assert sent["acknowledged"] == sent["sent"] == wanted and sent["errors"] == sent["refused"] == 0, (here, sent)
        assert told["received"] == told["unique"] == wanted and told["duplicates"] == told["nameless"] == 0, (here, told)
        assert ids("load.ids") == ids("sink.ids") and len(ids("sink.ids")) == wanted, here
        assert sent["latency_ms"]["count"] == wanted and sent["latency_ms"]["p50"] <= sent["latency_ms"]["max"]
        if "--resume" in here:
            assert 0 < sent["resumed"] < 60, sent
        else:
            assert sent["resumed"] == 0, sent


def refusals_and_doubles_are_seen():
    with sink("--fail", "25:452") as got:
        sent = load(got["port"], "--connections", "4", "--per-connection", "50", "--messages", "100")
        assert sent["refused"] == 25 and sent["acknowledged"] == 75 and "452" in sent["first_trouble"], sent
        assert len(ids("load.ids")) == 75
        first = load(got["port"], "--messages", "10", "--per-connection", "10", "--run", "twice")
        again = load(got["port"], "--messages", "6", "--per-connection", "10", "--run", "twice")
    both = [sent, first, again]
    assert got["told"]["received"] == sum(one["acknowledged"] for one in both), (got, both)
    seen = ids("sink.ids")
    doubles = sum(times - 1 for times in seen.values())
    assert doubles > 0 and got["told"]["duplicates"] == doubles, (got, seen)


def nobody_there_is_told():
    with sink() as got:
        pass
    told = load(got["port"], "--messages", "5", code=1)
    assert told["acknowledged"] == 0 and told["errors"] > 0 and told["first_trouble"], told


def idle_connections_are_held():
    with sink("--tls", "--cert", AT / "cert.pem", "--key", AT / "key.pem") as got:
        told = load(got["port"], "--tls", "starttls", "--idle", "--connections", "40", "--seconds", "0.3")
    assert told["connect_ms"]["count"] == 40 and told["sent"] == 0 and told["errors"] == 0, told
    assert got["told"]["connections"] == 40, got


def lmtp_is_answered_for_each_recipient():
    with sink() as got, socket.create_connection(("127.0.0.1", int(got["port"])), timeout=20) as peer:
        lines = peer.makefile("r", newline="\r\n")
        peer.sendall(b"LHLO here\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\nRCPT TO:<c@b.example>\r\nDATA\r\n")
        while not lines.readline().startswith("354"):
            pass
        peer.sendall(b"X-Bench-Id: hand-0\r\n\r\nHello\r\n.\r\nQUIT\r\n")
        codes = [line[:3] for line in lines]
    assert codes == ["250", "250", "221"], codes
    assert got["told"]["received"] == 1 and ids("sink.ids") == {("hand", 0): 1}, got


make_certificate()
for scenario in (every_way_of_sending, refusals_and_doubles_are_seen, nobody_there_is_told, idle_connections_are_held,
                 lmtp_is_answered_for_each_recipient):
    scenario()
    print(f"ok   {scenario.__name__}", flush=True)
