/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/snp_report.h"

#include <string.h>

#include "base/secret.h"

#define VERSION_LEAST 2
#define VERSION_MOST 5
#define VERSION_OF_PROCESSORS 3	 /* from here on it names the processor */
#define VERSION_OF_MITIGATIONS 5 /* ... and the mitigations */

#define ECDSA_P384_SHA384 1
#define POLICY_ONE (1u << 17)	 /* reserved as one */
#define POLICY_KNOWN 0x03ffffffu /* the rest is reserved as zero */
#define FLAG_AUTHOR_KEY 1u
#define FLAG_MASK_CHIP_KEY 2u
#define FLAGS_KNOWN 0x1fu
#define INTEGER_BYTES 72 /* of R and of S, in the report */
#define COORDINATE_BYTES (SNP_REPORT_SIGNATURE_BYTES / 2)

/* CPUID's family, and the models of it that are one product. */
static const struct {
	uint8_t family, model_first, model_last;
	enum snp_report_product product;
} processors[] = {
	{ 0x19, 0x00, 0x0f, SNP_REPORT_MILAN },
	{ 0x19, 0x10, 0x1f, SNP_REPORT_GENOA },
	{ 0x19, 0xa0, 0xaf, SNP_REPORT_GENOA }, /* Bergamo, Siena */
	{ 0x1a, 0x00, 0x1f, SNP_REPORT_TURIN },
};

static enum err take_zeros(struct bytes *in, size_t len)
{
	struct bytes zeros;

	TRY(bytes_take(in, len, &zeros));
	return secret_is_zero(zeros.data, zeros.len) ? ERR_OK : ERR_MALFORMED;
}

static enum err read_flags(uint32_t flags, struct snp_report *out)
{
	uint32_t signer = flags >> 2 & 7;

	if ((flags & ~FLAGS_KNOWN) != 0 ||
	    (signer > SNP_REPORT_VLEK && signer != SNP_REPORT_UNSIGNED))
		return ERR_MALFORMED;
	out->has_author_key = (flags & FLAG_AUTHOR_KEY) != 0;
	out->is_chip_key_masked = (flags & FLAG_MASK_CHIP_KEY) != 0;
	out->signer = (enum snp_report_signer)signer;
	return ERR_OK;
}

/* 000 to 04f */
static enum err take_head(struct bytes *in, struct snp_report *out)
{
	uint32_t algorithm;
	uint32_t flags;

	TRY(bytes_take_u32_le(in, &out->version));
	if (out->version < VERSION_LEAST || out->version > VERSION_MOST)
		return ERR_UNSUPPORTED;
	TRY(bytes_take_u32_le(in, &out->guest_svn));
	TRY(bytes_take_u64_le(in, &out->policy));
	if ((out->policy & POLICY_ONE) == 0 ||
	    (out->policy & ~(uint64_t)POLICY_KNOWN) != 0)
		return ERR_MALFORMED;
	TRY(bytes_take(in, 16, &out->family_id));
	TRY(bytes_take(in, 16, &out->image_id));
	TRY(bytes_take_u32_le(in, &out->vmpl));
	TRY(bytes_take_u32_le(in, &algorithm));
	if (algorithm != ECDSA_P384_SHA384)
		return ERR_UNSUPPORTED;
	TRY(bytes_take(in, SNP_REPORT_TCB_BYTES,
		       &out->tcb[SNP_REPORT_CURRENT]));
	TRY(bytes_take_u64_le(in, &out->platform_info));
	TRY(bytes_take_u32_le(in, &flags));
	TRY(read_flags(flags, out));
	return take_zeros(in, 4);
}

/* 050 to 187 */
static enum err take_guest(struct bytes *in, struct snp_report *out)
{
	TRY(bytes_take(in, 64, &out->report_data));
	TRY(bytes_take(in, 48, &out->measurement));
	TRY(bytes_take(in, 32, &out->host_data));
	TRY(bytes_take(in, 48, &out->id_key_digest));
	TRY(bytes_take(in, 48, &out->author_key_digest));
	TRY(bytes_take(in, 32, &out->report_id));
	TRY(bytes_take(in, 32, &out->report_id_ma));
	TRY(bytes_take(in, SNP_REPORT_TCB_BYTES,
		       &out->tcb[SNP_REPORT_REPORTED]));
	/* A digest is there when the flag says so, and only then. */
	if (secret_is_zero(out->author_key_digest.data,
			   out->author_key_digest.len) == out->has_author_key)
		return ERR_MALFORMED;
	return ERR_OK;
}

/* 188 to 1df */
static enum err take_processor(struct bytes *in, struct snp_report *out)
{
	out->product = SNP_REPORT_UNSAID;
	TRY(bytes_take_u8(in, &out->family));
	TRY(bytes_take_u8(in, &out->model));
	TRY(bytes_take_u8(in, &out->stepping));
	TRY(take_zeros(in, 21));
	TRY(bytes_take(in, 64, &out->chip_id));
	if (out->version < VERSION_OF_PROCESSORS) {
		return (out->family | out->model | out->stepping) == 0
			       ? ERR_OK
			       : ERR_MALFORMED;
	}
	for (size_t i = 0; i < sizeof(processors) / sizeof(processors[0]);
	     i++) {
		if (processors[i].family == out->family &&
		    processors[i].model_first <= out->model &&
		    processors[i].model_last >= out->model)
			out->product = processors[i].product;
	}
	return out->product == SNP_REPORT_UNSAID ? ERR_UNSUPPORTED : ERR_OK;
}

static enum err take_firmware(struct bytes *in, struct snp_report_firmware *out)
{
	TRY(bytes_take_u8(in, &out->build));
	TRY(bytes_take_u8(in, &out->minor));
	TRY(bytes_take_u8(in, &out->major));
	return take_zeros(in, 1);
}

/* 1e0 to 29f */
static enum err take_platform(struct bytes *in, struct snp_report *out)
{
	TRY(bytes_take(in, SNP_REPORT_TCB_BYTES,
		       &out->tcb[SNP_REPORT_COMMITTED]));
	TRY(take_firmware(in, &out->current));
	TRY(take_firmware(in, &out->committed));
	TRY(bytes_take(in, SNP_REPORT_TCB_BYTES,
		       &out->tcb[SNP_REPORT_LAUNCHED]));
	TRY(bytes_take_u64_le(in, &out->launch_mitigations));
	TRY(bytes_take_u64_le(in, &out->current_mitigations));
	if (out->version < VERSION_OF_MITIGATIONS &&
	    (out->launch_mitigations | out->current_mitigations) != 0)
		return ERR_MALFORMED;
	return take_zeros(in, 0x2a0 - 0x208);
}

/* R or S, turned round; what does not fit the curve is refused here. */
static enum err take_integer(struct bytes *in,
			     uint8_t out[static COORDINATE_BYTES])
{
	struct bytes raw;

	TRY(bytes_take(in, COORDINATE_BYTES, &raw));
	for (size_t i = 0; i < raw.len; i++)
		out[i] = raw.data[raw.len - 1 - i];
	return take_zeros(in, INTEGER_BYTES - COORDINATE_BYTES);
}

enum err snp_report_parse(struct bytes in, struct snp_report *out)
{
	struct snp_report report = {
		.signed_part = { in.data, SNP_REPORT_SIGNED_BYTES }
	};

	if (in.len < SNP_REPORT_BYTES)
		return ERR_TRUNCATED;
	TRY(take_head(&in, &report));
	TRY(take_guest(&in, &report));
	TRY(take_processor(&in, &report));
	TRY(take_platform(&in, &report));
	TRY(take_integer(&in, report.signature));
	TRY(take_integer(&in, report.signature + COORDINATE_BYTES));
	TRY(take_zeros(&in, in.len));
	*out = report;
	return ERR_OK;
}

static bool are_zero(struct bytes raw, size_t first, size_t count)
{
	return secret_is_zero(raw.data + first, count);
}

enum err snp_report_tcb(struct bytes raw, enum snp_report_product product,
			struct appraisal_tcb *out)
{
	const uint8_t *at = raw.data;

	invariant(raw.len == SNP_REPORT_TCB_BYTES);
	switch (product) {
	case SNP_REPORT_MILAN:
	case SNP_REPORT_GENOA:
		if (!are_zero(raw, 2, 4))
			return ERR_MALFORMED;
		*out = (struct appraisal_tcb){ .bootloader = at[0],
					       .tee = at[1],
					       .snp = at[6],
					       .microcode = at[7] };
		return ERR_OK;
	case SNP_REPORT_TURIN:
		if (!are_zero(raw, 4, 3))
			return ERR_MALFORMED;
		*out = (struct appraisal_tcb){ .fmc = at[0],
					       .bootloader = at[1],
					       .tee = at[2],
					       .snp = at[3],
					       .microcode = at[7] };
		return ERR_OK;
	case SNP_REPORT_UNSAID:
	case SNP_REPORT_PRODUCTS:
		break;
	}
	return ERR_UNSUPPORTED;
}

const char *snp_report_product_name(enum snp_report_product product)
{
	static const char *const names[SNP_REPORT_PRODUCTS] = {
		[SNP_REPORT_UNSAID] = "",
		[SNP_REPORT_MILAN] = "Milan",
		[SNP_REPORT_GENOA] = "Genoa",
		[SNP_REPORT_TURIN] = "Turin",
	};

	return names[product];
}

static void print_hex(FILE *out, const char *name, struct bytes value)
{
	fprintf(out, "%-24s", name);
	for (size_t i = 0; i < value.len; i++)
		fprintf(out, "%02x", value.data[i]);
	fputc('\n', out);
}

static void print_tcb(FILE *out, const char *name, struct bytes raw,
		      enum snp_report_product product)
{
	struct appraisal_tcb tcb;

	if (snp_report_tcb(raw, product, &tcb) != ERR_OK) {
		print_hex(out, name, raw);
		return;
	}
	fprintf(out,
		"%-24sfmc %u, bootloader %u, tee %u, snp %u, microcode %u\n",
		name, tcb.fmc, tcb.bootloader, tcb.tee, tcb.snp, tcb.microcode);
}

static void print_policy(FILE *out, uint64_t policy)
{
	fprintf(out,
		"%-24s%016llx: firmware %u.%u or newer, smt %s, "
		"migration %s, debugging %s\n",
		"policy", (unsigned long long)policy,
		(unsigned)(policy >> 8 & 0xff), (unsigned)(policy & 0xff),
		(policy & SNP_REPORT_POLICY_SMT) != 0 ? "allowed" : "forbidden",
		(policy & SNP_REPORT_POLICY_MIGRATE_MA) != 0 ? "allowed"
							     : "forbidden",
		(policy & SNP_REPORT_POLICY_DEBUG) != 0 ? "ALLOWED"
							: "forbidden");
}

static const char *signer_name(enum snp_report_signer signer)
{
	switch (signer) {
	case SNP_REPORT_VCEK:
		return "the chip's key (VCEK)";
	case SNP_REPORT_VLEK:
		return "a key leased to a cloud (VLEK)";
	case SNP_REPORT_UNSIGNED:
		break;
	}
	return "none";
}

static void print_platform(const struct snp_report *report, FILE *out)
{
	static const char *const names[SNP_REPORT_TCBS] = {
		[SNP_REPORT_REPORTED] = "reported tcb",
		[SNP_REPORT_LAUNCHED] = "tcb at launch",
		[SNP_REPORT_COMMITTED] = "committed tcb",
		[SNP_REPORT_CURRENT] = "current tcb",
	};

	/* Nothing older than version 3 is known to come from a Turin. */
	for (int i = 0; i < SNP_REPORT_TCBS; i++) {
		print_tcb(out, names[i], report->tcb[i],
			  report->product == SNP_REPORT_UNSAID
				  ? SNP_REPORT_MILAN
				  : report->product);
	}
	fprintf(out, "%-24s%u.%u.%u, committed %u.%u.%u\n", "firmware",
		report->current.major, report->current.minor,
		report->current.build, report->committed.major,
		report->committed.minor, report->committed.build);
	fprintf(out, "%-24s%016llx\n", "platform info",
		(unsigned long long)report->platform_info);
	fprintf(out, "%-24slaunch %016llx, current %016llx\n", "mitigations",
		(unsigned long long)report->launch_mitigations,
		(unsigned long long)report->current_mitigations);
}

void snp_report_print(const struct snp_report *report, FILE *out)
{
	const char *product = snp_report_product_name(report->product);

	fprintf(out, "%-24s%u\n", "version", report->version);
	fprintf(out, "%-24s%s (family %02x, model %02x, stepping %02x)\n",
		"processor", product[0] == '\0' ? "not told" : product,
		report->family, report->model, report->stepping);
	fprintf(out, "%-24s%u\n", "guest svn", report->guest_svn);
	print_policy(out, report->policy);
	fprintf(out, "%-24s%u\n", "vmpl", report->vmpl);
	fprintf(out, "%-24s%s\n", "signed by", signer_name(report->signer));
	fprintf(out, "%-24s%s\n", "chip key masked",
		report->is_chip_key_masked ? "yes" : "no");
	print_platform(report, out);
	print_hex(out, "report data", report->report_data);
	print_hex(out, "measurement", report->measurement);
	print_hex(out, "host data", report->host_data);
	print_hex(out, "family id", report->family_id);
	print_hex(out, "image id", report->image_id);
	print_hex(out, "id key digest", report->id_key_digest);
	print_hex(out, "author key digest", report->author_key_digest);
	print_hex(out, "report id", report->report_id);
	print_hex(out, "migration agent's id", report->report_id_ma);
	print_hex(out, "chip id", report->chip_id);
	print_hex(out, "signature (r, s)", BYTES_ARRAY(report->signature));
}
