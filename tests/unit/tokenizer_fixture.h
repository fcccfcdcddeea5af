/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tokenizer_fixture: a tokenizer of a file, and the memory that it stands in.
 */
#ifndef TESTS_TOKENIZER_FIXTURE_H
#define TESTS_TOKENIZER_FIXTURE_H

#include "inference/encode.h"

#define TOKENIZER_FIXTURE_TOKENS 4096

struct tokenizer_fixture {
	struct bytes file;
	struct gguf gguf;
	struct tokenizer tokenizer;
	struct arena scratch;
	uint32_t tokens[TOKENIZER_FIXTURE_TOKENS];
	struct encode_list list; /* over tokens */
};

/* What tokenizer_open() says of a file, which the fixture frees; close it
 * whatever that is. */
enum err tokenizer_fixture_open(struct tokenizer_fixture *fixture,
				struct bytes file);

void tokenizer_fixture_close(struct tokenizer_fixture *fixture);

/* The tokens of a text, in the list; scratch memory comes back wiped. */
enum err tokenizer_fixture_encode(struct tokenizer_fixture *fixture,
				  struct bytes text);

/* They have to be these: any others are a failure of the test. */
void tokenizer_fixture_expect(struct tokenizer_fixture *fixture,
			      const char *text, const uint32_t *tokens,
			      size_t count);

#define TOKENIZER_FIXTURE_EXPECT(fixture, text, ...)                          \
	do {                                                                  \
		const uint32_t wanted[] = { __VA_ARGS__ };                    \
		tokenizer_fixture_expect(fixture, text, wanted,               \
					 sizeof(wanted) / sizeof(wanted[0])); \
	} while (0)

#endif
