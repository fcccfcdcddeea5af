// SPDX-License-Identifier: Apache-2.0
// What another verifier says of the quote in tests/vectors/tdx, at several
// times and with single bytes changed.  It was made by @phala/dcap-qvl 0.3.9:
//
//     npm install --prefix /tmp/dcap @phala/dcap-qvl@0.3.9
//     NODE_PATH=/tmp/dcap/node_modules node tests/reference/tdx_oracle.mjs \
//         > tests/reference/tdx_oracle.json
//
// A case is { at: Unix seconds, part, offset, xor, verdict }: the part is
// "quote", "tcb_info" or "qe_identity", of which the byte at `offset` was
// changed by `xor` (0: none was); the verdict is a status or "error: ...".
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const oracle = createRequire(process.env.NODE_PATH + "/")("@phala/dcap-qvl");
const quote = readFileSync("tests/vectors/tdx/quote.dat");
const collateral = JSON.parse(
	readFileSync("tests/vectors/tdx/collateral.json"));
const june = Date.parse("2025-06-20T00:00:00Z") / 1000;

function ask(at, part, offset, xor) {
	const bytes = Buffer.from(quote);
	const all = { ...collateral };
	let verdict;

	if (part === "quote") {
		bytes[offset] ^= xor;
	} else {
		const text = Buffer.from(all[part]);
		text[offset] ^= xor;
		all[part] = text.toString("latin1");
	}
	try {
		verdict = oracle.verify(bytes, all, at).status;
	} catch (error) {
		verdict = "error: " + error.message;
	}
	return { at, part, offset, xor, verdict };
}

const cases = [];
for (const time of ["2018-01-01T00:00:00Z", "2025-06-19T10:16:02Z",
	"2025-06-19T10:32:26Z", "2025-06-19T10:32:27Z",
	"2025-06-20T00:00:00Z", "2025-07-01T00:00:00Z",
	"2025-07-19T10:16:03Z", "2025-07-19T10:16:04Z",
	"2026-02-20T00:00:00Z", "2033-01-01T00:00:00Z",
	"2050-01-01T00:00:00Z"])
	cases.push(ask(Date.parse(time) / 1000, "quote", 0, 0));
for (let offset = 0; offset < quote.length; offset += 23)
	cases.push(ask(june, "quote", offset, 1 << (offset % 7)));
for (const part of ["tcb_info", "qe_identity"])
	for (let offset = 0; offset < collateral[part].length; offset += 97)
		cases.push(ask(june, part, offset, 1));
console.log("[\n" + cases.map((one) => "\t" + JSON.stringify(one))
	.join(",\n") + "\n]");
