#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Read a log of the node against its grammar, policy/log.grammar.

    log_check.py LOG             accept or reject a log file ("-": standard input)
    log_check.py --bits          how much one line of a request can tell
    log_check.py --explain LOG   the same log with names in place of codes

A log is accepted (exit 0) when every byte of it is a line of the grammar, and
rejected (exit 1) with the number of the first line that is not.  Nothing of a
rejected line is printed: it may be what should not have been there.
"""
import math
import os
import re
import sys

HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
GRAMMAR = os.path.join(HOME, "policy", "log.grammar")
NUMBER = re.compile(rb"0|[1-9][0-9]*")


class Field:
    def __init__(self, name, kind, most, names):
        self.name, self.kind, self.most, self.names = name, kind, most, names

    def values(self):
        """How many different values the field can have."""
        if self.kind == "bucket":
            return len(buckets(self.most))
        return self.most + 1

    def accepts(self, digits):
        if not NUMBER.fullmatch(digits) or len(digits) > 20:
            return False
        value = int(digits)
        if self.kind == "bucket":
            return value in buckets(self.most)
        return value <= self.most


def buckets(most):
    steps = {0}
    ten = 1
    while ten <= most:
        steps |= {step * ten for step in (1, 2, 5) if step * ten <= most}
        ten *= 10
    return steps


def read_grammar(path):
    """{event: (subject, [Field])}, from the lines of events_grammar_write()."""
    events, fields = {}, None
    with open(path, encoding="ascii") as file:
        lines = file.read().splitlines()
    if lines[0] != "grammar 1":
        sys.exit("log_check: this grammar is of a form that is not known here")
    for line in lines[1:]:
        word, name, *rest = line.split(" ")
        if word == "event":
            fields = []
            events[name.encode()] = (rest[0], fields)
        else:
            fields.append(Field(name, rest[0], int(rest[1]), rest[2:]))
    return events


def parse(events, line):
    """The event, its fields and their digits, or None."""
    name, *pairs = line.split(b" ")
    if name not in events:
        return None
    fields = events[name][1]
    if len(pairs) != len(fields):
        return None
    values = []
    for field, pair in zip(fields, pairs):
        key, equals, digits = pair.partition(b"=")
        if key != field.name.encode() or not equals:
            return None
        if not field.accepts(digits):
            return None
        values.append(int(digits))
    return name, fields, values


def explain(parsed):
    name, fields, values = parsed
    shown = [
        field.names[value] if field.names else str(value)
        for field, value in zip(fields, values)
    ]
    pairs = " ".join(f"{f.name}={v}" for f, v in zip(fields, shown))
    return f"{name.decode()} {pairs}"


def print_bits(events):
    total = 0.0
    for name, (subject, fields) in events.items():
        if subject != "request":
            continue
        bits = sum(math.log2(field.values()) for field in fields)
        total += bits
        parts = " x ".join(f"{f.values()} {f.name}" for f in fields)
        print(f"{name.decode():16} {bits:5.1f} bits at most  ({parts})")
    print(f"{'all of them':16} {total:5.1f} bits at most, times apart")


def main(arguments):
    show = "--explain" in arguments
    events = read_grammar(GRAMMAR)
    if arguments == ["--bits"]:
        print_bits(events)
        return 0
    names = [name for name in arguments if name != "--explain"]
    if len(names) != 1:
        sys.exit(__doc__)
    with sys.stdin.buffer if names[0] == "-" else open(names[0], "rb") as file:
        log = file.read()
    lines = log.split(b"\n")
    if lines.pop() != b"":
        print(f"rejected: line {len(lines) + 1} does not end")
        return 1
    for number, line in enumerate(lines, 1):
        parsed = parse(events, line)
        if parsed is None:
            print(f"rejected: line {number} is not of the grammar")
            return 1
        if show:
            print(explain(parsed))
    if not show:
        print(f"accepted: {len(lines)} lines")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
