// Bundles src/main.ts into the one file the door serves. `node build.mjs OUTFILE`
import { readFile } from "node:fs/promises";
import { build, transform } from "esbuild";

// The style sheet becomes a minified string: it is handed to a constructable sheet, which a strict CSP lets through.
const cssText = {
  name: "css-text",
  setup(builder) {
    builder.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(await readFile(path, "utf8"), { loader: "css", minify: true });
      return { contents: code.trim(), loader: "text" };
    });
  },
};

await build({
  absWorkingDir: import.meta.dirname,
  entryPoints: ["src/main.ts"],
  outfile: process.argv[2] ?? "../bot/edge/static/widget.js",
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2020",
  charset: "utf8",
  banner: { js: "/* Vejviser. Built from widget/src by widget/build.mjs; do not edit. MPL-2.0 */" },
  plugins: [cssText],
});
