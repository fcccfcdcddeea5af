/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event_log: what firmware and loaders say they measured, event by event.
 *
 * Two formats, both little-endian (TCG PC Client Platform Firmware Profile
 * 1.05, section 10):
 *
 *     SHA-1   { register u32 | type u32 | digest[20] | size u32 | data } ...
 *     agile   one of the above, whose data is "Spec ID Event03\0" and a list
 *             of the algorithms, then { register u32 | type u32 | count u32
 *             | { algorithm u16 | digest } ... | size u32 | data } ...
 *
 * A log of confidential computing (CCEL, UEFI 2.10, section 38) is agile; its
 * registers are 0 for MRTD and 1 to 4 for RTMR0 to 3, and what its table has
 * room for behind the last event is filled with one byte.
 *
 * Nobody signs a log.  Digests are proven by replaying them to registers that
 * were signed (attest/event_log_replay.h), and data by being what the digest is
 * of, if it is.
 */
#ifndef ATTEST_EVENT_LOG_H
#define ATTEST_EVENT_LOG_H

#include "base/bytes.h"
#include "crypto/hash.h"

#define EVENT_LOG_BYTES_MAX (1u << 20)
#define EVENT_LOG_BANKS_MAX 8
#define EVENT_LOG_REGISTERS 24

/* What the registers of the events are. */
enum event_log_kind {
	EVENT_LOG_PCRS = 0,
	EVENT_LOG_CC, /* 0: MRTD; 1 to 4: RTMR0 to 3 */
};

/* The types that something here depends on; event_log_type_name has more. */
enum event_log_type {
	EVENT_LOG_NO_ACTION = 0x03, /* extends nothing */
	EVENT_LOG_SEPARATOR = 0x04,
	EVENT_LOG_ACTION = 0x05,
	EVENT_LOG_EVENT_TAG = 0x06,
	EVENT_LOG_CRTM_VERSION = 0x08,
	EVENT_LOG_IPL = 0x0d,
	EVENT_LOG_VARIABLE_DRIVER_CONFIG = 0x80000001,
	EVENT_LOG_VARIABLE_BOOT = 0x80000002,
	EVENT_LOG_BOOT_SERVICES_APPLICATION = 0x80000003,
	EVENT_LOG_GPT = 0x80000006,
	EVENT_LOG_EFI_ACTION = 0x80000007,
	EVENT_LOG_VARIABLE_BOOT2 = 0x8000000c,
	EVENT_LOG_GPT2 = 0x8000000d,
	EVENT_LOG_VARIABLE_AUTHORITY = 0x800000e0,
};

struct event_log_bank {
	uint16_t id;	/* TPM_ALG_ID */
	uint16_t bytes; /* of its digests */
	int known; /* enum hash_algorithm, or -1: its digests are skipped */
};

/* A cursor.  Everything is borrowed. */
struct event_log {
	struct bytes rest;
	enum event_log_kind kind;
	struct event_log_bank banks[EVENT_LOG_BANKS_MAX];
	size_t bank_count;
	uint32_t number; /* of the next event, from 0 */
	bool is_agile;
};

struct event_log_event {
	uint32_t number;
	uint32_t index; /* the register, as the log numbers it */
	uint32_t type;
	struct bytes digests[HASH_ALGORITHMS]; /* empty: not of this bank */
	struct bytes data;
};

/*
 * Begin.  The header of an agile log is read here and is no event.  ERR_TOO_
 * LARGE beyond EVENT_LOG_BYTES_MAX, ERR_MALFORMED for a header that is none.
 */
MUST_CHECK enum err event_log_open(struct bytes bytes, enum event_log_kind kind,
				   struct event_log *out);

/* Whether nothing is left but, in a log of kind EVENT_LOG_CC, its filling. */
bool event_log_is_at_end(const struct event_log *log);

/*
 * The next event.  ERR_MALFORMED or ERR_TRUNCATED where there is none: an
 * unknown or doubled algorithm, a missing digest, a register that does not
 * exist, a size beyond the end.
 */
MUST_CHECK enum err event_log_next(struct event_log *log,
				   struct event_log_event *out);

/*
 * Whether the event's digest of this bank is the hash of its data, so that
 * whoever proves the digest proves the data.
 */
bool event_log_is_of_data(const struct event_log_event *event,
			  enum hash_algorithm bank);

/* "EV_SEPARATOR" and so on; "unknown" for others.  Never NULL. */
const char *event_log_type_name(uint32_t type);

#endif
