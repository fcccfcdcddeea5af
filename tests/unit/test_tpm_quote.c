/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "attest/tpm_quote.h"
#include "tests/vector.h"

/*
 * A quote of an RSA key over PCRs 15, 16 and 22, with what it was made over:
 * test-data/files of github.com/keylime/keylime, 9b1f6e6a917f, Apache-2.0.
 */
#define AK_PUBLIC                                                          \
	"0001000b00050072000000100014000b0800000000000100ab8888d400007687" \
	"48495a6a54285945a46dc970edbcac04afefd8a151a4c6d7f0a6571aaa80c293" \
	"35433615846937f748d9ce71b22fcc8f8137398efb006e826c9541c24811aa4d" \
	"02047a4f32c6eec17fa5e859648371028f2c7a6dcf037f5e2a079ce05c85129d" \
	"070fbad38cf38b5d9bdb2176429cc63f02ecfb1df2243d60d272a120fa247972" \
	"3595bb75ebbe1b34f86e2a66b1d52c12d19c0762d4dcdf7a348988eb2f4c7ca4" \
	"7918a256d0eca3a8f58561c3e38c539d50eb1efdb36fc21e1f52491aa613a5f1" \
	"15852bdc0552d77d71ee2587be1f36cd62d7411f2d47d4d545dfe3fa5b697cf3" \
	"d266e735ab613e7b764ce8b6d100d3b7bc33fe91a1ee405b"

#define AK_NAME                                                            \
	"000b2d3fb7830f6cb214fac7d7cb213a21a0609148c4505927db61287e1e8032" \
	"2336"

#define QUOTE                                                              \
	"ff54434780180022000b7ca54a622c87f30888b6da66f51e4a31ccb723cad8da" \
	"a111a5006b44342dd6230014db1db298db6d60e6385b7231743e9c3056a18003" \
	"000000000000176a000000000000000001201605110016280000000001000b03" \
	"0080410020ec1636c69c548fd09a165a4f874e5d1610a8fbe36241566017e92b" \
	"17e144b971"

#define SIGNATURE                                                          \
	"0014000b01005f8f5d701662f68099ece8d1b6647f9cb3a3c4c76db5f459a93e" \
	"dd48843a7823f58a6e00f7d6e3dc9c9c2ab0052e92eed75f8ffc1c80e5455c35" \
	"99b20641990387b02764eaaacaaaade0f63c85ae94e31f91a8872f29969e7da4" \
	"4e7bf331e3622f926b6ed3162002eb3d74ad5d078110a6f227d6a812791410c9" \
	"b10d07aeb5b6dcf9766543c90ba21375ec7c5cb8baeb9b1eb7ec879b9af6ea85" \
	"d3fa417486f1aaa124264768689e133a5e3c184ee7289b64a10a8e3bdf19b457" \
	"4d5aa2f18d00b7cd96972bcfa96cd9b162966c8e106869ff7c0ef8d0caa3a0ed" \
	"80f58ce1ce59a2fcaf367b5354d5411c36cec4971196777d881f232b5c987ee4" \
	"8ce749573670"

#define NONCE "db1db298db6d60e6385b7231743e9c3056a18003"
#define PCR16 "9dbb22387e019c04da95477333546082ce313152c4a7f8a6e1d5f0c77f4fb6f0"

static const uint8_t zeros[32];

struct sample {
	struct tpm_public key;
	struct tpm_quote_claim claim;
	uint8_t ones[32];
};

static void prepare(struct sample *sample)
{
	memset(sample->ones, 0xff, sizeof(sample->ones));
	cr_assert_eq(tpm_public_parse(vector_hex(AK_PUBLIC), &sample->key),
		     ERR_OK);
	sample->claim = (struct tpm_quote_claim){
		.attest = vector_hex(QUOTE),
		.signature = vector_hex(SIGNATURE),
		.key = &sample->key,
		.data = vector_hex(NONCE),
		.values = { HASH_SHA256,
			    { [15] = zeros,
			      [16] = vector_hex(PCR16).data,
			      [22] = sample->ones } },
	};
}

static enum err check(const struct sample *sample)
{
	struct tpm_quote quote;

	return tpm_quote_check(&sample->claim, &quote);
}

Test(tpm_quote, a_quote_made_elsewhere_is_sound)
{
	struct sample sample;
	struct tpm_quote quote;
	struct tpm_public_name name;

	prepare(&sample);
	cr_assert_eq(tpm_quote_check(&sample.claim, &quote), ERR_OK);
	cr_assert_eq(quote.clock_ms, 5994);
	cr_assert_eq(quote.reset_count, 0);
	cr_assert_eq(quote.safe, 1);
	cr_assert_eq(quote.selected, 1u << 15 | 1u << 16 | 1u << 22);
	tpm_public_name(&sample.key, &name);
	vector_expect((struct bytes){ name.bytes, name.len }, AK_NAME);
}

Test(tpm_quote, no_flipped_bit_of_it_is_accepted)
{
	struct sample sample;
	struct bytes *parts[] = { &sample.claim.attest, &sample.claim.signature,
				  &sample.claim.data };

	prepare(&sample);
	for (size_t i = 0; i < 3; i++) {
		uint8_t *copy = vector_copy(*parts[i]);

		parts[i]->data = copy;
		cr_assert_eq(check(&sample), ERR_OK);
		for (size_t bit = 0; bit < 8 * parts[i]->len; bit++) {
			copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
			cr_assert_neq(check(&sample), ERR_OK, "%zu %zu", i,
				      bit);
			copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		while (parts[i]->len > 0) {
			parts[i]->len--;
			cr_assert_neq(check(&sample), ERR_OK);
		}
		prepare(&sample);
	}
}

Test(tpm_quote, without_all_values_or_with_others_it_proves_nothing)
{
	struct sample sample;
	struct tpm_quote_values *values = &sample.claim.values;

	prepare(&sample);
	values->pcrs[16] = NULL;
	cr_assert_eq(check(&sample), ERR_DENIED);
	values->pcrs[16] = zeros;
	cr_assert_eq(check(&sample), ERR_UNAUTHENTIC);
	prepare(&sample);
	values->pcrs[0] = zeros;
	cr_assert_eq(check(&sample), ERR_DENIED);
	prepare(&sample);
	values->pcrs[15] = sample.ones;
	values->pcrs[22] = zeros;
	cr_assert_eq(check(&sample), ERR_UNAUTHENTIC);
	prepare(&sample);
	memset(values->pcrs, 0, sizeof(values->pcrs));
	cr_assert_eq(check(&sample), ERR_DENIED);
}

Test(tpm_quote, values_of_another_bank_are_refused)
{
	struct sample sample;

	prepare(&sample);
	sample.claim.values.bank = HASH_SHA1;
	cr_assert_eq(check(&sample), ERR_DENIED);
}

/* Of the attributes 00050072 each that an AK needs is taken away. */
Test(tpm_quote, a_key_that_is_no_attestation_key_is_refused)
{
	static const uint32_t needed[] = { TPM_PUBLIC_FIXED_TPM,
					   TPM_PUBLIC_FIXED_PARENT,
					   TPM_PUBLIC_SENSITIVE_DATA_ORIGIN,
					   TPM_PUBLIC_RESTRICTED,
					   TPM_PUBLIC_SIGN };
	struct sample sample;

	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++) {
		prepare(&sample);
		sample.key.attributes &= ~needed[i];
		cr_assert_eq(check(&sample), ERR_DENIED);
	}
	prepare(&sample);
	sample.key.attributes |= TPM_PUBLIC_DECRYPT;
	cr_assert_eq(check(&sample), ERR_DENIED);
}

Test(tpm_quote, what_no_tpm_made_is_refused_before_its_signature)
{
	struct bytes quote = vector_hex(QUOTE);
	uint8_t *copy = vector_copy(quote);
	struct tpm_quote found;

	copy[0] = 0xfe;
	cr_assert_eq(tpm_quote_parse((struct bytes){ copy, quote.len }, &found),
		     ERR_UNAUTHENTIC);
}

Test(tpm_public, cut_or_longer_it_is_refused)
{
	struct bytes whole = vector_hex(AK_PUBLIC "00");
	struct tpm_public found;

	for (size_t len = 0; len <= whole.len; len++)
		cr_assert_eq(tpm_public_parse((struct bytes){ whole.data, len },
					      &found) == ERR_OK,
			     len == whole.len - 1);
}

Test(tpm_public, no_flipped_bit_leaves_its_name)
{
	struct bytes whole = vector_hex(AK_PUBLIC);
	uint8_t *copy = vector_copy(whole);
	size_t parsed = 0;

	for (size_t bit = 0; bit < 8 * whole.len; bit++) {
		struct tpm_public found;
		struct tpm_public_name name;

		copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (tpm_public_parse((struct bytes){ copy, whole.len },
				     &found) == ERR_OK) {
			parsed++;
			tpm_public_name(&found, &name);
			cr_assert_neq(memcmp(name.bytes,
					     vector_hex(AK_NAME).data, 34),
				      0);
		}
		copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	cr_assert_gt(parsed, 2000);
}
