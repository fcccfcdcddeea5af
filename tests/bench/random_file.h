/* SPDX-License-Identifier: Apache-2.0 */
/*
 * random_file: models for benchmarks that have learnt nothing.
 *
 * They lie in the folder BENCH_MODELS (build/bench_models) and are made when
 * they are first asked for.
 */
#ifndef TESTS_BENCH_RANDOM_FILE_H
#define TESTS_BENCH_RANDOM_FILE_H

#include "model/shape.h"
#include "tests/support/timed.h"

/* NAME-q4_0.gguf, opened.  A file of that name and another shape is an end of
 * the program: it would be measured for what it is not. */
struct model *random_file_open(const struct shape *shape);

#endif
