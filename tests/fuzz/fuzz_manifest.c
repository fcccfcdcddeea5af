/* SPDX-License-Identifier: Apache-2.0 */
/* Every line of a manifest can be found again by its section and name. */
#include <stdio.h>
#include <string.h>

#include "wire/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void copy(struct bytes from, char *to)
{
	memcpy(to, from.data, from.len);
	to[from.len] = '\0';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes text = { data, size };
	char section[MANIFEST_SECTION_MAX + 1];
	char name[MANIFEST_NAME_MAX + 1];
	struct manifest_reader reader;
	struct manifest_line line;
	struct bytes value;

	if (manifest_check(text) != ERR_OK)
		return 0;
	invariant(manifest_begin(text, &reader) == ERR_OK);
	for (int i = 0; i < 16 && manifest_next(&reader, &line) == ERR_OK;
	     i++) {
		copy(line.section, section);
		copy(line.name, name);
		invariant(manifest_find(text, section, name, &value) == ERR_OK);
		invariant(value.data == line.value.data);
	}
	return 0;
}
