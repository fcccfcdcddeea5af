#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Build the measured machine: one PE file of a kernel, its first file system and
# its command line, which UEFI firmware measures as a whole.
#   build.sh BUILD [WORD...]
# makes BUILD/vm/pcc-node.efi from BUILD/pcc-node, BUILD/vm/init and files of
# installed Debian packages; beside it node.measure, what its node will say of
# itself, and registers, what its machine's TPM will hold.  The same inputs give
# the same bytes.
#   $PCC_MODEL   the model, else models/home.gguf
#   $VM_KERNEL   the kernel's version, else the newest in /boot
#   $VM_FIRMWARE the code half of OVMF
#   $VM_OUT      another folder than BUILD/vm
# Further words are added to the command line, for tests.
set -eu
export LC_ALL=C SOURCE_DATE_EPOCH=0

build=$1
shift
here=$(dirname "$0")
out=${VM_OUT:-$build/vm}
model=${PCC_MODEL:-models/home.gguf}
kernel=${VM_KERNEL:-$(cd /boot && printf '%s\n' vmlinuz-* | sort -V | tail -n 1 |
	sed 's/^vmlinuz-//')}
firmware=${VM_FIRMWARE:-/usr/share/OVMF/OVMF_CODE_4M.fd}
stub=/usr/lib/systemd/boot/efi/linuxx64.efi.stub
root=$out/root

words() { sed 's/#.*//; s/[[:space:]]//g; /^$/d' "$1"; }

# Every library that the program needs, and the loader, by their own names.
libraries() {
	ldd "$1" | sed -n 's/^.*=> \(\/[^ ]*\) .*$/\1/p; s/^[[:space:]]*\(\/[^ ]*\) .*$/\1/p'
}

fill() {
	local number=10 file
	rm -rf "$root"
	mkdir -p "$root"/{dev,lib,lib64,modules,node,proc,run,sys}
	cp "$build/vm/init" "$root/init"
	# As in a release, so it has that program's digest.
	cp "$build/pcc-node" "$root/node/pcc-node"
	strip --strip-all "$root/node/pcc-node" "$root/init"
	cp "$model" "$root/node/model.gguf"
	cp "$here/policy.conf" "$here/command" "$root/node/"
	chmod 644 "$root"/node/{model.gguf,policy.conf,command}
	for file in $(libraries "$build/pcc-node"); do
		case $file in
		/lib64/ld-*) cp -L "$file" "$root/lib64/" ;;
		*) cp -L "$file" "$root/lib/" ;;
		esac
	done
	chmod 644 "$root"/lib/*
	for file in $(words "$here/modules" | while read -r name; do
		modprobe -S "$kernel" --show-depends "$name"
	done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++'); do
		cp "$file" "$root/modules/$number-${file##*/}"
		number=$((number + 1))
	done
	chmod 644 "$root"/modules/*
}

mkdir -p "$out"
fill
"$here/pack.py" "$root" >"$out/initrd"
{ words "$here/cmdline"; [ $# -eq 0 ] || printf '%s\n' "$@"; } |
	tr '\n' ' ' | sed 's/ $//' >"$out/cmdline"
"$here/uki.py" "$stub" ".osrel=$here/os-release" ".cmdline=$out/cmdline" \
	".initrd=$out/initrd" ".linux=/boot/vmlinuz-$kernel" >"$out/pcc-node.efi"
# What the node in it will say of itself.
{
	"$root/node/pcc-node" --model "$model" --policy "$here/policy.conf" \
		--measure 2>"$out/log" | grep -v -e '^--accept-command'
	echo "--accept-command $(head -c -1 "$here/command" | tr '\n' '\0' |
		sha256sum | cut -d ' ' -f 1)"
} >"$out/node.measure"
"$here/pack.py" --list "$out/initrd" >"$out/files"
diff "$here/files" "$out/files" || {
	echo "build.sh: the image holds other files than deploy/vm/files says" >&2
	exit 1
}
"$here/expect.py" "$out/pcc-node.efi" "$firmware" --node "$out/node.measure" \
	>"$out/registers"
sha256sum "$out/pcc-node.efi"
