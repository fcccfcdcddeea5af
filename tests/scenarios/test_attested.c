/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node with hardware evidence: a TPM in software, and a folder that stands in
 * for configfs-tsm.  What it hands out is judged by the verifier's own parts.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attest/evidence.h"
#include "attest/identity.h"
#include "attest/tpm_evidence.h"
#include "attest/tpm_quote.h"
#include "base/arena.h"
#include "base/fd.h"
#include "gateway/dial.h"
#include "node/chip.h"
#include "tests/figure.h"
#include "tests/scenarios/call.h"
#include "tests/scenarios/openai.h"
#include "tests/scenarios/process.h"
#include "tests/scenarios/sealed.h"
#include "tests/support/swtpm.h"
#include "tests/support/tsm.h"
#include "wire/cbor.h"

#define BACK_MS 5000
#define ENDED_MS 20000
#define ATTESTERS 8 /* that are killed */

static struct swtpm chip;
static struct tsm tsm;
static struct system pcc;
static uint8_t memory[BUNDLE_BYTES_MAX + 256];

static void stop(void)
{
	if (pcc.folder[0] != '\0')
		system_stop_or_fail(&pcc);
	swtpm_stop(&chip);
	tsm_stop(&tsm);
}

TestSuite(attested, .fini = stop, .timeout = 120);

/* unix:PATH of the TPM. */
static const char *address(void)
{
	static char text[SWTPM_PATH_MAX + 8];

	snprintf(text, sizeof(text), "unix:%s", chip.socket);
	return text;
}

static void start_with_tpm(void)
{
	static const char *arguments[] = { "--evidence", "tpm2", "--tpm", NULL,
					   NULL };
	struct policy policy = system_policy();

	if (system_obstacle() != NULL)
		cr_skip_test("%s", system_obstacle());
	swtpm_start(SWTPM_BLANK, &chip);
	arguments[3] = address();
	system_tell(arguments, NULL);
	policy.workers = 1;
	policy.warm_workers = 1;
	system_start_or_skip(&policy, &pcc);
}

static void start_with_reports(const char *kind, const char *provider)
{
	static const char *arguments[8];
	struct policy policy = system_policy();
	size_t count = 0;

	if (system_obstacle() != NULL)
		cr_skip_test("%s", system_obstacle());
	tsm_start(provider, TSM_IN_ORDER, &tsm);
	arguments[count++] = "--evidence";
	arguments[count++] = kind;
	arguments[count++] = "--tsm";
	arguments[count++] = tsm.reports;
	if (strcmp(kind, "tdx") == 0) {
		arguments[count++] = "--tsm-measurements";
		arguments[count++] = tsm.measurements;
	}
	arguments[count] = NULL;
	system_tell(arguments, NULL);
	system_start_or_skip(&policy, &pcc);
}

/* The bundle of the node for this nonce, or for none. */
static enum err fetch_bundle(const struct call_line *line, struct bytes nonce,
			     struct bundle *out)
{
	static uint8_t room[RPC_ARENA_FOR(BUNDLE_BYTES_MAX)]
		__attribute__((aligned(ARENA_ALIGNMENT)));
	struct arena arena = { .base = room, .size = sizeof(room) };
	struct rpc_attestation_request request = { .nonce = nonce };
	struct rpc_attestation_response response;
	uint8_t asked[64];
	struct writer encoded = WRITER_OVER(asked);
	struct writer got = WRITER_OVER(memory);
	struct dial_unary unary = { .channel = line->channel,
				    .method = DIAL_METHOD_ATTESTATION,
				    .timeout_ms = BACK_MS };

	memset(room, 0, sizeof(room));
	TRY(rpc_attestation_request_encode(&request, &encoded));
	unary.request = bytes_written(&encoded);
	TRY(dial_call(&unary, &got));
	TRY(rpc_attestation_response_parse(bytes_written(&got), &arena,
					   &response));
	return bundle_parse(response.bundle, out);
}

static void expect_bundle(const struct call_line *line, struct bytes nonce,
			  struct bundle *out)
{
	uint64_t end = system_now_ms() + BACK_MS;
	enum err err;

	do
		err = fetch_bundle(line, nonce, out);
	while (err != ERR_OK && system_now_ms() < end);
	cr_assert_eq(err, ERR_OK, "%s", err_name(err));
}

/* All that makes it this node's quote, for this nonce (NULL: zeros). */
static enum err judge(const struct bundle *bundle, const uint8_t *nonce)
{
	struct evidence_claims claims = { bundle->statement, bundle->keys,
					  nonce };
	struct evidence_report_data report_data;
	struct tpm_evidence evidence;
	struct statement statement;
	struct tpm_public key;
	struct tpm_quote quote;
	uint8_t data[32], pcr[IDENTITY_PCR_BYTES];

	evidence_bind(&claims, &report_data);
	hash_sha256(BYTES_ARRAY(report_data.bytes), data);
	TRY(statement_parse(bundle->statement, &statement));
	TRY(tpm_evidence_parse(bundle->evidence[0].value, &evidence));
	TRY(tpm_public_parse(evidence.ak_public, &key));
	TRY(tpm_public_expect_ak(&key));
	identity_pcr(&statement, pcr);
	if (statement.assurance != STATEMENT_TPM2 ||
	    memcmp(evidence.pcrs[IDENTITY_PCR], pcr, sizeof(pcr)) != 0)
		return ERR_DENIED;

	struct tpm_quote_claim claim = { .attest = evidence.attest,
					 .signature = evidence.signature,
					 .key = &key,
					 .data = BYTES_ARRAY(data),
					 .values = { .bank = HASH_SHA256 } };

	memcpy(claim.values.pcrs, evidence.pcrs, sizeof(evidence.pcrs));
	TRY(tpm_quote_check(&claim, &quote));
	return quote.selected == CHIP_QUOTED ? ERR_OK : ERR_DENIED;
}

Test(attested, a_quote_names_this_node_and_its_registers_what_it_states)
{
	struct bytes none = { NULL, 0 };
	struct call_line line;
	struct bundle bundle;

	start_with_tpm();
	line = call_dial(&pcc, 0);
	expect_bundle(&line, none, &bundle);
	cr_assert_eq(bundle.evidence_count, 1);
	cr_assert_eq(bundle.evidence[0].type, BUNDLE_EVIDENCE_TPM2);
	cr_assert_eq(judge(&bundle, NULL), ERR_OK);
}

Test(attested, a_quote_for_one_nonce_is_for_no_other)
{
	uint8_t nonce[32], other[32];
	struct call_line line;
	struct bundle bundle;

	start_with_tpm();
	line = call_dial(&pcc, 0);
	for (uint8_t i = 1; i < 20; i++) {
		memset(nonce, i, sizeof(nonce));
		memset(other, i + 1, sizeof(other));
		expect_bundle(&line, BYTES_ARRAY(nonce), &bundle);
		cr_assert_eq(judge(&bundle, nonce), ERR_OK);
		cr_assert_eq(judge(&bundle, other), ERR_UNAUTHENTIC);
		cr_assert_eq(judge(&bundle, NULL), ERR_UNAUTHENTIC);
	}
}

/* ---- from a blank TPM to an answer */

/* A command in the TPM's folder, where $B is the build; whether it worked. */
static bool run(const char *command)
{
	char build[SYSTEM_BUILT_MAX], line[SYSTEM_BUILT_MAX + 1024];

	cr_assert(system_built("", build));
	snprintf(line, sizeof(line), "B=%s; cd %s && ( %s ) >>run.log 2>&1",
		 build, chip.folder, command);
	return system(line) == 0; /* NOLINT: a fixed command of a test */
}

#define MAKE_CA                                                            \
	"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "   \
	"-nodes -keyout key.pem -out ca.pem -days 2 -subj '/CN=Operator' " \
	"-addext basicConstraints=critical,CA:TRUE "                       \
	"-addext keyUsage=critical,keyCertSign"
#define ANSWER                                                           \
	"cat ca/swtpm-localca-rootca-cert.pem ca/issuercert.pem >ek && " \
	"$B/pcc-verify enrol --request request --ek-roots ek --ca-key "  \
	"key.pem --ca-certificate ca.pem --days 1 --out answer "         \
	"--ek $(cat ek.hex)"
#define WRITE_TRUST                                                   \
	"printf 'evidence tpm2\\nmeasurement any\\nroot tpm2 %s\\n' " \
	"$(openssl x509 -in ca.pem -noout -pubkey | "                 \
	"openssl pkey -pubin -outform DER | sha256sum | cut -c 1-64) >trust"
#define ASK "$B/pcc-node --enrol-request request --tpm unix:tpm.sock >ek.hex"
#define FINISH                                                       \
	"$B/pcc-node --enrol-finish answer --ak-certificate ak.pem " \
	"--tpm unix:tpm.sock"

static void enrol(void)
{
	swtpm_start(SWTPM_WITH_EK, &chip);
	cr_assert(run(MAKE_CA));
	cr_assert(run(ASK));
	cr_assert(run(ANSWER));
	cr_assert(run(FINISH));
	cr_assert(run(WRITE_TRUST));
}

Test(attested, an_enrolled_tpm_makes_a_client_trust_its_node_and_get_an_answer)
{
	static const char *arguments[] = {
		"--evidence",	    "tpm2", "--tpm", NULL,
		"--ak-certificate", NULL,   NULL
	};
	static char certificate[SWTPM_PATH_MAX], trust[SWTPM_PATH_MAX];
	struct policy policy = system_policy();

	if (system_obstacle() != NULL || getenv("PCC_NODE") != NULL)
		cr_skip_test("programs without sanitizers are needed");
	enrol();
	snprintf(certificate, sizeof(certificate), "%s/ak.pem", chip.folder);
	snprintf(trust, sizeof(trust), "%s/trust", chip.folder);
	arguments[3] = address();
	arguments[5] = certificate;
	system_tell(arguments, trust);
	system_start_or_skip(&policy, &pcc);
	cr_assert_geq(openai_await_answer(pcc.client, 20000), 0);
}

Test(attested, an_answer_to_one_tpm_opens_in_no_other)
{
	char command[256];
	struct swtpm first;

	if (system_obstacle() != NULL || getenv("PCC_NODE") != NULL)
		cr_skip_test("programs without sanitizers are needed");
	enrol();
	first = chip;
	swtpm_start(SWTPM_WITH_EK, &chip);
	snprintf(command, sizeof(command), "cp %s/answer .", first.folder);
	cr_assert(run(command));
	cr_expect_not(run(FINISH));
	cr_expect_not(run("test -e ak.pem"));
	swtpm_stop(&first);
}

/* ---- death */

/* The one that lives, which has to come in time. */
static pid_t await_attester(void)
{
	uint64_t end = system_now_ms() + BACK_MS;
	pid_t attester;

	do {
		attester = process_role(pcc.pids[SYSTEM_NODE], JAIL_ATTESTER);
		if (attester != 0)
			return attester;
		system_sleep_ms(5);
	} while (system_now_ms() < end);
	cr_assert_fail("there is no attester");
	return 0;
}

static bool is_served(const struct sealed_target *target)
{
	return sealed_is_answered(target);
}

Test(attested,
     an_attester_killed_while_it_is_asked_is_replaced_and_the_node_serves_on)
{
	struct sealed_target target;
	struct call_line line;
	struct bundle bundle;
	uint8_t nonce[32];
	uint64_t deaths = 0, served = 0;
	pid_t last = 0;

	start_with_tpm();
	line = call_dial(&pcc, 0);
	cr_assert(sealed_find(pcc.gateway, &target));
	for (uint8_t i = 1; i <= ATTESTERS; i++) {
		pid_t attester = await_attester();

		cr_assert_neq(attester, last);
		last = attester;
		memset(nonce, i, sizeof(nonce));
		cr_assert_eq(kill(attester, SIGKILL), 0);
		served += is_served(&target);
		cr_assert_geq(process_await_end(attester, BACK_MS), 0);
		deaths++;
		expect_bundle(&line, BYTES_ARRAY(nonce), &bundle);
		cr_assert_eq(judge(&bundle, nonce), ERR_OK);
	}
	cr_assert_neq(await_attester(), last);
	figure_all("L10", "requests answered while an attester was dead",
		   served, deaths);
}

/* ---- private keys in the TPM */

static void start_with_keys_in_the_tpm(void)
{
	static const char *arguments[] = { "--evidence", "tpm2", "--tpm", NULL,
					   NULL };
	struct policy policy = system_policy();

	if (system_obstacle() != NULL)
		cr_skip_test("%s", system_obstacle());
	swtpm_start(SWTPM_BLANK, &chip);
	arguments[3] = address();
	system_tell(arguments, NULL);
	policy.kem = POLICY_KEM_P256_TPM;
	policy.workers = 2;
	policy.warm_workers = 2;
	system_start_or_skip(&policy, &pcc);
}

Test(attested, a_key_in_the_tpm_opens_requests_once_and_survives_its_attester)
{
	struct sealed_target target;

	start_with_keys_in_the_tpm();
	cr_assert(sealed_find(pcc.gateway, &target));
	cr_assert_eq(target.key.public_key.kem, HPKE_KEM_P256);
	for (int i = 0; i < 3; i++) {
		pid_t attester = await_attester();
		uint64_t end = system_now_ms() + BACK_MS;
		bool answered = false;

		cr_assert_eq(kill(attester, SIGKILL), 0);
		/* The same key: whoever sealed to it need not ask again. */
		while (!answered && system_now_ms() < end)
			answered = sealed_is_answered(&target);
		cr_assert(answered, "death %d", i);
	}
}

static long status_of(const struct sealed_target *target,
		      const struct sealed_request *request)
{
	struct fetch_response *response = fetch_response_new();
	long status;

	sealed_send_request(target, request, response);
	status = response->status;
	free(response);
	return status;
}

Test(attested,
     with_a_key_in_the_tpm_replays_and_points_off_the_curve_are_refused)
{
	uint8_t inner_bytes[1024];
	struct writer inner = WRITER_OVER(inner_bytes);
	struct sealed_target target;
	struct sealed_request request;
	pid_t attester;

	start_with_keys_in_the_tpm();
	cr_assert(sealed_find(pcc.gateway, &target));
	attester = process_role(pcc.pids[SYSTEM_NODE], JAIL_ATTESTER);
	sealed_inner_question("once", 4, &inner);
	sealed_make(&target, OHTTP_CHUNKED, bytes_written(&inner), &request);
	cr_expect_eq(status_of(&target, &request), 200);
	cr_expect_eq(status_of(&target, &request), 400);
	sealed_free(&request);
	sealed_make(&target, OHTTP_CHUNKED, bytes_written(&inner), &request);
	for (size_t i = 0; i < 8; i++) {
		request.bytes[OHTTP_HEADER_BYTES + 1 + 8 * i] ^= 1;
		cr_expect_eq(status_of(&target, &request), 400);
	}
	sealed_free(&request);
	cr_assert(sealed_is_answered(&target));
	cr_assert_eq(process_role(pcc.pids[SYSTEM_NODE], JAIL_ATTESTER),
		     attester, "a client ended the attester");
}

Test(attested, a_key_in_the_tpm_needs_the_tpms_evidence)
{
	struct policy policy = system_policy();
	const char *wrong;

	if (system_obstacle() != NULL)
		cr_skip_test("%s", system_obstacle());
	policy.kem = POLICY_KEM_P256_TPM;
	system_tell(NULL, NULL);
	wrong = system_start(&policy, SYSTEM_AS_CALLER, &pcc);
	cr_assert_not_null(wrong);
	cr_expect_not_null(strstr(wrong, "needs --evidence tpm2"), "%s", wrong);
}

/* ---- what the kernel says of the role */

Test(attested,
     the_attester_has_a_jail_of_its_own_and_the_keeper_as_its_one_peer)
{
	char value[PROCESS_VALUE_MAX];
	int open[16];
	ssize_t count;
	pid_t attester;

	start_with_tpm();
	attester = process_role(pcc.pids[SYSTEM_NODE], JAIL_ATTESTER);
	cr_assert_gt(attester, 0);
	process_status(attester, "Seccomp", value);
	cr_expect_str_eq(value, "2");
	process_status(attester, "NoNewPrivs", value);
	cr_expect_str_eq(value, "1");
	process_status(attester, "CapEff", value);
	cr_expect_str_eq(value, "0000000000000000");
	count = process_descriptors(attester, open, 16);
	if (count < 0 && geteuid() != 0)
		cr_skip_test("only root may look at descriptors");
	/* Void, void, log, supervisor, TPM, keeper. */
	cr_assert_eq(count, 6, "%zd", count);
	if (geteuid() == 0) {
		process_status(attester, "Uid", value);
		cr_expect_eq(atoi(value), (int)JAIL_ID_BASE + JAIL_ATTESTER);
	}
}

Test(attested, with_software_evidence_there_is_no_attester)
{
	struct policy policy = system_policy();

	system_tell(NULL, NULL);
	system_start_or_skip(&policy, &pcc);
	cr_assert_eq(process_role(pcc.pids[SYSTEM_NODE], JAIL_ATTESTER), 0);
	cr_assert_gt(process_role(pcc.pids[SYSTEM_NODE], JAIL_KEEPER), 0);
}

/* ---- one boot, one release */

#define SAID_MAX 4096

/* Run a node until it says that it is ready, or ends; what it says. */
static bool runs(const char *const *more, char said[static SAID_MAX])
{
	static char path[SYSTEM_BUILT_MAX];
	static char listen[64];
	const char *arguments[20] = { "pcc-node",   "--model",	system_model(),
				      "--evidence", "tpm2",	"--tpm",
				      address(),    "--listen", listen };
	uint64_t end = system_now_ms() + ENDED_MS;
	size_t len = 0;
	int pipes[2], status;
	ssize_t got = 1;
	pid_t pid;

	snprintf(listen, sizeof(listen), "unix:%s/node.sock", chip.folder);
	for (size_t i = 0; more[i] != NULL; i++)
		arguments[9 + i] = more[i];
	cr_assert(system_built("pcc-node", path));
	cr_assert_eq(pipe(pipes), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(pipes[1], 1);
		dup2(pipes[1], 2);
		execv(getenv("PCC_NODE") != NULL ? getenv("PCC_NODE") : path,
		      (char *const *)(uintptr_t)arguments);
		_exit(127);
	}
	cr_assert_gt(pid, 0);
	close(pipes[1]);
	said[0] = '\0';
	while (got > 0 && strstr(said, "pcc-node: ready") == NULL &&
	       system_now_ms() < end) {
		got = read(pipes[0], said + len, SAID_MAX - 1 - len);
		len += got > 0 ? (size_t)got : 0;
		said[len] = '\0';
	}
	kill(pid, SIGTERM);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	close(pipes[0]);
	return strstr(said, "pcc-node: ready") != NULL;
}

Test(attested, one_release_starts_again_in_a_boot_and_another_is_refused)
{
	static const char *const first[] = { NULL };
	static const char *const other[] = { "--policy", "deploy/policy.conf",
					     NULL };
	char said[SAID_MAX];

	if (system_obstacle() != NULL)
		cr_skip_test("%s", system_obstacle());
	swtpm_start(SWTPM_BLANK, &chip);
	cr_assert(runs(first, said), "%s", said);
	cr_assert(runs(first, said), "%s", said);
	cr_assert_not(runs(other, said));
	cr_assert_not_null(strstr(said, "already belongs to another release"),
			   "%s", said);
	swtpm_restart(&chip);
	cr_assert(runs(other, said), "%s", said);
}

Test(attested, without_the_hardware_that_was_asked_for_a_node_does_not_start)
{
	static const char *const both[] = { "--evidence", "sev-snp", "--tsm",
					    "/nonexistent", NULL };
	static const char *const missing[] = { "--event-log", "/nonexistent",
					       NULL };
	static const char *const good[] = { NULL };
	char said[SAID_MAX];

	if (system_obstacle() != NULL)
		cr_skip_test("%s", system_obstacle());
	swtpm_start(SWTPM_BLANK, &chip);
	cr_assert_not(runs(both, said));
	cr_assert_not_null(strstr(said, "/nonexistent"), "%s", said);
	cr_assert_not(runs(missing, said));
	cr_assert(runs(good, said), "%s", said);
}

/* ---- confidential machines */

static void expect_report(enum bundle_evidence_type type, const char *with)
{
	struct bytes none = { NULL, 0 };
	struct call_line line = call_dial(&pcc, 0);
	struct evidence_report_data report_data;
	struct bundle bundle;
	struct bytes quote, more, value;
	size_t items, prefix = strlen(TSM_QUOTE_PREFIX);

	expect_bundle(&line, none, &bundle);
	cr_assert_eq(bundle.evidence_count, 1);
	cr_assert_eq(bundle.evidence[0].type, type);
	value = bundle.evidence[0].value;
	cr_assert_eq(cbor_take_array(&value, 2, &items), ERR_OK);
	cr_assert_eq(cbor_take_bytes(&value, &quote), ERR_OK);
	cr_assert_eq(cbor_take_bytes(&value, &more), ERR_OK);
	cr_assert_eq(value.len, 0);
	evidence_bind(&(struct evidence_claims){ bundle.statement, bundle.keys,
						 NULL },
		      &report_data);
	cr_assert_eq(quote.len, prefix + sizeof(report_data.bytes));
	cr_assert_eq(memcmp(quote.data + prefix, report_data.bytes,
			    sizeof(report_data.bytes)),
		     0);
	cr_assert(bytes_equal(more, bytes_of_string(with)));
}

Test(attested, sev_snp_signs_the_report_data_of_the_bundle)
{
	start_with_reports("sev-snp", "sev_guest");
	expect_report(BUNDLE_EVIDENCE_SEV_SNP, "certificates");
}

Test(attested, tdx_signs_the_report_data_of_the_bundle_and_rtmr_3_is_the_node)
{
	uint8_t expected[IDENTITY_RTMR_BYTES];
	struct bytes none = { NULL, 0 };
	struct statement statement;
	struct call_line line;
	struct bundle bundle;

	start_with_reports("tdx", "tdx_guest");
	expect_report(BUNDLE_EVIDENCE_TDX, "");
	line = call_dial(&pcc, 0);
	expect_bundle(&line, none, &bundle);
	cr_assert_eq(statement_parse(bundle.statement, &statement), ERR_OK);
	cr_assert_eq(statement.assurance, STATEMENT_TDX);
	identity_rtmr(&statement, expected);
	cr_assert_eq(memcmp(tsm.rtmr, expected, sizeof(expected)), 0);
}
