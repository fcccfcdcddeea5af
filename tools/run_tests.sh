#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Run test programs one after the other and close with one line of counts.
#   run_tests.sh BUILD PROGRAM...
# Each program's sentences are printed; a leak or an empty program is a failure.
set -u
build=$1
shift
passed=0 failed=0 skipped=0
export ASAN_OPTIONS="${ASAN_OPTIONS:-abort_on_error=1:detect_leaks=1}"
export PCC_BUILD="$build"

for program in "$@"; do
	log=$build/$(basename "$program").log
	name=$(basename "$program")
	"$program" --verbose >"$log" 2>&1
	status=$?
	ok=$(grep -c '^\[PASS\]\|PASS' "$log" || :)
	line=$(grep -o 'Tested: [0-9]* | Passing: [0-9]* | Failing: [0-9]* | Crashing: [0-9]*' "$log" | tail -n 1)
	set -- "$line"
	tested=$(echo "$line" | sed -n 's/.*Tested: \([0-9]*\).*/\1/p')
	passing=$(echo "$line" | sed -n 's/.*Passing: \([0-9]*\).*/\1/p')
	skips=$(grep -c 'SKIP' "$log" || :)
	: "${tested:=0}" "${passing:=0}"
	if [ "$status" -ne 0 ] || [ "$tested" -eq 0 ]; then
		failed=$((failed + 1))
		echo "FAILED $name (exit $status)"
		tail -n 40 "$log"
	fi
	passed=$((passed + passing))
	skipped=$((skipped + skips))
	echo "$name: $line"
done
[ "$skipped" -eq 0 ] || echo "skipped: $skipped (data that is not there)"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
