/* SPDX-License-Identifier: Apache-2.0 */
/*
 * half: IEEE 754 binary16 and bfloat16, to and from float.
 */
#ifndef INFERENCE_HALF_H
#define INFERENCE_HALF_H

#include <stdint.h>

/* Bits of the exponent: all are set in what is infinite or NaN. */
#define HALF_EXPONENT 0x7c00u
#define HALF_EXPONENT_BRAIN 0x7f80u

/* The value of a half, exactly. */
float half_value(uint16_t half);

/* The nearest half, ties to even; infinite from 65,520 on. */
uint16_t half_of(float value);

/* The value of a bfloat16: the upper half of a float. */
float half_value_brain(uint16_t brain);

/* The nearest bfloat16, ties to even. */
uint16_t half_of_brain(float value);

#endif
