/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receipts from a real node to a user's folder, and what pcc-verify makes of
 * them there: judged offline, and given again token by token.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inference/generate.h"
#include "tests/scenarios/openai.h"
#include "tests/scenarios/program.h"
#include "tests/system.h"

#define FILES_MAX 8
#define QUESTION "turn on the light in the kitchen"

static struct system pcc;
static char folder[64];

/* What a folder holds, by whole paths. */
struct listing {
	char paths[FILES_MAX][256];
	size_t count;
};

static struct listing list(void)
{
	struct listing all = { .count = 0 };
	DIR *open = opendir(folder);
	struct dirent *entry;

	cr_assert_not_null(open);
	while ((entry = readdir(open)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		cr_assert_lt(all.count, FILES_MAX);
		cr_assert_lt(snprintf(all.paths[all.count++], 256, "%s/%s",
				      folder, entry->d_name),
			     256);
	}
	closedir(open);
	return all;
}

static void start_with(enum policy_numerics numerics)
{
	struct policy policy = system_policy();

	policy.numerics = numerics;
	system_start_or_skip(&policy, &pcc);
	snprintf(folder, sizeof(folder), "/tmp/pcc-receipts.XXXXXX");
	cr_assert_not_null(mkdtemp(folder));
}

static void stop(void)
{
	if (folder[0] != '\0') {
		struct listing all = list();

		for (size_t i = 0; i < all.count; i++)
			unlink(all.paths[i]);
		rmdir(folder);
	}
	system_stop_or_fail(&pcc);
}

TestSuite(receipts, .fini = stop, .timeout = 120);

static int run(const char *name, const char *const *arguments,
	       char text[static PROGRAM_TEXT_MAX])
{
	struct program program = program_start(name, arguments);

	program_read(&program, text);
	return program_end(&program);
}

static void chat(void)
{
	char text[PROGRAM_TEXT_MAX];

	cr_assert_eq(
		run("pcc-client",
		    (const char *const[]){ "chat", "--gateway", pcc.gateway,
					   "--accept-evidence", "software",
					   "--receipts", folder, "--max-tokens",
					   "60", "--once", QUESTION, NULL },
		    text),
		0);
	cr_assert_gt(strlen(text), 1);
}

/* The one file that a chat left. */
static struct listing chatted(enum policy_numerics numerics)
{
	struct listing all;

	start_with(numerics);
	chat();
	all = list();
	cr_assert_eq(all.count, 1);
	return all;
}

static int judge(const char *path, char text[static PROGRAM_TEXT_MAX])
{
	return run("pcc-verify",
		   (const char *const[]){ "receipt", path, "--accept-evidence",
					  "software", "--json", NULL },
		   text);
}

static int replay(const char *path, const char *model, const char *kernel,
		  char text[static PROGRAM_TEXT_MAX])
{
	return run("pcc-verify",
		   (const char *const[]){ "replay", path, "--model", model,
					  "--kernel", kernel, NULL },
		   text);
}

Test(receipts, an_answer_s_receipt_verifies_offline)
{
	struct listing all = chatted(POLICY_NUMERICS_INTEGERS);
	char text[PROGRAM_TEXT_MAX];
	struct stat status;

	cr_assert_eq(stat(all.paths[0], &status), 0);
	cr_assert_eq(status.st_mode & 0777, 0600);
	cr_assert_eq(system_stop(&pcc), NULL);
	cr_assert_eq(judge(all.paths[0], text), 0, "%s", text);
	cr_assert_not_null(strstr(text, "\"verdict\":\"verified\""));
}

/* Requirement A11. */
Test(receipts, software_evidence_is_refused_unless_named_and_then_marked)
{
	struct listing all = chatted(POLICY_NUMERICS_INTEGERS);
	char text[PROGRAM_TEXT_MAX];

	cr_assert_eq(run("pcc-verify",
			 (const char *const[]){ "receipt", all.paths[0], NULL },
			 text),
		     10);
	cr_assert_eq(judge(all.paths[0], text), 0);
	cr_assert_not_null(strstr(text, "\"software_only\":true"));
	cr_assert_not_null(strstr(text, "proves nothing about hardware"));
}

Test(receipts, long_after_its_key_ended_a_receipt_is_judged_at_its_own_time)
{
	struct listing all = chatted(POLICY_NUMERICS_INTEGERS);
	char text[PROGRAM_TEXT_MAX];

	cr_assert_eq(judge(all.paths[0], text), 0);
	cr_assert_eq(run("pcc-verify",
			 (const char *const[]){ "receipt", all.paths[0],
						"--accept-evidence", "software",
						"--now", "4000000000", NULL },
			 text),
		     20);
}

Test(receipts, nothing_is_kept_unless_asked_for)
{
	char text[PROGRAM_TEXT_MAX];

	start_with(POLICY_NUMERICS_INTEGERS);
	cr_assert_eq(
		run("pcc-client",
		    (const char *const[]){ "chat", "--gateway", pcc.gateway,
					   "--accept-evidence", "software",
					   "--once", QUESTION, NULL },
		    text),
		0);
	cr_assert_eq(list().count, 0);
	chat(); /* the same with the word */
	cr_assert_eq(list().count, 1);
}

Test(receipts, an_openai_client_sees_its_answers_unchanged)
{
	struct openai_question question = { .prompt = "Once upon a time",
					    .seed = 7,
					    .max_tokens = 24 };
	static struct openai_answer whole, streamed, plain;
	struct program serve;
	struct listing all;
	char url[64], text[PROGRAM_TEXT_MAX];

	start_with(POLICY_NUMERICS_INTEGERS);
	serve = program_start(
		"pcc-client",
		(const char *const[]){ "serve", "--gateway", pcc.gateway,
				       "--accept-evidence", "software",
				       "--receipts", folder, "--port", "0",
				       NULL });
	snprintf(url, sizeof(url), "http://127.0.0.1:%u", program_port(&serve));
	question.form = OPENAI_WHOLE;
	openai_complete(url, &question, &whole);
	question.form = OPENAI_STREAMED;
	openai_complete(url, &question, &streamed);
	openai_complete(pcc.client, &question, &plain);
	program_stop(&serve);

	cr_assert(openai_is_whole(&whole) && openai_is_whole(&streamed));
	cr_assert_eq(whole.foreign + streamed.foreign, 0);
	cr_assert_str_eq(whole.text, streamed.text);
	cr_assert_str_eq(plain.text, streamed.text);
	all = list();
	cr_assert_eq(all.count, 2);
	for (size_t i = 0; i < all.count; i++) {
		cr_assert_eq(judge(all.paths[i], text), 0, "%s", text);
		cr_assert_eq(
			replay(all.paths[i], system_model(), "scalar", text), 0,
			"%s", text);
	}
}

static void given_again_on_every_path(enum policy_numerics numerics)
{
	struct listing all = chatted(numerics);
	char text[PROGRAM_TEXT_MAX];
	size_t paths = 0;

	for (; model_kernel(paths) != NULL; paths++) {
		const char *kernel = model_kernel(paths);

		cr_assert_eq(replay(all.paths[0], system_model(), kernel, text),
			     0, "%s: %s", kernel, text);
		cr_assert_not_null(strstr(text, "PASS  replay-tokens"));
		cr_assert_not_null(strstr(text, kernel));
	}
	cr_assert_geq(paths, 1);
	cr_assert_eq(replay(all.paths[0], system_model(), "abacus", text), 1);
}

Test(receipts, an_answer_is_given_again_on_every_path)
{
	given_again_on_every_path(POLICY_NUMERICS_INTEGERS);
}

Test(receipts, an_answer_whose_prompt_went_as_bf16_is_given_again_on_every_path)
{
	given_again_on_every_path(POLICY_NUMERICS_BF16_PROMPTS);
}

/* One letter of the answer's last text, in the file. */
static void change_a_letter(const char *path)
{
	static char bytes[1 << 16];
	const char mark[] = "\"content\":\"";
	int file = open(path, O_RDWR | O_CLOEXEC);
	ssize_t len = read(file, bytes, sizeof(bytes));
	off_t last = 0;

	for (off_t at = 0; at + 64 < len; at++) {
		off_t letter = at + (off_t)sizeof(mark) - 1;

		if (memcmp(bytes + at, mark, sizeof(mark) - 1) != 0)
			continue;
		while (letter < len && bytes[letter] != '"' &&
		       (bytes[letter] < 'a' || bytes[letter] > 'z'))
			letter++;
		if (letter < len && bytes[letter] != '"')
			last = letter;
	}
	cr_assert_gt(last, 0);
	bytes[last] = bytes[last] == 'x' ? 'y' : 'x';
	cr_assert_eq(pwrite(file, bytes + last, 1, last), 1);
	close(file);
}

Test(receipts, a_letter_that_was_changed_in_a_kept_answer_is_told)
{
	struct listing all = chatted(POLICY_NUMERICS_INTEGERS);
	char text[PROGRAM_TEXT_MAX];

	change_a_letter(all.paths[0]);
	cr_assert_eq(judge(all.paths[0], text), 10);
	cr_assert_not_null(
		strstr(text, "\"receipt-response\",\"mark\":\"FAIL\""));
	cr_assert_eq(replay(all.paths[0], system_model(), "scalar", text), 10);
	cr_assert_not_null(strstr(text, "FAIL  replay-tokens"), "%s", text);
	cr_assert_not_null(strstr(text, " differs, at byte "));
}

Test(receipts, another_model_is_refused)
{
	struct listing all = chatted(POLICY_NUMERICS_INTEGERS);
	char text[PROGRAM_TEXT_MAX];

	cr_assert_eq(replay(all.paths[0], "tests/reference/tiny.gguf", "scalar",
			    text),
		     10);
	cr_assert_not_null(strstr(text, "FAIL  replay-model"));
	cr_assert_not_null(strstr(text, "SKIP  replay-tokens"));
}

Test(receipts, a_kept_answer_cut_short_is_malformed)
{
	struct listing all = chatted(POLICY_NUMERICS_INTEGERS);
	char text[PROGRAM_TEXT_MAX];
	struct stat status;

	cr_assert_eq(stat(all.paths[0], &status), 0);
	cr_assert_eq(truncate(all.paths[0], status.st_size - 1), 0);
	cr_assert_eq(judge(all.paths[0], text), 30);
	cr_assert_eq(replay(all.paths[0], system_model(), "scalar", text), 30);
}
