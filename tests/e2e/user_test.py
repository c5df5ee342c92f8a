"""Started as root with `user`: mail and desk change to it, and find what root made for them."""
import os
import subprocess
import sys

from harness import Sekisho, main, message, wait_for

USER = "nobody"


def uid(process):
    status = open(f"/proc/{process.pid}/status").read()
    return int(next(line for line in status.splitlines() if line.startswith("Uid:")).split()[2])


def the_roles_work_as_that_user():
    with Sekisho() as s:
        s.folder.chmod(0o755)
        s.config.write_text(f'user = "{USER}"\n' + s.config.read_text())
        login = s.account()
        for _ in range(2):  # a restart finds what the first start left
            s.start("gate", "mail", "desk")
            wanted = int(subprocess.run(["id", "-u", USER], capture_output=True, text=True, check=True).stdout)
            assert uid(s.processes["gate"]) == 0
            assert uid(s.processes["mail"]) == uid(s.processes["desk"]) == wanted
            before = len(s.mailbox())
            with s.submit(login) as session:
                session.sendmail(login, [login], message("as nobody"))
            wait_for("the mail", lambda: len(s.mailbox()) == before + 1)
            wait_for("the event", lambda: any(e["kind"] == "delivered" for e in s.json("events")))
            assert "gate" in s.cli("doctor") and not any(one["health"] == "FAULT" for one in s.json("doctor"))
            s.stop()
        owners = {path.lstat().st_uid for path in (s.folder / "spool").iterdir()} | {(s.folder / "sekisho.db").stat().st_uid}
        assert owners == {wanted}, owners
        assert s.config.stat().st_uid == 0, "the configuration stays root's"


def a_user_that_there_is_not_is_told():
    with Sekisho() as s:
        s.config.write_text('user = "nosuchuser"\n' + s.config.read_text())
        assert 'there is no user "nosuchuser"' in s.cli("mail", code=1)


if os.geteuid() != 0:
    print("skipped: only root can change to another user")
    sys.exit(0)
main([the_roles_work_as_that_user, a_user_that_there_is_not_is_told])
