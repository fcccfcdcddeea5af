/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/random_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/make_random.h"

#define SEED 1

static int is_of(const struct config *config, const struct shape *shape)
{
	return config->tracks == shape->tracks &&
	       config->block_depth == shape->block_depth &&
	       config->layers == shape->layers &&
	       config->hidden == shape->hidden &&
	       config->heads == shape->heads &&
	       config->feed_forward == shape->feed_forward &&
	       config->experts == shape->experts &&
	       config->expert_width == shape->expert_width &&
	       config->vocabulary == shape->vocabulary;
}

struct model *random_file_open(const struct shape *shape)
{
	const struct make_random make = { shape, MATRIX_Q4_0, SEED };
	const char *folder = getenv("BENCH_MODELS");
	struct model *model;
	char path[512];

	if (folder == NULL)
		folder = "build/bench_models";
	(void)mkdir(folder, 0755);
	(void)snprintf(path, sizeof(path), "%s/%s-q4_0.gguf", folder,
		       shape->name);
	if (access(path, R_OK) != 0)
		timed_must(make_random_file(&make, path));
	model = timed_model(path);
	if (!is_of(&model->config, shape))
		die("a file in BENCH_MODELS is of another shape; remove it");
	return model;
}
