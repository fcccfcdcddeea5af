/* SPDX-License-Identifier: Apache-2.0 */
/*
 * named: the shapes of models that are known by name, and their sizes.
 *
 *     afm-device-2025   one track of 56 layers, the last 21 of which attend to
 *                       the keys and values of layer 34
 *     afm-server-2025   8 tracks of 48 layers that meet after every fourth;
 *                       40 experts in every second layer, 2 used
 *
 * Both are of arXiv 2507.13575.  Sizes follow from a shape alone: no weights
 * are needed to count them.
 */
#ifndef INFERENCE_NAMED_H
#define INFERENCE_NAMED_H

#include "inference/config.h"

/* NULL when no shape has that name. */
const struct config *named_find(const char *name);

/* All weights of a model whose output matrix is its embedding. */
uint64_t named_parameters(const struct config *config);

/* Those that one token meets: of experts, the ones that are used. */
uint64_t named_active_parameters(const struct config *config);

/* Those of a low-rank adapter (LoRA) on every matrix of every layer, but not
 * on routers or experts. */
uint64_t named_adapter_parameters(const struct config *config, uint32_t rank);

#endif
