"""Reads Maildirs: which messages are there, by message id."""

import email
import email.policy
import glob
import os

from peers.lib.proc import until


def files(root):
    """Every message file below root, whatever the depth of its Maildir."""
    return [f for f in glob.glob(os.path.join(root, "**", "*"), recursive=True)
            if os.path.isfile(f) and os.path.basename(os.path.dirname(f)) in ("new", "cur")]


def read(path):
    with open(path, "rb") as file:
        return email.message_from_binary_file(file, policy=email.policy.default)


def find(root, message_id):
    for path in files(root):
        with open(path, "rb") as file:
            head = file.read(65536)
        if message_id.encode() in head and read(path)["Message-ID"] == message_id:
            return path
    return None


def wait(root, message_id, seconds=15.0):
    """The parsed message; Failed when it does not come in time."""
    path = until(f"{message_id} in {root}", lambda: find(root, message_id), seconds)
    return read(path)
