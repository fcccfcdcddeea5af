/* SPDX-License-Identifier: Apache-2.0 */
/*
 * look: how often a word is in a file, such as all of a machine's memory.
 *   look FILE...    the word, 16 to 64 bytes, is read from standard input
 * Any piece of it counts, in every form of sandbox/needle.h; a line each:
 * hits, MiB, the last form.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/scan.h"

int main(int argc, char **argv)
{
	static struct needles needles;
	char word[NEEDLE_SECRET_MAX + 1];
	size_t len = fread(word, 1, sizeof(word) - 1, stdin);

	if (argc < 2 || len < NEEDLE_PIECE) {
		fputs("usage: look FILE... <WORD\n", stderr);
		return EXIT_FAILURE;
	}
	needle_add_pieces(&needles, (struct bytes){ (uint8_t *)word, len });
	for (int i = 1; i < argc; i++) {
		struct scan_finding finding = { 0 };

		scan_file(&needles, argv[i], &finding);
		if (finding.places != 1 || finding.is_refused) {
			fprintf(stderr, "look: %s cannot be read\n", argv[i]);
			return EXIT_FAILURE;
		}
		printf("%zu %llu %s\n", finding.hits,
		       (unsigned long long)finding.bytes >> 20,
		       finding.encoding == NULL ? "-" : finding.encoding);
	}
	return EXIT_SUCCESS;
}
