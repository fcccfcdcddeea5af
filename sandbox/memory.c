/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/secret.h"

#define HUGE_PAGE ((size_t)2 << 20)
#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* Newer than the headers of Debian 12. */
#define NOEXEC_SEAL 0x0008u /* MFD_NOEXEC_SEAL: data, and never a program */
#define COLLAPSE 25	    /* MADV_COLLAPSE: make huge pages of small ones */
#define CALL_MSEAL 462	    /* SYS_mseal */

static enum err round_up(size_t size, size_t unit, size_t *out)
{
	size_t rounded;

	if (size == 0 || __builtin_add_overflow(size, unit - 1, &rounded))
		return ERR_UNAVAILABLE;
	*out = rounded - rounded % unit;
	return ERR_OK;
}

struct mapping {
	size_t size; /* a multiple of HUGE_PAGE */
	int protection;
	int flags;
	int fd;
};

/* Huge pages only lie at multiples of their size, where mmap puts nothing. */
static enum err map_aligned(const struct mapping *wanted, uint8_t **out)
{
	size_t reserved = wanted->size + HUGE_PAGE;
	uint8_t *start, *aligned;
	size_t before;

	if (reserved < wanted->size)
		return ERR_UNAVAILABLE;
	start = mmap(NULL, reserved, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (start == MAP_FAILED)
		return ERR_UNAVAILABLE;
	before = (HUGE_PAGE - (uintptr_t)start % HUGE_PAGE) % HUGE_PAGE;
	aligned = start + before;
	if (mmap(aligned, wanted->size, wanted->protection,
		 wanted->flags | MAP_FIXED, wanted->fd, 0) == MAP_FAILED) {
		munmap(start, reserved);
		return ERR_UNAVAILABLE;
	}
	if (before != 0)
		munmap(start, before);
	if (before != HUGE_PAGE)
		munmap(aligned + wanted->size, HUGE_PAGE - before);
	*out = aligned;
	return ERR_OK;
}

/*
 * Most machines give shared memory huge pages on advice at best, many never;
 * but to collapse is an order, which is obeyed all the same (from Linux 6.1 on)
 * where there is a first page to begin with.  Without it all is slower and
 * nothing wrong, so no result is looked at.
 */
static void make_huge(uint8_t *mapping, size_t size)
{
	volatile uint8_t *touched = mapping;

	madvise(mapping, size, MADV_HUGEPAGE);
	for (size_t at = 0; at < size; at += HUGE_PAGE)
		touched[at] = 0;
	madvise(mapping, size, COLLAPSE);
}

static enum err map_writable(int fd, size_t size, uint8_t **out)
{
	const struct mapping wanted = { .size = size,
					.protection = PROT_READ | PROT_WRITE,
					.flags = MAP_SHARED,
					.fd = fd };

	if (fd < 0 || ftruncate(fd, (off_t)size) != 0)
		return ERR_UNAVAILABLE;
	TRY(map_aligned(&wanted, out));
	/* No secret, but a dump would be full of it. */
	madvise(*out, size, MADV_DONTDUMP);
	make_huge(*out, size);
	return ERR_OK;
}

static int open_file(unsigned flags)
{
	int fd = memfd_create("weights", flags | MFD_CLOEXEC |
						 MFD_ALLOW_SEALING |
						 NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL) /* a kernel older than that seal */
		fd = memfd_create("weights",
				  flags | MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd;
}

/*
 * Asked of the memory itself, as there may be no /proc: on a huge page, the
 * last part is there since the first byte was touched.
 */
static enum memory_pages pages_of(uint8_t *mapping, unsigned kind)
{
	uint8_t *last = mapping + HUGE_PAGE - (size_t)sysconf(_SC_PAGESIZE);
	unsigned char there = 0;

	if (kind == MFD_HUGETLB)
		return MEMORY_PAGES_2M_RESERVED;
	if (mincore(last, 1, &there) != 0 || (there & 1) == 0)
		return MEMORY_PAGES_4K;
	return MEMORY_PAGES_2M_ADVISED;
}

enum err memory_weights_open(size_t size, struct memory_weights *out)
{
	static const unsigned kinds[] = { MFD_HUGETLB, 0 };
	struct memory_weights made = { .fd = -1 };

	TRY(round_up(size, HUGE_PAGE, &made.size));
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		made.fd = open_file(kinds[i]);
		/* The pool's pages are reserved here, so none lacks later. */
		if (map_writable(made.fd, made.size, &made.writable) ==
		    ERR_OK) {
			made.pages = pages_of(made.writable, kinds[i]);
			*out = made;
			return ERR_OK;
		}
		fd_close(&made.fd);
	}
	return ERR_UNAVAILABLE;
}

enum err memory_weights_seal(struct memory_weights *weights)
{
	if (munmap(weights->writable, weights->size) != 0)
		return ERR_UNAVAILABLE;
	weights->writable = NULL;
	if (fcntl(weights->fd, F_ADD_SEALS, SEALS) != 0)
		return ERR_UNAVAILABLE;
	return ERR_OK;
}

void memory_weights_close(struct memory_weights *weights)
{
	if (weights->writable != NULL)
		munmap(weights->writable, weights->size);
	weights->writable = NULL;
	fd_close(&weights->fd);
}

enum err memory_weights_map(int fd, size_t *size, const uint8_t **out)
{
	struct mapping wanted = { .protection = PROT_READ,
				  .flags = MAP_SHARED,
				  .fd = fd };
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat status;
	uint8_t *mapped;

	if (seals < 0 || (seals & SEALS) != SEALS)
		return ERR_DENIED;
	if (fstat(fd, &status) != 0)
		return ERR_UNAVAILABLE;
	wanted.size = (size_t)status.st_size;
	if (wanted.size == 0 || wanted.size % HUGE_PAGE != 0)
		return ERR_DENIED;
	TRY(map_aligned(&wanted, &mapped));
	madvise(mapped, wanted.size, MADV_HUGEPAGE);
	madvise(mapped, wanted.size, MADV_DONTDUMP);
	/* An older kernel takes a fault for each page at first use instead. */
	madvise(mapped, wanted.size, MADV_POPULATE_READ);
	*size = wanted.size;
	*out = mapped;
	return ERR_OK;
}

/* Memory that processes may share: whole huge pages of it. */
static enum err map_shared(size_t size, size_t *rounded, uint8_t **out)
{
	struct mapping wanted = { .protection = PROT_READ | PROT_WRITE,
				  .flags = MAP_SHARED | MAP_ANONYMOUS,
				  .fd = -1 };

	TRY(round_up(size, HUGE_PAGE, &wanted.size));
	TRY(map_aligned(&wanted, out));
	*rounded = wanted.size;
	return ERR_OK;
}

enum err memory_shared_open(size_t size, uint8_t **out)
{
	size_t rounded;
	uint8_t *shared;

	TRY(map_shared(size, &rounded, &shared));
	madvise(shared, rounded, MADV_DONTDUMP);
	make_huge(shared, rounded);
	*out = shared;
	return ERR_OK;
}

enum err memory_shared_close_to_writing(uint8_t *shared, size_t size)
{
	size_t rounded;

	TRY(round_up(size, HUGE_PAGE, &rounded));
	return mprotect(shared, rounded, PROT_READ) == 0 ? ERR_OK
							 : ERR_UNAVAILABLE;
}

/*
 * Pages of a sealed file cannot be given back one by one, and go when its last
 * mapping does.  So what is kept is copied and put in the mapping's place.
 */
enum err memory_weights_keep(const uint8_t *mapped, size_t size, size_t kept)
{
	/* Not written: a mapping's address is what the kernel takes. */
	void *place = (void *)(uintptr_t)mapped;
	size_t rounded;
	uint8_t *copy;

	TRY(round_up(kept, HUGE_PAGE, &rounded));
	if (rounded >= size)
		return ERR_OK;
	TRY(memory_shared_open(kept, &copy));
	memcpy(copy, mapped, kept);
	TRY(memory_shared_close_to_writing(copy, kept));
	if (munmap(place, size) != 0 ||
	    mremap(copy, rounded, rounded, MREMAP_MAYMOVE | MREMAP_FIXED,
		   place) != place)
		return ERR_UNAVAILABLE;
	return ERR_OK;
}

enum memory_seal memory_seal(const uint8_t *memory, size_t size)
{
	size_t rounded;

	if (round_up(size, HUGE_PAGE, &rounded) != ERR_OK)
		return MEMORY_SEAL_REFUSED;
	if (syscall(CALL_MSEAL, memory, rounded, 0) == 0)
		return MEMORY_SEAL_KERNEL;
	/* Not known, or not let through by what this node runs in. */
	return errno == ENOSYS || errno == EPERM ? MEMORY_SEAL_NONE
						 : MEMORY_SEAL_REFUSED;
}

enum err memory_arena_open(size_t size, struct arena *out)
{
	struct arena made = { 0 };

	TRY(map_shared(size, &made.size, &made.base));
	if (madvise(made.base, made.size, MADV_DONTDUMP) != 0 ||
	    madvise(made.base, made.size, MADV_DONTFORK) != 0) {
		munmap(made.base, made.size);
		return ERR_UNAVAILABLE;
	}
	make_huge(made.base, made.size);
	madvise(made.base, made.size, MADV_POPULATE_WRITE);
	/* Best effort: a node with a swap device does not start at all. */
	mlock(made.base, made.size);
	*out = made;
	return ERR_OK;
}

void memory_arena_close(struct arena *arena)
{
	arena_wipe(arena);
	munmap(arena->base, arena->size);
	*arena = (struct arena){ 0 };
}

void memory_enter(const uint8_t *memory, size_t size, enum memory_use use)
{
	size_t rounded;

	/* Best effort: it saves time, and nothing depends on it. */
	if (round_up(size, HUGE_PAGE, &rounded) == ERR_OK) {
		madvise((void *)(uintptr_t)memory, rounded,
			use == MEMORY_USE_READ ? MADV_POPULATE_READ
					       : MADV_POPULATE_WRITE);
	}
}

enum err memory_inherit(const struct arena *arena, enum memory_inherit inherit)
{
	/* A part of the mapping would be inherited that nobody wipes. */
	invariant(arena->size % HUGE_PAGE == 0);
	if (madvise(arena->base, arena->size,
		    inherit == MEMORY_INHERIT_SHARED ? MADV_DOFORK
						     : MADV_DONTFORK) != 0)
		return ERR_UNAVAILABLE;
	return ERR_OK;
}

static size_t available_in(const char *meminfo)
{
	static const char name[] = "\nMemAvailable:";
	const char *line = strstr(meminfo, name);
	unsigned long long kilobytes;
	size_t bytes;

	if (line == NULL)
		return SIZE_MAX;
	kilobytes = strtoull(line + strlen(name), NULL, 10);
	if (kilobytes == 0 || __builtin_mul_overflow(kilobytes, 1024u, &bytes))
		return SIZE_MAX;
	return bytes;
}

size_t memory_available(void)
{
	SCOPED_FD file = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
	char text[4096];
	ssize_t got;

	if (file < 0)
		return SIZE_MAX;
	got = read(file, text, sizeof(text) - 1);
	if (got < 0)
		return SIZE_MAX;
	text[got] = '\0';
	return available_in(text);
}

static enum err round_to_pages(size_t size, size_t *out)
{
	return round_up(size, (size_t)sysconf(_SC_PAGESIZE), out);
}

static void *map_kernel_secret(size_t size)
{
	/* The flag is O_CLOEXEC by name and by value; FD_CLOEXEC is refused. */
	SCOPED_FD file = (int)syscall(SYS_memfd_secret, O_CLOEXEC);

	if (file < 0 || ftruncate(file, (off_t)size) != 0)
		return MAP_FAILED;
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
}

static void *map_locked(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory != MAP_FAILED && mlock(memory, size) != 0) {
		munmap(memory, size);
		return MAP_FAILED;
	}
	return memory;
}

enum err memory_secret_open(size_t size, void **out)
{
	size_t rounded;
	void *memory;

	TRY(round_to_pages(size, &rounded));
	memory = map_kernel_secret(rounded);
	if (memory == MAP_FAILED)
		memory = map_locked(rounded);
	if (memory == MAP_FAILED)
		return ERR_UNAVAILABLE;
	if (madvise(memory, rounded, MADV_DONTFORK) != 0 ||
	    madvise(memory, rounded, MADV_DONTDUMP) != 0) {
		munmap(memory, rounded);
		return ERR_UNAVAILABLE;
	}
	*out = memory;
	return ERR_OK;
}

void memory_secret_close(void *secret, size_t size)
{
	size_t rounded = size;

	invariant(round_to_pages(size, &rounded) == ERR_OK);
	secret_wipe(secret, rounded);
	munmap(secret, rounded);
}

enum memory_secrecy memory_secret_kind(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *memory = map_kernel_secret(page);

	if (memory == MAP_FAILED)
		return MEMORY_SECRECY_LOCKED;
	munmap(memory, page);
	return MEMORY_SECRECY_KERNEL;
}
