# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Sourced by run.sh, check.sh and residue.sh: a machine with a TPM, in QEMU, in
# a folder.
#
#   fail TEXT [LOG]          say so, with the end of a log, and end
#   machine_folder           $folder is a new one; when the script ends, all that
#                            was started has ended and the folder is gone
#   machine_make FOLDER BUILD  a TPM, enrolled; a log that the image is in; the
#                            deployment with its TLS
#   machine_start EFI LOG [OPTION...]  boot it, with further options of QEMU;
#                            $machine is its process, $port the node's
#   machine_await TEXT LOG   until the machine wrote it
#   machine_stop             it and its TPM have ended
#
# Every wait has an end.  From the outside:
#   $VM_ACCEL      kvm where that works, else tcg
#   $VM_FIRMWARE   the code half of OVMF
#   $VM_MONITOR    a path: QEMU's monitor listens there (pmemsave)

firmware=${VM_FIRMWARE:-/usr/share/OVMF/OVMF_CODE_4M.fd}
patience=6000 # tenths of a second that a boot may take; a quiet machine needs 200
life=1200     # seconds that a machine may live
machine=''
gateway=''
address=10.0.2.15/24

fail() {
	echo "  FAILED  $1" >&2
	[ ! -s "${2:-/dev/null}" ] || tail -n 30 "$2" | sed 's/^/  | /' >&2
	exit 1
}

machine_remove() {
	gateway_stop
	machine_stop
	wait 2>/dev/null
	rm -rf "$folder"
}

machine_folder() {
	folder=$(mktemp -d "${TMPDIR:-/tmp}/pcc-vm.XXXXXX") ||
		fail "no folder to work in"
	trap machine_remove EXIT
	trap 'exit 130' INT TERM
}

# An authority of two days, and whom it names.
make_authority() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-days 2 -subj /CN=authority -keyout "$1/ca.key" \
		-out "$1/ca.pem" 2>>"$1/log"
}

make_identity() {
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-subj "/CN=$2" -keyout "$1/$2.key" -out "$1/$2.csr" 2>>"$1/log" &&
		echo "subjectAltName=DNS:$2" >"$1/$2.ext" &&
		openssl x509 -req -in "$1/$2.csr" -CA "$1/ca.pem" \
			-CAkey "$1/ca.key" -CAcreateserial -days 2 \
			-extfile "$1/$2.ext" -out "$1/$2.pem" 2>>"$1/log"
}

# IMA's own register is not quoted: on other machines it goes on and on.
quoted() { grep -v '^pcr10 ' "$1"; }

# Make a log, put the image in it as a release, and take the proof: what is in
# the file of registers is what a machine that runs it has to have.
publish() {
	local folder=$1 build=$2 name value words=()
	while read -r name value; do
		words+=("${name#--accept-}=$value")
	done < <(sed '/^--accept-command/d; s/^--accept-log /grammar /' \
		"$build/vm/node.measure")
	while read -r name value; do
		words+=("measurement=$name:$value")
	done < <(quoted "$build/vm/registers")
	value=$(sha256sum "$build/vm/pcc-node.efi" | cut -d ' ' -f 1)
	"$build/pcc-log" create --log "$folder/log.d" --key "$folder/log.key" \
		--origin vm.invalid/pcc >"$folder/log.name" &&
		"$build/pcc-log" entry release name=pcc-node version=vm \
			"${words[@]}" "manifest=$value" \
			"not-before=$(($(date +%s) - 60))" \
			"not-after=$(($(date +%s) + 86400))" >"$folder/entry" &&
		"$build/pcc-log" append --log "$folder/log.d" \
			--key "$folder/log.key" "$folder/entry" &&
		"$build/pcc-log" prove --log "$folder/log.d" \
			--log-key "$folder/log.d/key" --entry "$folder/entry" \
			>"$folder/proof" &&
		"$build/pcc-log" publish --log-key "$folder/log.d/key" \
			--entry "$folder/entry" --proof "$folder/proof" \
			>"$folder/release"
}

make_tpm() {
	mkdir -p "$1/tpm" "$1/authority"
	cat >"$1/setup.conf" <<END
create_certs_tool= /usr/bin/swtpm_localca
create_certs_tool_config = $1/authority.conf
create_certs_tool_options = $1/authority.options
active_pcr_banks = sha256
END
	cat >"$1/authority.conf" <<END
statedir = $1/authority
signingkey = $1/authority/signkey.pem
issuercert = $1/authority/issuercert.pem
certserial = $1/authority/certserial
END
	cat >"$1/authority.options" <<END
--platform-manufacturer pcc
--platform-version 1
--platform-model vm
END
	swtpm_setup --tpm2 --tpmstate "$1/tpm" --create-ek-cert --lock-nvram \
		--overwrite --config "$1/setup.conf" >>"$1/log" 2>&1
}

# A new TPM has a seed that its maker certified (EK).  Whoever provisions the
# machine certifies the key that it will quote with (AK) once, before it runs.
enrol() {
	local folder=$1 build=$2
	cat "$folder"/authority/*rootca-cert.pem \
		"$folder/authority/issuercert.pem" >"$folder/ek-roots.pem"
	swtpm socket --tpm2 --tpmstate "dir=$folder/tpm" --flags startup-clear \
		--server "type=unixio,path=$folder/tpm.sock" \
		--ctrl "type=unixio,path=$folder/control.sock" \
		>>"$folder/log" 2>&1 &
	tpm=$!
	await_socket "$folder/tpm.sock"
	"$build/pcc-node" --enrol-request "$folder/request" \
		--tpm "unix:$folder/tpm.sock" >"$folder/ek" &&
		"$build/pcc-verify" enrol --request "$folder/request" \
			--ek "$(cat "$folder/ek")" \
			--ek-roots "$folder/ek-roots.pem" --days 1 \
			--ca-key "$folder/ca.key" \
			--ca-certificate "$folder/ca.pem" \
			--out "$folder/answer" &&
		"$build/pcc-node" --enrol-finish "$folder/answer" \
			--ak-certificate "$folder/ak.pem" \
			--tpm "unix:$folder/tpm.sock"
	local code=$?
	kill "$tpm" 2>/dev/null
	wait "$tpm" 2>/dev/null
	rm -f "$folder/tpm.sock" "$folder/control.sock"
	return $code
}

machine_make() {
	folder=$1
	make_tpm "$folder" || fail "no TPM can be made" "$folder/log"
	make_authority "$folder" || fail "no authority" "$folder/log"
	make_identity "$folder" node || fail "no identity" "$folder/log"
	make_identity "$folder" gateway || fail "no identity" "$folder/log"
	enrol "$folder" "$2" >>"$folder/log" 2>&1 ||
		fail "the TPM cannot be enrolled" "$folder/log"
	publish "$folder" "$2" >>"$folder/log" 2>&1 ||
		fail "the release cannot be published" "$folder/log"
	"${BASH_SOURCE[0]%/*}/deployment.py" "$address" "$folder/node.pem" \
		"$folder/node.key" "$folder/ca.pem" "$folder/ak.pem" \
		"$folder/release" >"$folder/deployment" ||
		fail "there is no deployment"
}

await_socket() {
	local i
	for ((i = 0; i < 50; i++)); do
		[ ! -S "$1" ] || return 0
		sleep 0.1
	done
}

# What whoever trusts the authority, the image and the program in it trusts:
# the registers in this file, those that a quote has.
trust() {
	echo "evidence tpm2"
	echo "root tpm2 $(openssl x509 -in "$folder/ca.pem" -noout -pubkey |
		openssl pkey -pubin -outform der | sha256sum | cut -d ' ' -f 1)"
	quoted "$1" | sed 's/^/measurement /'
	sed 's/^--accept-//' "$2"
	echo "release-log $(cat "$folder/log.d/key")"
}

# Start a gateway for the machine; $web is its port.  Once it knows the node its
# list of nodes is in the file.
gateway_start() {
	local i
	"$2/pcc-gateway" --node "dns:127.0.0.1:$port" --tls-name node \
		--tls-ca "$folder/ca.pem" --tls-key "$folder/gateway.key" \
		--tls-certificate "$folder/gateway.pem" --port 0 \
		>"$folder/gateway.out" 2>"$folder/gateway.log" &
	gateway=$!
	for ((i = 0; i < patience; i++)); do
		sleep 0.1
		web=$(sed -n 's/.*listening on .*:\([0-9]*\)$/\1/p' \
			"$folder/gateway.out")
		[ -z "$web" ] || ! fetch "http://127.0.0.1:$web/v1/nodes" "$1" ||
			return 0
	done
	return 1
}

gateway_stop() {
	[ -z "${gateway:-}" ] || kill "$gateway" 2>/dev/null
	gateway=
}

# Into a file, if there is a node in it.
fetch() {
	python3 - "$1" "$2" 2>/dev/null <<'END'
import json, sys, urllib.request
data = urllib.request.urlopen(sys.argv[1], timeout=5).read()
if not json.loads(data)["nodes"]:
    sys.exit(1)
open(sys.argv[2], "wb").write(data)
END
}

# A port that nobody listens at now.
free_port() {
	python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

# swtpm ends with the machine that it is part of.  It is given a copy of the
# TPM's state where a path is absolute, for it changes its folder.
machine_start() {
	local image=$1 log=$2 monitor=(-monitor none)
	shift 2
	[ -z "${VM_MONITOR:-}" ] ||
		monitor=(-monitor "unix:$VM_MONITOR,server,nowait")
	cp "${firmware/CODE/VARS}" "$folder/variables" || fail "no OVMF"
	swtpm socket --tpm2 --tpmstate "dir=$folder/tpm" --terminate \
		--ctrl "type=unixio,path=$folder/tpm.sock" >>"$folder/log" 2>&1 &
	tpm=$!
	await_socket "$folder/tpm.sock"
	port=$(free_port)
	timeout "$life" qemu-system-x86_64 -nodefaults -display none -no-reboot \
		-machine q35,smm=off,accel="${VM_ACCEL:-tcg}" -cpu max -smp 2 \
		-m 1024 -kernel "$image" -serial "file:$log" "${monitor[@]}" \
		-drive if=pflash,unit=0,format=raw,readonly=on,file="$firmware" \
		-drive if=pflash,unit=1,format=raw,file="$folder/variables" \
		-chardev "socket,id=tpm,path=$folder/tpm.sock" \
		-tpmdev emulator,id=tpm0,chardev=tpm -device tpm-tis,tpmdev=tpm0 \
		-netdev "user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:$port-:7443" \
		-device virtio-net-pci,netdev=net,romfile= \
		-drive if=none,id=disk,format=raw,readonly=on,file="$folder/deployment" \
		-device virtio-blk-pci,drive=disk "$@" >>"$folder/log" 2>&1 &
	machine=$!
}

machine_await() {
	local i
	for ((i = 0; i < patience; i++)); do
		! grep -aq "$1" "$2" 2>/dev/null || return 0
		kill -0 "$machine" 2>/dev/null || return 1
		sleep 0.1
	done
	return 1
}

machine_stop() {
	[ -n "$machine" ] || return 0
	kill "$machine" "$tpm" 2>/dev/null
	wait "$machine" "$tpm" 2>/dev/null
	rm -f "$folder/tpm.sock"
	machine=
}

# "pcr4 5d52..." for each register, as the machine printed them at its start.
printed_registers() {
	tr -d '\r' <"$1" | sed -n 's/.*init: \(pcr[0-9]*\) \([0-9A-F]*\)$/\1 \2/p' |
		tr A-F a-f
}
