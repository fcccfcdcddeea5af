#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The long form: everything that draws, kills, mutates or repeats goes on
# instead of stopping after its usual rounds, then every fuzzer runs; and all of
# it again from another seed, until HOURS are over.
#   soak.sh BUILD HOURS
# Writes BUILD/claims.json as `make claims` does, with the figures of all rounds
# in one.  A round that failed is kept in BUILD/soak.SEED.
set -u

build=$1
end=$(($(date +%s) + $(awk -v hours="$2" 'BEGIN { printf "%d", hours * 3600 }')))
share_s=60 # of a test, and of a fuzzer, in a round: within every time limit
share_of_little=10

# A test has a long form by its rounds, by what is exhaustive there, or by the
# mutations of tdx_mutation.h.
programs=()
for source in $(grep -lE 'effort_of\(|effort_is_long\(|tdx_mutation_run\(' tests/*/test_*.c); do
	programs+=("$build/${source%.c}")
done
fuzzers=()
for source in tests/fuzz/fuzz_*.c; do
	fuzzers+=("$build/${source%.c}")
done
[ "${#programs[@]}" -gt 0 ] || { echo "soak.sh: nothing is long" >&2; exit 1; }

left=$((end - $(date +%s)))
[ "$left" -ge $((share_s * (${#programs[@]} + ${#fuzzers[@]}))) ] ||
	share_s=$share_of_little
export EFFORT_S=$share_s
# A program has many tests, of which a few run side by side.
export PCC_TEST_LIMIT=$((600 + 20 * share_s))

figures=$build/soak.figures
: >"$figures"
failed=0 rounds=0
while [ "$rounds" -eq 0 ] || [ "$(date +%s)" -lt "$end" ]; do
	rounds=$((rounds + 1))
	unset SEED
	echo "round $rounds: $EFFORT_S s a test and a fuzzer," \
		"$((end - $(date +%s))) s left"
	if ! tools/run_tests.sh "$build" "${programs[@]}"; then
		failed=1
		cp -r "$build/results" "$build/soak.$(cat "$build/results/seed")"
	fi
	cat "$build/results/figures" >>"$figures"
	[ "$(date +%s)" -lt "$end" ] || break
	tools/run_fuzzers.sh "$share_s" "${fuzzers[@]}" || failed=1
done
cp "$figures" "$build/results/figures"
tools/claims.py "$build" SECURITY.md --only-run || failed=1
echo "$rounds rounds"
exit "$failed"
