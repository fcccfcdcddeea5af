#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The long form: for HOURS, everything that draws, kills, mutates or repeats
# goes on instead of stopping after its usual rounds, then every fuzzer runs.
#   soak.sh BUILD HOURS
# Programs have two thirds of the time, each test of theirs the same share;
# fuzzers have one.  Writes BUILD/claims.json, as `make claims` does.
set -u

build=$1
seconds=$(awk -v hours="$2" 'BEGIN { printf "%d", hours * 3600 }')
[ "$seconds" -ge 60 ] || { echo "soak.sh: less than a minute" >&2; exit 1; }

programs=() tests=0
for source in $(grep -l 'effort_of(' tests/*/test_*.c); do
	programs+=("$build/${source%.c}")
	tests=$((tests + $(grep -c '= effort_of(' "$source")))
done
fuzzers=("$build"/tests/fuzz/fuzz_*[a-z])
[ "$tests" -gt 0 ] || { echo "soak.sh: no test has a long form" >&2; exit 1; }

EFFORT_S=$((seconds * 2 / 3 / tests))
[ "$EFFORT_S" -gt 0 ] || EFFORT_S=1
export EFFORT_S PCC_TEST_LIMIT=$((seconds + 600))
each=$((seconds / 3 / ${#fuzzers[@]}))
echo "$tests tests of $EFFORT_S s in ${#programs[@]} programs," \
	"${#fuzzers[@]} fuzzers of $each s"

failed=0
tools/run_tests.sh "$build" "${programs[@]}" || failed=1
tools/run_fuzzers.sh $((each > 0 ? each : 1)) "${fuzzers[@]}" || failed=1
tools/claims.py "$build" SECURITY.md --only-run || failed=1
exit "$failed"
