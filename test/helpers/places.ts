/** Writes a place file of IPv4 networks, as owners have it. @see https://maxmind.github.io/MaxMind-DB/ */

/** Types of the format, by number; those above 7 take a byte more. */
const TYPES = { text: 2, map: 7, uint16: 5, uint32: 6, uint64: 9, list: 11 } as const;

function control(type: keyof typeof TYPES, size: number): Buffer {
  if (size > 28) throw new Error('not needed here');
  const number = TYPES[type];
  return number > 7 ? Buffer.from([size, number - 7]) : Buffer.from([(number << 5) | size]);
}

function number(type: 'uint16' | 'uint32' | 'uint64', value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  const first = bytes.findIndex(Boolean);
  const shown = first < 0 ? Buffer.alloc(0) : bytes.subarray(first);
  return Buffer.concat([control(type, shown.length), shown]);
}

type Value = string | Buffer | Value[] | { [name: string]: Value };

function encode(value: Value): Buffer {
  if (Buffer.isBuffer(value)) return value;
  if (typeof value === 'string') return Buffer.concat([control('text', Buffer.byteLength(value)), Buffer.from(value)]);
  if (Array.isArray(value)) return Buffer.concat([control('list', value.length), ...value.map(encode)]);
  const entries = Object.entries(value);
  return Buffer.concat([control('map', entries.length), ...entries.flat().map(encode)]);
}

/** @param places country and region by the first number of the addresses */
export function placeFile(places: Record<number, { country: string; region: string }>): Buffer {
  const nodes: Array<[left: number, right: number]> = [];
  const NONE = -1;
  const make = () => nodes.push([NONE, NONE]) - 1;
  make();
  const data: Buffer[] = [];
  let size = 0;
  for (const [first, { country, region }] of Object.entries(places)) {
    const entry = encode({ country: { iso_code: country }, subdivisions: [{ iso_code: region }] });
    let node = 0;
    for (let bit = 7; bit >= 0; bit--) {
      const side = (Number(first) >> bit) & 1;
      // Behind the tree come 16 bytes, and then the data; its places are marked by what is below none.
      if (!bit) nodes[node]![side] = -2 - size;
      else if (nodes[node]![side] === NONE) nodes[node]![side] = make();
      node = nodes[node]![side]!;
    }
    data.push(entry);
    size += entry.length;
  }
  const tree = Buffer.alloc(nodes.length * 6);
  nodes.flat().forEach((to, at) => {
    const target = to === NONE ? nodes.length : to < NONE ? nodes.length + 16 + (-2 - to) : to;
    tree.writeUIntBE(target, at * 3, 3);
  });
  const metadata = encode({
    binary_format_major_version: number('uint16', 2),
    binary_format_minor_version: number('uint16', 0),
    build_epoch: number('uint64', 1_700_000_000),
    database_type: 'Test-City',
    description: {},
    ip_version: number('uint16', 4),
    languages: [],
    node_count: number('uint32', nodes.length),
    record_size: number('uint16', 24),
  });
  const marker = Buffer.concat([Buffer.from([0xab, 0xcd, 0xef]), Buffer.from('MaxMind.com')]);
  return Buffer.concat([tree, Buffer.alloc(16), ...data, marker, metadata]);
}
