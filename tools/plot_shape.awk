# SPDX-License-Identifier: Apache-2.0
# What ticks and frames cost, from lines of bench_shape as tools/bench.sh has
# them in a table, or as it prints them: name, one value or two, unit.
#   awk -f tools/svg.awk -f tools/plot_shape.awk build/bench.txt >shape.svg

# shape.tick.5.short.first: by, at, question, what
$1 ~ /^shape\.(tick|frame)\./ {
	split($1, name, ".")
	figure = NF > 3 ? ($2 + $3) / 2 : $2
	if (name[5] == "bytes") figure /= 1024
	key = name[2] SUBSEP name[4] SUBSEP name[5]
	value[key, name[3]] = figure
	found++
}

# Row of a legend.
function legend(left, row, series, text) {
	svg_mark(left - 34, 52 + 18 * row, series)
	svg_text(left - 22, 56 + 18 * row, "ink", "start", text)
}

function x_of(left, i) { return left + (i - 0.5) / count * wide }
function y_of(figure) { return bottom - figure / top_value * tall }

# names: what is on the horizontal axis, `most` the largest figure.
function axes(left, names, most, up, along,   i, step) {
	count = split(names, at, " ")
	step = svg_step(most)
	top_value = step * (int(most / step) + 1)
	for (i = 0; i <= top_value; i += step) {
		svg_line(left, y_of(i), left + wide, y_of(i), "grid")
		svg_text(left - 8, y_of(i) + 4, "soft", "end", i)
	}
	svg_text(left, bottom - tall - 12, "soft", "start", up)
	for (i = 1; i <= count; i++)
		svg_text(x_of(left, i), bottom + 18, "soft", "middle", at[i])
	svg_text(left + wide / 2, bottom + 38, "soft", "middle", along)
}

function series(left, number, by, question, what,   i, points) {
	for (i = 1; i <= count; i++)
		points = points sprintf("%.1f,%.1f ", x_of(left, i),
			y_of(value[by, question, what, at[i]]))
	svg_path(points, "line s" number)
	for (i = 1; i <= count; i++)
		svg_mark(x_of(left, i),
			y_of(value[by, question, what, at[i]]), number)
}

function most_of(by, what,   key, part, most) {
	for (key in value) {
		split(key, part, SUBSEP)
		if (part[1] == by && index(what, part[3]) && value[key] > most)
			most = value[key]
	}
	return most
}

END {
	if (found == 0) exit 1
	wide = 320; tall = 220; bottom = 370
	svg_begin(820, 424, "What the shape of answers costs: time by the " \
		"tick, bytes by the frame")
	svg_text(24, 28, "head ink", "start", "Time, in frames of 512 bytes")
	legend(64, 0, 1, "first word")
	legend(64, 1, 2, "last word of a short answer")
	legend(64, 2, 3, "last word of a long one")
	axes(64, "5 10 20 50 100", most_of("tick", "first last"),
		"ms", "tick, ms")
	series(64, 3, "tick", "long", "last")
	series(64, 2, "tick", "short", "last")
	series(64, 1, "tick", "short", "first")
	svg_text(434, 28, "head ink", "start", "Bytes, with a tick of 25 ms")
	legend(474, 0, 2, "a short answer")
	legend(474, 1, 3, "a long one")
	axes(474, "256 512 1024 2048 4096", most_of("frame", "bytes"),
		"KiB sent", "frame, bytes")
	series(474, 3, "frame", "long", "bytes")
	series(474, 2, "frame", "short", "bytes")
	svg_end()
}
