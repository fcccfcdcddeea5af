/* SPDX-License-Identifier: Apache-2.0 */
#include "node/chip_kem.h"

#include <string.h>

#include "base/secret.h"
#include "crypto/hash.h"
#include "node/chip_context.h"

#define COORDINATE_BYTES 32
#define UNCOMPRESSED 4

/* Error codes of format one, without the number of the parameter. */
#define CODE_MASK 0xbf
#define LAYER_MASK 0xff0000

/* PolicyPCR's digest (TPM 2.0 Library, Part 3, 23.7), from an empty policy. */
static enum err write_policy(struct chip *chip, TPM2B_DIGEST *out)
{
	static const uint8_t empty[HASH_SHA256_BYTES];
	uint8_t memory[2 * HASH_SHA256_BYTES + 4 + 10];
	struct writer policy = WRITER_OVER(memory);
	TPML_PCR_SELECTION selection = chip_selection(CHIP_KEM_PCRS);
	uint8_t digest[HASH_SHA256_BYTES];
	struct chip_pcrs pcrs;

	TRY(chip_read_pcrs(chip, &pcrs));
	chip_digest_pcrs(&pcrs, CHIP_KEM_PCRS, digest);
	TRY(bytes_put(&policy, BYTES_ARRAY(empty)));
	TRY(bytes_put_u32(&policy, TPM2_CC_PolicyPCR));
	TRY(bytes_put_u32(&policy, selection.count));
	TRY(bytes_put_u16(&policy, TPM2_ALG_SHA256));
	TRY(bytes_put_u8(&policy, selection.pcrSelections[0].sizeofSelect));
	TRY(bytes_put(
		&policy,
		(struct bytes){ selection.pcrSelections[0].pcrSelect, 3 }));
	TRY(bytes_put(&policy, BYTES_ARRAY(digest)));
	out->size = HASH_SHA256_BYTES;
	hash_sha256(bytes_written(&policy), out->buffer);
	return ERR_OK;
}

static void put_coordinate(const TPM2B_ECC_PARAMETER *from, uint8_t *to)
{
	memset(to, 0, COORDINATE_BYTES);
	memcpy(to + COORDINATE_BYTES - from->size, from->buffer, from->size);
}

static enum err keep_point(const TPM2B_PUBLIC *public, uint8_t *point)
{
	const TPMS_ECC_POINT *made = &public->publicArea.unique.ecc;

	if (made->x.size > COORDINATE_BYTES || made->y.size > COORDINATE_BYTES)
		return ERR_UNAVAILABLE;
	point[0] = UNCOMPRESSED;
	put_coordinate(&made->x, point + 1);
	put_coordinate(&made->y, point + 1 + COORDINATE_BYTES);
	return ERR_OK;
}

static enum err make(struct chip *chip, const uint8_t *seed,
		     struct chip_kem_key *key)
{
	TPM2B_PUBLIC template =
		chip_p256_template(TPMA_OBJECT_DECRYPT, TPM2_ALG_NULL);
	TPMS_ECC_POINT *unique = &template.publicArea.unique.ecc;
	TPM2B_PUBLIC *public = NULL;
	enum err err;

	TRY(write_policy(chip, &template.publicArea.authPolicy));
	unique->x.size = CHIP_KEM_SEED_BYTES;
	memcpy(unique->x.buffer, seed, CHIP_KEM_SEED_BYTES);
	TRY(chip_create_primary(chip, ESYS_TR_RH_NULL, &template, &key->handle,
				&public));
	err = keep_point(public, key->point);
	Esys_Free(public);
	memcpy(key->seed, seed, CHIP_KEM_SEED_BYTES);
	return err;
}

/* The AK and these are all that a TPM without a manager can hold. */
static enum err load(struct chip *chip, const uint8_t *seed,
		     struct chip_kem_key **out)
{
	struct chip_kem_key *oldest = &chip->kem_keys[0];

	for (size_t i = 0; i < CHIP_KEM_KEYS; i++) {
		struct chip_kem_key *key = &chip->kem_keys[i];

		if (key->handle != ESYS_TR_NONE &&
		    memcmp(key->seed, seed, CHIP_KEM_SEED_BYTES) == 0) {
			key->used = ++chip->kem_uses;
			*out = key;
			return ERR_OK;
		}
		if (key->used < oldest->used)
			oldest = key;
	}
	if (oldest->handle != ESYS_TR_NONE)
		TRY(chip_result(Esys_FlushContext(chip->esys, oldest->handle)));
	oldest->handle = ESYS_TR_NONE;
	oldest->used = ++chip->kem_uses;
	TRY(make(chip, seed, oldest));
	*out = oldest;
	return ERR_OK;
}

enum err chip_kem_public(struct chip *chip,
			 const uint8_t seed[static CHIP_KEM_SEED_BYTES],
			 uint8_t point[static CHIP_KEM_POINT_BYTES])
{
	struct chip_kem_key *key;

	TRY(load(chip, seed, &key));
	memcpy(point, key->point, CHIP_KEM_POINT_BYTES);
	return ERR_OK;
}

/* One session, made once and told the policy anew for each use. */
static enum err satisfy_policy(struct chip *chip)
{
	TPMT_SYM_DEF none = { .algorithm = TPM2_ALG_NULL };
	TPML_PCR_SELECTION selection = chip_selection(CHIP_KEM_PCRS);

	if (chip->kem_session != ESYS_TR_NONE) {
		TRY(chip_result(Esys_PolicyRestart(
			chip->esys, chip->kem_session, ESYS_TR_NONE,
			ESYS_TR_NONE, ESYS_TR_NONE)));
	} else {
		TRY(chip_result(Esys_StartAuthSession(
			chip->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
			ESYS_TR_NONE, ESYS_TR_NONE, NULL, TPM2_SE_POLICY, &none,
			TPM2_ALG_SHA256, &chip->kem_session)));
		TRY(chip_result(Esys_TRSess_SetAttributes(
			chip->esys, chip->kem_session,
			TPMA_SESSION_CONTINUESESSION,
			TPMA_SESSION_CONTINUESESSION)));
	}
	return chip_result(Esys_PolicyPCR(chip->esys, chip->kem_session,
					  ESYS_TR_NONE, ESYS_TR_NONE,
					  ESYS_TR_NONE, NULL, &selection));
}

/* What a client chose to be its key may be no point at all. */
static enum err judge(TSS2_RC code)
{
	if ((code & LAYER_MASK) == 0 &&
	    ((code & CODE_MASK) == (TPM2_RC_ECC_POINT & CODE_MASK) ||
	     code == TPM2_RC_NO_RESULT))
		return ERR_MALFORMED;
	return chip_result(code);
}

enum err chip_kem_dh(struct chip *chip,
		     const uint8_t seed[static CHIP_KEM_SEED_BYTES],
		     const uint8_t peer[static CHIP_KEM_POINT_BYTES],
		     uint8_t dh[static CHIP_KEM_DH_BYTES])
{
	TPM2B_ECC_POINT in = {
		.point = { .x.size = COORDINATE_BYTES,
			   .y.size = COORDINATE_BYTES },
	};
	TPM2B_ECC_POINT *out = NULL;
	struct chip_kem_key *key;
	enum err err = ERR_OK;
	TSS2_RC code;

	if (peer[0] != UNCOMPRESSED)
		return ERR_MALFORMED;
	TRY(load(chip, seed, &key));
	TRY(satisfy_policy(chip));
	memcpy(in.point.x.buffer, peer + 1, COORDINATE_BYTES);
	memcpy(in.point.y.buffer, peer + 1 + COORDINATE_BYTES,
	       COORDINATE_BYTES);
	code = Esys_ECDH_ZGen(chip->esys, key->handle, chip->kem_session,
			      ESYS_TR_NONE, ESYS_TR_NONE, &in, &out);
	tcti_forget(&chip->tcti);
	TRY(judge(code));
	if (out->point.x.size <= COORDINATE_BYTES)
		put_coordinate(&out->point.x, dh);
	else
		err = ERR_UNAVAILABLE;
	secret_wipe(out, sizeof(*out));
	Esys_Free(out);
	return err;
}
