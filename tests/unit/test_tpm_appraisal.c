/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attest/event_log_replay.h"
#include "attest/tpm.h"
#include "base/secret.h"
#include "tests/effort.h"
#include "tests/figure.h"
#include "tests/numbers.h"
#include "tests/support/paper_tpm.h"
#include "tests/vector.h"

#define OVMF "tests/vectors/eventlog/ovmf.bin"

/* A TPM on paper, what it quotes, and the policy that accepts it. */
struct sample {
	struct paper_tpm tpm;
	struct paper_tpm_quote quote;
	struct paper_tpm_parts parts;
	struct tpm_evidence evidence;
	struct appraisal_chip chip;
	struct appraisal_policy policy;
	uint8_t memory[16384];
	size_t len;
};

static void close_sample(struct sample *sample)
{
	paper_tpm_close(&sample->tpm);
}

#define SAMPLE SCOPED_WIPE(close_sample) struct sample

/* Write the evidence as it is now. */
static void encode(struct sample *sample)
{
	struct writer out = WRITER_OVER(sample->memory);

	cr_assert_eq(tpm_evidence_write(&sample->evidence, &out), ERR_OK);
	sample->len = out.len;
}

/* Quote anew, after a change to the quote. */
static void quote_again(struct sample *sample)
{
	struct bytes log = sample->evidence.event_log;

	paper_tpm_evidence(&sample->tpm, &sample->quote, &sample->parts,
			   &sample->evidence);
	sample->evidence.event_log = log;
	encode(sample);
}

static void prepare_kind(struct sample *sample, enum paper_tpm_kind kind)
{
	*sample = (struct sample){ 0 };
	paper_tpm_open(kind, &sample->tpm);
	paper_tpm_begin(&sample->quote);
	sample->policy = (struct appraisal_policy){
		.now = PAPER_TPM_NOW,
		.roots = &sample->tpm.root,
		.root_count = 1,
	};
	quote_again(sample);
}

static void prepare(struct sample *sample)
{
	prepare_kind(sample, PAPER_TPM_P256);
}

/* Let the policy name the key instead of a root. */
static void name_key(struct sample *sample)
{
	struct tpm_public key;
	struct tpm_public_name name;

	cr_assert_eq(tpm_public_parse(sample->evidence.ak_public, &key),
		     ERR_OK);
	tpm_public_name(&key, &name);
	sample->chip.len = name.len;
	memcpy(sample->chip.id, name.bytes, name.len);
	sample->policy.chips = &sample->chip;
	sample->policy.chip_count = 1;
	sample->policy.root_count = 0;
}

/* Whether it is accepted as evidence of these very data. */
static bool is_accepted_as(const struct sample *sample, struct appraisal *found)
{
	tpm_appraise((struct bytes){ sample->memory, sample->len },
		     &sample->policy, found);
	return appraisal_holds(found, TPM_NEEDED) &&
	       bytes_equal(found->report_data, BYTES_ARRAY(sample->quote.data));
}

static bool is_accepted(const struct sample *sample)
{
	struct appraisal found;

	return is_accepted_as(sample, &found);
}

/* Refused, and for this reason. */
static void expect_fault(const struct sample *sample, enum appraisal_code code)
{
	struct appraisal found;

	cr_assert_not(is_accepted_as(sample, &found));
	cr_assert_eq(found.records[code].mark, RECORD_FAIL, "%s",
		     appraisal_code_name(code));
}

Test(tpm, a_sound_quote_passes_whichever_kind_of_key_signed_it)
{
	for (int kind = PAPER_TPM_P256; kind <= PAPER_TPM_RSA; kind++) {
		SAMPLE sample;
		struct appraisal found;

		prepare_kind(&sample, (enum paper_tpm_kind)kind);
		cr_assert(is_accepted_as(&sample, &found), "%d: %s %s", kind,
			  found.records[APPRAISAL_CHAIN].text,
			  found.records[APPRAISAL_SIGNATURE].text);
		cr_assert_eq(found.records[APPRAISAL_EVENTS].mark, RECORD_SKIP);
		cr_assert_eq(found.registers[14].len, 32);
		cr_assert_eq(found.registers[14].digest[0], 0x14);
		cr_assert_eq(found.registers[8].len, 0);
		cr_assert_eq(found.valid_until,
			     PAPER_TPM_NOW + 86400 * (PAPER_TPM_DAYS - 1));
		cr_assert_eq(found.chip.len, 34);
	}
}

Test(tpm, a_policy_may_name_the_key_instead_of_a_root)
{
	SAMPLE sample;
	struct appraisal found;

	prepare(&sample);
	name_key(&sample);
	cr_assert(is_accepted_as(&sample, &found));
	cr_assert_not_null(strstr(found.records[APPRAISAL_CHAIN].text,
				  "names this very key"));
	sample.chip.id[33] ^= 1;
	expect_fault(&sample, APPRAISAL_CHAIN);
}

Test(tpm, no_root_is_built_in)
{
	SAMPLE sample;

	prepare(&sample);
	sample.policy.root_count = 0;
	expect_fault(&sample, APPRAISAL_CHAIN);
}

Test(tpm, another_root_no_certificate_or_an_old_one_is_refused)
{
	SAMPLE sample;
	struct certificate_root other;

	prepare(&sample);
	other = sample.tpm.root;
	other.digest[0] ^= 1;
	sample.policy.roots = &other;
	expect_fault(&sample, APPRAISAL_CHAIN);
	sample.policy.roots = &sample.tpm.root;
	sample.policy.now = PAPER_TPM_NOW + 86400 * PAPER_TPM_DAYS;
	expect_fault(&sample, APPRAISAL_CHAIN);
	sample.policy.now = PAPER_TPM_NOW - 2 * 86400;
	expect_fault(&sample, APPRAISAL_CHAIN);
	sample.policy.now = PAPER_TPM_NOW;
	cr_assert(is_accepted(&sample));
	sample.evidence.certificate_count = 0;
	encode(&sample);
	expect_fault(&sample, APPRAISAL_CHAIN);
}

Test(tpm, a_certificate_of_another_key_is_refused)
{
	SAMPLE sample;
	SAMPLE other;

	prepare(&sample);
	prepare(&other);
	sample.evidence.certificates[0] = other.evidence.certificates[0];
	sample.evidence.certificates[1] = other.evidence.certificates[1];
	sample.policy.roots = &other.tpm.root;
	encode(&sample);
	expect_fault(&sample, APPRAISAL_CHAIN);
}

/* The key's own certificate, for something else or under another name. */
static void certify_as(struct sample *sample, const char *name,
		       const char *usage)
{
	struct signature_key key = { sample->tpm.ak };
	struct issuer_order order = { &key, name, usage, PAPER_TPM_NOW,
				      PAPER_TPM_NOW + 60 };
	struct paper_tpm_part *part = &sample->tpm.ak_certificate;
	struct writer der = { part->bytes, 0, sizeof(part->bytes) };

	cr_assert_eq(issuer_sign(&sample->tpm.issuer, &order, &der), ERR_OK);
	part->len = der.len;
}

Test(tpm, a_certificate_for_another_purpose_is_refused)
{
	SAMPLE sample;

	prepare(&sample);
	certify_as(&sample, "web", "serverAuth");
	quote_again(&sample);
	expect_fault(&sample, APPRAISAL_CHAIN);
	certify_as(&sample, "web", "2.23.133.8.3");
	quote_again(&sample);
	cr_assert(is_accepted(&sample));
}

/* A certificate has the key alone: who says that the key is restricted? */
Test(tpm, attributes_that_nothing_signed_vouches_for_are_refused)
{
	SAMPLE sample;
	struct tpm_public key;
	struct tpm_public_name name;
	char text[TPM_PUBLIC_TEXT_MAX];

	prepare(&sample);
	/* Signed by a key of other attributes than it is shown with now. */
	paper_tpm_set_attributes(&sample.tpm, 0x00050472);
	sample.evidence.ak_public = paper_tpm_bytes(&sample.tpm.ak_public);
	encode(&sample);
	expect_fault(&sample, APPRAISAL_CHAIN);
	cr_assert_eq(tpm_public_parse(sample.evidence.ak_public, &key), ERR_OK);
	tpm_public_name(&key, &name);
	tpm_public_name_text(&name, text);
	certify_as(&sample, text, "2.23.133.8.3");
	sample.evidence.certificates[0] =
		paper_tpm_bytes(&sample.tpm.ak_certificate);
	encode(&sample);
	cr_assert(is_accepted(&sample));
}

Test(tpm, a_key_that_could_sign_anything_is_refused)
{
	static const uint32_t lacking[] = {
		0x00040072, 0x00050062, 0x00050070,
		0x00050052, 0x00010072, 0x00070072
	};
	SAMPLE sample;

	prepare(&sample);
	for (size_t i = 0; i < sizeof(lacking) / sizeof(*lacking); i++) {
		paper_tpm_set_attributes(&sample.tpm, lacking[i]);
		quote_again(&sample);
		expect_fault(&sample, APPRAISAL_SIGNATURE);
	}
	paper_tpm_set_attributes(&sample.tpm, 0x00050072);
	quote_again(&sample);
	cr_assert(is_accepted(&sample));
}

Test(tpm, what_is_signed_but_no_quote_is_refused)
{
	SAMPLE sample;

	prepare(&sample);
	sample.quote.magic = 0xff544348;
	quote_again(&sample);
	expect_fault(&sample, APPRAISAL_FORMAT);
	sample.quote.magic = 0xff544347;
	sample.quote.type = 0x8017;
	quote_again(&sample);
	expect_fault(&sample, APPRAISAL_FORMAT);
}

Test(tpm, a_quote_of_another_bank_is_refused)
{
	static const uint16_t banks[] = { 0x0004, 0x000c, 0x000d };
	SAMPLE sample;

	prepare(&sample);
	for (size_t i = 0; i < 3; i++) {
		sample.quote.bank = banks[i];
		quote_again(&sample);
		expect_fault(&sample, APPRAISAL_SIGNATURE);
	}
}

Test(tpm, values_in_other_places_are_refused)
{
	SAMPLE sample;
	const uint8_t **pcrs = sample.evidence.pcrs;

	prepare(&sample);
	pcrs[13] = pcrs[14];
	pcrs[14] = NULL;
	encode(&sample);
	expect_fault(&sample, APPRAISAL_SIGNATURE);
	pcrs[14] = pcrs[13];
	pcrs[13] = pcrs[0];
	encode(&sample);
	expect_fault(&sample, APPRAISAL_SIGNATURE);
	pcrs[13] = NULL;
	pcrs[0] = pcrs[14];
	pcrs[14] = pcrs[1];
	encode(&sample);
	expect_fault(&sample, APPRAISAL_SIGNATURE);
	pcrs[14] = pcrs[0];
	pcrs[0] = pcrs[1];
	encode(&sample);
	cr_assert(is_accepted(&sample));
}

/* A quote of what the log of a real machine leads to. */
static struct bytes add_log(struct sample *sample)
{
	static uint8_t memory[4096];
	static struct event_log_replay replay;
	FILE *in = fopen(OVMF, "rb");
	struct bytes log = { memory, 0 };

	cr_assert_not_null(in, "%s is part of the tree", OVMF);
	log.len = fread(memory, 1, sizeof(memory), in);
	fclose(in);
	cr_assert_eq(event_log_replay(log, EVENT_LOG_PCRS, &replay), ERR_OK);
	for (int i = 0; i < 10; i++)
		memcpy(sample->quote.pcrs[i], replay.banks[HASH_SHA256][i], 32);
	sample->quote.selected = 0x42ff;
	sample->evidence.event_log = log;
	quote_again(sample);
	return log;
}

Test(tpm, a_log_that_leads_to_the_registers_passes)
{
	SAMPLE sample;
	struct appraisal found;

	prepare(&sample);
	(void)add_log(&sample);
	cr_assert(is_accepted_as(&sample, &found));
	cr_assert_eq(found.records[APPRAISAL_EVENTS].mark, RECORD_PASS, "%s",
		     found.records[APPRAISAL_EVENTS].text);
}

Test(tpm, a_log_that_tells_less_than_was_measured_is_refused)
{
	SAMPLE sample;
	struct bytes log;

	prepare(&sample);
	log = add_log(&sample);
	/* To its header alone, every event gone. */
	sample.evidence.event_log.len = 65;
	encode(&sample);
	expect_fault(&sample, APPRAISAL_EVENTS);
	sample.evidence.event_log.len = log.len - 1;
	encode(&sample);
	expect_fault(&sample, APPRAISAL_EVENTS);
	sample.quote.pcrs[3][0] ^= 1;
	sample.evidence.event_log = log;
	quote_again(&sample);
	expect_fault(&sample, APPRAISAL_EVENTS);
}

Test(tpm, the_end_of_firmware_may_be_missing_from_a_log_and_nothing_else)
{
	SAMPLE sample;
	struct event_log cursor;
	struct event_log_event event;
	struct bytes log;
	uint8_t *copy;
	size_t len = 0;

	prepare(&sample);
	log = add_log(&sample);
	copy = vector_copy(log);
	len = 0;
	cr_assert_eq(event_log_open(log, EVENT_LOG_PCRS, &cursor), ERR_OK);
	len = (size_t)(cursor.rest.data - log.data);
	while (!event_log_is_at_end(&cursor)) {
		const uint8_t *begin = cursor.rest.data;
		size_t bytes;

		cr_assert_eq(event_log_next(&cursor, &event), ERR_OK);
		bytes = (size_t)(cursor.rest.data - begin);
		if (event.index == 5 && event.type == EVENT_LOG_EFI_ACTION)
			continue;
		memcpy(copy + len, begin, bytes);
		len += bytes;
	}
	cr_assert_lt(len, log.len);
	sample.evidence.event_log = (struct bytes){ copy, len };
	encode(&sample);
	cr_assert(is_accepted(&sample));
	sample.quote.pcrs[5][0] ^= 1;
	quote_again(&sample);
	expect_fault(&sample, APPRAISAL_EVENTS);
}

/* Change bytes in place, all the same afterwards; count what is accepted. */
static size_t count_flips(struct sample *sample, size_t from, size_t to)
{
	size_t accepted = 0;

	for (size_t bit = 8 * from; bit < 8 * to; bit++) {
		sample->memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
		accepted += is_accepted(sample);
		sample->memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	return accepted;
}

Test(tpm, no_flipped_bit_anywhere_is_accepted)
{
	SAMPLE sample;

	prepare(&sample);
	figure_none("A2c", "flipped bits accepted",
		    count_flips(&sample, 0, sample.len), 8 * sample.len,
		    is_accepted(&sample));
}

Test(tpm, cut_at_any_length_or_longer_it_is_refused)
{
	SAMPLE sample;
	size_t whole;

	prepare(&sample);
	whole = sample.len;
	for (sample.len = 0; sample.len < whole; sample.len++)
		cr_assert_not(is_accepted(&sample), "%zu", sample.len);
	cr_assert(is_accepted(&sample));
	sample.len++;
	cr_assert_not(is_accepted(&sample));
}

/* With the key named, so that every byte but the certificates' counts. */
Test(tpm, no_other_value_of_any_byte_is_accepted)
{
	SAMPLE sample;
	size_t tried = 0;

	prepare(&sample);
	name_key(&sample);
	sample.evidence.certificate_count = 0;
	encode(&sample);
	cr_assert(is_accepted(&sample));
	for (size_t at = 0; at < sample.len; at++)
		for (unsigned other = 1; other < 256; other++) {
			sample.memory[at] ^= (uint8_t)other;
			cr_assert_not(is_accepted(&sample), "%zu", at);
			sample.memory[at] ^= (uint8_t)other;
			tried++;
		}
	figure_none("A2c", "other bytes accepted", 0, tried,
		    is_accepted(&sample));
}

/* Where a part of the evidence lies in its encoding. */
static size_t place_of(const struct sample *sample, struct bytes part)
{
	const uint8_t *found =
		memmem(sample->memory, sample->len, part.data, part.len);

	cr_assert_not_null(found);
	return (size_t)(found - sample->memory);
}

/*
 * All but what the header names: data that are not what a digest is of, types,
 * and lengths of the two.  What is decided on does not change with them.
 */
Test(tpm, of_a_log_only_what_nobody_measured_can_be_changed)
{
	SAMPLE sample;
	struct bytes log;
	struct event_log cursor;
	struct event_log_event event;
	size_t base;
	size_t free_bits = 0;
	size_t accepted;

	prepare(&sample);
	log = add_log(&sample);
	name_key(&sample);
	base = place_of(&sample, log);
	accepted = count_flips(&sample, base, base + log.len);
	cr_assert_eq(event_log_open(log, EVENT_LOG_PCRS, &cursor), ERR_OK);
	while (!event_log_is_at_end(&cursor)) {
		size_t first;

		cr_assert_eq(event_log_next(&cursor, &event), ERR_OK);
		first = base +
			(size_t)(event.digests[HASH_SHA256].data - log.data);
		cr_assert_eq(count_flips(&sample, first, first + 32), 0);
		/* The register: only where both begin and end alike. */
		cr_assert_eq(count_flips(&sample, first - 14, first - 10), 0);
		if (event.type == EVENT_LOG_SEPARATOR) {
			first = base + (size_t)(event.data.data - log.data);
			cr_assert_eq(count_flips(&sample, first, first + 4), 0);
		} else {
			free_bits += 8 * (event.data.len + 4);
		}
	}
	/* The header's data tell the platform, which nobody asks for. */
	cr_assert_leq(accepted, free_bits + 8 * (33 + 24));
	cr_assert_gt(accepted, 0);
}

/* Bits were flipped one by one above; these are several at once. */
Test(tpm, no_other_byte_of_a_certificate_is_accepted)
{
	static const uint8_t others[] = { 0x03, 0x0f, 0x55, 0x81,
					  0xaa, 0xc0, 0xf0, 0xff };
	SAMPLE sample;
	size_t from;
	size_t to;

	prepare(&sample);
	from = place_of(&sample, sample.evidence.certificates[0]);
	to = place_of(&sample, sample.evidence.certificates[1]) +
	     sample.evidence.certificates[1].len;
	for (size_t at = from; at < to; at++)
		for (size_t i = 0; i < sizeof(others); i++) {
			sample.memory[at] ^= others[i];
			cr_assert_not(is_accepted(&sample), "%zu", at);
			sample.memory[at] ^= others[i];
		}
	cr_assert(is_accepted(&sample));
}

/*
 * One field of the quote made different, in a way that a TPM could have signed;
 * never the clock or the firmware's version, which may be any.
 */
static void mutate(struct paper_tpm_quote *quote, struct numbers *numbers)
{
	uint32_t r = numbers_next(numbers);
	uint32_t index = numbers_next(numbers) % TPM_EVIDENCE_PCRS;

	switch (numbers_next(numbers) % 6) {
	case 0:
		quote->magic ^= 1u << r % 32;
		break;
	case 1:
		quote->type ^= (uint16_t)(1u << r % 16);
		break;
	case 2:
		quote->data[r % 32] ^= (uint8_t)(1 + index);
		break;
	case 3:
		quote->bank ^= (uint16_t)(1u << r % 16);
		break;
	case 4:
		quote->selected ^= 1u << index;
		break;
	default:
		quote->selected |= 1u << index;
		quote->pcrs[index][r % 32] ^= (uint8_t)(1 + index);
		break;
	}
}

/* Requirement A3, for TPMs: signed anew by the very key that is accepted. */
Test(tpm, of_a_hundred_thousand_mutations_signed_anew_none_is_accepted)
{
	SAMPLE sample;
	struct paper_tpm_quote sound;
	uint8_t wanted[32];
	struct numbers numbers = { effort_seed() };
	struct effort effort = effort_of(100000);
	size_t reached = 0;

	prepare(&sample);
	name_key(&sample);
	sound = sample.quote;
	memcpy(wanted, sound.data, sizeof(wanted));
	while (effort_more(&effort)) {
		struct tpm_evidence shown = sample.evidence;
		struct appraisal found;

		sample.quote = sound;
		mutate(&sample.quote, &numbers);
		paper_tpm_attest(&sample.tpm, &sample.quote,
				 &sample.parts.attest);
		paper_tpm_sign(&sample.tpm, &sample.parts.attest,
			       &sample.parts.signature);
		shown.attest = paper_tpm_bytes(&sample.parts.attest);
		shown.signature = paper_tpm_bytes(&sample.parts.signature);
		shown.certificate_count = 0;
		/* The values that the client accepts, not the quoted ones. */
		for (size_t k = 0; k < TPM_EVIDENCE_PCRS; k++)
			shown.pcrs[k] = (sound.selected >> k & 1) != 0
						? sound.pcrs[k]
						: NULL;
		sample.evidence = shown;
		encode(&sample);
		tpm_appraise((struct bytes){ sample.memory, sample.len },
			     &sample.policy, &found);
		reached += found.records[APPRAISAL_FORMAT].mark == RECORD_PASS;
		cr_assert_not(appraisal_holds(&found, TPM_NEEDED) &&
				      bytes_equal(found.report_data,
						  BYTES_ARRAY(wanted)),
			      "%zu", (size_t)effort.done);
	}
	/* Half of them get past the parser, and the sound one does pass. */
	cr_assert_gt(reached, effort.done * 2 / 5);
	sample.quote = sound;
	quote_again(&sample);
	figure_none("A3c", "forgeries accepted that were signed anew", 0,
		    effort.done, is_accepted(&sample));
}
