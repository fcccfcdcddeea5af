/* SPDX-License-Identifier: Apache-2.0 */
#include "log/witness.h"

#include <criterion/criterion.h>
#include <sys/stat.h>

#include "log/durable.h"
#include "log/serve.h"
#include "tests/log/scratch_log.h"
#include "tlog/tlog_witness.h"

static struct scratch scratch;
static struct keys keys;
static struct note_key logs[1];
static struct witness witness;

static uint64_t noon(void)
{
	return 1700000000;
}

static void set_up(void)
{
	scratch = scratch_make();
	scratch_begin(&scratch, 5);
	logs[0] = scratch_key(&scratch);
	cr_assert_eq(keys_create(scratch_path(&scratch, "witness"),
				 BYTES_LITERAL("witness.example"),
				 NOTE_COSIGNATURE),
		     ERR_OK);
	cr_assert_eq(keys_open(scratch_path(&scratch, "witness"), &keys),
		     ERR_OK);
	witness = (struct witness){
		.keys = &keys, .logs = logs, .log_count = 1, .now = noon
	};
	witness.state.folder = durable_folder(scratch_path(&scratch, "state"));
	cr_assert_geq(witness.state.folder, 0);
}

static void tear_down(void)
{
	source_close(&witness.state);
	keys_close(&keys);
	scratch_remove(&scratch);
}

TestSuite(witness, .init = set_up, .fini = tear_down, .timeout = 60);

/* An answer's body, as a text until the next one. */
static char body[4096];

static unsigned ask(const char *method, const char *path, struct bytes request)
{
	struct listen_request asked = { method, path, request };
	struct listen_answer answer;

	witness_answer(&witness, &asked, &answer);
	snprintf(body, sizeof(body), "%.*s", (int)answer.body.len,
		 (const char *)answer.body.data);
	if (answer.status == 409)
		cr_assert_str_eq(answer.type, "text/x.tlog.size");
	free(answer.body.data);
	return answer.status;
}

/* Show the log's head with a proof from `older`, saying `old`. */
static unsigned submit(uint64_t old, uint64_t older)
{
	static uint8_t memory[TLOG_WITNESS_REQUEST_MAX];
	struct writer request = WRITER_OVER(memory);
	struct merkle_proof growth = { .count = 0 };
	struct merkle_source nodes;
	struct source source;
	struct tree_head head;
	struct tree tree;

	cr_assert_eq(source_open(scratch_path(&scratch, "log"), &source),
		     ERR_OK);
	cr_assert_eq(tree_head_read(&source, "checkpoint", &head), ERR_OK);
	cr_assert_eq(tree_open(&source, head.checkpoint.head.size, &tree),
		     ERR_OK);
	nodes = tree_source(&tree);
	if (older > 0)
		cr_assert_eq(merkle_proof_make_consistency(&nodes, older,
							   tree.size, &growth),
			     ERR_OK);
	cr_assert_eq(tlog_witness_put(&request, old, &growth, head.bytes),
		     ERR_OK);
	tree_close(&tree);
	tree_head_free(&head);
	source_close(&source);
	return ask("POST", "/add-checkpoint", bytes_written(&request));
}

static bool is_cosigned(void)
{
	uint8_t memory[8192];
	struct writer joined = WRITER_OVER(memory);
	struct note_finding finding;
	struct source source;
	struct tree_head head;
	struct note note;

	cr_assert_eq(source_open(scratch_path(&scratch, "log"), &source),
		     ERR_OK);
	cr_assert_eq(tree_head_read(&source, "checkpoint", &head), ERR_OK);
	cr_assert_eq(bytes_put(&joined, head.bytes), ERR_OK);
	cr_assert_eq(bytes_put(&joined, bytes_of_string(body)), ERR_OK);
	tree_head_free(&head);
	source_close(&source);
	cr_assert_eq(note_parse(bytes_written(&joined), &note), ERR_OK);
	cr_assert_eq(note_verify(&note, &keys.signer.key, 1, &finding), ERR_OK);
	return finding.mark == NOTE_SIGNED && finding.time == noon();
}

Test(witness, a_log_that_grows_is_cosigned_each_time)
{
	cr_assert_eq(submit(0, 0), 200);
	cr_assert(is_cosigned());
	cr_assert_eq(scratch_try_append(&scratch, 4, ""), ERR_OK);
	cr_assert_eq(submit(5, 5), 200);
	cr_assert(is_cosigned());
	/* The same again is the same head. */
	cr_assert_eq(submit(9, 0), 200);
	cr_assert(is_cosigned());
}

Test(witness, another_size_is_a_conflict_that_tells_ours)
{
	cr_assert_eq(submit(3, 3), 409);
	cr_assert_str_eq(body, "0\n");
	cr_assert_eq(submit(0, 0), 200);
	cr_assert_eq(submit(0, 0), 409);
	cr_assert_str_eq(body, "5\n");
	cr_assert_eq(submit(6, 0), 400);
	cr_assert_str_eq(body, "");
}

Test(witness, a_proof_that_does_not_hold_is_unprocessable)
{
	cr_assert_eq(submit(0, 0), 200);
	cr_assert_eq(scratch_try_append(&scratch, 4, ""), ERR_OK);
	cr_assert_eq(submit(5, 4), 422);
	cr_assert_str_eq(body, "");
	cr_assert_eq(submit(5, 0), 422);
	cr_assert_eq(submit(5, 5), 200);
}

Test(witness, logs_and_keys_that_are_not_known_are_told_apart)
{
	struct note_signer stranger;

	logs[0].name[0] ^= 1;
	cr_assert_eq(submit(0, 0), 404);
	logs[0].name[0] ^= 1;
	cr_assert_eq(note_signer_generate(bytes_of_string(SCRATCH_ORIGIN),
					  NOTE_ED25519, &stranger),
		     ERR_OK);
	logs[0] = stranger.key;
	cr_assert_eq(submit(0, 0), 403);
	cr_assert_str_eq(body, "");
}

Test(witness, a_fork_is_refused_and_kept)
{
	struct scratch other = scratch_make();
	char command[1024];

	scratch_copy(&scratch, &other);
	cr_assert_eq(scratch_try_append(&scratch, 3, ""), ERR_OK);
	cr_assert_eq(scratch_try_append(&other, 3, " other"), ERR_OK);
	cr_assert_eq(submit(0, 0), 200);
	scratch_put(scratch_path(&other, "log"), scratch_path(&scratch, "log"));
	cr_assert_eq(submit(8, 0), 409);
	cr_assert_str_eq(body, "8\n");
	snprintf(command, sizeof(command), "ls '%s' | grep -q 'fork-8$'",
		 scratch_path(&scratch, "state"));
	cr_assert_eq(system(command), 0);
	/* And so is what it grows into. */
	cr_assert_eq(scratch_try_append(&other, 3, " other"), ERR_OK);
	scratch_put(scratch_path(&other, "log"), scratch_path(&scratch, "log"));
	cr_assert_eq(submit(8, 8), 422);
	scratch_remove(&other);
}

Test(witness, it_remembers_across_its_own_end_and_refuses_a_damaged_memory)
{
	char command[1024];

	cr_assert_eq(submit(0, 0), 200);
	source_close(&witness.state);
	witness.state.folder = durable_folder(scratch_path(&scratch, "state"));
	cr_assert_eq(submit(0, 0), 409);
	snprintf(command, sizeof(command), "sed -i 's/^5$/0/' '%s'/*",
		 scratch_path(&scratch, "state"));
	cr_assert_eq(system(command), 0);
	cr_assert_eq(submit(0, 0), 500);
	cr_assert_str_eq(body, "");
	cr_assert_eq(submit(5, 0), 500);
}

Test(witness, what_cannot_be_kept_is_not_cosigned)
{
	char command[1024];

	if (geteuid() == 0) { /* rights do not stop root; a folder does */
		snprintf(command, sizeof(command),
			 "mkdir '%s'/$(printf '%s' | sha256sum | cut -c1-64)"
			 ".new",
			 scratch_path(&scratch, "state"), SCRATCH_ORIGIN);
		cr_assert_eq(system(command), 0);
	} else {
		cr_assert_eq(chmod(scratch_path(&scratch, "state"), 0500), 0);
	}
	cr_assert_eq(submit(0, 0), 500);
	cr_assert_str_eq(body, "");
}

Test(witness, other_requests_are_refused)
{
	static const char *const bad[] = { "",		 "old 0",
					   "old 0\n",	 "old 0\n\n",
					   "old -1\n\n", "new 0\n\n" };

	cr_assert_eq(ask("GET", "/add-checkpoint", BYTES_LITERAL("")), 405);
	cr_assert_eq(ask("POST", "/", BYTES_LITERAL("")), 404);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_eq(
			ask("POST", "/add-checkpoint", bytes_of_string(bad[i])),
			400);
}

/* --- a log's files over HTTP --- */

static struct listen_answer get(const char *method, const char *path)
{
	struct listen_request request = { method, path, { NULL, 0 } };
	struct listen_answer answer = { 0 };
	struct source folder;

	cr_assert_eq(source_open(scratch_path(&scratch, "log"), &folder),
		     ERR_OK);
	serve_answer(&folder, &request, &answer);
	source_close(&folder);
	free(answer.body.data);
	answer.body.data = NULL;
	return answer;
}

Test(witness, a_log_serves_its_files_with_their_types_and_times)
{
	struct listen_answer answer = get("GET", "/checkpoint");

	cr_assert_eq(answer.status, 200);
	cr_assert_str_eq(answer.type, "text/plain; charset=utf-8");
	cr_assert_str_eq(answer.cache, "public, max-age=2");
	answer = get("GET", "/tile/0/000.p/5");
	cr_assert_eq(answer.status, 200);
	cr_assert_eq(answer.body.len, 5 * 32);
	cr_assert_str_eq(answer.type, "application/octet-stream");
	cr_assert_not_null(strstr(answer.cache, "immutable"));
	cr_assert_eq(get("HEAD", "/tile/entries/000.p/5").status, 200);
	cr_assert_eq(get("GET", "/key").status, 200);
}

Test(witness, a_log_serves_no_other_file)
{
	static const char *const bad[] = { "",
					   "/",
					   "/.lock",
					   "/tile",
					   "/tile/0/000",
					   "/tile/0/000.p/6",
					   "/tile/0/../../../key",
					   "/../key",
					   "//key",
					   "/key.head",
					   "/tile/0/000.p/5.new",
					   "checkpoint" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_eq(get("GET", bad[i]).status, 404, "%s", bad[i]);
	cr_assert_eq(get("POST", "/checkpoint").status, 405);
}
