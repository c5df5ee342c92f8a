"""Operators with roles at the running desk: sign-in, tokens, audit; and every route and error against its OpenAPI document."""
import base64
import hashlib
import hmac
import json
import sqlite3
import struct
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import jsonschema

from harness import Sekisho, main, message, wait_for

NOWHERE = '[delivery]\nsmarthost = "127.0.0.1:1"\nresolvers = ["127.0.0.1@1"]\n'


def code_of(secret, ahead=0):
    """RFC 6238, by another hand than the desk's."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    mac = hmac.new(key, struct.pack(">Q", int(time.time()) // 30 + ahead), hashlib.sha1).digest()
    at = mac[19] & 15
    return f"{(struct.unpack('>I', mac[at:at + 4])[0] & 0x7FFFFFFF) % 1000000:06d}"


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers = status, headers
        self.body = json.loads(body) if "json" in headers.get("Content-Type", "") else body.decode()


class Client:
    def __init__(self, house, token=None, cookie=None, csrf=None):
        self.house, self.token, self.cookie, self.csrf = house, token, cookie, csrf

    def ask(self, method, path, body=None, reason="ticket 4711", **headers):
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if self.cookie:
            headers["Cookie"] = self.cookie
            headers["Sekisho-Csrf"] = self.csrf
        if reason is not None:
            headers["Sekisho-Reason"] = urllib.parse.quote(reason, safe="")
        data = None
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        request = urllib.request.Request(f"http://127.0.0.1:{self.house.http}/api/v1{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.headers, error.read())


def sign_in(house, made, code):
    answer = Client(house).ask("POST", "/session", {"name": made["name"], "password": made["password"], "code": code}, reason=None)
    if answer.status != 200:
        return answer
    return Client(house, cookie=answer.headers["Set-Cookie"].split(";")[0], csrf=answer.body["csrf"])


def operators_come_and_go():
    with Sekisho() as house:
        house.account()
        house.start("desk")
        assert "is no role" in house.cli("operator", "add", "hanako", "--role", "chief", "--generate", code=2)
        assert "is no operator's name" in house.cli("operator", "add", "Hanako!", "--role", "support", "--generate", code=2)
        made = house.json("operator", "add", "hanako", "--role", "support", "--generate")
        assert made["totp_uri"].startswith("otpauth://totp/Example%20Net%20desk:hanako?secret="), made
        assert len(made["recovery"]) == 8 and made["roles"] == ["support"], made
        assert "already" in house.cli("operator", "add", "hanako", "--role", "support", "--generate", code=1)
        assert sign_in(house, made, "000000").status == 401
        code = code_of(made["totp_secret"])
        hanako = sign_in(house, made, code)
        assert hanako.cookie.startswith("__Host-sekisho-desk="), hanako
        assert sign_in(house, made, code).status == 401, "a code opens once"
        assert sign_in(house, made, made["recovery"][0]).cookie
        assert sign_in(house, made, made["recovery"][0]).status == 401
        assert house.json("operator", "list")[0]["recovery_codes"] == 7

        assert hanako.ask("GET", "/subscriber?q=taro@example.net", reason=None).body["code"] == "reason"
        assert hanako.ask("GET", "/subscriber?q=taro@example.net", reason="問合せ 4711").status == 200
        no = hanako.ask("POST", "/queue/QQQ/hold", {"reason": "x"})
        assert no.status == 403 and no.body["needs"] == ["abuse", "operator"], no.body
        house.cli("operator", "role", "hanako", "--role", "support,abuse")
        assert hanako.ask("GET", "/session").status == 401, "new roles end sessions"

        token = house.json("operator", "token", "add", "hanako", "--label", "ticket system", "--for", "90d")["token"]
        assert Client(house, token).ask("GET", "/session").body["how"] == "token ticket system"
        assert house.json("operator", "token", "list", "hanako")[0]["last_used"] != ""
        house.cli("operator", "disable", "hanako")
        assert Client(house, token).ask("GET", "/session").status == 401
        assert sign_in(house, made, made["recovery"][1]).status == 401
        house.cli("operator", "enable", "hanako")
        assert Client(house, token).ask("GET", "/session").status == 200
        house.cli("operator", "token", "revoke", "hanako", "--label", "ticket system")
        assert Client(house, token).ask("GET", "/session").status == 401
        fresh = house.json("operator", "totp", "hanako")
        assert sign_in(house, made, made["recovery"][1]).status == 401, "the old codes open nothing"
        house.cli("operator", "password", "hanako", "--password-stdin", stdin="another fine password\n")
        made = {**fresh, "password": "another fine password"}
        assert sign_in(house, made, code_of(made["totp_secret"])).cookie

        # The audit knows all of it, and tells what was taken away.
        look = house.json("audit", "list", "--action", "lookSubscriber")[0]
        assert (look["who"], look["reason"], look["subject"]) == ("hanako", "問合せ 4711", "q=taro@example.net"), look
        actions = {row["action"] for row in house.json("audit", "list", "--limit", "1000")}
        assert {"addOperator", "setRoles", "addToken", "revokeToken", "disableOperator", "setTotp", "setPassword", "signIn", "holdMessage"} <= actions, actions
        assert house.json("audit", "list", "--who", "hanako", "--subject", "q=taro@example.net")
        head = house.json("audit", "verify")["head"]
        assert look["digest"] in house.log("desk"), "what the log keeps of it"
        exported = house.folder / "audit.jsonl"
        house.cli("audit", "export", "--file", str(exported))
        assert "whole" in house.cli("audit", "verify", "--file", str(exported), "--head", head)
        rows = exported.read_text().splitlines()
        exported.write_text("\n".join(rows[:3] + rows[4:]) + "\n")
        assert "entries 4 to 4 are missing" in house.cli("audit", "verify", "--file", str(exported), code=1)
        assert "no line of an audit" in house.cli("audit", "verify", "--file", str(house.config), code=2)
        database = sqlite3.connect(house.folder / "sekisho.db")
        try:
            database.execute("DELETE FROM audit WHERE number = 2")
            raise AssertionError("the audit let go of an entry")
        except sqlite3.IntegrityError:
            pass
        database.execute("DROP TRIGGER audit_deleted")
        database.execute("DELETE FROM audit WHERE number = 2")
        database.commit()
        database.close()
        assert "entries 2 to 2 are missing" in house.cli("audit", "verify", code=1)


class Contract:
    """The document, and a check of each answer against it."""

    def __init__(self, document):
        self.document = document
        self.resolver = jsonschema.RefResolver.from_schema(document)
        self.formats = jsonschema.FormatChecker()
        for one in document["components"]["schemas"].values():
            jsonschema.Draft202012Validator.check_schema(one)
        self.operations = {}
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                assert operation["operationId"] not in self.operations
                self.operations[operation["operationId"]] = (method.upper(), path, operation)
                named = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
                assert named == {part[1:-1] for part in path.split("/") if part.startswith("{")}, path
                for parameter in operation["parameters"]:
                    jsonschema.Draft202012Validator.check_schema(parameter["schema"])
                assert {"200", "400", "401", "403", "404", "405", "409", "415", "422", "429", "503"} <= set(operation["responses"])

    def dereferenced(self, one):
        while "$ref" in one:
            one = self.resolver.resolve(one["$ref"])[1]
        return one

    def check(self, operation, answer):
        described = self.dereferenced(self.operations[operation][2]["responses"][str(answer.status)])
        kind = answer.headers["Content-Type"].split(";")[0]
        assert kind in described["content"], (operation, answer.status, kind, answer.body)
        schema = described["content"][kind]["schema"]
        jsonschema.Draft202012Validator(schema, resolver=self.resolver, format_checker=self.formats).validate(answer.body)
        if answer.status >= 400:
            assert kind == "application/problem+json" and answer.body["status"] == answer.status, answer.body
        return answer


CORPUS = Path(__file__).resolve().parent.parent / "fuzz" / "corpus"


def queued(house, login, count):
    session = house.submit(login)
    for i in range(count):
        session.sendmail(login, [f"someone{i}@far.test"], message(f"m{i}"))
    session.quit()


def every_route_is_as_the_document_says():
    with Sekisho(extra=NOWHERE + '[reports]\ndomains = ["example.com", "company-y.example"]\n', mail='domains = ["example.net"]') as house:
        login = house.account()
        house.account("jiro@example.net", "--line", "L-1")
        house.start()
        local = Client(house, (house.folder / "operator.token").read_text().strip())
        contract = Contract(Client(house).ask("GET", "/openapi.json", reason=None).body)
        queued(house, login, 5)
        for name in ("dmarc_xml_fuzz/rfc7489.xml", "tls_json_fuzz/rfc8460.json"):
            house.cli("reports", "read", str(CORPUS / f"report_{name}"))
        wait_for("the events", lambda: len(local.ask("GET", "/events?kind=accepted").body["events"]) == 5)
        ids = [m["queue_id"] for m in local.ask("GET", "/queue").body["messages"]]
        why = {"reason": "ticket 4711"}
        made = house.json("operator", "add", "hanako", "--role", "auditor", "--generate")
        good = [
            ("signIn", "POST", "/session", {"name": "hanako", "password": made["password"], "code": made["recovery"][0]}),
            ("whoAmI", "GET", "/session", None), ("readAudit", "GET", "/audit", None), ("checkAudit", "GET", "/audit/check", None),
            ("getStatus", "GET", "/status", None), ("getHistory", "GET", "/history?hours=48", None), ("watch", "GET", "/live", None),
            ("lookEvents", "GET", "/events?limit=2", None), ("lookTrace", "GET", f"/trace?id={ids[0]}", None),
            ("lookSubscriber", "GET", f"/subscriber?q={login}", None), ("lookSubscriber", "GET", "/subscriber?q=L-1", None),
            ("lookSubscriber", "GET", "/subscriber?q=127.0.0.1", None), ("lookLine", "GET", "/line?address=127.0.0.1", None),
            ("lookAccounts", "GET", "/accounts?limit=1", None), ("lookConduct", "GET", "/conduct", None), ("lookExemptions", "GET", "/exemptions", None),
            ("getPolicy", "GET", "/policy", None), ("explainGate", "GET", "/gate/explain?source=127.0.0.1&destination=192.0.2.1", None),
            ("lookDmarcReports", "GET", "/reports/dmarc?domain=example.com&days=7", None), ("lookTlsReports", "GET", "/reports/tls?verified=false", None),
            ("getOpenapi", "GET", "/openapi.json", None), ("lookQueue", "GET", "/queue?limit=2", None), ("countQueue", "GET", f"/queue/count?account={login}", None),
            ("getQueueStats", "GET", "/queue/stats", None), ("getSuspensions", "GET", "/queue/suspensions", None),
            ("holdMessage", "POST", f"/queue/{ids[0]}/hold", why), ("releaseMessage", "POST", f"/queue/{ids[0]}/release", why),
            ("retryMessage", "POST", f"/queue/{ids[0]}/retry", why),
            ("holdMessages", "POST", "/queue/hold", {"ids": ids, **why}), ("releaseMessages", "POST", "/queue/release", {"ids": ids, **why}),
            ("retryMessages", "POST", "/queue/retry", {"ids": ids, **why}), ("rerouteMessages", "POST", "/queue/reroute", {"ids": ids[:1], "route": "127.0.0.1:1", **why}),
            ("suspendMail", "POST", "/queue/suspend", {"domain": "far.test", **why}), ("resumeMail", "POST", "/queue/resume", {"domain": "far.test", **why}),
            ("suspendAccount", "POST", f"/accounts/{login}/suspend", why), ("resendNotice", "POST", f"/accounts/{login}/notice", why),
            ("resumeAccount", "POST", f"/accounts/{login}/resume", why), ("resetLimit", "POST", "/limits/reset", {"subject": login, **why}),
            ("dropMessages", "POST", "/queue/drop", {"ids": ids[1:2], **why}),
            ("addSendAs", "POST", "/send-as/add", {"login": login, "address": "boss@far.test", "vouched": "his contract", **why}),
            ("lookSendAs", "GET", f"/send-as?login={login}", None), ("removeSendAs", "POST", "/send-as/remove", {"login": login, "address": "boss@far.test", **why}),
            ("linkAccount", "POST", f"/accounts/{login}/link", why), ("lookExemptionRequests", "GET", "/exemption-requests", None),
        ]
        failing = {"getGate": ("GET", "/gate/status", None, 503), "revokeExemption": ("POST", "/exemptions/7/revoke", why, 404),
                   "signOut": ("DELETE", "/session", None, 409), "dropMessage": ("POST", "/queue/nonsense/drop", why, None),
                   "proveSendAs": ("POST", "/send-as/prove", {"login": login, "address": "boss@far.test", "code": "abcd", **why}, 404),
                   "grantExemptionRequest": ("POST", "/exemption-requests/7/grant", why, 404), "refuseExemptionRequest": ("POST", "/exemption-requests/7/refuse", why, 404),
                   "revokeExemptionRequest": ("POST", "/exemption-requests/7/revoke", why, 404)}
        seen = set()
        for operation, method, path, body in good:
            # A message that is being tried just now can't be acted on: asked again, as a person would.
            answer = wait_for(operation, lambda: (lambda a: a if a.status != 409 else None)(local.ask(method, path, body)))
            assert answer.status == 200, (operation, answer.body)
            contract.check(operation, answer)
            seen.add(operation)
        for operation, (method, path, body, status) in failing.items():
            answer = contract.check(operation, local.ask(method, path, body))
            assert answer.status == (status or answer.status) and answer.status >= 400, (operation, answer.body)
            seen.add(operation)
        assert seen == set(contract.operations), seen ^ set(contract.operations)

        # Pages: each row once.
        events, path = [], "/events?limit=2"
        while path:
            page = contract.check("lookEvents", local.ask("GET", path))
            events += [e["id"] for e in page.body["events"]]
            link = page.headers.get("Link")
            path = link.split(">")[0].removeprefix("</api/v1") if link else None
        assert len(events) == len(set(events)) >= 5, events

        # Errors, each in the document's form.
        for operation, (method, path, described) in contract.operations.items():
            path = path.replace("{id}", "QQ").replace("{login}", "nobody@example.net")
            body = {"ids": ["QQ"], **why} if method == "POST" else None
            if operation not in ("signIn", "getOpenapi"):
                assert contract.check(operation, Client(house).ask(method, path, body)).status == 401
                assert contract.check(operation, Client(house, "guess").ask(method, path, body)).status == 401
            if method == "GET" and operation != "getOpenapi":
                assert contract.check(operation, local.ask("GET", path + "?nonsense=1")).status == 400
            if method == "POST":
                assert contract.check(operation, local.ask("POST", path, b"{")).status == 400
                assert contract.check(operation, local.ask("POST", path, [])).status == 400
                assert contract.check(operation, local.ask("POST", path, {**body, "nonsense": 1})).status == 400
                assert contract.check(operation, local.ask("POST", path, b"reason=x", **{"Content-Type": "application/x-www-form-urlencoded"})).status == 415
            if described["x-reason"] and method == "GET":
                assert contract.check(operation, local.ask("GET", path, reason=None)).status == 400
            answer = local.ask("PUT", path, {})
            assert answer.status == 405 and method in answer.headers["Allow"], (operation, answer.body)
        assert local.ask("GET", "/nothing").status == 404
        assert local.ask("GET", "/events?limit=1001").status == 400

        # A write with a key is done once, also over a restart of the desk.
        order = ("POST", "/queue/hold", {"ids": ids[2:3], **why})
        wait_for("the hold", lambda: local.ask(*order).body.get("done") == 1)
        house.cli("queue", "release", ids[2])
        key = {"Idempotency-Key": "once-1"}
        first = contract.check("holdMessages", local.ask(*order, **key))
        house.cli("queue", "release", ids[2])
        house.kill("desk", 15)
        house.start("desk")
        again = contract.check("holdMessages", local.ask(*order, **key))
        assert again.body == first.body and again.headers["Idempotency-Replayed"] == "true", again.body
        assert house.json("queue", "show", ids[2])["state"] != "held", "it was not held again"
        assert contract.check("holdMessages", local.ask("POST", "/queue/hold", {"ids": ids[3:4], **why}, **key)).status == 422
        house.kill("mail", 15)
        for operation, path in (("lookQueue", "/queue"), ("getQueueStats", "/queue/stats"), ("lookConduct", "/conduct")):
            assert contract.check(operation, local.ask("GET", path)).status == 503
        assert contract.check("lookSubscriber", local.ask("GET", f"/subscriber?q={login}")).body["unanswered"]


main([operators_come_and_go, every_route_is_as_the_document_says])
