/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcti: commands to a TPM 2.0 over a descriptor that is open already.
 *
 *     command, response = tag u16 | size u32 | code u32 | ...   big-endian
 *
 * tpm2-tss brings transports that load libraries and open devices or sockets;
 * a jailed role can do neither, so this is one more (TCG TSS 2.0 TCTI, version
 * 2), over /dev/tpmrm0, /dev/tpm0 or a stream socket to a software TPM alike.
 * It blocks until the TPM has answered.
 */
#ifndef NODE_TCTI_H
#define NODE_TCTI_H

#include <tss2/tss2_tcti.h>

#include "base/bytes.h"

#define TCTI_HEADER_BYTES 10
#define TCTI_RESPONSE_MAX 4096 /* no TPM answers with more */

/* One command at a time; `common` is first, since tpm2-tss sees it alone. */
struct tcti {
	TSS2_TCTI_CONTEXT_COMMON_V2 common;
	int fd;	    /* borrowed */
	size_t len; /* of a response that waits to be taken; else 0 */
	uint8_t response[TCTI_RESPONSE_MAX];
	uint8_t *taken; /* where tpm2-tss has the last one; its own */
	size_t taken_len;
};

/*
 * Begin over this descriptor.  What a process that had it before was answered
 * and did not read is thrown away.
 */
void tcti_open(int fd, struct tcti *out);

/*
 * Wipe the last response where tpm2-tss keeps it: after one that is secret,
 * between two commands, and before tpm2-tss is closed.
 */
void tcti_forget(struct tcti *tcti);

/* What tpm2-tss takes. */
TSS2_TCTI_CONTEXT *tcti_context(struct tcti *tcti);

/*
 * One command and its response code, without tpm2-tss: for what it needs
 * objects of its own for.  ERR_UNAVAILABLE when the TPM is gone.
 */
MUST_CHECK enum err tcti_command(struct tcti *tcti, struct bytes command,
				 uint32_t *response_code);

#endif
