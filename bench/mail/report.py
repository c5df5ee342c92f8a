"""Makes docs/benchmarks.md and its plots from bench/results/*.json: what was measured last, misses included."""
import html
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from figures import CEILING, METRICS, faults  # noqa: E402
from world import ROOT  # noqa: E402

TITLES = {
    "A": "TLS 1.3 and AUTH, one 10 KB message a connection",
    "B": "TLS 1.3 and AUTH, 100 messages a connection",
    "C": "plain port 25, one message a connection",
    "D": "plain, 100 messages a connection, until the destination has them",
    "E": "idle TLS connections",
    "F": "messages of 10 MB, TLS and AUTH",
    "G": "latency of one client, MAIL to 250",
    "H": "interactive senders beside a bulk sender and a slow destination",
    "I": "a long queue",
    "M": "growth: ten times as much of everything",
    "spool": "the spool beside other stores, 64 writers, 10 KB, each message durable",
    "spool-16": "the same with 16 writers",
    "spool-1": "the same with one writer",
}
PLOTTED = {"A": "cpu_ms", "B": "cpu_ms", "C": "cpu_ms", "D": "cpu_ms", "E": "kb_each", "F": "mb_per_s", "G": "p99_ms", "spool": "rate"}
WORDS = {"rate": "accepted", "through_rate": "delivered", "mb_per_s": "throughput", "cpu_ms": "server CPU", "p50_ms": "latency, median",
         "p99_ms": "latency, slowest 1%", "kb_each": "memory", "ratio_to_idle": "latency against idle", "growth": "CPU a message, largest against smallest",
         "kb_queued": "memory"}

INTRODUCTION = """\
# Benchmarks
Every figure here was made by `./dev bench mail --json` or `./dev bench spool --json` on one machine: ours and the peers in turn, round after round, with the same load. This page is made from the result by `./dev bench report`; nothing on it is written by hand. What was missed is marked as missed.

The load generator, the servers and the destination share the machine's cores, so rates say less than **CPU a message**, which covers accepting, queueing, delivering and dead children of the server, and nothing of the generator. Rates move by a quarter from run to run on shared machines; a ratio is made of two runs of the same round.
"""


def number(value):
    if value is None:
        return "-"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def load(results):
    rows = []
    for path in sorted(Path(results).glob("*.json")):
        if path.name.endswith("-rounds.json"):
            continue
        read = json.loads(path.read_text())
        wrong = faults(read)
        if wrong:
            raise SystemExit(f"{path}: {'; '.join(wrong[:5])}")
        rows += read
    return rows


def newest(rows):
    """Of each case only the rows of its last run."""
    last = {}
    for row in rows:
        last[row["case"]] = max(last.get(row["case"], ""), row["date"])
    return [row for row in rows if row["date"] == last[row["case"]]]


def best_peer(rows):
    found = [row for row in rows if row["peer"] not in (None, CEILING) and row["peer_value"] is not None]
    if not found:
        return None
    choose = max if METRICS[found[0]["metric"]][1] else min
    return choose(found, key=lambda row: row["peer_value"])


def groups(rows):
    made = {}
    for row in rows:
        made.setdefault((row["case"], row["metric"]), []).append(row)
    return made


def summary(rows):
    out = ["## Targets", "", "| case | what | ours | limit (a server that does nothing) | best peer | target | |", "|---|---|---|---|---|---|---|"]
    reached = missed = 0
    for (case, metric), some in groups(rows).items():
        aimed = next((row for row in some if row["target"] is not None), None)
        if not aimed:
            continue
        best = best_peer(some)
        ours = aimed["ours_range"] if "ours_range" in aimed else None
        spread = f" ({number(ours[0])} to {number(ours[1])})" if ours and ours[0] != ours[1] else ""
        peer = f"{number(best['peer_value'])} {best['peer']}" if best else "-"
        verdict = "met" if aimed["met"] else "**missed**"
        reached, missed = reached + bool(aimed["met"]), missed + (not aimed["met"])
        out.append(f"| {case} | {WORDS[metric]}, {aimed['unit']} | {number(aimed['ours'])}{spread} | {number(aimed['limit'])} | {peer} | {aimed['target_text']}: {number(aimed['target'])} | {verdict} |")
    return [*out, "", f"{reached} of {reached + missed} targets are met."]


def detail(rows, case):
    some = [row for row in rows if row["case"] == case]
    metrics = list(dict.fromkeys(row["metric"] for row in some))
    names = list(dict.fromkeys(row["peer"] for row in some if row["peer"]))
    by = {(row["peer"], row["metric"]): row for row in some}
    mine = {row["metric"]: row for row in some}
    units = [f"{WORDS[metric]}, {METRICS[metric][0]}" for metric in metrics]
    apart = [f"Measured {some[0]['date']}, load average before it began: {some[0]['machine'].get('load_before')}.", ""] if case.startswith("spool") else []
    out = [f"## {case}: {TITLES.get(case, case)}", "", *apart, "| | " + " | ".join(units) + " |", "|---|" + "---|" * len(metrics)]
    out.append("| **Sekisho** | " + " | ".join(f"**{number(mine[metric]['ours'])}**" for metric in metrics) + " |")
    for name in names:
        cells = []
        for metric in metrics:
            row = by.get((name, metric))
            ratio = f" ({number(row['ratio'])}x; {number(row['ratio_range'][0])} to {number(row['ratio_range'][1])})" if row and row["ratio"] and row.get("ratio_range") else ""
            cells.append(number(row["peer_value"]) + ratio if row else "-")
        out.append(f"| {name} | " + " | ".join(cells) + " |")
    if case not in "HIM":
        limits = [number(mine[metric]["limit"]) for metric in metrics]
        if any(limit != "-" for limit in limits):
            out.append(f"| {'a log with nothing around it' if case.startswith('spool') else 'a server that does nothing'} | " + " | ".join(limits) + " |")
    out += ["", "In brackets: ours to the peer's, the median of the rounds and its range."]
    return out


def durability(rows):
    out = ["## Durability", "", "What each server asks of the disk, counted by strace in a run of its own (200 messages, 20 clients):", ""]
    known = {}
    for row in rows:
        if row["durable"].get("ours"):
            known["Sekisho"] = row["durable"]["ours"]
        if row["peer"] and row["durable"].get("peer"):
            known[row["peer"]] = row["durable"]["peer"]
    return [*out, *[f"- {name}: {text}" for name, text in known.items()]]


def settings(results):
    out = ["## The servers", ""]
    for path in sorted(Path(results).glob("*-rounds.json")):
        read = json.loads(path.read_text())
        for name, text in read["settings"].items():
            out.append(f"- {name}: {text}")
        for name, why in read["absent"].items():
            out.append(f"- {name} did not take part: {why}")
    return list(dict.fromkeys(out))


def plot(rows, case, metric):
    """Bars of ours and each peer as SVG."""
    some = [row for row in rows if row["case"] == case and row["metric"] == metric]
    bars = [("Sekisho", some[0]["ours"])] + [(row["peer"], row["peer_value"]) for row in some if row["peer"] and row["peer_value"] is not None]
    if some[0]["limit"] is not None and CEILING not in [name for name, _ in bars]:
        bars.append((CEILING, some[0]["limit"]))
    most = max(value for _, value in bars) or 1
    height = 30 + 24 * len(bars)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 {height}" font-family="sans-serif" font-size="13" role="img">',
           f"<title>{html.escape(case)}: {html.escape(WORDS[metric])}</title>",
           f'<rect width="640" height="{height}" fill="#fff"/>',
           f'<text x="8" y="18" font-weight="bold">{html.escape(case)}: {html.escape(WORDS[metric])}, {html.escape(METRICS[metric][0])} ({"more" if METRICS[metric][1] else "less"} is better)</text>']
    for place, (name, value) in enumerate(bars):
        y = 30 + 24 * place
        colour = {"Sekisho": "#1f6f5c", CEILING: "#bbb"}.get(name, "#7a8ca3")
        out.append(f'<text x="120" y="{y + 14}" text-anchor="end">{html.escape(name)}</text>')
        out.append(f'<rect x="128" y="{y + 2}" width="{max(1.0, 430 * value / most):.1f}" height="16" fill="{colour}"/>')
        out.append(f'<text x="{134 + 430 * value / most:.1f}" y="{y + 15}">{number(value)}</text>')
    return "\n".join([*out, "</svg>", ""])


def page(rows, results, pictures):
    machine = next((row for row in rows if not row["case"].startswith("spool")), rows[-1])["machine"]
    dates = sorted({row["date"] for row in rows})
    facts = f"{machine.get('processor', 'unknown processor')}, {machine.get('cores')} cores, {machine.get('memory_gib')} GiB, Linux {machine.get('kernel')}"
    when = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    out = [INTRODUCTION, f"Measured {when} on: {facts}. Load average before it began: {machine.get('load_before')}.", ""]
    if (machine.get("load_before") or 0) > 0.5 * (machine.get("cores") or 1):
        out += ["**The machine was not quiet when this was measured**: rates and latencies are lower than it can do, CPU a message somewhat higher.", ""]
    out += [*summary(rows), ""]
    for case in sorted({row["case"] for row in rows}):
        out += [*detail(rows, case), ""]
        if case in PLOTTED and any(row["case"] == case and row["metric"] == PLOTTED[case] for row in rows):
            out += [f"![{case}]({pictures.name}/bench-{case}.svg)", ""]
    out += [*durability(rows), "", *settings(results), ""]
    return "\n".join(out)


def slower(rows):
    """What was measured with slower flushes, apart from the rest."""
    if not rows:
        return []
    out = [f"## The same with flushes that take {rows[-1]['machine']['flush_ms_added']} ms longer", "", "| case | what | ours | peer | ratio |", "|---|---|---|---|---|"]
    for row in rows:
        if row["metric"] in ("rate", "through_rate", "p50_ms", "p99_ms") and row["peer"]:
            out.append(f"| {row['case']} | {WORDS[row['metric']]}, {row['unit']} | {number(row['ours'])} | {number(row['peer_value'])} {row['peer']} | {number(row['ratio'])} |")
    return [*out, ""]


def make(results, target, pictures):
    """Writes the page and its plots; says what it has written."""
    both = load(results)
    slow = newest([row for row in both if row["machine"].get("flush_ms_added")])
    rows = newest([row for row in both if not row["machine"].get("flush_ms_added")])
    if not rows:
        raise SystemExit(f"no results in {results}: ./dev bench mail --json makes them")
    pictures.mkdir(parents=True, exist_ok=True)
    for case, metric in PLOTTED.items():
        if any(row["case"] == case and row["metric"] == metric for row in rows):
            (pictures / f"bench-{case}.svg").write_text(plot(rows, case, metric))
    target.write_text(page(rows, results, pictures) + "\n".join(slower(slow)))
    return f"{target}: {len(rows)} rows"


if __name__ == "__main__":
    print(make(ROOT / "bench" / "results", ROOT / "docs" / "benchmarks.md", ROOT / "docs" / "pictures"))
