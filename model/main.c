/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pcc-model: looks at model files, and makes them.
 *
 *   holds   no secret: model files are public
 *   sees    the files that it is told to read
 *   never   replaces a file, or leaves a part of one under its name
 */
#include "model/check.h"
#include "model/convert.h"
#include "model/importance.h"
#include "model/inspect.h"
#include "model/make_random.h"
#include "model/measure.h"
#include "model/options.h"
#include "model/perplexity.h"
#include "model/prepack.h"
#include "model/quantize.h"
#include "model/report.h"

static int (*const commands[])(const struct options *options) = {
	[OPTIONS_INSPECT] = inspect_run,
	[OPTIONS_CHECK] = check_run,
	[OPTIONS_MAKE_RANDOM] = make_random_run,
	[OPTIONS_QUANTIZE] = quantize_run,
	[OPTIONS_PACK] = prepack_run,
	[OPTIONS_CONVERT] = convert_run,
	[OPTIONS_MEASURE] = measure_run,
	[OPTIONS_IMPORTANCE] = importance_run,
	[OPTIONS_PERPLEXITY] = perplexity_run,
	[OPTIONS_SQNR] = measure_run_sqnr,
};

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
	return commands[options.command](&options);
}
