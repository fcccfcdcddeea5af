/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/model_files.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT 64

static void *room_for(size_t len)
{
	size_t rounded = (len / ALIGNMENT + 1) * ALIGNMENT;
	void *memory = aligned_alloc(ALIGNMENT, rounded);

	cr_assert_not_null(memory);
	memset(memory, 0, rounded);
	return memory;
}

static struct bytes read_all(FILE *file)
{
	long len;
	uint8_t *data;

	cr_assert_eq(fseek(file, 0, SEEK_END), 0);
	len = ftell(file);
	cr_assert_geq(len, 0);
	rewind(file);
	data = room_for((size_t)len);
	cr_assert_eq(fread(data, 1, (size_t)len, file), (size_t)len);
	(void)fclose(file);
	return (struct bytes){ data, (size_t)len };
}

struct bytes model_files_load(const char *path)
{
	const char *folder = getenv("MODELS");
	char full[512];
	FILE *file;

	if (folder == NULL)
		folder = "../shared/models";
	(void)snprintf(full, sizeof(full), "%s/%s", folder, path);
	file = fopen(full, "rb");
	if (file == NULL)
		cr_skip_test("%s is not present", full);
	return read_all(file);
}

struct bytes model_files_own(const char *path)
{
	FILE *file = fopen(path, "rb");

	cr_assert_not_null(file, "%s is missing", path);
	return read_all(file);
}

void model_files_free(struct bytes file)
{
	free((void *)(uintptr_t)file.data);
}

uint8_t *model_files_copy(struct bytes from, size_t room)
{
	uint8_t *copy = room_for(from.len + room);

	memcpy(copy, from.data, from.len);
	return copy;
}
