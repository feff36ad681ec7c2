/** Bundles each src/NAME/NAME.ts to chromalab_widgets/static/NAME.js and NAME.css, minified, with nothing left to load. */
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const outdir = join(here, "chromalab_widgets", "static");
const entryPoints = readdirSync(join(here, "src"))
  .map((name) => join(here, "src", name, `${name}.ts`))
  .filter((entry) => existsSync(entry));

const { metafile } = await build({
  entryPoints,
  outdir,
  absWorkingDir: dirname(here),
  entryNames: "[name]",
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  metafile: true,
  logLevel: "warning",
});

const foreign = Object.keys(metafile.inputs).filter((path) => path.includes("node_modules/"));
if (foreign.length > 0) throw new Error(`Somebody else's code is bundled, and its license is not: ${foreign.join(", ")}`);
