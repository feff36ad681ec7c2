/** Bundles each src/NAME/NAME.ts to chromalab_widgets/static/NAME.js and NAME.css, minified, with nothing left to load. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
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
  legalComments: "none", // they are in a file of their own
  metafile: true,
  logLevel: "warning",
  // Libraries that look for AMD would find the page's loader in the classic notebook.
  define: { "define.amd": "false", "process.env.NODE_ENV": '"production"' },
});

const folders = Object.keys(metafile.inputs).map((path) => path.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+/)?.[0]);
const licences = [...new Set(folders.filter(Boolean))].sort().map((folder) => {
  const { name, version, license } = JSON.parse(readFileSync(join(dirname(here), folder, "package.json"), "utf8"));
  const file = readdirSync(join(dirname(here), folder)).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file === undefined ? "" : readFileSync(join(dirname(here), folder, file), "utf8");
  return `${name} ${version} (${license})\n\n${text.trim()}\n`;
});
writeFileSync(join(outdir, "THIRD_PARTY_LICENSES.txt"), licences.join(`\n${"-".repeat(80)}\n\n`));
