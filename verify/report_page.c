/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/report_page.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "attest/verify_print.h"
#include "base/err.h"

#define ROWS_MAX VERIFY_CODES

static const char style[] =
	":root{color-scheme:light dark;--good:#17702c;--bad:#b3261e;"
	"--none:#68707a;--line:#8884}"
	"@media(prefers-color-scheme:dark){:root{--good:#6fd58a;--bad:#ff8f86;"
	"--none:#a0a8b2}}"
	"body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;"
	"margin:2rem auto;padding:0 1rem}"
	"header{border-left:.5rem solid var(--tone);padding:.2rem 1rem}"
	"h1{font-size:1.7rem;margin:.2rem 0;color:var(--tone)}"
	"h2{font-size:1.15rem;margin:2rem 0 .2rem}"
	"p{margin:.3rem 0}"
	"ul{list-style:none;padding:0;margin:.5rem 0}"
	"li{display:grid;grid-template-columns:1.8rem 1fr;padding:.45rem 0;"
	"border-top:1px solid var(--line)}"
	".mark{font-weight:bold;color:var(--tone)}"
	".found,small,dt{color:var(--none)}"
	"small,code,dd{font-family:ui-monospace,monospace;font-size:.8rem;"
	"overflow-wrap:anywhere}"
	"dl{display:grid;grid-template-columns:8rem 1fr;gap:.2rem 1rem;"
	"margin:.5rem 0}dd{margin:0}"
	".PASS{--tone:var(--good)}.FAIL{--tone:var(--bad)}"
	".SKIP{--tone:var(--none)}";

/* What may come from others is printable ASCII already; this is for its own
   sake. */
static void put_text(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '<')
			fputs("&lt;", out);
		else if (*text == '>')
			fputs("&gt;", out);
		else if (*text == '&')
			fputs("&amp;", out);
		else if (*text == '"')
			fputs("&quot;", out);
		else if (*text >= 0x20 && *text < 0x7f)
			fputc(*text, out);
		else
			fputc('?', out);
	}
}

static const struct verdict {
	const char *title;
	const char *meaning;
	enum record_mark mark;
} verdicts[] = {
	[VERIFY_VERIFIED] = { "This node is verified",
			      "Everything that was asked of it was proven. "
			      "What "
			      "you send is encrypted so that this node alone "
			      "can open it.",
			      RECORD_PASS },
	[VERIFY_EXPIRED] = { "This proof is out of date",
			     "Nothing here was forged, but its time is over. "
			     "Ask the node for a new one.",
			     RECORD_FAIL },
	[VERIFY_NOT_VERIFIED] = { "This node is not verified",
				  "Something that was asked of it was not "
				  "proven. Do not send it anything private.",
				  RECORD_FAIL },
	[VERIFY_MALFORMED] = { "This is no proof at all",
			       "The file could not be read as what it should "
			       "be. Nothing can be said about the node.",
			       RECORD_FAIL },
};

/* A verdict that rests on a claim alone must not look like one on a chip. */
static const struct verdict development = {
	"Good for development only",
	"Everything that was asked for holds, but no chip vouches for the "
	"machine: the evidence is software, which anybody can write. Do not "
	"send it anything private.",
	RECORD_SKIP
};

static const struct verdict anything = {
	"Good for development only",
	"A chip vouches for the machine, but nobody asked what was started on "
	"it: anything may run there. Do not send it anything private.",
	RECORD_SKIP
};

static const struct verdict *verdict_of(const struct verify_result *result,
					enum verify_verdict verdict)
{
	if (verdict == VERIFY_VERIFIED &&
	    verify_passed(result, VERIFY_EVIDENCE_SOFTWARE))
		return &development;
	if (verdict == VERIFY_VERIFIED && result->booted_anything)
		return &anything;
	return &verdicts[verdict];
}

void report_page_begin(FILE *out, const struct verify_result *result,
		       enum verify_verdict judged, uint64_t now)
{
	const struct verdict *verdict = verdict_of(result, judged);
	time_t seconds = (time_t)now;
	struct tm when;
	char date[64] = "";

	if (gmtime_r(&seconds, &when) != NULL)
		(void)strftime(date, sizeof(date), "%d %B %Y, %H:%M UTC",
			       &when);
	fprintf(out,
		"<!doctype html>\n<html lang=\"en\"><head>"
		"<meta charset=\"utf-8\">\n"
		"<meta http-equiv=\"Content-Security-Policy\" "
		"content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
		"<meta name=\"viewport\" content=\"width=device-width\">\n"
		"<title>%s</title>\n<style>%s</style></head>\n<body>\n"
		"<header class=\"%s\"><h1>%s</h1>\n<p>%s</p>\n",
		verdict->title, style, record_mark_name(verdict->mark),
		verdict->title, verdict->meaning);
	fprintf(out, "<p class=\"found\">Judged at %s.</p></header>\n", date);
}

static void put_row(FILE *out, const struct report_row *row)
{
	static const char *const marks[] = {
		[RECORD_SKIP] = "&ndash;",
		[RECORD_PASS] = "&#10003;",
		[RECORD_FAIL] = "&#10007;",
	};
	enum record_mark mark = row->record->mark;

	fprintf(out,
		"<li class=\"%s\"><span class=\"mark\" title=\"%s\">%s</span>"
		"<div>%s<br><span class=\"found\">",
		record_mark_name(mark), record_mark_name(mark), marks[mark],
		row->question);
	put_text(out, row->record->text);
	fprintf(out, "</span> <small>%s</small></div></li>\n", row->code);
}

static size_t put_rows(FILE *out, const struct report_part *part,
		       enum record_mark skipped)
{
	size_t left = 0;

	for (size_t i = 0; i < part->count; i++) {
		bool is_skipped = part->rows[i].record->mark == RECORD_SKIP;

		if (is_skipped == (skipped == RECORD_SKIP))
			put_row(out, &part->rows[i]);
		else
			left++;
	}
	return left;
}

void report_page_part(FILE *out, const struct report_part *part)
{
	size_t skipped;

	fprintf(out, "<h2>%s</h2>\n<p>%s</p>\n<ul>\n", part->title, part->text);
	skipped = put_rows(out, part, RECORD_PASS);
	fprintf(out, "</ul>\n");
	if (skipped == 0)
		return;
	fprintf(out,
		"<details><summary>%zu not asked for, or not there</summary>"
		"<ul>\n",
		skipped);
	(void)put_rows(out, part, RECORD_SKIP);
	fprintf(out, "</ul></details>\n");
}

enum group {
	MACHINE,
	RUNS,
	KEY,
	RECORD,
	GROUPS,
};

static const struct {
	const char *title;
	const char *text;
} groups[GROUPS] = {
	[MACHINE] = { "Who vouches for the machine",
		      "A chip in the machine signs what was started on it. Its "
		      "maker certifies that chip." },
	[RUNS] = { "What runs there",
		   "Each thing that could see your words has a fingerprint, "
		   "which is compared with the one you trust." },
	[KEY] = { "The key that your words are sealed with",
		  "The machine's proof names this key, so nobody on the way "
		  "can put another in its place." },
	[RECORD] = { "The public record",
		     "What a node may be is written down in a log that "
		     "everybody can read and nobody can rewrite." },
};

#define QUESTION(code, group, text) [code] = { group, text }

static const struct {
	enum group group;
	const char *question;
} questions[VERIFY_CODES] = {
	QUESTION(VERIFY_BUNDLE, KEY, "Can the proof be read as a whole?"),
	QUESTION(VERIFY_STATEMENT, RUNS, "Does the node say what it is?"),
	QUESTION(VERIFY_KEYS, KEY, "Is there a key to seal with?"),
	QUESTION(VERIFY_EVIDENCE_TYPE, MACHINE,
		 "Is there proof of a kind that you accept?"),
	QUESTION(VERIFY_EVIDENCE_SOFTWARE, MACHINE,
		 "Where no chip vouches for it, did you accept that?"),
	QUESTION(VERIFY_APPRAISAL + APPRAISAL_FORMAT, MACHINE,
		 "Is the chip's statement well formed?"),
	QUESTION(VERIFY_APPRAISAL + APPRAISAL_CHAIN, MACHINE,
		 "Does its maker, or your own authority, certify the chip?"),
	QUESTION(VERIFY_APPRAISAL + APPRAISAL_REVOCATION, MACHINE,
		 "Has that certificate been withdrawn?"),
	QUESTION(VERIFY_APPRAISAL + APPRAISAL_SIGNATURE, MACHINE,
		 "Did this very chip sign this very statement?"),
	QUESTION(VERIFY_APPRAISAL + APPRAISAL_TCB, MACHINE,
		 "Is the chip's own software new enough?"),
	QUESTION(VERIFY_APPRAISAL + APPRAISAL_CHIP, MACHINE,
		 "Is it one of the machines that you know?"),
	QUESTION(VERIFY_APPRAISAL + APPRAISAL_GUEST, MACHINE,
		 "Is the machine closed to debuggers?"),
	QUESTION(VERIFY_APPRAISAL + APPRAISAL_EVENTS, RUNS,
		 "Does the diary of the start agree with what was signed?"),
	QUESTION(VERIFY_APPRAISAL + APPRAISAL_MEASUREMENT, RUNS,
		 "Was what you expect started, and nothing else?"),
	QUESTION(VERIFY_BINDING, KEY,
		 "Does the chip's statement name this node and this key?"),
	QUESTION(VERIFY_FRESHNESS, KEY, "Was it made just now, for you?"),
	QUESTION(VERIFY_ASSURANCE, MACHINE,
		 "Does the node claim no more than it can show?"),
	QUESTION(VERIFY_IDENTITY, RUNS,
		 "Did the machine record the very program that answers?"),
	QUESTION(VERIFY_EXPIRY, KEY, "Is the key still valid?"),
	QUESTION(VERIFY_LIFETIME, KEY,
		 "Will the key be destroyed within a day?"),
	QUESTION(VERIFY_NODE, KEY, "Is it the node that you asked for?"),
	QUESTION(VERIFY_SHAPE, RUNS,
		 "Do answers leave in a rhythm that tells nothing?"),
	QUESTION(VERIFY_PROGRAM, RUNS, "Is it the program that you trust?"),
	QUESTION(VERIFY_MODEL, RUNS, "Is it the language model?"),
	QUESTION(VERIFY_TOKENIZER, RUNS, "Is it the model's vocabulary?"),
	QUESTION(VERIFY_POLICY, RUNS, "Are these the operator's choices?"),
	QUESTION(VERIFY_JAIL, RUNS,
		 "Is the program locked in as it should be?"),
	QUESTION(VERIFY_LOG, RUNS,
		 "Can it write down nothing but what is agreed?"),
	QUESTION(VERIFY_COMMAND, RUNS, "Was it started as it should be?"),
	QUESTION(VERIFY_RELEASE, RECORD,
		 "Is what runs there in the public record?"),
	QUESTION(VERIFY_RELEASE_MATCH, RECORD,
		 "Is the node what the record says?"),
	QUESTION(VERIFY_RELEASE_TIME, RECORD,
		 "Is that release still good today?"),
};

void report_page_bundle(FILE *out, const struct verify_result *result)
{
	for (int group = 0; group < GROUPS; group++) {
		struct report_row rows[ROWS_MAX];
		struct report_part part = {
			.title = groups[group].title,
			.text = groups[group].text,
			.rows = rows,
		};

		for (int code = 0; code < VERIFY_CODES; code++) {
			if ((int)questions[code].group != group)
				continue;
			invariant(questions[code].question != NULL);
			rows[part.count++] = (struct report_row){
				questions[code].question,
				verify_code_name((enum verify_code)code),
				&result->records[code],
			};
		}
		report_page_part(out, &part);
	}
}

static const char *const receipt_questions[RECEIPT_CHECK_CODES] = {
	[RECEIPT_CHECK_FORMAT] = "Is it a receipt?",
	[RECEIPT_CHECK_SIGNATURE] = "Did this very node sign it?",
	[RECEIPT_CHECK_NODE] = "Is it from the node that you sent this to?",
	[RECEIPT_CHECK_EVIDENCE] = "Does it name the proof that you checked?",
	[RECEIPT_CHECK_LOG] = "Does it name the record that you checked?",
	[RECEIPT_CHECK_STATEMENT] =
		"Did the node answer as what it said it was?",
	[RECEIPT_CHECK_REQUEST] = "Is it for exactly what you sent?",
	[RECEIPT_CHECK_RESPONSE] = "Is it for exactly what you were answered?",
	[RECEIPT_CHECK_ARENA] =
		"Was the node's memory empty before your words came?",
	[RECEIPT_CHECK_TIME] = "Was it made in the key's time?",
};

void report_page_receipt(FILE *out, const struct receipt_check *receipt)
{
	struct report_row rows[RECEIPT_CHECK_CODES];
	const struct report_part part = {
		.title = "Your receipt",
		.text = "The node signed what it was asked and what it "
			"answered, so that it can deny neither. The receipt "
			"itself tells nobody your words.",
		.rows = rows,
		.count = RECEIPT_CHECK_CODES,
	};

	for (int code = 0; code < RECEIPT_CHECK_CODES; code++) {
		invariant(receipt_questions[code] != NULL);
		rows[code] = (struct report_row){
			receipt_questions[code],
			receipt_check_name((enum receipt_check_code)code),
			&receipt->records[code],
		};
	}
	report_page_part(out, &part);
}

void report_page_node(FILE *out, const struct verify_result *result)
{
	struct verify_print_fact fact;

	if (!verify_passed(result, VERIFY_STATEMENT))
		return;
	fprintf(out, "<h2>What the node says of itself</h2>\n<dl>\n");
	for (size_t i = 0; verify_print_fact(result, i, &fact) == ERR_OK; i++) {
		fprintf(out, "<dt>%s</dt><dd>", fact.name);
		put_text(out, fact.value);
		fprintf(out, "</dd>\n");
	}
	fprintf(out, "</dl>\n");
}

void report_page_end(FILE *out, const char *command)
{
	fprintf(out, "<h2>Do not believe this page</h2>\n<p>It is as good as "
		     "who made it. To ask the same questions yourself:</p>\n"
		     "<p><code>");
	put_text(out, command);
	fprintf(out, "</code></p>\n</body></html>\n");
}
