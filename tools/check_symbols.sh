#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fail unless every symbol that foo.c exports begins with foo_.
#   check_symbols.sh BUILD FOLDER...
set -eu
build=$1
shift
status=0

for folder in "$@"; do
	for object in "$build/$folder"/*.o; do
		[ -e "$object" ] || continue
		stem=$(basename "$object" .o)
		strays=$(nm -g --defined-only "$object" | awk '{ print $3 }' |
			grep -v "^${stem}\(_\|$\)" | grep -v '^_*asan\|^_*odr\|^main$' || :)
		[ -z "$strays" ] || {
			echo "$folder/$stem.c exports: $strays"
			status=1
		}
	done
done
exit $status
