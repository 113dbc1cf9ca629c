// Draws one slice: its grey values, the masks over it, the crosshair, rulers, the brush and the letters at its edges.
const CROSSHAIR = "rgba(230, 159, 0, 0.85)";
const RULER = "#F0E442";

// Turns codes into pixels (opaque RGBA in one number) for a window.
function lookup(volume, low, high) {
  const table = new Uint32Array(volume.planes === 1 ? 256 : 65536);
  const span = high - low;
  for (let code = 0; code < table.length; code += 1) {
    const part = (volume.low + code * volume.step - low) / span;
    const grey = span > 0 ? clamp(Math.round(part * 255), 0, 255) : 0;
    table[code] = (0xff000000 | (grey << 16) | (grey << 8) | grey) >>> 0;
  }
  return table;
}

function paper(width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  return canvas;
}

function putPixels(canvas, pixels) {
  const bytes = new Uint8ClampedArray(pixels.buffer);
  canvas.getContext("2d").putImageData(new ImageData(bytes, canvas.width, canvas.height), 0, 0);
}

function drawGrey(canvas, slicing, index, codes, table) {
  const pixels = new Uint32Array(slicing.width * slicing.height);
  const start = slicing.start(index);
  let pixel = 0;
  for (let row = 0; row < slicing.height; row += 1) {
    let place = start + row * slicing.down;
    for (let column = 0; column < slicing.width; column += 1, place += slicing.right) {
      pixels[pixel] = table[codes[place]];
      pixel += 1;
    }
  }
  putPixels(canvas, pixels);
}

// The marked pixels of a slice in their colours, and the sides of pixels along their outlines by class.
function sliceOfMask(canvas, slicing, index, values, colours) {
  const { width, height, right, down } = slicing;
  const start = slicing.start(index);
  const pixels = new Uint32Array(width * height);
  const sides = new Map();
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      const place = start + column * right + row * down;
      const value = values[place];
      if (!value) continue;
      const [red, green, blue] = colours[(value - 1) % colours.length];
      pixels[row * width + column] = (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0;
      if (!sides.has(value)) sides.set(value, []);
      const own = sides.get(value);
      if (column === 0 || values[place - right] !== value) own.push([column, row, column, row + 1]);
      if (column === width - 1 || values[place + right] !== value) own.push([column + 1, row, column + 1, row + 1]);
      if (row === 0 || values[place - down] !== value) own.push([column, row, column + 1, row]);
      if (row === height - 1 || values[place + down] !== value) own.push([column, row + 1, column + 1, row + 1]);
    }
  }
  putPixels(canvas, pixels);
  return sides;
}

function strokeSides(context, view, sides) {
  context.beginPath();
  for (const [c0, r0, c1, r1] of sides) {
    context.moveTo(view.left + c0 * view.width, view.top + r0 * view.height);
    context.lineTo(view.left + c1 * view.width, view.top + r1 * view.height);
  }
  context.stroke();
}

function drawMask(context, view, fill, sides, colours, opacity) {
  context.save();
  context.imageSmoothingEnabled = false;
  context.globalAlpha = opacity;
  context.drawImage(fill, view.left, view.top, view.width * fill.width, view.height * fill.height);
  context.globalAlpha = 1;
  context.lineWidth = 1.5;
  for (const [value, own] of sides) {
    context.strokeStyle = `rgb(${colours[(value - 1) % colours.length].join(",")})`;
    strokeSides(context, view, own);
  }
  context.restore();
}

function drawDashed(context, view, sides) {
  context.save();
  context.lineWidth = 1;
  context.setLineDash([3, 3]);
  context.strokeStyle = "rgba(255, 255, 255, 0.9)";
  for (const own of sides.values()) strokeSides(context, view, own);
  context.restore();
}

function drawCrosshair(context, view, size, column, row) {
  const x = view.left + (column + 0.5) * view.width;
  const y = view.top + (row + 0.5) * view.height;
  const gap = 10;
  context.save();
  context.strokeStyle = CROSSHAIR;
  context.lineWidth = 1;
  context.beginPath();
  for (const [from, to] of [[0, x - gap], [x + gap, size.width]]) {
    context.moveTo(from, y);
    context.lineTo(to, y);
  }
  for (const [from, to] of [[0, y - gap], [y + gap, size.height]]) {
    context.moveTo(x, from);
    context.lineTo(x, to);
  }
  context.stroke();
  context.restore();
}

function drawRuler(context, view, ruler, words) {
  const points = [ruler.from, ruler.to].map(([column, row]) => [
    view.left + column * view.width,
    view.top + row * view.height,
  ]);
  context.save();
  context.strokeStyle = RULER;
  context.lineWidth = 2;
  context.beginPath();
  context.moveTo(...points[0]);
  context.lineTo(...points[1]);
  context.stroke();
  for (const [x, y] of points) {
    context.beginPath();
    context.arc(x, y, 3, 0, 2 * Math.PI);
    context.stroke();
  }
  context.restore();
  const right = points[0][0] > points[1][0] ? points[0] : points[1];
  write(context, words, right[0] + 8, right[1], "left", RULER);
}

function drawBrush(context, view, at, radius, slicing) {
  context.save();
  context.strokeStyle = "#FFFFFF";
  context.lineWidth = 1;
  context.beginPath();
  context.ellipse(
    view.left + at[0] * view.width,
    view.top + at[1] * view.height,
    (radius / slicing.size[0]) * view.width,
    (radius / slicing.size[1]) * view.height,
    0,
    0,
    2 * Math.PI,
  );
  context.stroke();
  context.restore();
}

function write(context, words, x, y, align, colour = "#FFFFFF") {
  context.save();
  context.font = "600 13px system-ui, sans-serif";
  context.textAlign = align;
  context.textBaseline = "middle";
  context.lineWidth = 3;
  context.strokeStyle = "rgba(0, 0, 0, 0.85)";
  context.strokeText(words, x, y);
  context.fillStyle = colour;
  context.fillText(words, x, y);
  context.restore();
}

function drawLetters(context, size, slicing) {
  const [left, right, top, bottom] = slicing.letters;
  if (left) write(context, left, 8, size.height / 2, "left");
  if (right) write(context, right, size.width - 8, size.height / 2, "right");
  if (top) write(context, top, size.width / 2, 12, "center");
  if (bottom) write(context, bottom, size.width / 2, size.height - 12, "center");
}
