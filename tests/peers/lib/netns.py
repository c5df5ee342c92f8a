"""Network namespaces, the links between them, and sockets made inside one by this process."""

import contextlib
import ctypes
import os
import signal
import subprocess
import threading

from peers.lib.proc import Failed, run, until

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000
_ROOT = "/run/netns"
_ETC = "/etc/netns"

# Links come up at once, and packets take the path that routes say, not the one a filter guesses.
_SYSCTLS = [
    "net.ipv4.conf.all.rp_filter=0",
    "net.ipv4.conf.default.rp_filter=0",
    "net.ipv6.conf.all.disable_ipv6=0",
    "net.ipv6.conf.default.accept_dad=0",
    "net.ipv6.conf.all.accept_dad=0",
    "net.ipv6.conf.default.accept_ra=0",
]


def exists(name):
    return os.path.exists(os.path.join(_ROOT, name))


def pids(name):
    done = run(["ip", "netns", "pids", name], check=False)
    return [int(pid) for pid in done.stdout.split()]


def remove(name):
    """Ends every process inside and removes the namespace; nothing happens when it is absent."""
    if exists(name):
        for number in (signal.SIGTERM, signal.SIGKILL):
            left = [pid for pid in pids(name) if pid != os.getpid()]
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            if not left:
                break
            with contextlib.suppress(Failed):
                until(f"{name} to be empty", lambda: not pids(name), 2.0)
                break
        run(["ip", "netns", "delete", name], check=False)
    directory = os.path.join(_ETC, name)
    if os.path.isdir(directory):
        for file in os.listdir(directory):
            os.unlink(os.path.join(directory, file))
        os.rmdir(directory)


def create(name, resolver=None, forward=False):
    """A namespace with lo up; `resolver` is the address its programs ask for names."""
    run(["ip", "netns", "add", name])
    values = list(_SYSCTLS)
    if forward:
        values += ["net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"]
    inside_run(name, ["sysctl", "-qw", *values])
    inside_run(name, ["ip", "link", "set", "dev", "lo", "up"])
    if resolver:
        directory = os.path.join(_ETC, name)
        os.makedirs(directory, exist_ok=True)
        with open(os.path.join(directory, "resolv.conf"), "w") as file:
            # trust-ad: the C library hands on the resolver's "authenticated" bit (RFC 4035
            # §3.2.3), without which Postfix does no DANE.
            file.write(f"nameserver {resolver}\noptions trust-ad timeout:2 attempts:2\n")


def argv(name, command):
    return ["ip", "netns", "exec", name, *map(str, command)]


def inside_run(name, command, **options):
    return run(argv(name, command), **options)


def batch(name, lines):
    """Several `ip` commands in one go."""
    run(["ip", "-n", name, "-batch", "-"], input="\n".join(lines) + "\n")


def link(a, a_device, b, b_device):
    """A cable between two namespaces; both names exist only inside."""
    end = ["peer", "name", b_device, "netns", b]
    run(["ip", "link", "add", "name", a_device, "netns", a, "type", "veth", *end])


@contextlib.contextmanager
def inside(name):
    """Sockets that this thread makes in the block belong to the namespace, and stay there."""
    if threading.get_native_id() == os.getpid():
        home = os.open("/proc/self/ns/net", os.O_RDONLY)
    else:
        home = os.open(f"/proc/self/task/{threading.get_native_id()}/ns/net", os.O_RDONLY)
    there = os.open(os.path.join(_ROOT, name), os.O_RDONLY)
    try:
        if _libc.setns(there, _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"setns {name}")
        try:
            yield
        finally:
            if _libc.setns(home, _CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns back")
    finally:
        os.close(there)
        os.close(home)


def have_root():
    return os.geteuid() == 0 and subprocess.run(["ip", "netns"], capture_output=True).returncode == 0
