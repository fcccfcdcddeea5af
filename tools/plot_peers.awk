# SPDX-License-Identifier: Apache-2.0
# The engine beside its peers, from what tools/bench_peer.sh writes: file,
# threads, what, who, tokens a second.  Bars are as long as a speed is of the
# best peer's; medians of the rounds.
#   awk -f tools/svg.awk -f tools/plot_peers.awk build/bench_peer.tsv >peers.svg

BEGIN { FS = "\t" }

{
	group = $1 "\t" $2 "\t" $3
	if (!(group in groups)) { groups[group] = 1; order[++group_count] = group }
	if ($4 != "ours" && !($4 in peers)) {
		peers[$4] = 1
		peer[++peer_count] = $4
	}
	rates[group, $4] = rates[group, $4] " " $5
}

function middle(text,   v, c, i, j, t) {
	c = split(text, v, " ")
	for (i = 1; i <= c; i++) for (j = i + 1; j <= c; j++)
		if (v[j] + 0 < v[i] + 0) { t = v[i]; v[i] = v[j]; v[j] = t }
	return c == 0 ? 0 : (v[int((c + 1) / 2)] + v[int(c / 2) + 1]) / 2
}

# best[] of the peers, and the longest bar; groups without both are left out.
function settle(   i, p, ours, rate) {
	for (i = 1; i <= group_count; i++) {
		ours = middle(rates[order[i], "ours"])
		for (p = 1; p <= peer_count; p++) {
			rate = middle(rates[order[i], peer[p]])
			if (rate > best[order[i]]) best[order[i]] = rate
		}
		if (ours == 0 || best[order[i]] == 0) continue
		shown[++shown_count] = order[i]
		if (ours / best[order[i]] > most) most = ours / best[order[i]]
	}
	if (most < 1) most = 1
}

function bar(y, group, who, class,   rate, text) {
	rate = middle(rates[group, who])
	if (rate == 0) return
	text = sprintf("%.*f", rate < 100 ? 1 : 0, rate)
	if (who == "ours")
		text = text sprintf(" (%.2f×)", rate / best[group])
	svg_bar(left, y, rate / best[group] / most * wide, 14, "fill " class)
	svg_text(left + rate / best[group] / most * wide + 8, y + 11,
		who == "ours" ? "ink" : "soft", "start", text)
}

function draw_group(y, group,   part, p) {
	split(group, part, "\t")
	svg_text(left - 12, y + 12, "ink", "end", part[1])
	svg_text(left - 12, y + 28, "soft", "end", sprintf("%s, %d thread%s",
		part[3], part[2], part[2] == 1 ? "" : "s"))
	bar(y, group, "ours", "s1")
	for (p = 1; p <= peer_count; p++)
		bar(y + 17 * p, group, peer[p], "s" p + 1)
}

function legend(x, class, text) {
	svg_bar(x, 46, 12, 12, "fill " class)
	svg_text(x + 18, 56, "ink", "start", text)
	return x + 40 + 8 * length(text)
}

END {
	settle()
	if (shown_count == 0) exit 1
	left = 210; wide = 440; high = 17 * (peer_count + 1) + 16
	if (high < 46) high = 46
	bottom = 76 + shown_count * high
	svg_begin(820, bottom + 44, "Tokens a second beside other engines, on " \
		"the same files")
	svg_text(24, 28, "head ink", "start", "Tokens a second on the same " \
		"files; lengths over the best peer's")
	x = legend(24, "s1", "this engine")
	for (p = 1; p <= peer_count; p++)
		x = legend(x, "s" p + 1, peer[p])
	for (i = 0; i <= most; i += most > 3 ? 1 : 0.5) {
		svg_line(left + i / most * wide, 68, left + i / most * wide,
			bottom, "grid")
		svg_text(left + i / most * wide, bottom + 18, "soft", "middle",
			i "×")
	}
	svg_text(left + wide / 2, bottom + 36, "soft", "middle",
		"speed over the best peer's")
	for (i = 1; i <= shown_count; i++)
		draw_group(76 + (i - 1) * high, shown[i])
	svg_end()
}
