"""Dovecot twice: as an authentication service for Postfix, and as a mail store behind LMTP."""

import os
import pwd

from peers.lib import netns
from peers.lib.proc import run, until

_COMMON = """base_dir = {directory}/run
state_dir = {directory}/state
log_path = {directory}/dovecot.log
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
passdb {{
  driver = passwd-file
  args = username_format=%u {directory}/users
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
"""

_AUTH = """protocols =
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home=/nonexistent
}}
service auth {{
  unix_listener {directory}/auth {{
    mode = 0666
  }}
}}
"""

_STORE = """protocols = lmtp
mail_location = maildir:{directory}/mail/%u
first_valid_uid = 1
userdb {{
  driver = passwd-file
  args = username_format=%u {directory}/users
}}
protocol lmtp {{
  auth_username_format = %Lu
}}
service lmtp {{
  inet_listener lmtp {{
    address = {address}
    port = {lmtp_port}
  }}
}}
"""


def _start(processes, namespace, directory, accounts, configuration):
    os.makedirs(directory, exist_ok=True)
    users, owner = os.path.join(directory, "users"), pwd.getpwnam("nobody")
    with open(users, "w") as file:
        for login, password in accounts.items():
            hashed = run(["doveadm", "pw", "-s", "SHA512-CRYPT", "-p", password]).stdout.strip()
            home = os.path.join(directory, "mail", login)
            file.write(f"{login}:{hashed}:{owner.pw_uid}:{owner.pw_gid}::{home}::\n")
    os.chmod(users, 0o644)
    path = os.path.join(directory, "dovecot.conf")
    with open(path, "w") as file:
        file.write(configuration)
    command = ["dovecot", "-F", "-c", path]
    return processes.start(
        f"dovecot-{os.path.basename(directory)}", netns.argv(namespace, command) if namespace else command
    )


def start_auth(processes, namespace, directory, accounts):
    """`accounts` is login -> password. Returns the socket for smtpd_sasl_path."""
    configuration = (_COMMON + _AUTH).format(directory=directory)
    process = _start(processes, namespace, directory, accounts, configuration)
    socket = os.path.join(directory, "auth")

    def ready():
        process.require_alive()
        return os.path.exists(socket)

    until("Dovecot's authentication socket", ready)
    return socket


def start_store(processes, namespace, directory, accounts, address="127.0.0.1", lmtp_port=24):
    """Takes mail for `accounts` by LMTP; their Maildirs are directory/mail/LOGIN. Returns a function(login, message id)
    that gives the message as Dovecot shows it, or nothing."""
    mail = os.path.join(directory, "mail")
    os.makedirs(mail, exist_ok=True)
    owner = pwd.getpwnam("nobody")
    os.chown(mail, owner.pw_uid, owner.pw_gid)
    configuration = (_COMMON + _STORE).format(
        directory=directory, address=address, lmtp_port=lmtp_port
    )
    process = _start(processes, namespace, directory, accounts, configuration)

    def ready():
        process.require_alive()
        command = ["ss", "-Hltn", f"sport = :{lmtp_port}"]
        return run(netns.argv(namespace, command) if namespace else command, check=False).stdout

    def fetch(login, identity):
        search = ["mailbox", "INBOX", "header", "message-id", identity]
        return run(["doveadm", "-c", os.path.join(directory, "dovecot.conf"), "fetch", "-u", login, "text", *search], check=False).stdout

    until("Dovecot's LMTP", ready)
    return fetch
