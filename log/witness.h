/* SPDX-License-Identifier: Apache-2.0 */
/*
 * witness: `pcc-log witness`, which cosigns heads of logs that only grow (C2SP
 * tlog-witness).
 *
 *     STATE/SHA-256 of the origin, in hex         the head cosigned last
 *     STATE/....fork-SIZE                         another of the same size
 *
 * A head is on the disk before its cosignature is shown to anybody.
 */
#ifndef LOG_WITNESS_H
#define LOG_WITNESS_H

#include "log/keys.h"
#include "log/listen.h"
#include "log/source.h"

struct witness {
	const struct keys *keys;     /* of type NOTE_COSIGNATURE; borrowed */
	const struct note_key *logs; /* whose heads it cosigns; borrowed */
	size_t log_count;
	struct source state;
	uint64_t (*now)(void); /* Unix seconds */
};

int witness_run(int argc, char **argv);

/* Answer one request; of one thread at a time. */
void witness_answer(const struct witness *witness,
		    const struct listen_request *request,
		    struct listen_answer *out);

#endif
