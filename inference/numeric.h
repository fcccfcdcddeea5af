/* SPDX-License-Identifier: Apache-2.0 */
/*
 * numeric: the transcendental functions of the model, the engine's own.
 *
 * A C library may give other last bits on another machine or after an update;
 * these use nothing but operations that IEEE 754 defines to the bit, so the
 * same request gives the same tokens everywhere.
 */
#ifndef INFERENCE_NUMERIC_H
#define INFERENCE_NUMERIC_H

/*
 * exp's steps, shared with the vector kernels, which follow them to the bit:
 * x is cut to LEAST..MOST, and below LEAST the result is 0; n is x log2(e)
 * rounded; r = x - n ln 2; the result is 2^n (1 + r + r^2 P(r)).
 */
#define NUMERIC_EXP_LEAST (-87.0f)
#define NUMERIC_EXP_MOST 88.0f
#define NUMERIC_LOG2E 1.44269504088896341f
#define NUMERIC_LN2_HIGH 0.693359375f
#define NUMERIC_LN2_LOW (-2.12194440e-4f)
/* Added and taken away again, it rounds a small float to an integer. */
#define NUMERIC_ROUND 12582912.0f
#define NUMERIC_EXP_P0 1.9875691500e-4f
#define NUMERIC_EXP_P1 1.3981999507e-3f
#define NUMERIC_EXP_P2 8.3334519073e-3f
#define NUMERIC_EXP_P3 4.1665795894e-2f
#define NUMERIC_EXP_P4 1.6666665459e-1f
#define NUMERIC_EXP_P5 5.0000001201e-1f

/* e^x within 2 ulp; 0 below -87, e^88 from 88 on, NaN for NaN. */
float numeric_exp(float x);

/* tanh x within 4 ulp; NaN for NaN. */
float numeric_tanh(float x);

/* Sine and cosine of an angle in radians, |angle| <= 2^20. */
void numeric_sine_cosine(double angle, float *sine, float *cosine);

/* The natural logarithm of a finite x > 0, to about 1e-15. */
double numeric_logarithm(double x);

/* base^exponent for 2^-30 <= base <= 2^60 and |exponent| <= 1. */
double numeric_power(double base, double exponent);

#endif
