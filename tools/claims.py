#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Put the last run's results and figures beside the claims of SECURITY.md.

    claims.py BUILD SECURITY.md [--keep] [--only-run]

A claim is a row `| id | claim | last figure | tests |`; its tests stand in back
quotes as `suite/test`.  It holds where each of them ran and passed: a test
that was skipped or is missing shows nothing, nor does one of a program that
failed as a whole (a sanitizer, a log with a stray line).  All of it is written to
BUILD/claims.json; --keep writes the figures into the table as well, and with
--only-run those tests that did not run are left out, not missed.
"""
import glob
import json
import os
import re
import subprocess
import sys

ROW = re.compile(r"^\| ([A-Z][0-9]+[a-z]?) \| (.*) \| ?(.*?) ?\| (`.*) \|$")
RESULT = re.compile(r"^\[(PASS|FAIL|SKIP)\] ([a-z0-9_]+)::([A-Za-z0-9_]+)")
WHOLE = re.compile(r"^  FAILED  [a-z_]+\.[a-z_0-9]+: ", re.M)
TEST = re.compile(r"`([a-z0-9_]+/[A-Za-z0-9_]+)`")


def results_of(build):
    """What became of each test: the worst, where programs share a name."""
    order = ["PASS", "SKIP", "FAIL"]
    results = {}
    for path in glob.glob(f"{build}/results/*.log"):
        with open(path[:-len("log")] + "out", errors="replace") as out:
            failed_whole = WHOLE.search(out.read()) is not None
        with open(path, errors="replace") as log:
            for line in log:
                match = RESULT.match(line)
                if match is None:
                    continue
                name = f"{match[2]}/{match[3]}"
                old = results.get(name, "PASS")
                new = "FAIL" if failed_whole else match[1]
                results[name] = max(old, new, key=order.index)
    return results


def figures_of(build):
    try:
        with open(f"{build}/results/figures") as lines:
            return [json.loads(line) for line in lines]
    except FileNotFoundError:
        return []


def merged(figures):
    """Figures of one name, which several tests reported, as one."""
    by_name = {}
    for figure in figures:
        old = by_name.get(figure["what"])
        if old is None:
            by_name[figure["what"]] = dict(figure)
        elif "of" in figure:
            for member in ("value", "of", "control"):
                if member in figure:
                    old[member] += figure[member]
            if "bound" in old:
                old["bound"] = 3 / old["of"]
        else:
            worse = min if "at_least" in figure else max
            old["value"] = worse(old["value"], figure["value"])
    return list(by_name.values())


def number(value):
    if isinstance(value, float) and value == int(value):
        value = int(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.3g}"


def text_of(figure):
    """One figure as the table has it."""
    text = f"{figure['what']}: {number(figure['value'])}"
    if "of" in figure:
        text += f" of {number(figure['of'])}"
    if figure.get("unit"):
        text += f" {figure['unit']}"
    notes = []
    if "bound" in figure:
        notes.append(f"< {figure['bound']:.1g}")
    if "at_most" in figure:
        notes.append(f"at most {number(figure['at_most'])}")
    if "at_least" in figure:
        notes.append(f"at least {number(figure['at_least'])}")
    if "control" in figure:
        notes.append(f"control {number(figure['control'])}")
    return text + (f" ({', '.join(notes)})" if notes else "")


def is_judged(figure):
    """What only tells something is in the JSON, not in the table."""
    return any(name in figure for name in ("of", "at_most", "at_least"))


def rows_of(document):
    rows = []
    with open(document) as lines:
        for line in lines:
            match = ROW.match(line.rstrip("\n"))
            if match:
                rows.append(match.groups())
    return rows


def machine():
    with open("/proc/cpuinfo") as lines:
        models = [l.split(":")[1].strip() for l in lines
                  if l.startswith("model name")]
    return {"processor": models[0] if models else "unknown",
            "processors": os.cpu_count(), "kernel": os.uname().release}


def commit():
    run = subprocess.run(["git", "rev-parse", "HEAD"], text=True,
                         capture_output=True)
    return run.stdout.strip()


def keep(document, figures):
    """Each row with the figures of this run; a row without any stays."""
    kept = []
    with open(document) as lines:
        for line in lines:
            match = ROW.match(line.rstrip("\n"))
            if match:
                mine = [f for f in figures
                        if f["claim"] == match[1] and is_judged(f)]
                last = "; ".join(map(text_of, merged(mine))) or match[3]
                line = f"| {match[1]} | {match[2]} | {last} | {match[4]} |\n"
            kept.append(line)
    with open(document, "w") as out:
        out.writelines(kept)


def main():
    build, document = sys.argv[1:3]
    results = results_of(build)
    figures = figures_of(build)
    rows = rows_of(document)
    if not rows:
        sys.exit(f"no claims in {document}")
    claims = []
    only_run = "--only-run" in sys.argv
    for name, claim, _, tests in rows:
        named = TEST.findall(tests)
        if only_run:
            named = [test for test in named if test in results]
            if not named:
                continue
        shown = {test: results.get(test, "MISSING") for test in named}
        holds = bool(shown) and all(r == "PASS" for r in shown.values())
        claims.append({"id": name, "claim": claim, "holds": holds,
                       "tests": shown,
                       "figures": merged(f for f in figures
                                         if f["claim"] == name)})
        for test, result in shown.items():
            if result != "PASS":
                print(f"{name} IS NOT SHOWN: {test} ({result})")
        if not named:
            print(f"{name} names no test")
    unknown = {f["claim"] for f in figures} - {row[0] for row in rows}
    for name in sorted(unknown):
        print(f"a figure is of no claim: {name}")
    with open(f"{build}/results/seed") as seed:
        run = {"commit": commit(), "machine": machine(),
               "form": "soak" if os.environ.get("EFFORT_S") else "claims",
               "seed": int(seed.read()), "claims": claims}
    with open(f"{build}/claims.json", "w") as out:
        json.dump(run, out, indent=1)
        out.write("\n")
    if "--keep" in sys.argv:
        keep(document, figures)
    held = sum(claim["holds"] for claim in claims)
    print(f"{held} of {len(claims)} claims hold; written: {build}/claims.json")
    sys.exit(held != len(claims) or bool(unknown))


main()
