/* SPDX-License-Identifier: Apache-2.0 */
#include "model/perplexity.h"

#include <math.h>
#include <stdio.h>

#include "model/reading.h"
#include "model/report.h"

static int run(const struct reading *reading, const char *path)
{
	struct reading_result result;
	enum err err = reading_run(reading, reading->model->kernel, &result);
	double mean;

	if (err == ERR_OK && result.tokens == 0)
		err = ERR_TRUNCATED;
	if (err != ERR_OK)
		return report_failure(path, "could not be read by the model",
				      err);
	mean = result.surprise / (double)result.tokens;
	printf("perplexity %.4f, %llu tokens, %.4f bits a token, "
	       "%.1f tokens/s\n",
	       exp(mean), (unsigned long long)result.tokens, mean / M_LN2,
	       (double)result.tokens / result.seconds);
	return REPORT_GOOD;
}

int perplexity_run(const struct options *options)
{
	const struct reading_files files = reading_files_of(options);
	struct reading reading;
	int code;

	if (reading_open(&files, &reading) != ERR_OK)
		return REPORT_REFUSED;
	code = run(&reading, options->files[1]);
	reading_close(&reading);
	return code;
}
