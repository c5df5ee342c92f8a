"""Dovecot as an authentication service for Postfix: accounts in a file, a socket to ask."""

import os

from peers.lib import netns
from peers.lib.proc import run, until


def start_auth(processes, namespace, directory, accounts):
    """`accounts` is login -> password. Returns the socket for smtpd_sasl_path."""
    os.makedirs(directory, exist_ok=True)
    users = os.path.join(directory, "users")
    with open(users, "w") as file:
        for login, password in accounts.items():
            hashed = run(["doveadm", "pw", "-s", "SHA512-CRYPT", "-p", password]).stdout.strip()
            file.write(f"{login}:{hashed}\n")
    os.chmod(users, 0o644)
    socket = os.path.join(directory, "auth")
    configuration = os.path.join(directory, "dovecot.conf")
    with open(configuration, "w") as file:
        file.write(
            f"""base_dir = {directory}/run
state_dir = {directory}/state
log_path = {directory}/dovecot.log
protocols =
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
passdb {{
  driver = passwd-file
  args = username_format=%u {users}
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home=/nonexistent
}}
service auth {{
  unix_listener {socket} {{
    mode = 0666
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
"""
        )
    process = processes.start(
        f"dovecot-{namespace}", netns.argv(namespace, ["dovecot", "-F", "-c", configuration])
    )

    def ready():
        process.require_alive()
        return os.path.exists(socket)

    until("Dovecot's authentication socket", ready)
    return socket
