/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/events.h"

#include <stdio.h>

#include "base/err.h"
#include "policy/limits.h"
#include "policy/profile.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define BUCKET_MOST 1000000 /* ms or frames; beyond it all are one */
#define SIGNAL_MOST 64
#define COUNT_MOST 1000000000
#define GRAMMAR_LINE_MAX 256

enum kind {
	KIND_CODE,
	KIND_BUCKET,
	KIND_COUNT
};

static const char *const kind_names[] = {
	[KIND_CODE] = "code",
	[KIND_BUCKET] = "bucket",
	[KIND_COUNT] = "count",
};

/* Lines of a request are what the requests of one user can be told from. */
enum subject {
	SUBJECT_NODE,
	SUBJECT_REQUEST
};

static const char *const role_names[JAIL_ROLES] = {
	[JAIL_SUPERVISOR] = "supervisor", [JAIL_FRONT] = "front",
	[JAIL_KEEPER] = "keeper",	  [JAIL_ZYGOTE] = "zygote",
	[JAIL_ATTESTER] = "attester",	  [JAIL_WORKER] = "worker",
};

static const char *const how_names[EVENT_HOW_COUNT] = {
	[EVENT_HOW_DONE] = "done",
	[EVENT_HOW_FAILED] = "failed",
	[EVENT_HOW_KILLED] = "killed",
	[EVENT_HOW_SIGNAL] = "signal",
};

static const char *const arena_names[EVENT_ARENA_COUNT] = {
	[EVENT_ARENA_ZERO] = "zero",
	[EVENT_ARENA_NOT_ZERO] = "not-zero",
};

static const char *const outcome_names[EVENT_OUTCOME_COUNT] = {
	[EVENT_OUTCOME_ANSWERED] = "answered",
	[EVENT_OUTCOME_CANCELLED] = "cancelled",
	[EVENT_OUTCOME_DEADLINE] = "deadline",
	[EVENT_OUTCOME_REFUSED] = "refused",
	[EVENT_OUTCOME_LOST] = "lost",
};

static const char *const reason_names[EVENT_REASON_COUNT] = {
	[EVENT_REASON_OVERLOAD] = "overload",
	[EVENT_REASON_DRAINING] = "draining",
	[EVENT_REASON_NOT_READY] = "not-ready",
	[EVENT_REASON_STATE] = "state",
	[EVENT_REASON_MALFORMED] = "malformed",
	[EVENT_REASON_TOO_LARGE] = "too-large",
	[EVENT_REASON_IDLE] = "idle",
	[EVENT_REASON_KEY] = "key",
};

static const char *const cause_names[EVENT_CAUSE_COUNT] = {
	[EVENT_CAUSE_ASKED] = "asked",
	[EVENT_CAUSE_AGE] = "age",
	[EVENT_CAUSE_FULL] = "full",
	[EVENT_CAUSE_FAILED] = "failed",
};
static const char *const pages_names[EVENT_PAGES_COUNT] = {
	[EVENT_PAGES_KERNEL] = "kernel",
	[EVENT_PAGES_LOCKED] = "locked",
};

static const char *const priority_names[EVENT_PRIORITY_COUNT] = {
	[EVENT_PRIORITY_REAL_TIME] = "real-time",
	[EVENT_PRIORITY_USUAL] = "usual",
};

static const char *const shape_names[] = { "paced", "sized", "off" };

/* Invariant: only codes have names, one for each value; a signal has none. */
struct meaning {
	enum kind kind;
	const char *const *names;
};

struct form {
	enum subject subject;
	struct log_form line;
	struct meaning meanings[LOG_FIELDS_MAX]; /* of the line's fields */
};

#define MEANING(kind, names) \
	{                    \
		kind, names  \
	}
#define NAMED(table) MEANING(KIND_CODE, table)
#define NUMBERED MEANING(KIND_CODE, NULL)
#define BUCKET MEANING(KIND_BUCKET, NULL)
#define COUNT MEANING(KIND_COUNT, NULL)
#define LAST(table) (COUNT_OF(table) - 1)

static const struct form forms[EVENT_COUNT] = {
	[EVENT_NODE_READY] = {
		SUBJECT_NODE,
		{ "node_ready", { { "workers", LIMIT_WORKERS },
				  { "ms", BUCKET_MOST } } },
		{ COUNT, BUCKET },
	},
	[EVENT_NODE_STOPPED] = {
		SUBJECT_NODE,
		{ "node_stopped", { { "cause", LAST(cause_names) } } },
		{ NAMED(cause_names) },
	},
	[EVENT_ROLE_STARTED] = {
		SUBJECT_NODE,
		{ "role_started", { { "role", LAST(role_names) },
				    { "landlock", 99 },
				    { "optional", 255 } } },
		{ NAMED(role_names), COUNT, COUNT },
	},
	[EVENT_ROLE_ENDED] = {
		SUBJECT_NODE,
		{ "role_ended", { { "role", LAST(role_names) },
				  { "how", LAST(how_names) },
				  { "signal", SIGNAL_MOST } } },
		{ NAMED(role_names), NAMED(how_names), NUMBERED },
	},
	[EVENT_WORKER_ENDED] = {
		SUBJECT_REQUEST,
		{ "worker_ended", { { "how", LAST(how_names) },
				    { "signal", SIGNAL_MOST },
				    { "arena", LAST(arena_names) } } },
		{ NAMED(how_names), NUMBERED, NAMED(arena_names) },
	},
	[EVENT_REQUEST_DONE] = {
		SUBJECT_REQUEST,
		{ "request_done", { { "outcome", LAST(outcome_names) },
				    { "ms", BUCKET_MOST },
				    { "frames", BUCKET_MOST } } },
		{ NAMED(outcome_names), BUCKET, BUCKET },
	},
	[EVENT_REQUEST_REFUSED] = {
		SUBJECT_REQUEST,
		{ "request_refused", { { "reason", LAST(reason_names) } } },
		{ NAMED(reason_names) },
	},
	[EVENT_KEYS_HELD] = {
		SUBJECT_NODE,
		{ "keys_held", { { "pages", LAST(pages_names) } } },
		{ NAMED(pages_names) },
	},
	[EVENT_KEY_ROTATED] = {
		SUBJECT_NODE,
		{ "key_rotated", { { "live", KEYS_LIVE_MAX } } },
		{ COUNT },
	},
	[EVENT_KEY_RETIRED] = {
		SUBJECT_NODE,
		{ "key_retired", { { "cause", LAST(cause_names) } } },
		{ NAMED(cause_names) },
	},
	[EVENT_REPLAYS_REFUSED] = {
		SUBJECT_NODE,
		{ "replays_refused", { { "count", COUNT_MOST } } },
		{ COUNT },
	},
	[EVENT_LOAD] = {
		SUBJECT_NODE,
		{ "load", { { "running", LIMIT_WORKERS },
			    { "queued", LIMIT_QUEUE } } },
		{ COUNT, COUNT },
	},
	[EVENT_DRAIN_STARTED] = {
		SUBJECT_NODE,
		{ "drain_started", { { "running", LIMIT_WORKERS } } },
		{ COUNT },
	},
	[EVENT_DRAIN_DONE] = {
		SUBJECT_NODE,
		{ "drain_done", { { "ms", BUCKET_MOST } } },
		{ BUCKET },
	},
	[EVENT_SHAPE] = {
		SUBJECT_NODE,
		{ "shape", { { "shape", LAST(shape_names) },
			     { "frame_bytes", LIMIT_MESSAGE_BYTES },
			     { "tick_ms", BUCKET_MOST } } },
		{ NAMED(shape_names), COUNT, COUNT },
	},
	[EVENT_TICKS_MISSED] = {
		SUBJECT_NODE,
		{ "ticks_missed", { { "count", COUNT_MOST } } },
		{ COUNT },
	},
	[EVENT_PACING] = {
		SUBJECT_NODE,
		{ "pacing", { { "priority", LAST(priority_names) } } },
		{ NAMED(priority_names) },
	},
};

static const struct form *form_of(enum event event)
{
	invariant((size_t)event < EVENT_COUNT);
	return &forms[event];
}

const struct log_form *events_form(enum event event)
{
	return &form_of(event)->line;
}

uint64_t events_bucket(uint64_t value)
{
	static const uint64_t steps[] = { 1, 2, 5 };

	if (value == 0)
		return 0;
	for (uint64_t ten = 1; ten < BUCKET_MOST; ten *= 10) {
		for (size_t i = 0; i < COUNT_OF(steps); i++) {
			if (value <= steps[i] * ten)
				return steps[i] * ten;
		}
	}
	return BUCKET_MOST;
}

void events_log(enum event event, const uint64_t *values, size_t count)
{
	const struct form *form = form_of(event);
	uint64_t written[LOG_FIELDS_MAX];

	invariant(count == log_field_count(&form->line));
	for (size_t i = 0; i < count; i++) {
		written[i] = values[i];
		if (form->meanings[i].kind == KIND_BUCKET)
			written[i] = events_bucket(values[i]);
		/* A code past the last would be logged as another one. */
		invariant(form->meanings[i].kind != KIND_CODE ||
			  values[i] <= form->line.fields[i].max);
	}
	log_line(&form->line, written);
}

static enum err put_text(struct writer *out, const char *text)
{
	return bytes_put(out, bytes_of_string(text));
}

static enum err put_field(struct writer *out, const struct log_field *field,
			  const struct meaning *meaning)
{
	char line[GRAMMAR_LINE_MAX];

	snprintf(line, sizeof(line), "field %s %s %ju", field->name,
		 kind_names[meaning->kind], (uintmax_t)field->max);
	TRY(put_text(out, line));
	for (uint64_t i = 0; meaning->names != NULL && i <= field->max; i++) {
		TRY(put_text(out, " "));
		TRY(put_text(out, meaning->names[i]));
	}
	return put_text(out, "\n");
}

static enum err put_form(struct writer *out, const struct form *form)
{
	TRY(put_text(out, "event "));
	TRY(put_text(out, form->line.event));
	TRY(put_text(out, form->subject == SUBJECT_REQUEST ? " request\n"
							   : " node\n"));
	for (size_t i = 0; i < log_field_count(&form->line); i++)
		TRY(put_field(out, &form->line.fields[i], &form->meanings[i]));
	return ERR_OK;
}

enum err events_grammar_write(struct writer *out)
{
	struct writer made = *out;

	TRY(put_text(&made, "grammar 1\n"));
	for (size_t i = 0; i < EVENT_COUNT; i++)
		TRY(put_form(&made, &forms[i]));
	*out = made;
	return ERR_OK;
}
