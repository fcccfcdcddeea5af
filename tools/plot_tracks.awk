# SPDX-License-Identifier: Apache-2.0
# Tokens a second against the delay of a meeting, from lines of bench_tracks as
# tools/bench.sh has them in a table: name, one value or two, unit.
#   awk -f tools/svg.awk -f tools/plot_tracks.awk build/bench.txt >tracks.svg

$1 ~ /^tracks\./ {
	parts = split($1, name, ".")
	figure = NF > 3 ? ($2 + $3) / 2 : $2
	if (parts == 4 && name[3] == "meetings")
		meetings[name[2], name[4]] = figure
	if (parts == 5 && name[3] == "decode" && name[4] ~ /us$/ &&
	    name[5] !~ /_over_/) {
		rate[name[2], name[5], name[4] + 0] = figure
		if (figure > most[name[2]]) most[name[2]] = figure
		found++
	}
}

# Row of a legend; the next one.
function legend(left, row, series, contest, way, text) {
	if (!((contest, way, 0) in rate)) return row
	svg_mark(left + 6, 52 + 18 * row, series)
	svg_text(left + 18, 56 + 18 * row, "ink", "start",
		sprintf("%s: %d meetings a token", text, meetings[contest, way]))
	return row + 1
}

function axes(left, contest,   i, step, y) {
	step = svg_step(most[contest])
	top_value = step * (int(most[contest] / step) + 1)
	for (i = 0; i <= top_value; i += step) {
		y = bottom - i / top_value * tall
		svg_line(left, y, left + wide, y, "grid")
		svg_text(left - 8, y + 4, "soft", "end", i)
	}
	svg_text(left, bottom - tall - 12, "soft", "start", "tokens a second")
	for (i = 1; i <= delays; i++)
		svg_text(left + delay[i] / delay[delays] * wide, bottom + 18,
			"soft", "middle", delay[i])
	svg_text(left + wide / 2, bottom + 38, "soft", "middle",
		"artificial delay of each meeting, µs")
}

function series(left, number, contest, way,   i, x, y, points) {
	if (!((contest, way, 0) in rate)) return
	for (i = 1; i <= delays; i++)
		points = points sprintf("%.1f,%.1f ",
			left + delay[i] / delay[delays] * wide,
			bottom - rate[contest, way, delay[i]] / top_value * tall)
	svg_path(points, "line s" number)
	for (i = 1; i <= delays; i++) {
		x = left + delay[i] / delay[delays] * wide
		y = bottom - rate[contest, way, delay[i]] / top_value * tall
		svg_mark(x, y, number)
	}
}

function panel(left, contest, title,   row) {
	svg_text(left - 40, 28, "head ink", "start", title)
	row = legend(left - 40, 0, 1, contest, "tracks", "tracks dealt to threads")
	row = legend(left - 40, row, 2, contest, "tensors",
		"the same file, tensors split")
	legend(left - 40, row, 3, contest, "whole",
		"one track as large, tensors split")
	axes(left, contest)
	series(left, 2, contest, "tensors")
	series(left, 3, contest, "whole")
	series(left, 1, contest, "tracks")
}

END {
	if (found == 0) exit 1
	delays = split("0 5 20 100", delay, " ")
	wide = 320; tall = 220; bottom = 370
	svg_begin(820, 424, "Decoding on two threads when meetings take longer: " \
		"tracks dealt to threads against tensors split among them")
	panel(64, "600m", "0.6 B weights, 28 layers in blocks of 4")
	panel(474, "home", "home model, 4 layers in blocks of 2")
	svg_end()
}
