"""Connections to a real Postfix: kept for the next message, shared by domains with the same hosts, given up without harm."""
from harness import Sekisho, free_ports, main, message, wait_for
from nameserver import NameServer
from postfix_peer import Postfix

ZONE = "peers.example.org"
RECORDS = [
    "one IN MX 10 mx", "two IN MX 20 mx", "mx IN A 127.0.0.1",
    "alone IN MX 10 mx-alone", "mx-alone IN A 127.0.0.1",
]


def configured(names, port, delivery=""):
    server = Sekisho(extra=f'[delivery]\nresolvers = ["{names.resolver}"]\nport = {port}\nipv6 = false\n{delivery}')
    server.login = server.account()
    return server


def send(server, *recipients):
    """One message for each recipient."""
    with server.submit(server.login) as session:
        for to in recipients:
            session.sendmail(server.login, [to], message("kept", to=to))


def delivered(server):
    return server.json("mail", "status")["delivery"]["delivered_total"]


def setting(**parameters):
    names = NameServer(ZONE)
    names.publish(RECORDS)
    port, = free_ports(1)
    postfix = Postfix(ZONE, **parameters)
    postfix.listen(f"127.0.0.1:{port}")
    return names, port, postfix


def ten_messages_to_two_domains_over_one_connection():
    names, port, postfix = setting()
    with names, postfix, configured(names, port, "concurrency_per_destination = 1\n").start() as server:
        send(server, *([f"a@one.{ZONE}", f"b@two.{ZONE}"] * 5))
        wait_for("ten messages", lambda: delivered(server) == 10)
        assert postfix.connections() == 1, postfix.log()
        assert len(postfix.lines("status=sent")) == 10 or wait_for("all sent", lambda: len(postfix.lines("status=sent")) == 10)
        status = server.json("mail", "status")["delivery"]
        assert status["attempts_total"] == 1 and status["reused_total"] == 9, status
        assert [d["place"] for d in status["destinations"]] == [f"mx.{ZONE}"], status
        # Another set of hosts, though the address is the same: its own connection.
        send(server, f"c@alone.{ZONE}")
        wait_for("the eleventh", lambda: delivered(server) == 11)
        assert postfix.connections() == 2, postfix.log()


def a_limit_of_messages_a_connection():
    names, port, postfix = setting()
    with names, postfix, configured(names, port, "concurrency_per_destination = 1\nconnection_messages_max = 2\n").start() as server:
        send(server, *([f"a@one.{ZONE}"] * 6))
        wait_for("six messages", lambda: delivered(server) == 6)
        assert postfix.connections() == 3, postfix.log()


def a_connection_that_postfix_gave_up_is_no_failure():
    names, port, postfix = setting(smtpd_timeout="1s")
    with names, postfix, configured(names, port, 'connection_idle = "1m"\n').start() as server:
        send(server, f"a@one.{ZONE}")
        wait_for("Postfix to lose its patience", lambda: postfix.lines("timeout after"))
        send(server, f"b@one.{ZONE}")
        wait_for("the second message", lambda: delivered(server) == 2)
        assert postfix.connections() == 2, postfix.log()
        status = server.json("mail", "status")["delivery"]
        assert status["deferred_total"] == 0 and status["reused_total"] == 0, status


def refused_recipients_leave_the_others_and_the_connection():
    refused = f"{{ {{ gone@one.{ZONE} = 550 5.1.1 gone }}, {{ later@one.{ZONE} = 450 4.2.1 later }} }}"
    names, port, postfix = setting(smtpd_recipient_restrictions=f"check_recipient_access inline:{refused}")
    with names, postfix, configured(names, port, "concurrency_per_destination = 1\n").start() as server:
        people = [f"{name}@one.{ZONE}" for name in ("good", "gone", "later")]
        with server.submit(server.login) as session:
            session.sendmail(server.login, people, message("three"))

        def outcomes():
            return {e["recipient"].split("@")[0]: e["kind"] for e in server.json("events", "--account", server.login) if "one." in e.get("recipient", "") and e["kind"] in ("delivered", "bounced", "deferred")}
        wait_for("three outcomes", lambda: outcomes() == {"good": "delivered", "gone": "bounced", "later": "deferred"})
        send(server, people[0])
        wait_for("the next", lambda: len(postfix.lines("status=sent")) == 2)
        assert postfix.connections() == 1, postfix.log()


if __name__ == "__main__":
    main([
        ten_messages_to_two_domains_over_one_connection,
        a_limit_of_messages_a_connection,
        a_connection_that_postfix_gave_up_is_no_failure,
        refused_recipients_leave_the_others_and_the_connection,
    ])
