/* SPDX-License-Identifier: Apache-2.0 */
/* Any text is certificates, or is refused; what is read is written again. */
#include <stdlib.h>
#include <string.h>

#include "wire/pem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_back(struct bytes der)
{
	static uint8_t text[2 * PEM_CERTIFICATE_MAX];
	static uint8_t back[PEM_CERTIFICATE_MAX];
	struct writer out = WRITER_OVER(text);
	struct writer read = WRITER_OVER(back);
	struct bytes written;

	if (pem_put(der, &out) != ERR_OK)
		abort();
	written = bytes_written(&out);
	if (pem_take(&written, &read) != ERR_OK ||
	    !bytes_equal(bytes_written(&read), der))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes text = { data, size };

	for (;;) {
		uint8_t memory[PEM_CERTIFICATE_MAX];
		struct writer der = WRITER_OVER(memory);

		if (pem_take(&text, &der) != ERR_OK || der.len == 0)
			return 0;
		write_back(bytes_written(&der));
	}
}
