/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cel: the canonical event log in TLV (TCG Canonical Event Log Format 1.0,
 * section 5.1), as container launchers write it: COS events.
 *
 *     record  = 00 number | 01 PCR or 6c CC register | 03 digests | 50 event
 *     digests = { algorithm:1 | length u32 | digest } ...
 *     event   = kind:1 | length u32 | data
 *
 * Each part is type:1 | length u32 | value, big-endian.  A digest is over the
 * whole last part, head included, so that all of an event is measured.  Numbers
 * count from 0 without a gap.
 */
#ifndef ATTEST_CEL_H
#define ATTEST_CEL_H

#include "attest/event_log_replay.h"

#define CEL_BYTES_MAX (1u << 20)

struct cel_record {
	uint64_t number;
	enum event_log_kind kind; /* what `index` is a register of */
	uint32_t index;
	struct bytes digests[HASH_ALGORITHMS]; /* borrowed; empty: not there */
	uint8_t event_kind; /* image, digest, argument, ... */
	struct bytes event; /* borrowed: its data */
};

/*
 * Take the record that has to be `number` from the front.  ERR_MALFORMED or
 * ERR_TRUNCATED for one that is none, ERR_UNSUPPORTED for an event that is not
 * COS's, ERR_UNAUTHENTIC where a digest is of something else.
 */
MUST_CHECK enum err cel_take(struct bytes *in, uint64_t number,
			     struct cel_record *out);

/*
 * Go on from where a firmware's log of the same kind led: extend by every
 * record.  Errors as above, and `replay` is then as it was.
 */
MUST_CHECK enum err cel_replay(struct bytes log, enum event_log_kind kind,
			       struct event_log_replay *replay);

#endif
