/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/landlock.h"

#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"

/*
 * The kernel's own names and layouts (include/uapi/linux/landlock.h); the
 * header of the system that compiles may know fewer than the kernel that runs.
 */
#define CREATE_RULESET_VERSION (1u << 0)
#define RULE_PATH_BENEATH 1
#define RULE_NET_PORT 2
#define FILE_WRITE (1ull << 1)
#define FILE_READ (1ull << 2)
#define NET_BIND_TCP (1ull << 0)
#define NET_CONNECT_TCP (1ull << 1)
#define SCOPE_ABSTRACT_UNIX_SOCKET (1ull << 0)
#define SCOPE_SIGNAL (1ull << 1)

#define FILES_ABI_1 \
	((1ull << 13) - 1)		/* execute, read, write, make, remove \
					 */
#define FILES_REFER (1ull << 13)	/* from ABI 2 on */
#define FILES_TRUNCATE (1ull << 14)	/* from ABI 3 on */
#define FILES_IOCTL_DEVICE (1ull << 15) /* from ABI 5 on */

struct ruleset_attributes {
	uint64_t handled_access_fs;
	uint64_t handled_access_net; /* from ABI 4 on */
	uint64_t scoped;	     /* from ABI 6 on */
};

struct path_beneath_attributes {
	uint64_t allowed_access;
	int32_t parent_fd;
} __attribute__((packed));

struct net_port_attributes {
	uint64_t allowed_access;
	uint64_t port;
};

unsigned landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
			   CREATE_RULESET_VERSION);

	return abi < 0 ? 0 : (unsigned)abi;
}

static struct ruleset_attributes all_rights(unsigned abi)
{
	struct ruleset_attributes all = { .handled_access_fs = FILES_ABI_1 };

	if (abi >= 2)
		all.handled_access_fs |= FILES_REFER;
	if (abi >= 3)
		all.handled_access_fs |= FILES_TRUNCATE;
	if (abi >= 4)
		all.handled_access_net = NET_BIND_TCP | NET_CONNECT_TCP;
	if (abi >= 5)
		all.handled_access_fs |= FILES_IOCTL_DEVICE;
	if (abi >= 6)
		all.scoped = SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL;
	return all;
}

static enum err allow_port(int ruleset, uint16_t port)
{
	struct net_port_attributes rule = { .allowed_access = NET_BIND_TCP,
					    .port = port };

	if (syscall(SYS_landlock_add_rule, ruleset, RULE_NET_PORT, &rule, 0) !=
	    0)
		return ERR_UNAVAILABLE;
	return ERR_OK;
}

static enum err allow_directory(int ruleset, int directory)
{
	struct path_beneath_attributes rule = {
		.allowed_access = FILE_READ | FILE_WRITE,
		.parent_fd = directory,
	};

	if (syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule,
		    0) != 0)
		return ERR_UNAVAILABLE;
	return ERR_OK;
}

enum err landlock_restrict(unsigned abi,
			   const struct landlock_exceptions *exceptions)
{
	struct ruleset_attributes all = all_rights(abi);
	/* Zeros at the end of a longer struct mean nothing to an older ABI. */
	SCOPED_FD ruleset =
		(int)syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0);

	if (ruleset < 0)
		return ERR_UNAVAILABLE;
	for (size_t i = 0; abi >= 4 && i < exceptions->port_count; i++)
		TRY(allow_port(ruleset, exceptions->ports[i]));
	if (exceptions->directory >= 0)
		TRY(allow_directory(ruleset, exceptions->directory));
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
		return ERR_UNAVAILABLE;
	return ERR_OK;
}
