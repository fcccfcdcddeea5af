/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event_log_replay: the registers that a log leads to, in every bank it has.
 *
 *     register = H(register | digest), for each event but EV_NO_ACTION
 *
 * Registers begin with zeros.  PCR 0 begins with the locality that the machine
 * was started from in its last byte, where an EV_NO_ACTION "StartupLocality\0"
 * before its first event says so (TCG PC Client Platform Firmware Profile 1.05,
 * 10.4.5.3).
 */
#ifndef ATTEST_EVENT_LOG_REPLAY_H
#define ATTEST_EVENT_LOG_REPLAY_H

#include "attest/event_log.h"

/* Registers in which firmware and what follows it are kept apart. */
#define EVENT_LOG_REPLAY_SEPARATED 8

struct event_log_replay {
	uint8_t banks[HASH_ALGORITHMS][EVENT_LOG_REGISTERS][HASH_BYTES_MAX];
	uint32_t has_bank; /* bit 1 << enum hash_algorithm */
	uint32_t touched;  /* bit 1 << register: an event extends it */
	uint32_t events;
	uint32_t exits; /* of "Exit Boot Services ..." events, bit 0 and 1 */
	uint32_t before[EVENT_LOG_REPLAY_SEPARATED]; /* its separator */
	uint32_t after[EVENT_LOG_REPLAY_SEPARATED];
	uint32_t separators[EVENT_LOG_REPLAY_SEPARATED];
};

/* Replay a whole log.  Errors are those of event_log_open and _next. */
MUST_CHECK enum err event_log_replay(struct bytes log, enum event_log_kind kind,
				     struct event_log_replay *out);

/* Extend one register of one bank by an event's digest. */
void event_log_replay_extend(struct event_log_replay *replay,
			     enum hash_algorithm bank, uint32_t index,
			     struct bytes digest);

/*
 * Extend one register of every bank by the hashes of a text that a machine is
 * known to measure, though its log may have been copied before that.
 */
void event_log_replay_add(struct event_log_replay *replay, uint32_t index,
			  struct bytes text);

/*
 * Whether a log of PCRs keeps to the order in which firmware hands over, in
 * the bank of `hash`: each of PCR 0 to 7 that an event extends has one
 * separator, whose data is four bytes of zeros or of ones and is what was
 * measured; and behind it comes nothing but what loaders measure: in PCR 4 what
 * is booted, in PCR 5 its configuration and actions, in PCR 7 what was verified
 * with (same profile, 3.3.4).  So events that were made up after the hand-over
 * cannot pass for the firmware's.  ERR_DENIED for another order, with the
 * number of the event that breaks it.
 */
MUST_CHECK enum err event_log_replay_check_order(struct bytes log,
						 enum hash_algorithm hash,
						 uint32_t *number);

#endif
