/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A crash before the rename leaves a temporary file, whose name says what it
 * is; after it, a complete one.  link() and not rename() makes the name,
 * because only the former fails where there is a file already.
 */
#include "model/gguf_write.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VERSION 3
/* A panel's vectors then lie in one line of a cache each, and a file that is
 * used where it is mapped is as good as one laid out anew. */
#define ALIGNMENT 64
#define ALIGNMENT_KEY "general.alignment"
#define BUFFER_BYTES (1u << 20)

/* Metadata, or the list of tensors: grows in memory. */
struct section {
	FILE *stream;
	char *data; /* valid after a flush */
	size_t len;
	uint64_t count;
};

struct gguf_write {
	char *path;
	char *temporary;
	FILE *file; /* NULL before and after */
	struct section values;
	struct section tensors;
	uint64_t *sizes;   /* of the tensors declared */
	uint64_t offset;   /* where the next tensor will lie */
	size_t current;	   /* the tensor that data goes to */
	uint64_t received; /* of it */
	enum {
		INDEX,
		DATA
	} stage;
};

static void put(FILE *to, const void *data, size_t len)
{
	if (len != 0)
		(void)fwrite(data, 1, len, to); /* ferror() remembers */
}

static void put_u32(FILE *to, uint32_t value)
{
	put(to, &value, sizeof(value));
}

static void put_u64(FILE *to, uint64_t value)
{
	put(to, &value, sizeof(value));
}

static void put_string(FILE *to, struct bytes text)
{
	put_u64(to, text.len);
	put(to, text.data, text.len);
}

static FILE *put_key(struct gguf_write *out, struct bytes key, uint32_t type)
{
	invariant(out->stage == INDEX);
	put_string(out->values.stream, key);
	put_u32(out->values.stream, type);
	out->values.count++;
	return out->values.stream;
}

void gguf_write_u32(struct gguf_write *out, const char *key, uint32_t value)
{
	put_u32(put_key(out, bytes_of_string(key), GGUF_U32), value);
}

void gguf_write_f32(struct gguf_write *out, const char *key, float value)
{
	put(put_key(out, bytes_of_string(key), GGUF_F32), &value,
	    sizeof(value));
}

void gguf_write_bool(struct gguf_write *out, const char *key, uint8_t value)
{
	put(put_key(out, bytes_of_string(key), GGUF_BOOL), &value, 1);
}

void gguf_write_string(struct gguf_write *out, const char *key,
		       struct bytes value)
{
	put_string(put_key(out, bytes_of_string(key), GGUF_STRING), value);
}

static FILE *put_array(struct gguf_write *out, struct bytes key, uint32_t type,
		       size_t count)
{
	FILE *to = put_key(out, key, GGUF_ARRAY);

	put_u32(to, type);
	put_u64(to, count);
	return to;
}

void gguf_write_array(struct gguf_write *out, const char *key,
		      enum gguf_type type, const void *values, size_t count)
{
	size_t size = type == GGUF_I32 || type == GGUF_U32 || type == GGUF_F32
			      ? 4
			      : 0;

	invariant(size != 0);
	put(put_array(out, bytes_of_string(key), type, count), values,
	    count * size);
}

void gguf_write_strings(struct gguf_write *out, const char *key,
			const struct bytes *values, size_t count)
{
	FILE *to = put_array(out, bytes_of_string(key), GGUF_STRING, count);

	for (size_t i = 0; i < count; i++)
		put_string(to, values[i]);
}

void gguf_write_value(struct gguf_write *out, const struct gguf_value *value)
{
	const struct gguf_array *array = &value->array;

	if (bytes_equal(value->key, BYTES_LITERAL(ALIGNMENT_KEY)))
		return;
	if (value->type == GGUF_ARRAY) {
		put(put_array(out, value->key, array->type, array->count),
		    array->elements.data, array->elements.len);
	} else if (value->type == GGUF_STRING) {
		put_string(put_key(out, value->key, GGUF_STRING), value->raw);
	} else {
		put(put_key(out, value->key, value->type), value->raw.data,
		    value->raw.len);
	}
}

static uint64_t padding_after(uint64_t len)
{
	return -len % ALIGNMENT;
}

static enum err tensor_bytes(const struct gguf_tensor *tensor, uint64_t *out)
{
	size_t bytes;

	TRY(matrix_bytes(tensor->format,
			 tensor->dimension_count > 1 ? tensor->dimensions[1]
						     : 1,
			 tensor->dimensions[0], &bytes));
	for (size_t i = 2; i < tensor->dimension_count; i++) {
		if (__builtin_mul_overflow(bytes, tensor->dimensions[i],
					   &bytes))
			return ERR_TOO_LARGE;
	}
	*out = bytes;
	return ERR_OK;
}

enum err gguf_write_declare(struct gguf_write *out,
			    const struct gguf_tensor *tensor)
{
	struct section *tensors = &out->tensors;
	uint64_t bytes, *sizes;

	invariant(out->stage == INDEX);
	TRY(tensor_bytes(tensor, &bytes));
	sizes = realloc(out->sizes, (tensors->count + 1) * sizeof(*sizes));
	if (sizes == NULL)
		return ERR_UNAVAILABLE;
	out->sizes = sizes;
	sizes[tensors->count++] = bytes;
	put_string(tensors->stream, tensor->name);
	put_u32(tensors->stream, (uint32_t)tensor->dimension_count);
	for (size_t i = 0; i < tensor->dimension_count; i++)
		put_u64(tensors->stream, tensor->dimensions[i]);
	put_u32(tensors->stream, (uint32_t)tensor->format);
	put_u64(tensors->stream, out->offset);
	out->offset += bytes + padding_after(bytes);
	return ferror(tensors->stream) ? ERR_UNAVAILABLE : ERR_OK;
}

static enum err put_padding(FILE *to, uint64_t len)
{
	static const uint8_t zeros[ALIGNMENT];

	put(to, zeros, padding_after(len));
	return ferror(to) ? ERR_UNAVAILABLE : ERR_OK;
}

/* The index is complete: from here on there is data alone. */
static enum err write_index(struct gguf_write *out)
{
	if (fflush(out->values.stream) != 0 || fflush(out->tensors.stream) != 0)
		return ERR_UNAVAILABLE;
	put(out->file, "GGUF", 4);
	put_u32(out->file, VERSION);
	put_u64(out->file, out->tensors.count);
	put_u64(out->file, out->values.count);
	put(out->file, out->values.data, out->values.len);
	put(out->file, out->tensors.data, out->tensors.len);
	out->stage = DATA;
	return put_padding(out->file, 24 + out->values.len + out->tensors.len);
}

/* As much as the current tensor still lacks. */
static enum err write_piece(struct gguf_write *out, struct bytes *data)
{
	uint64_t size = out->sizes[out->current];
	uint64_t left = size - out->received;
	size_t len = data->len < left ? data->len : (size_t)left;

	if (fwrite(data->data, 1, len, out->file) != len)
		return ERR_UNAVAILABLE;
	data->data += len;
	data->len -= len;
	out->received += len;
	if (out->received < size)
		return ERR_OK;
	out->current++;
	out->received = 0;
	return put_padding(out->file, size);
}

enum err gguf_write_data(struct gguf_write *out, struct bytes data)
{
	if (out->stage == INDEX)
		TRY(write_index(out));
	while (data.len > 0) {
		if (out->current == out->tensors.count)
			return ERR_TOO_LARGE;
		TRY(write_piece(out, &data));
	}
	return ERR_OK;
}

/* The name is on the disk when its folder is. */
static enum err sync_folder(const char *path)
{
	char *copy = strdup(path);
	int folder = -1;
	enum err err = ERR_UNAVAILABLE;

	if (copy != NULL)
		folder =
			open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder >= 0 && fsync(folder) == 0)
		err = ERR_OK;
	if (folder >= 0)
		(void)close(folder);
	free(copy);
	return err;
}

static enum err finish(struct gguf_write *out)
{
	if (out->stage == INDEX)
		TRY(write_index(out));
	if (out->current != out->tensors.count)
		return ERR_TRUNCATED;
	if (fflush(out->file) != 0 || fsync(fileno(out->file)) != 0)
		return ERR_UNAVAILABLE;
	/* A crash before this line leaves no file, after it the whole. */
	if (link(out->temporary, out->path) != 0)
		return errno == EEXIST ? ERR_DENIED : ERR_UNAVAILABLE;
	return sync_folder(out->path);
}

enum err gguf_write_commit(struct gguf_write **out)
{
	enum err err = finish(*out);

	gguf_write_abandon(out); /* the temporary name alone */
	return err;
}

static void close_section(struct section *section)
{
	if (section->stream != NULL)
		(void)fclose(section->stream);
	free(section->data);
}

void gguf_write_abandon(struct gguf_write **out)
{
	struct gguf_write *made = *out;

	if (made == NULL)
		return;
	if (made->file != NULL)
		(void)fclose(made->file);
	if (made->file != NULL && made->temporary != NULL)
		(void)unlink(made->temporary);
	close_section(&made->values);
	close_section(&made->tensors);
	free(made->sizes);
	free(made->temporary);
	free(made->path);
	free(made);
	*out = NULL;
}

/* As any new file, not as a secret one: mkstemp() would let nobody else read
 * it. */
static enum err open_file(struct gguf_write *made)
{
	int file = open(made->temporary,
			O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

	if (file < 0)
		return ERR_UNAVAILABLE;
	made->file = fdopen(file, "wb");
	if (made->file == NULL) {
		(void)close(file);
		(void)unlink(made->temporary);
		return ERR_UNAVAILABLE;
	}
	return setvbuf(made->file, NULL, _IOFBF, BUFFER_BYTES) == 0
		       ? ERR_OK
		       : ERR_UNAVAILABLE;
}

static enum err open_parts(struct gguf_write *made, const char *path)
{
	struct section *values = &made->values;
	struct section *tensors = &made->tensors;

	made->path = strdup(path);
	if (made->path == NULL || asprintf(&made->temporary, "%s.%ld.partial",
					   path, (long)getpid()) < 0) {
		made->temporary = NULL;
		return ERR_UNAVAILABLE;
	}
	values->stream = open_memstream(&values->data, &values->len);
	tensors->stream = open_memstream(&tensors->data, &tensors->len);
	if (values->stream == NULL || tensors->stream == NULL)
		return ERR_UNAVAILABLE;
	return open_file(made);
}

enum err gguf_write_open(const char *path, struct gguf_write **out)
{
	struct gguf_write *made;
	enum err err;

	if (access(path, F_OK) == 0)
		return ERR_DENIED;
	made = calloc(1, sizeof(*made));
	if (made == NULL)
		return ERR_UNAVAILABLE;
	err = open_parts(made, path);
	if (err != ERR_OK) {
		gguf_write_abandon(&made);
		return err;
	}
	gguf_write_u32(made, ALIGNMENT_KEY, ALIGNMENT);
	*out = made;
	return ERR_OK;
}
