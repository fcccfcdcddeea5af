/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever stands in a charsmap: the file is refused, or a text becomes UTF-8
 * within the room that was said to be enough.
 *
 *     u8 rules (1 a space in front, 2 no extra spaces), 64 bytes of text,
 *     the charsmap
 */
#include "inference/normalise.h"
#include "inference/unicode.h"
#include "tests/fuzz/fuzz_vocabulary.h"

#define TEXT_BYTES 64
#define CHARSMAP_MAX 32768

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void make_file(uint8_t rules, struct bytes charsmap, struct writer *out)
{
	fuzz_put(out, "GGUF", 4);
	fuzz_put_number(out, 3, 4);
	fuzz_put_number(out, 0, 8);
	fuzz_put_number(out, 3, 8);
	fuzz_put_bool(out, "tokenizer.ggml.add_space_prefix", rules & 1);
	fuzz_put_bool(out, "tokenizer.ggml.remove_extra_whitespaces",
		      rules >> 1 & 1);
	fuzz_put_array(out, "tokenizer.ggml.precompiled_charsmap", GGUF_U8,
		       charsmap.len);
	fuzz_put(out, charsmap.data, charsmap.len);
}

static void check(const struct normalise *normalise, struct bytes text)
{
	static uint8_t room[1u << 14];
	size_t most = normalise_max(normalise, text.len);
	struct writer out = { room, 0, most };
	struct bytes made;
	uint32_t code;
	enum err err;

	invariant(most <= sizeof(room));
	err = normalise_text(normalise, NULL, text, &out);
	invariant(err == ERR_OK);
	for (made = bytes_written(&out); made.len > 0;) {
		err = unicode_take(&made, &code);
		invariant(err == ERR_OK && code != ' ');
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t file[CHARSMAP_MAX + 512] __attribute__((aligned(64)));
	static const struct gguf_limits limits = { 8, 8, CHARSMAP_MAX, 64 };
	struct bytes text = { data + 1, TEXT_BYTES };
	struct writer out = WRITER_OVER(file);
	struct normalise normalise;
	struct gguf gguf;
	enum err err;

	if (size < 1 + TEXT_BYTES || size > CHARSMAP_MAX)
		return -1;
	make_file(
		data[0],
		(struct bytes){ data + 1 + TEXT_BYTES, size - 1 - TEXT_BYTES },
		&out);
	err = gguf_open(bytes_written(&out), &limits, &gguf);
	invariant(err == ERR_OK);
	err = normalise_open(&gguf, NULL, 0, &normalise);
	gguf_close(&gguf);
	if (err != ERR_OK)
		return 0;
	check(&normalise, text);
	normalise_close(&normalise);
	return 0;
}
