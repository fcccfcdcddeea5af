/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event logs of both kinds, as an input and its first byte say: events lie
 * within the log and in order, a replay agrees with a walk, and what is printed
 * is text.
 */
#include <stdio.h>
#include <stdlib.h>

#include "attest/event_log_print.h"
#include "attest/event_log_replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum err walk(struct bytes in, enum event_log_kind kind,
		     uint32_t *events)
{
	struct event_log log;

	TRY(event_log_open(in, kind, &log));
	while (!event_log_is_at_end(&log)) {
		const uint8_t *before = log.rest.data;
		struct event_log_event event;

		TRY(event_log_next(&log, &event));
		invariant(log.rest.data > before);
		invariant(event.number == *events);
		invariant(event.index < EVENT_LOG_REGISTERS);
		invariant(event.data.len == 0 ||
			  event.data.data + event.data.len == log.rest.data ||
			  log.rest.len == 0);
		(*events)++;
	}
	return ERR_OK;
}

static void check_text(struct bytes in, enum event_log_kind kind,
		       enum err expected)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	enum err err;

	invariant(out != NULL);
	err = event_log_print(in, kind, out);
	fclose(out);
	invariant(err == expected);
	for (size_t i = 0; i < len; i++)
		invariant(text[i] == '\n' ||
			  (text[i] >= 0x20 && text[i] <= 0x7e));
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum event_log_kind kind;
	struct event_log_replay replay;
	struct bytes in;
	uint32_t events = 0;
	uint32_t number = 0;
	enum err err;

	if (size == 0)
		return 0;
	kind = (data[0] & 1) != 0 ? EVENT_LOG_CC : EVENT_LOG_PCRS;
	in = (struct bytes){ data + 1, size - 1 };
	err = walk(in, kind, &events);
	/* A replay refuses more than a walk: a locality out of its place. */
	if (event_log_replay(in, kind, &replay) == ERR_OK)
		invariant(err == ERR_OK && replay.events == events);
	check_text(in, kind, err);
	if (event_log_replay_check_order(in, HASH_SHA256, &number) ==
	    ERR_DENIED)
		invariant(number <= size);
	return 0;
}
