#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Run test programs under valgrind, which sees memory that is read before it
# was written, and all use of memory that is not there.
#   valgrind.sh BUILD SECONDS PROGRAM...
# A program that has not ended after SECONDS is stopped and named: what it did
# until then was looked at.  Whether its tests pass is another matter: valgrind
# is slow, and has neither AVX-512 nor AMX.
set -u

build=$1
seconds=$2
shift 2
out=$build/valgrind
failed=0 clean=0 stopped=0
rm -rf "$out"
mkdir -p "$out"
export MODELS=${MODELS:-../shared/models} VECTORS=${VECTORS:-../shared/vectors}

look() {
	timeout -k 5 "$seconds" valgrind -q --trace-children=yes \
		--trace-children-skip='/bin/*,/usr/bin/*,/usr/lib/*' \
		--log-file="$out/$1.%p" "${@:2}" >"$out/$1.out" 2>&1 </dev/null
}
complaints() {
	grep -lE '^==[0-9]+== (Invalid|Conditional|Use of|Syscall param|Mismatched|Source and dest|Jump to)' \
		"$out/$1".[0-9]* 2>/dev/null
}

look control "$build/tests/hostile/constant_time" branch
[ -n "$(complaints control)" ] || { echo "the control was not seen"; exit 1; }

for program in "$@"; do
	name=${program##*/tests/}
	name=${name//\//.}
	look "$name" "$program"
	status=$?
	found=$(complaints "$name")
	if [ -n "$found" ]; then
		echo "FAILED  $name"
		for file in $found; do
			head -n 30 "$file" | sed 's/^/  | /'
		done
		failed=$((failed + 1))
	elif [ "$status" -eq 124 ]; then
		echo "stopped $name"
		stopped=$((stopped + 1))
	else
		clean=$((clean + 1))
	fi
done
echo "$clean clean to their end, $stopped stopped after $seconds s and clean" \
	"until then, $failed failed"
[ "$failed" -eq 0 ]
