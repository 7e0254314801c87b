// Fails when an entry point is larger than its budget, as an app would load it: bundled, minified, gzipped.
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const BUDGETS = {
  'export { createSessionClient } from "./dist/index.js"': 7_700,
  'export { createDrafts } from "./dist/index.js"': 1024,
  'import "./dist/timer-worker.js"': 200,
};

for (const [entry, budget] of Object.entries(BUDGETS)) {
  const { outputFiles } = await build({
    stdin: { contents: entry, resolveDir: "." },
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    target: "es2022",
    legalComments: "none",
  });
  const minified = outputFiles[0].contents;
  const { length } = gzipSync(minified, { level: 9 });
  process.stdout.write(`${entry}: ${length} of ${budget} bytes (${minified.length} before gzip)\n`);
  if (length > budget) process.exitCode = 1;
}
