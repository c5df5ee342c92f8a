"""Postfix' smtp-sink as a server that takes any mail, a file for each message."""

import os
import pwd

from peers.lib import netns
from peers.lib.proc import until


class Sink:
    """Listens on every IPv4 and IPv6 address of the namespace."""

    def __init__(self, processes, namespace, directory, port=25):
        self.directory = directory
        os.makedirs(directory, exist_ok=True)
        postfix = pwd.getpwnam("postfix")
        self.processes = []
        for family, host in (("4", "0.0.0.0"), ("6", "[::]")):
            place = os.path.join(directory, family)
            os.makedirs(place, exist_ok=True)
            os.chown(place, postfix.pw_uid, postfix.pw_gid)
            command = ["smtp-sink", "-u", "postfix", "-d", f"{place}/%s.", f"inet:{host}:{port}", "100"]
            self.processes.append(
                processes.start(f"sink-{namespace}-{family}", netns.argv(namespace, command))
            )

        def ready():
            done = netns.inside_run(namespace, ["ss", "-Hltn", f"sport = :{port}"], check=False)
            return all(p.require_alive() for p in self.processes) and len(done.stdout.splitlines()) >= 2

        until(f"smtp-sink in {namespace}", ready)

    def messages(self):
        found = []
        for family in ("4", "6"):
            place = os.path.join(self.directory, family)
            found += [os.path.join(place, name) for name in os.listdir(place)]
        return found
