import { cpSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

/** The folder of the package. */
export const PACKAGE = new URL("../..", import.meta.url).pathname;

const PAGE = new URL("page", import.meta.url).pathname;

/** What the stack of a test serves: the demo page at `/`, as built, and beside it the pages that only tests need. */
export async function buildPages(folder: string): Promise<void> {
  cpSync(join(PACKAGE, "demo/dist"), folder, { recursive: true });
  cpSync(join(PACKAGE, "dist"), join(folder, "dist"), { recursive: true });
  for (const name of ["bare.html", "elsewhere.html", "react.html"]) cpSync(join(PAGE, name), join(folder, name));
  await build({
    entryPoints: [join(PAGE, "react.tsx")],
    outfile: join(folder, "react.js"),
    bundle: true,
    format: "esm",
    jsx: "automatic",
    // Strict Mode mounts twice in the development build only.
    define: { "process.env.NODE_ENV": '"development"' },
  });
}
