/* SPDX-License-Identifier: Apache-2.0 */
#include "node/report.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "base/decimal.h"
#include "base/fd.h"

#define ATTEMPTS 16 /* with others writing, or a busy device */
#define BUSY_MS 20  /* between two of them */
#define LOOKS 250   /* at the generation, until an inblob is taken */
#define LOOK_MS 2
#define LINE_BYTES 64 /* a provider, a number */

static const char *const names[REPORT_PROVIDERS] = {
	[REPORT_SEV_GUEST] = "sev_guest",
	[REPORT_TDX_GUEST] = "tdx_guest",
};

static void wait_ms(int ms)
{
	(void)poll(NULL, 0, ms);
}

/* ERR_EXPIRED: it was busy, so again. */
static enum err failed(void)
{
	if (errno == EBUSY || errno == EAGAIN || errno == EINTR)
		return ERR_EXPIRED;
	return errno == EFBIG ? ERR_TOO_LARGE : ERR_UNAVAILABLE;
}

static enum err read_all(int directory, const char *name, struct writer *out)
{
	SCOPED_FD file = openat(directory, name, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (file < 0)
		return failed();
	while (out->len < out->max) {
		got = read(file, out->data + out->len, out->max - out->len);
		if (got < 0)
			return failed();
		if (got == 0)
			return ERR_OK;
		out->len += (size_t)got;
	}
	return ERR_TOO_LARGE;
}

/* Without the line feed at its end. */
static enum err read_line(int directory, const char *name, struct writer *out)
{
	TRY(read_all(directory, name, out));
	if (out->len > 0 && out->data[out->len - 1] == '\n')
		out->len--;
	return ERR_OK;
}

static enum err expect_provider(int directory, enum report_provider provider)
{
	uint8_t memory[LINE_BYTES];
	struct writer line = WRITER_OVER(memory);

	TRY(read_line(directory, "provider", &line));
	return bytes_equal(bytes_written(&line),
			   bytes_of_string(names[provider]))
		       ? ERR_OK
		       : ERR_UNSUPPORTED;
}

static enum err read_generation(int directory, uint64_t *out)
{
	uint8_t memory[LINE_BYTES];
	struct writer line = WRITER_OVER(memory);

	TRY(read_line(directory, "generation", &line));
	return decimal_parse(bytes_written(&line), 0, UINT64_MAX, out);
}

static enum err write_inblob(int directory, const uint8_t *data)
{
	SCOPED_FD file = openat(directory, "inblob", O_WRONLY | O_CLOEXEC);

	if (file < 0)
		return failed();
	/* In one piece, so that nobody else's byte can be between. */
	return write(file, data, REPORT_DATA_BYTES) == REPORT_DATA_BYTES
		       ? ERR_OK
		       : failed();
}

/* The kernel has it at once; whoever plays the kernel in a test, soon. */
static enum err await_generation(int directory, uint64_t wanted)
{
	uint64_t now;

	for (int i = 0; i < LOOKS; i++) {
		TRY(read_generation(directory, &now));
		if (now == wanted)
			return ERR_OK;
		if (now != wanted - 1)
			return ERR_EXPIRED;
		wait_ms(LOOK_MS);
	}
	return ERR_UNAVAILABLE;
}

static enum err read_blobs(int directory, enum report_provider provider,
			   struct report *out)
{
	struct writer quote = WRITER_OVER(out->out);
	struct writer aux = WRITER_OVER(out->aux);

	TRY(read_all(directory, "outblob", &quote));
	/* TDX has none; SEV-SNP has it, empty where the host gave nothing. */
	if (provider == REPORT_SEV_GUEST)
		TRY(read_all(directory, "auxblob", &aux));
	out->out_len = quote.len;
	out->aux_len = aux.len;
	return quote.len > 0 ? ERR_OK : ERR_UNAVAILABLE;
}

static enum err make_once(int directory, enum report_provider provider,
			  const uint8_t *data, struct report *out)
{
	uint64_t before, after;

	TRY(read_generation(directory, &before));
	TRY(write_inblob(directory, data));
	TRY(await_generation(directory, before + 1));
	TRY(read_blobs(directory, provider, out));
	TRY(read_generation(directory, &after));
	return after == before + 1 ? ERR_OK : ERR_EXPIRED;
}

enum err report_make(int directory, enum report_provider provider,
		     const uint8_t data[static REPORT_DATA_BYTES],
		     struct report *out)
{
	TRY(expect_provider(directory, provider));
	for (int i = 0; i < ATTEMPTS; i++) {
		enum err err = make_once(directory, provider, data, out);

		if (err != ERR_EXPIRED)
			return err;
		wait_ms(BUSY_MS);
	}
	return ERR_UNAVAILABLE;
}
