# SPDX-License-Identifier: Apache-2.0
# What plots are drawn with: awk -f tools/svg.awk -f tools/plot_*.awk TABLE.
# Colours follow the reader's choice of light or dark; x and y in pixels, from
# the upper left.  Classes s1 to s3 are series, "fill" and "line" of them.

function svg_begin(width, height, title) {
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" " \
		"height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\">\n",
		width, height, width, height
	printf "<title>%s</title>\n<style>\n", svg_escape(title)
	print "text { font: 12px system-ui, 'DejaVu Sans', sans-serif;"
	print "       paint-order: stroke; stroke-width: 4px }"
	print ".head { font-size: 14px; font-weight: 600 }"
	print ".line { fill: none; stroke-width: 2 }"
	svg_colours("#fcfcfb", "#1a1a19", "#5c5b57", "#e4e3de",
		"#2a78d6", "#b5500f", "#17875f")
	print "@media (prefers-color-scheme: dark) {"
	svg_colours("#1a1a19", "#fcfcfb", "#b9b8b1", "#3a3a37",
		"#5598e7", "#e8875a", "#3fbf92")
	print "}\n</style>"
	printf "<rect class=\"page\" width=\"%d\" height=\"%d\"/>\n", width, height
}

function svg_colours(page, ink, soft, grid, s1, s2, s3) {
	printf ".page { fill: %s }\n.ink { fill: %s }\n.soft { fill: %s }\n",
		page, ink, soft
	printf "text { stroke: %s }\n", page
	printf ".grid { stroke: %s }\n", grid
	printf ".fill.s1 { fill: %s }\n.fill.s2 { fill: %s }\n" \
		".fill.s3 { fill: %s }\n", s1, s2, s3
	printf ".line.s1 { stroke: %s }\n.line.s2 { stroke: %s }\n" \
		".line.s3 { stroke: %s }\n", s1, s2, s3
}

function svg_end() { print "</svg>" }

function svg_escape(text) {
	gsub(/&/, "\\&amp;", text)
	gsub(/</, "\\&lt;", text)
	return text
}

# anchor: start, middle or end
function svg_text(x, y, class, anchor, text) {
	printf "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\" " \
		"text-anchor=\"%s\">%s</text>\n",
		x, y, class, anchor, svg_escape(text)
}

function svg_line(x1, y1, x2, y2, class) {
	printf "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" " \
		"class=\"%s\"/>\n", x1, y1, x2, y2, class
}

function svg_bar(x, y, width, height, class) {
	printf "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" " \
		"class=\"%s\"/>\n", x, y, width, height, class
}

# points: "x,y x,y ..."
function svg_path(points, class) {
	printf "<polyline points=\"%s\" class=\"%s\"/>\n", points, class
}

# A series is told by its shape as well as by its colour.
function svg_mark(x, y, series,   class) {
	class = "fill s" series
	if (series == 1)
		printf "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4.5\" " \
			"class=\"%s\"/>\n", x, y, class
	else if (series == 2)
		svg_bar(x - 4, y - 4, 8, 8, class)
	else
		printf "<polygon points=\"%.1f,%.1f %.1f,%.1f %.1f,%.1f\" " \
			"class=\"%s\"/>\n",
			x, y - 5.5, x - 5, y + 4, x + 5, y + 4, class
}

# A round number, of which an axis to `most` has three to eight steps.
function svg_step(most,   unit) {
	for (unit = 1; unit * 10 <= most; unit *= 10);
	for (; unit > most; unit /= 10);
	if (most <= 1.6 * unit) return unit / 5
	if (most <= 4 * unit) return unit / 2
	return most <= 8 * unit ? unit : unit * 2
}
