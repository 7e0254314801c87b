// Fails when an entry point is larger than its budget, as an app would load it: bundled, minified, gzipped.
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const BUDGETS = [
  { entry: 'export { createSessionClient } from "./dist/index.js"', budget: 7.5 * 1024 },
  { entry: 'export { createDrafts } from "./dist/index.js"', budget: 1024 },
  { entry: 'import "./dist/timer-worker.js"', budget: 200 },
  // What an app has anyway is not counted: React and, by its path, the core.
  { entry: 'export * from "./dist/react/index.js"', budget: 3.5 * 1024, external: ["react", "react/jsx-runtime", "../index.js"] },
];

for (const { entry, budget, external = [] } of BUDGETS) {
  const { outputFiles } = await build({
    stdin: { contents: entry, resolveDir: "." },
    bundle: true,
    external,
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
