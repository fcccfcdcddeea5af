/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/snp_endorsement.h"

#include <stdio.h>
#include <string.h>

#include "wire/der.h"

#define OID(last) "1.3.6.1.4.1.3704.1." last
#define VERSION_MOST 1
#define CHIP_BYTES 64
#define CHIP_BYTES_TURIN 8

static const struct {
	const char *subject;
	const char *issuer; /* before the product's name */
} keys[] = {
	[SNP_REPORT_VCEK] = { "SEV-VCEK", "SEV-" },
	[SNP_REPORT_VLEK] = { "SEV-VLEK", "SEV-VLEK-" },
};

bool snp_endorsement_is(const struct certificate *certificate,
			enum snp_report_signer signer)
{
	char name[CERTIFICATE_NAME_MAX];

	return signer <= SNP_REPORT_VLEK &&
	       certificate_common_name(certificate, CERTIFICATE_SUBJECT,
				       name) == ERR_OK &&
	       strcmp(name, keys[signer].subject) == 0;
}

static enum err read_number(const struct certificate *certificate,
			    const char *oid, uint8_t *out)
{
	struct bytes value;
	uint64_t number;

	TRY(certificate_extension(certificate, oid, &value));
	TRY(der_take_unsigned(&value, DER_INTEGER, &number));
	TRY(bytes_expect_end(&value));
	if (number > UINT8_MAX)
		return ERR_MALFORMED;
	*out = (uint8_t)number;
	return ERR_OK;
}

static enum err read_text(const struct certificate *certificate,
			  const char *oid, struct bytes *out)
{
	struct bytes value;
	struct bytes text;

	TRY(certificate_extension(certificate, oid, &value));
	TRY(der_take(&value, DER_IA5, &text));
	TRY(bytes_expect_end(&value));
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] < 0x20 || text.data[i] > 0x7e)
			return ERR_MALFORMED;
	*out = text;
	return ERR_OK;
}

static enum err expect_absent(const struct certificate *certificate,
			      const char *oid)
{
	struct bytes value;
	enum err err = certificate_extension(certificate, oid, &value);

	return err == ERR_UNSUPPORTED ? ERR_OK : ERR_MALFORMED;
}

/* Parts that no product has yet. */
static enum err expect_zero(const struct certificate *certificate,
			    const char *oid)
{
	uint8_t number = 0;
	enum err err = read_number(certificate, oid, &number);

	if (err == ERR_UNSUPPORTED)
		return ERR_OK;
	return err == ERR_OK && number == 0 ? ERR_OK : ERR_MALFORMED;
}

/* "Milan", or "Milan-" and a stepping. */
static bool names_product(struct bytes text, const char *product)
{
	size_t len = strlen(product);

	return text.len >= len && memcmp(text.data, product, len) == 0 &&
	       (text.len == len || text.data[len] == '-');
}

static enum err read_product(const struct certificate *certificate,
			     struct snp_endorsement *out)
{
	char found[CERTIFICATE_NAME_MAX];
	struct bytes text;

	TRY(certificate_common_name(certificate, CERTIFICATE_ISSUER, found));
	TRY(read_text(certificate, OID("2"), &text));
	for (int i = SNP_REPORT_MILAN; i < SNP_REPORT_PRODUCTS; i++) {
		enum snp_report_product product = (enum snp_report_product)i;
		const char *name = snp_report_product_name(product);
		char wanted[CERTIFICATE_NAME_MAX];

		(void)snprintf(wanted, sizeof(wanted), "%s%s",
			       keys[out->signer].issuer, name);
		if (strcmp(found, wanted) == 0 && names_product(text, name)) {
			out->product = product;
			return ERR_OK;
		}
	}
	return ERR_MALFORMED;
}

static enum err read_tcb(const struct certificate *certificate,
			 struct snp_endorsement *out)
{
	struct appraisal_tcb *tcb = &out->tcb;

	TRY(read_number(certificate, OID("3.1"), &tcb->bootloader));
	TRY(read_number(certificate, OID("3.2"), &tcb->tee));
	TRY(read_number(certificate, OID("3.3"), &tcb->snp));
	TRY(read_number(certificate, OID("3.8"), &tcb->microcode));
	TRY(expect_zero(certificate, OID("3.4")));
	TRY(expect_zero(certificate, OID("3.5")));
	TRY(expect_zero(certificate, OID("3.6")));
	TRY(expect_zero(certificate, OID("3.7")));
	if (out->product == SNP_REPORT_TURIN)
		return read_number(certificate, OID("3.9"), &tcb->fmc);
	return expect_absent(certificate, OID("3.9"));
}

/* The bytes stand in the extension as they are, without a tag. */
static enum err read_owner(const struct certificate *certificate,
			   struct snp_endorsement *out)
{
	size_t wanted = out->product == SNP_REPORT_TURIN ? CHIP_BYTES_TURIN
							 : CHIP_BYTES;
	struct bytes chip;

	if (out->signer == SNP_REPORT_VLEK) {
		TRY(expect_absent(certificate, OID("4")));
		return read_text(certificate, OID("5"), &out->cloud);
	}
	TRY(expect_absent(certificate, OID("5")));
	TRY(certificate_extension(certificate, OID("4"), &chip));
	if (chip.len != wanted)
		return ERR_MALFORMED;
	memcpy(out->chip.id, chip.data, chip.len);
	out->chip.len = CHIP_BYTES;
	return ERR_OK;
}

static enum err read_all(const struct certificate *certificate,
			 struct snp_endorsement *out)
{
	uint8_t version;

	if (snp_endorsement_is(certificate, SNP_REPORT_VLEK))
		out->signer = SNP_REPORT_VLEK;
	else if (!snp_endorsement_is(certificate, SNP_REPORT_VCEK))
		return ERR_MALFORMED;
	TRY(read_number(certificate, OID("1"), &version));
	if (version > VERSION_MOST)
		return ERR_MALFORMED;
	TRY(read_product(certificate, out));
	TRY(read_tcb(certificate, out));
	return read_owner(certificate, out);
}

enum err snp_endorsement_read(const struct certificate *certificate,
			      struct snp_endorsement *out)
{
	struct snp_endorsement found = { .signer = SNP_REPORT_VCEK };

	if (read_all(certificate, &found) != ERR_OK)
		return ERR_MALFORMED;
	*out = found;
	return ERR_OK;
}
