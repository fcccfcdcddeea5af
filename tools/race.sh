#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Look for data races with ThreadSanitizer: in what the threads of one process
# share, and in gateway and client while scenarios run through them.
#   race.sh BUILD RACE
# RACE holds racing, pcc-gateway and pcc-client built with it; tests and nodes
# are BUILD's, since neither Criterion nor a jail goes together with it.  gRPC
# and the others know nothing of it, so what they share is not looked at.  A
# program that complains fails its scenario.
set -u

build=$1
race=$2
mixed=$race/mixed
rm -rf "$mixed"
mkdir -p "$mixed/tests/scenarios"

"$race/tests/hostile/racing" control >/dev/null 2>&1
[ $? -eq 66 ] || { echo "the control's race was not seen"; exit 1; }
timeout 300 "$race/tests/hostile/racing" || failed=1

for program in "$build"/pcc-*[a-z]; do
	[ -f "$program" ] && ln -f "$program" "$mixed/"
done
ln -f "$race/pcc-gateway" "$race/pcc-client" "$mixed/"
programs=()
for test in gateway client; do
	ln -f "$build/tests/scenarios/test_$test" "$mixed/tests/scenarios/"
	programs+=("$mixed/tests/scenarios/test_$test")
done
tools/run_tests.sh "$mixed" "${programs[@]}" || failed=1

[ -z "${failed:-}" ] && echo "no race"
exit "${failed:-0}"
