/* SPDX-License-Identifier: Apache-2.0 */
/*
 * canary: a text that is nowhere else, and where it is looked for.
 */
#ifndef TESTS_SUPPORT_CANARY_H
#define TESTS_SUPPORT_CANARY_H

#include "sandbox/scan.h"

#define CANARY_BYTES NEEDLE_SECRET_MAX

/*
 * Random letters, inverted; and the way to make them readable, for just as long
 * as they are needed.
 */
void canary_invent(uint8_t inverted[static CANARY_BYTES]);
void canary_reveal(const uint8_t inverted[static CANARY_BYTES],
		   char text[static CANARY_BYTES + 1]);

/* Look for a text, any piece of it; and for it as the words of the model
 * under test, any few in a row but for those at its ends. */
void canary_look_for(struct needles *needles, const char *text);
void canary_look_for_tokens(struct needles *needles, const char *text);

/*
 * A small disk in a file, mounted on a folder, so that what was deleted can be
 * looked at as well; false where the machine gives none.
 */
#define CANARY_PATH_MAX 96
bool canary_make_disk(char image[static CANARY_PATH_MAX],
		      char folder[static CANARY_PATH_MAX]);
void canary_scan_disk(const struct needles *needles, const char *image,
		      const char *folder, struct scan_finding *finding);
void canary_remove_disk(const char *image, const char *folder);

#endif
