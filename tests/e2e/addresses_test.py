"""Which address of a mail host is used: the first that answers, of either family; and which of ours, by [[source]]."""
import socket

from harness import Sekisho, free_ports, main, message, wait_for
from nameserver import NameServer
from postfix_peer import Postfix
from sink import Sink

ZONE = "peers.example.org"


class BlackHole:
    """Takes no connection: its queue is full, so SYNs are dropped."""

    def __init__(self, address, port):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.sockets = [socket.socket(family) for _ in range(5)]
        self.sockets[0].bind((address, port))
        self.sockets[0].listen(0)
        for one in self.sockets[1:]:
            one.setblocking(False)
            one.connect_ex((address, port))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in self.sockets:
            one.close()


def a_black_hole_over_ipv6_delays_nothing():
    names = NameServer(ZONE)
    port, = free_ports(1)
    postfix = Postfix(ZONE)
    postfix.listen(f"127.0.0.1:{port}")
    configured = Sekisho(extra=f'[delivery]\nresolvers = ["{names.resolver}"]\nport = {port}\n[queue]\nretry = ["1h"]\n')
    with names, postfix, BlackHole("::1", port), configured as server:
        names.publish(["one IN MX 10 mx", "mx IN AAAA ::1", "mx IN A 127.0.0.1"])
        taro, to = server.account(), f"a@one.{ZONE}"
        server.start()
        with server.submit(taro) as session:
            session.sendmail(taro, [to], message("raced", to=to))
        # Well before a connection's time is over, and without another try.
        wait_for("the message", lambda: postfix.lines("status=sent"), 10)

        def finished():
            return [m for m in server.json("trace", "--recipient", to).get("messages", []) if m["state"] == "finished"]
        (found,) = wait_for("its trace", finished)
        assert found["recipients"][0]["tries"] == 1, found
        text = server.cli("trace", found["queue_id"])
        assert f"mx.{ZONE}[127.0.0.1]:{port}" in text, text


def sink_world(sources, mail=""):
    names, sink = NameServer(ZONE), Sink()
    server = Sekisho(extra=f'[delivery]\nresolvers = ["{names.resolver}"]\nport = {sink.port}\nconnection_messages_max = 1\n'
                           f'[queue]\nretry = ["1h"]\n{sources}', mail=mail)
    return names, sink, server


def mail_leaves_from_the_addresses_of_its_source():
    names, sink, configured = sink_world("""
[[source]]
name = "news"
addresses = ["127.0.0.21 news.example.net"]
senders = ["hanako@example.net"]
[[source]]
name = "turns"
addresses = ["127.0.0.31 one.example.net", "127.0.0.32 two.example.net"]
spread = "round_robin"
domains = ["turns.peers.example.org"]
[[source]]
name = "everybody"
addresses = ["127.0.0.41", "127.0.0.42", "127.0.0.43", "127.0.0.44"]
domains = ["*"]
[[source]]
name = "six"
addresses = ["::1"]
[[route]]
name = "over six"
domains = ["six.peers.example.org"]
source = "six"
""")
    with names, sink, configured as server:
        names.publish(["@ IN A 127.0.0.1", "turns IN A 127.0.0.1", "six IN A 127.0.0.1"])
        people = [server.account(f"{name}@example.net") for name in ("hanako", "taro", "jiro", "saburo", "shiro", "goro")]
        server.start()

        def send(sender, to):
            before = len(sink.mails)
            with server.submit(sender) as session:
                session.sendmail(sender, [to], message("from where", to=to, sender=sender))
            return wait_for("the mail", lambda: sink.mails[before:] and sink.mails[before])
        got = send(people[0], f"a@{ZONE}")
        assert (got["peer"], got["helo"]) == ("127.0.0.21", "news.example.net"), got
        seen = [(m["peer"], m["helo"]) for m in (send(people[1], f"a@turns.{ZONE}") for _ in range(4))]
        assert seen == [("127.0.0.31", "one.example.net"), ("127.0.0.32", "two.example.net")] * 2, seen
        of = {who: {send(who, f"{n}@{ZONE}")["peer"] for n in range(3)} for who in people[1:]}
        assert all(len(addresses) == 1 for addresses in of.values()), f"each keeps its own: {of}"
        assert len(set.union(*of.values())) > 1, f"and not all the same: {of}"
        text = server.cli("trace", "--recipient", f"0@{ZONE}")
        assert f" from {of[people[1]].pop()}" in text, text
        # The host has IPv4 alone and the source IPv6 alone: nothing is tried, nothing is lost.
        with server.submit(people[1]) as session:
            session.sendmail(people[1], [f"a@six.{ZONE}"], message("six", to=f"a@six.{ZONE}"))

        def waits():
            return [m for m in server.json("queue", "list") if "the source six has none" in m["recipients"][0].get("last_reply", "")]
        wait_for("the mail that waits", waits)


def an_address_of_another_machine_stops_the_start_and_not_the_check():
    names, sink, configured = sink_world('[[source]]\nname = "far"\naddresses = ["192.0.2.77"]\ndomains = ["*"]\n')
    with names, sink, configured as server:
        assert "good" in server.cli("config", "check", server.config)
        try:
            server.start("mail")
        except AssertionError as ended:
            assert '[[source]] "far": 192.0.2.77 is not an address of this machine' in str(ended).replace('\\"', '"'), ended
        else:
            raise AssertionError("it started")
        server.processes.clear()


if __name__ == "__main__":
    main([
        a_black_hole_over_ipv6_delays_nothing,
        mail_leaves_from_the_addresses_of_its_source,
        an_address_of_another_machine_stops_the_start_and_not_the_check,
    ])
