#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a machine measures is what was computed, and whatever is changed shows.
#   check.sh BUILD [RECORD]
# Boots the image, and three others that differ from it by one byte of the first
# file system, by one word of the command line, and by a command line from
# outside.  Takes two minutes, ends by itself, leaves nothing behind.  With
# RECORD the facts, registers and event log of the first go into that folder,
# for tests/unit/test_vm.c.
set -u

build=${1:-build}
record=${2:-}
here=$(dirname "$0")
image=$build/vm/pcc-node.efi
# shellcheck source=deploy/vm/machine.sh
. "$here/machine.sh"

ok() { echo "  ok      $1"; }

# The names of registers in which two files differ, on one line.
differing() {
	awk 'NR == FNR { value[$1] = $2; next }
		$1 in value && value[$1] != $2 { print $1 }' "$1" "$2" |
		sort -V | xargs
}

# Boot an image; what its machine's registers were is in $folder/NAME.
boot() {
	local name=$1 program=$2
	shift 2
	machine_start "$program" "$folder/$name.console" "$@"
	machine_await 'pcc-node: ready' "$folder/$name.console" ||
		fail "$name: it does not start" "$folder/$name.console"
	gateway_start "$folder/$name.nodes" "$build" ||
		fail "$name: the gateway finds no node" "$folder/gateway.log"
	gateway_stop
	machine_stop
	printed_registers "$folder/$name.console" >"$folder/$name"
}

# A client that trusts the sound image, and what it says of this machine.
verify() {
	"$build/pcc-client" verify --file "$folder/$1.nodes" \
		--trust "$folder/trust" >"$folder/$1.verify" 2>&1
}

refused() {
	verify "$1"
	local code=$?
	[ "$code" -eq 10 ] || fail "$1: verification ends with $code" \
		"$folder/$1.verify"
	grep -q '^ *FAIL *evidence-measurement .*pcr' "$folder/$1.verify" ||
		fail "$1: refused for another reason" "$folder/$1.verify"
	[ "$(grep -c '^ *FAIL' "$folder/$1.verify")" -eq 1 ] ||
		fail "$1: refused for more than that" "$folder/$1.verify"
}

# The event log, as it lies in a bundle that is in a list of nodes.
extract_log() {
	python3 - "$1" <<'END'
import base64, json, sys
text = json.load(open(sys.argv[1]))["nodes"][0]["bundle"]
data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
at = data.index(b"Spec ID Event03\0") - 32
sys.stdout.buffer.write(data[at:at + int.from_bytes(data[at - 2:at], "big")])
END
}

compute() {
	"$here/expect.py" "$2" "$firmware" >"$folder/$1.expected" ||
		fail "$1: nothing can be computed"
}

# The byte of the gzip format that says on what it was made: changing it changes
# nothing but bytes.
flip_byte() {
	python3 - "$here" "$1" "$2" <<'END'
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
import uki
data = bytearray(uki.read(sys.argv[2]))
initrd = uki.Image(data).sections()[".initrd"]
data[bytes(data).index(initrd[:64]) + 9] ^= 1
open(sys.argv[3], "wb").write(data)
END
}

machine_folder

VM_OUT=$folder/again "$here/build.sh" "$build" >"$folder/log" 2>&1 ||
	fail "it cannot be built again" "$folder/log"
cmp "$image" "$folder/again/pcc-node.efi" || fail "a second build differs"
ok "two builds are the same bytes"

touch "$folder/again/root/shell"
"$here/pack.py" "$folder/again/root" >"$folder/planted"
"$here/pack.py" --list "$folder/planted" | cmp -s - "$here/files" &&
	fail "a file that was planted is not noticed"
"$here/pack.py" --list "$build/vm/initrd" | cmp -s - "$here/files" ||
	fail "the image holds other files than are allowed"
ok "it holds the $(wc -l <"$here/files") files and folders allowed, and a planted one shows"

machine_make "$folder" "$build"
compute sound "$image"
boot sound "$image"
[ "$(wc -l <"$folder/sound.expected")" -eq 13 ] || fail "registers are missing"
found=$(differing "$folder/sound.expected" "$folder/sound")
[ -z "$found" ] || fail "not as computed: $found" "$folder/sound"
ok "13 registers are as computed from the image and the firmware's file"
trust "$build/vm/registers" "$build/vm/node.measure" >"$folder/trust"
verify sound || fail "the sound machine is refused" "$folder/sound.verify"
ok "its quote has these registers; a client that trusts them verifies it"
if [ -n "$record" ]; then
	mkdir -p "$record"
	extract_log "$folder/sound.nodes" >"$record/eventlog.bin"
	"$here/expect.py" --facts "$image" "$firmware" >"$record/facts"
	cp "$folder/sound" "$record/registers"
fi

flip_byte "$image" "$folder/flipped.efi"
[ "$(cmp -l "$image" "$folder/flipped.efi" | wc -l)" -eq 1 ] ||
	fail "not one byte was changed"
compute flipped "$folder/flipped.efi"
boot flipped "$folder/flipped.efi"
found=$(differing "$folder/flipped.expected" "$folder/flipped")
[ -z "$found" ] || fail "not as computed: $found" "$folder/flipped"
found=$(differing "$folder/sound.expected" "$folder/flipped")
[ "$found" = "pcr4 pcr9 pcr10 pcr11" ] || fail "a byte changed: $found"
refused flipped
ok "one byte of the first file system changes $found: refused"

VM_OUT=$folder/other "$here/build.sh" "$build" init_on_free=0 \
	>"$folder/log" 2>&1 || fail "it cannot be built" "$folder/log"
compute word "$folder/other/pcc-node.efi"
boot word "$folder/other/pcc-node.efi"
found=$(differing "$folder/word.expected" "$folder/word")
[ -z "$found" ] || fail "not as computed: $found" "$folder/word"
found=$(differing "$folder/sound.expected" "$folder/word")
[ "$found" = "pcr4 pcr9 pcr10 pcr11" ] || fail "a word changed: $found"
refused word
ok "one word of the command line changes $found: refused"

boot outside "$image" -append "$(cat "$build/vm/cmdline") init_on_free=0"
found=$(differing "$folder/sound.expected" "$folder/outside")
[ "$found" = "pcr9 pcr10 pcr12" ] || fail "a line from outside: $found"
refused outside
ok "a command line from outside changes $found: refused"
