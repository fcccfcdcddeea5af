/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SEV-SNP evidence that someone has tampered with: a real machine's, bit by
 * bit, and forged ones whose signature is sound, by rules that know the fields.
 *
 * The usual form takes a sample of each; the long one tries every bit.
 */
#include <criterion/criterion.h>

#include "attest/snp_table.h"
#include "tests/effort.h"
#include "tests/figure.h"
#include "tests/numbers.h"
#include "tests/support/snp_forge.h"
#include "tests/vector.h"

#define AT_2025_06_01 1748736000u
#define MUTATIONS 4000
#define OTHERS 1500
#define BASES 6

/* A real machine's evidence, with all of its certificates in the table. */
static struct bytes real_evidence(void)
{
	static uint8_t memory[16384];
	static uint8_t table_memory[16384];
	struct writer table_bytes = WRITER_OVER(table_memory);
	struct writer out = WRITER_OVER(memory);
	struct bytes issuers[2];
	struct snp_table table = { .count = 3 };
	struct snp_evidence parts;

	cr_assert_eq(vector_pem(vector_own("snp/ask_ark.pem"), issuers, 2), 2);
	table.entries[0] =
		(struct snp_table_entry){ SNP_TABLE_VCEK,
					  vector_own("snp/vcek.der") };
	table.entries[1] =
		(struct snp_table_entry){ SNP_TABLE_ASK, issuers[0] };
	table.entries[2] =
		(struct snp_table_entry){ SNP_TABLE_ARK, issuers[1] };
	cr_assert_eq(snp_table_write(&table, &table_bytes), ERR_OK);
	parts.report = vector_own("snp/report.bin");
	parts.certificates = bytes_written(&table_bytes);
	cr_assert_eq(snp_write(&parts, &out), ERR_OK);
	return bytes_written(&out);
}

/* By exactly what a client would ask for, and of the same key. */
static bool is_accepted(struct bytes evidence)
{
	static const struct appraisal_policy policy = { .now = AT_2025_06_01 };
	struct appraisal out;

	snp_appraise(evidence, &policy, &out);
	return appraisal_holds(&out, SNP_NEEDED);
}

Test(snp_hostile, no_flipped_bit_of_a_real_report_or_its_chain_is_accepted)
{
	struct bytes evidence = real_evidence();
	uint8_t *changed = vector_copy(evidence);
	size_t step = effort_is_long() ? 1 : 23;
	size_t tried = 0;
	size_t accepted = 0;

	cr_assert(is_accepted(evidence), "the control");
	for (size_t bit = 0; bit < 8 * evidence.len; bit += step) {
		struct bytes view = { changed, evidence.len };

		changed[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (is_accepted(view)) {
			cr_log_error("bit %zu of byte %zu", bit % 8, bit / 8);
			accepted++;
		}
		changed[bit / 8] ^= (uint8_t)(1 << bit % 8);
		tried++;
	}
	figure_none("A2a", "flipped bits of a real report accepted", accepted,
		    tried, is_accepted(evidence));
}

Test(snp_hostile, no_other_byte_of_a_real_report_or_its_chain_is_accepted)
{
	struct bytes evidence = real_evidence();
	uint8_t *changed = vector_copy(evidence);
	struct effort effort = effort_of(OTHERS);
	struct numbers numbers = { effort_seed() };
	size_t accepted = 0;

	while (effort_more(&effort)) {
		struct bytes view = { changed, evidence.len };
		size_t at = numbers_next(&numbers) % evidence.len;
		uint8_t other = (uint8_t)(1 + numbers_next(&numbers) % 255);

		changed[at] ^= other;
		if (is_accepted(view)) {
			cr_log_error("byte %zu, other by %02x", at, other);
			accepted++;
		}
		changed[at] ^= other;
	}
	figure_none("A2a", "other bytes of a real report accepted", accepted,
		    effort.done,
		    is_accepted((struct bytes){ changed, evidence.len }));
}

/* Of each part the same: what is cut is not what the rest says it is. */
Test(snp_hostile, no_truncation_is_accepted)
{
	struct bytes evidence = real_evidence();
	struct appraisal_policy policy = { .now = AT_2025_06_01 };
	struct snp_evidence parts;
	struct appraisal out;
	size_t tried = 0;

	for (size_t len = 0; len < evidence.len; len++, tried++)
		cr_assert_not(
			is_accepted((struct bytes){ evidence.data, len }));
	cr_assert_eq(snp_parse(evidence, &parts), ERR_OK);
	for (size_t len = 0; len < parts.report.len; len++, tried++) {
		struct snp_evidence cut = { { parts.report.data, len },
					    parts.certificates };

		snp_appraise_parts(&cut, &policy, &out);
		cr_assert_not(appraisal_holds(&out, SNP_NEEDED));
	}
	for (size_t len = 0; len < parts.certificates.len; len++, tried++) {
		struct snp_evidence cut = { parts.report,
					    { parts.certificates.data, len } };

		snp_appraise_parts(&cut, &policy, &out);
		cr_assert_not(appraisal_holds(&out, SNP_NEEDED));
	}
	snp_appraise_parts(&parts, &policy, &out);
	figure_none("A2a", "cuts of a real report accepted", 0, tried,
		    appraisal_holds(&out, SNP_NEEDED));
}

/* What is made worse, and whatever chance decides about it. */
struct mutant {
	struct snp_forge *forge;
	struct snp_forge_key key;
	uint32_t version;
	uint8_t *report;
	uint64_t chance;
	enum snp_forge_with with;
	size_t len; /* of the report that is handed in */
};

/* xorshift64* */
static uint32_t draw(struct mutant *m, uint32_t below)
{
	m->chance ^= m->chance >> 12;
	m->chance ^= m->chance << 25;
	m->chance ^= m->chance >> 27;
	return (uint32_t)((m->chance * UINT64_C(2685821657736338717)) >> 33) %
	       below;
}

static uint8_t draw_other(struct mutant *m, uint8_t than)
{
	return (uint8_t)(than ^ (1 + draw(m, 255)));
}

static void scatter(struct mutant *m, size_t at, size_t len)
{
	at += draw(m, (uint32_t)len);
	m->report[at] = draw_other(m, m->report[at]);
}

/* Where a product keeps its firmware's parts. */
static size_t tcb_part(struct mutant *m)
{
	static const size_t turin[] = { 0, 1, 2, 3, 7 };
	static const size_t others[] = { 0, 1, 6, 7 };

	return m->key.product == SNP_REPORT_TURIN ? turin[draw(m, 5)]
						  : others[draw(m, 4)];
}

typedef void mutation(struct mutant *m);

/* Nothing that anything rests on. */
static void harmless_svn(struct mutant *m)
{
	scatter(m, SNP_FORGE_GUEST_SVN, 4);
}
static void harmless_ids(struct mutant *m)
{
	scatter(m, SNP_FORGE_FAMILY_ID, 32);
}
static void harmless_host_data(struct mutant *m)
{
	scatter(m, SNP_FORGE_HOST_DATA, 80);
}
static void harmless_report_id(struct mutant *m)
{
	scatter(m, SNP_FORGE_REPORT_ID, 32);
}
static void harmless_author(struct mutant *m)
{
	m->report[SNP_FORGE_FLAGS] |= 1;
	m->report[SNP_FORGE_AUTHOR_KEY + draw(m, 48)] |= 1;
}
static void harmless_firmware(struct mutant *m)
{
	m->report[SNP_FORGE_FIRMWARE + draw(m, 3)] = (uint8_t)draw(m, 256);
}
static void harmless_platform(struct mutant *m)
{
	m->report[SNP_FORGE_PLATFORM_INFO] = (uint8_t)draw(m, 256);
}
static void harmless_policy(struct mutant *m)
{
	m->report[SNP_FORGE_POLICY] = (uint8_t)draw(m, 256);
	m->report[SNP_FORGE_POLICY + 1] = (uint8_t)draw(m, 256);
	m->report[SNP_FORGE_POLICY + 2] |= (uint8_t)(draw(m, 16) << 4);
	m->report[SNP_FORGE_POLICY + 3] |= (uint8_t)draw(m, 4);
}
static void harmless_newer(struct mutant *m)
{
	size_t part = tcb_part(m);
	uint8_t *current = m->report + SNP_FORGE_CURRENT_TCB + part;

	*current = (uint8_t)(*current + 2);
	if (draw(m, 2) == 0)
		m->report[SNP_FORGE_COMMITTED_TCB + part] =
			(uint8_t)(*current - 1);
}
static void harmless_mitigations(struct mutant *m)
{
	if (m->version >= 5)
		scatter(m, SNP_FORGE_MITIGATIONS, 16);
}
static void harmless_hidden_chip(struct mutant *m)
{
	memset(m->report + SNP_FORGE_CHIP_ID, 0, 64);
}
static void harmless_stepping(struct mutant *m)
{
	if (m->version >= 3)
		m->report[SNP_FORGE_PROCESSOR + 2] = (uint8_t)draw(m, 16);
}

static mutation *const harmless[] = {
	harmless_svn,	      harmless_ids,	    harmless_host_data,
	harmless_report_id,   harmless_author,	    harmless_firmware,
	harmless_platform,    harmless_policy,	    harmless_newer,
	harmless_mitigations, harmless_hidden_chip, harmless_stepping,
};

/* Each of these alone has to be the end of it. */
static void bad_debug(struct mutant *m)
{
	m->report[SNP_FORGE_POLICY + 2] |= 1 << 3;
}
static void bad_migrate(struct mutant *m)
{
	m->report[SNP_FORGE_POLICY + 2] |= 1 << 2;
}
static void bad_migrator(struct mutant *m)
{
	scatter(m, SNP_FORGE_REPORT_ID_MA, 32);
}
static void bad_policy(struct mutant *m)
{
	if (draw(m, 4) == 0)
		m->report[SNP_FORGE_POLICY + 2] &= (uint8_t)~2;
	else
		m->report[SNP_FORGE_POLICY + 4 + draw(m, 4)] |=
			(uint8_t)(1 << draw(m, 8));
}
static void bad_vmpl(struct mutant *m)
{
	scatter(m, SNP_FORGE_VMPL, 4);
}
static void bad_algorithm(struct mutant *m)
{
	scatter(m, SNP_FORGE_ALGORITHM, 4);
}
static void bad_reported(struct mutant *m)
{
	size_t at = SNP_FORGE_REPORTED_TCB + tcb_part(m);

	m->report[at] = draw_other(m, m->report[at]);
}
static void bad_reported_below(struct mutant *m)
{
	m->report[SNP_FORGE_REPORTED_TCB + tcb_part(m)]--;
}
static void bad_every_tcb(struct mutant *m)
{
	static const size_t at[] = { SNP_FORGE_REPORTED_TCB,
				     SNP_FORGE_CURRENT_TCB,
				     SNP_FORGE_COMMITTED_TCB,
				     SNP_FORGE_LAUNCH_TCB };
	size_t part = tcb_part(m);

	for (size_t i = 0; i < 4; i++)
		m->report[at[i] + part]--;
}
static void bad_tcb_below(struct mutant *m)
{
	static const size_t at[] = { SNP_FORGE_CURRENT_TCB,
				     SNP_FORGE_COMMITTED_TCB,
				     SNP_FORGE_LAUNCH_TCB };
	size_t part = tcb_part(m);
	size_t which = at[draw(m, 3)];
	uint8_t least = m->report[SNP_FORGE_REPORTED_TCB + part];

	m->report[which + part] = (uint8_t)draw(m, least);
}
static void bad_tcb_reserved(struct mutant *m)
{
	static const size_t at[] = { SNP_FORGE_REPORTED_TCB,
				     SNP_FORGE_CURRENT_TCB,
				     SNP_FORGE_COMMITTED_TCB,
				     SNP_FORGE_LAUNCH_TCB };
	size_t first = m->key.product == SNP_REPORT_TURIN ? 4 : 2;

	m->report[at[draw(m, 4)] + first + draw(m, 3)] |=
		(uint8_t)(1 << draw(m, 8));
}
static void bad_version(struct mutant *m)
{
	uint32_t other = m->version == 2
				 ? 3 + draw(m, 253) /* without a processor */
				 : (draw(m, 2) == 0 ? 2 : 6 + draw(m, 250));

	m->report[SNP_FORGE_VERSION] = (uint8_t)other;
}
static void bad_version_bytes(struct mutant *m)
{
	scatter(m, SNP_FORGE_VERSION + 1, 3);
}
static void bad_processor(struct mutant *m)
{
	if (m->version == 2) {
		scatter(m, SNP_FORGE_PROCESSOR, 3);
		return;
	}
	m->report[SNP_FORGE_PROCESSOR + 1] = (uint8_t)(0x20 + draw(m, 0x80));
}
static void bad_product(struct mutant *m)
{
	if (m->version == 2) {
		bad_processor(m);
	} else if (m->key.product == SNP_REPORT_TURIN) {
		m->report[SNP_FORGE_PROCESSOR] = 0x19;
	} else if (draw(m, 2) == 0) {
		m->report[SNP_FORGE_PROCESSOR + 1] ^= 0x10;
	} else {
		m->report[SNP_FORGE_PROCESSOR] = 0x1a;
	}
}
static void bad_chip(struct mutant *m)
{
	/* The chip of a leased key is what the report says, or hidden. */
	if (m->key.signer == SNP_REPORT_VLEK) {
		bad_vmpl(m);
		return;
	}
	memcpy(m->report + SNP_FORGE_CHIP_ID, m->key.chip, 64);
	scatter(m, SNP_FORGE_CHIP_ID, 64);
}
static void bad_measurement(struct mutant *m)
{
	scatter(m, SNP_FORGE_MEASUREMENT, 48);
}
static void bad_report_data(struct mutant *m)
{
	scatter(m, SNP_FORGE_REPORT_DATA, 64);
}
static void bad_signer(struct mutant *m)
{
	uint8_t other = (uint8_t)(1 + draw(m, 7));

	m->report[SNP_FORGE_FLAGS] ^= (uint8_t)(other << 2);
}
static void bad_flags(struct mutant *m)
{
	m->report[SNP_FORGE_FLAGS + 1 + draw(m, 7)] |=
		(uint8_t)(1 << draw(m, 8));
}
static void bad_mask(struct mutant *m)
{
	if (m->key.signer == SNP_REPORT_VLEK)
		bad_flags(m);
	else
		m->report[SNP_FORGE_FLAGS] |= 2;
}
static void bad_author(struct mutant *m)
{
	if ((m->report[SNP_FORGE_FLAGS] & 1) != 0)
		m->report[SNP_FORGE_FLAGS] ^= 1;
	else
		scatter(m, SNP_FORGE_AUTHOR_KEY, 48);
}
static void bad_reserved(struct mutant *m)
{
	static const struct {
		size_t at, len;
	} zeros[] = {
		{ 0x18b, 21 },
		{ 0x1eb, 1 },
		{ 0x1ef, 1 },
		{ 0x208, 152 },
	};
	size_t which = draw(m, 4);

	scatter(m, zeros[which].at, zeros[which].len);
}
static void bad_mitigations(struct mutant *m)
{
	if (m->version < 5)
		scatter(m, SNP_FORGE_MITIGATIONS, 16);
	else
		bad_reserved(m);
}
static void bad_key(struct mutant *m)
{
	m->with = SNP_FORGE_OTHER_KEY;
}

static mutation *const before_signing[] = {
	bad_debug,	    bad_migrate,   bad_migrator,
	bad_policy,	    bad_vmpl,	   bad_algorithm,
	bad_reported,	    bad_every_tcb, bad_tcb_below,
	bad_tcb_reserved,   bad_version,   bad_processor,
	bad_product,	    bad_chip,	   bad_measurement,
	bad_report_data,    bad_signer,	   bad_flags,
	bad_mask,	    bad_author,	   bad_reserved,
	bad_mitigations,    bad_key,	   bad_version_bytes,
	bad_reported_below,
};

static void turn_round(uint8_t *at)
{
	for (size_t i = 0; i < 24; i++) {
		uint8_t byte = at[i];

		at[i] = at[47 - i];
		at[47 - i] = byte;
	}
}

static void signed_big_endian(struct mutant *m)
{
	if (draw(m, 2) == 0)
		turn_round(m->report + SNP_FORGE_R);
	turn_round(m->report + SNP_FORGE_S);
}
static void signed_swapped(struct mutant *m)
{
	uint8_t r[72];

	memcpy(r, m->report + SNP_FORGE_R, 72);
	memcpy(m->report + SNP_FORGE_R, m->report + SNP_FORGE_S, 72);
	memcpy(m->report + SNP_FORGE_S, r, 72);
}
static void signed_zero(struct mutant *m)
{
	memset(m->report + (draw(m, 2) == 0 ? SNP_FORGE_R : SNP_FORGE_S), 0,
	       72);
}
static void signed_great(struct mutant *m)
{
	memset(m->report + (draw(m, 2) == 0 ? SNP_FORGE_R : SNP_FORGE_S), 0xff,
	       48);
}
static void signed_padded(struct mutant *m)
{
	size_t at = draw(m, 2) == 0 ? SNP_FORGE_R + 48 : SNP_FORGE_S + 48;

	m->report[at + draw(m, 24)] |= 1;
}
static void signed_behind(struct mutant *m)
{
	scatter(m, SNP_FORGE_SIGNATURE_END,
		SNP_REPORT_BYTES - SNP_FORGE_SIGNATURE_END);
}
static void signed_then_changed(struct mutant *m)
{
	scatter(m, SNP_FORGE_REPORT_DATA, 64 + 48);
}
static void signed_then_cut(struct mutant *m)
{
	m->len = draw(m, SNP_REPORT_BYTES);
}

static mutation *const after_signing[] = {
	signed_big_endian, signed_swapped, signed_zero,		signed_great,
	signed_padded,	   signed_behind,  signed_then_changed, signed_then_cut,
};

/* The certificate is sound, and of something else than the report. */
static void certify_tcb(struct mutant *m)
{
	uint8_t *parts[] = { &m->key.tcb.bootloader, &m->key.tcb.tee,
			     &m->key.tcb.snp, &m->key.tcb.microcode,
			     &m->key.tcb.fmc };
	uint8_t *part =
		parts[draw(m, m->key.product == SNP_REPORT_TURIN ? 5 : 4)];

	*part = draw_other(m, *part);
}
static void certify_chip(struct mutant *m)
{
	if (m->key.chip_len == 0) {
		m->key.cloud = NULL;
		return;
	}
	m->key.chip[draw(m, (uint32_t)m->key.chip_len)] ^=
		(uint8_t)(1 << draw(m, 8));
}
static void certify_product(struct mutant *m)
{
	static const char *const names[] = { "Milan-B0", "Genoa-B1", "Turin",
					     "Rome",	 "",	     "Milano",
					     "milan" };
	const char *own = snp_report_product_name(m->key.product);

	do
		m->key.product_text = names[draw(m, 7)];
	while (strncmp(m->key.product_text, own, strlen(own)) == 0 &&
	       m->key.product_text[strlen(own)] != 'o');
}
/* A report of version 2 does not tell its product: there is none to belie. */
static void certify_line(struct mutant *m)
{
	if (m->version == 2) {
		certify_tcb(m);
		return;
	}
	m->key.product = (enum snp_report_product)(
		1 + (m->key.product - 1 + 1 + draw(m, 2)) % 3);
}
static void certify_kind(struct mutant *m)
{
	m->key.subject =
		m->key.signer == SNP_REPORT_VLEK ? "SEV-VCEK" : "SEV-VLEK";
	if (draw(m, 2) == 0)
		m->report[SNP_FORGE_FLAGS] ^= 1 << 2;
}
static void certify_time(struct mutant *m)
{
	if (draw(m, 2) == 0)
		m->key.not_after = SNP_FORGE_NOW - 1 - draw(m, 1000000);
	else
		m->key.not_before = SNP_FORGE_NOW + 1 + draw(m, 1000000);
}

static mutation *const certifying[] = {
	certify_tcb,  certify_chip, certify_product,
	certify_line, certify_kind, certify_time,
};

#define COUNT(list) ((uint32_t)(sizeof(list) / sizeof((list)[0])))
#define ANY(m, list) (list)[draw(m, COUNT(list))]

/* Six lines of keys, which share their key pairs. */
static struct snp_forge bases[BASES];
static struct snp_forge_key base_keys[BASES];

static void open_bases(void)
{
	snp_forge_open(&bases[0]);
	for (int i = 0; i < BASES; i++) {
		if (i > 0)
			bases[i] = bases[0];
		base_keys[i] = snp_forge_ordinary(
			(enum snp_report_product)(1 + i / 2),
			i % 2 == 0 ? SNP_REPORT_VCEK : SNP_REPORT_VLEK);
		snp_forge_issue(&bases[i], &base_keys[i]);
	}
}

/* A client's question: this chip, code, firmware and key config. */
static bool is_taken(const struct mutant *m, int base)
{
	static uint8_t memory[SNP_FORGE_EVIDENCE_MAX];
	struct writer evidence = WRITER_OVER(memory);
	struct appraisal_policy policy =
		snp_forge_policy(&bases[base], &base_keys[base]);
	struct appraisal_reference reference = { APPRAISAL_LAUNCH,
						 { .len = 48 } };
	struct appraisal_chip chip = { .len = 64 };
	uint8_t report_data[64];
	struct appraisal out;

	memset(reference.value.digest, 0xe5, 48);
	memset(report_data, 0xda, 64);
	memcpy(chip.id, base_keys[base].chip, 64);
	policy.references = &reference;
	policy.reference_count = 1;
	if (base_keys[base].signer == SNP_REPORT_VCEK) {
		policy.chips = &chip;
		policy.chip_count = 1;
	}
	snp_forge_evidence(m->forge, (struct bytes){ m->report, m->len },
			   &evidence);
	snp_appraise(bytes_written(&evidence), &policy, &out);
	return appraisal_holds(&out, SNP_NEEDED) &&
	       bytes_equal(out.report_data, BYTES_ARRAY(report_data));
}

enum fate {
	UNHARMED = 0,
	BEFORE,
	AFTER,
	CERTIFIED,
	FATES,
};

static enum fate draw_fate(struct mutant *m)
{
	uint32_t at = draw(m, 32);

	if (at < 4)
		return UNHARMED;
	return at < 24 ? BEFORE : at < 30 ? AFTER : CERTIFIED;
}

static bool play(struct mutant *m, enum fate fate)
{
	static uint8_t report[SNP_REPORT_BYTES];
	static struct snp_forge scratch;
	int base = (int)draw(m, BASES);

	m->forge = &bases[base];
	m->key = base_keys[base];
	m->version = 2 + draw(m, 4);
	m->report = report;
	m->with = SNP_FORGE_KEY;
	m->len = sizeof(report);
	snp_forge_report(&m->key, m->version, report);
	for (uint32_t i = draw(m, 4); i > 0; i--)
		ANY(m, harmless)(m);
	if (fate == BEFORE)
		ANY(m, before_signing)(m);
	if (fate == CERTIFIED) {
		scratch = bases[base];
		m->forge = &scratch;
		ANY(m, certifying)(m);
		snp_forge_issue(&scratch, &m->key);
	}
	snp_forge_sign(m->forge, m->with, report);
	if (fate == AFTER)
		ANY(m, after_signing)(m);
	return is_taken(m, base);
}

Test(snp_hostile, no_forgery_under_a_trusted_root_is_accepted_for_another)
{
	struct effort effort = effort_of(MUTATIONS);
	struct mutant mutant = { .chance = effort_seed() | 1 };
	uint64_t tried[FATES] = { 0 };
	uint64_t taken[FATES] = { 0 };
	uint64_t hostile;

	open_bases();
	while (effort_more(&effort)) {
		uint64_t state = mutant.chance;
		enum fate fate = draw_fate(&mutant);
		bool is_in = play(&mutant, fate);

		tried[fate]++;
		taken[fate] += is_in;
		cr_expect_eq(is_in, fate == UNHARMED,
			     "mutation %llu, state %llx, fate %d",
			     (unsigned long long)effort.done,
			     (unsigned long long)state, (int)fate);
	}
	hostile = tried[BEFORE] + tried[AFTER] + tried[CERTIFIED];
	figure_none("A3a", "forgeries accepted that were signed anew",
		    taken[BEFORE] + taken[AFTER] + taken[CERTIFIED], hostile,
		    taken[UNHARMED]);
	figure_all("A3a", "harmless changes accepted", taken[UNHARMED],
		   tried[UNHARMED]);
	snp_forge_close(&bases[0]);
}
