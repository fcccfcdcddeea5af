/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of canonical event logs lie within their log; a replay takes all of
 * them or changes nothing.
 */
#include <string.h>

#include "attest/cel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = { data, size };
	const uint8_t *end = data + size;
	static const struct event_log_replay none;
	struct event_log_replay replay = none;
	uint64_t number = 0;

	while (in.len > 0) {
		struct cel_record record;
		const uint8_t *before = in.data;

		if (cel_take(&in, number, &record) != ERR_OK)
			break;
		invariant(in.data > before && in.data + in.len == end);
		invariant(record.number == number++);
		invariant(record.index < EVENT_LOG_REGISTERS);
		invariant(record.event.len == 0 ||
			  record.event.data + record.event.len == in.data);
	}
	replay.has_bank = 1u << HASH_SHA384;
	if (cel_replay((struct bytes){ data, size }, EVENT_LOG_CC, &replay) ==
	    ERR_OK)
		invariant(replay.events == number && in.len == 0);
	else
		invariant(replay.events == 0 && replay.touched == 0);
	return 0;
}
