"""Debian's Thunderbird without a screen, steered by Marionette; and a network of its own for it.

Thunderbird does by itself what a subscriber's would: it looks settings up, makes the account, sends. What it is told to do is
in thunderbird.js, which runs inside of it.
"""
import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import wait_for

PROGRAM = Path("/usr/lib/thunderbird/thunderbird-bin")
LANGUAGES = Path("/usr/lib/thunderbird/extensions")
INSIDE = "SEKISHO_OWN_NETWORK"  # in the environment of the process that own_network() made

# Nothing that talks to Mozilla, asks on a first start, or decides that there is no network.
PREFERENCES = {
    "app.update.enabled": False,
    "app.donation.eoy.version.viewed": 999,
    "browser.dom.window.dump.enabled": True,
    "datareporting.policy.dataSubmissionEnabled": False,
    "devtools.console.stdout.chrome": True,
    "extensions.autoDisableScopes": 0,
    "extensions.enabledScopes": 15,
    "extensions.startupScanScopes": 15,
    "mail.inappnotifications.enabled": False,
    "mail.provider.suppress_dialog_on_startup": True,
    "mail.shell.checkDefaultClient": False,
    "mail.setup.loglevel": "All",
    "mail.spotlight.firstRunDone": True,
    "mailnews.smtp.loglevel": "All",
    "mailnews.start_page.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.dns.disableIPv6": True,
    "network.dnsCacheExpiration": 0,
    "network.manage-offline-status": False,
    "network.proxy.type": 0,
    "offline.autoDetect": False,
    "offline.startup_state": 3,
    "services.settings.server": "http://127.0.0.1:9/",
    "toolkit.telemetry.enabled": False,
}


def missing():
    """What isn't there to run it with."""
    lacking = [] if PROGRAM.exists() else ["thunderbird"]
    lacking += [] if (LANGUAGES / "langpack-ja@thunderbird.mozilla.org.xpi").exists() else ["thunderbird-l10n-ja"]
    if os.geteuid() != 0:
        return [*lacking, "root"]
    spaces = subprocess.run(["unshare", "--net", "--mount", "--pid", "--fork", "true"], capture_output=True)
    return lacking + ([] if spaces.returncode == 0 else ["network namespaces"])


def own_network(resolver="127.0.0.1"):
    """Goes on in a process with a network, mounts and processes of its own: with its end all of them end, too.

    Thunderbird takes itself for offline when there is only a loopback interface, hence the pair of others.
    """
    if INSIDE not in os.environ:
        command = ["unshare", "--net", "--mount", "--propagation", "private", "--pid", "--fork", "--mount-proc", "--kill-child",
                   sys.executable, *sys.argv]
        sys.exit(subprocess.run(command, env={**os.environ, INSIDE: "1"}).returncode)
    for words in ("link set lo up", "link add up0 type veth peer name up1", "addr add 192.0.2.1/24 dev up0", "link set up0 up",
                  "link set up1 up", "route add default via 192.0.2.2 dev up0"):
        subprocess.run(["ip", *words.split()], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
    for name, text in (("resolv.conf", f"nameserver {resolver}\noptions timeout:1 attempts:1\n"), ("hosts", "127.0.0.1 localhost\n")):
        Path("/run", name).write_text(text)
        subprocess.run(["mount", "--bind", f"/run/{name}", f"/etc/{name}"], check=True)


class Refused(AssertionError):
    """Marionette's error; `kind` as in "no such alert"."""

    def __init__(self, command, error):
        super().__init__(f"{command}: {error['error']}: {error['message']}\n{error.get('stacktrace', '')}")
        self.kind = error["error"]


class Marionette:
    """The protocol is `LENGTH:[0, id, command, parameters]`, answered by `LENGTH:[1, id, error, result]`."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 60)
        self.rest, self.count = b"", 0
        self._read()  # who it is
        self.do("WebDriver:NewSession", unhandledPromptBehavior="ignore")
        self.do("Marionette:SetContext", value="chrome")
        self.do("WebDriver:SetTimeouts", script=40000)

    def _read(self):
        while b":" not in self.rest:
            self._more()
        length, _, self.rest = self.rest.partition(b":")
        while len(self.rest) < int(length):
            self._more()
        text, self.rest = self.rest[:int(length)], self.rest[int(length):]
        return json.loads(text)

    def _more(self):
        got = self.socket.recv(1 << 16)
        if not got:
            raise AssertionError("Thunderbird is gone")
        self.rest += got

    def do(self, command, **parameters):
        self.count += 1
        text = json.dumps([0, self.count, command, parameters]).encode()
        self.socket.sendall(str(len(text)).encode() + b":" + text)
        _, _, error, result = self._read()
        if error:
            raise Refused(command, error)
        return result


class Thunderbird:
    SCRIPT = Path(__file__).parent / "thunderbird.js"

    def __init__(self, authority=None, language="en-US", preferences=(), size=(1000, 800), scripts=()):
        """`authority`: the file of a certificate whose signatures it trusts; `scripts`: files that add to thunderbird.js."""
        self.script = "\n".join(file.read_text() for file in (self.SCRIPT, *scripts))
        self.authority, self.process, self.marionette = authority, None, None
        self.folder = Path(tempfile.mkdtemp(prefix="sekisho-thunderbird-"))
        wanted = {**PREFERENCES, "intl.locale.requested": language, **dict(preferences)}
        (self.folder / "profile").mkdir()
        (self.folder / "profile" / "user.js").write_text(
            "".join(f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in wanted.items()))
        self.environment = {
            **os.environ, "HOME": str(self.folder), "MOZ_HEADLESS_WIDTH": str(size[0]), "MOZ_HEADLESS_HEIGHT": str(size[1]),
            "MOZ_DISABLE_CONTENT_SANDBOX": "1", "LANG": "C.UTF-8", "TZ": "Asia/Tokyo"}  # there is no sandbox for root

    def __enter__(self):
        return self.begin().ready()

    def begin(self):
        """Starts it; there is other work to do until it is ready()."""
        command = [PROGRAM, "--headless", "--marionette", "-remote-allow-system-access", "--no-remote", "--profile", self.folder / "profile"]
        with (self.folder / "log").open("w") as log:
            self.process = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log)
        return self

    def ready(self):
        try:
            self._connect()
        except BaseException:
            self.__exit__(AssertionError, None, None)
            raise
        return self

    def _connect(self):
        # It writes the port down once it listens there.
        port = self.folder / "profile" / "MarionetteActivePort"
        wait_for("Thunderbird to start", lambda: port.exists() and port.read_text().strip(), 60)
        self.marionette = Marionette(int(port.read_text()))
        wait_for("its window", lambda: self.do("ready"), 60)
        self.do("online")
        if self.authority:
            body = "".join(line for line in self.authority.read_text().split("\n") if "-----" not in line)
            self.do("trust", body)

    def __exit__(self, kind, value, trace):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if kind is not None:
            print(f"--- Thunderbird\n{self.log()[-6000:]}")
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self):
        log = self.folder / "log"
        return log.read_text(errors="replace") if log.exists() else ""

    def do(self, name, *arguments):
        """Calls a function of thunderbird.js in the main window and waits for what it gives."""
        script = f"""{self.script}
            const given = [...arguments], done = given.pop();
            Promise.resolve().then(() => does[{json.dumps(name)}](...given)).then(
                (value) => done({{value}}), (error) => done({{error: `${{error}} ${{error?.stack}}`}}));"""
        answer = self.marionette.do("WebDriver:ExecuteAsyncScript", script=script, args=list(arguments), newSandbox=True)["value"]
        if answer is None:  # a box came up meanwhile
            return None
        if "error" in answer:
            raise AssertionError(f"{name}: {answer['error']}")
        return answer.get("value")

    def send(self, account, to, subject, text, boxes=0):
        """Sends, and cancels the `boxes` that come up. Gives 0 or what went wrong, and what the boxes said."""
        self.do("send", account, to, subject, text)
        said = []

        def ended():
            try:
                said.append(self.marionette.do("WebDriver:GetAlertText")["value"])
                self.marionette.do("WebDriver:DismissAlert")
            except Refused as refused:
                if refused.kind != "no such alert":
                    raise
            try:
                end = self.do("sent")
            except Refused as refused:
                if refused.kind != "unexpected alert open":
                    raise
                return None
            return None if end is None or len(said) < boxes else [end]

        return wait_for("the end of sending", ended, 30)[0], said

    def photograph(self):
        """The PNG of its main window."""
        return base64.b64decode(self.marionette.do("WebDriver:TakeScreenshot", full=False)["value"])
