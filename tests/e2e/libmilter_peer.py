"""A milter on Debian's libmilter that does what the messages ask of it: /usr/bin/python3 libmilter_peer.py SOCKET LOG.

X-Do fields of a message say what it asks for; the local part of a recipient and HELO say how it answers them.
"""
import os
import sys
import time

import Milter

LOG = open(sys.argv[2], "a", buffering=1)
MACROS = ("i", "j", "{daemon_name}", "{client_addr}", "{auth_authen}", "{auth_type}", "{tls_version}", "{mail_addr}", "{rcpt_addr}")


class Asked(Milter.Base):
    def say(self, what, *rest):
        macros = " ".join(f"{name}={self.getsymval(name)}" for name in MACROS if self.getsymval(name))
        LOG.write(f"{id(self) % 10000} {what} {' '.join(str(one) for one in rest)} [{macros}]\n")

    @Milter.noreply
    def connect(self, name, family, address):
        self.say("connect", name, address)
        return Milter.CONTINUE

    def hello(self, name):
        self.say("helo", name)
        if name == "unwanted.example":
            self.setreply("554", "5.7.1", "this HELO is not wanted")
            return Milter.REJECT
        return Milter.CONTINUE

    def envfrom(self, sender, *parameters):
        self.say("mail", sender, *parameters)
        self.doing, self.size = [], 0
        return Milter.CONTINUE

    def envrcpt(self, recipient, *parameters):
        self.say("rcpt", recipient, *parameters)
        if "no-100%" in recipient:
            self.setreply("550", "5.7.1", "100%% not for you", "second line")
            return Milter.REJECT
        if "later" in recipient:
            return Milter.TEMPFAIL
        if "nowhere" in recipient:
            return Milter.DISCARD
        return Milter.CONTINUE

    def data(self):
        self.say("data")
        return Milter.CONTINUE

    @Milter.noreply
    def header(self, name, value):
        LOG.write(f"header {name}={value!r}\n")
        if name == "X-Do":
            self.doing.append(value)
        return Milter.CONTINUE

    def eoh(self):
        self.say("eoh")
        return Milter.CONTINUE

    def body(self, chunk):
        self.size += len(chunk)
        LOG.write(f"body {len(chunk)}\n")
        return Milter.CONTINUE

    def eom(self):
        self.say("eom", self.size)
        for what in self.doing:
            word, _, rest = what.partition(" ")
            if word == "die":
                LOG.flush()
                os._exit(1)
            if word == "sleep":
                time.sleep(float(rest))
            if word == "progress":
                for _ in range(3):
                    time.sleep(0.5)
                    self.progress()
            if word == "add":
                self.addheader(*rest.split("=", 1))
            if word == "insert":
                self.addheader(*rest.split("=", 1), 0)
            if word == "change":
                self.chgheader(rest.split("=")[0], 1, rest.split("=", 1)[1])
            if word == "body":
                self.replacebody("replaced\r\n")
                self.replacebody(rest + "\r\n")
            if word == "from":
                self.chgfrom(rest)
            if word == "rcpt":
                self.addrcpt(rest)
            if word == "unrcpt":
                self.delrcpt(rest)
            if word == "hold":
                self.quarantine(rest)
            if word == "refuse":
                self.setreply("554", "5.7.1", rest)
                return Milter.REJECT
            if word == "discard":
                return Milter.DISCARD
        return Milter.CONTINUE

    def abort(self):
        self.say("abort")
        return Milter.CONTINUE

    def close(self):
        LOG.write("close\n")
        return Milter.CONTINUE


Milter.factory = Asked
Milter.set_flags(Milter.CHGBODY + Milter.CHGHDRS + Milter.ADDHDRS + Milter.ADDRCPT + Milter.DELRCPT + Milter.CHGFROM + Milter.QUARANTINE)
Milter.runmilter("asked", sys.argv[1], 30)
