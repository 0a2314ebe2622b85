// Gathers what browsers get from us into assets/dist: own style and scripts, fonts, the vendored
// scripts and the icons. Every file name carries a hash of its content, so that browsers may keep
// it for ever. `build.rs` embeds dist/ into the program. Run: `make assets`.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants } from "node:zlib";
import { buildSync } from "esbuild";
import wawoff2 from "wawoff2";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "dist");
const read = (...path) => readFileSync(join(here, ...path));
const vendor = (...path) => read("node_modules", ...path);

/** Public name → where its bytes come from. Style layers are joined in the order of their numbers. */
const sources = {
  "inter.woff2": () => vendor("@fontsource-variable/inter/files/inter-latin-wght-normal.woff2"),
  "fraunces.woff2": () => vendor("@fontsource/fraunces/files/fraunces-latin-600-normal.woff2"),
  "hls.js": () => vendor("hls.js/dist/hls.min.mjs"),
  "htmx.js": () => vendor("htmx.org/dist/htmx.min.js"),
  "tus.js": () => vendor("tus-js-client/dist/tus.min.js"),
  "three.js": () => bundle("three.mjs"),
  "highlight.js": () => bundle("highlight.mjs"),
  "favicon.svg": () => read("favicon.svg"),
  "app.css": () => Buffer.from(style(), "utf8"),
};

/** One file out of what `bundles/NAME` imports, as a module. */
function bundle(name) {
  const made = buildSync({
    entryPoints: [join(here, "bundles", name)], bundle: true, minify: true, format: "esm", target: "es2022", write: false,
    legalComments: "inline", logLevel: "warning",
  });
  return Buffer.from(made.outputFiles[0].contents);
}

const own = new Set(["app.css", ...readdirSync(join(here, "js"))]);
for (const name of readdirSync(join(here, "js"))) sources[name] = () => read("js", name);

const kinds = {
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
  woff2: "font/woff2",
};

/** All layers without comments and without white space that means nothing. */
function style() {
  const files = readdirSync(join(here, "css")).filter((f) => f.endsWith(".css")).sort();
  return files
    .map((f) => read("css", f).toString())
    .join("\n")
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/\s*\n\s*/g, " ")
    .replace(/\s*([{};,])\s*/g, "$1")
    .replace(/;}/g, "}")
    .trim();
}

const built = new Map();

/** Writes one asset and returns its address. `asset:NAME` in a text becomes the address of NAME. */
function build(name, wanted = []) {
  if (built.has(name)) return built.get(name).url;
  if (!sources[name]) throw new Error(`unknown asset "${name}", asked for by ${wanted.at(-1) ?? "the list"}`);
  if (wanted.includes(name)) throw new Error(`assets ask for each other in a circle: ${[...wanted, name].join(" → ")}`);
  let bytes = sources[name]();
  const extension = name.split(".").at(-1);
  if (extension === "js" || extension === "css") {
    let text = bytes.toString().replace(/\n?\/\/# sourceMappingURL=.*\n?/g, "\n");
    // Only in our own files: what stands in foreign code means something else.
    if (own.has(name)) text = text.replace(/asset:([a-z0-9.-]+)/g, (_, other) => build(other, [...wanted, name]));
    bytes = Buffer.from(text, "utf8");
  }
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 12);
  const file = name.replace(/\.([a-z0-9]+)$/, `-${hash}.$1`);
  writeFileSync(join(dist, file), bytes);
  let packed = 0;
  if (extension !== "woff2") {
    const small = brotliCompressSync(bytes, {
      params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
    });
    packed = small.length;
    writeFileSync(join(dist, `${file}.br`), small);
  }
  const url = `/assets/${file}`;
  built.set(name, { url, file, kind: kinds[extension], size: bytes.length, packed });
  return url;
}

/** The drawing inside each icon of icons.txt, one icon a line: name, tab, elements. */
function icons() {
  const names = read("icons.txt").toString().split("\n").map((l) => l.trim()).filter((l) => l && !l.startsWith("#"));
  return [...new Set(names)].sort().map((name) => {
    const inner = vendor("lucide-static/icons", `${name}.svg`)
      .toString()
      .replace(/<!--[\s\S]*?-->/g, "")
      .replace(/^[\s\S]*?<svg[\s\S]*?>/, "")
      .replace(/<\/svg>[\s\S]*$/, "")
      .replace(/\s+/g, " ")
      .replace(/ \/>/g, "/>")
      .trim();
    return `${name}\t${inner}`;
  });
}

/** Fonts that invoices are set in: the studio's, and one that knows most scripts for names that they lack; and the one for pictures of texts. */
const print = {
  "regular.ttf": async () => wawoff2.decompress(vendor("@fontsource/inter/files/inter-latin-400-normal.woff2")),
  "strong.ttf": async () => wawoff2.decompress(vendor("@fontsource/inter/files/inter-latin-600-normal.woff2")),
  "display.ttf": async () => wawoff2.decompress(vendor("@fontsource/fraunces/files/fraunces-latin-600-normal.woff2")),
  "fallback.ttf": async () => vendor("dejavu-fonts-ttf/ttf/DejaVuSans.ttf"),
  "mono.ttf": async () => vendor("dejavu-fonts-ttf/ttf/DejaVuSansMono.ttf"),
};

rmSync(dist, { recursive: true, force: true });
mkdirSync(join(dist, "print"), { recursive: true });
for (const [name, bytes] of Object.entries(print)) writeFileSync(join(dist, "print", name), await bytes());
for (const name of Object.keys(sources).sort()) build(name);
writeFileSync(join(dist, "icons.tsv"), `${icons().join("\n")}\n`);
// Written last: a half-finished dist has no list and is refused by build.rs.
const lines = [...built].sort().map(([name, a]) => `${name}\t${a.file}\t${a.kind}\t${a.packed > 0 ? "br" : "-"}`);
writeFileSync(join(dist, "manifest.tsv"), `${lines.join("\n")}\n`);
for (const [name, a] of [...built].sort()) {
  console.log(`${name.padEnd(18)} ${String(a.size).padStart(7)} bytes, sent as ${a.packed || a.size}`);
}
