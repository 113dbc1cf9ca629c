// Volumes in the browser's memory: each is received once and found by its id, so no step through its slices needs the
// server. Both components of the viewer run this file, so what they share is kept with the window.
const MOST_BYTES = 512 * 2 ** 20;
const LINGER = 3000; // milliseconds until what nothing on the page holds is forgotten
const store = (window.brainsegVolumes ??= {
  kept: new Map(), // id -> promise of a volume
  waiting: new Map(), // id -> who waits for it
  holders: new Map(), // element -> ids that it has brought
  masks: new Map(), // key of an answer -> its masks, with what was painted
  place: null, // where the last viewer looked
});

async function through(bytes, stream) {
  return new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());
}

const inflate = (bytes) => through(bytes, new DecompressionStream("gzip"));
const deflate = (bytes) => through(bytes, new CompressionStream("gzip"));

function fromBase64(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

function toBase64(bytes) {
  const parts = [];
  for (let start = 0; start < bytes.length; start += 0x8000) {
    parts.push(String.fromCharCode(...bytes.subarray(start, start + 0x8000)));
  }
  return btoa(parts.join(""));
}

// A volume arrives as the length of a header, the header as JSON, and the compressed codes of its voxels: first the low
// bytes of all of them, then the high bytes. A voxel's value is low + code * step.
function headerOf(data) {
  const length = new DataView(data.buffer, data.byteOffset, 4).getUint32(0, true);
  return { header: JSON.parse(new TextDecoder().decode(data.subarray(4, 4 + length))), rest: data.subarray(4 + length) };
}

async function unpack(header, packed) {
  const bytes = await inflate(packed);
  if (header.planes === 1) return { ...header, codes: bytes };
  const count = bytes.length / 2;
  const codes = new Uint16Array(count);
  for (let place = 0; place < count; place += 1) codes[place] = bytes[place] | (bytes[count + place] << 8);
  return { ...header, codes };
}

function receive(data) {
  const { header, rest } = headerOf(data);
  if (!store.kept.has(header.id)) {
    const found = unpack(header, rest);
    store.kept.set(header.id, found);
    for (const answer of store.waiting.get(header.id) ?? []) found.then(answer.resolve, answer.reject);
    store.waiting.delete(header.id);
    found.then(forgetOldest, () => store.kept.delete(header.id));
  }
  return header.id;
}

// Streamlit may put an element on the page again before it takes the old one away, so a volume stays as long as any holds
// it. When nothing is held any more, everything is forgotten.
function hold(holder, id) {
  store.holders.set(holder, new Set([...(store.holders.get(holder) ?? []), id]));
}

function release(holder) {
  store.holders.delete(holder);
  setTimeout(() => {
    const held = new Set([...store.holders.values()].flatMap((ids) => [...ids]));
    for (const id of store.kept.keys()) if (!held.has(id)) store.kept.delete(id);
    if (held.size) return;
    store.masks.clear();
    store.place = null;
  }, LINGER);
}

async function forgetOldest() {
  const sizes = await Promise.all([...store.kept].map(async ([id, found]) => [id, (await found).codes.byteLength]));
  let total = sizes.reduce((sum, [, size]) => sum + size, 0);
  for (const [id, size] of sizes.slice(0, -1)) {
    if (total <= MOST_BYTES) break;
    store.kept.delete(id);
    total -= size;
  }
}

// Resolves to the volume with an id as soon as it has arrived.
function arrived(id) {
  if (store.kept.has(id)) return store.kept.get(id);
  return new Promise((resolve, reject) => {
    store.waiting.set(id, [...(store.waiting.get(id) ?? []), { resolve, reject }]);
  });
}
