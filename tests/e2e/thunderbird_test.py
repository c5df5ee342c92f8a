"""Thunderbird finds our settings, makes an account with them, signs in and sends; and what it makes of our refusals.

Everything is at its real port, under its real name, with a certificate that Thunderbird trusts, in a network of its own.
"""
import shutil
import sys
import tempfile
from email import message_from_bytes, policy
from pathlib import Path

import tls_world
from harness import Sekisho, main, wait_for
from nameserver import NameServer
from thunderbird import Thunderbird, missing, own_network

# Of the domains the first has both addresses of settings, the others one each.
HOSTS = ("mail", "guide", "autoconfig", "autoconfig.one", "two")
ZONE = ["@ IN A 127.0.0.1", "@ IN MX 10 mail", *(f"{host} IN A 127.0.0.1" for host in HOSTS)]
DOMAINS = '["example.net", "one.example.net", "two.example.net"]'
WELL_KNOWN = "/.well-known/autoconfig/mail/config-v1.1.xml"
SETTINGS = [("taro@example.net", "autoconfig.example.net/mail/config-v1.1.xml"),
            ("hanako@one.example.net", "autoconfig.one.example.net/mail/config-v1.1.xml"),
            ("jiro@two.example.net", "two.example.net" + WELL_KNOWN)]

IMPLICIT = {"host": "mail.example.net", "port": 465, "socket": "SSL", "user": "%EMAILADDRESS%", "method": "password-cleartext"}
STARTTLS = {**IMPLICIT, "port": 587, "socket": "STARTTLS"}
ELSEWHERE = {**IMPLICIT, "host": "imap.elsewhere.test", "port": 993}

LIMITS = """
[[limit]]
name = "strangers"
by = ["account"]
count = "new-recipients"
rate = "1/1h"
[[limit]]
name = "mails"
by = ["sender"]
count = "messages"
rate = "2/1h"
"""
TEXT = "こんにちは、花子さん。\n.\n.. begins with two dots\n日本語の本文です\n"


class Provider(Sekisho):
    """For sending only: the mailboxes are another's."""

    def __init__(self, folder):
        self.folder_of_keys = folder
        super().__init__(classes=LIMITS)

    def write_config(self, extra="", classes="", mail="", incoming="imap"):
        at = self.folder_of_keys
        self.submission, self.submissions, self.exchange_at, self.http = 587, 465, "127.0.0.1:25", 443
        super().write_config(
            f'tls = true\n[tls]\ncertificate = "{at}/house.chain"\nkey = "{at}/house.key"\n'
            f'[settings]\nincoming_host = "imap.elsewhere.test"\nincoming_type = "{incoming}"\n{extra}', classes, f"domains = {DOMAINS}")
        self.config.write_text(self.config.read_text().replace("[gate]", 'guide_url = "https://guide.example.net"\n[gate]', 1))

    def events(self, kind, account):
        return [event for event in self.json("events", "--account", account) if event["kind"] == kind]


class World:
    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="sekisho-tls-"))
        authority = tls_world.Authority(self.folder)
        authority.leaf("house", ["example.net", *(f"{host}.example.net" for host in HOSTS)])
        # Mozilla's collection of settings is elsewhere, and not asked.
        wishes = {"mailnews.auto_config_url": "http://nowhere.example.net/"}
        self.bird = Thunderbird(self.folder / "ca.crt", preferences=wishes).begin()
        self.names = NameServer(port=53)
        self.names.publish(ZONE)
        self.house = Provider(self.folder)
        for login in ("taro@example.net", "hanako@one.example.net", "jiro@two.example.net"):
            self.house.account(login)
        self.house.start("mail", "desk")
        self.bird.ready()
        return self

    def __exit__(self, kind, value, trace):
        # main() ends the process, which alone is no reason to show logs.
        what = (None, None, None) if kind is SystemExit and not value.code else (kind, value, trace)
        self.bird.__exit__(*what)
        self.house.__exit__(*what)
        self.names.__exit__(*what)
        shutil.rmtree(self.folder, ignore_errors=True)


def scenarios(world):
    house, bird = world.house, world.bird

    def settings_are_found_at_each_of_their_addresses():
        for login, at in SETTINGS:
            found = bird.do("discover", login)
            assert found["source"] == "xml-from-isp-https", found
            assert found["outgoing"] == [IMPLICIT, STARTTLS] and found["incoming"] == ELSEWHERE, found
            assert f"https://{at}?emailaddress=" in bird.log(), at
        # Of the others one address each can't be reached at all, so that it was this one.
        assert world.names.ask("one.example.net", "A") == world.names.ask("autoconfig.two.example.net", "A") == []

    def an_account_made_of_them_sends(login, which, settings):
        made = bird.do("create", "送り主", login, house.password, which)
        assert made["outgoing"] == {**settings, "user": login}, made
        assert made["incoming"] == "imap.elsewhere.test", made
        before = set(house.mailbox())
        assert bird.send(made["account"], "jiro@two.example.net", "件名", TEXT) == (0, [])
        (mail,) = wait_for("the mail", lambda: set(house.mailbox()) - before)
        raw = mail.read_bytes()
        assert raw.partition(b"\n\n")[2] == TEXT.encode(), raw
        arrived = message_from_bytes(raw, policy=policy.default)
        assert arrived["Subject"] == "件名" and arrived["From"] == f"送り主 <{login}>", raw
        assert arrived["User-Agent"] == "Mozilla Thunderbird", raw
        assert "with ESMTPSA" in arrived["Received"] and "using TLSv1.3" in arrived["Received"], raw
        (signed_in,) = house.events("login-accepted", login)
        assert signed_in["detail"] == "PLAIN" and signed_in["address"] == "127.0.0.1", signed_in
        (found,) = house.json("trace", arrived["Message-ID"])["messages"]
        assert found["account"] == login and found["recipients"][0]["state"] == "delivered", found
        return made["account"]

    def port_465_with_tls_from_the_start():
        world.taro = an_account_made_of_them_sends("taro@example.net", 0, IMPLICIT)

    def port_587_with_starttls():
        an_account_made_of_them_sends("hanako@one.example.net", 1, STARTTLS)

    def a_wrong_password_is_one_guess():
        made = bird.do("create", "Jiro", "jiro@two.example.net", "not the password", 0)
        ended, said = bird.send(made["account"], "taro@example.net", "x", "x", boxes=2)
        assert ended != 0 and len(said) == 2, (ended, said)
        assert "Login to server mail.example.net" in said[0] and "Unable to authenticate" in said[1], said
        refused = house.events("login-refused", "jiro@two.example.net")
        told = [event["detail"] for event in reversed(refused)]
        assert [one.split()[0] for one in told] == ["PLAIN", "LOGIN"], told
        assert "guess of a moment ago" not in told[0] and "the guess of a moment ago, counted then" in told[1], told
        # Its box says only that it failed; the reply and its link are in its log.
        answer = "535 5.7.8 Authentication credentials invalid; see https://guide.example.net/login#5.7.8"
        assert bird.log().count(f'S: {answer}') == 2, answer

    def a_limit_is_told_in_its_own_words():
        account = world.taro
        ended, said = bird.send(account, "a@far.test", "x", "x", boxes=1)
        assert ended != 0 and len(said) == 1, (ended, said)
        assert "Limit strangers reached: 1 of 1 used, free again" in said[0] and "a@far.test" in said[0], said
        # And at MAIL, where Thunderbird makes "too many recipients" of 451 and 452.
        assert bird.send(account, "jiro@two.example.net", "x", "x") == (0, [])
        ended, said = bird.send(account, "jiro@two.example.net", "x", "x", boxes=1)
        assert ended != 0 and len(said) == 1, (ended, said)
        assert "Limit mails reached: 2 of 2 used, free again" in said[0] and "too many" not in said[0].lower(), said

    def without_an_incoming_server_nothing_is_found():
        house.write_config(classes=LIMITS, incoming="none")
        house.cli("reload")
        assert bird.do("discover", "taro@example.net") is None

    return [settings_are_found_at_each_of_their_addresses, port_465_with_tls_from_the_start, port_587_with_starttls,
            a_wrong_password_is_one_guess, a_limit_is_told_in_its_own_words, without_an_incoming_server_nothing_is_found]


if __name__ == "__main__":
    lacking = sorted(set(missing() + tls_world.missing()))
    if lacking:
        print(f"skipped: {', '.join(lacking)} missing")
        sys.exit(77)
    own_network()
    with World() as everything:
        main(scenarios(everything))
