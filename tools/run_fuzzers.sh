#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Run each fuzzer for a while, from its seeds in tests/fuzz/corpus/ and from
# what earlier runs found, which is kept beside the program.
#   run_fuzzers.sh [--record] [--until COUNT] SECONDS FUZZER...
# A crash, a leak, a hang or a false property is a failure, and its input stays
# in the fuzzer's folder.  Prints one line a fuzzer, and a line of totals.
#
# --record adds what was executed to tests/fuzz/executions, which sums up all
# such runs: under sanitizers, and by the faster programs that are built without
# (`make fuzz CHECKS= BUILD=build/plain`).  With --until a fuzzer executes no
# more than is missing there to COUNT, in programs of its kind.
set -u

record='' until=0
while :; do
	case ${1:-} in
	--record) record=tests/fuzz/executions ;;
	--until) until=$2 && shift ;;
	*) break ;;
	esac
	shift
done
seconds=$1
shift
sums=tests/fuzz/executions
hang_s=10     # one input may take so long
memory_mb=512 # and use so much
failed=0 total=0 ran=0

# checked or plain: whether the program has sanitizers in it.
kind_of() {
	if nm "$1" | grep -q ' __asan_init$'; then
		echo checked
	else
		echo plain
	fi
}

# What was recorded of a fuzzer: the sum of one kind.
recorded() {
	awk -v name="$1" -v kind="$2" '$1 == name {
		print kind == "checked" ? $2 : $3; found = 1 }
		END { if (!found) print 0 }' "$sums"
}

# add NAME KIND RUNS EDGES: findings are not zero where one was recorded before.
add() {
	(
		flock 9
		awk -v name="$1" -v kind="$2" -v runs="$3" -v edges="$4" \
			-v day="$(date -u +%F)" '
			/^#/ { print; next }
			$1 != name { print | "sort"; next }
			{ checked = $2; plain = $3; old = $4 }
			END {
				if (kind == "checked")
					checked += runs
				else
					plain += runs
				if (kind == "checked" || old == "")
					old = edges
				printf "%-20s %13d %13d %6d %s\n", name, checked,
					plain, old, day | "sort"
			}' "$sums" >"$sums.new" && mv "$sums.new" "$sums"
	) 9>"${TMPDIR:-/tmp}/fuzz-executions.lock"
}

for fuzzer in "$@"; do
	name=$(basename "$fuzzer")
	seeds=tests/fuzz/corpus/${name#fuzz_}
	found=$fuzzer.corpus
	log=$fuzzer.log
	kind=$(kind_of "$fuzzer")
	limit=()
	if [ "$until" -gt 0 ]; then
		missing=$((until - $(recorded "${name#fuzz_}" "$kind")))
		[ "$missing" -gt 0 ] || continue
		limit=("-runs=$missing")
	fi
	mkdir -p "$found"
	[ -d "$seeds" ] || { echo "FAILED  $name: it has no seeds in $seeds"
		failed=$((failed + 1))
		continue; }
	nice "$fuzzer" -max_total_time="$seconds" -timeout="$hang_s" \
		-rss_limit_mb="$memory_mb" -print_final_stats=1 -verbosity=1 \
		-artifact_prefix="$found/failed-" "${limit[@]}" "$found" \
		"$seeds" >"$log" 2>&1
	status=$?
	runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
	edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
	total=$((total + ${runs:-0}))
	ran=$((ran + 1))
	if [ "$status" -eq 0 ] && [ "${runs:-0}" -gt 0 ]; then
		printf 'ok      %-22s %12s inputs, %6s edges\n' "$name" \
			"$runs" "${edges:-?}"
		[ -z "$record" ] ||
			add "${name#fuzz_}" "$kind" "$runs" "${edges:-0}"
	else
		printf 'FAILED  %-22s status %s; its log: %s\n' "$name" \
			"$status" "$log"
		tail -n 30 "$log" | sed 's/^/  | /'
		failed=$((failed + 1))
	fi
done
# "0 of N" bounds a rate at 3/N with 95 %.
echo "$total inputs in $ran fuzzers, $failed of them failed"
[ "$failed" -eq 0 ] && [ $# -gt 0 ]
