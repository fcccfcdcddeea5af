/* SPDX-License-Identifier: Apache-2.0 */
#include "node/tcti.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <tss2/tss2_tpm2_types.h>

#include "base/secret.h"

#define MAGIC 0x7063632d6e6f6465ull /* "pcc-node" */
#define VERSION 2
#define AT_SIZE 2 /* where the header says how long all is */
#define AT_CODE 6

static struct tcti *of(TSS2_TCTI_CONTEXT *context)
{
	return (struct tcti *)(void *)context;
}

static uint32_t u32_at(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
	       (uint32_t)bytes[2] << 8 | bytes[3];
}

/* A device wants a command as one write; a socket may take it in parts. */
static enum err write_all(int fd, const uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t wrote = write(fd, data, len);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote <= 0)
			return ERR_UNAVAILABLE;
		data += wrote;
		len -= (size_t)wrote;
	}
	return ERR_OK;
}

/* A device gives a response as one read; a socket may give it in parts. */
static enum err read_response(struct tcti *tcti)
{
	size_t size = TCTI_HEADER_BYTES;

	tcti->len = 0;
	while (tcti->len < size) {
		ssize_t got = read(tcti->fd, tcti->response + tcti->len,
				   sizeof(tcti->response) - tcti->len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return ERR_UNAVAILABLE;
		tcti->len += (size_t)got;
		if (tcti->len < TCTI_HEADER_BYTES)
			continue;
		size = u32_at(tcti->response + AT_SIZE);
		if (size < TCTI_HEADER_BYTES || size > sizeof(tcti->response))
			return ERR_MALFORMED;
	}
	return tcti->len == size ? ERR_OK : ERR_MALFORMED;
}

static TSS2_RC transmit(TSS2_TCTI_CONTEXT *context, size_t len,
			uint8_t const *command)
{
	struct tcti *tcti = of(context);

	if (tcti->len != 0)
		return TSS2_TCTI_RC_BAD_SEQUENCE;
	return write_all(tcti->fd, command, len) == ERR_OK
		       ? TSS2_RC_SUCCESS
		       : TSS2_TCTI_RC_IO_ERROR;
}

/* Asked for without memory it tells how much will be needed. */
static TSS2_RC receive(TSS2_TCTI_CONTEXT *context, size_t *len, uint8_t *out,
		       int32_t timeout)
{
	struct tcti *tcti = of(context);

	(void)timeout;
	if (tcti->len == 0 && read_response(tcti) != ERR_OK) {
		tcti->len = 0;
		return TSS2_TCTI_RC_IO_ERROR;
	}
	if (out == NULL) {
		*len = tcti->len;
		return TSS2_RC_SUCCESS;
	}
	if (*len < tcti->len)
		return TSS2_TCTI_RC_INSUFFICIENT_BUFFER;
	memcpy(out, tcti->response, tcti->len);
	*len = tcti->len;
	tcti->taken = out;
	tcti->taken_len = tcti->len;
	/* It may hold what a request's keys are made from. */
	secret_wipe(tcti->response, tcti->len);
	tcti->len = 0;
	return TSS2_RC_SUCCESS;
}

/* The descriptor is the caller's. */
static void finalize(TSS2_TCTI_CONTEXT *context)
{
	of(context)->len = 0;
}

static TSS2_RC cancel(TSS2_TCTI_CONTEXT *context)
{
	(void)context;
	return TSS2_TCTI_RC_NOT_IMPLEMENTED;
}

static TSS2_RC set_locality(TSS2_TCTI_CONTEXT *context, uint8_t locality)
{
	(void)context;
	return locality == 0 ? TSS2_RC_SUCCESS : TSS2_TCTI_RC_NOT_IMPLEMENTED;
}

/* A device computes before write() returns, so what there is, is there now. */
static void drain(struct tcti *tcti)
{
	struct pollfd fd = { .fd = tcti->fd, .events = POLLIN };

	while (poll(&fd, 1, 0) > 0 && (fd.revents & POLLIN) != 0) {
		ssize_t got =
			read(tcti->fd, tcti->response, sizeof(tcti->response));

		if (got <= 0)
			return;
	}
}

void tcti_open(int fd, struct tcti *out)
{
	memset(out, 0, sizeof(*out));
	out->fd = fd;
	out->common.v1.magic = MAGIC;
	out->common.v1.version = VERSION;
	out->common.v1.transmit = transmit;
	out->common.v1.receive = receive;
	out->common.v1.finalize = finalize;
	out->common.v1.cancel = cancel;
	out->common.v1.setLocality = set_locality;
	drain(out);
}

void tcti_forget(struct tcti *tcti)
{
	if (tcti->taken != NULL)
		secret_wipe(tcti->taken, tcti->taken_len);
}

TSS2_TCTI_CONTEXT *tcti_context(struct tcti *tcti)
{
	return (TSS2_TCTI_CONTEXT *)(void *)tcti;
}

enum err tcti_command(struct tcti *tcti, struct bytes command,
		      uint32_t *response_code)
{
	enum err err;

	invariant(tcti->len == 0);
	TRY(write_all(tcti->fd, command.data, command.len));
	err = read_response(tcti);
	tcti->len = 0;
	TRY(err);
	*response_code = u32_at(tcti->response + AT_CODE);
	return ERR_OK;
}
