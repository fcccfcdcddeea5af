#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fail unless every test that SECURITY.md's claims name has passed in the last
# run.
#   check_claims.sh BUILD SECURITY.md
# A claim is a table row that begins with an id such as B4 or A2c; its tests stand in
# back quotes as `suite/test`.
set -eu
build=$1
document=$2
status=0

passed=$(cat "$build"/results/*.log |
	sed -n 's/^\[PASS\] \([a-z0-9_]*\)::\([A-Za-z0-9_]*\).*/\1\/\2/p')
rows=$(grep -E '^\| [A-Z][0-9]+[a-z]? ' "$document") || {
	echo "no claims in $document"
	exit 1
}

while IFS= read -r row; do
	id=$(echo "$row" | awk '{ print $2 }')
	tests=$(echo "$row" | grep -o '`[a-z0-9_]*/[A-Za-z0-9_]*`' | tr -d '`' || :)
	[ -n "$tests" ] || { echo "$id names no test"; status=1; }
	for test in $tests; do
		if echo "$passed" | grep -qxF "$test"; then
			echo "$id holds: $test"
		else
			echo "$id IS NOT SHOWN: $test"
			status=1
		fi
	done
done <<END
$rows
END
exit $status
