/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of tensors of any bytes is refused, or is what it says: every tensor
 * lies in the file, has the bytes of its shape, is apart from the others, and
 * is found by its name.
 */
#include "model/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_tensor(const struct safetensors_tensor *tensor,
			 struct bytes file)
{
	uint64_t bytes = matrix_form_of(tensor->format)->bytes;

	for (size_t i = 0; i < SAFETENSORS_DIMENSIONS_MAX; i++)
		bytes *= tensor->dimensions[i];
	invariant(tensor->data.len == bytes);
	invariant(tensor->data.data >= file.data + 8);
	invariant(tensor->data.data <= file.data + file.len - tensor->data.len);
}

static void check_apart(struct bytes a, struct bytes b)
{
	invariant(a.data + a.len <= b.data || b.data + b.len <= a.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes file = { data, size };
	struct safetensors made;

	if (safetensors_open(file, &made) != ERR_OK)
		return 0;
	for (size_t i = 0; i < made.count; i++) {
		const struct safetensors_tensor *tensor = &made.tensors[i];

		check_tensor(tensor, file);
		invariant(safetensors_find(&made, tensor->name) == tensor);
		for (size_t j = 0; j < i; j++)
			check_apart(made.tensors[j].data, tensor->data);
	}
	safetensors_close(&made);
	return 0;
}
