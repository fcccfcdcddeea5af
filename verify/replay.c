/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/replay.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/decimal.h"
#include "base/fd.h"
#include "base/secret.h"
#include "policy/limits.h"
#include "verify/kept.h"
#include "verify/repeat.h"

static const char usage[] =
	"usage: pcc-verify replay FILE --model MODEL [--threads N] [--kernel "
	"NAME]\n"
	"\n"
	"Run the request of an answer that pcc-client kept through the model "
	"again,\n"
	"and compare token by token.  MODEL has to be the very file that the "
	"receipt\n"
	"names.  --kernel is a path that pcc-node --cpu prints (the fastest): "
	"all give\n"
	"the same.  Of the bundle only its key is used: pcc-verify receipt "
	"judges it.\n";

/* The command's own options; NULL where not given. */
struct asked {
	const char *model;
	const char *threads;
	const char *kernel;
};

static int complain(const char *what)
{
	fprintf(stderr, "pcc-verify: %s; see replay --help\n", what);
	return ARGUMENTS_EXIT_USAGE;
}

/* The whole file as it lies on the disk, without a copy. */
static enum err map_model(const char *path, struct bytes *out)
{
	SCOPED_FD file = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	void *memory;

	if (file < 0 || fstat(file, &status) != 0 || status.st_size <= 0 ||
	    (uint64_t)status.st_size > LIMIT_MODEL_BYTES)
		return ERR_UNAVAILABLE;
	memory = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE,
		      file, 0);
	if (memory == MAP_FAILED)
		return ERR_UNAVAILABLE;
	*out = (struct bytes){ memory, (size_t)status.st_size };
	return ERR_OK;
}

static void print_record(const struct arguments *arguments, bool is_first,
			 const char *name, const struct record *record)
{
	const char *text =
		record->mark == RECORD_SKIP ? "Not reached." : record->text;

	if (arguments->json)
		printf("%s{\"code\":\"%s\",\"mark\":\"%s\",\"text\":\"%s\"}",
		       is_first ? "" : ",", name,
		       record_mark_name(record->mark), text);
	else
		printf("%s  %-18s %s\n", record_mark_name(record->mark), name,
		       text);
}

static int print(const struct arguments *arguments,
		 const struct receipt_check *receipt,
		 const struct repeat *repeat)
{
	bool good = receipt_check_holds(receipt) && repeat_holds(repeat);
	enum verify_verdict verdict =
		good ? VERIFY_VERIFIED : VERIFY_NOT_VERIFIED;
	const char *word = good ? "the same" : "not the same";

	if (arguments->json)
		printf("{\"verdict\":\"%s\",\"exit_code\":%d,\"tokens\":%u,"
		       "\"differs_at\":%u,\"kernel\":\"%s\",\"checks\":[",
		       word, verify_exit_code(verdict), repeat->tokens,
		       repeat->differs_at,
		       repeat->kernel == NULL ? "" : repeat->kernel);
	for (size_t i = 0; i < RECEIPT_CHECK_CODES; i++)
		print_record(arguments, i == 0,
			     receipt_check_name((enum receipt_check_code)i),
			     &receipt->records[i]);
	for (size_t i = 0; i < REPEAT_CODES; i++)
		print_record(arguments, false,
			     repeat_code_name((enum repeat_code)i),
			     &repeat->records[i]);
	if (arguments->json)
		printf("]}\n");
	else
		printf("\nreplay: %s%s%s\n", word,
		       repeat->kernel == NULL ? "" : ", by ",
		       repeat->kernel == NULL ? "" : repeat->kernel);
	return verify_exit_code(verdict);
}

/* A receipt that does not fit is told, and the tokens are compared as well. */
static int repeat_kept(const struct arguments *arguments,
		       const struct asked *asked, struct repeat_setup *setup)
{
	static struct kept_judgement judgement;
	SCOPED_WIPE(kept_close) struct kept kept = { 0 };
	const struct receipt *receipt = &judgement.receipt.receipt;
	struct repeat repeat;
	enum err err = kept_open(arguments->rest[0], &kept);

	if (err == ERR_UNAVAILABLE)
		return complain("the file cannot be read");
	if (err == ERR_OK)
		kept_judge(&kept, arguments, &judgement);
	if (err != ERR_OK ||
	    judgement.receipt.records[RECEIPT_CHECK_FORMAT].mark !=
		    RECORD_PASS) {
		fprintf(stderr, "pcc-verify: the file is no kept answer\n");
		return verify_exit_code(VERIFY_MALFORMED);
	}
	if (map_model(asked->model, &setup->file) != ERR_OK)
		return complain("the model cannot be read");
	setup->kernel = asked->kernel;
	setup->answer = &receipt->answer;
	setup->model_root = receipt->node.model_root;
	setup->request = kept.file.request;
	setup->response = kept.file.response;
	err = repeat_run(setup, &repeat);
	if (err == ERR_UNSUPPORTED)
		return complain("this machine has no such kernel");
	if (err != ERR_OK)
		return complain("there is no memory to run the model in");
	return print(arguments, &judgement.receipt, &repeat);
}

static int replay(const struct arguments *arguments, const struct asked *asked)
{
	struct repeat_setup setup = { .threads = 1 };
	uint64_t threads = 1;

	if (arguments->rest_count != 1 || asked->model == NULL)
		return complain("replay needs one file and --model");
	if (asked->threads != NULL &&
	    decimal_parse(bytes_of_string(asked->threads), 1, LIMIT_THREADS,
			  &threads) != ERR_OK)
		return complain("--threads has an impossible value");
	setup.threads = (size_t)threads;
	return repeat_kept(arguments, asked, &setup);
}

int replay_run(int argc, char **argv)
{
	static struct arguments arguments;
	struct asked asked = { 0 };
	const struct arguments_own own[] = { { "model", &asked.model },
					     { "threads", &asked.threads },
					     { "kernel", &asked.kernel },
					     { NULL, NULL } };
	int code = 0;

	switch (arguments_parse(
		argc, argv,
		&(struct arguments_form){ .usage = usage,
					  .own = own,
					  .trust = ARGUMENTS_JUDGES_NOBODY },
		&arguments)) {
	case ARGUMENTS_HELP:
		break;
	case ARGUMENTS_USAGE:
		code = ARGUMENTS_EXIT_USAGE;
		break;
	case ARGUMENTS_RUN:
		code = replay(&arguments, &asked);
		break;
	}
	arguments_close(&arguments);
	return code;
}
