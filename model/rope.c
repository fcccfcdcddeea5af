/* SPDX-License-Identifier: Apache-2.0 */
#include "model/rope.h"

#include <math.h>
#include <string.h>

struct stretch {
	double factor;
	double low;
	double high;
	double context;
};

static enum err take(const json_t *object, const char *key, double *out)
{
	const json_t *value = json_object_get(object, key);
	double number = json_number_value(value);

	if (!json_is_number(value) || !(number >= 1e-3 && number <= 1e9))
		return ERR_MALFORMED;
	*out = number;
	return ERR_OK;
}

static double factor_for(const struct stretch *stretch, double frequency)
{
	double waves = stretch->context * frequency / (2 * M_PI);
	double smooth;

	if (waves > stretch->high)
		return 1;
	if (waves < stretch->low)
		return stretch->factor;
	smooth = (waves - stretch->low) / (stretch->high - stretch->low);
	return 1 / ((1 - smooth) / stretch->factor + smooth);
}

/* Older files say "type", newer ones "rope_type". */
static const char *type_of(const json_t *scaling)
{
	const json_t *type = json_object_get(scaling, "rope_type");

	if (type == NULL)
		type = json_object_get(scaling, "type");
	return json_string_value(type);
}

static enum err read_llama3(const json_t *scaling, const struct shape *shape,
			    struct rope *out)
{
	size_t count = shape->head_width / 2;
	struct stretch stretch;

	TRY(take(scaling, "factor", &stretch.factor));
	TRY(take(scaling, "low_freq_factor", &stretch.low));
	TRY(take(scaling, "high_freq_factor", &stretch.high));
	TRY(take(scaling, "original_max_position_embeddings",
		 &stretch.context));
	if (stretch.high <= stretch.low || count > ROPE_FACTORS_MAX)
		return ERR_MALFORMED;
	for (size_t i = 0; i < count; i++) {
		double exponent = -(double)i / (double)count;

		out->factors[i] = (float)factor_for(
			&stretch, pow((double)shape->rope_base, exponent));
	}
	out->count = count;
	return ERR_OK;
}

enum err rope_read(const json_t *config, const struct shape *shape,
		   struct rope *out)
{
	const json_t *scaling = json_object_get(config, "rope_scaling");
	const char *type = type_of(scaling);
	struct rope made = { 0 };

	if (scaling != NULL && !json_is_null(scaling)) {
		if (type == NULL || strcmp(type, "llama3") != 0)
			return ERR_UNSUPPORTED;
		TRY(read_llama3(scaling, shape, &made));
	}
	*out = made;
	return ERR_OK;
}
