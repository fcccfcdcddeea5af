/* SPDX-License-Identifier: Apache-2.0 */
#include "node/rtmr.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

#define LOOKS 250 /* until a register has changed; the kernel's has at once */
#define LOOK_MS 2

static enum err read_register(int file, uint8_t *value)
{
	return pread(file, value, IDENTITY_RTMR_BYTES, 0) == IDENTITY_RTMR_BYTES
		       ? ERR_OK
		       : ERR_UNAVAILABLE;
}

/* Go on only when the register says what was meant. */
static enum err extend(int file, uint8_t *value, const uint8_t *digest)
{
	uint8_t found[IDENTITY_RTMR_BYTES];

	identity_extend(HASH_SHA384, value, digest);
	if (pwrite(file, digest, IDENTITY_RTMR_BYTES, 0) != IDENTITY_RTMR_BYTES)
		return ERR_UNAVAILABLE;
	for (int i = 0; i < LOOKS; i++) {
		TRY(read_register(file, found));
		if (memcmp(found, value, sizeof(found)) == 0)
			return ERR_OK;
		(void)poll(NULL, 0, LOOK_MS);
	}
	return ERR_UNAVAILABLE;
}

enum err rtmr_measure(int file, const struct statement *statement)
{
	uint8_t value[IDENTITY_RTMR_BYTES], digest[IDENTITY_RTMR_BYTES];
	size_t done;

	TRY(read_register(file, value));
	TRY(identity_progress(statement, HASH_SHA384, value, &done));
	for (; done < IDENTITY_EVENTS; done++) {
		identity_event(statement, done, HASH_SHA384, digest);
		TRY(extend(file, value, digest));
	}
	return ERR_OK;
}
