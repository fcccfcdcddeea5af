/* SPDX-License-Identifier: Apache-2.0 */
#include "node/options.h"

#include <fcntl.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "inference/generate.h"
#include "node/listener.h"
#include "wire/bundle.h"

#define VERSION "0.1"

static const char usage[] =
	"usage: pcc-node --model FILE (--listen A | --listen-tls H:P) "
	"[options]\n"
	"       pcc-node --model FILE --measure [--policy FILE]\n"
	"       pcc-node --describe [--policy FILE]\n"
	"       pcc-node doctor [--policy FILE] [--model FILE [--canary]]\n"
	"       pcc-node --enrol-request FILE [--tpm PATH]\n"
	"       pcc-node --enrol-finish FILE --ak-certificate FILE [--tpm "
	"PATH]\n"
	"\n"
	"Serve private inference: requests stay encrypted until they are "
	"inside\n"
	"a process that lives for that one request.\n"
	"\n"
	"  --model FILE         the GGUF file to serve\n"
	"  --policy FILE        limits, threads, keys and traffic shape; the "
	"default\n"
	"                       is what deploy/policy.conf says\n"
	"  --listen ADDRESS     where an authenticated gateway calls, without "
	"TLS:\n"
	"                       unix:PATH, or 127.0.0.1:PORT for tests\n"
	"  --listen-tls H:PORT  the same with mutual TLS, which needs\n"
	"    --tls-certificate FILE  the node's chain, PEM\n"
	"    --tls-key FILE          its key, PEM\n"
	"    --tls-client-roots FILE who may call, PEM\n"
	"  --evidence KIND      what this machine proves to clients: software "
	"(nothing;\n"
	"                       the default), tpm2, sev-snp, tdx; may be "
	"repeated\n"
	"    --tpm PATH              of tpm2: a device, or unix:PATH; "
	"/dev/tpmrm0\n"
	"    --ak-certificate FILE   of the TPM's key, from enrolment, PEM\n"
	"    --event-log FILE        of its firmware; the kernel's own\n"
	"    --tsm DIRECTORY         of sev-snp and tdx: configfs-tsm's "
	"reports\n"
	"    --tsm-measurements DIR  of tdx: the kernel's files of RTMRs\n"
	"    --ccel FILE             of tdx: the event log of its firmware\n"
	"  --release FILE       the entry of a transparency log that this node "
	"is of,\n"
	"                       and its proof, for clients, as pcc-log "
	"publish writes\n"
	"                       them; it has to fit and be in time\n"
	"  --measure            print the digests that a node of this "
	"program,\n"
	"                       model and policy states of itself, as options\n"
	"                       of pcc-client, and end; other arguments count\n"
	"                       as if --measure were not there\n"
	"  --enrol-request FILE write what pcc-verify enrol needs to certify "
	"the TPM's\n"
	"                       key, and end\n"
	"  --enrol-finish FILE  read its answer, write --ak-certificate, and "
	"end\n"
	"  --describe           print jail, log, limits and policy line by "
	"line, as a\n"
	"                       release's manifest holds them, and end\n"
	"  doctor               look at this machine: what stops a node, what "
	"weakens\n"
	"                       it, and what to do; exit status 1 where one "
	"would\n"
	"                       not start\n"
	"    --canary                as root: start this node for one request "
	"of its\n"
	"                            own, and look for that in all its memory, "
	"queues\n"
	"                            and files; 1 where anything is left\n"
	"  --cpu                print the engine's paths that this "
	"processor runs,\n"
	"                       the one in use last, and end\n"
	"  --help, --version\n"
	"\n"
	"Prints \"pcc-node: ready\" when it serves.  Exit status: 0 stopped "
	"as\n"
	"asked, 1 could not start or must not go on.\n"
	"\n"
	"It runs until SIGTERM or SIGINT, which let running requests finish; "
	"a\n"
	"second one does not.  The log goes to standard error and holds "
	"numbers\n"
	"only.\n";

enum {
	HELP = 256,
	VERSION_OPTION,
	CPU,
	MEASURE,
	DESCRIBE,
	EVIDENCE,
	CANARY
};

static const struct known {
	struct option option;
	size_t place; /* in struct options */
} known[] = {
	{ { "model", required_argument, NULL, 0 },
	  offsetof(struct options, model) },
	{ { "policy", required_argument, NULL, 0 },
	  offsetof(struct options, policy) },
	{ { "listen", required_argument, NULL, 0 },
	  offsetof(struct options, listen) },
	{ { "listen-tls", required_argument, NULL, 0 },
	  offsetof(struct options, listen_tls) },
	{ { "tls-certificate", required_argument, NULL, 0 },
	  offsetof(struct options, tls_certificate) },
	{ { "tls-key", required_argument, NULL, 0 },
	  offsetof(struct options, tls_key) },
	{ { "tls-client-roots", required_argument, NULL, 0 },
	  offsetof(struct options, tls_client_roots) },
	{ { "evidence", required_argument, NULL, EVIDENCE }, 0 },
	{ { "tpm", required_argument, NULL, 0 },
	  offsetof(struct options, tpm) },
	{ { "release", required_argument, NULL, 0 },
	  offsetof(struct options, release) },
	{ { "event-log", required_argument, NULL, 0 },
	  offsetof(struct options, event_log) },
	{ { "ak-certificate", required_argument, NULL, 0 },
	  offsetof(struct options, ak_certificate) },
	{ { "tsm", required_argument, NULL, 0 },
	  offsetof(struct options, reports) },
	{ { "tsm-measurements", required_argument, NULL, 0 },
	  offsetof(struct options, measurements) },
	{ { "ccel", required_argument, NULL, 0 },
	  offsetof(struct options, ccel) },
	{ { "enrol-request", required_argument, NULL, 0 },
	  offsetof(struct options, enrol_request) },
	{ { "enrol-finish", required_argument, NULL, 0 },
	  offsetof(struct options, enrol_finish) },
	{ { OPTIONS_MEASURE_WORD + 2, no_argument, NULL, MEASURE }, 0 },
	{ { "describe", no_argument, NULL, DESCRIBE }, 0 },
	{ { "canary", no_argument, NULL, CANARY }, 0 },
	{ { "cpu", no_argument, NULL, CPU }, 0 },
	{ { "help", no_argument, NULL, HELP }, 0 },
	{ { "version", no_argument, NULL, VERSION_OPTION }, 0 },
};

#define KNOWN (sizeof(known) / sizeof(known[0]))

static _Noreturn void mistake(const char *what)
{
	fprintf(stderr, "pcc-node: %s; pcc-node --help tells more\n", what);
	exit(EXIT_FAILURE);
}

static const char *const tiles[] = {
	[MODEL_NO_TILES] = "",
	[MODEL_TILES_INT8] = " (int8 tiles)",
	[MODEL_TILES_INT8_AND_BF16] = " (int8 and bf16 tiles)",
};

static void print_kernels(void)
{
	for (size_t i = 0; model_kernel(i) != NULL; i++) {
		printf("%s%s%s\n", model_kernel(i),
		       tiles[model_kernel_tiles(i)],
		       model_kernel(i + 1) == NULL ? " (used)" : "");
	}
}

/* What ends the program once it is said. */
static void tell(int what)
{
	if (what == HELP)
		fputs(usage, stdout);
	else if (what == VERSION_OPTION)
		puts("pcc-node " VERSION);
	else if (what == CPU)
		print_kernels();
	else
		return;
	exit(EXIT_SUCCESS);
}

static void take(struct options *out, size_t index)
{
	const char **place =
		(const char **)(void *)((char *)out + known[index].place);

	if (*place != NULL)
		mistake("an option is given twice");
	*place = optarg;
}

static void take_evidence(struct options *out)
{
	enum bundle_evidence_type kind;

	if (bundle_evidence_named(optarg, &kind) != ERR_OK)
		mistake("--evidence is software, tpm2, sev-snp or tdx");
	if ((out->evidence & 1u << kind) != 0)
		mistake("an option is given twice");
	out->evidence |= 1u << kind;
}

/* A path that nothing would read is a mistake, not a habit. */
static void check_evidence(const struct options *options)
{
	uint32_t tpm2 = 1u << BUNDLE_EVIDENCE_TPM2;
	uint32_t snp = 1u << BUNDLE_EVIDENCE_SEV_SNP;
	uint32_t tdx = 1u << BUNDLE_EVIDENCE_TDX;

	if ((options->evidence & snp) != 0 && (options->evidence & tdx) != 0)
		mistake("no machine is both sev-snp and tdx");
	if ((options->evidence & tpm2) == 0 &&
	    (options->tpm != NULL || options->event_log != NULL ||
	     options->ak_certificate != NULL))
		mistake("--tpm, --event-log and --ak-certificate are for "
			"--evidence tpm2");
	if ((options->evidence & (snp | tdx)) == 0 && options->reports != NULL)
		mistake("--tsm is for --evidence sev-snp and tdx");
	if ((options->evidence & tdx) == 0 &&
	    (options->measurements != NULL || options->ccel != NULL))
		mistake("--tsm-measurements and --ccel are for --evidence tdx");
}

/* A certificate is what finishing writes, so it is named there. */
static void check_enrolment(const struct options *options)
{
	if (options->enrol_request != NULL && options->enrol_finish != NULL)
		mistake("--enrol-request and --enrol-finish are two steps");
	if (options->enrol_finish != NULL && options->ak_certificate == NULL)
		mistake("--enrol-finish writes --ak-certificate, which is "
			"missing");
}

static bool is_enrolling(const struct options *options)
{
	return options->task == OPTIONS_ENROL_REQUEST ||
	       options->task == OPTIONS_ENROL_FINISH;
}

static void check(const struct options *options)
{
	if (options->task == OPTIONS_DESCRIBE ||
	    options->task == OPTIONS_DOCTOR)
		return;
	if (options->task == OPTIONS_DOCTOR_CANARY) {
		if (options->model == NULL)
			mistake("--canary needs --model: the node to start");
		return;
	}
	if (is_enrolling(options)) {
		check_enrolment(options);
		return;
	}
	check_evidence(options);
	if (options->model == NULL)
		mistake("--model is missing");
	if (options->task == OPTIONS_MEASURE)
		return;
	if (options->listen == NULL && options->listen_tls == NULL)
		mistake("--listen or --listen-tls is missing");
	if (options->listen_tls != NULL &&
	    (options->tls_certificate == NULL || options->tls_key == NULL ||
	     options->tls_client_roots == NULL))
		mistake("--listen-tls needs all three --tls files: callers "
			"are always authenticated");
	if (options->listen_tls != NULL &&
	    listener_port(options->listen_tls) == 0)
		mistake("--listen-tls needs HOST:PORT with a port of its own: "
			"the jail lets no other be bound");
}

void options_parse(int argc, char **argv, struct options *out)
{
	struct option table[KNOWN + 1] = { 0 };
	struct options options = { .arguments = argv };
	int index = 0;

	for (size_t i = 0; i < KNOWN; i++)
		table[i] = known[i].option;
	if (argc > 1 && strcmp(argv[1], "doctor") == 0) {
		options.task = OPTIONS_DOCTOR;
		argc--;
		argv++;
	}
	for (;;) {
		int got = getopt_long(argc, argv, "", table, &index);

		if (got == -1)
			break;
		tell(got);
		if (got == MEASURE)
			options.task = OPTIONS_MEASURE;
		else if (got == DESCRIBE)
			options.task = OPTIONS_DESCRIBE;
		else if (got == EVIDENCE)
			take_evidence(&options);
		else if (got == CANARY && options.task == OPTIONS_DOCTOR)
			options.task = OPTIONS_DOCTOR_CANARY;
		else if (got == 0)
			take(&options, (size_t)index);
		else
			mistake("unknown option");
	}
	if (optind != argc)
		mistake("an argument too many");
	if (options.evidence == 0)
		options.evidence = 1u << BUNDLE_EVIDENCE_SOFTWARE;
	if (options.enrol_request != NULL)
		options.task = OPTIONS_ENROL_REQUEST;
	if (options.enrol_finish != NULL)
		options.task = OPTIONS_ENROL_FINISH;
	check(&options);
	*out = options;
}

static _Noreturn void refuse_policy(const char *path,
				    const struct policy_fault *fault)
{
	fprintf(stderr, "pcc-node: %s: line %zu: %s", path, fault->line,
		fault->reason);
	if (fault->most != 0)
		fprintf(stderr, " (%u to %u)", fault->least, fault->most);
	fputc('\n', stderr);
	exit(EXIT_FAILURE);
}

void options_read_policy(const struct options *options, struct policy *out)
{
	static uint8_t memory[POLICY_TEXT_MAX];
	struct writer text = WRITER_OVER(memory);
	struct policy_fault fault;
	SCOPED_FD file = -1;

	if (options->policy == NULL) {
		policy_default(out);
		return;
	}
	file = open(options->policy, O_RDONLY | O_CLOEXEC);
	if (file < 0 || fd_read_all(file, &text) != ERR_OK)
		die(options->policy);
	if (policy_parse(bytes_written(&text), out, &fault) != ERR_OK)
		refuse_policy(options->policy, &fault);
}
