/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_architecture: what each kind of model file says, and leaves unsaid.
 *
 *              heads           pairs      norm of q, k         experts
 *   ptmoe      tracks          adjacent   heads, after RoPE    shares of 1
 *   llama      plain           adjacent   none                 shares of 1
 *   qwen2      biases          halves     none                 none
 *   qwen3      plain           halves     heads, before RoPE   none
 *   qwen3moe   plain           halves     heads, before RoPE   shares of 1
 *   olmoe      plain           halves     rows, before RoPE    as they are
 *
 * Files of llama keep each head's rows in an order that makes RoPE's pairs
 * neighbours; in those of the others pair i is elements i and i + d/2.  The
 * kinds of experts that llama's files may have (mixtral) are its own layers,
 * all of them.
 */
#ifndef INFERENCE_CONFIG_ARCHITECTURE_H
#define INFERENCE_CONFIG_ARCHITECTURE_H

#include "inference/config.h"

/*
 * Read every key that the file's architecture has, but check no number against
 * another.  ERR_UNSUPPORTED for architectures that are not listed above, and
 * for keys that ask for what this engine does not compute.
 */
MUST_CHECK enum err config_architecture_read(const struct gguf *gguf,
					     struct config *out);

#endif
