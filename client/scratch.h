/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scratch: memory for wire/json.h, which wants some in each thread that parses.
 */
#ifndef CLIENT_SCRATCH_H
#define CLIENT_SCRATCH_H

/*
 * Give the calling thread its memory, where it has none yet.  It goes when the
 * thread ends; pages of it exist once they are used.
 */
void scratch_prepare(void);

#endif
