/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TPM is enrolled from end to end, with the tools of others on its side:
 * tpm2-tools against swtpm make the keys, open the answer, and quote.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "attest/enrolment.h"
#include "attest/tpm.h"
#include "attest/tpm_evidence.h"
#include "attest/tpm_public.h"
#include "base/fd.h"
#include "tests/support/swtpm.h"
#include "tests/system.h"
#include "tests/vector.h"

#define FILE_MAX 16384
#define COMMAND_MAX (2 * PATH_MAX)
#define MAGIC "\xba\xdc\xc0\xde\0\0\0\1" /* of a credential in a file */

static struct swtpm chip;

static void stop(void)
{
	swtpm_stop(&chip);
}

TestSuite(enrol, .fini = stop, .timeout = 120);

/* A command in the TPM's folder, with the TPM behind it; its exit status. */
__attribute__((format(printf, 1, 2))) static int run(const char *format, ...)
{
	char command[COMMAND_MAX];
	char script[PATH_MAX];
	va_list arguments;
	int used;
	int status;

	cr_assert_not_null(realpath("tests/support/tpm_pipe.py", script));
	used = snprintf(command, sizeof(command),
			"cd %s && export TPM2TOOLS_TCTI='cmd:python3 %s %s' && "
			"{ ",
			chip.folder, script, chip.socket);
	va_start(arguments, format);
	used += vsnprintf(command + used, sizeof(command) - (size_t)used,
			  format, arguments);
	va_end(arguments);
	snprintf(command + used, sizeof(command) - (size_t)used,
		 "; } >>log 2>&1");
	status = system(command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static struct bytes read_part(const char *name)
{
	char path[256];
	uint8_t memory[FILE_MAX];
	struct writer out = WRITER_OVER(memory);
	int fd;

	snprintf(path, sizeof(path), "%s/%s", chip.folder, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	cr_assert_geq(fd, 0, "%s", path);
	cr_assert_eq(fd_read_all(fd, &out), ERR_OK);
	close(fd);
	return (struct bytes){ vector_copy(bytes_written(&out)), out.len };
}

static void write_part(const char *name, struct bytes data)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", chip.folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	cr_assert_geq(fd, 0);
	cr_assert_eq(fd_write_all(fd, data), ERR_OK);
	close(fd);
}

/* What a TPM2B holds. */
static struct bytes inside(struct bytes sized)
{
	struct bytes out;

	cr_assert_eq(tpm_public_take_sized(&sized, &out), ERR_OK);
	cr_assert_eq(sized.len, 0);
	return out;
}

/* Which of the TPM's endorsement keys, and which key for itself. */
struct kind {
	const char *ek;		 /* handle */
	const char *certificate; /* where in its memory */
	const char *ak;		 /* how tpm2_createak is told */
	const char *authorised;	 /* use of the EK: by policy or password */
};

static const struct kind rsa = { "0x81010001", "0x1c00002",
				 "-G ecc -g sha256 -s ecdsa",
				 "-P session:session" };
static const struct kind ecc = { "0x81010016", "0x1c00016",
				 "-G rsa -g sha256 -s rsassa", "" };

#define ROOT "ca/swtpm-localca-rootca-cert.pem"

/* A TPM with keys, a CA, and the request of the one to the other. */
static void prepare(const struct kind *kind)
{
	if (system("command -v tpm2_activatecredential >/dev/null") != 0)
		cr_skip_test("tpm2-tools is not installed");
	swtpm_start(SWTPM_WITH_EK, &chip);
	cr_assert_eq(run("tpm2_readpublic -c %s -f tss -o ek.pub", kind->ek),
		     0);
	cr_assert_eq(run("tpm2_nvread %s -C o -o ek.der", kind->certificate),
		     0);
	cr_assert_eq(run("tpm2_createak -C %s -c ak.ctx %s -u ak.pub -n "
			 "ak.name -f tss && tpm2_flushcontext -t",
			 kind->ek, kind->ak),
		     0);
	cr_assert_eq(run("openssl x509 -in ca/issuercert.pem -outform DER -out "
			 "issuer.der"),
		     0);
	cr_assert_eq(run("openssl req -x509 -newkey ec -pkeyopt "
			 "ec_paramgen_curve:P-256 -nodes -days 100 -subj "
			 "/CN=operator -keyout key.pem -out own.pem && "
			 "openssl x509 -in own.pem -outform DER -out own.der"),
		     0);
}

static void ask(void)
{
	struct enrolment_request request = {
		.certificates = { read_part("ek.der"),
				  read_part("issuer.der") },
		.certificate_count = 2,
		.ek_public = inside(read_part("ek.pub")),
		.ak_public = inside(read_part("ak.pub")),
	};
	uint8_t memory[FILE_MAX];
	struct writer out = WRITER_OVER(memory);

	cr_assert_eq(enrolment_request_write(&request, &out), ERR_OK);
	write_part("request", bytes_written(&out));
}

static int enrol(const char *roots)
{
	char program[SYSTEM_BUILT_MAX];
	char path[PATH_MAX];

	cr_assert(system_built("pcc-verify", program));
	cr_assert_not_null(realpath(program, path));
	return run("%s enrol --request request --ek-roots %s --ca-key key.pem "
		   "--ca-certificate own.pem --days 30 --out answer",
		   path, roots);
}

/* Our answer as the file that tpm2_activatecredential reads. */
static void write_credential(const struct enrolment_answer *answer)
{
	uint8_t memory[FILE_MAX];
	struct writer out = WRITER_OVER(memory);

	cr_assert_eq(bytes_put(&out, BYTES_LITERAL(MAGIC)), ERR_OK);
	cr_assert_eq(bytes_put(&out, answer->blob), ERR_OK);
	cr_assert_eq(bytes_put(&out, answer->secret), ERR_OK);
	write_part("credential", bytes_written(&out));
}

static int activate(const struct kind *kind, const char *ak)
{
	return run("tpm2_startauthsession --policy-session -S session && "
		   "tpm2_policysecret -S session -c e && "
		   "tpm2_activatecredential -c %s -C %s -i credential -o "
		   "secret %s; status=$?; "
		   "tpm2_flushcontext session; tpm2_flushcontext -t; "
		   "(exit $status)",
		   ak, kind->ek, kind->authorised);
}

/* The certificates in the answer, opened by the TPM. */
static size_t open_answer(const struct kind *kind, struct bytes *chain)
{
	struct enrolment_answer answer;
	struct secret32 secret;
	struct bytes given;
	uint8_t memory[FILE_MAX];
	struct writer out = WRITER_OVER(memory);
	struct bytes opened;
	size_t count = 0;

	cr_assert_eq(enrolment_answer_parse(read_part("answer"), &answer),
		     ERR_OK);
	write_credential(&answer);
	cr_assert_eq(activate(kind, "ak.ctx"), 0);
	given = read_part("secret");
	cr_assert_eq(bytes_take_into(&given, secret.bytes, 32), ERR_OK);
	cr_assert_eq(given.len, 0);
	cr_assert_eq(enrolment_open(&answer, &secret, &out), ERR_OK);
	opened = (struct bytes){ vector_copy(bytes_written(&out)), out.len };
	cr_assert_eq(enrolment_chain_parse(opened, 2, chain, &count), ERR_OK);
	secret.bytes[31] ^= 1;
	out.len = 0;
	cr_assert_eq(enrolment_open(&answer, &secret, &out), ERR_UNAUTHENTIC);
	return count;
}

#define SELECTION "sha256:0,1,2,3,4,5,6,7,14"
#define QUALIFYING \
	"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define ANOTHER \
	"01112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/* Quote some registers, of which one was extended, with the enrolled key. */
static void quote(void)
{
	cr_assert_eq(run("tpm2_pcrextend 14:sha256=" QUALIFYING " && "
			 "tpm2_pcrread " SELECTION " -o pcrs && "
			 "tpm2_quote -c ak.ctx -l " SELECTION " -q " QUALIFYING
			 " -m attest -s signature -o values && "
			 "tpm2_flushcontext -t"),
		     0);
}

static void judge(const struct bytes *chain, size_t count,
		  struct appraisal *out)
{
	static const uint8_t places[] = { 0, 1, 2, 3, 4, 5, 6, 7, 14 };
	struct certificate own = { NULL };
	struct certificate_root root;
	struct appraisal_policy policy = { .now = (uint64_t)time(NULL),
					   .roots = &root,
					   .root_count = 1 };
	struct tpm_evidence evidence = {
		.attest = read_part("attest"),
		.signature = read_part("signature"),
		.ak_public = inside(read_part("ak.pub")),
		.certificate_count = count,
	};
	struct bytes pcrs = read_part("pcrs");
	uint8_t memory[FILE_MAX];
	struct writer encoded = WRITER_OVER(memory);

	memcpy(evidence.certificates, chain, count * sizeof(*chain));
	for (size_t i = 0; i < sizeof(places); i++)
		evidence.pcrs[places[i]] = pcrs.data + 32 * i;
	cr_assert_eq(pcrs.len, 32 * sizeof(places));
	cr_assert_eq(certificate_parse(read_part("own.der"), &own), ERR_OK);
	certificate_root_of(&own, &root);
	certificate_close(&own);
	cr_assert_eq(tpm_evidence_write(&evidence, &encoded), ERR_OK);
	tpm_appraise((struct bytes){ vector_copy(bytes_written(&encoded)),
				     encoded.len },
		     &policy, out);
}

static void enrol_and_quote(const struct kind *kind)
{
	struct bytes chain[2];
	struct appraisal found;

	prepare(kind);
	ask();
	cr_assert_eq(enrol(ROOT), 0);
	cr_assert_eq(open_answer(kind, chain), 2);
	quote();
	judge(chain, 2, &found);
	cr_assert(appraisal_holds(&found, TPM_NEEDED), "%s %s",
		  found.records[APPRAISAL_CHAIN].text,
		  found.records[APPRAISAL_SIGNATURE].text);
	cr_assert(bytes_equal(found.report_data, vector_hex(QUALIFYING)));

	/* The makers' own tool thinks the same, of this nonce alone. */
	cr_assert_eq(run("tpm2_readpublic -c ak.ctx -f pem -o ak.pem && "
			 "tpm2_flushcontext -t && "
			 "tpm2_checkquote -u ak.pem -m attest -s signature -f "
			 "values -g sha256 -q " QUALIFYING),
		     0);
	cr_assert_neq(run("tpm2_checkquote -u ak.pem -m attest -s signature -f "
			  "values -g sha256 -q " ANOTHER),
		      0);
}

Test(enrol, a_tpm_with_an_rsa_endorsement_key_is_enrolled_and_quotes)
{
	enrol_and_quote(&rsa);
}

Test(enrol, a_tpm_with_an_endorsement_key_on_p384_is_enrolled_and_quotes)
{
	enrol_and_quote(&ecc);
}

/* The same EK, but another key than the one that was certified. */
Test(enrol, beside_another_key_the_tpm_does_not_open_the_answer)
{
	struct enrolment_answer answer;

	prepare(&rsa);
	ask();
	cr_assert_eq(enrol(ROOT), 0);
	cr_assert_eq(enrolment_answer_parse(read_part("answer"), &answer),
		     ERR_OK);
	write_credential(&answer);
	cr_assert_eq(run("tpm2_createak -C %s -c other.ctx %s -u other.pub -n "
			 "other.name && tpm2_flushcontext -t",
			 rsa.ek, rsa.ak),
		     0);
	cr_assert_neq(activate(&rsa, "other.ctx"), 0);
	cr_assert_eq(activate(&rsa, "ak.ctx"), 0);
}

Test(enrol, what_we_make_has_the_form_of_what_tpm2_makecredential_makes)
{
	struct enrolment_answer answer;
	struct bytes theirs;

	prepare(&rsa);
	ask();
	cr_assert_eq(enrol(ROOT), 0);
	cr_assert_eq(run("head -c 32 /dev/urandom >word && "
			 "tpm2_makecredential -T none -u ek.pub -s word -n "
			 "$(od -An -v -tx1 ak.name | tr -d ' \\n') -o theirs"),
		     0);
	cr_assert_eq(enrolment_answer_parse(read_part("answer"), &answer),
		     ERR_OK);
	theirs = read_part("theirs");
	cr_assert_eq(theirs.len, 8 + answer.blob.len + answer.secret.len);
	cr_assert_eq(memcmp(theirs.data + 8, answer.blob.data, 4), 0);
	cr_assert_eq(memcmp(theirs.data + 8 + answer.blob.len,
			    answer.secret.data, 2),
		     0);
}

Test(enrol, an_endorsement_key_of_no_accepted_maker_is_refused)
{
	prepare(&rsa);
	ask();
	cr_assert_eq(enrol("own.pem"), 10);
	cr_assert_neq(access("answer", F_OK), 0);
	cr_assert_eq(enrol(ROOT), 0);
}
