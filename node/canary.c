/* SPDX-License-Identifier: Apache-2.0 */
#include "node/canary.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/secret.h"
#include "crypto/random.h"
#include "node/clock.h"
#include "node/role.h"
#include "node/visitor.h"
#include "sandbox/hold.h"
#include "sandbox/scan.h"

#define WORD NEEDLE_SECRET_MAX
#define READY "pcc-node: ready"
#define READY_MS 60000
#define HOLD_MS 4 /* until a worker has the question */
#define HOLD_TRIES 20
#define CLEAN_MS 5000 /* until that worker is gone */
#define STOP_MS 10000
#define LOOK_MS 20
#define PROCESSES_MAX 128
#define PATH_BYTES 128
#define TEXT_BYTES 4096

struct drill {
	const struct options *options;
	const struct policy *policy;
	char folder[64], socket[80];
	pid_t node;
	struct needles needles;
	pid_t holder; /* the worker that had the word */
};

struct processes {
	pid_t pids[PROCESSES_MAX];
	size_t count;
};

static void wait_ms(unsigned ms)
{
	struct timespec time = { ms / 1000, (long)(ms % 1000) * 1000000 };

	nanosleep(&time, NULL);
}

static enum err refuse(const char *what)
{
	printf("%-8s %-14s %s\n", "refused", "canary", what);
	return ERR_UNAVAILABLE;
}

/* In the child: the node. */
static _Noreturn void become_node(const struct drill *drill, int out)
{
	char listen[PATH_BYTES + 8], log[PATH_BYTES + 8];
	const char *arguments[] = {
		"pcc-node", "--model", drill->options->model,
		"--listen", listen,    NULL,
		NULL,	    NULL
	};
	static char *const nothing[] = { NULL };
	int file;

	if (drill->options->policy != NULL) {
		arguments[5] = "--policy";
		arguments[6] = drill->options->policy;
	}
	snprintf(listen, sizeof(listen), "unix:%s", drill->socket);
	snprintf(log, sizeof(log), "%s/log", drill->folder);
	file = open(log, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (file < 0 || dup2(out, STDOUT_FILENO) < 0 ||
	    dup2(file, STDERR_FILENO) < 0)
		_exit(127);
	execve("/proc/self/exe", (char *const *)(uintptr_t)arguments, nothing);
	_exit(127);
}

static bool await_ready(int out)
{
	uint64_t end = clock_now_ms() + READY_MS;
	char text[TEXT_BYTES];
	size_t len = 0;

	while (clock_now_ms() < end && len + 1 < sizeof(text)) {
		struct pollfd file = { .fd = out, .events = POLLIN };
		ssize_t got;

		if (poll(&file, 1, LOOK_MS) <= 0)
			continue;
		got = read(out, text + len, sizeof(text) - 1 - len);
		if (got <= 0)
			return false;
		len += (size_t)got;
		text[len] = '\0';
		if (strstr(text, READY) != NULL)
			return true;
	}
	return false;
}

static bool start_node(struct drill *drill)
{
	SCOPED_FD out = -1;
	SCOPED_FD end = -1;
	int pair[2];

	if (pipe2(pair, O_CLOEXEC) != 0)
		return false;
	out = pair[0];
	end = pair[1];
	drill->node = fork();
	if (drill->node == 0)
		become_node(drill, end);
	fd_close(&end);
	return drill->node > 0 && await_ready(out);
}

/* Gently, then not: its processes end with it. */
static void stop_node(struct drill *drill)
{
	uint64_t end = clock_now_ms() + STOP_MS;
	pid_t ended = 0;

	if (drill->node <= 0)
		return;
	kill(drill->node, SIGTERM);
	while (ended == 0 && clock_now_ms() < end) {
		ended = waitpid(drill->node, NULL, WNOHANG);
		if (ended == 0)
			wait_ms(LOOK_MS);
	}
	if (ended == 0) {
		kill(drill->node, SIGKILL);
		waitpid(drill->node, NULL, 0);
	}
	drill->node = 0;
}

/* A file of /proc/PID as text. */
static void read_about(pid_t pid, const char *name,
		       char text[static TEXT_BYTES])
{
	struct writer out = { (uint8_t *)text, 0, TEXT_BYTES - 1 };
	char path[PATH_BYTES];
	SCOPED_FD file = -1;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file >= 0)
		(void)!fd_read_all(file, &out);
	text[out.len] = '\0';
}

static pid_t parent_of(pid_t pid)
{
	char text[TEXT_BYTES];
	const char *line;

	read_about(pid, "status", text);
	line = strstr(text, "\nPPid:");
	return line == NULL ? 0 : (pid_t)strtol(line + 6, NULL, 10);
}

static void list_children(pid_t parent, struct processes *list)
{
	DIR *folder = opendir("/proc");
	struct dirent *entry;

	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid > 0 && list->count < PROCESSES_MAX &&
		    parent_of(pid) == parent)
			list->pids[list->count++] = pid;
	}
	if (folder != NULL)
		closedir(folder);
}

static void list_workers(const struct drill *drill, struct processes *list)
{
	struct processes roles = { .count = 0 };

	list_children(drill->node, &roles);
	for (size_t i = 0; i < roles.count; i++) {
		char title[TEXT_BYTES];

		read_about(roles.pids[i], "cmdline", title);
		if (strcmp(title, role_title(JAIL_ZYGOTE)) == 0)
			list_children(roles.pids[i], list);
	}
}

/* Enough for an answer of some length. */
static unsigned tokens_of(const struct policy *policy)
{
	return policy->output_tokens_max < 256 ? policy->output_tokens_max
					       : 256;
}

/* The question as it is sealed; what it is made of is wiped. */
static enum err ask(struct drill *drill, struct visitor *visitor)
{
	char word[WORD + 1], json[512];
	enum err err;

	random_bytes(word, WORD);
	for (size_t i = 0; i < WORD; i++)
		word[i] = (char)('a' + (unsigned char)word[i] % 26);
	word[WORD] = '\0';
	needle_add_pieces(&drill->needles, bytes_of_string(word));
	snprintf(json, sizeof(json),
		 "{\"model\":\"%.64s\",\"prompt\":\"%s\",\"max_tokens\":%u}",
		 drill->policy->model_name, word, tokens_of(drill->policy));
	err = visitor_seal(visitor, bytes_of_string(json));
	secret_wipe(word, sizeof(word));
	secret_wipe(json, sizeof(json));
	secret_wipe_stack();
	return err;
}

/* Workers of a policy are few; each is held while all are looked at. */
static size_t look_at_workers(struct drill *drill,
			      const struct processes *workers)
{
	static struct hold holds[PROCESSES_MAX];
	size_t hits = 0;

	for (size_t i = 0; i < workers->count; i++)
		hold_begin(workers->pids[i], &holds[i]);
	for (size_t i = 0; i < workers->count && hits == 0; i++) {
		struct scan_finding finding = { 0 };

		scan_process(&drill->needles, workers->pids[i], &finding);
		drill->holder = workers->pids[i];
		hits = finding.hits;
	}
	for (size_t i = 0; i < workers->count; i++)
		hold_end(&holds[i]);
	return hits;
}

/*
 * How often it is in the worker that has it.  To look takes longer than an
 * answer, so workers stand still meanwhile; each time they go on for a moment.
 */
static size_t find_holder(struct drill *drill, const struct processes *workers)
{
	size_t hits = 0;

	for (unsigned i = 0; i < HOLD_TRIES && hits == 0; i++) {
		wait_ms(HOLD_MS);
		hits = look_at_workers(drill, workers);
	}
	return hits;
}

/* Its worker gone, and others in the place of it and the one after it. */
static bool await_clean(const struct drill *drill)
{
	uint64_t end = clock_now_ms() + CLEAN_MS;

	while (clock_now_ms() < end) {
		struct processes workers = { .count = 0 };

		list_workers(drill, &workers);
		if (kill(drill->holder, 0) != 0 &&
		    workers.count >= drill->policy->warm_workers)
			return true;
		wait_ms(LOOK_MS);
	}
	return false;
}

static size_t print(const char *what, size_t places,
		    const struct scan_finding *finding)
{
	printf("%-8s %-14s %zu hits in %zu %s, %llu KiB, %llu unreadable"
	       "%s%s%s%s\n",
	       finding->hits > 0 || finding->is_refused ? "refused" : "ok",
	       "canary", finding->hits, places, what,
	       (unsigned long long)finding->bytes >> 10,
	       (unsigned long long)finding->unreadable >> 10,
	       finding->hits > 0 ? ": as " : "",
	       finding->hits > 0 ? finding->encoding : "",
	       finding->hits > 0 ? " in " : "", finding->where);
	return finding->hits + finding->is_refused;
}

/* What is searched for has to be found where it is put. */
static bool finds_every_form(const struct needles *needles)
{
	size_t found = 0;

	for (size_t i = 0; i < needles->count; i++) {
		struct scan_finding finding = { 0 };
		uint8_t memory[2 * NEEDLE_MAX] = { 0 };

		(void)needle_reveal(needles, i, memory + 16);
		scan_memory(needles, BYTES_ARRAY(memory), "", &finding);
		secret_wipe(memory, sizeof(memory));
		found += finding.hits > 0;
	}
	printf("%-8s %-14s planted in %zu forms: %zu found\n",
	       found == needles->count ? "ok" : "refused", "canary",
	       needles->count, found);
	return found == needles->count;
}

static enum err look_everywhere(const struct drill *drill)
{
	struct scan_finding memory = { 0 }, queues = { 0 }, files = { 0 };
	struct processes all = { .pids = { drill->node }, .count = 1 };
	size_t left;

	list_children(drill->node, &all);
	list_workers(drill, &all);
	for (size_t i = 0; i < all.count; i++) {
		scan_process(&drill->needles, all.pids[i], &memory);
		scan_descriptors(&drill->needles, all.pids[i], &queues);
	}
	scan_folder(&drill->needles, drill->folder, &files);
	left = print("processes", all.count, &memory);
	left += print("descriptors", queues.places, &queues);
	left += print("files", files.places, &files);
	return left == 0 ? ERR_OK : ERR_DENIED;
}

static enum err visit(struct drill *drill, struct visitor *visitor)
{
	struct processes workers = { .count = 0 };
	size_t held;

	list_workers(drill, &workers);
	if (ask(drill, visitor) != ERR_OK || visitor_ask(visitor) != ERR_OK)
		return refuse("the node takes no request");
	held = find_holder(drill, &workers);
	printf("%-8s %-14s %zu hits in the worker that has the request\n",
	       held > 0 ? "ok" : "refused", "canary", held);
	if (visitor_hear(visitor) != ERR_OK)
		return refuse("no good answer came");
	if (!await_clean(drill))
		return refuse("the worker does not end");
	if (held == 0 || !finds_every_form(&drill->needles))
		return ERR_DENIED;
	return look_everywhere(drill);
}

static enum err start_and_visit(struct drill *drill)
{
	struct visitor *visitor;
	enum err err;

	if (geteuid() != 0)
		return refuse("only root sees the memory of every process");
	if (!start_node(drill)) {
		printf("%-8s %-14s the node does not start: %s/log\n",
		       "refused", "canary", drill->folder);
		drill->folder[0] = '\0';
		return ERR_UNAVAILABLE;
	}
	if (visitor_open(drill->socket, &visitor) != ERR_OK)
		return refuse("the node offers no key");
	err = visit(drill, visitor);
	visitor_close(visitor);
	return err;
}

static void remove_folder(const struct drill *drill)
{
	char log[PATH_BYTES + 8];

	if (drill->folder[0] == '\0')
		return;
	snprintf(log, sizeof(log), "%s/log", drill->folder);
	unlink(log);
	unlink(drill->socket);
	rmdir(drill->folder);
}

enum err canary_run(const struct options *options, const struct policy *policy)
{
	static struct drill drill;
	enum err err;

	drill.options = options;
	drill.policy = policy;
	snprintf(drill.folder, sizeof(drill.folder), "/tmp/pcc-doctor.XXXXXX");
	if (mkdtemp(drill.folder) == NULL)
		return refuse("no folder to work in");
	/* Roles have users of their own, and the front its socket. */
	snprintf(drill.socket, sizeof(drill.socket), "%s/node", drill.folder);
	err = start_and_visit(&drill);
	stop_node(&drill);
	remove_folder(&drill);
	return err;
}
