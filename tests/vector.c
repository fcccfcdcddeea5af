/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/vector.h"

#include <criterion/criterion.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 512

static uint8_t pool[1 << 20];
static size_t used;

static uint8_t *reserve(size_t len)
{
	uint8_t *memory = pool + used;

	cr_assert(len <= sizeof(pool) - used, "the vector pool is full");
	used += len;
	return memory;
}

static uint8_t nibble(char digit)
{
	static const char digits[] = "0123456789abcdef";
	const char *found = strchr(digits, digit);

	cr_assert(found != NULL && digit != '\0', "not hexadecimal");
	return (uint8_t)(found - digits);
}

struct bytes vector_hex(const char *hex)
{
	size_t len = strlen(hex) / 2;
	uint8_t *out = reserve(len);

	cr_assert(strlen(hex) % 2 == 0, "half a byte");
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(nibble(hex[2 * i]) << 4 |
				   nibble(hex[2 * i + 1]));
	return (struct bytes){ out, len };
}

uint8_t *vector_copy(struct bytes data)
{
	uint8_t *out = reserve(data.len);

	if (data.len != 0)
		memcpy(out, data.data, data.len);
	return out;
}

void vector_forget(void)
{
	used = 0;
}

static void full_name(const char *path, char name[static NAME_MAX_BYTES])
{
	const char *folder = getenv("VECTORS");

	snprintf(name, NAME_MAX_BYTES, "%s/%s",
		 folder != NULL ? folder : "../shared/vectors", path);
}

json_t *vector_load(const char *path)
{
	char name[NAME_MAX_BYTES];
	json_t *set;

	full_name(path, name);
	set = json_load_file(name, 0, NULL);
	if (set == NULL)
		cr_skip_test("%s is not present", path);
	return set;
}

static struct bytes read_all(FILE *file)
{
	uint8_t *at = pool + used;
	size_t len = fread(at, 1, sizeof(pool) - used, file);

	cr_assert(feof(file) != 0, "the vector pool is full");
	cr_assert_eq(fclose(file), 0);
	return (struct bytes){ reserve(len), len };
}

struct bytes vector_file(const char *path)
{
	char name[NAME_MAX_BYTES];
	FILE *file;

	full_name(path, name);
	file = fopen(name, "rb");
	if (file == NULL)
		cr_skip_test("%s is not present", path);
	return read_all(file);
}

struct bytes vector_own(const char *path)
{
	char name[NAME_MAX_BYTES];
	FILE *file;

	snprintf(name, sizeof(name), "tests/vectors/%s", path);
	file = fopen(name, "rb");
	cr_assert(file != NULL, "%s is missing", name);
	return read_all(file);
}

size_t vector_pem(struct bytes text, struct bytes *out, size_t max)
{
	BIO *in = BIO_new_mem_buf(text.data, (int)text.len);
	size_t count = 0;
	char *name;
	char *header;
	unsigned char *der;
	long len;

	while (PEM_read_bio(in, &name, &header, &der, &len) == 1) {
		struct bytes raw = { der, (size_t)len };

		cr_assert(count < max, "more certificates than expected");
		out[count++] = (struct bytes){ vector_copy(raw), raw.len };
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_free(der);
	}
	BIO_free(in);
	return count;
}

struct bytes vector_bytes(const json_t *object, const char *name)
{
	return vector_hex(vector_text(object, name));
}

uint64_t vector_number(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	cr_assert(json_is_integer(value), "no number %s", name);
	return (uint64_t)json_integer_value(value);
}

const char *vector_text(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	cr_assert(json_is_string(value), "no text %s", name);
	return json_string_value(value);
}

void vector_expect(struct bytes actual, const char *hex)
{
	size_t before = used;

	cr_assert(bytes_equal(actual, vector_hex(hex)), "not %s", hex);
	used = before;
}
