#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Make what is published of a release, from programs that are built.
#   release.sh BUILD [MODEL [POLICY [MEASUREMENTS]]]
# Into BUILD/release: the programs without their symbols, `manifest`
# (wire/manifest.h says its form), `sbom.spdx.json`.  MEASUREMENTS holds lines
# "REGISTER HEX" of the machine's image, such as deploy/vm computes; PCR 10 is
# left out, which a running kernel may go on extending and nobody quotes.
#
# The same commit, with the same packages, gives the same bytes wherever and
# whenever it is built: tools/reproduce.sh compares.
set -euo pipefail
export LC_ALL=C TZ=UTC

build=$1
model=${2:-models/home.gguf}
policy=${3:-deploy/policy.conf}
measurements=${4:-/dev/null}
out=$build/release

rm -rf "$out"
umask 022
mkdir -p "$out/bin"
trap '[ ! -s "$out/log" ] || cat "$out/log" >&2' EXIT
for program in "$build"/pcc-*; do
	[ -x "$program" ] && [ -f "$program" ] || continue
	case $program in *.*) continue ;; esac
	# A node's roles run it as users of their own.
	install -m 755 "$program" "$out/bin/"
	strip --enable-deterministic-archives --strip-all "$out/bin/${program##*/}"
done

# "package version" of every library that a program loads.
libraries() {
	ldd "$out"/bin/* | awk '$2 == "=>" { print $3 } $1 ~ /^\// { print $1 }' |
		sort -u | while read -r file; do
		# A merged /usr is known to dpkg by either name.
		owner=$(dpkg -S "$file" 2>/dev/null || dpkg -S "${file#/usr}" \
			2>/dev/null || dpkg -S "/usr$file")
		echo "${owner%%:*}"
	done | sort -u | while read -r package; do
		echo "$package $(dpkg-query -W -f '${Version}' "$package")"
	done
}

sum() { sha256sum "$1" | cut -d ' ' -f 1; }

{
	"$out/bin/pcc-node" --describe --policy "$policy" | tail -n +2
	# A command line is a deployment's, not a release's.
	"$out/bin/pcc-node" --measure --model "$model" --policy "$policy" \
		2>"$out/log" | sed '/^--accept-command/d
			s/^--accept-\([a-z]*\) /digest \1 /'
	for file in "$out"/bin/*; do
		echo "file bin/${file##*/} $(sum "$file")"
	done
	echo "file ${model##*/} $(sum "$model")"
	echo "file ${policy##*/} $(sum "$policy")"
	libraries | sed 's/^/library /'
	sed -n '/^pcr10 /d
		s/^\([a-z0-9]*\) \([0-9a-f]*\)$/measurement \1 \2/p' \
		"$measurements"
} | sort >"$out/manifest.lines"
{
	echo "pcc-release v1"
	cat "$out/manifest.lines"
} >"$out/manifest"
rm "$out/manifest.lines" "$out/log"
python3 tools/sbom.py "$out/manifest" "${SOURCE_DATE_EPOCH:-$(git log -1 \
	--format=%ct 2>/dev/null || echo 0)}" >"$out/sbom.spdx.json"
"$out/bin/pcc-verify" diff "$out/manifest" "$out/manifest" >/dev/null
echo "$out/manifest: $(sum "$out/manifest")"
