/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/filter.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/secret.h"

static void release(scmp_filter_ctx *context)
{
	if (*context != NULL)
		seccomp_release(*context);
}

static uint32_t action_of(enum jail_action action)
{
	switch (action) {
	case JAIL_ALLOW:
		return SCMP_ACT_ALLOW;
	case JAIL_REFUSE:
		return SCMP_ACT_ERRNO(EACCES);
	case JAIL_ABSENT:
		return SCMP_ACT_ERRNO(ENOSYS);
	case JAIL_KILL:
		break;
	}
	return SCMP_ACT_KILL_PROCESS;
}

/* All 64 bits are compared: the kernel may look at the upper half, or not. */
static enum err add_rule(scmp_filter_ctx context, const struct jail_rule *rule)
{
	struct scmp_arg_cmp condition = { .arg = rule->when.argument };
	unsigned conditions = rule->when.test == JAIL_ANY ? 0 : 1;

	if (rule->when.test == JAIL_EQUAL) {
		condition.op = SCMP_CMP_EQ;
		condition.datum_a = rule->when.value;
	} else {
		condition.op = SCMP_CMP_MASKED_EQ;
		condition.datum_a = rule->when.value;
		condition.datum_b = 0;
	}
	/* The exact form, so that libseccomp may not translate or soften. */
	if (seccomp_rule_add_exact_array(context, action_of(rule->action),
					 rule->number, conditions,
					 &condition) != 0)
		return ERR_UNAVAILABLE;
	return ERR_OK;
}

static enum err add_profile(scmp_filter_ctx context,
			    const struct jail_profile *profile)
{
	/* Another architecture numbers its calls otherwise: 1 may be exit. */
	if (seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH,
			     SCMP_ACT_KILL_PROCESS) != 0)
		return ERR_UNAVAILABLE;
	for (size_t i = 0; i < profile_rule_count(profile); i++)
		TRY(add_rule(context, profile_rule(profile, i)));
	return ERR_OK;
}

/* libseccomp writes to a descriptor only, so through a file in memory. */
static enum err write_code(scmp_filter_ctx context, struct jail_filter *out)
{
	SCOPED_FD file = memfd_create("filter", MFD_CLOEXEC);
	struct writer code = WRITER_OVER(out->code);

	if (file < 0 || seccomp_export_bpf(context, file) != 0 ||
	    lseek(file, 0, SEEK_SET) != 0)
		return ERR_UNAVAILABLE;
	TRY(fd_read_all(file, &code));
	invariant(code.len != 0 && code.len % sizeof(struct sock_filter) == 0);
	out->len = code.len;
	return ERR_OK;
}

enum err filter_compile(const struct jail_profile *profile,
			struct jail_filter *out)
{
	SCOPED_WIPE(release)
	scmp_filter_ctx context = seccomp_init(action_of(profile->otherwise));
	struct jail_filter made = { .profile = profile };

	if (context == NULL)
		return ERR_UNAVAILABLE;
	TRY(add_profile(context, profile));
	TRY(write_code(context, &made));
	*out = made;
	return ERR_OK;
}

struct bytes filter_bytes(const struct jail_filter *filter)
{
	return (struct bytes){ filter->code, filter->len };
}

enum err filter_install(const struct jail_filter *filter)
{
	/* The kernel takes a pointer to non-const and only reads. */
	struct sock_fprog program = {
		.len = (unsigned short)(filter->len /
					sizeof(struct sock_filter)),
		.filter = (struct sock_filter *)(uintptr_t)filter->code,
	};

	/* A positive result names a thread that could not follow. */
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		    SECCOMP_FILTER_FLAG_TSYNC, &program) != 0)
		return ERR_UNAVAILABLE;
	return ERR_OK;
}

void filter_call_name(int number, char name[static FILTER_CALL_MAX])
{
	char *found =
		seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);

	/* Newer than the library. */
	if (found == NULL)
		(void)snprintf(name, FILTER_CALL_MAX, "call%d", number);
	else
		(void)snprintf(name, FILTER_CALL_MAX, "%s", found);
	free(found);
}
