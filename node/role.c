/* SPDX-License-Identifier: Apache-2.0 */
#include "node/role.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/setup.h"
#include "policy/events.h"
#include "sandbox/filter.h"
#include "sandbox/selftest.h"

#define PREFIX "pcc-node: "

static const char *const titles[JAIL_ROLES] = {
	[JAIL_SUPERVISOR] = PREFIX "supervisor",
	[JAIL_FRONT] = PREFIX "front",
	[JAIL_KEEPER] = PREFIX "keeper",
	[JAIL_ZYGOTE] = PREFIX "zygote",
	[JAIL_ATTESTER] = PREFIX "attester",
	[JAIL_WORKER] = PREFIX "worker",
};

/* What jail_isolate() found out, for the log line once the jail is closed. */
static struct jail_report report;

enum jail_role role_named(const char *argv0)
{
	for (int i = JAIL_FRONT; i < JAIL_WORKER; i++)
		if (strcmp(argv0, titles[i]) == 0)
			return (enum jail_role)i;
	return JAIL_SUPERVISOR;
}

const char *role_title(enum jail_role role)
{
	return titles[role];
}

void role_rename(enum jail_role role)
{
	/* The kernel shows the memory that argv[0] lies in, so far as it was
	   when the program began. */
	size_t room = strlen(program_invocation_name);

	if (strlen(titles[role]) <= room)
		strncpy(program_invocation_name, titles[role], room);
}

static _Noreturn void give_up(enum jail_role role)
{
	fprintf(stderr, "%s: the jail cannot be closed: %s: %s\n", titles[role],
		jail_step_name(report.failed), strerror(report.error));
	exit(EXIT_FAILURE);
}

static void isolate(enum jail_role role, const struct jail_isolation *isolation)
{
	if (jail_isolate(profile_of(role), isolation, &report) != ERR_OK)
		give_up(role);
}

void role_isolate(enum jail_role role)
{
	static const int descriptors[] = { SETUP_CONTROL_FD };

	isolate(role, &(struct jail_isolation){ .descriptors = descriptors,
						.descriptor_count = 1 });
}

void role_isolate_keeping(enum jail_role role, int descriptor, uint16_t port)
{
	const int descriptors[] = { SETUP_CONTROL_FD, descriptor };

	isolate(role, &(struct jail_isolation){
			      .descriptors = descriptors,
			      .descriptor_count = descriptor < 0 ? 1 : 2,
			      .ports = &port,
			      .port_count = port == 0 ? 0 : 1,
		      });
}

void role_isolate_within(enum jail_role role, int descriptor,
			 const char *directory)
{
	const int descriptors[] = { SETUP_CONTROL_FD, descriptor };

	isolate(role, &(struct jail_isolation){
			      .descriptors = descriptors,
			      .descriptor_count = descriptor < 0 ? 1 : 2,
			      .directory = directory,
		      });
}

void role_close_jail(enum jail_role role)
{
	static struct jail_filter filter;

	if (filter_compile(profile_of(role), &filter) != ERR_OK)
		die("the system call filter does not compile");
	if (jail_enter(&filter, &report) != ERR_OK)
		give_up(role);
	EVENTS_LOG(EVENT_ROLE_STARTED, role, report.landlock_abi,
		   report.optional);
}

void role_prove_jails(void)
{
	static const enum jail_role tried[] = { JAIL_FRONT, JAIL_KEEPER,
						JAIL_ZYGOTE, JAIL_ATTESTER };
	static struct jail_filter filter;
	struct selftest_result result;

	for (size_t i = 0; i < sizeof(tried) / sizeof(tried[0]); i++) {
		enum err err = filter_compile(profile_of(tried[i]), &filter);

		if (err == ERR_OK)
			err = selftest_run(&filter, &result);
		if (err == ERR_DENIED)
			die("a forbidden act works in a role's jail");
		if (err != ERR_OK)
			die("a role's jail cannot be closed, to be tried");
	}
}
