/* SPDX-License-Identifier: Apache-2.0 */
#include "node/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "node/clock.h"
#include "node/describe.h"
#include "node/digests.h"
#include "node/hardware.h"
#include "node/listener.h"
#include "node/proofs.h"
#include "node/published.h"
#include "node/role.h"
#include "node/setup.h"
#include "node/watch.h"
#include "policy/events.h"
#include "policy/limits.h"
#include "sandbox/filter.h"
#include "sandbox/machine.h"
#include "sandbox/spawn.h"

/* The roles that this process starts, in the order in which it does. */
static const enum jail_role roles[] = { JAIL_ZYGOTE, JAIL_ATTESTER, JAIL_KEEPER,
					JAIL_FRONT };

#define ROLES (sizeof(roles) / sizeof(roles[0]))

enum phase {
	DOWN,	  /* no process; start it when not_before_ms has come */
	STARTING, /* set up, not ready yet */
	READY,
};

struct process {
	enum phase phase;
	struct spawn_child child;
	int control;  /* -1 when down, or broken and so killed */
	bool is_hung; /* and so was killed */
	uint64_t not_before_ms;
};

struct supervisor {
	const struct options *options;
	struct policy policy;
	struct setup_digests digests;
	bool is_measured;
	bool was_ready;
	int executable, model, listener, signals;
	uint16_t port;
	int pem[SETUP_PEMS];
	struct hardware hardware;
	struct published published;
	struct process processes[JAIL_ROLES];	    /* by role */
	uint64_t relink_ms[JAIL_ROLES][JAIL_ROLES]; /* when due; 0: not */
	struct watch watch;
	uint64_t started_ms;
	uint64_t drain_until_ms; /* 0: not draining */
	bool is_stopping;
	struct channel_packet packet;
};

static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		die(path);
	return fd;
}

/* What is in memory must not come to lie on a disk. */
static void check_machine(void)
{
	static const struct machine here = { .root = "" };
	struct machine_finding finding;

	if (machine_needed(&here, &finding) == ERR_OK)
		return;
	fprintf(stderr, "pcc-node: %s: %s; %s\n", finding.name, finding.found,
		finding.advice);
	exit(EXIT_FAILURE);
}

/* A key in a TPM is worth what the TPM's evidence says of it. */
static void check_kem(const struct supervisor *node)
{
	uint32_t tpm2 = 1u << BUNDLE_EVIDENCE_TPM2;

	if (node->policy.kem == POLICY_KEM_P256_TPM &&
	    (node->options->evidence & tpm2) == 0)
		die("kem = p256_tpm of the policy needs --evidence tpm2");
}

static void open_files(struct supervisor *node)
{
	const struct options *options = node->options;
	struct stat model;

	if (spawn_executable(&node->executable) != ERR_OK)
		die("cannot open the running program: is /proc mounted?");
	node->model = open_file(options->model);
	if (fstat(node->model, &model) == 0 && model.st_size > 0)
		node->watch.model_bytes = (uint64_t)model.st_size;
	node->listener = -1;
	if (options->listen != NULL) {
		errno = 0;
		enum err err = listener_open(options->listen, &node->listener,
					     &node->port);

		if (err == ERR_DENIED && errno == 0)
			die("--listen is for unix:PATH and the loopback; "
			    "others take --listen-tls");
		if (err == ERR_MALFORMED && errno == 0)
			die("--listen is neither unix:PATH nor ADDRESS:PORT");
		if (err != ERR_OK)
			die(options->listen);
	}
	if (options->listen_tls != NULL) {
		node->pem[SETUP_PEM_CLIENT_ROOTS] =
			open_file(options->tls_client_roots);
		node->pem[SETUP_PEM_CERTIFICATE] =
			open_file(options->tls_certificate);
		node->pem[SETUP_PEM_KEY] = open_file(options->tls_key);
	}
}

static enum err send_descriptor(int control, enum message_kind kind, int fd)
{
	return channel_send(control, &(struct message){ .kind = kind }, fd);
}

static enum err set_up_front(const struct supervisor *node, int control)
{
	struct message tls = {
		.kind = MESSAGE_LISTEN_TLS,
		.body = bytes_of_string(node->options->listen_tls),
	};

	if (node->listener >= 0)
		TRY(send_descriptor(control, MESSAGE_LISTENER, node->listener));
	if (node->options->listen_tls == NULL)
		return ERR_OK;
	for (int i = 0; i < SETUP_PEMS; i++)
		TRY(setup_send_pem(control, (enum setup_pem)i, node->pem[i]));
	return channel_send(control, &tls, -1);
}

/* Each role is told what it needs and no more. */
static enum err set_up(const struct supervisor *node, enum jail_role role,
		       int control)
{
	TRY(setup_send_policy(control, &node->policy));
	if (role == JAIL_ZYGOTE)
		TRY(send_descriptor(control, MESSAGE_MODEL, node->model));
	if (role == JAIL_KEEPER || role == JAIL_ATTESTER) {
		struct message prove = { .kind = MESSAGE_PROVE,
					 .number = {
						 node->options->evidence } };

		TRY(setup_send_digests(control, &node->digests));
		TRY(channel_send(control, &prove, -1));
	}
	if (role == JAIL_KEEPER)
		TRY(published_send(&node->published, control));
	if (role == JAIL_ATTESTER)
		TRY(hardware_send(&node->hardware, control));
	if (role == JAIL_FRONT)
		TRY(set_up_front(node, control));
	return channel_tell(control, MESSAGE_START);
}

static enum err start(struct supervisor *node, enum jail_role role)
{
	struct process *process = &node->processes[role];
	char title[64];
	char *arguments[] = { title, NULL };
	struct jail_report report = { 0 };
	SCOPED_FD near = -1;
	SCOPED_FD far = -1;
	struct spawn_start start = { .profile = profile_of(role),
				     .executable = node->executable,
				     .arguments = arguments,
				     .descriptors = &far,
				     .descriptor_count = 1 };
	int pair[2];

	snprintf(title, sizeof(title), "%s", role_title(role));
	TRY(fd_pair(pair));
	near = pair[0];
	far = pair[1];
	if (spawn_role(&start, &process->child, &report) != ERR_OK) {
		fprintf(stderr, "pcc-node: %s cannot be started: %s: %s\n",
			title, jail_step_name(report.failed),
			strerror(report.error));
		return ERR_UNAVAILABLE;
	}
	process->phase = STARTING;
	process->is_hung = false;
	process->control = fd_release(&near);
	watch_hear(&node->watch, role);
	/* Who could not be told all begins anew; its pidfd shows its end. */
	if (set_up(node, role, process->control) != ERR_OK)
		spawn_kill(&process->child);
	return ERR_OK;
}

/* What software proves needs no attester. */
static bool is_wanted(const struct supervisor *node, enum jail_role role)
{
	return role != JAIL_ATTESTER ||
	       proofs_need_attester(node->options->evidence);
}

static bool is_ready(const struct supervisor *node, enum jail_role role)
{
	return !is_wanted(node, role) || node->processes[role].phase == READY;
}

/*
 * The statement names what the zygote measures; the attester measures all that
 * into the machine before there is a key.
 */
static bool is_prepared(const struct supervisor *node, enum jail_role role)
{
	if (role == JAIL_ATTESTER)
		return node->is_measured;
	if (role == JAIL_KEEPER)
		return node->is_measured &&
		       (node->was_ready || is_ready(node, JAIL_ATTESTER));
	return true;
}

static bool may_start(const struct supervisor *node, enum jail_role role)
{
	const struct process *process = &node->processes[role];

	if (process->phase != DOWN || node->is_stopping ||
	    clock_now_ms() < process->not_before_ms)
		return false;
	if (node->options->task == OPTIONS_MEASURE)
		return role == JAIL_ZYGOTE;
	return is_wanted(node, role) && is_prepared(node, role);
}

static void start_due(struct supervisor *node)
{
	for (size_t i = 0; i < ROLES; i++) {
		if (may_start(node, roles[i]) &&
		    start(node, roles[i]) != ERR_OK) {
			if (!node->was_ready)
				exit(EXIT_FAILURE);
			node->processes[roles[i]].not_before_ms =
				clock_now_ms() + RESTART_BACKOFF_MS;
		}
	}
}

/* The attester has a channel to the keeper alone. */
static bool are_peers(enum jail_role a, enum jail_role b)
{
	if (a == JAIL_ATTESTER || b == JAIL_ATTESTER)
		return a == JAIL_KEEPER || b == JAIL_KEEPER;
	return a != b;
}

/* A new channel between two roles, the second of which just became ready. */
static enum err link_pair(struct supervisor *node, enum jail_role a,
			  enum jail_role b)
{
	struct message to_a = { .kind = MESSAGE_LINK, .number = { b } };
	struct message to_b = { .kind = MESSAGE_LINK, .number = { a } };
	SCOPED_FD near = -1;
	SCOPED_FD far = -1;
	int pair[2];

	TRY(fd_pair(pair));
	near = pair[0];
	far = pair[1];
	if (channel_send(node->processes[a].control, &to_a, near) != ERR_OK) {
		/* It has ended, or does now: the next one is linked anew. */
		spawn_kill(&node->processes[a].child);
		return ERR_OK;
	}
	return channel_send(node->processes[b].control, &to_b, far);
}

/*
 * Roles that both live and lost their channel get another, a little later: one
 * that ended is started again, and linked as it becomes ready.
 */
static void relink_due(struct supervisor *node)
{
	for (int a = 0; a < JAIL_ROLES; a++) {
		for (int b = 0; b < JAIL_ROLES; b++) {
			uint64_t due = node->relink_ms[a][b];

			if (due == 0 || clock_now_ms() < due)
				continue;
			node->relink_ms[a][b] = 0;
			node->relink_ms[b][a] = 0;
			if (node->processes[a].phase == READY &&
			    node->processes[b].phase == READY &&
			    link_pair(node, (enum jail_role)a,
				      (enum jail_role)b) != ERR_OK)
				spawn_kill(&node->processes[b].child);
		}
	}
}

static void tell_ready(struct supervisor *node)
{
	node->was_ready = true;
	EVENTS_LOG(EVENT_SHAPE, node->policy.shape, node->policy.frame_bytes,
		   node->policy.tick_ms);
	EVENTS_LOG(EVENT_NODE_READY, node->policy.workers,
		   clock_now_ms() - node->started_ms);
	if (node->port != 0)
		printf("pcc-node: listening on port %" PRIu16 "\n", node->port);
	printf("pcc-node: ready\n");
	fflush(stdout);
}

static void on_ready(struct supervisor *node, enum jail_role role,
		     uint16_t port)
{
	bool all = true;

	node->processes[role].phase = READY;
	watch_hear(&node->watch, role);
	if (port != 0)
		node->port = port;
	for (size_t i = 0; i < ROLES; i++) {
		if (node->processes[roles[i]].phase != READY) {
			all = all && is_ready(node, roles[i]);
			continue;
		}
		/* Whoever could not be told has ended, which its pidfd shows.
		 */
		if (are_peers(roles[i], role) &&
		    link_pair(node, roles[i], role) != ERR_OK)
			spawn_kill(&node->processes[role].child);
	}
	if (all && !node->was_ready)
		tell_ready(node);
}

/* Every later zygote has to find the very model that the statement names. */
static void on_measured(struct supervisor *node, struct bytes body)
{
	uint8_t found[2 * SETUP_DIGEST_BYTES];

	memcpy(found, body.data, sizeof(found));
	if (node->is_measured &&
	    (memcmp(found, node->digests.model_root, SETUP_DIGEST_BYTES) != 0 ||
	     memcmp(found + SETUP_DIGEST_BYTES, node->digests.tokenizer,
		    SETUP_DIGEST_BYTES) != 0)) {
		EVENTS_LOG(EVENT_NODE_STOPPED, EVENT_CAUSE_FAILED);
		die("the model file is not the one that was measured first");
	}
	memcpy(node->digests.model_root, found, SETUP_DIGEST_BYTES);
	memcpy(node->digests.tokenizer, found + SETUP_DIGEST_BYTES,
	       SETUP_DIGEST_BYTES);
	node->is_measured = true;
	published_check(&node->published, &node->digests);
	if (node->options->task == OPTIONS_MEASURE) {
		digests_print(&node->digests);
		node->is_stopping = true;
	}
}

static void hear(struct supervisor *node, enum jail_role role)
{
	struct process *process = &node->processes[role];
	struct message message = { 0 };
	int passed = -1;
	enum err err;

	err = channel_receive(process->control, &node->packet, &message,
			      &passed);
	fd_close(&passed);
	if (err != ERR_OK) {
		spawn_kill(&process->child); /* its end is seen by its pidfd */
		fd_close(&process->control);
	} else if (message.kind == MESSAGE_READY &&
		   process->phase == STARTING) {
		on_ready(node, role, (uint16_t)message.number[0]);
	} else if (message.kind == MESSAGE_MEASURED && role == JAIL_ZYGOTE) {
		on_measured(node, message.body);
	} else if (message.kind == MESSAGE_PULSE) {
		watch_hear(&node->watch, role);
	} else if (message.kind == MESSAGE_DRAINED && role == JAIL_FRONT &&
		   node->drain_until_ms != 0) {
		node->is_stopping = true;
	} else if (message.kind == MESSAGE_UNLINKED &&
		   message.number[0] < JAIL_ROLES) {
		node->relink_ms[role][message.number[0]] =
			clock_now_ms() + RESTART_BACKOFF_MS;
	} else {
		spawn_kill(&process->child);
	}
}

static enum event_how how_it_ended(const struct process *process, int status)
{
	if (process->is_hung)
		return EVENT_HOW_KILLED;
	return WIFSIGNALED(status) ? EVENT_HOW_SIGNAL : EVENT_HOW_FAILED;
}

static void on_end(struct supervisor *node, enum jail_role role)
{
	struct process *process = &node->processes[role];
	bool never_worked = process->phase == STARTING;
	int status;

	if (spawn_reap(&process->child, &status) != ERR_OK)
		return;
	EVENTS_LOG(EVENT_ROLE_ENDED, role, how_it_ended(process, status),
		   WIFSIGNALED(status) ? (uint64_t)WTERMSIG(status) : 0);
	fd_close(&process->control);
	process->phase = DOWN;
	process->not_before_ms =
		clock_now_ms() + (never_worked ? RESTART_BACKOFF_MS : 0);
	/* A node that has never worked says so once, and ends. */
	if (!node->was_ready)
		exit(EXIT_FAILURE);
	if (node->drain_until_ms != 0)
		node->is_stopping = true;
}

/*
 * One that hangs is killed; its end, seen by its pidfd, is like any other.  One
 * whose channel broke was killed by who heard that, and does not hang; and one
 * that cannot be asked answers nothing, which is counted all the same.
 */
static void beat(struct supervisor *node)
{
	if (!watch_is_due(&node->watch, clock_now_ms()))
		return;
	for (size_t i = 0; i < ROLES; i++) {
		struct process *process = &node->processes[roles[i]];
		bool is_ready = process->phase == READY;

		if (process->phase == DOWN || process->control < 0)
			continue;
		if (watch_is_hung(&node->watch, roles[i],
				  is_ready ? WATCH_READY : WATCH_STARTING)) {
			process->is_hung = true;
			spawn_kill(&process->child);
		} else if (is_ready) {
			(void)!channel_tell(process->control, MESSAGE_PULSE);
		}
	}
}

/* Nothing new; and once what runs is done, or too late, the end. */
static void drain(struct supervisor *node)
{
	if (node->processes[JAIL_FRONT].phase != READY) {
		node->is_stopping = true;
		return;
	}
	node->drain_until_ms = clock_now_ms() + LIMIT_REQUEST_MS;
	if (channel_tell(node->processes[JAIL_FRONT].control, MESSAGE_DRAIN) !=
	    ERR_OK)
		node->is_stopping = true;
}

/* The second one does not wait. */
static void on_signal(struct supervisor *node)
{
	struct signalfd_siginfo signal;

	if (read(node->signals, &signal, sizeof(signal)) != sizeof(signal))
		return;
	if (node->drain_until_ms != 0)
		node->is_stopping = true;
	else
		drain(node);
}

static void watch_signals(struct supervisor *node)
{
	sigset_t wanted;

	sigemptyset(&wanted);
	sigaddset(&wanted, SIGTERM);
	sigaddset(&wanted, SIGINT);
	if (sigprocmask(SIG_BLOCK, &wanted, NULL) != 0)
		die("cannot block signals");
	node->signals = signalfd(-1, &wanted, SFD_CLOEXEC);
	if (node->signals < 0)
		die("cannot watch signals");
}

/* Wait for one thing to happen, and deal with all that did. */
static void turn(struct supervisor *node)
{
	struct pollfd peers[1 + 2 * ROLES] = {
		{ .fd = node->signals, .events = POLLIN },
	};

	for (size_t i = 0; i < ROLES; i++) {
		const struct process *process = &node->processes[roles[i]];
		bool up = process->phase != DOWN;

		peers[1 + 2 * i] =
			(struct pollfd){ .fd = up ? process->control : -1,
					 .events = POLLIN };
		peers[2 + 2 * i] =
			(struct pollfd){ .fd = up ? process->child.pidfd : -1,
					 .events = POLLIN };
	}
	if (poll(peers, sizeof(peers) / sizeof(peers[0]), RESTART_BACKOFF_MS) <
	    0)
		return;
	if (peers[0].revents != 0)
		on_signal(node);
	for (size_t i = 0; i < ROLES; i++) {
		if (peers[1 + 2 * i].fd >= 0 && peers[1 + 2 * i].revents != 0)
			hear(node, roles[i]);
		if (peers[2 + 2 * i].fd >= 0 && peers[2 + 2 * i].revents != 0)
			on_end(node, roles[i]);
	}
}

static void stop_all(struct supervisor *node)
{
	for (size_t i = 0; i < ROLES; i++) {
		struct process *process = &node->processes[roles[i]];
		int status;

		if (process->phase == DOWN)
			continue;
		spawn_kill(&process->child);
		if (spawn_reap(&process->child, &status) != ERR_OK)
			continue;
		fd_close(&process->control);
	}
	hardware_close(&node->hardware);
	if (node->options->listen != NULL)
		listener_remove(node->options->listen);
}

/*
 * So that arenas are locked whatever their size, where root starts the node; no
 * role may raise it by itself.
 */
static void allow_locked_memory(void)
{
	const struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };

	(void)setrlimit(RLIMIT_MEMLOCK, &none);
}

/* What this process keeps is what starting roles again takes. */
static void give_up_privileges(void)
{
	static struct jail_filter filter;
	struct jail_report report = { 0 };

	if (filter_compile(profile_of(JAIL_SUPERVISOR), &filter) != ERR_OK ||
	    jail_supervise(profile_of(JAIL_SUPERVISOR), &report) != ERR_OK ||
	    jail_enter(&filter, &report) != ERR_OK)
		die("the supervisor cannot give up what it does not need");
}

int supervisor_run(const struct options *options)
{
	static struct supervisor node;

	node.options = options;
	node.started_ms = clock_now_ms();
	for (size_t i = 0; i < JAIL_ROLES; i++)
		node.processes[i].control = -1;
	options_read_policy(options, &node.policy);
	if (options->task == OPTIONS_DESCRIBE) {
		describe_print(&node.policy);
		return EXIT_SUCCESS;
	}
	if (options->task == OPTIONS_SERVE)
		check_machine();
	open_files(&node);
	digests_of_self(node.executable, &node.policy, options->arguments,
			&node.digests);
	if (options->release != NULL)
		published_load(options->release, clock_now_s(),
			       &node.published);
	if (options->task == OPTIONS_SERVE) {
		role_prove_jails();
		check_kem(&node);
		hardware_open(options, &node.hardware);
	}
	watch_signals(&node);
	allow_locked_memory();
	give_up_privileges();

	while (!node.is_stopping) {
		start_due(&node);
		relink_due(&node);
		turn(&node);
		beat(&node);
		if (node.drain_until_ms == 0 &&
		    published_has_ended(&node.published, clock_now_s()))
			drain(&node);
		if (node.drain_until_ms != 0 &&
		    clock_now_ms() > node.drain_until_ms)
			node.is_stopping = true;
	}
	stop_all(&node);
	EVENTS_LOG(EVENT_NODE_STOPPED, EVENT_CAUSE_ASKED);
	return EXIT_SUCCESS;
}
