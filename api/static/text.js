// Offsets of the service count code points, offsets of JavaScript strings UTF-16 units: "𠮷" and "😀" are two.

/** The UTF-16 offset in `text` of each of `positions`, which count code points and ascend. */
export function unitOffsets(text, positions) {
  const offsets = [];
  let points = 0;
  let units = 0;
  for (const position of positions) {
    while (points < position && units < text.length) {
      units += text.codePointAt(units) > 0xffff ? 2 : 1;
      points += 1;
    }
    offsets.push(units);
  }
  return offsets;
}

/** `text` before, inside and after the code points [start, end). */
export function cut(text, start, end) {
  const [from, to] = unitOffsets(text, [start, end]);
  return [text.slice(0, from), text.slice(from, to), text.slice(to)];
}

/** A source's folder, with its slash, and its last part: what people call the file. */
export function nameOf(source) {
  const slash = source.lastIndexOf("/", source.length - 2) + 1;
  return { folder: source.slice(0, slash), name: source.slice(slash) };
}
