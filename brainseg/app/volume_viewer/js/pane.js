// One plane on the screen: a canvas with its title, its slider and what the pointer and the keys do on it.
const NOTCH = 40; // pixels of a wheel's way that are a step; a notch of a mouse's wheel has 100 or more

class Pane {
  constructor(viewer, element, name) {
    this.viewer = viewer;
    this.name = name;
    this.element = element;
    this.canvas = element.querySelector("canvas");
    this.title = element.querySelector(".title");
    this.slider = element.querySelector("input[type=range]");
    this.strip = element.querySelector(".strip");
    this.zoom = 1;
    this.shift = [0, 0];
    this.wheeled = 0;
    this.drag = null;
    this.over = null;
    this.listen();
  }

  // Takes the geometry of another volume.
  take(slicing) {
    this.slicing = slicing;
    this.image = paper(slicing.width, slicing.height);
    this.marks = [paper(slicing.width, slicing.height), paper(slicing.width, slicing.height)];
    this.drawn = {};
    this.slider.max = slicing.count - 1;
    this.fit();
  }

  get index() {
    return this.viewer.cross[this.slicing.axis];
  }

  fit() {
    this.zoom = 1;
    this.shift = [0, 0];
    this.viewer.ask();
  }

  // Size of the canvas in CSS pixels; its own pixels follow the screen's density.
  measure() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const density = window.devicePixelRatio || 1;
    const [wide, high] = [Math.round(width * density), Math.round(height * density)];
    if (this.canvas.width !== wide || this.canvas.height !== high) {
      this.canvas.width = wide;
      this.canvas.height = high;
    }
    return { width, height, density };
  }

  // Where the slice lies on the canvas: its top left corner and the size of a pixel of it; lengths in mm keep their ratio.
  view(size) {
    const { slicing } = this;
    const [wide, high] = [slicing.width * slicing.size[0], slicing.height * slicing.size[1]];
    const scale = Math.min(size.width / wide, size.height / high) * this.zoom;
    return {
      left: (size.width - wide * scale) / 2 + this.shift[0],
      top: (size.height - high * scale) / 2 + this.shift[1],
      width: slicing.size[0] * scale,
      height: slicing.size[1] * scale,
    };
  }

  // The point of the slice under the pointer, [column, row], with the centre of the first pixel at 0.5.
  point(event) {
    const box = this.canvas.getBoundingClientRect();
    const view = this.view({ width: box.width, height: box.height });
    return [(event.clientX - box.left - view.left) / view.width, (event.clientY - box.top - view.top) / view.height];
  }

  inside(point) {
    return point[0] >= 0 && point[1] >= 0 && point[0] < this.slicing.width && point[1] < this.slicing.height;
  }

  voxelAt(point) {
    const column = clamp(Math.floor(point[0]), 0, this.slicing.width - 1);
    const row = clamp(Math.floor(point[1]), 0, this.slicing.height - 1);
    return this.slicing.voxel(this.index, column, row);
  }

  listen() {
    const { canvas, slider } = this;
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", (event) => this.up(event));
    canvas.addEventListener("pointercancel", () => this.cancel());
    canvas.addEventListener("pointerleave", () => this.hover(null));
    canvas.addEventListener("keydown", (event) => paneKey(this, event));
    slider.addEventListener("input", () => this.go(Number(slider.value)));
    this.element.querySelector(".enlarge").addEventListener("click", () => this.viewer.enlarge(this.name));
  }

  go(index) {
    this.viewer.step(this.slicing.axis, clamp(index, 0, this.slicing.count - 1));
  }

  wheel(event) {
    if (!this.viewer.ready) return;
    event.preventDefault();
    if (event.ctrlKey) {
      this.enlargeAt(event, Math.exp(-event.deltaY / 300));
      return;
    }
    const way = event.deltaY * (event.deltaMode === 1 ? NOTCH : 1);
    this.wheeled = Math.sign(way) === Math.sign(this.wheeled) ? this.wheeled + way : way;
    if (Math.abs(this.wheeled) < NOTCH) return;
    this.go(this.index - Math.sign(this.wheeled) * Math.max(1, Math.round(Math.abs(this.wheeled) / 120)));
    this.wheeled = 0;
  }

  enlargeAt(event, factor) {
    const box = this.canvas.getBoundingClientRect();
    const at = [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2];
    this.enlargeBy(factor, at);
  }

  enlargeBy(factor, at = [0, 0]) {
    const zoom = clamp(this.zoom * factor, 1, 12);
    this.shift = this.shift.map((shift, axis) => (zoom === 1 ? 0 : at[axis] - ((at[axis] - shift) * zoom) / this.zoom));
    this.zoom = zoom;
    this.viewer.ask();
  }

  down(event) {
    if (!this.viewer.ready || this.drag) return;
    this.canvas.focus({ preventScroll: true });
    const tool = this.toolFor(event);
    if (!tool) return;
    if (event.pointerType !== "touch" || tool !== "navigate") {
      event.preventDefault();
      this.canvas.setPointerCapture(event.pointerId);
    }
    const point = this.point(event);
    this.drag = { tool, from: point, last: point, x: event.clientX, y: event.clientY, touch: event.pointerType === "touch" };
    TOOLS[tool].down?.(this, point, event);
  }

  toolFor(event) {
    if (event.button === 2) return "window";
    if (event.button === 1 || event.shiftKey) return "pan";
    return event.button === 0 ? this.viewer.tool : null;
  }

  move(event) {
    if (!this.viewer.ready) return;
    const point = this.point(event);
    this.hover(event.pointerType === "touch" ? null : point);
    if (!this.drag) return;
    TOOLS[this.drag.tool].move?.(this, point, event);
    Object.assign(this.drag, { last: point, x: event.clientX, y: event.clientY });
  }

  up(event) {
    if (!this.drag) return;
    const { tool } = this.drag;
    TOOLS[tool].up?.(this, this.point(event), event);
    this.drag = null;
    this.viewer.ask();
  }

  cancel() {
    if (this.drag) TOOLS[this.drag.tool].cancel?.(this);
    this.drag = null;
    this.viewer.ask();
  }

  hover(point) {
    this.over = point && this.slicing && this.inside(point) ? point : null;
    this.viewer.tell(this.over ? this.voxelAt(this.over) : null);
    if (this.viewer.brushes) this.viewer.ask();
  }

  label() {
    const { slicing, viewer, index } = this;
    const place = position(viewer.data.affine, viewer.cross);
    const mm = place ? ` · ${lettered(slicing.axis, place[slicing.axis])} mm` : "";
    this.title.textContent = `${slicing.title} ${index + 1} / ${slicing.count}${mm}`;
    this.slider.value = index;
    this.slider.setAttribute("aria-valuetext", `slice ${index + 1} of ${slicing.count}${mm}`);
    this.canvas.setAttribute("aria-label", `${slicing.title} slice ${index + 1} of ${slicing.count}${mm}`);
  }

  draw() {
    const size = this.measure();
    if (!size.width || !size.height) return;
    const { viewer, slicing, index } = this;
    const view = this.view(size);
    const context = this.canvas.getContext("2d");
    this.label();
    this.refreshImage();
    context.setTransform(size.density, 0, 0, size.density, 0, 0);
    context.fillStyle = "#000";
    context.fillRect(0, 0, size.width, size.height);
    context.imageSmoothingQuality = "high";
    const { width, height } = this.image;
    context.drawImage(this.image, view.left, view.top, view.width * width, view.height * height);
    this.drawMasks(context, view);
    if (viewer.crosshair) drawCrosshair(context, view, size, ...slicing.pixel(viewer.cross));
    for (const ruler of viewer.rulers) {
      if (ruler.axis === slicing.axis && ruler.index === index) drawRuler(context, view, ruler, viewer.measured(ruler));
    }
    if (viewer.brushes && this.over) drawBrush(context, view, this.over, viewer.radius, slicing);
    drawLetters(context, size, slicing);
  }

  refreshImage() {
    const { viewer, index } = this;
    const bounds = viewer.windowing.bounds(this);
    const stamp = [viewer.volume.id, index, ...bounds].join();
    if (this.drawn.image === stamp) return;
    drawGrey(this.image, this.slicing, index, viewer.volume.codes, viewer.windowing.table(...bounds));
    this.drawn.image = stamp;
  }

  drawMasks(context, view) {
    const { viewer, index } = this;
    const { masks } = viewer;
    if (!masks.current || !viewer.shown) return;
    const { key, colours } = masks.data;
    for (const [layer, values] of masks.layers().entries()) {
      const stamp = [index, masks.version, key].join();
      if (this.drawn[layer]?.stamp !== stamp) {
        const sides = sliceOfMask(this.marks[layer], this.slicing, index, values, colours);
        this.drawn[layer] = { stamp, sides };
      }
      const { sides } = this.drawn[layer];
      if (layer === 0) drawMask(context, view, this.marks[0], sides, colours, viewer.opacity);
      else drawDashed(context, view, sides);
    }
  }

  // The strip below the canvas shows on which slices something is marked, and how much.
  drawStrip(amounts, dark) {
    const { strip, slicing } = this;
    const context = strip.getContext("2d");
    strip.width = slicing.count;
    strip.height = 1;
    const most = amounts ? Math.max(...amounts) : 0;
    if (!most) return;
    for (const [place, amount] of amounts.entries()) {
      if (!amount) continue;
      context.fillStyle = `rgba(${dark ? "86, 180, 233" : "0, 114, 178"}, ${0.35 + (0.65 * amount) / most})`;
      context.fillRect(place, 0, 1, 1);
    }
  }
}
