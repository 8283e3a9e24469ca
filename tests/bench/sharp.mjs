// The thumbnails of a list with sharp, for peers.sh: one lane more than there are threads, so that a
// thread always has the next picture at hand.
// usage: node sharp.mjs LIST OUT EXTENSION SIZE LANES SIGMA      PEERS is the folder with node_modules
// LIST is NUL-separated. A SIGMA above 0 blurs the source. sharp blurs what it has resized, whatever
// the order of the calls, so that the source is blurred in a pipeline of its own.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { basename, extname, join } from "node:path";

const sharp = createRequire(join(process.env.PEERS, "package.json"))("sharp");
const [list, out, extension, size, lanes, sigma] = process.argv.slice(2);
const files = readFileSync(list, "utf8").split("\0").filter((name) => name);
sharp.concurrency(1);
sharp.cache(false);

const opened = async (file) => {
  const image = sharp(file).rotate();
  if (!(sigma > 0)) return image;
  const { data, info } = await image.blur(+sigma).raw().toBuffer({ resolveWithObject: true });
  return sharp(data, { raw: { width: info.width, height: info.height, channels: info.channels } });
};

const lane = async () => {
  for (let file; (file = files.pop()); ) {
    const image = (await opened(file)).resize(+size, +size, { fit: "inside", withoutEnlargement: true });
    const coded = extension === "png" ? image.png() : image.jpeg({ quality: 75 });
    await coded.toFile(join(out, `${basename(file, extname(file))}.${extension}`));
  }
};
await Promise.all(Array.from({ length: +lanes }, lane));
