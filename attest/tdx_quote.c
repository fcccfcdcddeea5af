/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/tdx_quote.h"

#include <inttypes.h>

#include "base/secret.h"

#define VERSION_4 4
#define VERSION_5 5
#define KEY_ECDSA_P256 2
#define TEE_TDX 0x81
#define DATA_QE_REPORT 6
#define DATA_CERTIFICATES 5

#define TD10_BYTES 584
#define TD15_BYTES 648
#define QE_REPORT_BYTES 384
#define SIGNATURE_BYTES 64

static const uint8_t intel_qe[16] = { 0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c,
				      0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3,
				      0x95, 0x7f, 0x06, 0x07 };

static enum err take_u16(struct bytes *in, uint16_t *out)
{
	uint8_t low;
	uint8_t high;

	TRY(bytes_take_u8(in, &low));
	TRY(bytes_take_u8(in, &high));
	*out = (uint16_t)(low | high << 8);
	return ERR_OK;
}

static enum err expect_u16(struct bytes *in, uint16_t wanted, enum err if_not)
{
	uint16_t found;

	TRY(take_u16(in, &found));
	return found == wanted ? ERR_OK : if_not;
}

static enum err take_zeros(struct bytes *in, size_t len)
{
	struct bytes zeros;

	TRY(bytes_take(in, len, &zeros));
	return secret_is_zero(zeros.data, len) ? ERR_OK : ERR_MALFORMED;
}

static enum err take_header(struct bytes *in, struct tdx_quote *out)
{
	struct bytes vendor;
	uint16_t key_type;
	uint32_t tee;

	TRY(take_u16(in, &out->version));
	TRY(take_u16(in, &key_type));
	TRY(bytes_take_u32_le(in, &tee));
	if ((out->version != VERSION_4 && out->version != VERSION_5) ||
	    key_type != KEY_ECDSA_P256 || tee != TEE_TDX)
		return ERR_UNSUPPORTED;
	TRY(take_zeros(in, 4));
	TRY(bytes_take(in, sizeof(intel_qe), &vendor));
	if (!bytes_equal(vendor, BYTES_ARRAY(intel_qe)))
		return ERR_UNSUPPORTED;
	return bytes_take(in, 20, &out->user_data);
}

/* Version 5 says what version 4 takes for granted. */
static enum err take_body_type(struct bytes *in, struct tdx_quote *out)
{
	uint16_t type = TDX_QUOTE_TD10;
	uint32_t size = TD10_BYTES;

	if (out->version == VERSION_5) {
		TRY(take_u16(in, &type));
		TRY(bytes_take_u32_le(in, &size));
	}
	if (type != TDX_QUOTE_TD10 && type != TDX_QUOTE_TD15)
		return ERR_UNSUPPORTED;
	out->body = (enum tdx_quote_body)type;
	return size == (type == TDX_QUOTE_TD10 ? TD10_BYTES : TD15_BYTES)
		       ? ERR_OK
		       : ERR_MALFORMED;
}

static enum err take_register(struct bytes *in, struct bytes *out)
{
	return bytes_take(in, TDX_QUOTE_REGISTER_BYTES, out);
}

static enum err take_body(struct bytes *in, struct tdx_quote *out)
{
	TRY(bytes_take(in, TDX_QUOTE_SVN_BYTES, &out->tee_tcb_svn));
	TRY(take_register(in, &out->mrseam));
	TRY(take_register(in, &out->mrsignerseam));
	TRY(bytes_take(in, 8, &out->seam_attributes));
	TRY(bytes_take_u64_le(in, &out->td_attributes));
	TRY(bytes_take_u64_le(in, &out->xfam));
	TRY(take_register(in, &out->mrtd));
	TRY(take_register(in, &out->mrconfigid));
	TRY(take_register(in, &out->mrowner));
	TRY(take_register(in, &out->mrownerconfig));
	for (int i = 0; i < APPRAISAL_RTMRS; i++)
		TRY(take_register(in, &out->rtmr[i]));
	TRY(bytes_take(in, 64, &out->report_data));
	if (out->body != TDX_QUOTE_TD15)
		return ERR_OK;
	TRY(bytes_take(in, TDX_QUOTE_SVN_BYTES, &out->tee_tcb_svn2));
	return take_register(in, &out->mrservicetd);
}

/* Bytes 20..48, 96..128, 160..256, 260..320 are reserved in every enclave that
 * has no configuration of its own, and quoting enclaves have none; they are
 * signed by the PCK, and so left to what it certifies. */
static enum err parse_qe(struct bytes in, struct tdx_quote_qe *out)
{
	struct bytes skipped;

	TRY(bytes_take(&in, 16, &out->cpusvn));
	TRY(bytes_take(&in, 4, &out->miscselect));
	TRY(bytes_take(&in, 28, &skipped));
	TRY(bytes_take(&in, 16, &out->attributes));
	TRY(bytes_take(&in, 32, &out->mrenclave));
	TRY(bytes_take(&in, 32, &skipped));
	TRY(bytes_take(&in, 32, &out->mrsigner));
	TRY(bytes_take(&in, 96, &skipped));
	TRY(take_u16(&in, &out->isvprodid));
	TRY(take_u16(&in, &out->isvsvn));
	TRY(bytes_take(&in, 60, &skipped));
	TRY(bytes_take(&in, 64, &out->report_data));
	return bytes_expect_end(&in);
}

/* A size and so many bytes, which have to be there. */
static enum err take_sized(struct bytes *in, struct bytes *out)
{
	uint32_t size;

	TRY(bytes_take_u32_le(in, &size));
	return bytes_take(in, size, out);
}

static enum err parse_qe_data(struct bytes in, struct tdx_quote *out)
{
	uint16_t size;

	TRY(bytes_take(&in, QE_REPORT_BYTES, &out->qe_report));
	TRY(parse_qe(out->qe_report, &out->qe));
	TRY(bytes_take(&in, SIGNATURE_BYTES, &out->qe_signature));
	TRY(take_u16(&in, &size));
	TRY(bytes_take(&in, size, &out->qe_authentication));
	TRY(expect_u16(&in, DATA_CERTIFICATES, ERR_UNSUPPORTED));
	TRY(take_sized(&in, &out->certificates));
	return bytes_expect_end(&in);
}

static enum err parse_signature(struct bytes in, struct tdx_quote *out)
{
	struct bytes data;

	TRY(bytes_take(&in, SIGNATURE_BYTES, &out->signature));
	TRY(bytes_take(&in, SIGNATURE_BYTES, &out->attestation_key));
	TRY(expect_u16(&in, DATA_QE_REPORT, ERR_UNSUPPORTED));
	TRY(take_sized(&in, &data));
	TRY(bytes_expect_end(&in));
	return parse_qe_data(data, out);
}

/* Inside a size that was given, a part that ends early is a wrong size. */
static enum err not_truncated(enum err err)
{
	return err == ERR_TRUNCATED ? ERR_MALFORMED : err;
}

enum err tdx_quote_parse(struct bytes in, struct tdx_quote *out)
{
	struct tdx_quote quote = { 0 };
	struct bytes rest = in;
	struct bytes data;

	if (in.len > TDX_QUOTE_BYTES_MAX)
		return ERR_TOO_LARGE;
	TRY(take_header(&rest, &quote));
	TRY(take_body_type(&rest, &quote));
	TRY(take_body(&rest, &quote));
	quote.signed_part = (struct bytes){ in.data, in.len - rest.len };
	TRY(take_sized(&rest, &data));
	TRY(not_truncated(parse_signature(data, &quote)));
	quote.trailing = rest.len;
	*out = quote;
	return ERR_OK;
}

static void print_bytes(FILE *out, const char *name, struct bytes value)
{
	fprintf(out, "  %-20s ", name);
	for (size_t i = 0; i < value.len; i++)
		fprintf(out, "%02x", value.data[i]);
	fprintf(out, "%s\n", value.len == 0 ? "-" : "");
}

static void print_qe(const struct tdx_quote_qe *qe, FILE *out)
{
	fprintf(out, "quoting enclave\n");
	print_bytes(out, "cpusvn", qe->cpusvn);
	print_bytes(out, "miscselect", qe->miscselect);
	print_bytes(out, "attributes", qe->attributes);
	print_bytes(out, "mrenclave", qe->mrenclave);
	print_bytes(out, "mrsigner", qe->mrsigner);
	fprintf(out, "  %-20s %u\n", "isvprodid", qe->isvprodid);
	fprintf(out, "  %-20s %u\n", "isvsvn", qe->isvsvn);
	print_bytes(out, "report data", qe->report_data);
}

static void print_registers(const struct tdx_quote *quote, FILE *out)
{
	char name[APPRAISAL_NAME_MAX];

	print_bytes(out, "mrtd", quote->mrtd);
	for (int i = 0; i < APPRAISAL_RTMRS; i++)
		print_bytes(
			out,
			appraisal_register_name(
				(enum appraisal_register)(APPRAISAL_RTMR0 + i),
				name),
			quote->rtmr[i]);
	print_bytes(out, "mrconfigid", quote->mrconfigid);
	print_bytes(out, "mrowner", quote->mrowner);
	print_bytes(out, "mrownerconfig", quote->mrownerconfig);
}

void tdx_quote_print(const struct tdx_quote *quote, FILE *out)
{
	fprintf(out, "TDX quote, version %u, body of TD %s\n", quote->version,
		quote->body == TDX_QUOTE_TD10 ? "1.0" : "1.5");
	print_bytes(out, "user data", quote->user_data);
	print_bytes(out, "tee tcb svn", quote->tee_tcb_svn);
	print_bytes(out, "mrseam", quote->mrseam);
	print_bytes(out, "mrsignerseam", quote->mrsignerseam);
	print_bytes(out, "seam attributes", quote->seam_attributes);
	fprintf(out, "  %-20s %016" PRIx64 "\n", "td attributes",
		quote->td_attributes);
	fprintf(out, "  %-20s %016" PRIx64 "\n", "xfam", quote->xfam);
	print_registers(quote, out);
	print_bytes(out, "report data", quote->report_data);
	print_bytes(out, "tee tcb svn 2", quote->tee_tcb_svn2);
	print_bytes(out, "mrservicetd", quote->mrservicetd);
	print_bytes(out, "attestation key", quote->attestation_key);
	print_qe(&quote->qe, out);
	print_bytes(out, "authentication data", quote->qe_authentication);
	fprintf(out, "  %-20s %zu bytes\n", "certificates",
		quote->certificates.len);
	fprintf(out, "  %-20s %zu bytes\n", "behind the quote",
		quote->trailing);
}
