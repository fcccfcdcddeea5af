/* SPDX-License-Identifier: Apache-2.0 */
#include "node/tpm_context.h"

#include <stdlib.h>
#include <string.h>

#include <tss2/tss2_mu.h>

#include "crypto/hash.h"

#define RACES 3 /* quotes of PCRs that somebody extends meanwhile */
#define HANDLES_MAX 64
#define SESSIONS_FIRST 0x02000000u /* loaded ones, of whatever kind */

/* What others loaded through this descriptor, by handle: FlushContext. */
static enum err flush_handle(struct tpm *tpm, TPM2_HANDLE handle)
{
	uint8_t memory[14];
	struct writer command = WRITER_OVER(memory);
	uint32_t code;

	invariant(bytes_put_u16(&command, TPM2_ST_NO_SESSIONS) == ERR_OK &&
		  bytes_put_u32(&command, sizeof(memory)) == ERR_OK &&
		  bytes_put_u32(&command, TPM2_CC_FlushContext) == ERR_OK &&
		  bytes_put_u32(&command, handle) == ERR_OK);
	return tcti_command(&tpm->tcti, bytes_written(&command), &code);
}

static enum err flush_all(struct tpm *tpm, TPM2_HANDLE first)
{
	TPMS_CAPABILITY_DATA *found = NULL;
	enum err err = ERR_OK;
	TPMI_YES_NO more;

	TRY(tpm_result(Esys_GetCapability(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE,
					  ESYS_TR_NONE, TPM2_CAP_HANDLES, first,
					  HANDLES_MAX, &more, &found)));
	for (size_t i = 0; i < found->data.handles.count && err == ERR_OK; i++)
		err = flush_handle(tpm, found->data.handles.handle[i]);
	Esys_Free(found);
	return err;
}

enum err tpm_result(TSS2_RC code)
{
	return code == TSS2_RC_SUCCESS ? ERR_OK : ERR_UNAVAILABLE;
}

TPML_PCR_SELECTION tpm_selection(uint32_t pcrs)
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

TPM2B_PUBLIC tpm_p256_template(TPMA_OBJECT attributes, TPM2_ALG_ID scheme)
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

enum err tpm_create_primary(struct tpm *tpm, ESYS_TR hierarchy,
			    const TPM2B_PUBLIC *template, ESYS_TR *key,
			    TPM2B_PUBLIC **public)
{
	TPM2B_SENSITIVE_CREATE secret = { 0 };
	TPM2B_DATA outside = { 0 };
	TPML_PCR_SELECTION none = { 0 };

	return tpm_result(Esys_CreatePrimary(
		tpm->esys, hierarchy, ESYS_TR_PASSWORD, ESYS_TR_NONE,
		ESYS_TR_NONE, &secret, template, &outside, &none, key, public,
		NULL, NULL, NULL));
}

static enum err make_ak(struct tpm *tpm)
{
	TPM2B_PUBLIC template = tpm_p256_template(
		TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_RESTRICTED |
			TPMA_OBJECT_SIGN_ENCRYPT,
		TPM2_ALG_ECDSA);
	TPM2B_PUBLIC *public = NULL;

	TRY(tpm_create_primary(tpm, ESYS_TR_RH_ENDORSEMENT, &template, &tpm->ak,
			       &public));
	tpm->ak_public = *public;
	Esys_Free(public);
	return ERR_OK;
}

static enum err begin(struct tpm *tpm, int fd)
{
	/* It would tell its troubles to standard error, which is the log. */
	if (setenv("TSS2_LOG", "all+none", 1) != 0)
		return ERR_UNAVAILABLE;
	tcti_open(fd, &tpm->tcti);
	TRY(tpm_result(
		Esys_Initialize(&tpm->esys, tcti_context(&tpm->tcti), NULL)));
	TRY(flush_all(tpm, TPM2_TRANSIENT_FIRST));
	TRY(flush_all(tpm, SESSIONS_FIRST));
	return make_ak(tpm);
}

enum err tpm_open(int fd, struct tpm **out)
{
	struct tpm *tpm = calloc(1, sizeof(*tpm));

	if (tpm == NULL)
		return ERR_UNAVAILABLE;
	tpm->ak = ESYS_TR_NONE;
	if (begin(tpm, fd) != ERR_OK) {
		tpm_close(tpm);
		return ERR_UNAVAILABLE;
	}
	*out = tpm;
	return ERR_OK;
}

void tpm_close(struct tpm *tpm)
{
	if (tpm == NULL)
		return;
	if (tpm->ak != ESYS_TR_NONE)
		(void)Esys_FlushContext(tpm->esys, tpm->ak);
	if (tpm->esys != NULL)
		Esys_Finalize(&tpm->esys);
	free(tpm);
}

/* A TPM tells at most eight values at a time, and says which. */
static enum err read_some(struct tpm *tpm, uint32_t wanted, uint32_t *got,
			  struct tpm_pcrs *out)
{
	TPML_PCR_SELECTION ask = tpm_selection(wanted);
	TPML_PCR_SELECTION *told = NULL;
	TPML_DIGEST *values = NULL;
	enum err err = ERR_OK;
	uint32_t count = 0;
	UINT32 updates;

	TRY(tpm_result(Esys_PCR_Read(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE,
				     ESYS_TR_NONE, &ask, &updates, &told,
				     &values)));
	*got = 0;
	for (uint32_t pcr = 0; told->count == 1 && pcr < TPM_PCRS; pcr++) {
		if ((told->pcrSelections[0].pcrSelect[pcr / 8] &
		     (1 << pcr % 8)) == 0)
			continue;
		if (count >= values->count ||
		    values->digests[count].size != TPM_PCR_BYTES) {
			err = ERR_UNAVAILABLE;
			break;
		}
		memcpy(out->values[pcr], values->digests[count++].buffer,
		       TPM_PCR_BYTES);
		*got |= 1u << pcr;
	}
	Esys_Free(told);
	Esys_Free(values);
	return err;
}

enum err tpm_read_pcrs(struct tpm *tpm, struct tpm_pcrs *out)
{
	struct tpm_pcrs read = { 0 };
	uint32_t wanted = TPM_QUOTED;

	while (wanted != 0) {
		uint32_t got = 0;

		TRY(read_some(tpm, wanted, &got, &read));
		if ((got & wanted) == 0)
			return ERR_UNSUPPORTED;
		wanted &= ~got;
	}
	*out = read;
	return ERR_OK;
}

static enum err extend(struct tpm *tpm, const uint8_t digest[static 32])
{
	TPML_DIGEST_VALUES values = {
		.count = 1,
		.digests = { { .hashAlg = TPM2_ALG_SHA256 } },
	};

	memcpy(values.digests[0].digest.sha256, digest, TPM_PCR_BYTES);
	return tpm_result(Esys_PCR_Extend(tpm->esys, ESYS_TR_PCR14,
					  ESYS_TR_PASSWORD, ESYS_TR_NONE,
					  ESYS_TR_NONE, &values));
}

enum err tpm_measure(struct tpm *tpm, const struct statement *statement)
{
	uint8_t digest[IDENTITY_PCR_BYTES];
	struct tpm_pcrs pcrs;
	size_t done;

	TRY(tpm_read_pcrs(tpm, &pcrs));
	TRY(identity_progress(statement, HASH_SHA256, pcrs.values[IDENTITY_PCR],
			      &done));
	for (; done < IDENTITY_EVENTS; done++) {
		identity_event(statement, done, HASH_SHA256, digest);
		TRY(extend(tpm, digest));
	}
	/* Read back: what the quote will say is what was meant. */
	TRY(tpm_read_pcrs(tpm, &pcrs));
	TRY(identity_progress(statement, HASH_SHA256, pcrs.values[IDENTITY_PCR],
			      &done));
	return done == IDENTITY_EVENTS ? ERR_OK : ERR_DENIED;
}

static enum err quote_once(struct tpm *tpm, const uint8_t data[static 32],
			   TPM2B_ATTEST **attest, TPMT_SIGNATURE **signature)
{
	TPMT_SIG_SCHEME own = { .scheme = TPM2_ALG_NULL };
	TPML_PCR_SELECTION selection = tpm_selection(TPM_QUOTED);
	TPM2B_DATA qualifying = { .size = 32 };

	memcpy(qualifying.buffer, data, 32);
	return tpm_result(Esys_Quote(tpm->esys, tpm->ak, ESYS_TR_PASSWORD,
				     ESYS_TR_NONE, ESYS_TR_NONE, &qualifying,
				     &own, &selection, attest, signature));
}

void tpm_digest_pcrs(const struct tpm_pcrs *pcrs, uint8_t digest[static 32])
{
	uint8_t all[TPM_PCRS * TPM_PCR_BYTES];
	struct writer out = WRITER_OVER(all);

	for (uint32_t pcr = 0; pcr < TPM_PCRS; pcr++) {
		if ((TPM_QUOTED & 1u << pcr) != 0)
			invariant(bytes_put(&out,
					    BYTES_ARRAY(pcrs->values[pcr])) ==
				  ERR_OK);
	}
	hash_sha256(bytes_written(&out), digest);
}

/* Whether the quote is of these values, and not of what came just after. */
static bool is_of(const TPM2B_ATTEST *attest, const struct tpm_pcrs *pcrs)
{
	uint8_t digest[32];
	TPMS_ATTEST read;
	size_t at = 0;

	tpm_digest_pcrs(pcrs, digest);
	return Tss2_MU_TPMS_ATTEST_Unmarshal(attest->attestationData,
					     attest->size, &at,
					     &read) == TSS2_RC_SUCCESS &&
	       read.type == TPM2_ST_ATTEST_QUOTE &&
	       read.attested.quote.pcrDigest.size == sizeof(digest) &&
	       memcmp(read.attested.quote.pcrDigest.buffer, digest,
		      sizeof(digest)) == 0;
}

static enum err keep(const TPM2B_ATTEST *attest,
		     const TPMT_SIGNATURE *signature, struct tpm_quoted *out)
{
	out->signature_len = 0;
	if (attest->size > sizeof(out->attest))
		return ERR_TOO_LARGE;
	memcpy(out->attest, attest->attestationData, attest->size);
	out->attest_len = attest->size;
	return tpm_result(Tss2_MU_TPMT_SIGNATURE_Marshal(
		signature, out->signature, sizeof(out->signature),
		&out->signature_len));
}

enum err tpm_quote(struct tpm *tpm, const uint8_t data[static 32],
		   struct tpm_quoted *out)
{
	for (int i = 0; i < RACES; i++) {
		TPM2B_ATTEST *attest = NULL;
		TPMT_SIGNATURE *signature = NULL;
		enum err err;

		TRY(tpm_read_pcrs(tpm, &out->pcrs));
		TRY(quote_once(tpm, data, &attest, &signature));
		err = is_of(attest, &out->pcrs) ? keep(attest, signature, out)
						: ERR_EXPIRED;
		Esys_Free(attest);
		Esys_Free(signature);
		if (err != ERR_EXPIRED)
			return err;
	}
	return ERR_UNAVAILABLE;
}

enum err tpm_put_public(const TPM2B_PUBLIC *public, struct writer *out)
{
	size_t at = out->len;

	TRY(tpm_result(Tss2_MU_TPMT_PUBLIC_Marshal(&public->publicArea,
						   out->data, out->max, &at)));
	out->len = at;
	return ERR_OK;
}

enum err tpm_ak_public(struct tpm *tpm, struct writer *out)
{
	return tpm_put_public(&tpm->ak_public, out);
}
