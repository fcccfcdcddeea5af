#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Build this commit twice, in two folders with names of different length and at
# different times, and compare everything that a release consists of.
#   reproduce.sh JOBS
# Takes as long as two builds.  A third, with one character of one source
# changed, has to differ: so the comparison can fail.
set -euo pipefail

jobs=${1:-2}
folder=$(mktemp -d "${TMPDIR:-/tmp}/pcc-reproduce.XXXXXX")
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM

# make_release FOLDER UMASK
make_release() (
	umask "$2"
	git clone -q . "$1"
	cd "$1"
	make -s -j"$jobs" release >/dev/null
)

echo "the first build"
make_release "$folder/one" 022
echo "the second, in another folder, a while later"
make_release "$folder/another-and-longer" 077
if ! diff -r "$folder/one/build/release" \
	"$folder/another-and-longer/build/release"; then
	echo "NOT the same"
	exit 1
fi
(cd "$folder/one/build/release" && sha256sum bin/* manifest sbom.spdx.json)
echo "the same, $(find "$folder/one/build/release" -type f | wc -l) files"

# Only what depends on the change is built again.
cd "$folder/one"
cp -r build/release before
sed -i 's/#define LIMIT_QUEUE 64/#define LIMIT_QUEUE 63/' policy/limits.h
make -s -j"$jobs" release >/dev/null
if diff -rq before build/release >/dev/null; then
	echo "a change of a limit changed nothing: the comparison is blind"
	exit 1
fi
build/pcc-verify diff before/manifest build/release/manifest
