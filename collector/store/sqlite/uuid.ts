/** UUIDs are kept as their 16 bytes, whose order is that of their text. */
export function toBlob(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex');
}

export function fromBlob(blob: Buffer): string {
  const hex = blob.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
