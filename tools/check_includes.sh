#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fail if a folder includes one that it should not know, or a foreign header
# that belongs to another.  The rules are in the file given.
set -eu
rules=$1
status=0

complain() { echo "$1"; status=1; }

allowed() {
	awk -v folder="$1" '$1 == folder {
		for (i = 2; i <= NF && $i !~ /^</; i++) print $i }' "$rules"
}

folders=$(awk '/^[a-z]/ { print $1 }' "$rules" | while read -r folder; do
	[ ! -d "$folder" ] || echo "$folder"
done)

while read -r folder rest; do
	case $folder in '' | '#'*) continue ;; esac
	[ -d "$folder" ] || continue
	known=$(allowed "$folder")
	includes=$(grep -rHn '^ *# *include "[a-z]*/' --include='*.[ch]' "$folder" |
		sed 's|^\([^:]*:[0-9]*\):.*"\([a-z]*\)/.*|\1 \2|')
	while read -r where target; do
		[ -n "$target" ] && [ "$target" != "$folder" ] || continue
		echo "$known" | grep -qx "$target" ||
			complain "$where: $folder/ may not include $target/"
	done <<-END
	$includes
	END

	for owned in $(echo "$rest" | tr ' |' '\n\n' | grep '^<' || :); do
	# A header that two rows name is shared by those two.
	owners=$(awk -v owned="$owned" 'index($0, owned) { print $1 }' "$rules" |
		paste -sd'|')
	others=$(grep -rEn "^ *# *include ($owned)" --include='*.[ch]' \
		$folders |
		grep -vE "^($owners)/" || :)
	[ -z "$others" ] || complain "only $owners may include these:
$others"
	done
done <"$rules"
exit $status
