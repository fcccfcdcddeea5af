/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/half.h"

#include <math.h>
#include <string.h>

#define FLOAT_EXPONENT 0x7f800000u

static uint32_t bits_of(float value)
{
	uint32_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

static float of_bits(uint32_t bits)
{
	float value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

float half_value(uint16_t half)
{
	uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
	uint32_t magnitude = half & 0x7fffu;

	if (magnitude >= HALF_EXPONENT)
		return of_bits(sign | FLOAT_EXPONENT |
			       (magnitude & 0x3ffu) << 13);
	if (magnitude >= 0x400u)
		return of_bits(sign | (magnitude + ((127 - 15) << 10)) << 13);
	/* Subnormal: an integer count of 2^-24, exact in a float. */
	return copysignf((float)magnitude * 0x1p-24f, of_bits(sign));
}

/* Round off the lower bits of an integer, ties to even. */
static uint32_t round_off(uint32_t value, unsigned bits)
{
	uint32_t kept = value >> bits;
	uint32_t rest = value & ((1u << bits) - 1);
	uint32_t tie = 1u << (bits - 1);

	return kept + (rest > tie || (rest == tie && (kept & 1) != 0));
}

uint16_t half_of(float value)
{
	uint32_t sign = bits_of(value) >> 16 & 0x8000u;
	uint32_t magnitude = bits_of(value) & 0x7fffffffu;
	uint32_t half;

	if (magnitude > FLOAT_EXPONENT)
		half = HALF_EXPONENT | 0x200u; /* NaN */
	else if (magnitude >= bits_of(65520.0f))
		half = HALF_EXPONENT;
	else if (magnitude >= bits_of(0x1p-14f))
		half = round_off(magnitude - ((127u - 15) << 23), 13);
	else
		half = (uint32_t)nearbyintf(of_bits(magnitude) * 0x1p24f);
	return (uint16_t)(sign | half);
}

float half_value_brain(uint16_t brain)
{
	return of_bits((uint32_t)brain << 16);
}

uint16_t half_of_brain(float value)
{
	uint32_t bits = bits_of(value);

	if ((bits & 0x7fffffffu) > FLOAT_EXPONENT)
		return (uint16_t)(bits >> 16 | 0x40u);
	return (uint16_t)round_off(bits, 16);
}
