// Fails when an entry point is larger than its budget, as an app would load it: bundled, minified, gzipped.
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const ENTRIES = [
  { entry: "dist/index.js", budget: 6 * 1024 },
  { entry: "dist/timer-worker.js", budget: 200 },
  // What an app has anyway is not counted: React and, by its path, the core.
  { entry: "dist/react/index.js", budget: 3 * 1024, external: ["react", "react/jsx-runtime", "../index.js"] },
];

for (const { entry, budget, external = [] } of ENTRIES) {
  const { outputFiles } = await build({
    entryPoints: [entry],
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
