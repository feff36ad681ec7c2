/** Bundles each src/NAME/NAME.ts to chromalab_widgets/static/NAME.js and NAME.css, minified and self-contained. */
import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const outdir = join(here, "chromalab_widgets", "static");
const entryPoints = readdirSync(join(here, "src"))
  .map((name) => join(here, "src", name, `${name}.ts`))
  .filter((entry) => existsSync(entry));

rmSync(outdir, { recursive: true, force: true }); // or the bundles of a widget that was renamed would be packaged

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
if (foreign.length > 0) throw new Error(`Third-party code is bundled without its license: ${foreign.join(", ")}`);

// The list of bundles is written last, so if it exists, the build is complete; the build hook in pyproject.toml checks for it.
const bundles = Object.keys(metafile.outputs).map((path) => basename(path)).sort();
writeFileSync(join(outdir, "bundles.json"), `${JSON.stringify(bundles, null, 2)}\n`);
