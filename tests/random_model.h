/* SPDX-License-Identifier: Apache-2.0 */
/*
 * random_model: model files of random weights, of a size that home.gguf has not.
 */
#ifndef TESTS_RANDOM_MODEL_H
#define TESTS_RANDOM_MODEL_H

/*
 * The path of a file of a shape and format that `pcc-model make-random` names,
 * such as "qwen3-100m" and "q8_0": made once, in the folder BENCH_MODELS or the
 * build folder's bench_models.  NULL where it cannot be made.  Static text, until the next call.
 */
const char *random_model(const char *shape, const char *format);

#endif
