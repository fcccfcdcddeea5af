/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pcc-gateway: faces the internet, sees ciphertext alone, picks nodes.
 *
 *   holds   the TLS key it shows to nodes
 *   sees    ciphertext, sizes, times, the addresses of clients
 *   never   a key that opens a request, a byte of plaintext
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "attest/trust.h"
#include "base/fd.h"
#include "base/secret.h"
#include "base/threads.h"
#include "gateway/edge.h"
#include "gateway/journal.h"
#include "gateway/options.h"

#define PEM_MAX 65536
#define DESCRIPTORS_SPARE 64 /* nodes, logs and the library's own */
#define EXIT_USAGE 1
#define PROGRAM "pcc-gateway"

/* The three files, kept while channels may still be opened. */
static struct pem {
	char ca[PEM_MAX];
	char certificate[PEM_MAX];
	char key[PEM_MAX];
} pem;

/* The text of a PEM file, or NULL where none was named. */
static const char *read_pem(const char *path, char text[static PEM_MAX])
{
	struct writer out = { (uint8_t *)text, 0, PEM_MAX - 1 };
	SCOPED_FD file = -1;

	if (path == NULL)
		return NULL;
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0 || fd_read_all(file, &out) != ERR_OK)
		die("cannot read a PEM file");
	text[out.len] = '\0';
	return text;
}

/* Kept for as long as bundles come. */
static const struct verify_policy *read_trust(const struct options *options)
{
	static struct trust trust;

	if (options->trust_file == NULL)
		return NULL;
	trust_begin(&trust);
	if (trust_load(PROGRAM, options->trust_file, &trust) != ERR_OK ||
	    (options->collateral_folder != NULL &&
	     trust_load_collateral(PROGRAM, options->collateral_folder,
				   &trust) != ERR_OK))
		exit(EXIT_FAILURE);
	return &trust.policy;
}

/* A node that is down is no error: its thread goes on trying. */
static void open_nodes(const struct options *options,
		       const struct verify_policy *trust, struct nodes *nodes)
{
	struct dial_tls tls = {
		.ca = read_pem(options->ca_file, pem.ca),
		.certificate =
			read_pem(options->certificate_file, pem.certificate),
		.key = read_pem(options->key_file, pem.key),
		.name = options->tls_name,
	};

	for (size_t i = 0; i < options->target_count; i++) {
		enum err err = node_open(options->targets[i], &tls, trust,
					 &nodes->list[nodes->count]);

		errno = 0;
		if (err == ERR_DENIED)
			die("a node that is not on a unix socket needs "
			    "--tls-ca, --tls-certificate and --tls-key");
		if (err != ERR_OK)
			die("a --node target or a PEM file is not usable");
		nodes->count++;
	}
	secret_wipe(&pem, sizeof(pem));
}

/* Every client costs a descriptor; too few would refuse them silently. */
static void reserve_descriptors(unsigned connections_max)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		die("cannot read the limit of descriptors");
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	errno = 0;
	if (limit.rlim_max <
	    edge_descriptors(connections_max) + DESCRIPTORS_SPARE)
		die("--connections is beyond the limit of descriptors");
}

/* The first signal drains; a second, or the end of the time, cuts. */
static void await_end(struct edge *edge, const sigset_t *signals,
		      unsigned drain_s)
{
	struct timespec second = { 1, 0 };
	int signal_number = 0;

	(void)sigwait(signals, &signal_number);
	edge_quiesce(edge);
	for (unsigned i = 0; i < drain_s && edge_running(edge) > 0; i++)
		if (sigtimedwait(signals, NULL, &second) > 0)
			break;
}

/* Signals are taken by sigwait alone, in this thread, so none interrupts. */
static void block_signals(sigset_t *out)
{
	sigemptyset(out);
	sigaddset(out, SIGTERM);
	sigaddset(out, SIGINT);
	(void)pthread_sigmask(SIG_BLOCK, out, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
}

/* For people and for the programs that start this one. */
static void announce(const char *address, uint16_t port)
{
	bool six = strchr(address, ':') != NULL;

	printf("pcc-gateway: listening on http://%s%s%s:%u\n", six ? "[" : "",
	       address, six ? "]" : "", port);
	(void)fflush(stdout);
}

static void serve(const struct options *options)
{
	struct nodes nodes = { .count = 0 };
	struct edge_options edge_options = {
		.address = options->address,
		.port = options->port,
		.connections_max = options->connections_max,
		.nodes = &nodes,
	};
	struct edge *edge;
	sigset_t signals;

	block_signals(&signals);
	reserve_descriptors(options->connections_max);
	dial_init();
	open_nodes(options, read_trust(options), &nodes);
	if (edge_open(&edge_options, &edge) != ERR_OK)
		die("cannot listen on this address and port");
	announce(options->address, edge_port(edge));
	journal_started(nodes.count, options->connections_max);
	await_end(edge, &signals, options->drain_s);
	edge_close(edge);
	nodes_close(&nodes);
	dial_shutdown();
	journal_stopped();
}

int main(int count, char **arguments)
{
	struct options options;

	threads_set_stack();
	switch (options_parse(count, arguments, &options)) {
	case OPTIONS_HELP:
		return EXIT_SUCCESS;
	case OPTIONS_USAGE:
		return EXIT_USAGE;
	case OPTIONS_RUN:
		break;
	}
	serve(&options);
	return EXIT_SUCCESS;
}
