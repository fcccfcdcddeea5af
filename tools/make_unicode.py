#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes inference/unicode_table.c from Python's copy of the Unicode database.

usage: make_unicode.py > inference/unicode_table.c
"""
import sys
import unicodedata

LIMIT = 0x110000


def ranges(wanted):
    """[first, last] of each run of code points that are wanted."""
    found = []
    for code in range(LIMIT):
        if not wanted(chr(code)):
            continue
        if found and found[-1][1] == code - 1:
            found[-1][1] = code
        else:
            found.append([code, code])
    return found


def lower_runs():
    """[first, last, step, difference] of letters with one simple lower form:
    runs of neighbours (A to Z) and of every other one (capital, small, ...)."""
    runs = []
    for code in range(LIMIT):
        lower = chr(code).lower()
        if len(lower) != 1 or ord(lower) == code:
            continue
        difference = ord(lower) - code
        last = runs[-1] if runs else None
        if last and last[3] == difference:
            gap = code - last[1]
            if gap <= 2 and (last[0] == last[1] or last[2] == gap):
                last[1], last[2] = code, gap
                continue
        runs.append([code, code, 1, difference])
    return runs


def print_table(declaration, rows):
    print(f"\n{declaration} = {{")
    line = ""
    for row in rows:
        entry = "{ " + ", ".join(row) + " },"
        if len(line) + len(entry) + 1 > 72:
            print("\t" + line)
            line = ""
        line += (" " if line else "") + entry
    print("\t" + line + "\n};")


def print_ranges(name, wanted):
    found = ranges(wanted)
    print_table(f"const struct unicode_range unicode_table_{name}[]",
                [(f"0x{a:x}", f"0x{b:x}") for a, b in found])
    print(f"const size_t unicode_table_{name}_count = {len(found)};")


def main():
    print("/* SPDX-License-Identifier: Apache-2.0 */")
    print("/* Written by tools/make_unicode.py from Unicode "
          f"{unicodedata.unidata_version}; do not edit. */")
    print("/* clang-format off */")
    print('#include "inference/unicode_table.h"')
    print_ranges("letters", lambda c: unicodedata.category(c)[0] == "L")
    print_ranges("numbers", lambda c: unicodedata.category(c)[0] == "N")
    runs = lower_runs()
    print_table("const struct unicode_lower unicode_table_lower[]",
                [(f"0x{a:x}", f"0x{b:x}", str(s), str(d))
                 for a, b, s, d in runs])
    print(f"const size_t unicode_table_lower_count = {len(runs)};")


if __name__ == "__main__":
    sys.exit(main())
