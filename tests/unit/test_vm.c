/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What deploy/vm computes of its image, against what a machine that booted such
 * an image had in its TPM and wrote in its log (tests/vectors/vm/ORIGIN.txt).
 * `make vm-test` boots one.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attest/event_log_replay.h"
#include "tests/vector.h"

#define EXPECT "python3 deploy/vm/expect.py "
#define FACTS "tests/vectors/vm/facts"
#define TEXT_MAX 16384
#define LINE_MAX_BYTES 256
#define PREDICTED 13 /* PCR 0 to 7, 9 to 13 */

/* All that a command prints; it has to end well. */
static const char *run(const char *command)
{
	static char text[TEXT_MAX];
	FILE *pipe = popen(command, "r");
	size_t len;

	cr_assert_not_null(pipe);
	len = fread(text, 1, sizeof(text) - 1, pipe);
	cr_assert_eq(pclose(pipe), 0, "%s", command);
	text[len] = '\0';
	return text;
}

/* The text behind the next '\n', or NULL at the end. */
static const char *next_line(const char *text)
{
	const char *end = strchr(text, '\n');

	return end == NULL || end[1] == '\0' ? NULL : end + 1;
}

static struct bytes log_of_machine(void)
{
	return vector_own("vm/eventlog.bin");
}

Test(vm, registers_computed_from_an_image_are_those_of_a_machine_that_ran_it)
{
	struct bytes had = vector_own("vm/registers");
	const char *line = run(EXPECT FACTS);
	size_t found = 0;

	for (; line != NULL; line = next_line(line)) {
		size_t len = strcspn(line, "\n") + 1;

		cr_assert_not_null(memmem(had.data, had.len, line, len), "%.*s",
				   (int)len, line);
		found++;
	}
	cr_assert_eq(found, PREDICTED);
}

Test(vm, the_log_of_that_machine_leads_to_the_registers_computed)
{
	struct event_log_replay replay;
	const char *line = run(EXPECT FACTS);
	uint32_t touched = 0;

	cr_assert_eq(
		event_log_replay(log_of_machine(), EVENT_LOG_PCRS, &replay),
		ERR_OK);
	for (; line != NULL; line = next_line(line)) {
		char hex[65];
		unsigned index;

		cr_assert_eq(sscanf(line, "pcr%u %64s", &index, hex), 2);
		/* The kernel extends this one, when firmware is gone. */
		if (index == 10)
			continue;
		vector_expect(
			(struct bytes){ replay.banks[HASH_SHA256][index], 32 },
			hex);
		touched |= 1u << index;
	}
	cr_assert_eq(replay.touched & ~touched, 0, "all events are explained");
}

Test(vm, every_event_of_that_log_was_computed_in_its_order)
{
	struct event_log log;
	struct event_log_event event;
	const char *events = run(EXPECT FACTS " --events");
	const char *next[EVENT_LOG_REGISTERS];
	size_t count = 0;

	for (size_t i = 0; i < EVENT_LOG_REGISTERS; i++)
		next[i] = events;
	cr_assert_eq(event_log_open(log_of_machine(), EVENT_LOG_PCRS, &log),
		     ERR_OK);
	while (!event_log_is_at_end(&log)) {
		char hex[65];
		unsigned index;
		const char **at;

		cr_assert_eq(event_log_next(&log, &event), ERR_OK);
		if (event.type == EVENT_LOG_NO_ACTION)
			continue;
		at = &next[event.index];
		for (;; *at = next_line(*at)) {
			cr_assert_not_null(*at, "event %u", event.number);
			cr_assert_eq(sscanf(*at, "%u %64s", &index, hex), 2);
			if (index == event.index)
				break;
		}
		vector_expect(event.digests[HASH_SHA256], hex);
		*at = next_line(*at);
		count++;
	}
	cr_assert_gt(count, 30);
}

/* The facts with one digit, or one letter, of one line changed. */
static size_t write_changed(const char *path, size_t changed)
{
	struct bytes facts = vector_own("vm/facts");
	FILE *out = fopen(path, "w");
	const uint8_t *at = facts.data;
	const uint8_t *end = facts.data + facts.len;
	size_t lines = 0;

	cr_assert_not_null(out);
	for (; at < end; lines++) {
		const uint8_t *stop = memchr(at, '\n', (size_t)(end - at));
		const uint8_t *value = memchr(at, ' ', (size_t)(stop - at));
		char line[2 * LINE_MAX_BYTES];
		size_t len = (size_t)(stop - at) + 1;

		cr_assert(len < sizeof(line));
		memcpy(line, at, len);
		if (lines == changed) {
			char *digit = &line[value + 1 - at];

			*digit = *digit == 'd' ? 'e' : 'd';
		}
		fwrite(line, 1, len, out);
		at = stop + 1;
	}
	fclose(out);
	return lines;
}

Test(vm, one_digit_of_anything_that_the_image_holds_changes_a_register)
{
	char sound[TEXT_MAX];
	char path[] = "/tmp/pcc-facts.XXXXXX";
	char command[LINE_MAX_BYTES];
	int fd = mkstemp(path);
	size_t lines;

	cr_assert_geq(fd, 0);
	close(fd);
	snprintf(sound, sizeof(sound), "%s", run(EXPECT FACTS));
	snprintf(command, sizeof(command), EXPECT "%s", path);
	lines = write_changed(path, SIZE_MAX);
	cr_assert_geq(lines, 9);
	cr_assert_str_eq(run(command), sound, "unchanged, it is the same");
	for (size_t i = 0; i < lines; i++) {
		write_changed(path, i);
		cr_assert_str_neq(run(command), sound, "line %zu", i);
	}
	unlink(path);
}

/* The least that is a PE32+ program: headers, and one section of 512 bytes. */
#define STUB_HEADERS 0x400
#define STUB_BYTES (STUB_HEADERS + 0x200)
#define STUB_PE 0x80
#define STUB_OPTIONAL (STUB_PE + 24)
#define STUB_TABLE (STUB_OPTIONAL + 240)
#define STUB_CHECKSUM (STUB_OPTIONAL + 64)
#define STUB_SIGNATURE (STUB_OPTIONAL + 112 + 4 * 8)

static void put(uint8_t *at, uint32_t value)
{
	for (size_t i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

static void make_stub(const char *path)
{
	uint8_t stub[STUB_BYTES] = { 0 };
	FILE *out = fopen(path, "w");

	put(stub + 0x3c, STUB_PE);
	memcpy(stub + STUB_PE, "PE\0\0\x64\x86\x01", 7);
	put(stub + STUB_PE + 8, 0x12345678); /* a time */
	put(stub + STUB_PE + 20, 240);
	put(stub + STUB_OPTIONAL, 0x20b);
	put(stub + STUB_OPTIONAL + 32, 0x1000);
	put(stub + STUB_OPTIONAL + 36, 0x200);
	put(stub + STUB_OPTIONAL + 60, STUB_HEADERS);
	put(stub + STUB_CHECKSUM, 0x9abcdef0);
	memcpy(stub + STUB_TABLE, ".text", 5);
	put(stub + STUB_TABLE + 8, 0x200);
	put(stub + STUB_TABLE + 12, 0x1000);
	put(stub + STUB_TABLE + 16, 0x200);
	put(stub + STUB_TABLE + 20, STUB_HEADERS);
	memset(stub + STUB_HEADERS, 0xcc, 0x200);
	cr_assert_not_null(out);
	fwrite(stub, 1, sizeof(stub), out);
	fclose(out);
}

/* Authenticode's digest, once more and in other words than uki.py has. */
static void digest_of(const char *path, size_t *len, uint8_t digest[32])
{
	static uint8_t file[TEXT_MAX], left[TEXT_MAX];
	FILE *in = fopen(path, "r");
	size_t kept = 0;

	*len = fread(file, 1, sizeof(file), in);
	fclose(in);
	for (size_t i = 0; i < *len; i++) {
		if (i - STUB_CHECKSUM < 4 || i - STUB_SIGNATURE < 8)
			continue;
		left[kept++] = file[i];
	}
	hash_sha256((struct bytes){ left, kept }, digest);
}

Test(vm, parts_are_joined_to_one_program_whose_digest_firmware_takes)
{
	char folder[] = "/tmp/pcc-uki.XXXXXX";
	char path[LINE_MAX_BYTES];
	char command[4 * LINE_MAX_BYTES];
	const char *printed;
	uint8_t digest[32];
	char hex[65];
	size_t len;

	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/stub", folder);
	make_stub(path);
	snprintf(
		command, sizeof(command),
		"cd %s && printf first >a && printf second >b && "
		"python3 $OLDPWD/deploy/vm/uki.py stub .a=a .b=b >one && "
		"touch -d 2001-01-01 a stub && "
		"python3 $OLDPWD/deploy/vm/uki.py stub .a=a .b=b >two && "
		"cmp one two && PYTHONPATH=$OLDPWD/deploy/vm python3 -B -c '"
		"import uki; image = uki.Image(uki.read(\"one\")); "
		"print(image.digest().hex()); print(image.sections()[\".b\"])'",
		folder);
	printed = run(command);
	snprintf(path, sizeof(path), "%s/one", folder);
	digest_of(path, &len, digest);
	cr_assert_eq(len, STUB_BYTES + 2 * 0x200);
	snprintf(hex, sizeof(hex), "%.64s", printed);
	vector_expect((struct bytes){ digest, sizeof(digest) }, hex);
	cr_assert_str_eq(next_line(printed), "b'second'\n");
	snprintf(command, sizeof(command), "rm -r %s", folder);
	run(command);
}

Test(vm, a_first_file_system_depends_on_names_and_contents_alone)
{
	const char *printed = run(
		"d=$(mktemp -d) && here=$PWD && cd $d && mkdir -p x/node && "
		"printf a >x/node/z && printf b >x/init && chmod 755 x/init && "
		"python3 $here/deploy/vm/pack.py x >one && mkdir -p y/node && "
		"printf b >y/init && chmod 700 y/init && printf a >y/node/z && "
		"chmod 600 y/node/z && touch -d 2001-01-01 y/init && "
		"python3 $here/deploy/vm/pack.py y >two && cmp one two && "
		"printf c >y/node/z && python3 $here/deploy/vm/pack.py y >two "
		"&& ! cmp -s one two && "
		"python3 $here/deploy/vm/pack.py --list one; rm -r $d");

	cr_assert_str_eq(printed, "100755 init\n40755 node\n100644 node/z\n");
}
