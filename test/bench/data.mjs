// What benches make events of.
import { randomBytes } from 'node:crypto';

/** @param time epoch ms: ids of one time lie together */
export const uuid = (time) => {
  const hex = time.toString(16).padStart(12, '0') + randomBytes(10).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
};

export const pick = (items) => items[Math.floor(Math.random() * items.length)];
