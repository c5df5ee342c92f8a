"""RADIUS accounting (RFC 2866) sent by FreeRADIUS' radclient."""

import os

from peers.lib import netns
from peers.lib.proc import Failed

_DICTIONARY = "/usr/share/freeradius"


def send(namespace, server, secret, attributes, timeout=2, retries=3):
    """One Accounting-Request; Failed unless the server acknowledged it."""
    text = "\n".join(f"{name} = {value}" for name, value in attributes) + "\n"
    command = ["radclient", "-t", timeout, "-r", retries, "-x", server, "acct", secret]
    if os.path.isdir(_DICTIONARY):
        command[1:1] = ["-D", _DICTIONARY]
    done = netns.inside_run(namespace, command, input=text, check=False)
    if done.returncode != 0 or "Accounting-Response" not in done.stdout:
        raise Failed(f"radclient: {done.stdout}{done.stderr}")
    return done.stdout


def session(user, status, session_id, nas, address, prefix6=None, delegated6=None):
    """The attributes of a subscriber's session (RFC 3162 and RFC 4818 for the prefixes)."""
    attributes = [
        ("User-Name", f'"{user}"'),
        ("Acct-Status-Type", status),
        ("Acct-Session-Id", f'"{session_id}"'),
        ("NAS-Identifier", f'"{nas}"'),
        ("Framed-IP-Address", address),
    ]
    if prefix6:
        attributes.append(("Framed-IPv6-Prefix", prefix6))
    if delegated6:
        attributes.append(("Delegated-IPv6-Prefix", delegated6))
    return attributes
