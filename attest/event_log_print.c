/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/event_log_print.h"

#include <inttypes.h>

#define TEXT_MAX 96 /* letters of one event's data */
#define DIGEST_SHOWN 8

static void print_register(const struct event_log *log,
			   const struct event_log_event *event, FILE *out)
{
	if (log->kind == EVENT_LOG_PCRS)
		fprintf(out, "pcr%-3" PRIu32, event->index);
	else if (event->index == 0)
		fprintf(out, "mrtd  ");
	else
		fprintf(out, "rtmr%-2" PRIu32, event->index - 1);
}

/* The widest hash that the log has. */
static int best_bank(const struct event_log_event *event)
{
	int best = -1;

	for (int i = 0; i < HASH_ALGORITHMS; i++)
		if (event->digests[i].len != 0)
			best = i;
	return best;
}

static void print_digest(const struct event_log_event *event, FILE *out)
{
	int bank = best_bank(event);

	if (bank < 0) {
		fprintf(out, "%*s  beside  ", 2 * DIGEST_SHOWN, "-");
		return;
	}
	for (size_t i = 0; i < DIGEST_SHOWN; i++)
		fprintf(out, "%02x", event->digests[bank].data[i]);
	fprintf(out, "  %-6s  ",
		event_log_is_of_data(event, (enum hash_algorithm)bank)
			? "data"
			: "beside");
}

static bool is_plain(uint8_t letter)
{
	return letter >= 0x20 && letter <= 0x7e;
}

/* Every second byte zero is UTF-16 as firmware writes it. */
static size_t step_of(struct bytes data, size_t at)
{
	return at + 3 < data.len && is_plain(data.data[at]) &&
			       data.data[at + 1] == 0 &&
			       is_plain(data.data[at + 2]) &&
			       data.data[at + 3] == 0
		       ? 2
		       : 1;
}

/* A run of letters that starts here, in bytes; 0 for none worth showing. */
static size_t run_of(struct bytes data, size_t at, size_t step)
{
	size_t end = at;

	while (end < data.len && is_plain(data.data[end]) &&
	       (step == 1 || (end + 1 < data.len && data.data[end + 1] == 0)))
		end += step;
	return (end - at) / step >= 3 ? end - at : 0;
}

/* What can be read of it, other bytes being left out between. */
static void print_text(struct bytes data, FILE *out)
{
	size_t letters = 0;
	size_t at = 0;

	while (at < data.len && letters < TEXT_MAX) {
		size_t step = step_of(data, at);
		size_t run = run_of(data, at, step);

		if (run == 0) {
			at++;
			continue;
		}
		for (size_t i = 0; i < run && letters < TEXT_MAX; i += step) {
			fputc(data.data[at + i], out);
			letters++;
		}
		fputc(' ', out);
		at += run;
	}
}

static void print_event(const struct event_log *log,
			const struct event_log_event *event, FILE *out)
{
	fprintf(out, "%4" PRIu32 "  ", event->number);
	print_register(log, event, out);
	fprintf(out, "  %-32s  ", event_log_type_name(event->type));
	print_digest(event, out);
	print_text(event->data, out);
	fputc('\n', out);
}

enum err event_log_print(struct bytes bytes, enum event_log_kind kind,
			 FILE *out)
{
	struct event_log log;
	struct event_log_event event;
	enum err err = event_log_open(bytes, kind, &log);

	while (err == ERR_OK && !event_log_is_at_end(&log)) {
		err = event_log_next(&log, &event);
		if (err == ERR_OK)
			print_event(&log, &event, out);
	}
	if (err != ERR_OK)
		fprintf(out, "The log ends here: it is %s.\n", err_name(err));
	return err;
}
