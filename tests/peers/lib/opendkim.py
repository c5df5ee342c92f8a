"""opendkim as the milter of a Postfix that verifies what comes in, by the DNS."""

import os

from peers.lib import netns
from peers.lib.proc import until

_PORT = 8891


def start_verifier(processes, namespace, directory, name, resolver):
    """Says what it found in Authentication-Results fields of `name`. Returns the value for smtpd_milters."""
    os.makedirs(directory, exist_ok=True)
    configuration = os.path.join(directory, "opendkim.conf")
    with open(configuration, "w") as file:
        file.write(
            f"Mode v\nSocket inet:{_PORT}@127.0.0.1\nAuthservID {name}\nAlwaysAddARHeader yes\nNameservers {resolver}\n"
            f"UserID nobody\nSyslog no\nBackground no\nPidFile {directory}/pid\n"
        )
    process = processes.start(f"opendkim-{namespace}", netns.argv(namespace, ["opendkim", "-f", "-x", configuration]))

    def ready():
        process.require_alive()
        return netns.inside_run(namespace, ["ss", "-Hltn", f"sport = :{_PORT}"], check=False).stdout

    until("opendkim to listen", ready)
    return f"inet:127.0.0.1:{_PORT}"
