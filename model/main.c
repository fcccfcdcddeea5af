/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pcc-model: looks at model files, and makes them.
 *
 *   holds   no secret: model files are public
 *   sees    the files that it is told to read
 *   never   replaces a file, or leaves a part of one under its name
 */
#include <stdio.h>

#include "model/make_random.h"
#include "model/options.h"
#include "model/report.h"

static int make_random(const struct options *options)
{
	const struct make_random make = {
		.shape = options->shape,
		.format = options->form->format,
		.seed = options->seed,
	};

	return report_failure(options->output, "cannot be made",
			      make_random_file(&make, options->output));
}

int main(int count, char **arguments)
{
	struct options options;

	switch (options_parse(count, arguments, &options)) {
	case OPTIONS_HELP:
		return REPORT_GOOD;
	case OPTIONS_USAGE:
		return REPORT_USAGE;
	case OPTIONS_RUN:
		break;
	}
	return make_random(&options);
}
