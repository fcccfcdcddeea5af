#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The engine against others on the same files, in turn: A B A B.
#   bench_peer.sh BUILD "[NAME=]LLAMA_BENCH [OPTION ...][, ...]" [--keep]
# A peer is a command that takes llama-bench's -m -p -n -t -r -o csv.  Files of
# random weights are made once, in BENCH_MODELS (BUILD/bench_models), of the
# shapes and formats in BENCH_FILES, "shape:format ...".  Prints a table and
# writes BUILD/bench_peer.tsv: file, threads, what, who, tokens a second of each
# round; and draws it, in BUILD/plots/peers.svg.  --keep also copies both to
# tests/bench, whence README shows them.
set -u

build=$1
keep=${3:-}
IFS=',' read -r -a peers <<<"$2"
models=${BENCH_MODELS:-$build/bench_models}
files=${BENCH_FILES:-qwen3-0.6b:q4_0 qwen3-0.6b:q8_0 qwen3-0.6b:q4_k}
threads=${BENCH_THREADS:-1 2}
rounds=${BENCH_ROUNDS:-2}
out=$build/bench_peer.tsv

mkdir -p "$models"
: >"$out"

tell() { # file threads what who rate
	printf '%s\t%s\t%s\t%s\t%s\n' "$@" >>"$out"
}

run_ours() { # name path threads
	"$build/tests/bench/bench_engine" "$2" "$3" 512 64 8 |
		while read -r label rate _; do
			case $label in
			*.prefill | *.prefill_bf16 | *.decode | *.batch)
				tell "$1" "$3" "${label##*.}" ours "$rate" ;;
			esac
		done
}

# The columns of interest are found by their names: peers differ in others.
run_peer() { # name path threads who command ...
	local name=$1 path=$2 count=$3 who=$4
	shift 4
	timeout -k 5 900 "$@" -m "$path" -p 512 -n 64 -t "$count" -r 3 \
		-o csv 2>/dev/null |
		sed '1s/,/\t/g; s/","/\t/g; s/"//g' |
		awk -F'\t' '
			NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
			$at["n_gen"] > 0 { print "decode", $at["avg_ts"]; next }
			# What either of our ways is held against.
			{ print "prefill", $at["avg_ts"]
			  print "prefill_bf16", $at["avg_ts"] }' |
		while read -r what rate; do
			tell "$name" "$count" "$what" "$who" "$rate"
		done
}

for file in $files; do
	name=${file/:/-}
	path=$models/$name.gguf
	if [ ! -f "$path" ]; then
		echo "making $path ..." >&2
		"$build/pcc-model" make-random --shape "${file%:*}" \
			--format "${file#*:}" --seed 1 -o "$path" || exit 1
	fi
	cat "$path" >/dev/null # into the page cache, in order
	for count in $threads; do
		for round in $(seq "$rounds"); do
			echo "$name, $count threads, $round of $rounds ..." >&2
			for i in "${!peers[@]}"; do
				who=peer$i command=${peers[$i]}
				if [[ $command =~ ^\ *([a-z_.]+)=(.*) ]]; then
					who=${BASH_REMATCH[1]}
					command=${BASH_REMATCH[2]}
				fi
				# shellcheck disable=SC2086
				run_peer "$name" "$path" "$count" "$who" $command
			done
			run_ours "$name" "$path" "$count"
		done
	done
done

# The median of the rounds, and ours over the best peer.
sort "$out" | awk -F'\t' '
	{ key = $1 "\t" $2 "\t" $3; value[key, $4] = value[key, $4] " " $5
	  if (!(key in seen)) { seen[key] = 1; order[++n] = key }
	  who[$4] = 1 }
	function middle(text, v, c, i, j, t) {
		c = split(text, v, " ")
		for (i = 1; i <= c; i++) for (j = i + 1; j <= c; j++)
			if (v[j] < v[i]) { t = v[i]; v[i] = v[j]; v[j] = t }
		return c == 0 ? 0 : (v[int((c + 1) / 2)] + v[int(c / 2) + 1]) / 2
	}
	END {
		printf "%-20s %2s %-12s %10s %10s %7s\n", "file", "t", "what",
			"best peer", "ours", "ratio"
		for (i = 1; i <= n; i++) {
			best = 0
			for (w in who) if (w != "ours") {
				m = middle(value[order[i], w])
				if (m > best) best = m
			}
			ours = middle(value[order[i], "ours"])
			split(order[i], part, "\t")
			printf "%-20s %2s %-12s %10.1f %10.1f %7s\n", part[1],
				part[2], part[3], best, ours,
				(best > 0 ? sprintf("%.2f", ours / best) : "-")
		}
	}'

plots=$build/plots
mkdir -p "$plots"
awk -f tools/svg.awk -f tools/plot_peers.awk "$out" >"$plots/peers.svg" ||
	rm "$plots/peers.svg"
echo "written: $out and $plots"
if [ "$keep" = --keep ]; then
	cp "$out" "$plots/peers.svg" tests/bench
	echo "kept: tests/bench/bench_peer.tsv, tests/bench/peers.svg"
fi
