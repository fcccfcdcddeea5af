/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/panel.h"

#include <math.h>
#include <string.h>

#include "inference/half.h"

#define ROWS PANEL_ROWS

/* A few bits of an integer: in which byte of a plane, and from which bit on. */
struct place {
	size_t byte;
	unsigned shift;
};

/* The diagram in the header, for a plane of so many bits. */
static struct place place_of(unsigned bits, size_t row, size_t column)
{
	size_t lane = 4 * row + column % 4;

	if (bits == 8)
		return (struct place){ column / 4 * 64 + lane, 0 };
	if (bits == 4) {
		return (struct place){ (column / 32 * 4 + column / 4 % 4) * 64 +
					       lane,
				       column % 32 < 16 ? 0 : 4 };
	}
	if (bits == 2) {
		return (struct place){ (column / 64 * 4 + column / 4 % 4) * 64 +
					       lane,
				       (unsigned)(column % 64 / 16 * 2) };
	}
	return (struct place){ column / 4 * 8 + lane / 8,
			       (unsigned)(lane % 8) };
}

/* The planes of an integer: its lower bits, and those above, if any. */
struct planes {
	unsigned low, high;
	size_t high_at;
};

static struct planes planes_of(const struct panel_form *form)
{
	if (form->bits == 5 || form->bits == 6)
		return (struct planes){ 4, form->bits - 4, 2048 };
	return (struct planes){ form->bits, 0, 0 };
}

static unsigned get_bits(const uint8_t *plane, unsigned bits, size_t row,
			 size_t column)
{
	struct place place = place_of(bits, row, column);

	return plane[place.byte] >> place.shift & ((1u << bits) - 1);
}

static void put_bits(uint8_t *plane, unsigned bits, size_t row, size_t column,
		     unsigned value)
{
	struct place place = place_of(bits, row, column);
	unsigned mask = ((1u << bits) - 1) << place.shift;

	plane[place.byte] =
		(uint8_t)((plane[place.byte] & ~mask) | value << place.shift);
}

static unsigned get_integer(const struct panel_form *form, const uint8_t *block,
			    size_t row, size_t column)
{
	struct planes planes = planes_of(form);
	unsigned value = get_bits(block, planes.low, row, column);

	if (planes.high != 0) {
		value |= get_bits(block + planes.high_at, planes.high, row,
				  column)
			 << planes.low;
	}
	return value;
}

static void put_integer(const struct panel_form *form, uint8_t *block,
			size_t row, size_t column, int value)
{
	struct planes planes = planes_of(form);
	unsigned q = (unsigned)(value + form->zero) / (unsigned)form->factor;

	invariant((int)q * form->factor - form->zero == value);
	invariant(q < 1u << form->bits);
	put_bits(block, planes.low, row, column, q & ((1u << planes.low) - 1));
	if (planes.high != 0)
		put_bits(block + planes.high_at, planes.high, row, column,
			 q >> planes.low);
}

/* Blocks with one f32 scale are our own; all others have halves. */
static bool has_wide_scale(const struct panel_form *form)
{
	return form->group == PANEL_COLUMNS && form->part == 0;
}

static float get_scale(const struct panel_form *form, const uint8_t *block,
		       size_t index)
{
	uint16_t half;
	float wide;

	if (has_wide_scale(form)) {
		memcpy(&wide, block + form->scales + index * 4, sizeof(wide));
		return wide;
	}
	memcpy(&half, block + form->scales + index * 2, sizeof(half));
	return half_value(half);
}

static void put_scale(const struct panel_form *form, uint8_t *block,
		      size_t index, float value)
{
	uint16_t half = half_of(value);

	if (has_wide_scale(form)) {
		memcpy(block + form->scales + index * 4, &value, sizeof(value));
		return;
	}
	invariant(half_value(half) == value);
	memcpy(block + form->scales + index * 2, &half, sizeof(half));
}

/* In Q2_K one byte holds an integer scale and its minimum. */
static bool shares_bytes(const struct panel_form *form)
{
	return form->has_minimum && form->minima == form->parts;
}

/* Where the integer scale of a part lies, and its minimum. */
static size_t part_scale_at(const struct panel_form *form, size_t row,
			    size_t part)
{
	if (shares_bytes(form))
		return form->parts + part / 2 * 2 * ROWS + 2 * row + part % 2;
	return form->parts + part * ROWS + row;
}

static size_t part_minimum_at(const struct panel_form *form, size_t row,
			      size_t part)
{
	return form->minima + part / 2 * 2 * ROWS + 2 * row + part % 2;
}

static void read_parts(const struct panel_form *form, const uint8_t *block,
		       size_t row, struct block *out)
{
	for (size_t p = 0; p < PANEL_COLUMNS / form->part; p++) {
		uint8_t scale = block[part_scale_at(form, row, p)];
		uint8_t minimum = 0;

		if (form->has_minimum)
			minimum = block[part_minimum_at(form, row, p)];
		if (shares_bytes(form)) {
			scale &= 15;
			minimum >>= 4;
		}
		out->part_scales[p] = form->has_minimum ? scale : (int8_t)scale;
		out->part_minima[p] = minimum;
	}
}

void panel_read(enum panel_format format, const uint8_t *block, size_t row,
		struct block *out)
{
	const struct panel_form *form = &panel_forms[format];
	struct block read = { .group = form->group,
			      .part = form->part != 0 ? form->part : 32 };

	for (size_t c = 0; c < PANEL_COLUMNS; c++) {
		read.values[c] =
			(int16_t)((int)get_integer(form, block, row, c) *
					  form->factor -
				  form->zero);
	}
	for (size_t g = 0; g < PANEL_COLUMNS / form->group; g++)
		read.scales[g] = get_scale(form, block, g * ROWS + row);
	if (form->has_minimum)
		read.minimum = get_scale(form, block, ROWS + row);
	if (form->part != 0)
		read_parts(form, block, row, &read);
	for (size_t p = 0; form->part == 0 && p < PANEL_COLUMNS / 32; p++)
		read.part_scales[p] = 1;
	*out = read;
}

static void write_parts(const struct panel_form *form, const struct block *from,
			size_t row, uint8_t *block)
{
	for (size_t p = 0; p < PANEL_COLUMNS / form->part; p++) {
		uint8_t scale = (uint8_t)from->part_scales[p];
		uint8_t minimum = (uint8_t)from->part_minima[p];

		if (shares_bytes(form)) {
			invariant(scale < 16 && minimum < 16);
			scale |= (uint8_t)(minimum << 4);
		} else if (form->has_minimum) {
			block[part_minimum_at(form, row, p)] = minimum;
		}
		block[part_scale_at(form, row, p)] = scale;
	}
}

void panel_write(enum panel_format format, const struct block *from, size_t row,
		 uint8_t *block)
{
	const struct panel_form *form = &panel_forms[format];

	for (size_t c = 0; c < PANEL_COLUMNS; c++)
		put_integer(form, block, row, c, from->values[c]);
	for (size_t g = 0; g < PANEL_COLUMNS / form->group; g++)
		put_scale(form, block, g * ROWS + row, from->scales[g]);
	if (form->has_minimum)
		put_scale(form, block, ROWS + row, from->minimum);
	if (form->part != 0)
		write_parts(form, from, row, block);
}

bool panel_is_sound(enum panel_format format, const uint8_t *block)
{
	const struct panel_form *form = &panel_forms[format];
	size_t scales = PANEL_COLUMNS / form->group + form->has_minimum;

	for (size_t i = 0; i < scales * ROWS; i++)
		if (!isfinite(get_scale(form, block, i)))
			return false;
	if (form->part == 32) {
		for (size_t i = form->parts; i < form->bytes; i++)
			if (block[i] > PANEL_PART_MAX)
				return false;
	}
	return true;
}
