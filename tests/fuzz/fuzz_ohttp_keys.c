/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key configs from anywhere: what is accepted can be used, and writing it and
 * reading it again gives the same; what is refused leaves the outputs alone.
 */
#include <stdint.h>
#include <string.h>

#include "crypto/ohttp_keys.h"

#define CONFIGS_MAX 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_usable(const struct ohttp_key_config *config)
{
	invariant(config->symmetric_count >= 1 &&
		  config->symmetric_count <= OHTTP_SYMMETRIC_MAX);
	invariant(config->public_key.len ==
		  hpke_public_key_len(config->public_key.kem));
	for (size_t i = 0; i < config->symmetric_count; i++) {
		struct hpke_suite suite = { config->public_key.kem,
					    config->symmetric[i].kdf,
					    config->symmetric[i].aead };

		invariant(hpke_suite_supported(suite) == ERR_OK);
		invariant(ohttp_key_config_offers(config, suite) == ERR_OK);
		for (size_t j = 0; j < i; j++)
			invariant(config->symmetric[j].aead != suite.aead);
	}
}

static void try_list(struct bytes list)
{
	struct ohttp_key_config configs[CONFIGS_MAX];
	struct ohttp_key_config again[CONFIGS_MAX];
	uint8_t memory[CONFIGS_MAX * (2 + OHTTP_KEY_CONFIG_MAX)];
	struct writer out = WRITER_OVER(memory);
	size_t count = 77;
	size_t count_again;

	memset(configs, 0, sizeof(configs));
	memset(again, 0, sizeof(again));
	if (ohttp_keys_parse(list, configs, CONFIGS_MAX, &count) != ERR_OK) {
		invariant(count == 77);
		invariant(memcmp(configs, again, sizeof(configs)) == 0);
		return;
	}
	invariant(count >= 1 && count <= CONFIGS_MAX);
	for (size_t i = 0; i < count; i++)
		expect_usable(&configs[i]);
	invariant(ohttp_keys_write(configs, count, &out) == ERR_OK);
	invariant(out.len <= list.len);
	invariant(ohttp_keys_parse(bytes_written(&out), again, CONFIGS_MAX,
				   &count_again) == ERR_OK);
	invariant(count_again == count);
	invariant(memcmp(configs, again, sizeof(configs)) == 0);
}

/* A bare config and a list of it alone have one verdict. */
static void try_bare(struct bytes bare)
{
	struct ohttp_key_config config = { 0 };
	struct ohttp_key_config listed = { 0 };
	uint8_t memory[2 + 4096];
	struct writer out = WRITER_OVER(memory);
	enum err err = ohttp_key_config_parse(bare, &config);
	size_t count;

	if (err == ERR_OK)
		expect_usable(&config);
	if (bytes_put_u16(&out, (uint16_t)bare.len) != ERR_OK ||
	    bytes_put(&out, bare) != ERR_OK)
		return;
	invariant(ohttp_keys_parse(bytes_written(&out), &listed, 1, &count) ==
		  err);
	invariant(memcmp(&config, &listed, sizeof(config)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = { data, size };

	try_list(in);
	try_bare(in);
	return 0;
}
