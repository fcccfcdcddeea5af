/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/cel.h"

#include "attest/tpm_public.h"

enum {
	TYPE_NUMBER = 0x00,
	TYPE_PCR = 0x01,
	TYPE_DIGESTS = 0x03,
	TYPE_COS = 0x50,
	TYPE_CC_REGISTER = 0x6c,
};

#define CC_REGISTERS 5

static enum err take_part(struct bytes *in, uint8_t *type, struct bytes *value)
{
	uint32_t len;

	TRY(bytes_take_u8(in, type));
	TRY(bytes_take_u32(in, &len));
	return bytes_take(in, len, value);
}

static enum err take_number(struct bytes *in, uint64_t wanted)
{
	uint8_t type;
	struct bytes value;
	uint64_t number;

	TRY(take_part(in, &type, &value));
	if (type != TYPE_NUMBER || value.len != sizeof(number))
		return ERR_MALFORMED;
	TRY(bytes_take_u64(&value, &number));
	return number == wanted ? ERR_OK : ERR_MALFORMED;
}

static enum err take_register(struct bytes *in, struct cel_record *out)
{
	uint8_t type;
	uint8_t index;
	struct bytes value;

	TRY(take_part(in, &type, &value));
	if (type == TYPE_PCR && value.len == 4) {
		out->kind = EVENT_LOG_PCRS;
		TRY(bytes_take_u32(&value, &out->index));
		return out->index < EVENT_LOG_REGISTERS ? ERR_OK
							: ERR_MALFORMED;
	}
	if (type != TYPE_CC_REGISTER || value.len != 1)
		return ERR_MALFORMED;
	out->kind = EVENT_LOG_CC;
	TRY(bytes_take_u8(&value, &index));
	out->index = index;
	return index < CC_REGISTERS ? ERR_OK : ERR_MALFORMED;
}

static enum err take_digests(struct bytes *in, struct cel_record *out)
{
	uint8_t type;
	struct bytes list;

	TRY(take_part(in, &type, &list));
	if (type != TYPE_DIGESTS || list.len == 0)
		return ERR_MALFORMED;
	while (list.len > 0) {
		enum hash_algorithm hash;
		struct bytes digest;

		TRY(take_part(&list, &type, &digest));
		TRY(tpm_public_hash(type, &hash));
		if (digest.len != hash_bytes(hash) ||
		    out->digests[hash].len != 0)
			return ERR_MALFORMED;
		out->digests[hash] = digest;
	}
	return ERR_OK;
}

static enum err take_event(struct bytes *in, struct cel_record *out,
			   struct bytes *measured)
{
	const uint8_t *begin = in->data;
	uint8_t type;
	struct bytes value;

	TRY(take_part(in, &type, &value));
	if (type != TYPE_COS)
		return ERR_UNSUPPORTED;
	*measured = (struct bytes){ begin, (size_t)(in->data - begin) };
	TRY(take_part(&value, &out->event_kind, &out->event));
	return bytes_expect_end(&value);
}

static enum err check_digests(const struct cel_record *record,
			      struct bytes measured)
{
	for (int i = 0; i < HASH_ALGORITHMS; i++) {
		enum hash_algorithm hash = (enum hash_algorithm)i;
		uint8_t digest[HASH_BYTES_MAX];

		if (record->digests[i].len == 0)
			continue;
		hash_digest(hash, measured, digest);
		if (!bytes_equal(record->digests[i],
				 (struct bytes){ digest, hash_bytes(hash) }))
			return ERR_UNAUTHENTIC;
	}
	return ERR_OK;
}

enum err cel_take(struct bytes *in, uint64_t number, struct cel_record *out)
{
	struct cel_record found = { .number = number };
	struct bytes rest = *in;
	struct bytes measured;

	TRY(take_number(&rest, number));
	TRY(take_register(&rest, &found));
	TRY(take_digests(&rest, &found));
	TRY(take_event(&rest, &found, &measured));
	TRY(check_digests(&found, measured));
	*in = rest;
	*out = found;
	return ERR_OK;
}

/* Every bank that the replay has needs its digest, or falls behind. */
static enum err extend(struct event_log_replay *replay,
		       const struct cel_record *record)
{
	for (int i = 0; i < HASH_ALGORITHMS; i++) {
		if ((replay->has_bank >> i & 1) == 0)
			continue;
		if (record->digests[i].len == 0)
			return ERR_MALFORMED;
		event_log_replay_extend(replay, (enum hash_algorithm)i,
					record->index, record->digests[i]);
	}
	replay->events++;
	return ERR_OK;
}

enum err cel_replay(struct bytes log, enum event_log_kind kind,
		    struct event_log_replay *replay)
{
	struct event_log_replay found = *replay;

	if (log.len > CEL_BYTES_MAX)
		return ERR_TOO_LARGE;
	for (uint64_t number = 0; log.len > 0; number++) {
		struct cel_record record;

		TRY(cel_take(&log, number, &record));
		if (record.kind != kind)
			return ERR_MALFORMED;
		TRY(extend(&found, &record));
	}
	*replay = found;
	return ERR_OK;
}
