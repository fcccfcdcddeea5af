/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/canary.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "crypto/random.h"
#include "inference/encode.h"
#include "inference/model.h"
#include "policy/limits.h"
#include "tests/system.h"

#define DISK_BYTES ((off_t)16 << 20)
#define SCRATCH ((size_t)1 << 20)
#define TOKENS_MAX (CANARY_BYTES + 8)

void canary_invent(uint8_t inverted[static CANARY_BYTES])
{
	random_bytes(inverted, CANARY_BYTES);
	for (size_t i = 0; i < CANARY_BYTES; i++)
		inverted[i] = (uint8_t) ~('a' + inverted[i] % 26);
}

void canary_reveal(const uint8_t inverted[static CANARY_BYTES],
		   char text[static CANARY_BYTES + 1])
{
	for (size_t i = 0; i < CANARY_BYTES; i++)
		text[i] = (char)(uint8_t)~inverted[i];
	text[CANARY_BYTES] = '\0';
}

static struct bytes model_file(void)
{
	int file = open(system_model(), O_RDONLY | O_CLOEXEC);
	struct stat status;
	void *memory;

	cr_assert_geq(file, 0);
	cr_assert_eq(fstat(file, &status), 0);
	memory = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE,
		      file, 0);
	cr_assert_neq(memory, MAP_FAILED);
	close(file);
	return (struct bytes){ memory, (size_t)status.st_size };
}

/* The first and the last two depend on what stands beside the text. */
void canary_look_for_tokens(struct needles *needles, const char *text)
{
	static const struct model_limits limits = LIMITS_MODEL_SHAPE;
	uint32_t tokens[TOKENS_MAX];
	struct encode_list list = { tokens, 0, TOKENS_MAX };
	struct arena scratch = { .size = SCRATCH };
	struct bytes file = model_file();
	struct model *model;

	scratch.base = aligned_alloc(ARENA_ALIGNMENT, scratch.size);
	cr_assert_eq(model_open(file, &limits, NULL, &model), ERR_OK);
	memset(scratch.base, 0, scratch.size);
	cr_assert_eq(encode_text(&model->tokenizer, bytes_of_string(text),
				 &scratch, &list),
		     ERR_OK);
	cr_assert_gt(list.count, NEEDLE_TOKENS + 4, "%zu tokens", list.count);
	needle_add_tokens(needles, tokens + 2, list.count - 4);
	model_close(model);
	munmap((void *)(uintptr_t)file.data, file.len);
	memset(scratch.base, 0, scratch.size);
	free(scratch.base);
	explicit_bzero(tokens, sizeof(tokens));
}

void canary_look_for(struct needles *needles, const char *text)
{
	needle_add_pieces(needles, bytes_of_string(text));
}

static bool run(const char *command, const char *a, const char *b)
{
	char line[512];

	snprintf(line, sizeof(line),
		 "PATH=$PATH:/usr/sbin:/sbin %s %s %s >/dev/null 2>&1", command,
		 a, b);
	return system(line) == 0;
}

bool canary_make_disk(char image[static CANARY_PATH_MAX],
		      char folder[static CANARY_PATH_MAX])
{
	const char *base = getenv("TMPDIR");
	int file;

	base = base != NULL ? base : "/tmp";
	snprintf(image, CANARY_PATH_MAX, "%s/pcc-disk.XXXXXX", base);
	snprintf(folder, CANARY_PATH_MAX, "%s/pcc-on.XXXXXX", base);
	file = mkstemp(image);
	cr_assert_geq(file, 0);
	cr_assert_eq(ftruncate(file, DISK_BYTES), 0);
	close(file);
	cr_assert_not_null(mkdtemp(folder));
	if (run("mkfs.ext4 -q -F", image, "") &&
	    run("mount -o loop", image, folder))
		return true;
	unlink(image);
	rmdir(folder);
	return false;
}

void canary_scan_disk(const struct needles *needles, const char *image,
		      const char *folder, struct scan_finding *finding)
{
	int disk = open(folder, O_RDONLY | O_CLOEXEC);

	cr_assert(disk >= 0 && syncfs(disk) == 0);
	close(disk);
	scan_file(needles, image, finding);
}

void canary_remove_disk(const char *image, const char *folder)
{
	(void)umount2(folder, MNT_DETACH);
	unlink(image);
	rmdir(folder);
}
