/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_architecture: what each kind of model file says, and leaves unsaid.
 *
 *              RoPE turns       q and k                     experts
 *   ptmoe      neighbours (1)   heads normed, after RoPE    patterned, of 1
 *   llama      neighbours       plain                       none, or all of 1
 *   qwen2      halves           with biases (v, too)        none
 *   qwen3      halves           heads normed, before RoPE   none
 *   qwen3moe   halves           heads normed, before RoPE   all, of 1
 *   olmoe      halves           rows normed, before RoPE    all, as they are
 *
 * (1) On local layers only.  "Of 1": the shares of a token's experts are
 * divided by their sum.  A llama with experts is what is called mixtral.
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
