"""Processes a test starts: kept in one list, logged to files, and ended with their children."""

import ctypes
import os
import signal
import subprocess
import time

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


class Failed(Exception):
    """Something a peer or the world should have done did not happen; the text says what."""


def until(what, condition, seconds=10.0, step=0.03):
    """Polls until condition() is truthy and returns that value; raises Failed after the bound."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed(f"waited {seconds:g} s in vain for {what}")
        time.sleep(step)


def run(argv, check=True, timeout=60, **options):
    """Runs a command to its end and returns the CompletedProcess with text output."""
    done = subprocess.run(
        [str(a) for a in argv], capture_output=True, text=True, timeout=timeout, errors="replace", **options
    )
    if check and done.returncode != 0:
        raise Failed(f"{' '.join(map(str, argv))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done


class Process:
    """One started program; `log` is the file with its output."""

    def __init__(self, name, popen, log):
        self.name, self.popen, self.log = name, popen, log

    def alive(self):
        return self.popen.poll() is None

    def output(self):
        with open(self.log, errors="replace") as file:
            return file.read()

    def signal(self, number):
        self.popen.send_signal(number)

    def require_alive(self):
        if not self.alive():
            tail = "\n".join(self.output().splitlines()[-15:])
            raise Failed(f"{self.name} ended with {self.popen.returncode}:\n{tail}")
        return True


class Processes:
    """Starts programs in the foreground and ends all of them, newest first."""

    def __init__(self, directory):
        self.directory = directory
        self.all = []
        os.makedirs(directory, exist_ok=True)

    def start(self, name, argv, env=None, cwd=None):
        log = os.path.join(self.directory, f"{name}.log")

        def child():
            os.setsid()
            # The kernel ends the program if the test is killed hard; a world left over from
            # such a run is removed by the next one.
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

        with open(log, "ab") as out:
            popen = subprocess.Popen(
                [str(a) for a in argv],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                preexec_fn=child,
                env=env,
                cwd=cwd,
            )
        process = Process(name, popen, log)
        self.all.append(process)
        return process

    def stop(self, process, seconds=5.0):
        """TERM to the whole session, KILL after the bound; returns the exit status."""
        if process in self.all:
            self.all.remove(process)
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.popen.pid, number)
            except ProcessLookupError:
                pass
            try:
                return process.popen.wait(seconds)
            except subprocess.TimeoutExpired:
                continue
        raise Failed(f"{process.name} (pid {process.popen.pid}) does not end")

    def stop_all(self):
        todo = list(reversed(self.all))
        for process in todo:
            try:
                os.killpg(process.popen.pid, signal.SIGTERM)
            except ProcessLookupError:
                pass
        for process in todo:
            self.stop(process)
