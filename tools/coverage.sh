#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Run every fuzzer once over its seeds, and nothing else, and tell how much of
# the parsers that reaches.
#   coverage.sh BUILD
#   coverage.sh --digest
# BUILD holds fuzzers that count (`make coverage`).  Prints, and writes to
# tests/fuzz/coverage, lines and branches of each file with a parser that
# tests/fuzz/parsers names, and of all together.  It fails where a parser was
# not reached by the fuzzer that is named for it, or all together are below
# 95 % of lines or 89 % of branches, and then leaves the table as it was.  The
# table names the digest of the parsers' list and of all seeds, which is all that
# --digest prints.
set -u

digest() {
	(cd tests/fuzz && find parsers corpus -type f | LC_ALL=C sort |
		xargs -d '\n' sha256sum | sha256sum | cut -c 1-64)
}

[ "$1" != --digest ] || { digest; exit; }
build=$1
least_lines=95 least_branches=89
table=tests/fuzz/coverage
out=$build/profiles
failed=0
rm -rf "$out"
mkdir -p "$out"

objects=()
for fuzzer in "$build"/tests/fuzz/fuzz_*; do
	[ -x "$fuzzer" ] && [ -f "$fuzzer" ] || continue
	name=${fuzzer##*/fuzz_}
	LLVM_PROFILE_FILE=$out/$name.raw "$fuzzer" -runs=0 -timeout=10 \
		"tests/fuzz/corpus/$name" >"$out/$name.log" 2>&1 || {
		echo "FAILED  $name: its seeds"
		tail -n 20 "$out/$name.log" | sed 's/^/  | /'
		failed=1
	}
	llvm-profdata merge -sparse "$out/$name.raw" -o "$out/$name.profile"
	llvm-profdata show -all-functions "$out/$name.profile" |
		awk '/^  [^ ].*:$/ { name = $1; sub(/:$/, "", name) }
			/Function count:/ && $3 > 0 { print name }' \
			>"$out/$name.reached"
	rm "$out/$name.raw"
	objects+=(-object "$fuzzer")
done
[ ${#objects[@]} -gt 0 ] || { echo "coverage.sh: no fuzzer in $build" >&2
	exit 1; }

# Each parser by its own fuzzer.
while read -r folder function fuzzer rest; do
	case $folder in '' | '#'*) continue ;; esac
	[ "$fuzzer" != - ] || continue
	grep -qx "$function" "$out/$fuzzer.reached" 2>/dev/null && continue
	echo "$folder/ $function is not reached by the seeds of fuzz_$fuzzer"
	failed=1
done <tests/fuzz/parsers

# The files that these are in.
mapfile -t files < <(awk '!/^#/ && NF == 3 { print $1, $2 }' \
	tests/fuzz/parsers | while read -r folder function; do
	grep -lE "^([a-z].* \**)?$function\(" "$folder"/*.c
done | sort -u)

llvm-profdata merge -sparse "$out"/*.profile -o "$out/all"
llvm-cov report -show-functions -path-equivalence=.,"$PWD" \
	-instr-profile "$out/all" "${objects[@]:1:1}" "${objects[@]:2}" \
	"${files[@]/#/$PWD/}" >"$out/functions" 2>"$out/cov.log"
python3 - "$out/functions" "$least_lines" "$least_branches" "$(digest)" \
	"${files[@]}" >"$table.new" <<'END'
import re
import sys

report, least_lines, least_branches, digest = sys.argv[1:5]
wanted = set(sys.argv[5:])
# Nor what tests/fuzz/parsers gives a reason for.
with open("tests/fuzz/parsers") as lines:
    reasoned = {line.split()[1] for line in lines
                if line[0] != "#" and line.split()[2:3] == ["-"]}
NOT_READING = re.compile(r"(^|_)(put|write|written|encode|print|describe|name|"
                         r"text|make|sign|seal|export|generate|start|appraise|"
                         r"judge|judged|wipe|verdict)(_|$)")
ROW = re.compile(r"^(\S+) +(\d+) +(\d+) +\S+ +(\d+) +(\d+) +\S+ +(\d+) +(\d+) ")
files, path = {}, None
with open(report) as lines:
    for line in lines:
        head = re.match(r"File '\./(.*)':", line)
        if head:
            path = head[1]
            files[path] = {}
            continue
        row = ROW.match(line)
        if not row or row[1] == "TOTAL":
            continue
        function = row[1].split(":")[-1]
        if NOT_READING.search(function) or function in reasoned:
            continue
        # Lines and branches of it, and of those not reached.
        files[path][function] = [int(row[i]) for i in (4, 5, 6, 7)]


def part(count, missed):
    return 100 * (count - missed) / count if count else 100


def show(name, sums):
    lines, no_lines, branches, no_branches = sums
    print(f"{name:<34} {lines - no_lines:>6} {lines:>6}"
          f" {part(lines, no_lines):>6.1f} {branches - no_branches:>6}"
          f" {branches:>6} {part(branches, no_branches):>6.1f}")


print("# Lines and branches that the fuzzers' seeds reach in files with parsers,")
print("# but for functions that write, print or judge (make coverage):")
print(f"# of {digest}")
print("# FILE  LINES OF %  BRANCHES OF %")
total, functions, missed = [0] * 4, 0, []
for path in sorted(files):
    sums = [sum(column) for column in zip(*files[path].values())] or [0] * 4
    show(path, sums)
    total = [a + b for a, b in zip(total, sums)]
    functions += len(files[path])
    missed += [f"{path}:{name}" for name, counts in sorted(files[path].items())
               if counts[0] == counts[1]]
show(f"all {len(files)} files", total)
print(f"# {functions - len(missed)} of {functions} functions;"
      f" not reached: {' '.join(missed) or 'none'}")
absent = wanted - set(files)
for path in sorted(absent):
    print(f"{path}: no fuzzer holds it", file=sys.stderr)
good = (part(*total[:2]) >= float(least_lines) and
        part(*total[2:]) >= float(least_branches) and not absent)
sys.exit(not good)
END
[ $? -eq 0 ] || { echo "below $least_lines % of lines, $least_branches % of branches"
	failed=1; }
cat "$table.new"
if [ "$failed" -eq 0 ]; then
	mv "$table.new" "$table"
else
	rm "$table.new"
fi
echo "seeds: $(find tests/fuzz/corpus -type f | wc -l) files," \
	"$(find tests/fuzz/corpus -type f -printf '%s\n' |
		awk '{ all += $1 } END { printf "%.1f MB", all / 1e6 }')"
exit "$failed"
