#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Run each fuzzer for a while, from its seeds in tests/fuzz/corpus/ and from
# what earlier runs found, which is kept beside the program.
#   run_fuzzers.sh SECONDS FUZZER...
# A crash, a leak, a hang or a false property is a failure, and its input stays
# in the fuzzer's folder.  Prints one line a fuzzer, and a line of totals.
set -u

seconds=$1
shift
hang_s=10     # one input may take so long
memory_mb=512 # and use so much
failed=0 total=0

for fuzzer in "$@"; do
	name=$(basename "$fuzzer")
	seeds=tests/fuzz/corpus/${name#fuzz_}
	found=$fuzzer.corpus
	log=$fuzzer.log
	mkdir -p "$found"
	[ -d "$seeds" ] || { echo "FAILED  $name: it has no seeds in $seeds"
		failed=$((failed + 1))
		continue; }
	nice "$fuzzer" -max_total_time="$seconds" -timeout="$hang_s" \
		-rss_limit_mb="$memory_mb" -print_final_stats=1 -verbosity=1 \
		-artifact_prefix="$found/failed-" "$found" "$seeds" \
		>"$log" 2>&1
	status=$?
	runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
	edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
	total=$((total + ${runs:-0}))
	if [ "$status" -eq 0 ] && [ "${runs:-0}" -gt 0 ]; then
		printf 'ok      %-22s %12s inputs, %6s edges\n' "$name" \
			"$runs" "${edges:-?}"
	else
		printf 'FAILED  %-22s status %s; its log: %s\n' "$name" \
			"$status" "$log"
		tail -n 30 "$log" | sed 's/^/  | /'
		failed=$((failed + 1))
	fi
done
# "0 of N" bounds a rate at 3/N with 95 %.
echo "$total inputs in $# fuzzers, $failed of them failed"
[ "$failed" -eq 0 ] && [ $# -gt 0 ]
