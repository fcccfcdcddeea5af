/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/ohttp_key_config.h"

#define PAIR_BYTES 4

static void add_symmetric(struct ohttp_key_config *config,
			  struct hpke_symmetric pair)
{
	struct hpke_suite suite = { .kem = config->public_key.kem,
				    .kdf = pair.kdf,
				    .aead = pair.aead };

	if (hpke_suite_supported(suite) != ERR_OK ||
	    ohttp_key_config_offers(config, suite) == ERR_OK)
		return;
	/* There are fewer pairs that this build knows than places. */
	invariant(config->symmetric_count < OHTTP_SYMMETRIC_MAX);
	config->symmetric[config->symmetric_count++] = pair;
}

static enum err take_public_key(struct bytes *in, struct hpke_public_key *out)
{
	TRY(bytes_take_u16(in, &out->kem));
	out->len = hpke_public_key_len(out->kem);
	if (out->len == 0)
		return ERR_UNSUPPORTED;
	return bytes_take_into(in, out->bytes, out->len);
}

enum err ohttp_key_config_parse(struct bytes data, struct ohttp_key_config *out)
{
	struct ohttp_key_config config = { 0 };
	struct hpke_symmetric pair;
	struct bytes pairs;
	uint16_t pairs_len;

	TRY(bytes_take_u8(&data, &config.key_id));
	TRY(take_public_key(&data, &config.public_key));
	TRY(bytes_take_u16(&data, &pairs_len));
	TRY(bytes_take(&data, pairs_len, &pairs));
	TRY(bytes_expect_end(&data));
	if (pairs.len == 0 || pairs.len % PAIR_BYTES != 0)
		return ERR_MALFORMED;

	while (pairs.len > 0) {
		TRY(bytes_take_u16(&pairs, &pair.kdf));
		TRY(bytes_take_u16(&pairs, &pair.aead));
		add_symmetric(&config, pair);
	}
	if (config.symmetric_count == 0)
		return ERR_UNSUPPORTED;
	*out = config;
	return ERR_OK;
}

static enum err put_config(const struct ohttp_key_config *config,
			   struct writer *out)
{
	const struct hpke_public_key *key = &config->public_key;

	TRY(bytes_put_u8(out, config->key_id));
	TRY(bytes_put_u16(out, key->kem));
	TRY(bytes_put(out, (struct bytes){ key->bytes, key->len }));
	TRY(bytes_put_u16(out,
			  (uint16_t)(config->symmetric_count * PAIR_BYTES)));
	for (size_t i = 0; i < config->symmetric_count; i++) {
		TRY(bytes_put_u16(out, config->symmetric[i].kdf));
		TRY(bytes_put_u16(out, config->symmetric[i].aead));
	}
	return ERR_OK;
}

enum err ohttp_key_config_write(const struct ohttp_key_config *config,
				struct writer *out)
{
	struct writer attempt = *out;

	invariant(config->symmetric_count >= 1 &&
		  config->symmetric_count <= OHTTP_SYMMETRIC_MAX);
	invariant(config->public_key.len != 0 &&
		  config->public_key.len ==
			  hpke_public_key_len(config->public_key.kem));
	TRY(put_config(config, &attempt));
	*out = attempt;
	return ERR_OK;
}

enum err ohttp_key_config_offers(const struct ohttp_key_config *config,
				 struct hpke_suite suite)
{
	if (config->public_key.kem != suite.kem)
		return ERR_UNSUPPORTED;
	for (size_t i = 0; i < config->symmetric_count; i++) {
		const struct hpke_symmetric *pair = &config->symmetric[i];

		if (pair->kdf == suite.kdf && pair->aead == suite.aead)
			return ERR_OK;
	}
	return ERR_UNSUPPORTED;
}
