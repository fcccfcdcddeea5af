/* SPDX-License-Identifier: Apache-2.0 */
#include "node/measure.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"
#include "crypto/hash.h"
#include "inference/gguf.h"
#include "policy/limits.h"

static enum err file_size(int file, size_t *out)
{
	off_t size = lseek(file, 0, SEEK_END);

	if (size < 0)
		return ERR_UNAVAILABLE;
	if (size == 0 || (uint64_t)size > LIMIT_MODEL_BYTES)
		return ERR_TOO_LARGE;
	*out = (size_t)size;
	return ERR_OK;
}

static enum err copy_file(int file, uint8_t *to, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t got = pread(file, to + done, size - done, (off_t)done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return ERR_UNAVAILABLE;
		done += (size_t)got;
	}
	return ERR_OK;
}

static void hash_pieces(struct bytes file, uint8_t root[static 32])
{
	struct merkle tree;

	merkle_init(&tree);
	while (file.len > 0) {
		size_t len = file.len < LIMIT_MODEL_PIECE ? file.len
							  : LIMIT_MODEL_PIECE;
		struct bytes piece = { file.data, len };

		merkle_add_leaf(&tree, piece);
		file.data += len;
		file.len -= len;
	}
	merkle_root(&tree, root);
}

enum err measure_file(int file, struct measure_result *out)
{
	struct measure_result result = { 0 };
	struct memory_weights weights;
	const uint8_t *mapped;
	size_t size;

	TRY(file_size(file, &size));
	TRY(memory_weights_open(size, &weights));
	TRY(copy_file(file, weights.writable, size));
	result.pages = weights.pages;
	TRY(memory_weights_seal(&weights));
	TRY(memory_weights_map(weights.fd, &result.mapped, &mapped));
	memory_weights_close(&weights);

	result.file = (struct bytes){ mapped, size };
	hash_pieces(result.file, result.root);
	*out = result;
	return ERR_OK;
}

enum err measure_drop(struct measure_result *measured, size_t needed)
{
	invariant(needed <= measured->file.len);
	TRY(memory_weights_keep(measured->file.data, measured->mapped, needed));
	measured->file.len = needed;
	return ERR_OK;
}

static void add_number(struct hash_stream *stream, uint64_t number)
{
	uint8_t bytes[8];
	struct writer out = WRITER_OVER(bytes);

	invariant(bytes_put_u64(&out, number) == ERR_OK);
	hash_stream_add(stream, bytes_written(&out));
}

static void add_value(struct hash_stream *stream,
		      const struct gguf_value *value)
{
	struct bytes raw =
		value->type == GGUF_ARRAY ? value->array.elements : value->raw;

	add_number(stream, value->key.len);
	hash_stream_add(stream, value->key);
	add_number(stream, value->type);
	if (value->type == GGUF_ARRAY)
		add_number(stream, value->array.type);
	add_number(stream, raw.len);
	hash_stream_add(stream, raw);
}

enum err measure_tokenizer(struct bytes file, uint8_t digest[static 32])
{
	static const char prefix[] = "tokenizer.";
	SCOPED_WIPE(hash_stream_wipe) struct hash_stream stream = { 0 };
	SCOPED_WIPE(gguf_close) struct gguf index = { 0 };

	TRY(gguf_open(file, &gguf_model_limits, &index));
	hash_stream_begin(&stream);
	for (size_t i = 0; i < index.value_count; i++) {
		const struct gguf_value *value = &index.values[i];

		if (value->key.len >= sizeof(prefix) - 1 &&
		    memcmp(value->key.data, prefix, sizeof(prefix) - 1) == 0)
			add_value(&stream, value);
	}
	hash_stream_end(&stream, digest);
	return ERR_OK;
}
