#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Have a log of ours read by Go's packages for its checksum database (Debian:
# golang-go golang-golang-x-mod-dev), and print what they say.
#   interop_go.sh BUILD
set -eu
program=$(realpath "$1/pcc-log")
script=$(realpath tests/interop/tlog.go)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
digest=$(printf %064d 7)

for i in $(seq 300); do
	"$program" entry policy name="$i" policy="$digest" >"e$i"
done
"$program" create --log log --key key --origin log.example/interop >log.pub
"$program" append --log log --key key $(seq -f e%g 1 200) >/dev/null
cp log/checkpoint older
"$program" append --log log --key key $(seq -f e%g 201 300) >/dev/null
export GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE="$folder/cache"
go vet "$script"
go build -o reader "$script"
./reader log log.pub older
# The control: it notices one byte.
printf x | dd of=log/tile/0/000 bs=1 seek=5000 conv=notrunc 2>/dev/null
if ./reader log log.pub 2>said; then
	echo "a changed tile was not noticed"
	exit 1
fi
echo "a changed tile: $(cat said)"
