#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Start a node, a gateway and a client, and let other people's clients at them.
#   run.sh BUILD MODEL
# Packages are installed into BUILD/interop; nothing is written to the sources.
set -eu
build=$(cd "$1" && pwd)
model=$(realpath "$2")
here=$(cd "$(dirname "$0")" && pwd)
work=$build/interop
socket=$(mktemp -d)/node.sock
started=

stop() {
	[ -z "$started" ] || kill $started 2>/dev/null || :
	rm -rf "$(dirname "$socket")"
}
trap stop EXIT
trap 'exit 130' INT TERM

# Start a program and wait for the line of it that says "listening" or "ready".
start() {
	log=$work/$1.log
	shift
	"$@" >"$log" 2>"$log.err" &
	started="$started $!"
	for _ in $(seq 300); do
		grep -q 'listening on http\|: ready' "$log" && return
		sleep 0.1
	done
	echo "not ok - $1 starts"
	cat "$log" "$log.err"
	exit 1
}
address() { sed -n 's|.*listening on \(http://.*\)|\1|p' "$work/$1.log"; }

mkdir -p "$work"
cp "$here"/*.mjs "$here"/*.proto "$here"/package.json "$here"/.npmrc "$work"
(cd "$work" && npm install --no-audit --no-fund --loglevel=error)

start node "$build/pcc-node" --model "$model" --listen "unix:$socket"
start gateway "$build/pcc-gateway" --port 0 --node "unix:$socket"
PCC_GATEWAY_URL=$(address gateway)
for _ in $(seq 100); do
	"$build/pcc-client" verify --gateway "$PCC_GATEWAY_URL" \
		--accept-evidence software --accept-shape off >/dev/null \
		2>&1 && break
	sleep 0.1
done
start client "$build/pcc-client" serve --gateway "$PCC_GATEWAY_URL" \
	--accept-evidence software --accept-shape off --port 0

export PCC_GATEWAY_URL
export PCC_OPENAI_URL="$(address client)/v1"
export PCC_NODE_GRPC="unix:$socket"
export PCC_NODE_PROTO="$here/../../node/node.proto"
export PCC_HEALTH_PROTO="$here/../../node/health.proto"
cd "$work"
status=0
for script in openai_sdk grpc_js hpke_js; do
	echo "# $script"
	node "$script.mjs" || status=1
done
exit $status
