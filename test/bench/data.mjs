// What benches make events of.

/** Eight digits. */
const random = () => ((Math.random() * 2 ** 32) >>> 0).toString(16).padStart(8, '0');

/** @param time epoch ms: ids of one time lie together */
export const uuid = (time) => {
  const hex = time.toString(16).padStart(12, '0');
  const [a, b] = [random(), random()];
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7${a.slice(0, 3)}-8${a.slice(3, 6)}-${a.slice(4)}${b}`;
};

export const pick = (items) => items[Math.floor(Math.random() * items.length)];
