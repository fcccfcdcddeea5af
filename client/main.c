/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pcc-client: verifies nodes and talks to those that pass.
 *
 *   holds   the user's prompts and answers, in memory, while they are needed
 *   sees    what the user may see
 *   never   sends anything before a node passed, or in a weaker form
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/threads.h"
#include "client/chat.h"
#include "client/inspect.h"
#include "client/options.h"
#include "client/serve.h"
#include "crypto/aead.h"

#define EXIT_USAGE 1

/* Signals are taken by sigwait alone, so that none interrupts a thread. */
static void block_signals(sigset_t *out)
{
	sigemptyset(out);
	sigaddset(out, SIGTERM);
	sigaddset(out, SIGINT);
	(void)pthread_sigmask(SIG_BLOCK, out, NULL);
}

/* For people and for the programs that start this one. */
static void announce(const char *address, uint16_t port)
{
	bool six = strchr(address, ':') != NULL;

	printf("pcc-client: listening on http://%s%s%s:%u\n", six ? "[" : "",
	       address, six ? "]" : "", port);
	(void)fflush(stdout);
}

/*
 * Serve even where no node passes yet: each request says so, typed, and the
 * next may find one.
 */
static int run_serve(const struct options *options, struct session *session)
{
	struct serve *serve;
	sigset_t signals;
	int signal_number;
	enum trouble trouble;
	enum err err;

	block_signals(&signals);
	err = serve_open(session, options->address, options->port, &serve);
	if (err == ERR_DENIED) {
		fprintf(stderr, "pcc-client: --address has to be loopback\n");
		return EXIT_USAGE;
	}
	if (err != ERR_OK)
		die("cannot listen on this address and port");
	trouble = session_ready(session);
	fprintf(stderr, "pcc-client: %s\n",
		trouble == TROUBLE_NONE ? session_summary(session)
					: trouble_text(trouble));
	announce(options->address, serve_port(serve));
	(void)sigwait(&signals, &signal_number);
	serve_close(serve);
	return EXIT_SUCCESS;
}

/* Written at the first answer; a folder that is not there is told now. */
static void check_folder(const char *folder)
{
	struct stat status;

	if (stat(folder, &status) != 0 || !S_ISDIR(status.st_mode) ||
	    access(folder, W_OK) != 0)
		die("--receipts has to name a folder that may be written to");
}

/* What the receipts of a program's life came to, where there were any. */
static void tell_receipts(struct proof_book *book)
{
	unsigned fit = atomic_load(&book->counts[PROOF_FITS]);
	unsigned unfit = atomic_load(&book->counts[PROOF_DOES_NOT_FIT]);
	unsigned absent = atomic_load(&book->counts[PROOF_ABSENT]);
	unsigned unsaved = atomic_load(&book->unsaved);

	if (fit + unfit + absent > 0)
		fprintf(stderr,
			"pcc-client: receipts: %u fit, %u do not fit, %u "
			"missing\n",
			fit, unfit, absent);
	if (unsaved > 0)
		fprintf(stderr, "pcc-client: receipts not written: %u\n",
			unsaved);
}

static int run(const struct options *options)
{
	static struct proof_book book;
	struct session_options session_options = {
		.gateway = options->gateway,
		.policy = &options->trust.policy,
		.book = &book,
	};
	struct inspect_question question = {
		.file = options->file,
		.gateway = options->gateway,
		.policy = &options->trust.policy,
		.now = options->now,
		.json = options->json,
	};
	struct session *session;
	int code;

	if (options->command == OPTIONS_VERIFY)
		return inspect_run(&question);
	if (options->receipts != NULL)
		check_folder(options->receipts);
	book.folder = options->receipts;
	session = session_open(&session_options);
	if (session == NULL)
		die("cannot have memory");
	code = options->command == OPTIONS_CHAT ? chat_run(options, session)
						: run_serve(options, session);
	session_close(session);
	tell_receipts(&book);
	return code;
}

int main(int count, char **arguments)
{
	static struct options options;

	threads_set_stack();
	switch (options_parse(count, arguments, &options)) {
	case OPTIONS_HELP:
		return EXIT_SUCCESS;
	case OPTIONS_USAGE:
		return EXIT_USAGE;
	case OPTIONS_RUN:
		break;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	aead_warm();
	http_init();
	return run(&options);
}
