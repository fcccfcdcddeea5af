/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/ohttp_keys.h"

/* Read one config of the list, and count it where it is one we can use. */
static enum err take_config(struct bytes *list, struct ohttp_key_config *out,
			    size_t *found)
{
	struct bytes data;
	uint16_t len;
	enum err err;

	TRY(bytes_take_u16(list, &len));
	TRY(bytes_take(list, len, &data));
	err = ohttp_key_config_parse(data, out);
	if (err == ERR_OK)
		++*found;
	return err == ERR_UNSUPPORTED ? ERR_OK : err;
}

enum err ohttp_keys_parse(struct bytes list, struct ohttp_key_config *configs,
			  size_t max, size_t *count)
{
	struct ohttp_key_config config;
	struct bytes rest = list;
	size_t usable = 0;
	size_t copied = 0;

	/* Once to see that all of it is sound, before anything is given out. */
	while (rest.len > 0)
		TRY(take_config(&rest, &config, &usable));
	if (usable == 0)
		return ERR_UNSUPPORTED;
	if (usable > max)
		return ERR_TOO_LARGE;

	while (list.len > 0 && copied < usable)
		TRY(take_config(&list, &configs[copied], &copied));
	*count = copied;
	return ERR_OK;
}

static enum err put_list(const struct ohttp_key_config *configs, size_t count,
			 struct writer *out)
{
	for (size_t i = 0; i < count; i++) {
		uint8_t bytes[OHTTP_KEY_CONFIG_MAX];
		struct writer config = WRITER_OVER(bytes);

		TRY(ohttp_key_config_write(&configs[i], &config));
		TRY(bytes_put_u16(out, (uint16_t)config.len));
		TRY(bytes_put(out, bytes_written(&config)));
	}
	return ERR_OK;
}

enum err ohttp_keys_write(const struct ohttp_key_config *configs, size_t count,
			  struct writer *out)
{
	struct writer attempt = *out;

	invariant(count > 0);
	TRY(put_list(configs, count, &attempt));
	*out = attempt;
	return ERR_OK;
}
