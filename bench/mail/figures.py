"""What is made of the rounds: medians, ratios of the same round, and whether a target is met. Nothing here measures."""
import statistics

TUNED, CEILING = "Postfix tuned", "do-nothing"

# metric: unit, and whether more is better.
METRICS = {
    "rate": ("messages/s", True),
    "through_rate": ("messages/s", True),
    "mb_per_s": ("MB/s", True),
    "cpu_ms": ("ms CPU/message", False),
    "p50_ms": ("ms", False),
    "p99_ms": ("ms", False),
    "kb_each": ("KB/connection", False),
    "ratio_to_idle": ("x", False),
    "growth": ("x", False),
    "kb_queued": ("KB/queued message", False),
}

SHOWN = {
    "A": ("rate", "cpu_ms", "p50_ms", "p99_ms"),
    "B": ("rate", "cpu_ms", "p50_ms", "p99_ms"),
    "C": ("rate", "cpu_ms", "p50_ms", "p99_ms"),
    "D": ("through_rate", "cpu_ms", "p50_ms", "p99_ms"),
    "E": ("kb_each",),
    "F": ("mb_per_s", "cpu_ms"),
    "G": ("p50_ms", "p99_ms", "cpu_ms"),
    "H": ("ratio_to_idle", "p99_ms"),
    "I": ("growth", "kb_queued"),
    "M": ("growth",),
}

# case, metric: (against whom, by how much, in words). "best" is the best peer of the run. A whole number is an absolute bound.
TARGETS = {
    ("A", "rate"): (CEILING, 0.75, "at least 75% of the do-nothing server"),
    ("A", "cpu_ms"): (TUNED, 1 / 8, "at most 1/8 of Postfix tuned"),
    ("B", "rate"): ("best", 8, "at least 8x the best peer"),
    ("B", "cpu_ms"): (TUNED, 1 / 20, "at most 1/20 of Postfix tuned"),
    ("C", "rate"): ("best", 6, "at least 6x the best peer"),
    ("C", "cpu_ms"): (TUNED, 1 / 15, "at most 1/15 of Postfix tuned"),
    ("D", "through_rate"): ("best", 5, "at least 5x the best peer"),
    ("D", "cpu_ms"): (TUNED, 1 / 12, "at most 1/12 of Postfix tuned"),
    ("E", "kb_each"): ("", 18, "at most 18 KB"),
    ("F", "mb_per_s"): ("best", 2.5, "at least 2.5x the best peer"),
    ("G", "p50_ms"): ("", 0.35, "at most 0.35 ms"),
    ("G", "p99_ms"): ("", 1.0, "at most 1 ms"),
    ("H", "ratio_to_idle"): ("", 2.0, "at most 2x its value on an idle server"),
    ("I", "growth"): ("", 1.25, "the same within noise: at most 1.25x"),
    ("M", "growth"): ("", 1.25, "the same within noise: at most 1.25x"),
}


def values(rounds, server, metric):
    """The metric of each round in which the server has it: {round: value}."""
    return {n: one[server][metric] for n, one in enumerate(rounds) if one.get(server, {}).get(metric) is not None}


def median(rounds, server, metric):
    found = values(rounds, server, metric)
    return statistics.median(found.values()) if found else None


def ratios(rounds, ours, peer, metric):
    """Ours to the peer's in the same round: (median, least, most), or None."""
    mine, other = values(rounds, ours, metric), values(rounds, peer, metric)
    both = [mine[n] / other[n] for n in mine if other.get(n)]
    return (statistics.median(both), min(both), max(both)) if both else None


def best(rounds, peers, metric):
    """The peer with the best median, and its value."""
    more = METRICS[metric][1]
    found = [(value, name) for name in peers if (value := median(rounds, name, metric)) is not None]
    return (max(found) if more else min(found))[::-1] if found else (None, None)


def bound(case, metric, rounds, peers):
    """The target as a number for ours in this run: (bound, reference, words); None without one, or without the reference."""
    if (case, metric) not in TARGETS:
        return None
    against, factor, words = TARGETS[case, metric]
    if not against:
        return factor, "", words
    name, value = best(rounds, peers, metric) if against == "best" else (against, median(rounds, against, metric))
    return (value * factor, name, words) if value is not None else None


def met(metric, ours, wanted):
    if ours is None or wanted is None:
        return None
    return ours >= wanted if METRICS[metric][1] else ours <= wanted


def rows(case, rounds, ours, peers, durable, facts, date, shown=None):
    """The case's rows of the result file: each metric against each peer, the target beside the peer that it is set against."""
    made = []
    for metric in shown or SHOWN[case]:
        mine = median(rounds, ours, metric)
        if mine is None:
            continue
        wanted = bound(case, metric, rounds, peers)
        limit = median(rounds, CEILING, metric)
        first = best(rounds, peers, metric)[0]
        others = [name for name in peers if median(rounds, name, metric) is not None]
        if wanted and wanted[1] == CEILING:
            others.append(CEILING)
        for name in others or [None]:
            ratio = ratios(rounds, ours, name, metric) if name else None
            aimed = wanted and (name == wanted[1] or (not wanted[1] and name == first))
            made.append({
                "case": case, "metric": metric, "unit": METRICS[metric][0], "ours": mine, "ours_range": spread(rounds, ours, metric),
                "peer": name, "peer_value": median(rounds, name, metric) if name else None,
                "ratio": ratio[0] if ratio else None, "ratio_range": list(ratio[1:]) if ratio else None,
                "limit": limit, "target": wanted[0] if aimed else None, "target_text": wanted[2] if aimed else None,
                "met": met(metric, mine, wanted[0]) if aimed else None,
                "durable": {"ours": durable.get(ours, ""), "peer": durable.get(name, "")}, "rounds": len(values(rounds, ours, metric)),
                "machine": facts, "date": date,
            })
    return made


def spread(rounds, server, metric):
    found = values(rounds, server, metric)
    return [min(found.values()), max(found.values())] if found else None


def faults(rows_):
    """What is wrong with a result file; empty when it is as the report wants it."""
    wanted = {"case": str, "metric": str, "unit": str, "ours": (int, float), "peer": (str, type(None)), "peer_value": (int, float, type(None)),
              "ratio": (int, float, type(None)), "limit": (int, float, type(None)), "target": (int, float, type(None)), "met": (bool, type(None)),
              "durable": dict, "machine": dict, "date": str}
    found = []
    for number, row in enumerate(rows_):
        for key, kind in wanted.items():
            if key not in row:
                found.append(f"row {number}: no {key}")
            elif not isinstance(row[key], kind) or (isinstance(row[key], bool) and key != "met"):
                found.append(f"row {number}: {key} is {row[key]!r}")
        if (row.get("target") is None) != (row.get("met") is None):
            found.append(f"row {number}: a target and whether it is met belong together")
    return found
