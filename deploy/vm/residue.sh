#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What is left of a question in all the memory of the machine that answered it.
#   residue.sh BUILD [RECORD]
# Boots the image and asks it two questions, a random word each; the client is on
# this side, and hangs up in the middle of the second answer.  In the middle and
# afterwards QEMU writes out all the memory that the machine has, kernel and free
# pages included, and the word is searched for in it, in all its forms.  Then the
# same with a kernel that does not clear what is freed.  Takes four minutes, 2 GB, ends by itself, leaves
# nothing behind.  With RECORD, what was found goes into that file.
set -u

build=${1:-build}
record=${2:-}
here=$(dirname "$0")
memory=1024 # MiB, as machine_start gives
# shellcheck source=deploy/vm/machine.sh
. "$here/machine.sh"

# All of the machine's memory, as of one moment, into a file.
dump() {
	python3 - "$VM_MONITOR" "$1" "$memory" <<'END'
import socket, sys, time
monitor = socket.socket(socket.AF_UNIX)
monitor.connect(sys.argv[1])
monitor.settimeout(120)
# The last 2 GiB below 4 GiB are devices'; one GiB of memory lies below them.
for line in ("stop", 'pmemsave 0 %d "%s"' % (int(sys.argv[3]) << 20,
                                              sys.argv[2]), "cont"):
    monitor.sendall(line.encode() + b"\n")
time.sleep(0.2)
text = b""
while text.count(b"(qemu)") < 4:
    text += monitor.recv(65536)
END
	[ "$(stat -c %s "$1")" -eq $((memory << 20)) ] || fail "no whole memory"
}

# Hits of the word of now in a file that is then gone.
look() {
	local found
	found=$("$build/vm/look" "$1" <"$folder/word") || fail "nobody looks"
	rm -f "$1"
	echo "${found%% *}"
}

# A new word as a question, until the machine has it: hits in $during.
begin() {
	tr -dc a-z </dev/urandom | head -c 64 >"$folder/word"
	ask "$1" &
	client=$!
	during=0
	for delay in 0.4 0.1 0.1 0.1 0.1 0.1 0.1 0.1; do
		[ "$during" -eq 0 ] && kill -0 "$client" 2>/dev/null || break
		sleep "$delay"
		dump "$folder/memory"
		during=$(look "$folder/memory")
	done
}

# Once another worker is in the place of the one that had it: hits in $after.
finish() {
	sleep 3
	dump "$folder/memory"
	after=$(look "$folder/memory")
}

# Boot an image, of these registers and this node; ask it twice, of which the
# second client goes in the middle.  $found is what was found.
try() {
	local name=$1 image=$2
	export VM_MONITOR=$folder/monitor
	machine_start "$image" "$folder/$name.console"
	machine_await 'pcc-node: ready' "$folder/$name.console" ||
		fail "$name: it does not start" "$folder/$name.console"
	gateway_start "$folder/$name.nodes" "$build" ||
		fail "$name: the gateway finds no node" "$folder/gateway.log"
	trust "$3" "$4" | grep -v '^release' >"$folder/$name.trust"
	begin "$name"
	wait "$client" || fail "$name: no answer" "$folder/$name.client"
	finish
	found="$during $after"
	begin "$name"
	kill "$client" 2>/dev/null || fail "$name: its client is gone already"
	wait "$client" 2>/dev/null
	finish
	found="$found $during $after"
	gateway_stop
	machine_stop
}

ask() {
	exec "$build/pcc-client" chat --gateway "http://127.0.0.1:$web" \
		--trust "$folder/$1.trust" --max-tokens 200 \
		--once "$(cat "$folder/word")" >"$folder/$1.answer" \
		2>"$folder/$1.client"
}

machine_folder

machine_make "$folder" "$build"
VM_OUT=$folder/other "$here/build.sh" "$build" init_on_free=0 \
	>"$folder/log" 2>&1 || fail "it cannot be built" "$folder/log"

try cleared "$build/vm/pcc-node.efi" "$build/vm/registers" "$build/vm/node.measure"
cleared=$found
try kept "$folder/other/pcc-node.efi" "$folder/other/registers" \
	"$folder/other/node.measure"
kept=$found

tell() {
	echo "$1: answered: $2 hits during, $3 after; hung up: $4 during, $5 after"
}

result() {
	echo "make vm-residue: all $memory MiB of the machine's memory"
	# shellcheck disable=SC2086
	tell init_on_free=1 $cleared
	# shellcheck disable=SC2086
	tell init_on_free=0 $kept
}
result
[ -z "$record" ] || result >"$record"
for found in "$cleared" "$kept"; do
	read -r during after during_too after_too <<<"$found"
	[ "$during" -gt 0 ] && [ "$during_too" -gt 0 ] ||
		fail "the search is blind: what a worker has is not found"
	[ "$found" != "$cleared" ] || [ $((after + after_too)) -eq 0 ] ||
		fail "something is left"
done
