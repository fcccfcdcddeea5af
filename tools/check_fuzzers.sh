#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Fail unless every function that a header declares to parse, take, read, decode
# or load something stands in the table of parsers with its fuzzer, and every
# fuzzer is there with seeds.
#   check_fuzzers.sh TABLE FOLDER...
set -u
table=$1
shift
status=0

complain() { echo "$1"; status=1; }

declared() {
	local header
	for header in "$1"/*.h; do
		sed '/^ *\/\*/,/\*\//d' "$header" |
			grep -oE '\b[a-z0-9_]+_(parse|take|read|decode|load)(_[a-z0-9_]+)?\(' |
			tr -d '('
	done | grep -v '^bytes_take\|^fd_read_all$\|_take_bf16$' | sort -u
}

named() { awk -v folder="$1" '$1 == folder { print $2 }' "$table"; }

for folder in "$@"; do
	missing=$(comm -23 <(declared "$folder") <(named "$folder" | sort -u))
	for function in $missing; do
		complain "$folder/ $function is not in $table"
	done
	for function in $(named "$folder"); do
		grep -qE "\b$function\(" "$folder"/*.h ||
			complain "$table names $function, which $folder/ has not"
	done
done
for fuzzer in $(awk '!/^#/ && NF && $3 != "-" { print $3 }' "$table" | sort -u); do
	[ -f "tests/fuzz/fuzz_$fuzzer.c" ] ||
		complain "$table names fuzz_$fuzzer, which is not there"
done
for source in tests/fuzz/fuzz_*.c; do
	name=${source##*/fuzz_}
	name=${name%.c}
	[ -n "$(ls -A "tests/fuzz/corpus/$name" 2>/dev/null)" ] ||
		complain "fuzz_$name has no seeds in tests/fuzz/corpus/$name"
done
awk '!/^#/ && $3 == "-" && NF < 5 { print $2 ": no reason is given"; bad = 1 }
	END { exit bad }' "$table" || status=1
exit $status
