/* SPDX-License-Identifier: Apache-2.0 */
#include "node/chip_enrol.h"

#include <stdlib.h>
#include <string.h>

#include <tss2/tss2_mu.h>

#include "node/chip_context.h"

#define NV_PIECE 512 /* every TPM reads as much at once */

/* PolicySecret(TPM_RH_ENDORSEMENT), which both templates ask for. */
static const uint8_t ek_policy[] = {
	0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc,
	0x8d, 0x46, 0xa5, 0xd7, 0x24, 0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52,
	0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa,
};

static TPM2B_PUBLIC ek_template(TPM2_ALG_ID type)
{
	TPM2B_PUBLIC template = { 0 };
	TPMT_PUBLIC *area = &template.publicArea;
	TPMT_SYM_DEF_OBJECT aes = { .algorithm = TPM2_ALG_AES,
				    .keyBits.aes = 128,
				    .mode.aes = TPM2_ALG_CFB };

	area->type = type;
	area->nameAlg = TPM2_ALG_SHA256;
	area->objectAttributes =
		TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
		TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_ADMINWITHPOLICY |
		TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT;
	area->authPolicy.size = sizeof(ek_policy);
	memcpy(area->authPolicy.buffer, ek_policy, sizeof(ek_policy));
	area->parameters.asymDetail.symmetric = aes;
	return template;
}

/* Templates L-1 and L-2: their `unique` is zeros of the key's length. */
static TPM2B_PUBLIC rsa_template(void)
{
	TPM2B_PUBLIC template = ek_template(TPM2_ALG_RSA);
	TPMT_PUBLIC *area = &template.publicArea;

	area->parameters.rsaDetail.scheme.scheme = TPM2_ALG_NULL;
	area->parameters.rsaDetail.keyBits = 2048;
	area->unique.rsa.size = 256;
	return template;
}

static TPM2B_PUBLIC ecc_template(void)
{
	TPM2B_PUBLIC template = ek_template(TPM2_ALG_ECC);
	TPMT_PUBLIC *area = &template.publicArea;

	area->parameters.eccDetail.scheme.scheme = TPM2_ALG_NULL;
	area->parameters.eccDetail.curveID = TPM2_ECC_NIST_P256;
	area->parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
	area->unique.ecc.x.size = 32;
	area->unique.ecc.y.size = 32;
	return template;
}

/* Where makers leave the certificates (EK Credential Profile, 2.2.1.4). */
static const struct kind {
	TPM2_HANDLE certificate;
	TPM2B_PUBLIC (*template)(void);
} kinds[] = {
	{ 0x01c00002, rsa_template },
	{ 0x01c0000a, ecc_template },
};

static enum err read_piece(struct chip *chip, ESYS_TR index, uint16_t at,
			   uint16_t len, uint8_t *out)
{
	TPM2B_MAX_NV_BUFFER *piece = NULL;
	enum err err = ERR_OK;

	TRY(chip_result(Esys_NV_Read(chip->esys, index, index, ESYS_TR_PASSWORD,
				     ESYS_TR_NONE, ESYS_TR_NONE, len, at,
				     &piece)));
	if (piece->size == len)
		memcpy(out, piece->buffer, len);
	else
		err = ERR_UNAVAILABLE;
	Esys_Free(piece);
	return err;
}

static enum err nv_size(struct chip *chip, ESYS_TR index, uint16_t *out)
{
	TPM2B_NV_PUBLIC *public = NULL;

	TRY(chip_result(Esys_NV_ReadPublic(chip->esys, index, ESYS_TR_NONE,
					   ESYS_TR_NONE, ESYS_TR_NONE, &public,
					   NULL)));
	*out = public->nvPublic.dataSize;
	Esys_Free(public);
	return ERR_OK;
}

/* An index may be longer than what was written to it: DER says how long. */
static enum err cut_to_der(struct chip_enrol *out)
{
	const uint8_t *der = out->certificate;
	size_t len = ((size_t)der[2] << 8 | der[3]) + 4;

	if (out->certificate_len < 4 || der[0] != 0x30 || der[1] != 0x82 ||
	    len > out->certificate_len)
		return ERR_MALFORMED;
	out->certificate_len = len;
	return ERR_OK;
}

static enum err read_certificate(struct chip *chip, TPM2_HANDLE handle,
				 struct chip_enrol *out)
{
	ESYS_TR index;
	uint16_t size = 0;

	if (Esys_TR_FromTPMPublic(chip->esys, handle, ESYS_TR_NONE,
				  ESYS_TR_NONE, ESYS_TR_NONE,
				  &index) != TSS2_RC_SUCCESS)
		return ERR_UNSUPPORTED;
	TRY(nv_size(chip, index, &size));
	if (size > sizeof(out->certificate))
		return ERR_TOO_LARGE;
	for (uint16_t at = 0; at < size; at = (uint16_t)(at + NV_PIECE)) {
		uint16_t len = (uint16_t)(size - at);

		TRY(read_piece(chip, index, at, len < NV_PIECE ? len : NV_PIECE,
			       out->certificate + at));
	}
	out->certificate_len = size;
	return cut_to_der(out);
}

/* The kind of EK that there is a certificate of. */
static enum err find_kind(struct chip *chip, struct chip_enrol *out,
			  const struct kind **kind)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		enum err err =
			read_certificate(chip, kinds[i].certificate, out);

		*kind = &kinds[i];
		if (err != ERR_UNSUPPORTED)
			return err;
	}
	return ERR_UNSUPPORTED;
}

static enum err make_ek(struct chip *chip, struct chip_enrol *out, ESYS_TR *ek)
{
	struct writer public = WRITER_OVER(out->ek);
	TPM2B_PUBLIC *made = NULL;
	TPM2B_PUBLIC template;
	const struct kind *kind;
	enum err err;

	TRY(find_kind(chip, out, &kind));
	template = kind->template();
	TRY(chip_create_primary(chip, ESYS_TR_RH_ENDORSEMENT, &template, ek,
				&made));
	err = chip_put_public(made, &public);
	out->ek_len = public.len;
	Esys_Free(made);
	return err;
}

enum err chip_enrol_read(struct chip *chip, struct chip_enrol *out)
{
	struct writer ak = WRITER_OVER(out->ak);
	ESYS_TR ek = ESYS_TR_NONE;

	TRY(make_ek(chip, out, &ek));
	TRY(chip_result(Esys_FlushContext(chip->esys, ek)));
	TRY(chip_ak_public(chip, &ak));
	out->ak_len = ak.len;
	return ERR_OK;
}

/* The session that the EK's policy asks for. */
static enum err open_policy(struct chip *chip, ESYS_TR *session)
{
	TPMT_SYM_DEF none = { .algorithm = TPM2_ALG_NULL };

	TRY(chip_result(Esys_StartAuthSession(
		chip->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
		ESYS_TR_NONE, ESYS_TR_NONE, NULL, TPM2_SE_POLICY, &none,
		TPM2_ALG_SHA256, session)));
	return chip_result(Esys_PolicySecret(
		chip->esys, ESYS_TR_RH_ENDORSEMENT, *session, ESYS_TR_PASSWORD,
		ESYS_TR_NONE, ESYS_TR_NONE, NULL, NULL, NULL, 0, NULL, NULL));
}

static enum err activate(struct chip *chip, ESYS_TR ek,
			 const TPM2B_ID_OBJECT *blob,
			 const TPM2B_ENCRYPTED_SECRET *encrypted,
			 struct secret32 *out)
{
	ESYS_TR session = ESYS_TR_NONE;
	TPM2B_DIGEST *opened = NULL;
	enum err err = open_policy(chip, &session);

	if (err == ERR_OK)
		err = chip_result(Esys_ActivateCredential(
			chip->esys, chip->ak, ek, ESYS_TR_PASSWORD, session,
			ESYS_TR_NONE, blob, encrypted, &opened));
	if (err != ERR_OK && session != ESYS_TR_NONE)
		(void)Esys_FlushContext(chip->esys, session);
	TRY(err); /* a session that was used is gone by itself */
	if (opened->size == sizeof(out->bytes))
		memcpy(out->bytes, opened->buffer, sizeof(out->bytes));
	else
		err = ERR_MALFORMED;
	secret_wipe(opened, sizeof(*opened));
	Esys_Free(opened);
	return err;
}

enum err chip_enrol_activate(struct chip *chip, struct bytes blob,
			     struct bytes encrypted, struct secret32 *out)
{
	TPM2B_ID_OBJECT object = { 0 };
	TPM2B_ENCRYPTED_SECRET sealed = { 0 };
	static struct chip_enrol shown;
	ESYS_TR ek = ESYS_TR_NONE;
	size_t at[2] = { 0, 0 };
	enum err err;

	if (Tss2_MU_TPM2B_ID_OBJECT_Unmarshal(blob.data, blob.len, &at[0],
					      &object) != TSS2_RC_SUCCESS ||
	    Tss2_MU_TPM2B_ENCRYPTED_SECRET_Unmarshal(
		    encrypted.data, encrypted.len, &at[1], &sealed) !=
		    TSS2_RC_SUCCESS ||
	    at[0] != blob.len || at[1] != encrypted.len)
		return ERR_MALFORMED;
	TRY(make_ek(chip, &shown, &ek));
	err = activate(chip, ek, &object, &sealed, out);
	(void)Esys_FlushContext(chip->esys, ek);
	return err;
}
