// Bundles the page from src/ into dist/: `node bundle.mjs`, in a folder whose node_modules hold what package.json names.
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const HERE = dirname(fileURLToPath(import.meta.url));
const SRC = join(HERE, "src");
const DIST = join(HERE, "dist");
const PACKAGES = join(process.cwd(), "node_modules");
const { buildSync } = createRequire(join(process.cwd(), "bundle.mjs"))("esbuild");

rmSync(DIST, { recursive: true, force: true });
mkdirSync(DIST);
const { metafile } = buildSync({
  entryPoints: ["app.js", "tiles.worker.js", "style.css"].map((name) => join(SRC, name)),
  outdir: DIST,
  bundle: true,
  splitting: true,
  format: "esm",
  target: "es2022",
  minify: true,
  metafile: true,
  chunkNames: "[name]-[hash]",
  nodePaths: [PACKAGES],
  legalComments: "linked",
  logLevel: "warning",
});
for (const name of ["example.npz", "icon.svg"]) copyFileSync(join(SRC, name), join(DIST, name));

const names = readdirSync(DIST).sort();
const hash = createHash("sha256");
for (const name of names) hash.update(name).update(readFileSync(join(DIST, name)));
const build = hash.digest("hex").slice(0, 16);

// The page itself never changes its address, its parts change theirs with their content.
const html = readFileSync(join(SRC, "index.html"), "utf8").replaceAll("{build}", build);
writeFileSync(join(DIST, "index.html"), html);
for (const name of [...names, "index.html"]) {
  if (!/\.(js|css|svg|html)$/.test(name)) continue;
  const content = readFileSync(join(DIST, name));
  writeFileSync(join(DIST, `${name}.gz`), gzipSync(content, { level: 9 }));
  const parameters = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
  writeFileSync(join(DIST, `${name}.br`), brotliCompressSync(content, { params: parameters }));
}
const own = Object.entries(metafile.inputs).filter(([path]) => !path.includes("node_modules"));
const ownBytes = own.reduce((sum, [, facts]) => sum + facts.bytes, 0);
writeFileSync(join(DIST, "build.json"), JSON.stringify({ build, names, ownBytes }));
const sent = names.filter((name) => name.endsWith(".js")).map((name) => `${name} ${statSync(join(DIST, `${name}.br`)).size}`);
console.log(`the page is bundled: ${ownBytes} bytes of own code; with brotli ${sent.join(", ")}`);
