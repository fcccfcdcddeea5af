/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "sandbox/capability.h"
#include "sandbox/landlock.h"
#include "sandbox/memory.h"

#define TEXT_BYTES ((size_t)64 << 10)
#define PATH_BYTES 256

/* Newer than the headers of Debian 12. */
#define GET_MDWE 66 /* PR_GET_MDWE */
#define CALL_MSEAL 462

#define MAY_LIFT_LIMITS (1ull << 24) /* CAP_SYS_RESOURCE */

/* What a look found, and what it thinks of it. */
#define SAY(out, verdict, ...)                                         \
	(snprintf((out)->found, sizeof((out)->found), __VA_ARGS__) < 0 \
		 ? MACHINE_REFUSED                                     \
		 : (verdict))

/* A file's text, zero-ended; its length, or -1 with errno. */
static ssize_t read_text(const struct machine *machine, const char *name,
			 char *text, size_t max)
{
	char path[PATH_BYTES];
	struct writer out = { (uint8_t *)text, 0, max - 1 };
	SCOPED_FD file = -1;

	text[0] = '\0';
	snprintf(path, sizeof(path), "%s%s", machine->root, name);
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return -1;
	if (fd_read_all(file, &out) != ERR_OK) {
		errno = EIO;
		return -1;
	}
	text[out.len] = '\0';
	return (ssize_t)out.len;
}

static void cut_line(char *text)
{
	text[strcspn(text, "\n")] = '\0';
}

static bool exists(const struct machine *machine, const char *name)
{
	char path[PATH_BYTES];

	snprintf(path, sizeof(path), "%s%s", machine->root, name);
	return access(path, F_OK) == 0;
}

/* A kernel that lacks a thing has no file of it, if it has a /proc. */
static enum machine_verdict without(const struct machine *machine,
				    const char *name,
				    struct machine_finding *out)
{
	if (errno == ENOENT && exists(machine, "/proc/meminfo"))
		return SAY(out, MACHINE_OK, "none in this kernel");
	return SAY(out, MACHINE_REFUSED, "%s: %s", name, strerror(errno));
}

static enum machine_verdict swap(const struct machine *machine,
				 struct machine_finding *out)
{
	char text[4096];
	const char *first;

	if (read_text(machine, "/proc/swaps", text, sizeof(text)) < 0)
		return without(machine, "/proc/swaps", out);
	/* A line of titles, and one for each device. */
	first = strchr(text, '\n');
	if (strncmp(text, "Filename", 8) != 0 || first == NULL)
		return SAY(out, MACHINE_REFUSED, "/proc/swaps is not known");
	if (first[1] == '\0')
		return SAY(out, MACHINE_OK, "off");
	return SAY(out, MACHINE_REFUSED, "on: %.*s",
		   (int)strcspn(first + 1, " \t\n"), first + 1);
}

static enum machine_verdict cores(const struct machine *machine,
				  struct machine_finding *out)
{
	char text[256];

	if (read_text(machine, "/proc/sys/kernel/core_pattern", text,
		      sizeof(text)) < 0)
		return without(machine, "core_pattern", out);
	cut_line(text);
	/* A program's standard input, or from Linux 6.16 on a socket. */
	return SAY(out,
		   text[0] == '|' || text[0] == '@' ? MACHINE_REFUSED
						    : MACHINE_OK,
		   "\"%.60s\"", text);
}

static enum machine_verdict seccomp(const struct machine *machine,
				    struct machine_finding *out)
{
	unsigned kill = SECCOMP_RET_KILL_PROCESS;

	(void)machine;
	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &kill) != 0)
		return SAY(out, MACHINE_WARNING, "%s", strerror(errno));
	return SAY(out, MACHINE_OK, "kills the process");
}

/* In a child, which then has what it asked for alone. */
static enum machine_verdict namespaces(const struct machine *machine,
				       struct machine_finding *out)
{
	int flags =
		geteuid() == 0 ? CLONE_NEWPID | CLONE_NEWNET : CLONE_NEWUSER;
	pid_t child = fork();
	int status = -1;

	(void)machine;
	if (child == 0)
		_exit(unshare(flags) == 0 ? 0 : 1);
	if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
		return SAY(out, MACHINE_WARNING, "refused to this user");
	return SAY(out, MACHINE_OK, "%s",
		   geteuid() == 0 ? "as root" : "of an ordinary user");
}

static enum machine_verdict user(const struct machine *machine,
				 struct machine_finding *out)
{
	(void)machine;
	if (!capability_has(CAPABILITY_SUPERVISE)) {
		return SAY(out, MACHINE_WARNING,
			   "user %u: others of it may trace the node",
			   (unsigned)geteuid());
	}
	return SAY(out, MACHINE_OK, "each role gets a user of its own");
}

static enum machine_verdict landlock(const struct machine *machine,
				     struct machine_finding *out)
{
	unsigned abi = landlock_abi();

	(void)machine;
	return SAY(out, abi >= 6 ? MACHINE_OK : MACHINE_WARNING, "ABI %u", abi);
}

static enum machine_verdict secret_pages(const struct machine *machine,
					 struct machine_finding *out)
{
	(void)machine;
	if (memory_secret_kind() != MEMORY_SECRECY_KERNEL)
		return SAY(out, MACHINE_WARNING, "none: keys are locked only");
	return SAY(out, MACHINE_OK, "keys on pages that nobody reads");
}

static enum machine_verdict write_execute(const struct machine *machine,
					  struct machine_finding *out)
{
	bool mdwe = prctl(GET_MDWE, 0, 0, 0, 0) >= 0;
	/* An odd address, so that it fails where there is such a call. */
	bool mseal = syscall(CALL_MSEAL, 1, 0, 0) == 0 || errno != ENOSYS;

	(void)machine;
	return SAY(out, mdwe ? MACHINE_OK : MACHINE_WARNING,
		   "MDWE %s, mseal %s", mdwe ? "yes" : "no",
		   mseal ? "yes" : "no");
}

/* As given on the kernel's line, or built in, which only its log tells. */
static enum machine_verdict init_on_free(const struct machine *machine,
					 struct machine_finding *out)
{
	char text[4096];

	(void)read_text(machine, "/proc/cmdline", text, sizeof(text));
	if (strstr(text, "init_on_free=1") == NULL)
		return SAY(out, MACHINE_WARNING, "not on the kernel's line");
	return SAY(out, MACHINE_OK, "on");
}

static enum machine_verdict lockdown(const struct machine *machine,
				     struct machine_finding *out)
{
	char text[128];
	const char *on;

	(void)read_text(machine, "/sys/kernel/security/lockdown", text,
			sizeof(text));
	cut_line(text);
	on = strchr(text, '[');
	if (on == NULL || strncmp(on, "[none]", 6) == 0)
		return SAY(out, MACHINE_WARNING, "off");
	return SAY(out,
		   strncmp(on, "[confidentiality]", 17) == 0 ? MACHINE_OK
							     : MACHINE_WARNING,
		   "%.60s", on);
}

static enum machine_verdict ptrace_scope(const struct machine *machine,
					 struct machine_finding *out)
{
	char text[16];

	if (read_text(machine, "/proc/sys/kernel/yama/ptrace_scope", text,
		      sizeof(text)) < 0)
		return SAY(out, MACHINE_WARNING, "no Yama");
	cut_line(text);
	return SAY(out,
		   strtol(text, NULL, 10) >= 2 ? MACHINE_OK : MACHINE_WARNING,
		   "ptrace_scope %s", text);
}

static enum machine_verdict tpm(const struct machine *machine,
				struct machine_finding *out)
{
	if (!exists(machine, "/dev/tpmrm0"))
		return SAY(out, MACHINE_WARNING, "none");
	return SAY(out, MACHINE_OK, "/dev/tpmrm0");
}

static enum machine_verdict reports(const struct machine *machine,
				    struct machine_finding *out)
{
	if (!exists(machine, "/sys/kernel/config/tsm/report"))
		return SAY(out, MACHINE_WARNING, "no configfs-tsm");
	return SAY(out, MACHINE_OK, "configfs-tsm");
}

static unsigned long long value_of(const char *text, const char *name)
{
	const char *line = strstr(text, name);

	return line == NULL ? 0 : strtoull(line + strlen(name), NULL, 10);
}

static enum machine_verdict huge_pages(const struct machine *machine,
				       struct machine_finding *out)
{
	char text[8192], advice[256];
	unsigned long long reserved;

	(void)read_text(machine, "/proc/meminfo", text, sizeof(text));
	(void)read_text(machine,
			"/sys/kernel/mm/transparent_hugepage/shmem_enabled",
			advice, sizeof(advice));
	reserved = value_of(text, "\nHugePages_Total:");
	if (reserved == 0 && strstr(advice, "[advise]") == NULL &&
	    strstr(advice, "[always]") == NULL)
		return SAY(out, MACHINE_WARNING,
			   "none reserved, none on advice");
	return SAY(out, MACHINE_OK, "%llu reserved", reserved);
}

/* Root's node lifts the limit for itself, if root may. */
static enum machine_verdict locked_memory(const struct machine *machine,
					  struct machine_finding *out)
{
	struct rlimit limit = { 0, 0 };

	(void)getrlimit(RLIMIT_MEMLOCK, &limit);
	if (limit.rlim_max == RLIM_INFINITY || capability_has(MAY_LIFT_LIMITS))
		return SAY(out, MACHINE_OK, "no limit");
	return SAY(out,
		   limit.rlim_max >= machine->needed_memory ? MACHINE_OK
							    : MACHINE_WARNING,
		   "%llu KiB: keys, not all arenas",
		   (unsigned long long)limit.rlim_max >> 10);
}

/* The last flag of a kind is what its kernels need. */
static enum machine_verdict processor(const struct machine *machine,
				      struct machine_finding *out)
{
	static char text[TEXT_BYTES];
	static const struct {
		const char *flag, *name;
	} known[] = {
		{ " amx_int8", "AMX" },
		{ " avx512_vnni", "AVX-512 VNNI" },
		{ " avx2", "AVX2" },
	};
	char path[PATH_BYTES];
	SCOPED_FD file = -1;
	ssize_t got;

	/* Its first processor will do: the file may be long. */
	snprintf(path, sizeof(path), "%s/proc/cpuinfo", machine->root);
	file = open(path, O_RDONLY | O_CLOEXEC);
	got = file < 0 ? -1 : read(file, text, sizeof(text) - 1);
	text[got < 0 ? 0 : got] = '\0';
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strstr(text, known[i].flag) != NULL)
			return SAY(out, MACHINE_OK, "%s", known[i].name);
	}
	return SAY(out, MACHINE_WARNING, "no AVX2");
}

static enum machine_verdict memory(const struct machine *machine,
				   struct machine_finding *out)
{
	char text[8192];
	unsigned long long available;
	size_t needed = machine->needed_memory >> 20;

	(void)read_text(machine, "/proc/meminfo", text, sizeof(text));
	available = value_of(text, "\nMemAvailable:") >> 10;
	return SAY(out, available > needed ? MACHINE_OK : MACHINE_WARNING,
		   "%llu MiB free, at least %zu needed", available, needed);
}

enum necessity {
	NEEDED,
	USEFUL,
};

static const struct {
	enum necessity necessity;
	const char *name;
	enum machine_verdict (*look)(const struct machine *machine,
				     struct machine_finding *out);
	const char *advice;
} rows[] = {
	{ NEEDED, "swap", swap,
	  "swapoff -a, and take it out of /etc/fstab: memory would reach a "
	  "disk" },
	{ NEEDED, "core pattern", cores,
	  "sysctl kernel.core_pattern=core: a handler is given memory of what "
	  "dies" },
	{ USEFUL, "seccomp", seccomp, "a kernel with CONFIG_SECCOMP_FILTER" },
	{ USEFUL, "namespaces", namespaces,
	  "start as root, or allow user namespaces to this user" },
	{ USEFUL, "user", user,
	  "start as root, or let nothing else run as it" },
	{ USEFUL, "landlock", landlock,
	  "Linux 6.12 or later, with landlock among its lsm=" },
	{ USEFUL, "secret pages", secret_pages,
	  "Linux 6.5 or later, or secretmem.enable=1 on the kernel's line" },
	{ USEFUL, "no new code", write_execute, "Linux 6.3 or later" },
	{ USEFUL, "init_on_free", init_on_free,
	  "init_on_free=1 on the kernel's line: freed pages are zero" },
	{ USEFUL, "lockdown", lockdown,
	  "lockdown=confidentiality on the kernel's line" },
	{ USEFUL, "tracing", ptrace_scope,
	  "sysctl kernel.yama.ptrace_scope=2 or 3" },
	{ USEFUL, "TPM", tpm, "without it, no --evidence tpm2" },
	{ USEFUL, "reports", reports,
	  "without it, no --evidence sev-snp or tdx" },
	{ USEFUL, "huge pages", huge_pages,
	  "sysctl vm.nr_hugepages, or shmem_enabled=advise: it is faster" },
	{ USEFUL, "locked memory", locked_memory,
	  "raise ulimit -l to the memory below" },
	{ USEFUL, "processor", processor, "it will be slow, and right" },
	{ USEFUL, "memory", memory, "fewer workers, or a smaller context" },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

size_t machine_rows(void)
{
	return ROWS;
}

void machine_look(const struct machine *machine, size_t row,
		  struct machine_finding *out)
{
	invariant(row < ROWS);
	*out = (struct machine_finding){ .name = rows[row].name };
	out->verdict = rows[row].look(machine, out);
	out->advice = out->verdict == MACHINE_OK ? "" : rows[row].advice;
}

enum err machine_needed(const struct machine *machine,
			struct machine_finding *out)
{
	for (size_t i = 0; i < ROWS; i++) {
		if (rows[i].necessity != NEEDED)
			continue;
		machine_look(machine, i, out);
		if (out->verdict != MACHINE_OK)
			return ERR_DENIED;
	}
	return ERR_OK;
}
