/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pieces: the tokenizer of a checkpoint, as tokenizer.ggml.* of a model file.
 *
 *     tokenizer.model  SentencePiece BPE, a protobuf message:
 *                      1: piece { 1: text, 2: float score, 3: kind }, ...
 *     tokenizer.json   byte-level BPE: model.vocab, model.merges,
 *                      added_tokens
 *
 * The former is taken where both are there: what it says is exact.
 */
#ifndef MODEL_PIECES_H
#define MODEL_PIECES_H

#include "model/checkpoint.h"
#include "model/gguf_write.h"

/*
 * ERR_MALFORMED where the files lie, ERR_UNSUPPORTED for other tokenizers,
 * ERR_TOO_LARGE for more tokens than the model has rows for.
 */
MUST_CHECK enum err pieces_write(const struct checkpoint *checkpoint,
				 struct gguf_write *out);

#endif
