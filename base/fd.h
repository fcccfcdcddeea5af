/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fd: whole messages over local sockets, and descriptors that close themselves.
 *
 * The processes of a node talk over SOCK_SEQPACKET socket pairs: one send is
 * one message, so no message needs a length and none can be half read.
 */
#ifndef BASE_FD_H
#define BASE_FD_H

#include <sys/types.h>

#include "base/bytes.h"

#define SCOPED_FD __attribute__((cleanup(fd_close))) int

/* Close and set to -1; nothing happens when it is already negative. */
void fd_close(int *fd);

/* Hand the descriptor over: returns it, and a SCOPED_FD no longer has it. */
int fd_release(int *fd);

/* A pair of connected SOCK_SEQPACKET sockets, closed on exec. */
MUST_CHECK enum err fd_pair(int pair[static 2]);

/*
 * Send one message, and a descriptor with it unless passed is -1.  The caller
 * keeps its own copy.  Never waits: ERR_UNAVAILABLE when the peer is gone or,
 * with errno EAGAIN, when it does not read.
 */
MUST_CHECK enum err fd_send(int socket, struct bytes message, int passed);

/*
 * Receive one message into the writer (which it fills from the start), and a
 * descriptor into *passed, -1 if none came.  A second descriptor, or a message
 * larger than the writer, is ERR_MALFORMED and closes what came with it.  An
 * orderly end is ERR_TRUNCATED.
 */
MUST_CHECK enum err fd_receive(int socket, struct writer *message, int *passed);

/* Write all or fail, on a descriptor that blocks. */
MUST_CHECK enum err fd_write_all(int fd, struct bytes data);

/* Read to the end of a file into the writer; ERR_TOO_LARGE if it has more. */
MUST_CHECK enum err fd_read_all(int fd, struct writer *out);

#endif
