"""sekisho why: one plain answer for a message, an account, an address and a reference."""
import smtplib

from harness import Sekisho, main, message, wait_for


def send(session, to):
    code, reply = 0, b""
    session.mail("taro@example.net")
    code, reply = session.rcpt(to)
    if code == 250:
        code, reply = session.data(message("x", to=to))
    session.rset()
    return code, reply.decode()


def every_subject_has_its_answer():
    with Sekisho(mail="recipients_per_hour = 2\n", extra='[delivery]\nsmarthost = "127.0.0.1:1"\nresolvers = ["127.0.0.1@1"]\n') as house:
        login = house.account()
        house.start("mail")
        assert "Nothing stands in the way of taro@example.net" in house.cli("why", login)
        session = house.submit(login)
        code, reply = send(session, "someone@far.test")
        assert code == 250, reply
        queued = reply.rsplit(" ", 1)[1]
        answer = house.json("why", queued)
        assert answer["cause"].startswith(("It waits", "It could not be delivered", "It is being delivered")), answer
        house.cli("queue", "hold", queued, "--reason", "asked for by the owner")
        answer = wait_for("the hold", lambda: (lambda a: a if "is held" in a["cause"] else None)(house.json("why", queued)))
        assert answer["cause"] == "It is held: asked for by the owner", answer
        assert f"sekisho queue release {queued}" in answer["do"], answer

        # Used up, with the time at which it is free again.
        assert send(session, "b@far.test")[0] == 250
        code, reply = send(session, "c@far.test")
        assert code == 450, reply
        answer = wait_for("the refusal on record", lambda: (lambda a: a if a["until"] and "latest" not in a["until"] else None)(house.json("why", login)))
        assert answer["cause"] == f"The limit recipients_per_hour of {login} is used up: 2 of 2", answer
        assert answer["until"] in reply and answer["do"].startswith("wait until then, or: sekisho limit reset"), answer

        try:
            house.submit().login(login, "wrong")
            raise AssertionError("a wrong password was accepted")
        except smtplib.SMTPAuthenticationError:
            pass
        wait_for("the failure on record", lambda: "login refused" in house.cli("why", "127.0.0.1"))
        assert "is of class outside" in house.cli("why", "127.0.0.1")

        house.cli("account", "disable", login, "--reason", "left us")
        text = house.cli("why", login)
        assert text.splitlines()[0] == "The account is disabled: left us", text
        assert "sekisho account enable" in text and "since" in text, text

        assert "is no queue id, account, address or reference" in house.cli("why", "nonsense", code=1)
        house.kill("mail", 15)
        assert "the mail server does not run" in house.cli("why", login)


def a_reference_leads_to_the_rule():
    rule = '[[rule]]\nname = "ip25b"\nfrom = "subscribers"\nto = "*"\naction = "refuse"\n'
    classes = '[[class]]\nname = "subscribers"\nprefixes = ["127.0.0.0/8"]\n' + rule
    with Sekisho(classes=classes) as house:
        house.account()
        house.start("mail")
        session = smtplib.SMTP("127.0.0.1", house.exchange, timeout=20)
        session.ehlo("pc")
        session.mail("someone@far.test")
        code, reply = session.rcpt("taro@example.net")
        assert code == 550, reply
        reference = reply.decode().split("(reference ")[1].split(")")[0]
        wait_for("the refusal on record", lambda: "ip25b" in house.cli("why", reference, code=None))
        answer = house.json("why", reference)
        assert "refused to taro@example.net by ip25b" in answer["cause"], answer
        assert "port 587" in answer["do"], answer


main([every_subject_has_its_answer, a_reference_leads_to_the_rule])
