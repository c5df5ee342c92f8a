"""The runner's own logic, without any server: statistics, verdicts, result files, the report, ids, the comparison of counts."""
import json
import sys
import tempfile
import unittest
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1])]
import check  # noqa: E402
import figures  # noqa: E402
import report  # noqa: E402
import world  # noqa: E402

PEERS = ["Postfix", "Postfix tuned", "Haraka"]
MACHINE = {"processor": "a <fast> one", "cores": 2, "memory_gib": 24, "kernel": "6.1", "load_before": 0.1}


def rounds():
    """Three rounds of A; the middle one is slow for all, and a peer failed in the last."""
    made = []
    for slow in (1.0, 0.5, 1.0):
        made.append({
            "Sekisho": {"rate": 2000 * slow, "cpu_ms": 0.3, "p50_ms": 1.0, "p99_ms": 2.0},
            "Postfix": {"rate": 400 * slow, "cpu_ms": 4.0, "p50_ms": 9.0, "p99_ms": 20.0},
            "Postfix tuned": {"rate": 500 * slow, "cpu_ms": 3.2, "p50_ms": 8.0, "p99_ms": 20.0},
            "Haraka": {"rate": 300 * slow, "cpu_ms": 3.8, "p50_ms": 9.0, "p99_ms": 20.0},
            "do-nothing": {"rate": 2400 * slow, "cpu_ms": 0.24, "p50_ms": 0.5, "p99_ms": 1.0},
        })
    made[2]["Haraka"] = {"failure": "gone"}
    return made


def rows(some=None):
    return figures.rows("A", some or rounds(), "Sekisho", PEERS, {"Sekisho": "0.1 fdatasync", "Postfix": "1.0 fsync"}, MACHINE, "2026-11-27T00:00:00Z")


class Statistics(unittest.TestCase):
    def test_ratios_are_of_the_same_round(self):
        middle, least, most = figures.ratios(rounds(), "Sekisho", "Postfix", "rate")
        self.assertEqual((middle, least, most), (5.0, 5.0, 5.0))  # the slow round slowed both

    def test_a_failed_round_is_left_out(self):
        self.assertEqual(figures.values(rounds(), "Haraka", "rate"), {0: 300.0, 1: 150.0})
        self.assertIsNone(figures.median(rounds(), "Exim", "rate"))
        self.assertIsNone(figures.ratios(rounds(), "Sekisho", "Exim", "rate"))

    def test_the_best_peer_depends_on_the_metric(self):
        self.assertEqual(figures.best(rounds(), PEERS, "rate"), ("Postfix tuned", 500))
        self.assertEqual(figures.best(rounds(), PEERS, "cpu_ms")[0], "Postfix tuned")
        self.assertEqual(figures.best(rounds(), ["Exim"], "rate"), (None, None))

    def test_targets(self):
        self.assertEqual(figures.bound("A", "rate", rounds(), PEERS)[:2], (2400 * 0.75, "do-nothing"))
        self.assertEqual(figures.bound("A", "cpu_ms", rounds(), PEERS)[:2], (0.4, "Postfix tuned"))
        self.assertEqual(figures.bound("G", "p99_ms", rounds(), PEERS)[:2], (1.0, ""))
        self.assertIsNone(figures.bound("A", "p99_ms", rounds(), PEERS))
        self.assertTrue(figures.met("rate", 10, 10))
        self.assertFalse(figures.met("rate", 9, 10))
        self.assertTrue(figures.met("cpu_ms", 9, 10))
        self.assertFalse(figures.met("cpu_ms", 11, 10))


class Rows(unittest.TestCase):
    def test_each_peer_has_a_row_and_the_target_stands_beside_its_reference(self):
        made = rows()
        self.assertEqual(figures.faults(made), [])
        aimed = {(row["metric"], row["peer"]): row["met"] for row in made if row["target"] is not None}
        self.assertEqual(aimed, {("rate", "do-nothing"): True, ("cpu_ms", "Postfix tuned"): True})
        self.assertEqual({row["peer"] for row in made if row["metric"] == "p50_ms"}, set(PEERS))

    def test_a_miss_is_a_miss(self):
        some = rounds()
        for one in some:
            one["Sekisho"]["cpu_ms"] = 0.41
        self.assertIn(False, [row["met"] for row in rows(some) if row["metric"] == "cpu_ms"])

    def test_a_file_that_is_wrong_is_told(self):
        for key, value in (("ours", "fast"), ("met", 1), ("date", None), ("machine", "a box"), ("ours", True)):
            made = rows()
            made[0][key] = value
            self.assertTrue(figures.faults(made), (key, value))
        made = rows()
        del made[0]["durable"]
        self.assertTrue(figures.faults(made))
        made = rows()
        made[0]["met"] = True if made[0]["met"] is None else None
        self.assertTrue(figures.faults(made))


class Report(unittest.TestCase):
    def make(self, made):
        with tempfile.TemporaryDirectory() as folder:
            results, page, pictures = Path(folder, "results"), Path(folder, "benchmarks.md"), Path(folder, "pictures")
            results.mkdir()
            (results / "mail.json").write_text(json.dumps(made))
            (results / "mail-rounds.json").write_text(json.dumps({"rounds": {}, "settings": {"Postfix": "as it comes"}, "absent": {"OpenSMTPD": "no TLS"}}))
            report.make(results, page, pictures)
            return page.read_text(), {one.name: one.read_text() for one in pictures.iterdir()}

    def test_the_page_has_machine_date_verdicts_and_plots(self):
        page, pictures = self.make(rows())
        for wanted in ("a <fast> one, 2 cores", "2026-11-27", "2 of 2 targets are met", "OpenSMTPD did not take part: no TLS", "0.1 fdatasync", "bench-A.svg"):
            self.assertIn(wanted, page)
        self.assertEqual(list(pictures), ["bench-A.svg"])
        self.assertIn("Postfix tuned", pictures["bench-A.svg"])

    def test_a_miss_and_a_busy_machine_are_told(self):
        some = rounds()
        for one in some:
            one["Sekisho"]["rate"] = 10
        made = rows(some)
        for row in made:
            row["machine"] = {**MACHINE, "load_before": 9.0}
        page, _ = self.make(made)
        self.assertIn("**missed**", page)
        self.assertIn("1 of 2 targets are met", page)
        self.assertIn("was not quiet", page)

    def test_slower_flushes_stand_apart(self):
        slow = [{**row, "date": "2027-01-01T00:00:00Z", "machine": {**MACHINE, "flush_ms_added": 2}} for row in rows()]
        page, _ = self.make(rows() + slow)
        self.assertIn("flushes that take 2 ms longer", page)
        self.assertIn("Measured 2026-11-27", page)
        self.assertNotIn("longer", self.make(rows())[0])

    def test_only_the_last_run_of_a_case_counts(self):
        old = [{**row, "date": "2025-01-01T00:00:00Z"} for row in rows()]
        self.assertEqual(report.newest(old + rows()), rows())


class Ids(unittest.TestCase):
    def test_loss_and_duplicates(self):
        with tempfile.TemporaryDirectory() as folder:
            sent, got = Path(folder, "sent"), Path(folder, "got")
            sent.write_text("run 1 100 1\n")
            got.write_text("run 1 49 1\nother 1 100 1\nrun 51 90 2\nrun 91 99 1\n")
            self.assertEqual(world.counted(got, "run"), (98, 40))
            self.assertEqual(world.missing(sent, got, "run"), 2)
            self.assertEqual(world.counted(Path(folder, "none"), "run"), (0, 0))

    def test_ports_are_given_once(self):
        ports = world.free_ports(20) + world.free_ports(20)
        self.assertEqual(len(set(ports)), 40)


class Counts(unittest.TestCase):
    def test_dearer_new_and_gone_are_outside(self):
        lines, bad = check.compare({"a": 100, "b": 100, "c": 100, "d": 100}, {"a": 102.9, "b": 103.1, "c": 50.0, "e": 1.0}, 3.0)
        self.assertEqual(bad, ["b", "e", "d"])
        self.assertIn("DEARER", lines[1])
        self.assertIn("cheaper", lines[2])


if __name__ == "__main__":
    unittest.main()
