/* SPDX-License-Identifier: Apache-2.0 */
/* Quotes, changed field by field, bent in their frames, and signed again. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

#include "tests/effort.h"
#include "tests/unit/tdx_mutation.h"
#include "wire/cbor.h"

MUTATE(q_header, tdx_mutation_change(p->header, 28))
MUTATE(q_user_data, tdx_mutation_change(p->header + 28, 20))
MUTATE(q_mrtd, tdx_mutation_change(p->body + TDX_BODY_MRTD, 48))
MUTATE(q_rtmr, tdx_mutation_change(p->body + TDX_BODY_RTMR, 192))
MUTATE(q_report_data, tdx_mutation_change(p->body + TDX_BODY_REPORT_DATA, 64))
MUTATE(q_low_attributes,
       tdx_mutation_change(p->body + TDX_BODY_TD_ATTRIBUTES, 3))
MUTATE(q_high_attributes,
       tdx_mutation_change(p->body + TDX_BODY_TD_ATTRIBUTES + 4, 3))
MUTATE(q_bit_of_attributes, p->body[TDX_BODY_TD_ATTRIBUTES + 3] |=
			    (uint8_t)(1 + tdx_mutation_below(15)))
MUTATE(q_harmless_attributes,
       p->body[TDX_BODY_TD_ATTRIBUTES + 3] =
	       (uint8_t)(0x10 * (1 | tdx_mutation_below(8) << 2)))
MUTATE(q_seam_attributes,
       tdx_mutation_change(p->body + TDX_BODY_SEAM_ATTRIBUTES, 8))
MUTATE(q_seam_signer, tdx_mutation_change(p->body + TDX_BODY_MRSIGNERSEAM, 48))
MUTATE(q_module, p->body[TDX_BODY_TEE_TCB_SVN] = (uint8_t)tdx_mutation_below(6))
MUTATE(q_module_version,
       p->body[TDX_BODY_TEE_TCB_SVN + 1] = (uint8_t)(2 +
						     tdx_mutation_below(254)))
MUTATE(q_microcode,
       p->body[TDX_BODY_TEE_TCB_SVN + 2] = (uint8_t)tdx_mutation_below(2))
MUTATE(q_module_now,
       p->body[TDX_BODY_TEE_TCB_SVN2] = (uint8_t)tdx_mutation_below(6))
MUTATE(q_microcode_now,
       p->body[TDX_BODY_TEE_TCB_SVN2 + 2] = (uint8_t)tdx_mutation_below(2))
MUTATE(q_newer,
       p->body[TDX_BODY_TEE_TCB_SVN] = (uint8_t)(6 + tdx_mutation_below(250));
       p->body[TDX_BODY_TEE_TCB_SVN + 2 + tdx_mutation_below(14)] =
	       (uint8_t)(3 + tdx_mutation_below(253)))
MUTATE(q_service, tdx_mutation_change(p->body + TDX_BODY_MRSERVICETD, 48))
MUTATE(q_seam, tdx_mutation_change(p->body + TDX_BODY_MRSEAM, 48))
MUTATE(q_xfam, tdx_mutation_change(p->body + TDX_BODY_XFAM, 8))
MUTATE(q_owner, tdx_mutation_change(p->body + TDX_BODY_MRCONFIGID, 144))
MUTATE(q_body_type, p->body_type ^= (uint16_t)(1 + tdx_mutation_below(65535)))
MUTATE(q_body_size, p->body_size ^= 1 + tdx_mutation_below(0x7fffffff))
MUTATE(q_body_len, p->body_len = tdx_mutation_below(648))
MUTATE(q_signer, p->quote_signer = (enum tdx_platform_party)
			 tdx_mutation_below(TDX_ATTESTER))
MUTATE(q_qe_signer,
       p->qe_signer = (enum tdx_platform_party)(TDX_SIGNER +
						tdx_mutation_below(4)))
MUTATE(q_qe_mrsigner, tdx_mutation_change(p->qe_report + TDX_QE_MRSIGNER, 32))
MUTATE(q_qe_product, tdx_mutation_change(p->qe_report + TDX_QE_ISVPRODID, 2))
MUTATE(q_qe_svn, p->qe_report[TDX_QE_ISVSVN] = (uint8_t)tdx_mutation_below(6))
MUTATE(q_qe_attributes,
       tdx_mutation_change(p->qe_report + TDX_QE_ATTRIBUTES + 1, 7))
MUTATE(q_qe_miscselect,
       tdx_mutation_change(p->qe_report + TDX_QE_MISCSELECT, 4))
MUTATE(q_qe_free, tdx_mutation_change(p->qe_report, 16);
       tdx_mutation_change(p->qe_report + TDX_QE_ATTRIBUTES + 8, 72))
MUTATE(q_qe_newer,
       p->qe_report[TDX_QE_ISVSVN + 1] = (uint8_t)(1 + tdx_mutation_below(255)))
MUTATE(q_qe_data, p->keeps_qe_data = true;
       tdx_mutation_change(p->qe_report + TDX_QE_REPORT_DATA, 64))
MUTATE(q_qe_authentication, p->keeps_qe_data = true;
       tdx_mutation_change(p->authentication, 32))
MUTATE(q_authentication, tdx_mutation_change(p->authentication, 32))

Test(tdx_mutations, of_signed_quotes_none_that_says_something_else_is_accepted)
{
	static const struct tdx_mutation mutations[] = {
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

	tdx_mutation_run(mutations, COUNT(mutations), TDX_MUTATION_QUOTE,
			 54000);
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
	return AT_CERTIFICATES +
	       tdx_mutation_below(frame->len - AT_CERTIFICATES);
}

static void f_size(struct frame *frame)
{
	static const size_t places[] = { AT_SIGNATURE_SIZE, AT_QE_SIZE,
					 AT_CERTIFICATES_SIZE };

	tdx_mutation_change(frame->bytes + ANY(places), 4);
}

static void f_type(struct frame *frame)
{
	static const size_t places[] = { AT_QE_TYPE, AT_CERTIFICATES_TYPE,
					 AT_AUTHENTICATION_SIZE };

	tdx_mutation_change(frame->bytes + ANY(places), 2);
}

static void f_changed(struct frame *frame)
{
	tdx_mutation_change(frame->bytes + in_certificates(frame), 1);
}

static void f_removed(struct frame *frame)
{
	size_t at = in_certificates(frame);
	size_t left = frame->len - at;

	/* The end first, so that what is left is never what was there. */
	resize(frame, at,
	       -(int)(1 + tdx_mutation_below(left < 64 ? left : 64)));
}

static void f_inserted(struct frame *frame)
{
	static const uint8_t letters[] = " \t\r\n\0=-A+/_";
	size_t at = in_certificates(frame);

	resize(frame, at, 1);
	frame->bytes[at] = letters[tdx_mutation_below(sizeof(letters) - 1)];
}

static void f_appended(struct frame *frame)
{
	size_t at = frame->len;

	resize(frame, at, 1);
	frame->bytes[at] = (uint8_t)(1 + tdx_mutation_below(255));
}

static void f_swapped(struct frame *frame)
{
	size_t a = in_certificates(frame);
	size_t b = in_certificates(frame);
	uint8_t before = frame->bytes[a];

	if (frame->bytes[b] == before)
		tdx_mutation_change(frame->bytes + a, 1);
	else {
		frame->bytes[a] = frame->bytes[b];
		frame->bytes[b] = before;
	}
}

static void f_cut(struct frame *frame)
{
	frame->len = tdx_mutation_below(frame->len);
}

static void f_zeros(struct frame *frame)
{
	size_t at = frame->len;
	size_t count = 1 + tdx_mutation_below(64);

	resize(frame, at, (int)count);
	memset(frame->bytes + at, 0, count);
}

static void f_behind(struct frame *frame)
{
	size_t count = 1 + tdx_mutation_below(1000);

	for (size_t i = 0; i < count; i++)
		frame->bytes[frame->len++] = (uint8_t)tdx_mutation_below(256);
}

static void wrap(const struct frame *frame, struct writer *out)
{
	struct bytes quote = { frame->bytes, frame->len };
	struct bytes none = { NULL, 0 };

	cr_assert_eq(cbor_put_array(out, 2), ERR_OK);
	cr_assert_eq(cbor_put_bytes(out, quote), ERR_OK);
	cr_assert_eq(cbor_put_bytes(out, none), ERR_OK);
}

Test(tdx_mutations, of_frames_around_signed_parts_none_that_is_bent_is_accepted)
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
	struct effort effort = effort_of(20000);
	size_t harmless = 0;

	tdx_mutation_seed();
	tdx_platform_open(&platform);
	platform.policy.crl_count = 0;
	while (effort_more(&effort)) {
		struct writer out = WRITER_OVER(memory);
		size_t which = tdx_mutation_below(COUNT(mutations));
		bool accepted;

		frame.len = platform.quote.len;
		memcpy(frame.bytes, platform.quote.data, frame.len);
		mutations[which].mutate(&frame);
		wrap(&frame, &out);
		accepted = tdx_mutation_accepts(&platform, bytes_written(&out));
		cr_assert_eq(accepted, mutations[which].harmless,
			     "round %" PRIu64 ", mutation %zu", effort.done,
			     which);
		harmless += accepted;
	}
	tdx_mutation_tell("frames around signed parts", effort.done, harmless);
	tdx_platform_close(&platform);
}
