/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/capability.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define HALF_BITS 32
#define BITS 64

/* Everything but KEEP_CAPS itself, and each lock, that one's included. */
#define SECURE_AND_LOCKED                                                \
	(SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP | \
	 SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |       \
	 SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)

static const struct __user_cap_header_struct self = {
	.version = _LINUX_CAPABILITY_VERSION_3,
};

bool capability_has(uint64_t wanted)
{
	struct __user_cap_header_struct header = self;
	struct __user_cap_data_struct halves[2];
	uint64_t effective;

	if (syscall(SYS_capget, &header, halves) != 0)
		return false;
	effective = (uint64_t)halves[1].effective << HALF_BITS |
		    halves[0].effective;
	return (effective & wanted) == wanted;
}

enum err capability_keep(uint64_t kept)
{
	struct __user_cap_header_struct header = self;
	struct __user_cap_data_struct halves[2];

	for (unsigned i = 0; i < 2; i++) {
		uint32_t half = (uint32_t)(kept >> (HALF_BITS * i));

		halves[i] = (struct __user_cap_data_struct){ half, half, half };
	}
	return syscall(SYS_capset, &header, halves) == 0 ? ERR_OK
							 : ERR_UNAVAILABLE;
}

enum err capability_keep_over_exec(uint64_t kept)
{
	TRY(capability_keep(kept));
	for (unsigned bit = 0; bit < BITS; bit++) {
		if ((kept >> bit & 1) == 0)
			continue;
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, bit, 0, 0) != 0)
			return ERR_UNAVAILABLE;
	}
	return ERR_OK;
}

enum err capability_bound(uint64_t kept)
{
	for (unsigned bit = 0; bit < BITS; bit++) {
		if ((kept >> bit & 1) != 0)
			continue;
		if (prctl(PR_CAPBSET_DROP, bit, 0, 0, 0) == 0)
			continue;
		/* EINVAL: the kernel's list of capabilities has ended. */
		return errno == EINVAL && bit != 0 ? ERR_OK : ERR_UNAVAILABLE;
	}
	return ERR_OK;
}

enum err capability_drop_all(void)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
		return ERR_UNAVAILABLE;
	TRY(capability_bound(0));
	if (prctl(PR_SET_SECUREBITS, SECURE_AND_LOCKED, 0, 0, 0) != 0)
		return ERR_UNAVAILABLE;
	return capability_keep(0);
}
