// Where a slice's columns and rows lie in a volume. A plane, as the server describes it, has the axis that its slices lie
// across, the axes of its columns and rows, whether both run against their axes, and the letters at its edges. Voxels are
// stored with the first index fastest: voxel (i, j, k) is at i + X * (j + Y * k).
const POSITIVE = ["R", "A", "S"];
const NEGATIVE = ["L", "P", "I"];

class Slicing {
  constructor(plane, shape, spacing) {
    Object.assign(this, plane);
    this.strides = [1, shape[0], shape[0] * shape[1]];
    this.count = shape[this.axis];
    this.width = shape[this.columns];
    this.height = shape[this.rows];
    this.size = [spacing?.[this.columns] ?? 1, spacing?.[this.rows] ?? 1];
    const sign = this.turned ? -1 : 1;
    this.right = sign * this.strides[this.columns];
    this.down = sign * this.strides[this.rows];
    this.corner = this.turned
      ? (this.width - 1) * this.strides[this.columns] + (this.height - 1) * this.strides[this.rows]
      : 0;
  }

  // Place in the volume of the first pixel of a slice; the pixel at column c and row r is at + c * right + r * down.
  start(index) {
    return this.corner + index * this.strides[this.axis];
  }

  along(place, count) {
    return this.turned ? count - 1 - place : place;
  }

  // The voxel at a column and a row of a slice.
  voxel(index, column, row) {
    const found = [0, 0, 0];
    found[this.axis] = index;
    found[this.columns] = this.along(column, this.width);
    found[this.rows] = this.along(row, this.height);
    return found;
  }

  // The column and the row of a voxel, which may lie between two.
  pixel(voxel) {
    return [this.along(voxel[this.columns], this.width), this.along(voxel[this.rows], this.height)];
  }
}

// Where a voxel lies in mm, [right, anterior, superior]; null if the file does not say.
function position(affine, voxel) {
  return affine && affine.slice(0, 3).map((row) => row[0] * voxel[0] + row[1] * voxel[1] + row[2] * voxel[2] + row[3]);
}

function distance(affine, one, other) {
  const first = position(affine, one) ?? one;
  const second = position(affine, other) ?? other;
  return Math.hypot(...first.map((value, axis) => value - second[axis]));
}

// A position along an axis as radiologists write it, such as "R 12.3".
function lettered(axis, value) {
  return `${value < 0 ? NEGATIVE[axis] : POSITIVE[axis]} ${Math.abs(value).toFixed(1)}`;
}

function clamp(value, low, high) {
  return Math.min(high, Math.max(low, value));
}
