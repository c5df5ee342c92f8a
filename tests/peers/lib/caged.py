"""Debian packages that can't be installed beside Postfix (Exim, OpenSMTPD): unpacked under build/, run over the system's files in mounts of their own."""
import shutil
import subprocess
from pathlib import Path

PACKAGES = Path(__file__).resolve().parents[3] / "build" / "packages"


class Missing(Exception):
    """A package can't be had; the text says why."""


def unpacked(*packages):
    """The folder with what is in them."""
    place = PACKAGES / packages[0]
    if not (place / "done").exists():
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        got = subprocess.run(["apt-get", "download", "-q", *packages], cwd=place, capture_output=True, text=True)
        if got.returncode:
            raise Missing(f"{packages[0]} can't be had from Debian: {got.stderr.strip()[-200:]}")
        for one in place.glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", one, place / "root"], check=True)
        (place / "done").touch()
    return place / "root"


def version(package):
    names = list((PACKAGES / package).glob(f"{package}_*.deb"))
    return names[0].name.split("_")[1] if names else ""


# The package's files over the system's, a spool of its own; nothing of it is seen outside.
CAGE = """\
set -e
mount --make-rprivate /
for folder in {overlays}; do
    [ -d "{root}$folder" ] || continue
    mount -t overlay overlay -o "lowerdir={root}$folder:$folder" "$folder"
done
{more}
exec "$@"
"""


def cage(root, folders, more):
    """What to put before a command."""
    script = CAGE.format(overlays=" ".join(folders), root=root, more=more)
    return ["unshare", "--mount", "sh", "-c", script, "cage"]


def own_passwd(root, users):
    """/etc/passwd and group of the cage: the system's and the package's own users, from the number that is returned."""
    etc = root / "etc"
    etc.mkdir(exist_ok=True)
    passwd, group = Path("/etc/passwd").read_text(), Path("/etc/group").read_text()
    for number, user in enumerate(users, 64990):
        passwd += f"{user}:x:{number}:{number}::/nonexistent:/usr/sbin/nologin\n"
        group += f"{user}:x:{number}:\n"
    (etc / "passwd").write_text(passwd)
    (etc / "group").write_text(group)
    return 64990
