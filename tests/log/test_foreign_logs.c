/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logs that others made: transparency-dev's Tessera, FiloSottile's Sunlight
 * (../shared/vectors/tlog, whose ORIGIN.txt names versions and licences).
 */
#include <criterion/criterion.h>
#include <sys/stat.h>

#include "tests/log/scratch_log.h"

#define TESSERA_KEY                          \
	"example.com/log/testdata+33d7b496+" \
	"AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
#define SKYLIGHT_KEY                     \
	"witness2.example.org+2e55b896+" \
	"BIZ7fpceQWd60IfqQeS9IAnmNOCZjMDne8lZuguz/bi9"
#define SKYLIGHT_FOLDER      \
	"skylight-witness2/" \
	"88ad7a28caeb0b2aa890fdf0304c2fcaf59fca2ee140134ff8c1300bac493482"

static const char *const words[] = { "one",	 "two",	    "three",  "four",
				     "five",	 "six",	    "seven",  "eit",
				     "nain",	 "ten",	    "ileven", "twelf",
				     "threeten", "fourten", "fivten" };

static void open_or_skip(const char *name, struct source *out)
{
	const char *vectors = getenv("VECTORS");
	char path[512];
	struct stat info;

	snprintf(path, sizeof(path), "%s/tlog/%s",
		 vectors == NULL ? "../shared/vectors" : vectors, name);
	if (stat(path, &info) != 0)
		cr_skip_test("the vectors are not there: %s", path);
	cr_assert_eq(source_open(path, out), ERR_OK);
}

static struct note_key key_of(const char *text)
{
	struct note_key key;

	cr_assert_eq(note_key_parse(bytes_of_string(text), &key), ERR_OK);
	return key;
}

static enum err visit_word(void *context, uint64_t index, struct bytes entry)
{
	size_t *seen = context;

	++*seen;
	return index < sizeof(words) / sizeof(words[0]) &&
			       bytes_equal(entry, bytes_of_string(words[index]))
		       ? ERR_OK
		       : ERR_UNAUTHENTIC;
}

/* All sixteen heads, each with the entries, tiles and root that it signed. */
Test(foreign_logs, every_head_of_tessera_s_log_covers_its_words)
{
	struct note_key key = key_of(TESSERA_KEY);
	struct merkle_head last = { .size = 0 };
	struct source source;
	size_t heads = 0;

	open_or_skip("tessera-log", &source);
	for (uint64_t size = 0; size <= 15; size++) {
		char name[32];
		size_t seen = 0;
		struct walk_visitor visitor = { visit_word, &seen };
		struct tree_head head;
		struct merkle edge;

		snprintf(name, sizeof(name), "checkpoint.%llu",
			 (unsigned long long)size);
		cr_assert_eq(tree_head_read(&source, name, &head), ERR_OK, "%s",
			     name);
		cr_assert_eq(tree_head_verify(&head, &key), ERR_OK);
		cr_assert_eq(head.checkpoint.head.size, size);
		merkle_init(&edge);
		cr_assert_eq(
			walk(&source, &edge, &head.checkpoint.head, &visitor),
			ERR_OK, "%s", name);
		cr_assert_eq(seen, size);
		last = head.checkpoint.head;
		tree_head_free(&head);
		heads++;
	}
	cr_assert_eq(heads, 16);
	cr_assert_eq(last.size, 15);
	source_close(&source);
}

Test(foreign_logs, tessera_s_tiles_prove_each_word_and_each_growth)
{
	struct note_key key = key_of(TESSERA_KEY);
	struct merkle_source nodes;
	struct merkle_proof proof;
	struct source source;
	struct tree_head head;
	struct tree tree;

	open_or_skip("tessera-log", &source);
	cr_assert_eq(tree_head_read(&source, "checkpoint", &head), ERR_OK);
	cr_assert_eq(tree_head_verify(&head, &key), ERR_OK);
	cr_assert_eq(tree_open(&source, head.checkpoint.head.size, &tree),
		     ERR_OK);
	nodes = tree_source(&tree);
	for (uint64_t i = 0; i < tree.size; i++) {
		struct merkle_hash leaf;

		merkle_leaf_hash(bytes_of_string(words[i]), leaf.bytes);
		cr_assert_eq(merkle_proof_make_inclusion(&nodes, i, tree.size,
							 &proof),
			     ERR_OK);
		cr_assert_eq(merkle_proof_inclusion(&head.checkpoint.head, i,
						    &leaf, &proof),
			     ERR_OK);
	}
	for (uint64_t size = 1; size <= tree.size && size <= 15; size++) {
		struct tree_head older;
		char name[32];

		snprintf(name, sizeof(name), "checkpoint.%llu",
			 (unsigned long long)size);
		cr_assert_eq(tree_head_read(&source, name, &older), ERR_OK);
		cr_assert_eq(merkle_proof_make_consistency(&nodes, size,
							   tree.size, &proof),
			     ERR_OK);
		cr_assert_eq(merkle_proof_consistency(&older.checkpoint.head,
						      &head.checkpoint.head,
						      &proof),
			     ERR_OK);
		tree_head_free(&older);
	}
	tree_close(&tree);
	tree_head_free(&head);
	source_close(&source);
}

Test(foreign_logs, a_flipped_bit_in_any_of_tessera_s_heads_is_noticed)
{
	struct note_key key = key_of(TESSERA_KEY);
	struct source source;
	struct tree_head head;

	open_or_skip("tessera-log", &source);
	cr_assert_eq(tree_head_read(&source, "checkpoint.7", &head), ERR_OK);
	for (size_t bit = 0; bit < 8 * head.bytes.len; bit++) {
		struct note_finding finding = { NOTE_ABSENT, 0 };
		struct note note;

		head.memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
		cr_assert(note_parse(head.bytes, &note) != ERR_OK ||
			  note_verify(&note, &key, 1, &finding) != ERR_OK ||
			  finding.mark == NOTE_ABSENT);
		head.memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	tree_head_free(&head);
	source_close(&source);
}

Test(foreign_logs, a_witness_of_sunlight_cosigned_its_checkpoint)
{
	struct note_key key = key_of(SKYLIGHT_KEY);
	struct note_finding finding;
	struct source source;
	struct tree_head head;

	open_or_skip(SKYLIGHT_FOLDER, &source);
	cr_assert_eq(tree_head_read(&source, "checkpoint", &head), ERR_OK);
	cr_assert_eq(note_verify(&head.note, &key, 1, &finding), ERR_OK);
	cr_assert_eq(finding.mark, NOTE_SIGNED);
	cr_assert_gt(finding.time, 1700000000);
	tree_head_free(&head);
	source_close(&source);
}

Test(foreign_logs, the_example_of_a_checkpoint_parses)
{
	struct source source;
	struct tree_head head;

	open_or_skip(".", &source);
	cr_assert_eq(
		tree_head_read(&source, "c2sp-checkpoint-example.txt", &head),
		ERR_OK);
	cr_assert_eq(head.checkpoint.head.size, 20852163);
	cr_assert(bytes_equal(head.checkpoint.origin,
			      BYTES_LITERAL("example.com/behind-the-sofa")));
	tree_head_free(&head);
	source_close(&source);
}
