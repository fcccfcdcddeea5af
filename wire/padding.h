/* SPDX-License-Identifier: Apache-2.0 */
/*
 * padding: the sizes that a request may have on the wire.
 *
 * Padmé (Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and
 * Communication with PURBs", 2019): a length keeps only as many leading bits
 * as its exponent has bits, so that it tells O(log log) bits and costs at most
 * 12 % more.  Here the least size is 1 KiB, which makes it at most 6.2 %
 * beyond that, in 16 steps an octave to 64 KiB and 32 from there on.
 */
#ifndef WIRE_PADDING_H
#define WIRE_PADDING_H

#include "base/bytes.h"

#define PADDING_SIZE_MIN ((size_t)1 << 10)
#define PADDING_SIZE_MAX ((size_t)4 << 20)

/* The least size class that holds len bytes; ERR_TOO_LARGE beyond the last. */
MUST_CHECK enum err padding_size_class(size_t len, size_t *out);

#endif
