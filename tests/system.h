/* SPDX-License-Identifier: Apache-2.0 */
/*
 * system: a whole node with its gateway and its client, for one test.
 *
 *     test ── http ──▶ pcc-client ── http ──▶ pcc-gateway ── unix ──▶ pcc-node
 *
 * Everything lives in a folder of its own and on ports that the kernel chose,
 * so systems run side by side.  The programs are those of the build folder that
 * the running test program lies in.  Every wait has an end, and the processes
 * die with the thread that started them, however it ends.
 */
#ifndef TESTS_SYSTEM_H
#define TESTS_SYSTEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "policy/policy.h"

enum system_part {
	SYSTEM_NODE,
	SYSTEM_GATEWAY,
	SYSTEM_CLIENT,
	SYSTEM_PARTS,
};

enum system_caller {
	SYSTEM_AS_CALLER,  /* whoever runs the test */
	SYSTEM_AS_ORDINARY /* an ordinary user; root has to run the test */
};

#define SYSTEM_URL_MAX 64
#define SYSTEM_PATH_MAX 96 /* a unix socket's path has 108 */
#define SYSTEM_LOG_MAX (256u << 10)

/* Invariant: a part that does not run has pid 0. */
struct system {
	char folder[SYSTEM_PATH_MAX];
	char gateway[SYSTEM_URL_MAX]; /* such as http://127.0.0.1:40000 */
	char client[SYSTEM_URL_MAX];
	pid_t pids[SYSTEM_PARTS];
	uint64_t ready_us[SYSTEM_PARTS]; /* from its fork until it said so */
	enum system_caller caller;
	enum policy_shape shape;
};

/*
 * Why no system can be started here, or NULL: there is no model, the machine is
 * one on which no node starts (sandbox/machine.h), or this is a
 * build with sanitizers, which cannot live in a jail; $PCC_NODE may then name
 * a pcc-node without, and gateway and client are still the build's own.
 */
const char *system_obstacle(void);

/* Whether this is a build with a sanitizer. */
bool system_is_sanitized(void);

/*
 * Whether an ordinary user may make user namespaces here.  In a chroot nobody
 * may, and some machines forbid it: a node that such a user starts then says so
 * and ends, and tests of what it would be are skipped.
 */
bool system_gives_namespaces(void);

/*
 * The model under test: $PCC_MODEL, else models/home.gguf, else the public
 * stories260K below $MODELS (../shared/models).  NULL when none is there.
 */
const char *system_model(void);

/*
 * A policy for tests: the default one, with a context that every model under
 * test has, totals of 16, 64, 256 and 1024 frames, and this name of the model.
 */
#define SYSTEM_MODEL_NAME "pt-moe"
struct policy system_policy(void);

/*
 * Start all parts and wait until each is ready.  NULL, or what went wrong with
 * the end of the log that tells why; then nothing runs.  The text is static.
 */
const char *system_start(const struct policy *policy, enum system_caller caller,
			 struct system *out);

/*
 * What the node's next start is told besides: arguments, NULL at the end, at
 * most 8, borrowed; and the client's file of trust, NULL: software evidence.
 */
void system_tell(const char *const *node_arguments, const char *trust);

/*
 * Put something between node and gateway: when the node is ready, `put` is told
 * its socket and gives the one that the next gateway is to use.  NULL: nothing.
 */
void system_between(const char *(*put)(const char *socket));

/* What stands in the environment of the node's next start; NULL at the end. */
void system_surround(const char *const *environment);

/* Called with each node that is started from now on, before it is executed. */
void system_attend(void (*attend)(pid_t node));

/* The same for a test, which fails with it, or is skipped for an obstacle. */
void system_start_or_skip(const struct policy *policy, struct system *out);

/*
 * One system for all tests of a program, which Criterion runs as processes of
 * their own.  The runner shares it in its hook before all tests and stops it in
 * the one after; a test then adopts it, is skipped for an obstacle, and fails
 * when the start had failed.
 */
void system_share(const struct policy *policy);
void system_adopt(struct system *out);
void system_unshare(void);

/*
 * End all parts that run, gently, then not; remove the folder.  NULL, or what a
 * part's log complained of (a failed invariant, a sanitizer), or has in it that
 * is not of its grammar (tests/scenarios/journal.h).  Static text.
 */
const char *system_stop(struct system *system);

/* The same, and a test fails where something is wrong. */
void system_stop_or_fail(struct system *system);

/* Send a signal to a part. */
void system_signal(const struct system *system, enum system_part part,
		   int signal);

/*
 * Wait for a part to end by itself and reap it: its status as waitpid(2) gives
 * it, or -1 when the time was over.
 */
int system_await_end(struct system *system, enum system_part part,
		     unsigned timeout_ms);

/*
 * Start a part again that has ended and was reaped, where it was before, and
 * wait until it is ready.  NULL, or what went wrong, as system_start().
 */
const char *system_restart(struct system *system, enum system_part part);

/* What a part has logged so far, zero-ended; the length. */
size_t system_log(const struct system *system, enum system_part part,
		  char log[static SYSTEM_LOG_MAX]);

/* Wait until a part's log contains the text; whether it came. */
bool system_await_log(const struct system *system, enum system_part part,
		      const char *text, unsigned timeout_ms);

/* The path of what the build folder holds under a name; false: too long. */
#define SYSTEM_BUILT_MAX 1024
bool system_built(const char *name, char path[static SYSTEM_BUILT_MAX]);

/* Where the node's socket is. */
void system_socket(const struct system *system,
		   char path[static SYSTEM_PATH_MAX]);

/* A clock that only goes forward, in milli- and microseconds; and a wait. */
uint64_t system_now_ms(void);
uint64_t system_now_us(void);
void system_sleep_ms(unsigned ms);

#endif
