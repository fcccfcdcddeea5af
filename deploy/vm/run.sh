#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# One private answer of a measured machine, from its first instruction on.
#   run.sh BUILD [QUESTION]
# Boots BUILD/vm/pcc-node.efi in QEMU with OVMF and a TPM of its own, in a
# folder and on ports of its own; ends by itself, in a minute or two, and leaves
# nothing behind.  Needs no rights.
set -u

build=${1:-build}
question=${2:-turn on the kitchen lights}
here=$(dirname "$0")
# shellcheck source=deploy/vm/machine.sh
. "$here/machine.sh"

part() { printf '\n%s\n' "$*"; }

machine_folder

part "1. What the TPM of a machine that starts this image has to hold"
sed 's/^/  /' "$build/vm/registers"

part "2. Its release is logged, its TPM certified, and it starts"
began=$(date +%s)
machine_make "$folder" "$build"
openssl x509 -in "$folder/ak.pem" -noout -issuer -enddate | sed 's/^/  /'
machine_start "$build/vm/pcc-node.efi" "$folder/console"
machine_await 'pcc-node: ready' "$folder/console" ||
	fail "the machine does not start" "$folder/console"
echo "  firmware, kernel and node, ready after $(($(date +%s) - began)) s"

part "3. What its TPM held before the node"
printed_registers "$folder/console" >"$folder/found"
while read -r register value; do
	[ "$register" != pcr14 ] || continue
	if grep -q "^$register $value\$" "$folder/found"; then
		echo "  $register as computed"
	else
		fail "$register is not as computed" "$folder/found"
	fi
done <"$build/vm/registers"

part "4. What a client trusts, and what it checks before it sends a byte"
trust "$build/vm/registers" "$build/vm/node.measure" >"$folder/trust"
sed 's/^/  /' "$folder/trust"
gateway_start "$folder/nodes" "$build" ||
	fail "the gateway finds no node" "$folder/gateway.log"
echo
"$build/pcc-client" verify --gateway "http://127.0.0.1:$web" \
	--trust "$folder/trust" >"$folder/verify" 2>&1
code=$?
sed 's/^/  /' "$folder/verify"
[ "$code" -eq 0 ] || fail "the node does not verify" "$folder/gateway.log"

part "5. A question, and its answer"
echo "  user:  $question"
printf '  model: '
"$build/pcc-client" chat --gateway "http://127.0.0.1:$web" \
	--trust "$folder/trust" --max-tokens 60 --once "$question" \
	2>"$folder/client.log" || fail "there was no answer" "$folder/client.log"

part "6. All that the machine wrote down, but for the ticks that an emulator misses"
tr -d '\r\033' <"$folder/console" | grep -v -e "init: pcr" -e ticks_missed |
	sed 's/\[[0-9;=]*[A-Za-z]//g; s/^/  /'
