/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PEM: a strict text is the one text of its bytes; a lenient one gives what
 * the strict text of the same bytes gives.
 */
#include <string.h>

#include "crypto/certificate_pem.h"
#include "wire/pem.h"

#define INPUT_MAX 4096
#define LABEL "CERTIFICATE"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_strict(struct bytes in)
{
	static uint8_t bytes[INPUT_MAX], text[2 * INPUT_MAX];
	struct writer out = WRITER_OVER(bytes);
	struct writer again = WRITER_OVER(text);
	struct bytes rest = in;

	if (pem_take(&rest, LABEL, &out) != ERR_OK) {
		invariant(rest.data == in.data && rest.len == in.len);
		return;
	}
	invariant(pem_put(bytes_written(&out), LABEL, &again) == ERR_OK);
	invariant(bytes_equal(
		bytes_written(&again),
		(struct bytes){ in.data, (size_t)(rest.data - in.data) }));
}

static void check_lenient(struct bytes in)
{
	static uint8_t bytes[INPUT_MAX], text[2 * INPUT_MAX];
	static uint8_t back[INPUT_MAX];
	struct bytes rest = in;

	for (;;) {
		struct writer out = WRITER_OVER(bytes);
		struct writer strict = WRITER_OVER(text);
		struct writer again = WRITER_OVER(back);
		struct bytes before = rest;

		if (certificate_pem_take(&rest, &out) != ERR_OK)
			break;
		invariant(rest.len < before.len);
		invariant(pem_put(bytes_written(&out), LABEL, &strict) ==
			  ERR_OK);
		before = bytes_written(&strict);
		invariant(certificate_pem_take(&before, &again) == ERR_OK);
		invariant(certificate_pem_is_end(before));
		invariant(bytes_equal(bytes_written(&out),
				      bytes_written(&again)));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = { data, size };

	if (size > INPUT_MAX)
		return 0;
	check_strict(in);
	check_lenient(in);
	return 0;
}
