// A person's mask: a copy of the model's that can be painted, erased and filled, slice by slice, with undo.
const MOST_STEPS = 100;

class Edit {
  constructor(values) {
    this.values = values;
    this.steps = [];
    this.open = null;
    this.dirty = false;
  }

  begin() {
    this.open = new Map();
  }

  set(place, value) {
    if (this.values[place] === value) return;
    if (!this.open.has(place)) this.open.set(place, this.values[place]);
    this.values[place] = value;
  }

  // Ends a step, and returns whether it changed anything.
  end() {
    const step = this.open;
    this.open = null;
    if (!step?.size) return false;
    this.steps.push(step);
    if (this.steps.length > MOST_STEPS) this.steps.shift();
    this.dirty = true;
    return true;
  }

  undo() {
    const step = this.steps.pop();
    if (!step) return false;
    for (const [place, value] of step) this.values[place] = value;
    this.dirty = true;
    return true;
  }

  // Sets every pixel whose centre is within a radius in mm of the way from one point to another. Points are [column, row],
  // with the centre of the first pixel at 0.5; the pixel under the pointer is always set.
  stroke(slicing, index, from, to, radius, value) {
    const [width, height] = slicing.size;
    const length = Math.hypot((to[0] - from[0]) * width, (to[1] - from[1]) * height);
    const steps = Math.max(1, Math.ceil(length / Math.max(radius / 2, Math.min(width, height) / 2)));
    for (let step = 0; step <= steps; step += 1) {
      const part = step / steps;
      this.dab(slicing, index, from[0] + part * (to[0] - from[0]), from[1] + part * (to[1] - from[1]), radius, value);
    }
  }

  dab(slicing, index, column, row, radius, value) {
    const [width, height] = slicing.size;
    const start = slicing.start(index);
    const reach = [radius / width, radius / height];
    const under = [Math.floor(column), Math.floor(row)];
    for (let r = Math.max(0, Math.floor(row - reach[1])); r <= Math.min(slicing.height - 1, row + reach[1]); r += 1) {
      for (let c = Math.max(0, Math.floor(column - reach[0])); c <= Math.min(slicing.width - 1, column + reach[0]); c += 1) {
        const near = Math.hypot((c + 0.5 - column) * width, (r + 0.5 - row) * height) <= radius;
        if (near || (c === under[0] && r === under[1])) this.set(start + c * slicing.right + r * slicing.down, value);
      }
    }
  }

  // Fills the unmarked region around a pixel up to the outline that closes it in, pixels that touch by a side belonging
  // together. Returns what keeps it from doing so, "" if nothing does.
  fill(slicing, index, column, row, value) {
    const start = slicing.start(index);
    const at = (c, r) => start + c * slicing.right + r * slicing.down;
    if (this.values[at(column, row)]) return "This place is marked already: click inside an outline.";
    const seen = new Uint8Array(slicing.width * slicing.height);
    const waiting = [[column, row]];
    const found = [];
    seen[row * slicing.width + column] = 1;
    while (waiting.length) {
      const [c, r] = waiting.pop();
      if (c === 0 || r === 0 || c === slicing.width - 1 || r === slicing.height - 1) {
        return "The outline is open: close it with the brush first.";
      }
      found.push(at(c, r));
      for (const [nc, nr] of [[c - 1, r], [c + 1, r], [c, r - 1], [c, r + 1]]) {
        const place = nr * slicing.width + nc;
        if (seen[place] || this.values[at(nc, nr)]) continue;
        seen[place] = 1;
        waiting.push([nc, nr]);
      }
    }
    this.begin();
    for (const place of found) this.set(place, value);
    this.end();
    return "";
  }
}

// How many voxels are marked on each slice along each axis: [Uint32Array, Uint32Array, Uint32Array].
function counts(values, shape) {
  const found = shape.map((size) => new Uint32Array(size));
  let place = 0;
  for (let k = 0; k < shape[2]; k += 1) {
    for (let j = 0; j < shape[1]; j += 1) {
      for (let i = 0; i < shape[0]; i += 1, place += 1) {
        if (values[place]) {
          found[0][i] += 1;
          found[1][j] += 1;
          found[2][k] += 1;
        }
      }
    }
  }
  return found;
}
