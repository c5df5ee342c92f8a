"""`sekisho run`: a fresh state folder, the printed command sends the first mail, Ctrl-C stops all, a second start."""
import re
import shlex
import signal
import subprocess
import tempfile
import urllib.request
from pathlib import Path

from harness import BINARY, free_ports, main, wait_for


def start(folder, log):
    return subprocess.Popen([BINARY, "run", "--state", folder], stdout=log.open("w"), stderr=subprocess.STDOUT)


def first_start_first_mail_second_start():
    with tempfile.TemporaryDirectory(prefix="sekisho-run-") as name:
        folder, log = Path(name) / "state", Path(name) / "log"
        subprocess.run([BINARY, "init", folder], check=True, capture_output=True)
        config = folder / "sekisho.toml"
        ports = free_ports(4)
        text = config.read_text().replace('engine = "xdp"', 'engine = "none"')
        text = re.sub(r"port_fallback = .*", f'submission = ["127.0.0.1:{ports[0]}"]\nsubmissions = ["127.0.0.1:{ports[1]}"]\nexchange = ["127.0.0.1:{ports[2]}"]', text)
        text = re.sub(r"listen = .*", f'listen = ["127.0.0.1:{ports[3]}"]', text)
        config.write_text(text)
        (folder / "sekisho.db").unlink()  # so that `run` makes the first account and shows its password
        process = start(folder, log)
        command = wait_for("the summary", lambda: re.search(r"^  (swaks .*)$", log.read_text(), re.M), 60).group(1)
        assert f"127.0.0.1:{ports[0]}" in command, command
        sent = subprocess.run(shlex.split(command), capture_output=True, text=True, timeout=60)
        assert sent.returncode == 0, sent.stdout
        wait_for("the first mail", lambda: [p for p in (folder / "maildir").rglob("new/*") if "first@example.net" in p.read_text()])
        health = subprocess.run(["curl", "-fsS", f"http://127.0.0.1:{ports[3]}/healthz"], capture_output=True, timeout=20)
        assert health.returncode == 0, health
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        left = subprocess.run(["pgrep", "-f", str(folder)], capture_output=True, text=True)
        assert left.stdout == "", "processes are left: " + left.stdout
        assert (folder / "operator.token").stat().st_mode & 0o007 == 0
        password = re.search(r"^  first@example.net  (\S+)$", log.read_text(), re.M).group(1)
        process = start(folder, log)
        wait_for("the second start", lambda: "Ctrl-C stops" in log.read_text(), 60)
        assert password not in log.read_text(), "the password is shown again"
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def a_taken_port_falls_back_and_says_so():
    import socket
    with tempfile.TemporaryDirectory(prefix="sekisho-run-") as name, socket.socket() as taken:
        folder, log = Path(name) / "state", Path(name) / "log"
        subprocess.run([BINARY, "init", folder], check=True, capture_output=True)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        wanted = taken.getsockname()[1]
        instead, tls, mx, http = free_ports(4)
        config = folder / "sekisho.toml"
        text = config.read_text().replace('engine = "xdp"', 'engine = "none"')
        text = re.sub(r"port_fallback = .*", f'port_fallback = ["{wanted}={instead}"]\nsubmission = ["127.0.0.1:{wanted}"]\nsubmissions = ["127.0.0.1:{tls}"]\nexchange = ["127.0.0.1:{mx}"]', text)
        text = re.sub(r"^listen = .*", f'listen = ["127.0.0.1:{http}"]', text, flags=re.M)
        config.write_text(text + f"\n[settings]\nsubmission_port = {wanted}\n")
        process = start(folder, log)
        wait_for("the summary", lambda: "Ctrl-C stops" in log.read_text(), 60)
        with urllib.request.urlopen(f"http://127.0.0.1:{http}/en/settings") as answer:
            page = answer.read().decode()
        assert str(instead) in page and str(wanted) not in page, "the guide names the port that is taken"
        assert str(wanted) in log.read_text() and str(instead) in log.read_text(), log.read_text()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


main([first_start_first_mail_second_start, a_taken_port_falls_back_and_says_so])
