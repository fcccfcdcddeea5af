/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hundred thousand changes that know the format and are signed again by the
 * keys that Intel and the platform would have.  Each is of a kind that has to
 * be refused; beside them stand harmless ones, which have to be accepted, so
 * that a refusal is for the change and not for the signing.
 *
 * TDX_MUTATIONS in the environment multiplies their number.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/numbers.h"
#include "tests/unit/tdx_platform.h"
#include "tests/vector.h"
#include "wire/cbor.h"

#define SEED UINT64_C(20261122)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct numbers numbers;

static uint32_t below(size_t limit)
{
	return numbers_next(&numbers) % (uint32_t)limit;
}

/* Change one byte of these to another value. */
static void change(uint8_t *bytes, size_t len)
{
	bytes[below(len)] ^= (uint8_t)(1 + below(255));
}

/* What a change needs to be built again. */
enum rebuild {
	QUOTE = 0,
	COLLATERAL,
	CERTIFICATES,
};

struct mutation {
	void (*mutate)(struct tdx_platform *platform);
	bool harmless;
};

struct tally {
	size_t refused, accepted;
};

static size_t rounds(size_t usual)
{
	const char *text = getenv("TDX_MUTATIONS");

	return text == NULL ? usual : usual * strtoul(text, NULL, 10);
}

static void build(struct tdx_platform *platform, enum rebuild what)
{
	if (what == CERTIFICATES)
		tdx_platform_certify(platform);
	if (what != QUOTE)
		tdx_platform_endorse(platform);
	platform->policy.crl_count = 0;
	if (what != COLLATERAL)
		tdx_platform_sign(platform);
	vector_forget();
}

/* What a test asks for; lists are the business of another one. */
static bool accepts(const struct tdx_platform *platform, struct bytes evidence)
{
	struct appraisal out;

	tdx_appraise(evidence, &platform->policy, &out);
	return appraisal_holds(&out,
			       TDX_NEEDED | UINT32_C(1) << APPRAISAL_CHIP |
				       UINT32_C(1) << APPRAISAL_MEASUREMENT) &&
	       bytes_equal(out.report_data, BYTES_ARRAY(platform->report_data));
}

/* Keys and certificates are taken over, the other fields are as before. */
static void restore(struct tdx_platform *platform,
		    const struct tdx_platform *clean)
{
	struct authority parties[TDX_PARTIES];
	struct bytes certificates = platform->certificates;

	memcpy(parties, platform->parties, sizeof(parties));
	*platform = *clean;
	memcpy(platform->parties, parties, sizeof(parties));
	platform->certificates = certificates;
}

static void run(const struct mutation *mutations, size_t count,
		enum rebuild what, size_t times)
{
	static struct tdx_platform platform;
	static struct tdx_platform clean;
	struct tally tally = { 0, 0 };

	numbers.state = SEED;
	tdx_platform_open(&platform);
	build(&platform, what);
	clean = platform;
	for (size_t i = 0; i < times; i++) {
		size_t which = below(count);
		bool accepted;

		mutations[which].mutate(&platform);
		build(&platform, what);
		accepted = accepts(&platform, platform.evidence);
		cr_assert_eq(accepted, mutations[which].harmless,
			     "round %zu, mutation %zu", i, which);
		tally.accepted += accepted;
		tally.refused += !accepted;
		restore(&platform, &clean);
	}
	build(&platform, what);
	cr_assert(accepts(&platform, platform.evidence));
	printf("seed %lu: %zu refused, 0 of them accepted; %zu harmless, all "
	       "accepted\n",
	       (unsigned long)SEED, tally.refused, tally.accepted);
	tdx_platform_close(&platform);
}

#define MUTATE(name, act)                        \
	static void name(struct tdx_platform *p) \
	{                                        \
		act;                             \
	}

MUTATE(q_header, change(p->header, 28))
MUTATE(q_user_data, change(p->header + 28, 20))
MUTATE(q_mrtd, change(p->body + TDX_BODY_MRTD, 48))
MUTATE(q_rtmr, change(p->body + TDX_BODY_RTMR, 192))
MUTATE(q_report_data, change(p->body + TDX_BODY_REPORT_DATA, 64))
MUTATE(q_low_attributes, change(p->body + TDX_BODY_TD_ATTRIBUTES, 3))
MUTATE(q_high_attributes, change(p->body + TDX_BODY_TD_ATTRIBUTES + 4, 3))
MUTATE(q_bit_of_attributes,
       p->body[TDX_BODY_TD_ATTRIBUTES + 3] |= (uint8_t)(1 + below(15)))
MUTATE(q_harmless_attributes,
       p->body[TDX_BODY_TD_ATTRIBUTES + 3] = (uint8_t)(0x10 *
						       (1 | below(8) << 2)))
MUTATE(q_seam_attributes, change(p->body + TDX_BODY_SEAM_ATTRIBUTES, 8))
MUTATE(q_seam_signer, change(p->body + TDX_BODY_MRSIGNERSEAM, 48))
MUTATE(q_module, p->body[TDX_BODY_TEE_TCB_SVN] = (uint8_t)below(6))
MUTATE(q_module_version,
       p->body[TDX_BODY_TEE_TCB_SVN + 1] = (uint8_t)(2 + below(254)))
MUTATE(q_microcode, p->body[TDX_BODY_TEE_TCB_SVN + 2] = (uint8_t)below(2))
MUTATE(q_module_now, p->body[TDX_BODY_TEE_TCB_SVN2] = (uint8_t)below(6))
MUTATE(q_microcode_now, p->body[TDX_BODY_TEE_TCB_SVN2 + 2] = (uint8_t)below(2))
MUTATE(q_newer, p->body[TDX_BODY_TEE_TCB_SVN] = (uint8_t)(6 + below(250));
       p->body[TDX_BODY_TEE_TCB_SVN + 2 + below(14)] = (uint8_t)(3 +
								 below(253)))
MUTATE(q_service, change(p->body + TDX_BODY_MRSERVICETD, 48))
MUTATE(q_seam, change(p->body + TDX_BODY_MRSEAM, 48))
MUTATE(q_xfam, change(p->body + TDX_BODY_XFAM, 8))
MUTATE(q_owner, change(p->body + TDX_BODY_MRCONFIGID, 144))
MUTATE(q_body_type, p->body_type ^= (uint16_t)(1 + below(65535)))
MUTATE(q_body_size, p->body_size ^= 1 + below(0x7fffffff))
MUTATE(q_body_len, p->body_len = below(648))
MUTATE(q_signer, p->quote_signer = (enum tdx_platform_party)below(TDX_ATTESTER))
MUTATE(q_qe_signer,
       p->qe_signer = (enum tdx_platform_party)(TDX_SIGNER + below(4)))
MUTATE(q_qe_mrsigner, change(p->qe_report + TDX_QE_MRSIGNER, 32))
MUTATE(q_qe_product, change(p->qe_report + TDX_QE_ISVPRODID, 2))
MUTATE(q_qe_svn, p->qe_report[TDX_QE_ISVSVN] = (uint8_t)below(6))
MUTATE(q_qe_attributes, change(p->qe_report + TDX_QE_ATTRIBUTES + 1, 7))
MUTATE(q_qe_miscselect, change(p->qe_report + TDX_QE_MISCSELECT, 4))
MUTATE(q_qe_free, change(p->qe_report, 16);
       change(p->qe_report + TDX_QE_ATTRIBUTES + 8, 72))
MUTATE(q_qe_newer, p->qe_report[TDX_QE_ISVSVN + 1] = (uint8_t)(1 + below(255)))
MUTATE(q_qe_data, p->keeps_qe_data = true;
       change(p->qe_report + TDX_QE_REPORT_DATA, 64))
MUTATE(q_qe_authentication, p->keeps_qe_data = true;
       change(p->authentication, 32))
MUTATE(q_authentication, change(p->authentication, 32))

Test(tdx_mutations, of_signed_quotes_none_that_says_something_else_is_accepted,
     .timeout = 500)
{
	static const struct mutation mutations[] = {
		{ q_header, false },
		{ q_user_data, true },
		{ q_mrtd, false },
		{ q_rtmr, false },
		{ q_report_data, false },
		{ q_low_attributes, false },
		{ q_high_attributes, false },
		{ q_bit_of_attributes, false },
		{ q_harmless_attributes, true },
		{ q_seam_attributes, false },
		{ q_seam_signer, false },
		{ q_module, false },
		{ q_module_version, false },
		{ q_microcode, false },
		{ q_module_now, false },
		{ q_microcode_now, false },
		{ q_newer, true },
		{ q_service, false },
		{ q_seam, true },
		{ q_xfam, true },
		{ q_owner, true },
		{ q_body_type, false },
		{ q_body_size, false },
		{ q_body_len, false },
		{ q_signer, false },
		{ q_qe_signer, false },
		{ q_qe_mrsigner, false },
		{ q_qe_product, false },
		{ q_qe_svn, false },
		{ q_qe_attributes, false },
		{ q_qe_miscselect, false },
		{ q_qe_free, true },
		{ q_qe_newer, true },
		{ q_qe_data, false },
		{ q_qe_authentication, false },
		{ q_authentication, true },
	};

	run(mutations, COUNT(mutations), QUOTE, rounds(40000));
}

static const char *const dates[] = { "2000-01-01T00:00:00Z",
				     "2026-12-31T23:59:60Z",
				     "2027-01-15T07:59:59",
				     "2027-01-15 07:59:59Z",
				     "2027-13-01T00:00:00Z",
				     "1969-12-31T23:59:59Z",
				     "2027-02-29T00:00:00Z",
				     "",
				     "never" };
static const char *const ids[] = { "SGX",  "QE", "QVE",	   "tdx",
				   "TDX ", "",	 "TD_QE_", "TDX_01" };
static const char *const states[] = { "OutOfDate",
				      "Revoked",
				      "SWHardeningNeeded",
				      "ConfigurationNeeded",
				      "uptodate",
				      "UpToDate ",
				      "" };
static const char *const modules[] = { "TDX_00",  "TDX_02", "TDX_1", "TDX_",
				       "TDX_001", "tdx_01", "" };

#define ANY(list) list[below(COUNT(list))]
#define LEVEL p->levels[0]

static void change_digit(char *digits, size_t len)
{
	char *one = &digits[below(len)];

	*one = *one == 'A' ? 'B' : 'A';
}

MUTATE(c_info_id, p->info.id = ANY(ids))
MUTATE(c_info_version, p->info.version ^= 1 + below(7))
MUTATE(c_info_next, p->info.next = ANY(dates))
MUTATE(c_info_issued, p->info.issued = dates[1 + below(COUNT(dates) - 1)])
MUTATE(c_id_id, p->identity.id = ANY(ids))
MUTATE(c_id_version, p->identity.version ^= 1 + below(7))
MUTATE(c_id_next, p->identity.next = ANY(dates))
MUTATE(c_id_issued, p->identity.issued = dates[1 + below(COUNT(dates) - 1)])
MUTATE(c_fmspc, change_digit(p->fmspc, 12))
MUTATE(c_fmspc_len, p->fmspc[below(12)] = '\0')
MUTATE(c_pceid, change_digit(p->pceid, 4))
MUTATE(c_level_sgx, LEVEL.sgx[below(16)] = 6 + below(500))
MUTATE(c_level_tdx, LEVEL.tdx[2 + below(14)] = 4 + below(500))
MUTATE(c_level_pce, LEVEL.pcesvn = 14 + below(100000))
MUTATE(c_level_state, LEVEL.status = ANY(states))
MUTATE(c_module_id, p->module_id = ANY(modules))
MUTATE(c_module_signer, change(p->module_signer, 48))
MUTATE(c_module_attributes, change(p->module_attributes, 8))
MUTATE(c_module_step, p->module_steps[0].isvsvn = 7 + below(100000))
MUTATE(c_module_state, p->module_steps[0].status = ANY(states))
MUTATE(c_qe_signer, change(p->qe_mrsigner, 32))
MUTATE(c_qe_product, p->qe_isvprodid ^= 1 + below(100000))
MUTATE(c_qe_step, p->qe_steps[0].isvsvn = 7 + below(100000))
MUTATE(c_qe_state, p->qe_steps[0].status = ANY(states))
MUTATE(c_qe_attributes, change(p->qe_attributes + 1, 7))
MUTATE(c_qe_miscselect, change(p->qe_miscselect, 4))
MUTATE(c_signer, p->collateral_signer = (enum tdx_platform_party)below(3))
MUTATE(c_stranger,
       p->collateral_signer = (enum tdx_platform_party)(TDX_ATTESTER +
							below(3)))
MUTATE(c_doubled, p->info.more = "\"fmspc\":\"B0C06F000000\",")
MUTATE(c_id_doubled, p->identity.more = "\"isvprodid\":2,")
MUTATE(c_cut_value, p->info.more = "\"a\":[1,2,")
MUTATE(c_id_reopened, p->identity.more = "\"a\":{},{")
MUTATE(c_more, p->info.more = "\"new\":{\"version\":[1,null,\"x\"]},")
MUTATE(c_id_more, p->identity.more = "\"new\":[[]],")
MUTATE(c_lower_level, p->levels[1 + below(2)].sgx[below(16)] = below(256))
MUTATE(c_lower_state, p->levels[2].status = "SWHardeningNeeded")
MUTATE(c_level_lowered, LEVEL.sgx[below(16)] = 0; LEVEL.pcesvn = below(13);
       LEVEL.tdx[below(2)] = below(256))
MUTATE(c_unmasked, change(p->qe_attributes + 8, 8))

Test(tdx_mutations,
     of_signed_collateral_none_that_says_something_else_is_accepted,
     .timeout = 500)
{
	static const struct mutation mutations[] = {
		{ c_info_id, false },	    { c_info_version, false },
		{ c_info_next, false },	    { c_info_issued, false },
		{ c_id_id, false },	    { c_id_version, false },
		{ c_id_next, false },	    { c_id_issued, false },
		{ c_fmspc, false },	    { c_fmspc_len, false },
		{ c_pceid, false },	    { c_level_sgx, false },
		{ c_level_tdx, false },	    { c_level_pce, false },
		{ c_level_state, false },   { c_module_id, false },
		{ c_module_signer, false }, { c_module_attributes, false },
		{ c_module_step, false },   { c_module_state, false },
		{ c_qe_signer, false },	    { c_qe_product, false },
		{ c_qe_step, false },	    { c_qe_state, false },
		{ c_qe_attributes, false }, { c_qe_miscselect, false },
		{ c_signer, false },	    { c_stranger, false },
		{ c_doubled, false },	    { c_id_doubled, false },
		{ c_cut_value, false },	    { c_id_reopened, false },
		{ c_more, true },	    { c_id_more, true },
		{ c_lower_level, true },    { c_lower_state, true },
		{ c_level_lowered, true },  { c_unmasked, true },
	};

	run(mutations, COUNT(mutations), COLLATERAL, rounds(25000));
}

MUTATE(k_component, p->pck.components[below(6)] = 0)
MUTATE(k_pcesvn, p->pck.pcesvn = (uint16_t)below(11))
MUTATE(k_fmspc, change(p->pck.fmspc, 6))
MUTATE(k_pceid, change(p->pck.pceid, 2))
MUTATE(k_instance, change(p->pck.instance, 16))
MUTATE(k_no_instance, p->pck.has_instance = false)
MUTATE(k_type, p->pck.type = (enum pck_type)(3 + below(125)))
MUTATE(k_name, p->wishes[TDX_PCK].name = p->wishes[below(2)].name)
MUTATE(k_authority, p->wishes[TDX_AUTHORITY].name = p->wishes[TDX_SIGNER].name)
MUTATE(k_role, p->wishes[below(2)].role = AUTHORITY_LEAF)
MUTATE(k_over,
       p->wishes[below(4)].not_after = TDX_PLATFORM_NOW - 1 - below(80000))
MUTATE(k_not_yet,
       p->wishes[below(4)].not_before = TDX_PLATFORM_NOW + 1 + below(80000))
MUTATE(k_signer_name, p->wishes[TDX_SIGNER].name = PCK_NAME)
MUTATE(k_ppid, change(p->pck.ppid, 16))
MUTATE(k_cpusvn, change(p->pck.cpusvn, 16))
MUTATE(k_newer, p->pck.components[below(16)] = (uint8_t)(5 + below(251));
       p->pck.pcesvn = (uint16_t)(11 + below(65525)))
MUTATE(k_configuration, p->pck.smt = (enum pck_answer)below(3);
       p->pck.dynamic = (enum pck_answer)below(3))

/* Any certificates in any order, but the three that belong together. */
static void k_chain(struct tdx_platform *platform)
{
	unsigned set = 0;

	platform->chain_count = below(5);
	for (size_t i = 0; i < platform->chain_count; i++) {
		platform->chain[i] =
			(enum tdx_platform_party)below(TDX_PARTIES);
		set |= 1u << platform->chain[i];
	}
	if (platform->chain_count == 3 &&
	    set == (1u << TDX_PCK | 1u << TDX_AUTHORITY | 1u << TDX_ROOT))
		platform->chain_count = 2;
}

static void k_order(struct tdx_platform *platform)
{
	size_t one = below(3);
	enum tdx_platform_party first = platform->chain[0];

	platform->chain[0] = platform->chain[one];
	platform->chain[one] = first;
}

Test(tdx_mutations, of_certified_platforms_none_that_is_another_is_accepted,
     .timeout = 500)
{
	static const struct mutation mutations[] = {
		{ k_component, false },	   { k_pcesvn, false },
		{ k_fmspc, false },	   { k_pceid, false },
		{ k_instance, false },	   { k_no_instance, false },
		{ k_type, false },	   { k_name, false },
		{ k_authority, false },	   { k_role, false },
		{ k_over, false },	   { k_not_yet, false },
		{ k_signer_name, false },  { k_chain, false },
		{ k_chain, false },	   { k_ppid, true },
		{ k_cpusvn, true },	   { k_newer, true },
		{ k_configuration, true }, { k_order, true },
	};

	run(mutations, COUNT(mutations), CERTIFICATES, rounds(5000));
}

/* Where unsigned parts of this quote lie. */
#define AT_SIGNATURE_SIZE 702
#define AT_QE_TYPE 834
#define AT_QE_SIZE 836
#define AT_AUTHENTICATION_SIZE 1288
#define AT_CERTIFICATES_TYPE 1322
#define AT_CERTIFICATES_SIZE 1324
#define AT_CERTIFICATES 1328

struct frame {
	uint8_t bytes[16384];
	size_t len;
};

static void add_u32_le(uint8_t *at, int difference)
{
	uint32_t value = (uint32_t)(at[0] | at[1] << 8 | at[2] << 16);

	value += (uint32_t)difference;
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

/* Put in or take out bytes of the certificates; all sizes agree again. */
static void resize(struct frame *frame, size_t at, int difference)
{
	uint8_t *place = frame->bytes + at;
	size_t rest = frame->len - at;

	if (difference > 0)
		memmove(place + difference, place, rest);
	else
		memmove(place, place - difference, rest + (size_t)difference);
	frame->len += (size_t)difference;
	add_u32_le(frame->bytes + AT_SIGNATURE_SIZE, difference);
	add_u32_le(frame->bytes + AT_QE_SIZE, difference);
	add_u32_le(frame->bytes + AT_CERTIFICATES_SIZE, difference);
}

static size_t in_certificates(const struct frame *frame)
{
	return AT_CERTIFICATES + below(frame->len - AT_CERTIFICATES);
}

static void f_size(struct frame *frame)
{
	static const size_t places[] = { AT_SIGNATURE_SIZE, AT_QE_SIZE,
					 AT_CERTIFICATES_SIZE };

	change(frame->bytes + ANY(places), 4);
}

static void f_type(struct frame *frame)
{
	static const size_t places[] = { AT_QE_TYPE, AT_CERTIFICATES_TYPE,
					 AT_AUTHENTICATION_SIZE };

	change(frame->bytes + ANY(places), 2);
}

static void f_changed(struct frame *frame)
{
	change(frame->bytes + in_certificates(frame), 1);
}

static void f_removed(struct frame *frame)
{
	size_t at = in_certificates(frame);
	size_t left = frame->len - at;

	/* The end first, so that what is left is never what was there. */
	resize(frame, at, -(int)(1 + below(left < 64 ? left : 64)));
}

static void f_inserted(struct frame *frame)
{
	static const uint8_t letters[] = " \t\r\n\0=-A+/_";
	size_t at = in_certificates(frame);

	resize(frame, at, 1);
	frame->bytes[at] = letters[below(sizeof(letters) - 1)];
}

static void f_appended(struct frame *frame)
{
	size_t at = frame->len;

	resize(frame, at, 1);
	frame->bytes[at] = (uint8_t)(1 + below(255));
}

static void f_swapped(struct frame *frame)
{
	size_t a = in_certificates(frame);
	size_t b = in_certificates(frame);
	uint8_t before = frame->bytes[a];

	if (frame->bytes[b] == before)
		change(frame->bytes + a, 1);
	else {
		frame->bytes[a] = frame->bytes[b];
		frame->bytes[b] = before;
	}
}

static void f_cut(struct frame *frame)
{
	frame->len = below(frame->len);
}

static void f_zeros(struct frame *frame)
{
	size_t at = frame->len;
	size_t count = 1 + below(64);

	resize(frame, at, (int)count);
	memset(frame->bytes + at, 0, count);
}

static void f_behind(struct frame *frame)
{
	size_t count = 1 + below(1000);

	for (size_t i = 0; i < count; i++)
		frame->bytes[frame->len++] = (uint8_t)below(256);
}

static void wrap(const struct frame *frame, struct writer *out)
{
	struct bytes quote = { frame->bytes, frame->len };
	struct bytes none = { NULL, 0 };

	cr_assert_eq(cbor_put_array(out, 2), ERR_OK);
	cr_assert_eq(cbor_put_bytes(out, quote), ERR_OK);
	cr_assert_eq(cbor_put_bytes(out, none), ERR_OK);
}

Test(tdx_mutations, of_frames_around_signed_parts_none_that_is_bent_is_accepted,
     .timeout = 500)
{
	static const struct {
		void (*mutate)(struct frame *frame);
		bool harmless;
	} mutations[] = {
		{ f_size, false },     { f_type, false },
		{ f_changed, false },  { f_removed, false },
		{ f_inserted, false }, { f_appended, false },
		{ f_swapped, false },  { f_cut, false },
		{ f_zeros, true },     { f_behind, true },
	};
	static struct tdx_platform platform;
	static struct frame frame;
	static uint8_t memory[20000];
	struct tally tally = { 0, 0 };

	numbers.state = SEED;
	tdx_platform_open(&platform);
	platform.policy.crl_count = 0;
	for (size_t i = 0; i < rounds(40000); i++) {
		struct writer out = WRITER_OVER(memory);
		size_t which = below(COUNT(mutations));
		bool accepted;

		frame.len = platform.quote.len;
		memcpy(frame.bytes, platform.quote.data, frame.len);
		mutations[which].mutate(&frame);
		wrap(&frame, &out);
		accepted = accepts(&platform, bytes_written(&out));
		cr_assert_eq(accepted, mutations[which].harmless,
			     "round %zu, mutation %zu", i, which);
		tally.accepted += accepted;
		tally.refused += !accepted;
	}
	printf("seed %lu: %zu refused, 0 of them accepted; %zu harmless, all "
	       "accepted\n",
	       (unsigned long)SEED, tally.refused, tally.accepted);
	tdx_platform_close(&platform);
}
