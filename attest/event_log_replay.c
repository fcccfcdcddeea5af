/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/event_log_replay.h"

#include <string.h>

#define LOCALITY BYTES_LITERAL("StartupLocality\0")

static const struct bytes exits[] = {
	BYTES_LITERAL("Exit Boot Services Invocation"),
	BYTES_LITERAL("Exit Boot Services Returned with Success"),
};

void event_log_replay_extend(struct event_log_replay *replay,
			     enum hash_algorithm hash, uint32_t index,
			     struct bytes digest)
{
	uint8_t *value = replay->banks[hash][index];
	uint8_t memory[2 * HASH_BYTES_MAX];
	size_t len = hash_bytes(hash);

	invariant(digest.len == len && index < EVENT_LOG_REGISTERS);
	memcpy(memory, value, len);
	memcpy(memory + len, digest.data, len);
	hash_digest(hash, (struct bytes){ memory, 2 * len }, value);
	replay->touched |= 1u << index;
}

/*
 * Said once, and before anything was measured: later it would be a way to
 * choose what PCR 0 begins with.  A dynamic launch begins with 4 (H-CRTM).
 */
static enum err start_from(struct event_log_replay *replay, struct bytes data)
{
	struct bytes said;
	uint8_t locality;

	if (bytes_take(&data, LOCALITY.len, &said) != ERR_OK ||
	    !bytes_equal(said, LOCALITY))
		return ERR_OK;
	TRY(bytes_take_u8(&data, &locality));
	if (data.len != 0 || (replay->touched & 1) != 0 ||
	    (locality != 0 && locality != 3 && locality != 4) ||
	    replay->banks[HASH_SHA1][0][hash_bytes(HASH_SHA1) - 1] != 0)
		return ERR_MALFORMED;
	for (int i = 0; i < HASH_ALGORITHMS; i++)
		replay->banks[i][0][hash_bytes((enum hash_algorithm)i) - 1] =
			locality;
	return ERR_OK;
}

static void count(struct event_log_replay *replay,
		  const struct event_log_event *event)
{
	uint32_t index = event->index;

	for (size_t i = 0; i < 2; i++)
		if (event->type == EVENT_LOG_EFI_ACTION &&
		    bytes_equal(event->data, exits[i]))
			replay->exits |= 1u << i;
	if (index >= EVENT_LOG_REPLAY_SEPARATED)
		return;
	if (event->type == EVENT_LOG_SEPARATOR)
		replay->separators[index]++;
	else if (replay->separators[index] == 0)
		replay->before[index]++;
	else
		replay->after[index]++;
}

static enum err take(struct event_log_replay *replay,
		     const struct event_log_event *event)
{
	replay->events++;
	if (event->type == EVENT_LOG_NO_ACTION)
		return start_from(replay, event->data);
	count(replay, event);
	replay->touched |= 1u << event->index;
	for (int i = 0; i < HASH_ALGORITHMS; i++)
		if (event->digests[i].len != 0)
			event_log_replay_extend(replay, (enum hash_algorithm)i,
						event->index,
						event->digests[i]);
	return ERR_OK;
}

enum err event_log_replay(struct bytes bytes, enum event_log_kind kind,
			  struct event_log_replay *out)
{
	struct event_log_replay replay = { 0 };
	struct event_log log;

	TRY(event_log_open(bytes, kind, &log));
	for (size_t i = 0; i < log.bank_count; i++)
		if (log.banks[i].known >= 0)
			replay.has_bank |= 1u << log.banks[i].known;
	while (!event_log_is_at_end(&log)) {
		struct event_log_event event;

		TRY(event_log_next(&log, &event));
		TRY(take(&replay, &event));
	}
	*out = replay;
	return ERR_OK;
}

void event_log_replay_add(struct event_log_replay *replay, uint32_t index,
			  struct bytes text)
{
	uint8_t digest[HASH_BYTES_MAX];

	invariant(index < EVENT_LOG_REGISTERS);
	for (int i = 0; i < HASH_ALGORITHMS; i++) {
		enum hash_algorithm hash = (enum hash_algorithm)i;

		if ((replay->has_bank >> i & 1) == 0)
			continue;
		hash_digest(hash, text, digest);
		event_log_replay_extend(
			replay, hash, index,
			(struct bytes){ digest, hash_bytes(hash) });
	}
}

/* What may follow a separator, register by register. */
static const struct {
	uint32_t index;
	uint32_t type;
} later[] = {
	{ 1, EVENT_LOG_VARIABLE_BOOT },
	{ 1, EVENT_LOG_VARIABLE_BOOT2 },
	{ 4, EVENT_LOG_BOOT_SERVICES_APPLICATION },
	{ 4, EVENT_LOG_EFI_ACTION },
	{ 4, EVENT_LOG_ACTION },
	{ 4, EVENT_LOG_IPL },
	{ 5, EVENT_LOG_GPT },
	{ 5, EVENT_LOG_GPT2 },
	{ 5, EVENT_LOG_EFI_ACTION },
	{ 5, EVENT_LOG_ACTION },
	{ 5, EVENT_LOG_EVENT_TAG },
	{ 5, EVENT_LOG_IPL },
	{ 7, EVENT_LOG_VARIABLE_AUTHORITY },
};

static bool may_follow(const struct event_log_event *event)
{
	for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++)
		if (later[i].index == event->index &&
		    later[i].type == event->type)
			return true;
	return false;
}

static bool is_separator_data(struct bytes data)
{
	return bytes_equal(data, BYTES_LITERAL("\0\0\0\0")) ||
	       bytes_equal(data, BYTES_LITERAL("\xff\xff\xff\xff"));
}

static bool is_in_order(const struct event_log_event *event,
			enum hash_algorithm hash, uint32_t *separated)
{
	uint32_t bit;

	if (event->type == EVENT_LOG_NO_ACTION ||
	    event->index >= EVENT_LOG_REPLAY_SEPARATED)
		return true;
	bit = 1u << event->index;
	if (event->type != EVENT_LOG_SEPARATOR)
		return (*separated & bit) == 0 || may_follow(event);
	if ((*separated & bit) != 0 || !is_separator_data(event->data) ||
	    !event_log_is_of_data(event, hash))
		return false;
	*separated |= bit;
	return true;
}

enum err event_log_replay_check_order(struct bytes bytes,
				      enum hash_algorithm hash,
				      uint32_t *number)
{
	struct event_log log;
	uint32_t separated = 0;
	uint32_t touched = 0;

	TRY(event_log_open(bytes, EVENT_LOG_PCRS, &log));
	while (!event_log_is_at_end(&log)) {
		struct event_log_event event;

		TRY(event_log_next(&log, &event));
		if (event.type != EVENT_LOG_NO_ACTION &&
		    event.index < EVENT_LOG_REPLAY_SEPARATED)
			touched |= 1u << event.index;
		if (!is_in_order(&event, hash, &separated)) {
			*number = event.number;
			return ERR_DENIED;
		}
	}
	if (touched == separated)
		return ERR_OK;
	*number = log.number;
	return ERR_DENIED;
}
