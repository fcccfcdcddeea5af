#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Run Criterion programs and print each sentence that they prove.
#   run_tests.sh BUILD PROGRAM...
# Programs in tests/scenarios/ start whole nodes and run one at a time; beside
# them, in another lane, run all others, and in a third what only waits.  A
# program that crashes, hangs, leaks or holds no test is a failure, and nothing
# is tried twice.  What could not be
# looked at, for want of data or of rights, is counted as skipped and named.
# Those in tests/quiet/ time something: they run when all others are done, each
# of their tests alone; the last is test_journal, which sums up what all logged.
#
# What tests draw follows from $SEED, which is printed; what they measured goes
# into BUILD/results/figures (see tests/figure.h).
#
# The last line is "N passed, N failed, N skipped".
set -u

limit=${PCC_TEST_LIMIT:-600} # seconds a program may take
build=$1
shift

export MODELS=${MODELS:-../shared/models}
export VECTORS=${VECTORS:-../shared/vectors}
export ASAN_OPTIONS=${ASAN_OPTIONS:-abort_on_error=1:detect_leaks=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}

results=$build/results
rm -rf "$results"
mkdir -p "$results"
export FIGURES=$PWD/$results/figures
[ "${build#/}" = "$build" ] || FIGURES=$results/figures
export SEED=${SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
echo "SEED=$SEED"
echo "$SEED" >"$results/seed"
# An ordinary user, which some tests become, has to get through it.
TMPDIR=$(mktemp -d) && chmod 711 "$TMPDIR" || exit 1
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
trap 'kill $(jobs -p) 2>/dev/null; exit 130' INT TERM

# "a_worker_is_killed" becomes "a worker is killed"; one line for each test.
sentences() {
	sed -n 's/^\[\(PASS\|FAIL\|SKIP\)\] \([^:]*\)::\([^:]*\): *\(.*\)$/\1 \2 \3 \4/p' "$1" |
		while read -r mark suite name rest; do
			case $mark in
			PASS) mark=ok rest= ;;
			FAIL) mark=FAILED rest=" $rest" ;;
			SKIP) mark=skipped rest=": $rest" ;;
			esac
			printf '  %-8s%s: %s%s\n' "$mark" "$suite" \
				"${name//_/ }" "$rest"
		done
}

count() { grep -c "^\[$1\] " "$2"; }

# Folders have programs of one name: tests/unit/test_x is "unit.test_x".
name_of() {
	local name=${1##*/tests/}
	echo "${name//\//.}"
}

# One program, from start to its lines in $results/NAME.{out,counts}.
run() {
	local program=$1 name log status passed failed skipped why= jobs=
	name=$(name_of "$program")
	log=$results/$name.log
	case $program in */quiet/*) jobs=1 ;; esac
	timeout -k 5 "$limit" "$program" --verbose ${jobs:+--jobs $jobs} \
		>"$log" 2>&1 </dev/null
	status=$?
	passed=$(count PASS "$log") failed=$(count FAIL "$log")
	skipped=$(count SKIP "$log")
	if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
		why="it ended with status $status"
		[ "$status" -ne 124 ] || why="it took more than $limit s"
	elif [ $((passed + failed + skipped)) -eq 0 ]; then
		why="it holds no test"
	elif grep -q 'Sanitizer: \|runtime error: ' "$log"; then
		why="a sanitizer complained"
	elif [ "$failed" -eq 0 ] && grep -q ': Assertion Failed' "$log"; then
		# Criterion does not count what fails once a test has ended.
		why="something failed after a test"
	fi
	{
		sentences "$log"
		[ -z "$why" ] || echo "  FAILED  $name: $why"
		if [ "$failed" -gt 0 ] || [ -n "$why" ]; then
			echo "  --- the end of $log"
			grep -v '^\[\(RUN \|PASS\|SKIP\)' "$log" | tail -n 60 |
				sed 's/^/  | /'
		fi
	} >"$results/$name.out"
	[ -z "$why" ] || failed=$((failed + 1))
	echo "$passed $failed $skipped" >"$results/$name.counts"
	# One write, so that the lanes do not mix.
	printf '%s\n%s\n' "$name" "$(cat "$results/$name.out")"
}

lane() {
	local program
	for program in "$@"; do
		run "$program"
	done
}

nodes=() others=() sleepers=() quiet=() journal=()
for program in "$@"; do
	case $program in
	*/quiet/test_journal) journal+=("$program") ;;
	*/quiet/*) quiet+=("$program") ;;
	*/test_rotation | */test_hung) sleepers+=("$program") ;;
	*/scenarios/*) nodes+=("$program") ;;
	*) others+=("$program") ;;
	esac
done

lane "${sleepers[@]}" &
lane "${nodes[@]}" &
lane "${others[@]}" &
wait
lane "${quiet[@]}" "${journal[@]}"

passed=0 failed=0 skipped=0
for program in "$@"; do
	read -r p f s 2>/dev/null <"$results/$(name_of "$program").counts" ||
		{ p=0 f=1 s=0; }
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
done
[ $# -gt 0 ] || { echo "there is no test program"; failed=1; }
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
