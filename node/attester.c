/* SPDX-License-Identifier: Apache-2.0 */
#include "node/attester.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attest/evidence.h"
#include "attest/tpm_evidence.h"
#include "base/fd.h"
#include "base/secret.h"
#include "crypto/certificate_pem.h"
#include "crypto/hash.h"
#include "node/chip_kem.h"
#include "node/report.h"
#include "node/role.h"
#include "node/rtmr.h"
#include "node/setup.h"
#include "policy/limits.h"
#include "wire/bundle.h"
#include "wire/cbor.h"

#define FD_TPM 4

static const char other_release[] =
	"this machine's boot already belongs to another release or command "
	"line; reboot";

struct attester {
	struct setup setup;
	struct statement statement; /* digests alone */
	int keeper;		    /* -1: none now */
	struct chip *tpm;	    /* NULL: not asked for */
	uint8_t ak_public[CHIP_PUBLIC_MAX];
	size_t ak_public_len;
	uint8_t certificates[LIMIT_EVIDENCE_BYTES]; /* DER, in a row */
	struct bytes chain[TPM_EVIDENCE_CERTIFICATES_MAX];
	size_t chain_count;
	uint8_t made[MESSAGE_BODY_MAX];
	struct channel_packet packet;
};

static bool proves(const struct attester *attester,
		   enum bundle_evidence_type kind)
{
	return (attester->setup.evidence & 1u << kind) != 0;
}

static enum err put_tpm2(struct attester *attester,
			 const struct evidence_report_data *report_data,
			 struct writer *out)
{
	const struct setup_event_log *log =
		&attester->setup.event_logs[SETUP_LOG_TPM];
	struct tpm_evidence evidence = {
		.ak_public = { attester->ak_public, attester->ak_public_len },
		.certificate_count = attester->chain_count,
		.event_log = { log->bytes, log->len },
	};
	static struct chip_quoted quoted;
	uint8_t data[HASH_SHA256_BYTES];

	hash_sha256(BYTES_ARRAY(report_data->bytes), data);
	TRY(chip_quote(attester->tpm, data, &quoted));
	evidence.attest = (struct bytes){ quoted.attest, quoted.attest_len };
	evidence.signature =
		(struct bytes){ quoted.signature, quoted.signature_len };
	memcpy(evidence.certificates, attester->chain, sizeof(attester->chain));
	for (size_t pcr = 0; pcr < CHIP_PCRS; pcr++) {
		if ((CHIP_QUOTED & 1u << pcr) != 0)
			evidence.pcrs[pcr] = quoted.pcrs.values[pcr];
	}
	return tpm_evidence_write(&evidence, out);
}

/* [ quote, what comes with it ]: SEV-SNP's certificates, TDX's event log. */
static enum err put_report(const struct attester *attester,
			   enum report_provider provider,
			   const struct evidence_report_data *report_data,
			   struct writer *out)
{
	const struct setup_event_log *ccel =
		&attester->setup.event_logs[SETUP_LOG_CCEL];
	static struct report report;
	struct bytes with = { ccel->bytes, ccel->len };

	TRY(report_make(JAIL_FD_REPORTS, provider, report_data->bytes,
			&report));
	if (provider == REPORT_SEV_GUEST)
		with = (struct bytes){ report.aux, report.aux_len };
	TRY(cbor_put_array(out, 2));
	TRY(cbor_put_bytes(out, (struct bytes){ report.out, report.out_len }));
	return cbor_put_bytes(out, with);
}

static enum err put_kind(struct attester *attester,
			 enum bundle_evidence_type kind,
			 const struct evidence_report_data *report_data,
			 struct writer *out)
{
	if (kind == BUNDLE_EVIDENCE_TPM2)
		return put_tpm2(attester, report_data, out);
	if (kind == BUNDLE_EVIDENCE_SEV_SNP)
		return put_report(attester, REPORT_SEV_GUEST, report_data, out);
	if (kind == BUNDLE_EVIDENCE_TDX)
		return put_report(attester, REPORT_TDX_GUEST, report_data, out);
	return ERR_UNSUPPORTED;
}

/* One piece behind its length, which is known only afterwards. */
static enum err put_piece(struct attester *attester,
			  enum bundle_evidence_type kind,
			  const struct evidence_report_data *report_data,
			  struct writer *out)
{
	struct writer length = *out;
	size_t start;

	TRY(bytes_put_u32(out, 0));
	start = out->len;
	TRY(put_kind(attester, kind, report_data, out));
	return bytes_put_u32(&length, (uint32_t)(out->len - start));
}

/* Evidence of every kind but software, which needs no attester. */
static enum err make_evidence(struct attester *attester,
			      const struct evidence_report_data *report_data,
			      struct writer *out)
{
	*out = (struct writer){ attester->made, 0, LIMIT_EVIDENCE_BYTES };
	for (int kind = BUNDLE_EVIDENCE_SOFTWARE + 1;
	     kind < BUNDLE_EVIDENCE_COUNT; kind++) {
		if (proves(attester, (enum bundle_evidence_type)kind))
			TRY(put_piece(attester, (enum bundle_evidence_type)kind,
				      report_data, out));
	}
	return ERR_OK;
}

/* A keeper that is busy is waited for: nobody else waits here. */
static enum err answer(int keeper, const struct message *message)
{
	struct pollfd writable = { .fd = keeper, .events = POLLOUT };

	while (channel_send(keeper, message, -1) != ERR_OK) {
		if (errno != EAGAIN)
			return ERR_UNAVAILABLE;
		(void)poll(&writable, 1, -1);
	}
	return ERR_OK;
}

/* A new key, named by the seed that it was made from. */
static enum err make_key(struct attester *attester, struct bytes seed)
{
	uint8_t memory[CHIP_KEM_SEED_BYTES + CHIP_KEM_POINT_BYTES];
	struct message message = { .kind = MESSAGE_KEM,
				   .body = BYTES_ARRAY(memory) };

	if (attester->tpm == NULL || seed.len != CHIP_KEM_SEED_BYTES)
		return ERR_MALFORMED;
	memcpy(memory, seed.data, seed.len);
	if (chip_kem_public(attester->tpm, seed.data, memory + seed.len) !=
	    ERR_OK)
		exit(EXIT_FAILURE);
	return answer(attester->keeper, &message);
}

/* A client's point may be none; a TPM that does not answer is another thing. */
static enum err share(struct attester *attester, uint64_t ticket,
		      struct bytes asked)
{
	SCOPED_SECRET32 dh;
	struct message message = { .kind = MESSAGE_DH, .number = { ticket } };
	enum err err;

	if (attester->tpm == NULL ||
	    asked.len != CHIP_KEM_SEED_BYTES + CHIP_KEM_POINT_BYTES)
		return ERR_MALFORMED;
	err = chip_kem_dh(attester->tpm, asked.data,
			  asked.data + CHIP_KEM_SEED_BYTES, dh.bytes);
	if (err == ERR_OK)
		message.body = BYTES_ARRAY(dh.bytes);
	else if (err != ERR_MALFORMED)
		exit(EXIT_FAILURE);
	return answer(attester->keeper, &message);
}

static enum err hear_keeper(struct attester *attester)
{
	struct evidence_report_data report_data;
	struct message message;
	struct writer made;
	enum err err;
	int passed;

	TRY(channel_receive(attester->keeper, &attester->packet, &message,
			    &passed));
	fd_close(&passed);
	if (message.kind == MESSAGE_KEM)
		return make_key(attester, message.body);
	if (message.kind == MESSAGE_DH) {
		err = share(attester, message.number[0], message.body);
		secret_wipe_stack();
		return err;
	}
	if (message.kind != MESSAGE_QUOTE)
		return ERR_MALFORMED;
	memcpy(report_data.bytes, message.body.data, sizeof(report_data.bytes));
	err = make_evidence(attester, &report_data, &made);
	message.kind = err == ERR_OK ? MESSAGE_EVIDENCE : MESSAGE_UNPROVEN;
	message.body = err == ERR_OK ? bytes_written(&made)
				     : (struct bytes){ NULL, 0 };
	TRY(answer(attester->keeper, &message));
	if (err != ERR_OK)
		exit(EXIT_FAILURE);
	return ERR_OK;
}

static enum err hear_supervisor(struct attester *attester)
{
	struct message message;
	int passed;

	TRY(setup_hear(&attester->packet, &message, &passed));
	if (message.kind == MESSAGE_PULSE)
		return ERR_OK;
	if (message.kind != MESSAGE_LINK) {
		fd_close(&passed);
		return ERR_MALFORMED;
	}
	fd_close(&attester->keeper);
	attester->keeper = passed;
	return ERR_OK;
}

/* The AK's chain, from text to what evidence holds. */
static void read_chain(struct attester *attester)
{
	struct bytes text = bytes_of_string(attester->setup.ak_certificate);
	struct writer der = WRITER_OVER(attester->certificates);

	while (!certificate_pem_is_end(text)) {
		size_t start = der.len;

		if (certificate_pem_take(&text, &der) != ERR_OK)
			die("--ak-certificate is not certificates in PEM");
		if (attester->chain_count == TPM_EVIDENCE_CERTIFICATES_MAX)
			die("--ak-certificate holds too many");
		attester->chain[attester->chain_count++] =
			(struct bytes){ der.data + start, der.len - start };
	}
}

static void open_tpm(struct attester *attester)
{
	struct writer public = WRITER_OVER(attester->ak_public);
	enum err err;

	if (!proves(attester, BUNDLE_EVIDENCE_TPM2))
		return;
	errno = 0;
	if (chip_open(FD_TPM, &attester->tpm) != ERR_OK)
		die("the TPM makes no attestation key");
	err = chip_measure(attester->tpm, &attester->statement);
	if (err == ERR_UNSUPPORTED)
		die("the TPM has no PCRs of SHA-256");
	if (err == ERR_DENIED)
		die(other_release);
	if (err != ERR_OK || chip_ak_public(attester->tpm, &public) != ERR_OK)
		die("the TPM takes no measurement");
	attester->ak_public_len = public.len;
	read_chain(attester);
}

/* Better now than at a client's question. */
static void try_evidence(struct attester *attester)
{
	struct evidence_report_data nothing = { { 0 } };
	struct writer made;
	enum err err = make_evidence(attester, &nothing, &made);

	errno = 0;
	if (err == ERR_TOO_LARGE)
		die("event log and certificates are larger than a message");
	if (err == ERR_UNSUPPORTED)
		die("the reports are of another kind of machine");
	if (err != ERR_OK)
		die("the machine gives no evidence");
}

/* Before the jail, which knows no file's offset. */
static void measure_rtmr(struct attester *attester)
{
	int *rtmr = &attester->setup.rtmr;
	enum err err;

	if (*rtmr < 0)
		return;
	errno = 0;
	err = rtmr_measure(*rtmr, &attester->statement);
	if (err == ERR_DENIED)
		die(other_release);
	if (err != ERR_OK)
		die("RTMR 3 takes no measurement");
	fd_close(rtmr);
}

/* A root that has nothing, or one report's files, by the one descriptor. */
static void enter_reports(void)
{
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root < 0 || dup2(root, JAIL_FD_REPORTS) != JAIL_FD_REPORTS)
		die("no place for the reports");
	if (root != JAIL_FD_REPORTS)
		fd_close(&root);
}

static void isolate(struct attester *attester)
{
	struct setup *setup = &attester->setup;
	bool has_tpm = setup->tpm >= 0;
	bool has_reports = setup->reports[0] != '\0';

	if (has_tpm && setup->tpm != FD_TPM &&
	    dup2(setup->tpm, FD_TPM) != FD_TPM)
		die("no place for the TPM");
	role_isolate_within(JAIL_ATTESTER, has_tpm ? FD_TPM : -1,
			    has_reports ? setup->reports : NULL);
	if (has_reports)
		enter_reports();
}

_Noreturn void attester_run(void)
{
	static struct attester attester = { .keeper = -1 };
	struct pollfd peers[2];

	if (setup_receive(&attester.setup) != ERR_OK)
		die("set-up is not what it should be");
	setup_state(&attester.setup.digests, &attester.statement);
	measure_rtmr(&attester);
	isolate(&attester);
	signal(SIGPIPE, SIG_IGN);
	/* OpenSSL looks for files at its first use: it may not, later. */
	hash_warm();
	role_close_jail(JAIL_ATTESTER);
	open_tpm(&attester);
	try_evidence(&attester);
	if (setup_tell_ready(0) != ERR_OK)
		exit(EXIT_FAILURE);

	for (;;) {
		peers[0] = (struct pollfd){ .fd = SETUP_CONTROL_FD,
					    .events = POLLIN };
		peers[1] = (struct pollfd){ .fd = attester.keeper,
					    .events = POLLIN };
		if (poll(peers, 2, -1) < 0)
			continue;
		/* Without its supervisor it has no reason to be. */
		if (peers[0].revents != 0 &&
		    hear_supervisor(&attester) != ERR_OK)
			exit(EXIT_FAILURE);
		if (peers[0].revents == 0 && peers[1].revents != 0 &&
		    hear_keeper(&attester) != ERR_OK) {
			fd_close(&attester.keeper);
			if (setup_tell_unlinked(JAIL_KEEPER) != ERR_OK)
				exit(EXIT_FAILURE);
		}
	}
}
