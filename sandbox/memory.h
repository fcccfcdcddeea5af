/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory: the three kinds of memory that a process does not just allocate.
 *
 *     weights   sealed, read-only, shared by every worker, on 2 MiB pages
 *     arena     all of one request: shared with the zygote so that it can wipe
 *               and check it after the worker died, and with nobody else
 *     secret    a key's pages, which not even root can read from outside
 *
 * All are mapped without a file name and kept out of core dumps.
 */
#ifndef SANDBOX_MEMORY_H
#define SANDBOX_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

enum memory_pages {
	MEMORY_PAGES_4K,
	MEMORY_PAGES_2M_ADVISED,  /* transparent huge pages */
	MEMORY_PAGES_2M_RESERVED, /* from the machine's pool of huge pages */
};

/* Weights being filled, and after memory_weights_seal() sealed. */
struct memory_weights {
	int fd;	     /* may be sent to another process once sealed */
	size_t size; /* a multiple of 2 MiB, what is past the end zero */
	enum memory_pages pages; /* as seen on the first page */
	uint8_t *writable;	 /* size bytes until sealed, then NULL */
};

/*
 * A writable memory file for at least `size` bytes: from the machine's pool of
 * huge pages if that has enough, else on transparent ones (Linux 6.1 or later,
 * or shmem_enabled = advise), else on small pages, with which each worker pays
 * about 0.1 ms a MiB.
 * Fill weights->writable, then seal.  ERR_UNAVAILABLE when there is no memory.
 */
MUST_CHECK enum err memory_weights_open(size_t size,
					struct memory_weights *out);

/* Nobody can write it again, the caller included; `writable` is unmapped. */
MUST_CHECK enum err memory_weights_seal(struct memory_weights *weights);

/* Give the memory back, as far as it is not mapped. */
void memory_weights_close(struct memory_weights *weights);

/*
 * Map sealed weights, also those of a descriptor that was received, read-only
 * at a 2 MiB boundary, and touch every page so that they are there.  The
 * mapping stays for the life of the process and is inherited by its forks.
 * ERR_DENIED for a file that somebody could still write or shorten.
 */
MUST_CHECK enum err memory_weights_map(int fd, size_t *size,
				       const uint8_t **out);

/*
 * Zeroed memory for at least `size` bytes that forks share, on huge pages where
 * the kernel gives them: weights that are laid out anew before there are any
 * forks, and made read-only then.  A worker's jail allows nothing that undoes
 * that; the jail of the process that forks them does, since threads' stacks and
 * its heap are made writable by the same call, until memory_seal().
 */
MUST_CHECK enum err memory_shared_open(size_t size, uint8_t **out);
MUST_CHECK enum err memory_shared_close_to_writing(uint8_t *shared,
						   size_t size);

/*
 * Keep the first `kept` bytes of a mapping of memory_weights_map(), which stay
 * at their place, in memory as above that is closed to writing, and give the
 * rest back: at once, where no descriptor of it is open.  `size` is what
 * memory_weights_map() told.  ERR_UNAVAILABLE when there is no memory, and then
 * nothing of the mapping may be relied on.
 */
MUST_CHECK enum err memory_weights_keep(const uint8_t *mapped, size_t size,
					size_t kept);

/*
 * Read-only memory for the life of the process and its forks: from Linux 6.10
 * on it can then be neither made writable again nor unmapped, moved or mapped
 * over, by whatever this process becomes.  For at least `size` bytes of a
 * mapping of this module.  Whether this kernel does that.
 */
enum memory_seal {
	MEMORY_SEAL_KERNEL,
	MEMORY_SEAL_NONE,    /* the protection alone: no such call here */
	MEMORY_SEAL_REFUSED, /* it does, but not for this memory */
};
enum memory_seal memory_seal(const uint8_t *memory, size_t size);

/*
 * A zeroed arena for at least `size` bytes, present at once, on huge pages where
 * the kernel gives them, locked where the limit allows.  Its size is that of
 * the whole mapping, so that what is wiped is all that a worker can write.  Not
 * inherited until memory_inherit() says so: the zygote shares an arena just
 * around the fork of the one worker that it is for.
 */
MUST_CHECK enum err memory_arena_open(size_t size, struct arena *out);

/* Wiped, then unmapped. */
void memory_arena_close(struct arena *arena);

/*
 * Enter pages that are shared into this process's own tables, which a fork
 * begins without, as far as the kernel can (Linux 5.14): else each is entered
 * when it is first used, in the middle of work.  To be written as well, or read.
 */
enum memory_use {
	MEMORY_USE_READ,
	MEMORY_USE_WRITE,
};
void memory_enter(const uint8_t *memory, size_t size, enum memory_use use);

/*
 * Bytes that the machine can give before it must take some from others, by the
 * kernel's own estimate; SIZE_MAX where it does not tell, as in a jail.
 */
size_t memory_available(void);

enum memory_inherit {
	MEMORY_INHERIT_NOTHING, /* a fork does not have the pages at all */
	MEMORY_INHERIT_SHARED,	/* parent and child see the same pages */
};

/* Whether the next fork has an arena's pages. */
MUST_CHECK enum err memory_inherit(const struct arena *arena,
				   enum memory_inherit inherit);

/*
 * Zeroed pages for keys, never swapped nor dumped, and not inherited by a fork.
 * ERR_UNAVAILABLE when there is no memory, or too little may be locked.
 */
MUST_CHECK enum err memory_secret_open(size_t size, void **out);

/* Wiped, then unmapped. */
void memory_secret_close(void *secret, size_t size);

enum memory_secrecy {
	MEMORY_SECRECY_KERNEL, /* memfd_secret: unreadable from outside */
	MEMORY_SECRECY_LOCKED, /* plain locked pages; root could read them */
};

/* Which kind memory_secret_open() gives on this kernel. */
enum memory_secrecy memory_secret_kind(void);

#endif
