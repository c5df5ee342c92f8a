"""Which address of a mail host is used: the first that answers, of either family."""
import socket

from harness import Sekisho, free_ports, main, message, wait_for
from nameserver import NameServer
from postfix_peer import Postfix

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


if __name__ == "__main__":
    main([a_black_hole_over_ipv6_delays_nothing])
