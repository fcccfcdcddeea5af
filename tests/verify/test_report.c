/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attest/verify.h"
#include "tests/support/sample_bundle.h"
#include "tests/system.h"

#define NOW SAMPLE_BUNDLE_NOW

static char folder[] = "/tmp/pcc-report-XXXXXX";
static char page[128 << 10];

static void teardown(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	cr_assert_eq(system(command), 0);
}

/* A bundle with software evidence, whose model has this name. */
static void save_bundle(const char *model_name)
{
	static struct sample_bundle sample;
	struct bytes bytes;
	char path[64];
	FILE *file;

	sample_bundle_prepare(&sample);
	sample.statement.model_name = bytes_of_string(model_name);
	bytes = sample_bundle_seal(&sample);
	snprintf(path, sizeof(path), "%s/bundle", folder);
	file = fopen(path, "w");
	cr_assert_eq(fwrite(bytes.data, 1, bytes.len, file), bytes.len);
	fclose(file);
}

static void setup(void)
{
	cr_assert_not_null(mkdtemp(folder));
	save_bundle("home & <b>\"garden\"</b>");
}

TestSuite(report, .init = setup, .fini = teardown);

/* Run pcc-verify report on the bundle into page[]; its exit code. */
static int report(const char *options)
{
	char program[SYSTEM_BUILT_MAX];
	char command[SYSTEM_BUILT_MAX + 256];
	FILE *file;
	int status;

	cr_assert(system_built("pcc-verify", program));
	snprintf(command, sizeof(command),
		 "%s report %s/bundle --now %u --html %s/page.html %s", program,
		 folder, NOW, folder, options);
	status = system(command);
	cr_assert(WIFEXITED(status));
	snprintf(command, sizeof(command), "%s/page.html", folder);
	file = fopen(command, "r");
	cr_assert_not_null(file);
	page[fread(page, 1, sizeof(page) - 1, file)] = '\0';
	fclose(file);
	return WEXITSTATUS(status);
}

Test(report, the_verdict_is_the_headline_and_the_exit_code)
{
	cr_assert_eq(report(""), 10);
	cr_assert_not_null(strstr(page, "<h1>This node is not verified</h1>"));
	cr_assert_null(strstr(page, "is verified</h1>"));
}

Test(report, software_evidence_never_makes_a_page_that_says_verified)
{
	cr_assert_eq(report("--accept-evidence software"), 0);
	cr_assert_not_null(strstr(page, "<h1>Good for development only</h1>"));
	cr_assert_null(strstr(page, "is verified</h1>"));
}

/* The only markup is the page's own. */
Test(report, what_a_node_says_is_text_and_never_markup)
{
	(void)report("--accept-evidence software");
	cr_assert_not_null(strstr(
		page, "home &amp; &lt;b&gt;&quot;garden&quot;&lt;/b&gt;"));
	cr_assert_null(strstr(page, "<b>"));
}

Test(report, nothing_in_it_comes_from_elsewhere)
{
	static const char *const foreign[] = {
		"<script", "src=", "href=", "url(", "@import", "http:", "https:"
	};

	(void)report("--accept-evidence software");
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		cr_assert_null(strstr(page, foreign[i]), "%s", foreign[i]);
	cr_assert_not_null(strstr(page, "default-src 'none'"));
}

/* Every check stands there, so that none is passed over in silence. */
Test(report, every_check_has_its_line)
{
	(void)report("--accept-evidence software");
	for (int i = 0; i < VERIFY_CODES; i++) {
		char code[64];

		snprintf(code, sizeof(code), "<small>%s</small>",
			 verify_code_name((enum verify_code)i));
		cr_assert_not_null(strstr(page, code), "%s", code);
	}
}

/*
 * A real browser lays it out: the picture of the page is not that of an empty
 * one, and the text that it shows is there.
 */
Test(report, a_browser_shows_it, .timeout = 120)
{
	char command[512];
	struct stat full, empty;
	FILE *dom;
	size_t len;

	if (system("command -v chromium >/dev/null") != 0)
		cr_skip_test("there is no chromium");
	(void)report("--accept-evidence software");
	snprintf(command, sizeof(command),
		 "cd %s && echo '<!doctype html>' >empty.html && "
		 "for p in page empty; do timeout 50 chromium --headless "
		 "--no-sandbox --disable-gpu --user-data-dir=%s/profile "
		 "--window-size=800,1200 --screenshot=%s/$p.png "
		 "file://%s/$p.html >/dev/null 2>&1 || exit 1; done",
		 folder, folder, folder, folder);
	if (system(command) != 0)
		cr_skip_test("chromium does not run here");
	snprintf(command, sizeof(command), "%s/page.png", folder);
	cr_assert_eq(stat(command, &full), 0);
	snprintf(command, sizeof(command), "%s/empty.png", folder);
	cr_assert_eq(stat(command, &empty), 0);
	cr_assert_gt(full.st_size, 10 * empty.st_size);

	snprintf(command, sizeof(command),
		 "timeout 50 chromium --headless --no-sandbox --disable-gpu "
		 "--user-data-dir=%s/profile --dump-dom file://%s/page.html "
		 "2>/dev/null",
		 folder, folder);
	dom = popen(command, "r");
	cr_assert_not_null(dom);
	len = fread(page, 1, sizeof(page) - 1, dom);
	page[len] = '\0';
	pclose(dom);
	cr_assert_not_null(strstr(page, "Good for development only"));
}
