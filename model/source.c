/* SPDX-License-Identifier: Apache-2.0 */
#include "model/source.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/fd.h"

/* Far above any file that is in use. */
static const struct gguf_limits limits = {
	.values = 1u << 16,
	.tensors = 1u << 18,
	.array_count = 1u << 22,
	.string_bytes = 1u << 20,
};

/* A mapping starts at a page, which is more than the index asks for. */
enum err source_map(const char *path, struct source *out)
{
	SCOPED_FD file = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	void *data;

	if (file < 0 || fstat(file, &status) != 0)
		return ERR_UNAVAILABLE;
	if (status.st_size <= 0)
		return ERR_TRUNCATED;
	data = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, file,
		    0);
	if (data == MAP_FAILED)
		return ERR_UNAVAILABLE;
	*out = (struct source){ .path = path,
				.file = { data, (size_t)status.st_size } };
	return ERR_OK;
}

enum err source_index(struct source *source)
{
	return gguf_open(source->file, &limits, &source->gguf);
}

enum err source_open(const char *path, struct source *out)
{
	struct source made;
	enum err err;

	TRY(source_map(path, &made));
	err = source_index(&made);
	if (err != ERR_OK) {
		source_close(&made);
		return err;
	}
	*out = made;
	return ERR_OK;
}

void source_close(struct source *source)
{
	gguf_close(&source->gguf);
	if (source->file.data != NULL)
		(void)munmap((void *)(uintptr_t)source->file.data,
			     source->file.len);
	*source = (struct source){ 0 };
}

/* The index has proven that these products exist. */
size_t source_stack(const struct gguf_tensor *tensor)
{
	return (size_t)(tensor->dimensions[2] * tensor->dimensions[3]);
}

uint64_t source_weights(const struct gguf_tensor *tensor)
{
	return tensor->dimensions[0] * tensor->dimensions[1] *
	       source_stack(tensor);
}

struct matrix source_matrix(const struct gguf_tensor *tensor)
{
	struct matrix made = { .data = tensor->data.data,
			       .columns = (size_t)tensor->dimensions[0],
			       .format = tensor->format };

	invariant(matrix_stride(made.format, made.columns, &made.stride) ==
		  ERR_OK);
	made.rows = tensor->data.len / made.stride *
		    matrix_form_of(made.format)->rows;
	made.apart = tensor->data.len / source_stack(tensor);
	return made;
}

struct matrix source_matrix_at(const struct gguf_tensor *tensor, size_t i)
{
	struct matrix made = source_matrix(tensor);

	made.data += i * made.apart;
	made.rows = (size_t)tensor->dimensions[1];
	return made;
}

/* Names come from the file: nothing in them may move a terminal's cursor. */
struct source_name source_name_of(struct bytes name)
{
	struct source_name made;
	size_t len = name.len < sizeof(made.text) - 1 ? name.len
						      : sizeof(made.text) - 1;

	for (size_t i = 0; i < len; i++) {
		uint8_t byte = name.data[i];

		made.text[i] = (char)(byte < ' ' || byte > '~' ? '?' : byte);
	}
	made.text[len] = '\0';
	return made;
}
