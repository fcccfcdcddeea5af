/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/scenarios/process.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/fd.h"
#include "tests/system.h"

#define PATH_BYTES 96
#define FILE_BYTES 8192
#define LOOK_MS 2
#define LOOKS 10 /* that have to agree */
#define WORKER_MS 5000

static const char *const titles[JAIL_ROLES] = {
	[JAIL_FRONT] = "pcc-node: front",
	[JAIL_KEEPER] = "pcc-node: keeper",
	[JAIL_ZYGOTE] = "pcc-node: zygote",
	[JAIL_ATTESTER] = "pcc-node: attester",
};

/* /proc/PID/name as text, cut where it is long; its length, -1 for none. */
static ssize_t read_about(pid_t pid, const char *name,
			  char text[static FILE_BYTES])
{
	char path[PATH_BYTES];
	size_t len = 0;
	SCOPED_FD file = -1;

	text[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return -1;
	for (;;) {
		ssize_t got = read(file, text + len, FILE_BYTES - 1 - len);

		if (got <= 0)
			break;
		len += (size_t)got;
	}
	text[len] = '\0';
	return (ssize_t)len;
}

/* The word after "name:" at the start of a line; empty for none. */
static void find_value(const char *text, const char *name,
		       char value[static PROCESS_VALUE_MAX])
{
	size_t len = strlen(name);
	const char *line = text;

	value[0] = '\0';
	while (line != NULL) {
		if (strncmp(line, name, len) == 0 && line[len] == ':') {
			(void)sscanf(line + len + 1, "%63s", value);
			return;
		}
		line = strchr(line, '\n');
		if (line != NULL)
			line++;
	}
}

void process_status(pid_t pid, const char *name,
		    char value[static PROCESS_VALUE_MAX])
{
	char text[FILE_BYTES] = "";

	(void)read_about(pid, "status", text);
	find_value(text, name, value);
}

uint64_t process_memory_kib(pid_t pid, const char *name)
{
	char text[FILE_BYTES] = "", value[PROCESS_VALUE_MAX];

	(void)read_about(pid, "smaps_rollup", text);
	find_value(text, name, value);
	return strtoull(value, NULL, 10);
}

uint64_t process_used_ms(pid_t pid)
{
	char text[FILE_BYTES] = "";
	unsigned long long user = 0, kernel = 0;
	const char *rest;

	(void)read_about(pid, "stat", text);
	/* The name may hold anything; what stands after it are numbers. */
	rest = strrchr(text, ')');
	if (rest != NULL)
		(void)sscanf(rest,
			     ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u "
			     "%llu %llu",
			     &user, &kernel);
	return (user + kernel) * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
}

static uint64_t read_limit(const char *word)
{
	return strcmp(word, "unlimited") == 0 ? UINT64_MAX
					      : strtoull(word, NULL, 10);
}

bool process_limit(pid_t pid, const char *name, struct process_limit *out)
{
	char text[FILE_BYTES] = "", soft[24], hard[24];
	const char *line;

	(void)read_about(pid, "limits", text);
	line = strstr(text, name);
	if (line == NULL ||
	    sscanf(line + strlen(name), "%23s %23s", soft, hard) != 2)
		return false;
	out->soft = read_limit(soft);
	out->hard = read_limit(hard);
	return true;
}

/* 0 if there is none. */
static uint64_t limit_of(pid_t pid, const char *name)
{
	struct process_limit limit;

	if (!process_limit(pid, name, &limit) || limit.hard == UINT64_MAX)
		return 0;
	return limit.hard;
}

uint64_t process_allowed_s(pid_t pid)
{
	return limit_of(pid, "Max cpu time");
}

uint64_t process_locked_bytes(pid_t pid)
{
	return limit_of(pid, "Max locked memory");
}

uint64_t process_stack_bytes(pid_t pid)
{
	return limit_of(pid, "Max stack size");
}

size_t process_descriptor_count(pid_t pid)
{
	char path[PATH_BYTES];
	size_t count = 0;
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	folder = opendir(path);
	if (folder == NULL)
		return 0;
	for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
		count += entry->d_name[0] != '.';
	closedir(folder);
	return count;
}

ssize_t process_file_bytes(pid_t pid, const char *name)
{
	char text[FILE_BYTES];

	return read_about(pid, name, text);
}

static void add(struct process_list *list, pid_t pid)
{
	if (list->count < PROCESS_MAX)
		list->pids[list->count++] = pid;
}

/* Every entry of a folder of /proc that is a number. */
static void list_numbers(const char *path, struct process_list *out)
{
	DIR *folder = opendir(path);
	struct dirent *entry;

	out->count = 0;
	if (folder == NULL)
		return;
	while ((entry = readdir(folder)) != NULL)
		if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9')
			add(out, (pid_t)strtol(entry->d_name, NULL, 10));
	closedir(folder);
}

void process_threads(pid_t pid, struct process_list *out)
{
	char path[PATH_BYTES];

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	list_numbers(path, out);
}

void process_children(pid_t parent, struct process_list *out)
{
	DIR *folder = opendir("/proc");
	struct dirent *entry;

	out->count = 0;
	if (folder == NULL)
		return;
	while ((entry = readdir(folder)) != NULL) {
		char value[PROCESS_VALUE_MAX];
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid <= 0)
			continue;
		process_status(pid, "PPid", value);
		if (strtol(value, NULL, 10) == parent && !process_is_gone(pid))
			add(out, pid);
	}
	closedir(folder);
}

pid_t process_role(pid_t supervisor, enum jail_role role)
{
	struct process_list children;

	process_children(supervisor, &children);
	for (size_t i = 0; i < children.count; i++) {
		char title[FILE_BYTES];

		(void)read_about(children.pids[i], "cmdline", title);
		if (titles[role] != NULL && strcmp(title, titles[role]) == 0)
			return children.pids[i];
	}
	return 0;
}

void process_workers(pid_t supervisor, struct process_list *out)
{
	pid_t zygote = process_role(supervisor, JAIL_ZYGOTE);

	out->count = 0;
	if (zygote != 0)
		process_children(zygote, out);
}

void process_await_workers(pid_t supervisor, struct process_list *out)
{
	uint64_t end = system_now_ms() + WORKER_MS;

	do {
		process_workers(supervisor, out);
		if (out->count > 0)
			return;
		system_sleep_ms(LOOK_MS);
	} while (system_now_ms() < end);
	cr_assert_fail("there is no worker");
}

void process_node(pid_t supervisor, struct process_list *out)
{
	struct process_list workers;

	process_workers(supervisor, &workers);
	process_children(supervisor, out);
	add(out, supervisor);
	for (size_t i = 0; i < workers.count; i++)
		add(out, workers.pids[i]);
}

/* Its own filter, beside the zygote's, is the last step into the jail. */
static bool is_jailed(pid_t worker, pid_t zygote)
{
	char own[PROCESS_VALUE_MAX], before[PROCESS_VALUE_MAX];

	process_status(worker, "Seccomp_filters", own);
	process_status(zygote, "Seccomp_filters", before);
	return strtol(own, NULL, 10) > strtol(before, NULL, 10);
}

bool process_is_complete(pid_t supervisor, size_t workers)
{
	pid_t zygote = process_role(supervisor, JAIL_ZYGOTE);
	struct process_list now;

	process_workers(supervisor, &now);
	if (now.count != workers || process_role(supervisor, JAIL_FRONT) == 0 ||
	    process_role(supervisor, JAIL_KEEPER) == 0)
		return false;
	for (size_t i = 0; i < now.count; i++)
		if (!is_jailed(now.pids[i], zygote))
			return false;
	return true;
}

bool process_await_node(pid_t supervisor, size_t workers, unsigned timeout_ms)
{
	uint64_t end = system_now_ms() + timeout_ms;
	unsigned looks = 0;

	/* A worker that has just answered is there for a moment yet. */
	while (looks < LOOKS && system_now_ms() < end) {
		looks = process_is_complete(supervisor, workers) ? looks + 1
								 : 0;
		system_sleep_ms(LOOK_MS);
	}
	return looks == LOOKS;
}

ino_t process_namespace(pid_t pid, const char *kind)
{
	char path[PATH_BYTES];
	struct stat status;

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, kind);
	return stat(path, &status) == 0 ? status.st_ino : 0;
}

static int compare(const void *a, const void *b)
{
	const int *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

ssize_t process_descriptors(pid_t pid, int *out, size_t max)
{
	char path[PATH_BYTES];
	struct process_list found;
	size_t count;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	if (access(path, R_OK | X_OK) != 0)
		return -1;
	list_numbers(path, &found);
	count = found.count < max ? found.count : max;
	memcpy(out, found.pids, count * sizeof(*out));
	qsort(out, count, sizeof(*out), compare);
	return (ssize_t)count;
}

ssize_t process_mappings(pid_t pid, struct process_mapping *out, size_t max)
{
	char path[PATH_BYTES], line[512];
	size_t count = 0;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	if (maps == NULL)
		return -1;
	while (count < max && fgets(line, sizeof(line), maps) != NULL) {
		struct process_mapping *made = &out[count];

		*made = (struct process_mapping){ 0 };
		if (sscanf(line,
			   "%" SCNx64 "-%" SCNx64 " %4s %*s %*s %" SCNu64
			   " %63[^\n]",
			   &made->start, &made->end, made->rights, &made->inode,
			   made->name) >= 4)
			count++;
	}
	fclose(maps);
	return (ssize_t)count;
}

bool process_is_gone(pid_t pid)
{
	char state[PROCESS_VALUE_MAX];

	process_status(pid, "State", state);
	return state[0] == '\0' || state[0] == 'Z' || state[0] == 'X';
}

int process_await_end(pid_t pid, unsigned timeout_ms)
{
	uint64_t began = system_now_ms();

	while (!process_is_gone(pid)) {
		if (system_now_ms() - began > timeout_ms)
			return -1;
		system_sleep_ms(LOOK_MS);
	}
	return (int)(system_now_ms() - began);
}
