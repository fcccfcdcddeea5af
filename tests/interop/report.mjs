// SPDX-License-Identifier: Apache-2.0
//
// What every script here does the same: one "ok - sentence" a claim that held,
// "not ok - sentence" and exit code 1 at the first that did not, and an end
// after a bounded time.

export function claim(holds, sentence) {
  if (!holds) throw new Error(sentence);
  console.log(`ok - ${sentence}`);
}

export function address(name) {
  const value = process.env[name];
  if (!value) {
    console.error(`${name} has to name an address`);
    process.exit(2);
  }
  return value;
}

export function run(main, seconds = 120) {
  const late = setTimeout(() => {
    console.log(`not ok - done within ${seconds} s`);
    process.exit(1);
  }, seconds * 1000);
  main().then(
    () => {
      clearTimeout(late);
      process.exit(0);
    },
    (error) => {
      console.log(`not ok - ${error.message}`);
      process.exit(1);
    },
  );
}
