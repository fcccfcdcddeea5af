#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Run every benchmark twice, print a table, and write BUILD/bench.json.
#   bench.sh BUILD [--keep]
# A benchmark prints lines of name, value and unit.  Two figures that differ
# much say that the machine was busy: both are shown and both are written.
# What tracks are worth, and what the shape of answers costs, is drawn in
# BUILD/plots.
# --keep also writes tests/bench/figures.json, which README quotes, and the plots
# beside it.
set -u

build=$1
keep=${2:-}
limit=${PCC_BENCH_LIMIT:-90} # seconds a benchmark may take, each time
export MODELS=${MODELS:-../shared/models}
export BENCH_MODELS=${BENCH_MODELS:-$build/bench_models} # made if need be
out=$build/bench.json
table=$build/bench.txt
failed=0

: >"$table"
for program in "$build"/tests/bench/bench_*; do
	[ -x "$program" ] && [ -f "$program" ] || continue
	case $program in *.o | *.d) continue ;; esac
	name=$(basename "$program")
	for round in 1 2; do
		echo "$name, $round of 2 ..." >&2
		timeout -k 5 "$limit" "$program" >"$build/$name.$round" ||
			{ echo "bench: $name failed (status $?)" >&2; failed=1; }
	done
	# Lines of both rounds side by side, by name.
	awk 'NR == FNR { first[$1] = $2; next }
		$1 in first { print $1, first[$1], $2, $3 }' \
		"$build/$name.1" "$build/$name.2" >>"$table"
done

machine=$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1)
{
	printf '{\n  "machine": "%s",\n  "processors": %s,\n' \
		"${machine//[\"\\]/ }" "$(nproc)"
	printf '  "kernel": "%s",\n  "load": %s,\n  "figures": {\n' \
		"$(uname -r)" "$(cut -d' ' -f1 /proc/loadavg)"
	awk '{ printf "%s    \"%s\": { \"values\": [%s, %s], \"unit\": \"%s\" }",
		(NR > 1 ? ",\n" : ""), $1, $2, $3, $4 }' "$table"
	printf '\n  }\n}\n'
} >"$out"

plots=$build/plots
mkdir -p "$plots"
for plot in tracks shape; do
	awk -f tools/svg.awk -f "tools/plot_$plot.awk" "$table" \
		>"$plots/$plot.svg" || rm "$plots/$plot.svg"
done

awk '{ printf "%-44s %14s %14s  %s\n", $1, $2, $3, $4 }' "$table"
echo "written: $out and $plots (load $(cut -d' ' -f1 /proc/loadavg), $(nproc) processors)"
if [ "$keep" = --keep ]; then
	cp "$out" tests/bench/figures.json
	cp "$plots"/{tracks,shape}.svg tests/bench
	echo "kept: tests/bench/figures.json, tests/bench/{tracks,shape}.svg"
fi
exit "$failed"
