// What cells are filled with: a list of machines, as one updater fetches it and many workers read it.

/** A list whose JSON is of `bytes`, or a little less. */
export function machines(bytes) {
  const list = [];
  let length = 2;
  for (let i = 0; ; i += 1) {
    const machine = {
      id: `m-${i}`,
      host: `10.0.${i >> 8}.${i & 255}`,
      port: 8080,
      load: (i % 100) / 100,
      up: true,
    };
    length += JSON.stringify(machine).length + 1;
    if (length > bytes) return list;
    list.push(machine);
  }
}
