// Bundle the page into what the Python package ships, with the licences of everything bundled beside it.

import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const shipped = join(here, "..", "bot", "sandbox", "page", "static");

const { metafile } = await build({
  entryPoints: { page: join(here, "src", "main.jsx") },
  outdir: shipped,
  absWorkingDir: here,
  bundle: true,
  minify: true,
  charset: "utf8",
  legalComments: "none", // every licence stands whole in LICENSES.txt
  jsx: "automatic",
  target: "es2022",
  define: { "process.env.NODE_ENV": '"production"' },
  metafile: true,
  logLevel: "warning",
});
await mkdir(shipped, { recursive: true });
const page = await readFile(join(here, "src", "index.html"), "utf8");
await writeFile(join(shipped, "index.html"), page.replace("{{built from}}", await fingerprint()));
await writeFile(join(shipped, "LICENSES.txt"), await licences(packages(Object.keys(metafile.inputs))));

// What the page was built from, so that a test sees when somebody forgot to build.
async function fingerprint() {
  const names = (await readdir(join(here, "src"))).map((name) => `src/${name}`);
  const digest = createHash("sha256");
  for (const name of [...names, "build.js", "package-lock.json"].sort()) digest.update(await readFile(join(here, name)));
  return digest.digest("hex");
}

function packages(files) {
  const folders = files.map((file) => file.match(/^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//)?.[1]);
  return [...new Set(folders.filter(Boolean))].sort();
}

async function licences(folders) {
  const parts = ["The page of the sandbox (page.js, page.css) contains these packages:"];
  for (const folder of folders) {
    const about = JSON.parse(await readFile(join(here, folder, "package.json"), "utf8"));
    const file = (await readdir(join(here, folder))).find((name) => /^licen[cs]e/i.test(name));
    const text = file ? await readFile(join(here, folder, file), "utf8") : `Licence: ${about.license}`;
    parts.push(`${"=".repeat(80)}\n${about.name} ${about.version} (${about.license})\n\n${text.trim()}`);
  }
  return `${parts.join("\n\n")}\n`;
}
