"""The kinds of evidence about who connects to 25, each with its switch, its action and its note: real NSD, Unbound and rbldnsd."""
import signal
import smtplib
import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import main, wait_for  # noqa: E402
from peers.lib import netns  # noqa: E402
from sender_world import OURS, RESOLVER, SERVER, SPACE, STRANGER, World, sekisho, send, text  # noqa: E402

ENFORCED = 'peer_check = "enforce"\ndnsbl = ["bl.lists.org=127.0.0.8/29*35"]\ndnswl = ["wl.lists.org"]'


def judging(s, evidence):
    """The configuration with these rules; what is running reads it again."""
    s.write_config(f'[delivery]\nresolvers = ["{RESOLVER}"]\n[peer_evidence]\n{evidence}', "", ENFORCED)


def reasons(s, address, *options):
    return {one["kind"]: one for one in s.json("peer", "explain", address, *options)["reasons"]}


def spoken(client, *lines):
    """Lines as they are, after the greeting; all that was answered."""
    with netns.inside(SPACE):
        peer = socket.create_connection((OURS, 25), timeout=30, source_address=(client, 0))
    with peer, peer.makefile("rb") as answers:
        said = [answers.readline()]
        for line in lines:
            peer.sendall(line)
            said.append(answers.readline())
            while said[-1][3:4] == b"-":
                said.append(answers.readline())
        return b"".join(said).decode()


def judged(s, address):
    return [e for e in s.json("events", "--address", address) if e["kind"] == "peer-judged"]


def each_kind_has_a_switch():
    with sekisho(ENFORCED) as s:
        usual = reasons(s, SERVER, "--helo", "mx.sender.net", "--from", "a@sender.net")
        assert set(usual) == {"name_confirmed", "name_mail", "helo_leads_back", "helo_matches_name", "spf_pass", "known_list"}, usual
        for kind in usual:
            judging(s, f'{kind} = "off"')
            assert set(reasons(s, SERVER, "--helo", "mx.sender.net", "--from", "a@sender.net")) == set(usual) - {kind}, kind
        judging(s, 'spf_pass = {action = "note", basis = "decision 7"}\nname_mail = {weight = 3}')
        out = s.cli("peer", "explain", SERVER, "--helo", "mx.sender.net", "--from", "a@sender.net")
        assert "   +0  the SPF record of sender.net names it as a sender [spf_pass: note; decision 7]" in out, out
        assert "   +3  its name mx.sender.net is a mail server's" in out, out
        table = s.cli("peer", "evidence")
        assert [line.split() for line in table.splitlines() if line.startswith("spf_pass")] == [
            ["spf_pass", "note", "+15", "decision", "7"]], table
        kinds = s.json("peer", "evidence")["kinds"]
        assert len(kinds) == 28 and all(one["about"] for one in kinds), kinds


def one_kind_settles_it_with_the_operators_note():
    with sekisho(ENFORCED) as s:
        judging(s, 'bare_newline = {action = "refuse", basis = "decision 7"}')
        s.start("mail")
        said = spoken(SERVER, b"EHLO mx.sender.net\r\n", b"NOOP\n", b"MAIL FROM:<a@sender.net>\r\n", b"RCPT TO:<taro@example.net>\r\n")
        assert "500 5.5.2" in said and "550 5.7.1" in said, said
        [event] = judged(s, SERVER)
        assert "it ended a line without CRLF, as mail servers never do, which settles it (decision 7)" in event["detail"], event
        # Without the fault it is the server that it was.
        assert send(SERVER, "a@sender.net", text("a@sender.net", "well"))[0] == 250
        # Whom a list of yours knows is accepted, whatever else.
        judging(s, 'bare_newline = "refuse"\nknown_list = "accept"')
        s.cli("reload")
        said = spoken(SERVER, b"EHLO mx.sender.net\r\n", b"NOOP\n", b"MAIL FROM:<a@sender.net>\r\n", b"RCPT TO:<taro@example.net>\r\n")
        assert "250 2.1.5" in said, said


def one_kind_delays():
    with sekisho(ENFORCED) as s:
        judging(s, 'known_list = {action = "delay"}')  # of a server: only the rule holds it up, greylist is off
        s.start("mail")
        code, answer = send(SERVER, "a@sender.net", text("a@sender.net", "later"))
        assert code == 450 and answer.startswith("4.7.1 "), answer
        judging(s, "")
        s.cli("reload")
        assert send(SERVER, "a@sender.net", text("a@sender.net", "at once"))[0] == 250


def lines_of_others_and_words_come_from_files():
    with sekisho(ENFORCED) as s:
        folder = Path(s.folder)
        (folder / "lines.txt").write_text("# another provider's lines\n198.51.100.0/25\n198.51.100.64/28\n")
        (folder / "names.txt").write_text("[dynamic]\nkaisen\n[server forms]\n*.forward.org\n[mail]\n-relay\n")
        judging(s, 'dynamic_networks = ["lines.txt"]\nnames = "names.txt"')
        found = reasons(s, STRANGER)
        assert found["dynamic_network"]["weight"] == -40 and "198.51.100.0/25" in found["dynamic_network"]["reason"], found
        assert "dynamic_network" not in reasons(s, "198.51.100.200"), found
        assert s.cli("peer", "names", "kaisen7.example.com").startswith("kaisen7.example.com: dynamic"), "ours"
        assert s.cli("peer", "names", "dyn7.forward.org").startswith("dyn7.forward.org: plain")
        assert "relay" not in s.cli("peer", "names").split("[mail]")[1].split("[")[0].split()
        s.start("mail")
        (folder / "names.txt").write_text("[dynamic]\nkaisen\nkaisen2\n")
        out = s.cli("reload", code=1)
        assert "names.txt: line 3: \"kaisen2\" is no word" in out, out
        (folder / "lines.txt").write_text("198.51.100.1/25\n")
        judging(s, 'dynamic_networks = ["lines.txt"]')
        assert "peer_evidence.dynamic_networks: " in s.cli("peer", "explain", STRANGER, code=2)


def what_it_brought_before_is_remembered():
    with sekisho(ENFORCED) as s:
        judging(s, 'block_list = "off"')  # a client of whom nothing was known yet
        s.start("mail")
        with netns.inside(SPACE):
            session = smtplib.SMTP(local_hostname="relay.forward.org", timeout=30, source_address=(STRANGER, 0))
            session.connect(OURS, 25)
        with session:
            session.ehlo()
            session.mail("a@forward.org")
            for i in range(6):
                assert session.rcpt(f"nobody{i}@example.net")[0] == 550
        found = wait_for("the past to be kept", lambda: reasons(s, STRANGER).get("past_bad"))
        assert found["reason"] == "of what it brought lately 6 of 6 were refused" and found["weight"] == -25, found
        s.kill("mail", signal.SIGTERM)
        s.start("mail")
        assert "past_bad" in reasons(s, STRANGER), "it is kept over a restart"
        assert s.json("peer", "explain", STRANGER)["past"]["refused_recipients"] > 5
        # It counts where the client meets us.
        judging(s, 'block_list = "off"\npast_bad = "refuse"')
        s.cli("reload")
        code, answer = send(STRANGER, "a@forward.org", text("a@forward.org", "again"), helo="relay.forward.org")
        assert code == 550, answer
        assert "of what it brought lately" in judged(s, STRANGER)[0]["detail"]
        judging(s, 'block_list = "off"\npast_bad = "off"\npast_good = "off"')
        s.cli("reload")
        assert send(STRANGER, "a@forward.org", text("a@forward.org", "off"), helo="relay.forward.org")[0] == 250


def a_wrong_rule_is_told():
    with sekisho(ENFORCED) as s:
        for rule, wrong in (
            ('early_talker = "tarpit"', "peer_evidence.early_talker: expected one of: off, note, weigh, delay, refuse, accept"),
            ("early_talker = {wieght = 3}", '"wieght" is not action, weight or basis'),
            ("no_name = {weight = 5000}", "weight: expected an integer from -1000 to 1000"),
            ("block_list = {weight = -5}", "each list has points of its own"),
            ('no_nam = "off"', "no_name"),
            ('dynamic_network = "refuse"', "needs files in dynamic_networks"),
        ):
            judging(s, rule)
            out = s.cli("config", "check", code=2)
            assert wrong in out, (rule, out)


def main_in_a_world():
    if not netns.have_root():
        print("skipped: needs root for a network namespace")
        sys.exit(0)
    with World():
        main([
            each_kind_has_a_switch,
            one_kind_settles_it_with_the_operators_note,
            one_kind_delays,
            lines_of_others_and_words_come_from_files,
            what_it_brought_before_is_remembered,
            a_wrong_rule_is_told,
        ])


main_in_a_world()
