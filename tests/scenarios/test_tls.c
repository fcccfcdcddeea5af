/* SPDX-License-Identifier: Apache-2.0 */
/* Mutual TLS between gateway and node: who is let in, and who is not. */
#include <arpa/inet.h>
#include <criterion/criterion.h>

#include "tests/figure.h"
#include "tests/scenarios/peer.h"
#include "tests/scenarios/program.h"
#include "tests/system.h"

/* Names in the test's folder; each identity is NAME.pem and NAME.key. */
static char folder[] = "/tmp/pcc-tls-XXXXXX";

static char *path(const char *name)
{
	static char paths[8][128];
	static size_t turn;
	char *out = paths[turn++ % 8];

	snprintf(out, sizeof(paths[0]), "%s/%s", folder, name);
	return out;
}

/* A script for sh(1) in the folder, with $NAME and $ISSUER. */
static void shell(const char *script, const char *name, const char *issuer)
{
	setenv("FOLDER", folder, 1);
	setenv("NAME", name, 1);
	setenv("ISSUER", issuer, 1);
	cr_assert_eq(system(script), 0, "%s: %s", name, script);
}

static void make_authority(const char *name)
{
	shell("cd $FOLDER && openssl req -x509 -newkey ec -pkeyopt "
	      "ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=$NAME "
	      "-keyout $NAME.key -out $NAME.pem 2>log",
	      name, "");
}

static void make_identity(const char *name, const char *issuer)
{
	shell("cd $FOLDER && openssl req -newkey ec -pkeyopt "
	      "ec_paramgen_curve:P-256 -nodes -subj /CN=$NAME "
	      "-keyout $NAME.key -out $NAME.csr 2>log && "
	      "echo subjectAltName=DNS:$NAME >$NAME.ext && "
	      "openssl x509 -req -in $NAME.csr -CA $ISSUER.pem "
	      "-CAkey $ISSUER.key -CAcreateserial -days 2 "
	      "-extfile $NAME.ext -out $NAME.pem 2>log",
	      name, issuer);
}

/* A port that nobody listens at now: the node wants to be given one. */
static uint16_t free_port(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(any);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	cr_assert_eq(bind(fd, (struct sockaddr *)&any, len), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&any, &len), 0);
	close(fd);
	return ntohs(any.sin_port);
}

/* What follows this in the program's next line; -1: it begins otherwise. */
static int number_after(const struct program *program, const char *words)
{
	char line[256] = "";
	size_t len = 0;

	while (len < sizeof(line) - 1 &&
	       read(program->out, line + len, 1) == 1 && line[len] != '\n')
		len++;
	return strncmp(line, words, strlen(words)) != 0
		       ? -1
		       : atoi(line + strlen(words));
}

struct caller {
	const char *who; /* the identity that it shows */
	const char *trusts;
	const char *expects; /* the node's name */
};

/* The gateway's /healthz within this time: 200 when it reached the node. */
static int reach(const char *node, const struct caller *caller,
		 unsigned wait_ms)
{
	char key[64], certificate[64];
	uint64_t end;
	int status;

	snprintf(key, sizeof(key), "%s.key", caller->who);
	snprintf(certificate, sizeof(certificate), "%s.pem", caller->who);
	struct program gateway = program_start(
		"pcc-gateway",
		(const char *const[]){ "--port", "0", "--node", node,
				       "--tls-ca", path(caller->trusts),
				       "--tls-certificate", path(certificate),
				       "--tls-key", path(key), "--tls-name",
				       caller->expects, "--drain", "1", NULL });
	uint16_t port = program_port(&gateway);

	end = program_now_ms() + wait_ms;
	do {
		system_sleep_ms(50);
		status = peer_get(port, "/healthz").status;
	} while (status != 200 && program_now_ms() < end);
	program_stop(&gateway);
	return status;
}

Test(tls, a_node_is_reached_by_gateways_of_its_authority_alone, .timeout = 120)
{
	static const struct caller good = { "gateway", "authority.pem",
					    "node" };
	static const struct caller refused[] = {
		{ "stranger", "authority.pem", "node" }, /* others' identity */
		{ "gateway", "other.pem", "node" },	 /* others' node */
		{ "gateway", "authority.pem", "another" },
	};
	char address[32], target[64];

	if (system_obstacle() != NULL)
		cr_skip_test("%s", system_obstacle());
	cr_assert_not_null(mkdtemp(folder));
	make_authority("authority");
	make_authority("other");
	make_identity("node", "authority");
	make_identity("gateway", "authority");
	make_identity("stranger", "other");
	snprintf(address, sizeof(address), "127.0.0.1:%u", free_port());
	struct program node = program_start(
		"pcc-node",
		(const char *const[]){
			"--model", system_model(), "--listen-tls", address,
			"--tls-certificate", path("node.pem"), "--tls-key",
			path("node.key"), "--tls-client-roots",
			path("authority.pem"), NULL });

	snprintf(target, sizeof(target), "dns:127.0.0.1:%d",
		 number_after(&node, "pcc-node: listening on port "));
	cr_expect_eq(reach(target, &good, 10000), 200);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		cr_expect_neq(reach(target, &refused[i], 2000), 200,
			      "caller %zu was let in", i);
	/* The node is still there: the refusals were of the callers. */
	cr_expect_eq(reach(target, &good, 10000), 200);
	program_stop(&node);
	shell("rm -r $FOLDER", "", "");
}

/* How a node with these further words ends, or -1: it serves. */
static int end_of_node(const char *const words[], size_t count)
{
	const char *arguments[16] = { "--model", system_model() };
	char text[PROGRAM_TEXT_MAX];

	memcpy(arguments + 2, words, count * sizeof(*words));

	struct program node = program_start("pcc-node", arguments);

	if (number_after(&node, "pcc-node: listening on port ") >= 0) {
		program_stop(&node);
		return -1;
	}
	program_read(&node, text);
	return program_end(&node);
}

static int end_of_listener(const char *listen, const char *address)
{
	return end_of_node((const char *const[]){ listen, address }, 2);
}

/* What stands for mutual TLS at every address of this machine. */
#define TLS_WORDS 8

/* Each set of them but the whole leaves callers unproven, and does not serve. */
static uint64_t serve_with_less(void)
{
	char address[32];
	const char *words[TLS_WORDS] = {
		"--listen-tls",	      address,
		"--tls-certificate",  path("node.pem"),
		"--tls-key",	      path("node.key"),
		"--tls-client-roots", path("authority.pem"),
	};
	uint64_t served = 0;

	snprintf(address, sizeof(address), "0.0.0.0:%u", free_port());
	cr_assert_eq(end_of_node(words, TLS_WORDS), -1, "not even with roots");
	for (size_t count = TLS_WORDS - 2; count >= 2; count -= 2)
		served += end_of_node(words, count) != 1;
	return served;
}

Test(tls, a_node_listens_to_no_network_without_mutual_tls, .timeout = 120)
{
	static const char *const refused[] = {
		"0.0.0.0:0",
		"0.0.0.0:50051",
		"10.0.0.1:50051",
		"128.0.0.1:0",
		"126.255.255.255:0",
		"[::]:50051",
		"[::1]:50051",
		"::1:50051",
		"localhost:50051",
		"50051",
		":50051",
		"",
	};
	uint64_t tries = 0, served = 0, control;

	if (system_obstacle() != NULL)
		cr_skip_test("%s", system_obstacle());
	cr_assert_not_null(mkdtemp(folder));
	make_authority("authority");
	make_identity("node", "authority");
	control = end_of_listener("--listen", "127.0.0.1:0") == -1;
	served += serve_with_less();
	tries += TLS_WORDS / 2 - 1;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		served += end_of_listener("--listen", refused[i]) != 1;
		served += end_of_listener("--listen-tls", refused[i]) != 1;
		tries += 2;
	}
	figure_none("C1", "addresses that a node served without mutual TLS",
		    served, tries, control);
	shell("rm -r $FOLDER", "", "");
}
