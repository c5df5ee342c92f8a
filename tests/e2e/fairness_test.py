"""Nobody waits behind a bulk sender: one message of another account passes a few thousand queued ones."""
import re
import shutil
import subprocess
import sys
import threading

from harness import Sekisho, free_ports, main, message, wait_for

QUEUED = 2500
SENDERS = 8


def slow_sink(folder):
    """A server that takes a second for each message, on a port of its own."""
    sink = shutil.which("smtp-sink") or shutil.which("smtp-sink", path="/usr/sbin:/usr/lib/postfix/sbin")
    if sink is None:
        print("needs smtp-sink (package postfix)")
        sys.exit(77)
    (port,) = free_ports(1)
    log = (folder / "sink.log").open("w")
    process = subprocess.Popen([sink, "-w", "1", "-u", "nobody", f"127.0.0.1:{port}", "100"], stdout=log, stderr=log)
    return process, port


def fill(s, login, count):
    """One recipient a message, as a program sends that doesn't know better."""
    session = s.submit(login)
    for number in range(count):
        session.sendmail(login, [f"r{number}@sink.example.org"], message(f"bulk {number}", to="r@sink.example.org", sender=login))
    session.quit()


def events(s, *arguments):
    return s.json("events", "--limit", "100000", *arguments)


def an_ordinary_message_passes_a_bulk_sender():
    with Sekisho(mail="connections_per_address_max = 1000") as s:
        sink, port = slow_sink(s.folder)
        try:
            s.write_config(
                extra=f'[delivery]\nsmarthost = "127.0.0.1:{port}"\nconcurrency_per_destination = 10\n',
                mail="connections_per_address_max = 1000\nrecipients_per_hour = 100000\nrecipients_per_day = 100000",
            )
            bulk, hanako = s.account("bulk@example.net"), s.account("hanako@example.net")
            s.start()
            threads = [threading.Thread(target=fill, args=(s, bulk, QUEUED // SENDERS)) for _ in range(SENDERS)]
            for one in threads:
                one.start()
            for one in threads:
                one.join()
            queued = s.json("mail", "status")["queue"]["queued"]
            assert queued > QUEUED / 2, f"only {queued} were still queued: the sink is too fast for this test"

            with s.submit(hanako) as session:
                session.sendmail(hanako, ["b@sink.example.org"], message("ordinary", to="b@sink.example.org", sender=hanako))
            wait_for("the ordinary message", lambda: events(s, "--account", hanako, "--kind", "delivered"), 120)

            accepted = events(s, "--account", hanako, "--kind", "accepted")[0]["id"]
            delivered = events(s, "--account", hanako, "--kind", "delivered")[0]["id"]
            between = [e for e in events(s, "--account", bulk, "--kind", "delivered") if accepted < e["id"] < delivered]
            left = s.json("mail", "status")["queue"]["queued"]
            print(f"{queued} queued before it, {len(between)} of them delivered before it, {left} still queued")
            # Two of the ten places are not the bulk sender's, so it needn't wait for any to end.
            assert len(between) <= 60, f"{len(between)} of the other account were delivered before it"
            assert left > 500, "nothing was left to be passed"
        finally:
            sink.terminate()
            sink.wait(10)


main([an_ordinary_message_passes_a_bulk_sender])
