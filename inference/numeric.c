/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/numeric.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* 2^n for a normal result. */
static float power_of_two(int32_t n)
{
	uint32_t bits = (uint32_t)(n + 127) << 23;
	float value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

/* Cephes' expf.  Reduction by ln 2 in two parts keeps r exact where n is
 * small, and every step is one that the vector kernels have, too. */
float numeric_exp(float x)
{
	float cut = x < NUMERIC_EXP_MOST ? x : NUMERIC_EXP_MOST;
	float n, r, p;

	if (isnan(x))
		return x;
	cut = cut > NUMERIC_EXP_LEAST ? cut : NUMERIC_EXP_LEAST;
	n = cut * NUMERIC_LOG2E + NUMERIC_ROUND - NUMERIC_ROUND;
	r = fmaf(n, -NUMERIC_LN2_HIGH, cut);
	r = fmaf(n, -NUMERIC_LN2_LOW, r);
	p = NUMERIC_EXP_P0;
	p = fmaf(p, r, NUMERIC_EXP_P1);
	p = fmaf(p, r, NUMERIC_EXP_P2);
	p = fmaf(p, r, NUMERIC_EXP_P3);
	p = fmaf(p, r, NUMERIC_EXP_P4);
	p = fmaf(p, r, NUMERIC_EXP_P5);
	p = fmaf(p, r * r, r) + 1.0f;
	return x < NUMERIC_EXP_LEAST ? 0.0f : p * power_of_two((int32_t)n);
}

/* Small arguments by the Cephes polynomial: there the formula cancels. */
float numeric_tanh(float x)
{
	float size = fabsf(x);
	float square = x * x;
	float p;

	if (size >= 0.625f) {
		p = 1.0f - 2.0f / (numeric_exp(2.0f * size) + 1.0f);
		return x < 0 ? -p : p;
	}
	p = -5.70498872745e-3f;
	p = fmaf(p, square, 2.06390887954e-2f);
	p = fmaf(p, square, -5.37397155531e-2f);
	p = fmaf(p, square, 1.33314422036e-1f);
	p = fmaf(p, square, -3.33332819422e-1f);
	return fmaf(p * square, x, x);
}

/* Taylor series on |r| <= pi/4: the last term is below 2^-50. */
static double sine_near_zero(double r)
{
	double square = r * r;
	double term = r;
	double sum = r;

	for (int i = 1; i <= 8; i++) {
		term *= -square / (double)(2 * i * (2 * i + 1));
		sum += term;
	}
	return sum;
}

/* As above. */
static double cosine_near_zero(double r)
{
	double square = r * r;
	double term = 1.0;
	double sum = 1.0;

	for (int i = 1; i <= 9; i++) {
		term *= -square / (double)(2 * i * (2 * i - 1));
		sum += term;
	}
	return sum;
}

/* Cody and Waite: take off quarter turns, exactly, then say in which of the
 * four quarters the angle was. */
void numeric_sine_cosine(double angle, float *sine, float *cosine)
{
	/* Quarter turns; pi/2 in two parts, the first exact times 2^20. */
	double turns = nearbyint(angle * 0.63661977236758134308);
	double r = angle - turns * 1.57079632673412561417e+00;
	int64_t quarter = (int64_t)turns & 3;
	double s, c;

	r -= turns * 6.07710050650619224932e-11;
	s = sine_near_zero(r);
	c = cosine_near_zero(r);
	if (quarter & 1) {
		double old = s;

		s = c;
		c = -old;
	}
	*sine = (float)(quarter & 2 ? -s : s);
	*cosine = (float)(quarter & 2 ? -c : c);
}

#define LN2 0.69314718055994530942

/* ln x = e ln 2 + 2 artanh((m - 1) / (m + 1)), m between 0.7 and 1.42. */
double numeric_logarithm(double x)
{
	int exponent;
	double m = frexp(x, &exponent);
	double ratio, square, power, sum = 0;

	if (m < 0.70710678118654752440) {
		m *= 2;
		exponent--;
	}
	ratio = (m - 1) / (m + 1);
	square = ratio * ratio;
	power = ratio;
	for (int i = 1; i < 30; i += 2) {
		sum += power / i;
		power *= square;
	}
	return 2 * sum + exponent * LN2;
}

/* e^(exponent ln base), to about 1e-15: called when a session opens, so it
 * may be slow, and must be the same everywhere. */
double numeric_power(double base, double exponent)
{
	double y = exponent * numeric_logarithm(base);
	double n = nearbyint(y / LN2);
	double r = y - n * LN2;
	double term = 1, sum = 1;

	for (int i = 1; i < 20; i++) {
		term *= r / i;
		sum += term;
	}
	return ldexp(sum, (int)n);
}
