// Bundle the page and the licences of its packages into the Python package.

import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const output = join(here, "..", "bot", "sandbox", "page", "static");

const { metafile } = await build({
  entryPoints: { page: join(here, "src", "main.jsx") },
  outdir: output,
  absWorkingDir: here,
  bundle: true,
  minify: true,
  charset: "utf8",
  legalComments: "none", // LICENSES.txt has every licence in full
  jsx: "automatic",
  target: "es2022",
  define: { "process.env.NODE_ENV": '"production"' },
  metafile: true,
  logLevel: "warning",
});
await mkdir(output, { recursive: true });
const page = await readFile(join(here, "src", "index.html"), "utf8");
await writeFile(join(output, "index.html"), page.replace("{{built from}}", await fingerprint()));
await writeFile(join(output, "LICENSES.txt"), await licences(packages(Object.keys(metafile.inputs))));

// A hash of the sources, so that a test notices an outdated build.
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
