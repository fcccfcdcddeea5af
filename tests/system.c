/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/system.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "sandbox/machine.h"
#include "tests/scenarios/fetch.h"
#include "tests/scenarios/journal.h"

#define ORDINARY_USER 4242
#define READY_MS 30000 /* sanitizers on a busy machine included */
#define GENTLE_MS 5000 /* between SIGTERM and SIGKILL */
#define LOOK_MS 5      /* between two looks at a file */
#define CONTEXT_TOKENS 256
#define ANSWER_TOKENS 128
#define ARGUMENTS_MAX 20
#define NODE_ARGUMENTS 7 /* that each node is told */
#define FAULT_MAX 2048

static const struct {
	const char *program;
	const char *log;
	const char *out;
	const char *ready; /* the line of standard output that says so */
} parts[SYSTEM_PARTS] = {
	[SYSTEM_NODE] = { "pcc-node", "node.log", "node.out",
			  "pcc-node: ready" },
	[SYSTEM_GATEWAY] = { "pcc-gateway", "gateway.log", "gateway.out",
			     "pcc-gateway: listening on " },
	[SYSTEM_CLIENT] = { "pcc-client", "client.log", "client.out",
			    "pcc-client: listening on " },
};

static const char *const *told; /* to the next node besides */
static const char *trusted;	/* the client's file, or NULL */

void system_tell(const char *const *node_arguments, const char *trust)
{
	told = node_arguments;
	trusted = trust;
}

static char fault[FAULT_MAX]; /* what the last call complained of */

uint64_t system_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t system_now_ms(void)
{
	return system_now_us() / 1000;
}

void system_sleep_ms(unsigned ms)
{
	struct timespec time = { ms / 1000, (long)(ms % 1000) * 1000000 };

	nanosleep(&time, NULL);
}

const char *system_model(void)
{
	static char path[PATH_MAX];
	const char *named = getenv("PCC_MODEL");
	const char *models = getenv("MODELS");

	if (named != NULL)
		return named;
	if (access("models/home.gguf", R_OK) == 0)
		return "models/home.gguf";
	snprintf(path, sizeof(path), "%s/stories260K/stories260K.gguf",
		 models != NULL ? models : "../shared/models");
	return access(path, R_OK) == 0 ? path : NULL;
}

bool system_is_sanitized(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return true;
#else
	return false;
#endif
}

const char *system_obstacle(void)
{
	static const struct machine here = { .root = "" };
	struct machine_finding finding;

	if (system_model() == NULL)
		return "no model is present";
	if (system_is_sanitized() && getenv("PCC_NODE") == NULL)
		return "a sanitizer cannot live in a jail, and PCC_NODE names "
		       "no other node";
	if (machine_needed(&here, &finding) != ERR_OK) {
		snprintf(fault, sizeof(fault),
			 "no node starts on this machine: %s: %s", finding.name,
			 finding.found);
		return fault;
	}
	return NULL;
}

struct policy system_policy(void)
{
	static const uint32_t totals[] = { 16, 64, 256, 1024 };
	struct policy policy;

	policy_default(&policy);
	policy.context_tokens = CONTEXT_TOKENS;
	policy.output_tokens_max = ANSWER_TOKENS;
	memcpy(policy.total_buckets, totals, sizeof(totals));
	policy.total_bucket_count = sizeof(totals) / sizeof(totals[0]);
	memset(policy.model_name, 0, sizeof(policy.model_name));
	memcpy(policy.model_name, SYSTEM_MODEL_NAME, sizeof(SYSTEM_MODEL_NAME));
	return policy;
}

static void path_in(const struct system *system, const char *name,
		    char path[static SYSTEM_PATH_MAX])
{
	/* The folder's name leaves room: see make_folder(). */
	snprintf(path, SYSTEM_PATH_MAX, "%.60s/%.30s", system->folder, name);
}

void system_socket(const struct system *system,
		   char path[static SYSTEM_PATH_MAX])
{
	path_in(system, "node.sock", path);
}

static size_t read_file(const char *path, char *text, size_t max)
{
	struct writer out = { (uint8_t *)text, 0, max - 1 };
	SCOPED_FD file = open(path, O_RDONLY | O_CLOEXEC);

	if (file >= 0)
		(void)!fd_read_all(file, &out);
	text[out.len] = '\0';
	return out.len;
}

size_t system_log(const struct system *system, enum system_part part,
		  char log[static SYSTEM_LOG_MAX])
{
	char path[SYSTEM_PATH_MAX];

	path_in(system, parts[part].log, path);
	return read_file(path, log, SYSTEM_LOG_MAX);
}

bool system_await_log(const struct system *system, enum system_part part,
		      const char *text, unsigned timeout_ms)
{
	static char log[SYSTEM_LOG_MAX];
	uint64_t end = system_now_ms() + timeout_ms;

	do {
		(void)system_log(system, part, log);
		if (strstr(log, text) != NULL)
			return true;
		system_sleep_ms(LOOK_MS);
	} while (system_now_ms() < end);
	return false;
}

/* Say what went wrong, with the end of the log that may tell why. */
static const char *complain(const struct system *system, enum system_part part,
			    const char *what)
{
	static char log[SYSTEM_LOG_MAX];
	size_t len = system_log(system, part, log);
	size_t skip = len > FAULT_MAX / 2 ? len - FAULT_MAX / 2 : 0;

	snprintf(fault, sizeof(fault), "%s: %.500s\n%s", parts[part].program,
		 what, log + skip);
	return fault;
}

static const char *make_folder(struct system *system)
{
	const char *base = getenv("TMPDIR");
	int len = snprintf(system->folder, sizeof(system->folder),
			   "%s/pcc.XXXXXX", base != NULL ? base : "/tmp");

	/* Names are added to it, and a socket's path has to hold them. */
	if (len < 0 || len > 60)
		return "the name of the folder for temporary files is too long";
	if (mkdtemp(system->folder) == NULL)
		return "no folder for temporary files";
	if (system->caller == SYSTEM_AS_ORDINARY &&
	    chown(system->folder, ORDINARY_USER, ORDINARY_USER) != 0)
		return "only root can become an ordinary user";
	return NULL;
}

static const char *write_policy(const struct system *system,
				const struct policy *policy)
{
	uint8_t memory[POLICY_TEXT_MAX];
	struct writer text = WRITER_OVER(memory);
	char path[SYSTEM_PATH_MAX];
	SCOPED_FD file = -1;

	path_in(system, "policy.conf", path);
	file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (file < 0 || policy_write(policy, &text) != ERR_OK ||
	    fd_write_all(file, bytes_written(&text)) != ERR_OK)
		return "the policy cannot be written";
	return NULL;
}

/* From a test program that is $BUILD/tests/FOLDER/NAME. */
bool system_built(const char *name, char path[static SYSTEM_BUILT_MAX])
{
	char self[SYSTEM_BUILT_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int written;

	if (len < 0)
		return false;
	self[len] = '\0';
	for (int i = 0; i < 3; i++) {
		char *slash = strrchr(self, '/');

		if (slash == NULL)
			return false;
		*slash = '\0';
	}
	written = snprintf(path, SYSTEM_BUILT_MAX, "%s/%s", self, name);
	return written > 0 && written < SYSTEM_BUILT_MAX;
}

static int open_program(enum system_part part)
{
	const char *node = getenv("PCC_NODE");
	char path[SYSTEM_BUILT_MAX];

	if (part == SYSTEM_NODE && node != NULL)
		return open(node, O_RDONLY | O_CLOEXEC);
	if (!system_built(parts[part].program, path))
		return -1;
	/* An open descriptor is all that an ordinary user needs of it. */
	return open(path, O_RDONLY | O_CLOEXEC);
}

static void become_ordinary(void)
{
	if (setgroups(0, NULL) != 0 || setgid(ORDINARY_USER) != 0 ||
	    setuid(ORDINARY_USER) != 0)
		_exit(126);
}

bool system_gives_namespaces(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (geteuid() == 0)
			become_ordinary();
		_exit(unshare(CLONE_NEWUSER) == 0 ? 0 : 1);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid &&
	       WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Nothing, unless a test says otherwise; it is the node's alone. */
static const char *const nothing[] = { NULL };
static const char *const *surroundings = nothing;

void system_surround(const char *const *environment)
{
	surroundings = environment;
}

static void (*attendant)(pid_t node); /* of the node's beginning, or NULL */

void system_attend(void (*attend)(pid_t node))
{
	attendant = attend;
}

/* In the child: become the program, which dies with the thread behind us. */
static _Noreturn void become(const struct system *system, enum system_part part,
			     int program, char *const *arguments, pid_t parent)
{
	char path[SYSTEM_PATH_MAX];

	if (system->caller == SYSTEM_AS_ORDINARY)
		become_ordinary();
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
		_exit(126);
	path_in(system, parts[part].out, path);
	if (dup2(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644), 1) != 1)
		_exit(126);
	path_in(system, parts[part].log, path);
	if (dup2(open(path, O_WRONLY | O_CREAT | O_APPEND, 0644), 2) != 2)
		_exit(126);
	fexecve(program, arguments,
		(char *const *)(uintptr_t)(part == SYSTEM_NODE ? surroundings
							       : nothing));
	_exit(127);
}

static bool has_ended(struct system *system, enum system_part part, int *status)
{
	if (waitpid(system->pids[part], status, WNOHANG) != system->pids[part])
		return false;
	system->pids[part] = 0;
	return true;
}

/* Wait for the line that says so; what comes after it goes to `rest`. */
static const char *await_ready(struct system *system, enum system_part part,
			       char rest[static SYSTEM_URL_MAX])
{
	uint64_t end = system_now_ms() + READY_MS;
	char path[SYSTEM_PATH_MAX];
	char text[1024];
	int status;

	path_in(system, parts[part].out, path);
	while (system_now_ms() < end) {
		const char *line;

		(void)read_file(path, text, sizeof(text));
		line = strstr(text, parts[part].ready);
		if (line != NULL && strchr(line, '\n') != NULL) {
			(void)sscanf(line + strlen(parts[part].ready), "%63s",
				     rest);
			return NULL;
		}
		if (has_ended(system, part, &status))
			return complain(system, part, "ended at once");
		system_sleep_ms(LOOK_MS);
	}
	return complain(system, part, "is not ready in time");
}

static const char *start_part(struct system *system, enum system_part part,
			      char *const *arguments,
			      char rest[static SYSTEM_URL_MAX])
{
	SCOPED_FD program = open_program(part);
	uint64_t began = system_now_us();
	char path[SYSTEM_PATH_MAX];
	pid_t self = getpid();
	const char *wrong;
	int gate[2];
	pid_t pid;
	char go;

	if (program < 0)
		return "the programs are not built";
	/* What it said in an earlier life does not count. */
	path_in(system, parts[part].out, path);
	(void)unlink(path);
	if (pipe2(gate, O_CLOEXEC) != 0)
		return "no pipe";
	pid = fork();
	if (pid == 0) {
		/* Until whoever attends is there. */
		if (read(gate[0], &go, 1) != 1)
			_exit(126);
		become(system, part, program, arguments, self);
	}
	if (pid > 0 && part == SYSTEM_NODE && attendant != NULL)
		attendant(pid);
	(void)!write(gate[1], "g", 1);
	close(gate[0]);
	close(gate[1]);
	if (pid < 0)
		return "cannot fork";
	system->pids[part] = pid;
	wrong = await_ready(system, part, rest);
	system->ready_us[part] = system_now_us() - began;
	return wrong;
}

/* argv has no const; what is behind these is never written. */
static char *argument(const char *text)
{
	return (char *)(uintptr_t)text;
}

static const char *start_node(struct system *system)
{
	SCOPED_FD model = open(system_model(), O_RDONLY); /* kept over exec */
	char policy[SYSTEM_PATH_MAX], listen[SYSTEM_PATH_MAX + 8];
	char socket[SYSTEM_PATH_MAX], file[32], rest[SYSTEM_URL_MAX];
	char *arguments[ARGUMENTS_MAX] = {
		argument("pcc-node"),
		argument("--model"),
		file,
		argument("--policy"),
		policy,
		argument("--listen"),
		listen,
	};

	path_in(system, "policy.conf", policy);
	system_socket(system, socket);
	snprintf(listen, sizeof(listen), "unix:%s", socket);
	snprintf(file, sizeof(file), "/proc/self/fd/%d", model);
	for (size_t i = 0; told != NULL && told[i] != NULL; i++)
		arguments[NODE_ARGUMENTS + i] = argument(told[i]);
	return start_part(system, SYSTEM_NODE, arguments, rest);
}

/* A gateway serves before it knows its node: wait until it has met it. */
static const char *await_node(const struct system *system)
{
	uint64_t end = system_now_ms() + READY_MS;
	char url[SYSTEM_URL_MAX + 16];

	snprintf(url, sizeof(url), "%s/healthz", system->gateway);
	while (system_now_ms() < end) {
		if (fetch_status(url) == 200)
			return NULL;
		system_sleep_ms(LOOK_MS);
	}
	return complain(system, SYSTEM_GATEWAY, "does not find the node");
}

/* The one that it had, or any: 0. */
static char *port_of(const char *url)
{
	const char *colon = strrchr(url, ':');

	return argument(colon != NULL ? colon + 1 : "0");
}

static const char *(*between)(const char *socket);

void system_between(const char *(*put)(const char *socket))
{
	between = put;
}

static const char *start_gateway(struct system *system)
{
	char socket[SYSTEM_PATH_MAX], node[SYSTEM_PATH_MAX + 8];
	char *arguments[ARGUMENTS_MAX] = {
		argument("pcc-gateway"), argument("--node"),	   node,
		argument("--port"),	 port_of(system->gateway),
	};
	const char *wrong;

	system_socket(system, socket);
	snprintf(node, sizeof(node), "unix:%.90s",
		 between != NULL ? between(socket) : socket);
	wrong = start_part(system, SYSTEM_GATEWAY, arguments, system->gateway);
	return wrong != NULL ? wrong : await_node(system);
}

static const char *start_client(struct system *system)
{
	char *arguments[ARGUMENTS_MAX] = {
		argument("pcc-client"),
		argument("serve"),
		argument("--gateway"),
		system->gateway,
		argument(trusted != NULL ? "--trust" : "--accept-evidence"),
		argument(trusted != NULL ? trusted : "software"),
		argument("--port"),
		port_of(system->client),
	};

	/* What a client does not want, it has to be told to put up with. */
	if (system->shape != POLICY_SHAPE_PACED) {
		arguments[8] = argument("--accept-shape");
		arguments[9] = argument(
			system->shape == POLICY_SHAPE_OFF ? "off" : "sized");
	}
	return start_part(system, SYSTEM_CLIENT, arguments, system->client);
}

static const char *start_all(struct system *system, const struct policy *policy)
{
	const char *wrong = make_folder(system);

	if (wrong == NULL)
		wrong = write_policy(system, policy);
	if (wrong == NULL)
		wrong = start_node(system);
	if (wrong == NULL)
		wrong = start_gateway(system);
	if (wrong == NULL)
		wrong = start_client(system);
	return wrong;
}

const char *system_restart(struct system *system, enum system_part part)
{
	if (part == SYSTEM_NODE)
		return start_node(system);
	return part == SYSTEM_GATEWAY ? start_gateway(system)
				      : start_client(system);
}

const char *system_start(const struct policy *policy, enum system_caller caller,
			 struct system *out)
{
	static char kept[FAULT_MAX];
	const char *wrong;

	*out = (struct system){ .caller = caller, .shape = policy->shape };
	wrong = system_obstacle();
	if (wrong != NULL)
		return wrong;
	wrong = start_all(out, policy);
	if (wrong == NULL)
		return NULL;
	snprintf(kept, sizeof(kept), "%s", wrong);
	(void)system_stop(out);
	return kept;
}

void system_start_or_skip(const struct policy *policy, struct system *out)
{
	const char *wrong = system_obstacle();

	if (wrong != NULL)
		cr_skip_test("%s", wrong);
	wrong = system_start(policy, SYSTEM_AS_CALLER, out);
	cr_assert_null(wrong, "%s", wrong);
}

static struct system shared; /* the runner's */

#define SHARED "PCC_TEST_SYSTEM"

void system_share(const struct policy *policy)
{
	char text[sizeof(shared) * 2];
	const char *wrong = system_start(policy, SYSTEM_AS_CALLER, &shared);

	if (wrong != NULL)
		snprintf(text, sizeof(text), "!%s", wrong);
	else
		snprintf(text, sizeof(text), "%s %s %s %d %d %d", shared.folder,
			 shared.gateway, shared.client, shared.pids[0],
			 shared.pids[1], shared.pids[2]);
	(void)setenv(SHARED, text, 1);
}

void system_adopt(struct system *out)
{
	const char *text = getenv(SHARED);

	*out = (struct system){ .caller = SYSTEM_AS_CALLER };
	if (system_obstacle() != NULL)
		cr_skip_test("%s", system_obstacle());
	cr_assert(text != NULL && text[0] != '!', "%s", text);
	cr_assert_eq(sscanf(text, "%95s %63s %63s %d %d %d", out->folder,
			    out->gateway, out->client, &out->pids[0],
			    &out->pids[1], &out->pids[2]),
		     6);
}

void system_unshare(void)
{
	const char *wrong = system_stop(&shared);

	/* There is no test left that could fail, but the program can. */
	if (wrong != NULL)
		err_die(wrong);
}

void system_signal(const struct system *system, enum system_part part,
		   int signal)
{
	if (system->pids[part] > 0)
		(void)kill(system->pids[part], signal);
}

int system_await_end(struct system *system, enum system_part part,
		     unsigned timeout_ms)
{
	uint64_t end = system_now_ms() + timeout_ms;
	int status = 0;

	if (system->pids[part] == 0)
		return -1;
	do {
		if (has_ended(system, part, &status))
			return status;
		system_sleep_ms(LOOK_MS);
	} while (system_now_ms() < end);
	return -1;
}

static void remove_folder(const char *folder)
{
	DIR *list = opendir(folder);
	struct dirent *entry;

	if (list == NULL)
		return;
	while ((entry = readdir(list)) != NULL)
		(void)unlinkat(dirfd(list), entry->d_name, 0);
	closedir(list);
	(void)rmdir(folder);
}

static const char *find_fault(const struct system *system)
{
	static char log[SYSTEM_LOG_MAX];
	static const char *const signs[] = { "Sanitizer", "runtime error",
					     "invariant", "terminate called" };

	for (int part = 0; part < SYSTEM_PARTS; part++) {
		(void)system_log(system, (enum system_part)part, log);
		for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
			char *at = strstr(log, signs[i]);

			if (at == NULL)
				continue;
			while (at > log && at[-1] != '\n')
				at--;
			at[strcspn(at, "\n")] = '\0';
			return complain(system, (enum system_part)part, at);
		}
	}
	return NULL;
}

/* The program's own file, to know what it may say; empty: none. */
static struct bytes map_program(enum system_part part)
{
	SCOPED_FD file = open_program(part);
	struct stat status;
	void *memory;

	if (file < 0 || fstat(file, &status) != 0)
		return (struct bytes){ NULL, 0 };
	memory = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE,
		      file, 0);
	return memory == MAP_FAILED
		       ? (struct bytes){ NULL, 0 }
		       : (struct bytes){ memory, (size_t)status.st_size };
}

/* Every log is of its grammar, whatever was done to the system. */
static const char *find_stray(const struct system *system)
{
	struct journal_tally tally = { 0 };
	const char *wrong = NULL;

	for (int i = 0; i < SYSTEM_PARTS; i++) {
		enum system_part part = (enum system_part)i;
		struct bytes program = map_program(part);
		char path[SYSTEM_PATH_MAX];
		const char *stray;

		path_in(system, parts[part].log, path);
		stray = journal_stray_in(part, path, program, &tally);
		if (program.len > 0)
			(void)munmap((void *)(uintptr_t)program.data,
				     program.len);
		if (stray == NULL)
			continue;
		snprintf(fault, sizeof(fault), "%s: a stray line: %s",
			 parts[part].program, stray);
		wrong = fault;
	}
	journal_keep(&tally);
	return wrong;
}

const char *system_stop(struct system *system)
{
	const char *wrong;

	if (system->folder[0] == '\0')
		return NULL;
	for (int part = SYSTEM_PARTS - 1; part >= 0; part--)
		system_signal(system, (enum system_part)part, SIGTERM);
	for (int part = SYSTEM_PARTS - 1; part >= 0; part--) {
		if (system->pids[part] == 0 ||
		    system_await_end(system, (enum system_part)part,
				     GENTLE_MS) != -1)
			continue;
		system_signal(system, (enum system_part)part, SIGKILL);
		(void)system_await_end(system, (enum system_part)part,
				       GENTLE_MS);
	}
	wrong = find_stray(system);
	if (find_fault(system) != NULL)
		wrong = fault;
	remove_folder(system->folder);
	system->folder[0] = '\0';
	return wrong;
}

void system_stop_or_fail(struct system *system)
{
	const char *wrong = system_stop(system);

	cr_assert_null(wrong, "%s", wrong);
}
