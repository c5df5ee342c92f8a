"""A full disk under the spool: 452 4.3.1 to whoever sends, what is queued is kept, and mail flows again by itself."""
import os
import smtplib
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import Sekisho, main, message, wait_for

MIB = 1024 * 1024
NOWHERE = '[delivery]\nresolvers = ["127.0.0.1@1"]\nsmarthost = "127.0.0.1:1"\n'


class SmallDisk:
    """A file system in memory of its own, so that it can be full."""

    def __init__(self, size):
        self.path = Path(tempfile.mkdtemp(prefix="sekisho-disk-"))
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", self.path], capture_output=True, text=True)
        if done.returncode != 0:
            self.path.rmdir()
            print(f"no file system can be mounted here: {done.stderr}")
            sys.exit(77)

    def fill(self, leave=0):
        space = os.statvfs(self.path)
        with (self.path / "filler").open("wb", buffering=0) as file:  # what is not written is not tried again
            left = space.f_bavail * space.f_frsize - leave
            try:
                while left > 0:
                    left -= file.write(b"x" * min(left, MIB))
            except OSError:
                pass  # it is full

    def free(self):
        (self.path / "filler").unlink()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        subprocess.run(["umount", "-l", self.path], check=True)
        self.path.rmdir()


def refused(s, login, size=1000):
    """The reply when it is no 250."""
    try:
        with s.submit(login) as session:
            session.sendmail(login, ["a@one.example"], message("x", body=("x" * 70 + "\r\n") * (size // 72)))
        return None
    except smtplib.SMTPResponseException as error:
        return error.smtp_code, error.smtp_error.decode()
    except smtplib.SMTPRecipientsRefused as error:
        return list(error.recipients.values())[0]


def queued(s):
    return {entry["queue_id"] for entry in s.json("queue", "list")}


def below_the_minimum():
    with SmallDisk(48 * MIB) as disk, Sekisho() as s:
        s.write_config(extra=NOWHERE + f'[queue]\ndirectory = "{disk.path}/spool"\nsegment_size = "4MiB"\nfree_space_min = "8MiB"\n', mail='message_size_max = "2MiB"')
        taro = s.account()
        s.start("mail")
        assert refused(s, taro) is None
        disk.fill(leave=4 * MIB)
        reply = wait_for("a refusal", lambda: refused(s, taro))
        assert reply[0] == 452 and "4.3.1" in reply[1], reply
        kept = queued(s)
        assert kept and not s.json("mail", "status")["queue"]["writable"]
        # What is there can still be worked on.
        s.cli("queue", "hold", next(iter(kept)))
        disk.free()
        wait_for("an acceptance", lambda: refused(s, taro) is None)
        assert queued(s) > kept and s.json("mail", "status")["queue"]["writable"]
        assert s.json("mail", "status")["queue"]["acks_before_durable_total"] == 0


def full_to_the_last_byte():
    with SmallDisk(48 * MIB) as disk, Sekisho() as s:
        s.write_config(extra=NOWHERE + f'[queue]\ndirectory = "{disk.path}/spool"\nsegment_size = "4MiB"\nfree_space_min = "0B"\n', mail='message_size_max = "2MiB"')
        taro = s.account()
        s.start("mail")
        assert refused(s, taro) is None
        disk.fill()
        # The segments that are there fill up first; then nothing more fits.
        reply = wait_for("a refusal", lambda: refused(s, taro, size=MIB), 60)
        assert reply[0] == 452 and "4.3.1" in reply[1], reply
        kept = queued(s)
        disk.free()
        wait_for("an acceptance", lambda: refused(s, taro, size=MIB) is None)
        s.kill("mail")
        s.start("mail")
        assert queued(s) > kept, "what was answered 250 is there"


main([below_the_minimum, full_to_the_last_byte])
