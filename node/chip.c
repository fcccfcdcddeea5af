/* SPDX-License-Identifier: Apache-2.0 */
#include "node/chip_context.h"

#include <stdlib.h>
#include <string.h>

#include <tss2/tss2_mu.h>

#include "crypto/hash.h"

#define RACES 3 /* quotes of PCRs that somebody extends meanwhile */
#define HANDLES_MAX 64
/* Ranges of handles (Part 2, 7.4); tpm2-tss shifts them into the sign. */
#define TRANSIENT_FIRST 0x80000000u
#define SESSIONS_FIRST 0x02000000u /* loaded ones, of whatever kind */

/* What others loaded through this descriptor, by handle: FlushContext. */
static enum err flush_handle(struct chip *chip, TPM2_HANDLE handle)
{
	uint8_t memory[14];
	struct writer command = WRITER_OVER(memory);
	uint32_t code;

	invariant(bytes_put_u16(&command, TPM2_ST_NO_SESSIONS) == ERR_OK &&
		  bytes_put_u32(&command, sizeof(memory)) == ERR_OK &&
		  bytes_put_u32(&command, TPM2_CC_FlushContext) == ERR_OK &&
		  bytes_put_u32(&command, handle) == ERR_OK);
	return tcti_command(&chip->tcti, bytes_written(&command), &code);
}

static enum err flush_all(struct chip *chip, TPM2_HANDLE first)
{
	TPMS_CAPABILITY_DATA *found = NULL;
	enum err err = ERR_OK;
	TPMI_YES_NO more;

	TRY(chip_result(Esys_GetCapability(
		chip->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
		TPM2_CAP_HANDLES, first, HANDLES_MAX, &more, &found)));
	for (size_t i = 0; i < found->data.handles.count && err == ERR_OK; i++)
		err = flush_handle(chip, found->data.handles.handle[i]);
	Esys_Free(found);
	return err;
}

enum err chip_result(TSS2_RC code)
{
	return code == TSS2_RC_SUCCESS ? ERR_OK : ERR_UNAVAILABLE;
}

TPML_PCR_SELECTION chip_selection(uint32_t pcrs)
{
	return (TPML_PCR_SELECTION){
		.count = 1,
		.pcrSelections = { {
			.hash = TPM2_ALG_SHA256,
			.sizeofSelect = 3,
			.pcrSelect = { (BYTE)pcrs, (BYTE)(pcrs >> 8),
				       (BYTE)(pcrs >> 16) },
		} },
	};
}

TPM2B_PUBLIC chip_p256_template(TPMA_OBJECT attributes, TPM2_ALG_ID scheme)
{
	TPM2B_PUBLIC template = { 0 };
	TPMT_PUBLIC *area = &template.publicArea;
	TPMS_ECC_PARMS *ecc = &area->parameters.eccDetail;

	area->type = TPM2_ALG_ECC;
	area->nameAlg = TPM2_ALG_SHA256;
	area->objectAttributes =
		attributes | TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
		TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_NODA;
	ecc->symmetric.algorithm = TPM2_ALG_NULL;
	ecc->curveID = TPM2_ECC_NIST_P256;
	ecc->kdf.scheme = TPM2_ALG_NULL;
	ecc->scheme.scheme = scheme;
	ecc->scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
	return template;
}

enum err chip_create_primary(struct chip *chip, ESYS_TR hierarchy,
			     const TPM2B_PUBLIC *template, ESYS_TR *key,
			     TPM2B_PUBLIC **public)
{
	TPM2B_SENSITIVE_CREATE secret = { 0 };
	TPM2B_DATA outside = { 0 };
	TPML_PCR_SELECTION none = { 0 };

	return chip_result(Esys_CreatePrimary(
		chip->esys, hierarchy, ESYS_TR_PASSWORD, ESYS_TR_NONE,
		ESYS_TR_NONE, &secret, template, &outside, &none, key, public,
		NULL, NULL, NULL));
}

static enum err make_ak(struct chip *chip)
{
	TPM2B_PUBLIC template = chip_p256_template(
		TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_RESTRICTED |
			TPMA_OBJECT_SIGN_ENCRYPT,
		TPM2_ALG_ECDSA);
	TPM2B_PUBLIC *public = NULL;

	TRY(chip_create_primary(chip, ESYS_TR_RH_ENDORSEMENT, &template,
				&chip->ak, &public));
	chip->ak_public = *public;
	Esys_Free(public);
	return ERR_OK;
}

static enum err begin(struct chip *chip, int fd)
{
	/* It would tell its troubles to standard error, which is the log. */
	if (setenv("TSS2_LOG", "all+none", 1) != 0)
		return ERR_UNAVAILABLE;
	tcti_open(fd, &chip->tcti);
	TRY(chip_result(
		Esys_Initialize(&chip->esys, tcti_context(&chip->tcti), NULL)));
	TRY(flush_all(chip, TRANSIENT_FIRST));
	TRY(flush_all(chip, SESSIONS_FIRST));
	return make_ak(chip);
}

enum err chip_open(int fd, struct chip **out)
{
	struct chip *chip = calloc(1, sizeof(*chip));

	if (chip == NULL)
		return ERR_UNAVAILABLE;
	chip->ak = chip->kem_session = ESYS_TR_NONE;
	for (size_t i = 0; i < CHIP_KEM_KEYS; i++)
		chip->kem_keys[i].handle = ESYS_TR_NONE;
	if (begin(chip, fd) != ERR_OK) {
		chip_close(chip);
		return ERR_UNAVAILABLE;
	}
	*out = chip;
	return ERR_OK;
}

static void flush(struct chip *chip, ESYS_TR loaded)
{
	if (loaded != ESYS_TR_NONE)
		(void)Esys_FlushContext(chip->esys, loaded);
}

void chip_close(struct chip *chip)
{
	if (chip == NULL)
		return;
	flush(chip, chip->kem_session);
	for (size_t i = 0; i < CHIP_KEM_KEYS; i++)
		flush(chip, chip->kem_keys[i].handle);
	flush(chip, chip->ak);
	if (chip->esys != NULL)
		Esys_Finalize(&chip->esys);
	free(chip);
}

/* A TPM tells at most eight values at a time, and says which. */
static enum err read_some(struct chip *chip, uint32_t wanted, uint32_t *got,
			  struct chip_pcrs *out)
{
	TPML_PCR_SELECTION ask = chip_selection(wanted);
	TPML_PCR_SELECTION *told = NULL;
	TPML_DIGEST *values = NULL;
	enum err err = ERR_OK;
	uint32_t count = 0;
	UINT32 updates;

	TRY(chip_result(Esys_PCR_Read(chip->esys, ESYS_TR_NONE, ESYS_TR_NONE,
				      ESYS_TR_NONE, &ask, &updates, &told,
				      &values)));
	*got = 0;
	for (uint32_t pcr = 0; told->count == 1 && pcr < CHIP_PCRS; pcr++) {
		if ((told->pcrSelections[0].pcrSelect[pcr / 8] &
		     (1 << pcr % 8)) == 0)
			continue;
		if (count >= values->count ||
		    values->digests[count].size != CHIP_PCR_BYTES) {
			err = ERR_UNAVAILABLE;
			break;
		}
		memcpy(out->values[pcr], values->digests[count++].buffer,
		       CHIP_PCR_BYTES);
		*got |= 1u << pcr;
	}
	Esys_Free(told);
	Esys_Free(values);
	return err;
}

enum err chip_read_pcrs(struct chip *chip, struct chip_pcrs *out)
{
	struct chip_pcrs read = { 0 };
	uint32_t wanted = CHIP_QUOTED;

	while (wanted != 0) {
		uint32_t got = 0;

		TRY(read_some(chip, wanted, &got, &read));
		if ((got & wanted) == 0)
			return ERR_UNSUPPORTED;
		wanted &= ~got;
	}
	*out = read;
	return ERR_OK;
}

static enum err extend(struct chip *chip, const uint8_t digest[static 32])
{
	TPML_DIGEST_VALUES values = {
		.count = 1,
		.digests = { { .hashAlg = TPM2_ALG_SHA256 } },
	};

	memcpy(values.digests[0].digest.sha256, digest, CHIP_PCR_BYTES);
	return chip_result(Esys_PCR_Extend(chip->esys, ESYS_TR_PCR14,
					   ESYS_TR_PASSWORD, ESYS_TR_NONE,
					   ESYS_TR_NONE, &values));
}

enum err chip_measure(struct chip *chip, const struct statement *statement)
{
	uint8_t digest[IDENTITY_PCR_BYTES];
	struct chip_pcrs pcrs;
	size_t done;

	TRY(chip_read_pcrs(chip, &pcrs));
	TRY(identity_progress(statement, HASH_SHA256, pcrs.values[IDENTITY_PCR],
			      &done));
	for (; done < IDENTITY_EVENTS; done++) {
		identity_event(statement, done, HASH_SHA256, digest);
		TRY(extend(chip, digest));
	}
	/* Read back: what the quote will say is what was meant. */
	TRY(chip_read_pcrs(chip, &pcrs));
	TRY(identity_progress(statement, HASH_SHA256, pcrs.values[IDENTITY_PCR],
			      &done));
	return done == IDENTITY_EVENTS ? ERR_OK : ERR_DENIED;
}

static enum err quote_once(struct chip *chip, const uint8_t data[static 32],
			   TPM2B_ATTEST **attest, TPMT_SIGNATURE **signature)
{
	TPMT_SIG_SCHEME own = { .scheme = TPM2_ALG_NULL };
	TPML_PCR_SELECTION selection = chip_selection(CHIP_QUOTED);
	TPM2B_DATA qualifying = { .size = 32 };

	memcpy(qualifying.buffer, data, 32);
	return chip_result(Esys_Quote(chip->esys, chip->ak, ESYS_TR_PASSWORD,
				      ESYS_TR_NONE, ESYS_TR_NONE, &qualifying,
				      &own, &selection, attest, signature));
}

void chip_digest_pcrs(const struct chip_pcrs *pcrs, uint32_t which,
		      uint8_t digest[static 32])
{
	uint8_t all[CHIP_PCRS * CHIP_PCR_BYTES];
	struct writer out = WRITER_OVER(all);

	for (uint32_t pcr = 0; pcr < CHIP_PCRS; pcr++) {
		if ((which & 1u << pcr) != 0)
			invariant(bytes_put(&out,
					    BYTES_ARRAY(pcrs->values[pcr])) ==
				  ERR_OK);
	}
	hash_sha256(bytes_written(&out), digest);
}

/* Whether the quote is of these values, and not of what came just after. */
static bool is_of(const TPM2B_ATTEST *attest, const struct chip_pcrs *pcrs)
{
	uint8_t digest[32];
	TPMS_ATTEST read;
	size_t at = 0;

	chip_digest_pcrs(pcrs, CHIP_QUOTED, digest);
	return Tss2_MU_TPMS_ATTEST_Unmarshal(attest->attestationData,
					     attest->size, &at,
					     &read) == TSS2_RC_SUCCESS &&
	       read.type == TPM2_ST_ATTEST_QUOTE &&
	       read.attested.quote.pcrDigest.size == sizeof(digest) &&
	       memcmp(read.attested.quote.pcrDigest.buffer, digest,
		      sizeof(digest)) == 0;
}

static enum err keep(const TPM2B_ATTEST *attest,
		     const TPMT_SIGNATURE *signature, struct chip_quoted *out)
{
	out->signature_len = 0;
	if (attest->size > sizeof(out->attest))
		return ERR_TOO_LARGE;
	memcpy(out->attest, attest->attestationData, attest->size);
	out->attest_len = attest->size;
	return chip_result(Tss2_MU_TPMT_SIGNATURE_Marshal(
		signature, out->signature, sizeof(out->signature),
		&out->signature_len));
}

enum err chip_quote(struct chip *chip, const uint8_t data[static 32],
		    struct chip_quoted *out)
{
	for (int i = 0; i < RACES; i++) {
		TPM2B_ATTEST *attest = NULL;
		TPMT_SIGNATURE *signature = NULL;
		enum err err;

		TRY(chip_read_pcrs(chip, &out->pcrs));
		TRY(quote_once(chip, data, &attest, &signature));
		err = is_of(attest, &out->pcrs) ? keep(attest, signature, out)
						: ERR_EXPIRED;
		Esys_Free(attest);
		Esys_Free(signature);
		if (err != ERR_EXPIRED)
			return err;
	}
	return ERR_UNAVAILABLE;
}

enum err chip_put_public(const TPM2B_PUBLIC *public, struct writer *out)
{
	size_t at = out->len;

	TRY(chip_result(Tss2_MU_TPMT_PUBLIC_Marshal(&public->publicArea,
						    out->data, out->max, &at)));
	out->len = at;
	return ERR_OK;
}

enum err chip_ak_public(struct chip *chip, struct writer *out)
{
	return chip_put_public(&chip->ak_public, out);
}
