/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "wire/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What parses is written back as the same bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t memory[MESSAGE_BYTES_MAX];
	struct writer out = WRITER_OVER(memory);
	struct message message;

	if (message_parse((struct bytes){ data, size }, &message) != ERR_OK)
		return 0;
	if (message_put(&message, &out) != ERR_OK || out.len != size ||
	    memcmp(memory, data, size) != 0)
		abort();
	return 0;
}
