#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# One private answer through every process, looked at from all sides.
#   demo.sh BUILD [QUESTION]
# Starts a node, a gateway and a client in a folder of its own on ports that
# nobody else has, ends by itself in a few seconds, and leaves nothing behind.
# Runs as root and as an ordinary user.
set -u

build=${1:-build}
question=${2:-turn on the kitchen lights}
patience=100 # tenths of a second that anything may take
codes='s/ role=1/ role=front/; s/ role=2/ role=keeper/; s/ role=3/ role=zygote/
	s/ role=4/ role=attester/
	s/ outcome=0/ outcome=answered/; s/ shape=0/ shape=paced/'

fail() {
	echo "demo: $1" >&2
	[ ! -s "${2:-/dev/null}" ] || sed 's/^/  | /' "$2" >&2
	exit 1
}

cleanup() {
	kill "${started[@]}" 2>/dev/null
	wait 2>/dev/null
	rm -rf "$folder"
}

# Wait for a line in a file, and print what stands behind the text in it.
await() {
	local text=$1 file=$2 process=$3 i
	for ((i = 0; i < patience; i++)); do
		if grep -q "$text" "$file" 2>/dev/null; then
			sed -n "s/.*$text//p" "$file"
			return 0
		fi
		kill -0 "$process" 2>/dev/null || return 1
		sleep 0.1
	done
	return 1
}

part() { printf '\n\033[1m%s\033[0m\n' "$*" | if [ -t 1 ]; then cat; else
	sed 's/\x1b\[[0-9]*m//g'; fi; }

find_model() {
	local model
	for model in "${PCC_MODEL:-}" models/home.gguf \
		"${MODELS:-../shared/models}/stories260K/stories260K.gguf"; do
		[ ! -r "$model" ] || { echo "$model"; return; }
	done
}

status_of() { sed -n "s/^$2:[[:space:]]*\([^[:space:]]*\).*/\1/p" "/proc/$1/status"; }

# The namespaces of a process that are not ours.
own_namespaces() {
	local kind ours theirs list=
	for kind in pid net mnt ipc uts cgroup user; do
		ours=$(readlink "/proc/self/ns/$kind")
		theirs=$(readlink "/proc/$1/ns/$kind" 2>/dev/null) ||
			{ echo "(root may look)"; return; }
		[ "$ours" = "$theirs" ] || list="$list $kind"
	done
	echo "${list:- none}"
}

process_row() {
	local name=$1 pid=$2 descriptors
	descriptors=$(ls "/proc/$pid/fd" 2>/dev/null | sort -n | tr '\n' ' ')
	printf '  %-11s %6s %6s %8s %9s  %-16s %s\n' "$name" "$pid" \
		"$(status_of "$pid" Uid)" "$(status_of "$pid" Seccomp)" \
		"$(status_of "$pid" NoNewPrivs)" "$(status_of "$pid" CapEff)" \
		"$(own_namespaces "$pid")${3:+  fds: ${descriptors:-?}}"
}

children_of() {
	local file
	for file in /proc/[0-9]*/status; do
		awk -v parent="$1" '/^Pid:/ { pid = $2 }
			/^PPid:/ { if ($2 == parent) print pid }' "$file" 2>/dev/null
	done
}

show_processes() {
	local child title zygote=
	printf '  %-11s %6s %6s %8s %9s  %-16s %s\n' process pid user seccomp \
		nonewpriv capabilities 'own namespaces'
	process_row supervisor "$node"
	for child in $(children_of "$node"); do
		title=$(tr '\0' ' ' <"/proc/$child/cmdline" 2>/dev/null)
		title=${title#pcc-node: }
		process_row "${title% }" "$child"
		[ "${title% }" != zygote ] || zygote=$child
	done
	for child in $(children_of "$zygote"); do
		process_row 'a worker' "$child" fds
	done
}

# Those words of the question that are in nothing else by chance.
long_words() { tr ' ' '\n' <<<"$question" | grep -E '.{5}' || echo "$question"; }

# What went by on the wire, of the connection that carried the request.
show_wire() {
	local tap bytes word found first last
	tap=$(grep -l 'message/ohttp-chunked-req' "$folder"/tap/*.up | head -n 1)
	[ -n "$tap" ] || fail "nothing went over the wire"
	tap=${tap%.up}
	for ((i = 0; i < patience; i++)); do
		[ ! -e "$tap.down.body" ] || break
		sleep 0.1
	done
	bytes=$(wc -c <"$tap.down.body")
	first=$(head -n 1 "$tap.pieces") last=$(tail -n 1 "$tap.pieces")
	echo "  there  $(wc -c <"$tap.up.body") bytes, a size class and what seals it:" \
		"$(head -c 16 "$tap.up.body" | od -An -v -tx1) ..."
	echo "  back   $bytes bytes: $((bytes / 512)) frames of 512, one at each tick," \
		"in $((last - first)) ms: $(head -c 16 "$tap.down.body" | od -An -v -tx1) ..."
	for word in $(long_words); do
		found=$(cat "$tap.up" "$tap.down" | grep -a -c -i -- "$word")
		echo "  \"$word\" is in all of it $found times," \
			"and $(grep -c -i -- "$word" <<<"$question") in the question"
		[ "$found" -eq 0 ] || fail "the prompt was on the wire"
	done
}

# A TPM in software with a state and a maker of its own, and an operator's CA
# that certifies its key: what is enrolled once for a machine that has a chip.
start_tpm() {
	local state=$folder/tpm log=$folder/tpm.log
	mkdir "$state"
	printf 'statedir = %s\nsigningkey = %s\nissuercert = %s\ncertserial = %s\n' \
		"$state/ca" "$state/ca/key.pem" "$state/ca/issuer.pem" \
		"$state/ca/serial" >"$state/ca.conf"
	printf -- '--platform-%s demo\n' manufacturer version model \
		>"$state/ca.options"
	printf 'create_certs_tool = %s\ncreate_certs_tool_config = %s\n' \
		"$(command -v swtpm_localca)" "$state/ca.conf" >"$state/setup.conf"
	printf 'create_certs_tool_options = %s\nactive_pcr_banks = sha256\n' \
		"$state/ca.options" >>"$state/setup.conf"
	swtpm_setup --tpm2 --tpmstate "$state" --create-ek-cert --lock-nvram \
		--config "$state/setup.conf" >"$log" 2>&1 || return 1
	swtpm socket --tpm2 --tpmstate dir="$state" \
		--server type=unixio,path="$folder/tpm.sock" \
		--flags not-need-init,startup-clear >>"$log" 2>&1 &
	started+=("$!")
	for ((i = 0; i < patience; i++)); do
		[ ! -S "$folder/tpm.sock" ] || return 0
		sleep 0.1
	done
	return 1
}

enrol_tpm() {
	local ca=$folder/operator
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout "$ca.key" -out "$ca.pem" -days 1 -subj /CN=Operator \
		-addext basicConstraints=critical,CA:TRUE \
		-addext keyUsage=critical,keyCertSign &&
	cat "$folder/tpm/ca/swtpm-localca-rootca-cert.pem" \
		"$folder/tpm/ca/issuer.pem" >"$folder/makers.pem" &&
	"$build/pcc-node" --tpm "unix:$folder/tpm.sock" \
		--enrol-request "$folder/request" &&
	"$build/pcc-verify" enrol --request "$folder/request" --days 1 \
		--ek-roots "$folder/makers.pem" --ca-key "$ca.key" \
		--ca-certificate "$ca.pem" --out "$folder/answer" &&
	"$build/pcc-node" --tpm "unix:$folder/tpm.sock" \
		--enrol-finish "$folder/answer" --ak-certificate "$folder/ak.pem" &&
	{
		echo "evidence tpm2"
		echo "measurement any"
		echo "root tpm2 $(openssl x509 -in "$ca.pem" -noout -pubkey |
			openssl pkey -pubin -outform DER | sha256sum | cut -c 1-64)"
	} >"$folder/trust"
}

for program in pcc-node pcc-gateway pcc-client pcc-verify; do
	[ -x "$build/$program" ] || fail "$build/$program is not built: try make"
done
model=$(find_model)
[ -n "$model" ] || fail "no model: models/home.gguf is not there"
started=()
folder=$(mktemp -d "${TMPDIR:-/tmp}/pcc-demo.XXXXXX") || fail "no folder to work in"
trap cleanup EXIT
trap 'exit 130' INT TERM
mkdir "$folder/tap"

evidence=()
trust=(--accept-evidence software)
if ! command -v swtpm >/dev/null || ! command -v swtpm_setup >/dev/null; then
	echo "swtpm is not installed: no TPM, evidence is software" \
		"(apt-get install swtpm swtpm-tools)"
else
	start_tpm || fail "there is no TPM" "$folder/tpm.log"
	enrol_tpm >"$folder/enrol.log" 2>&1 ||
		fail "the TPM is not enrolled" "$folder/enrol.log"
	evidence=(--evidence tpm2 --tpm "unix:$folder/tpm.sock"
		--ak-certificate "$folder/ak.pem")
	trust=(--trust "$folder/trust")
fi

part "1. A node, a gateway"
[ ${#evidence[@]} -eq 0 ] ||
	echo "  a TPM        in software; its key is certified by an operator who saw its maker's certificate"
began=$(date +%s%N)
env -i "$build/pcc-node" --model "$model" --listen "unix:$folder/node.sock" \
	"${evidence[@]}" >"$folder/node.out" 2>"$folder/node.log" &
node=$!
started+=("$node")
await 'pcc-node: ready' "$folder/node.out" "$node" >/dev/null ||
	fail "the node does not start" "$folder/node.log"
echo "  pcc-node     $model, measured and served, ready after" \
	"$((($(date +%s%N) - began) / 1000000)) ms"
env -i "$build/pcc-gateway" --node "unix:$folder/node.sock" --port 0 \
	>"$folder/gateway.out" 2>"$folder/gateway.log" &
started+=("$!")
gateway=$(await 'listening on ' "$folder/gateway.out" "$!") ||
	fail "the gateway does not start" "$folder/gateway.log"
tools/wiretap.pl "$folder/tap" "${gateway##*:}" >"$folder/tap.out" 2>&1 &
started+=("$!")
tap=$(await 'listening on ' "$folder/tap.out" "$!") ||
	fail "the wire cannot be tapped" "$folder/tap.out"
echo "  pcc-gateway  $gateway, with a tap on its wire at port $tap"

part "2. What the client checks before it sends a byte"
# 2: there is nothing to judge yet, for the gateway has not met its node.
for ((i = 0, code = 2; i < patience && code == 2; i++)); do
	"$build/pcc-client" verify --gateway "http://127.0.0.1:$tap" \
		"${trust[@]}" >"$folder/verify" 2>&1
	code=$?
	[ "$code" -ne 2 ] || sleep 0.1
done
grep '^ *\(PASS\|FAIL\)' "$folder/verify" | sed 's/^ */  /'
echo "  $(grep -c '^ *SKIP' "$folder/verify") further checks were not asked for" \
	"(pcc-client verify shows them, pcc-client --help tells how)"
[ "$code" -eq 0 ] || fail "the node does not verify" "$folder/verify"
echo "  => $(tail -n 1 "$folder/verify")"

part "3. The processes of the node, and what the kernel says of them"
show_processes

part "4. A question, and its answer"
echo "  user:  $question"
printf '  model: '
"$build/pcc-client" chat --gateway "http://127.0.0.1:$tap" \
	"${trust[@]}" --max-tokens 200 --once "$question" \
	2>"$folder/client.log" || fail "there was no answer" "$folder/client.log"

part "5. What could be seen on the way"
show_wire

part "6. All that the node wrote down"
sleep 0.2
sed "$codes; s/^/  /" "$folder/node.log"
for word in $(long_words); do
	! grep -q -i -- "$word" "$folder"/*.log || fail "the prompt was logged"
done
echo
if [ ${#evidence[@]} -eq 0 ]; then
	echo "The evidence was software: good for development, proof of nothing about the machine."
else
	echo "The evidence was a TPM's. This one is a process, so its owner could lie; a chip or a confidential"
	echo "machine's could not. And what booted was not asked (measurement any): deploy/vm asks that, too."
fi
