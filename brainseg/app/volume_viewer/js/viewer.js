// The viewer: three panes over one volume, and what they share: the crosshair, the window, the tool, rulers and masks.
const EDITS = new Set(["brush", "eraser", "fill"]);

class Viewer {
  constructor(root) {
    this.root = root;
    this.element = root.querySelector(".viewer");
    this.cross = [0, 0, 0];
    this.tool = "navigate";
    this.shown = true;
    this.crosshair = true;
    this.opacity = 0.35;
    this.rulers = [];
    this.turn = 0;
    this.windowing = new Windowing(this);
    this.masks = new Masks(this);
    this.panes = {};
    for (const element of root.querySelectorAll(".pane")) {
      this.panes[element.dataset.plane] = new Pane(this, element, element.dataset.plane);
    }
    this.watch = new ResizeObserver(() => this.ask());
    for (const pane of Object.values(this.panes)) this.watch.observe(pane.canvas);
    this.onKey = (event) => viewerKey(this, event);
    document.addEventListener("keydown", this.onKey, true);
    this.element.addEventListener("pointerenter", () => (this.hovered = true));
    this.element.addEventListener("pointerleave", () => (this.hovered = false));
    this.listen();
  }

  one(selector) {
    return this.root.querySelector(selector);
  }

  listen() {
    const on = (selector, type, act) => this.one(selector).addEventListener(type, act);
    for (const button of this.root.querySelectorAll("button[data-tool]")) {
      button.addEventListener("click", () => this.choose(button.dataset.tool));
    }
    on(".mask-on", "click", () => this.set({ shown: !this.shown }));
    on(".crosshair-on", "click", () => this.set({ crosshair: !this.crosshair }));
    on(".opacity", "input", (event) => this.set({ opacity: event.target.value / 100 }));
    on(".which", "change", (event) => this.masks.show(event.target.value));
    on(".brush-size", "input", () => this.refreshTools());
    on(".undo", "click", () => this.masks.undo());
    on(".restart", "click", () => this.masks.restart());
    on(".keep", "click", () => this.keep());
    on(".no-rulers", "click", () => this.clearRulers());
  }

  // Takes what the server says, which it says again after each of its runs; the last time counts.
  async update({ data, setTriggerValue }) {
    this.turn += 1;
    const turn = this.turn;
    const still = () => turn === this.turn && !this.gone;
    this.send = setTriggerValue;
    if (this.volume?.id !== data.id) {
      this.ready = false;
      this.element.classList.add("waiting");
      this.say("Loading the slices …");
      let volume;
      try {
        volume = await arrived(data.id);
      } catch {
        this.say("The slices did not arrive whole: reload the page.");
        return;
      }
      if (!still()) return;
      this.open(data, volume);
    }
    this.data = data;
    await this.masks.take(data.masks, still);
    if (!still()) return;
    if (!this.masks.current && EDITS.has(this.tool)) this.tool = "navigate";
    this.takeJump();
    this.refreshTools();
    this.tell(null);
    this.ask();
  }

  open(data, volume) {
    const { shape, spacing, planes } = data;
    const moved = this.volume?.shape.join() !== shape.join();
    this.data = data;
    this.volume = volume;
    const last = moved && store.place?.shape === shape.join() ? store.place : null;
    if (last) Object.assign(this, { cross: last.cross, jumped: last.jumped });
    else if (moved) this.cross = shape.map((size) => Math.floor(size / 2));
    if (moved) this.rulers = [];
    for (const plane of planes) this.panes[plane.name].take(new Slicing(plane, shape, spacing));
    if (moved) this.enlarge(last?.main ?? data.plane);
    this.windowing.take(data, volume);
    this.ready = true;
    this.element.classList.remove("waiting");
    this.say("");
  }

  look(voxel) {
    if (voxel.every((place, axis) => place === this.cross[axis])) return;
    this.cross = voxel;
    this.tell(voxel);
    this.ask();
  }

  step(axis, index) {
    this.look(this.cross.map((place, each) => (each === axis ? index : place)));
  }

  takeJump() {
    const { jump } = this.data;
    if (!jump || jump.count === this.jumped) return;
    this.jumped = jump.count;
    this.look(jump.voxel.map((place, axis) => clamp(place ?? this.cross[axis], 0, this.data.shape[axis] - 1)));
  }

  enlarge(name) {
    this.main = name;
    for (const [each, pane] of Object.entries(this.panes)) {
      pane.element.classList.toggle("main", each === name);
      pane.element.querySelector(".enlarge").hidden = each === name;
    }
    this.ask();
  }

  measured(ruler) {
    const ends = [ruler.from, ruler.to].map(([column, row]) => ruler.slicing.voxel(ruler.index, column - 0.5, row - 0.5));
    const long = distance(this.data.affine, ...ends).toFixed(1);
    return `${long} ${this.data.affine ? "mm" : "voxels"}`;
  }

  clearRulers() {
    this.rulers = [];
    this.ask();
  }

  get brushes() {
    return this.tool === "brush" || this.tool === "eraser";
  }

  get radius() {
    return Number(this.one(".brush-size").value) / 2;
  }

  get painted() {
    return Number(this.one(".painted").value) || 1;
  }

  nameClasses(names) {
    this.one(".painted").replaceChildren(...names.map((name, place) => new Option(name, place + 1)));
  }

  showMask() {
    if (!this.shown) this.set({ shown: true });
  }

  // Shows below each pane on which of its slices something is marked.
  count(amounts) {
    const ink = getComputedStyle(this.element).color.match(/\d+/g)?.map(Number) ?? [0, 0, 0];
    const dark = ink[0] + ink[1] + ink[2] > 382;
    for (const pane of Object.values(this.panes)) pane.drawStrip(amounts?.[pane.slicing.axis], dark);
  }

  async keep() {
    const kept = this.masks.keep();
    this.refreshTools();
    this.say("Measuring your correction …");
    this.send("corrected", await kept);
  }

  set(values) {
    Object.assign(this, values);
    this.refreshTools();
    this.ask();
  }

  choose(tool) {
    if (this.masks.current || !EDITS.has(tool)) this.set({ tool });
  }

  refreshTools() {
    const own = this.masks.current;
    const edit = own?.edit;
    for (const button of this.root.querySelectorAll("button[data-tool]")) {
      button.setAttribute("aria-pressed", String(button.dataset.tool === this.tool));
    }
    this.one(".mask-on").setAttribute("aria-pressed", String(this.shown));
    this.one(".crosshair-on").setAttribute("aria-pressed", String(this.crosshair));
    for (const element of this.root.querySelectorAll(".with-mask")) element.hidden = !own;
    for (const element of this.root.querySelectorAll(".with-edit")) element.hidden = !edit;
    for (const element of this.root.querySelectorAll(".with-brush")) element.hidden = !own || !this.brushes;
    this.one(".with-classes").hidden = !own || !EDITS.has(this.tool) || this.masks.data.classes.length < 2;
    this.one(".no-rulers").hidden = !this.rulers.length;
    this.one(".which").value = this.masks.which;
    this.one(".undo").disabled = !edit?.steps.length;
    this.one(".keep").disabled = !edit?.dirty;
    this.one(".keep").textContent = edit && !edit.dirty && own.person ? "Correction kept" : "Keep my correction";
    const unit = this.data.affine ? "mm" : "voxels";
    this.one(".brush-words").textContent = `${this.one(".brush-size").value} ${unit}`;
    this.element.dataset.tool = this.tool;
  }

  resize(by) {
    const size = this.one(".brush-size");
    size.value = Number(size.value) + by;
    this.set({});
  }

  say(words) {
    this.one(".message").textContent = words;
  }

  // Shows where a voxel lies and its value; null for the crosshair's.
  tell(voxel) {
    if (!this.ready) return;
    const [i, j, k] = voxel ?? this.cross;
    const [x, y] = this.data.shape;
    const code = this.volume.codes[i + x * (j + y * k)];
    const place = position(this.data.affine, [i, j, k]);
    const where = place ? `${place.map((value, axis) => lettered(axis, value)).join("  ")} mm` : `voxel ${i}, ${j}, ${k}`;
    this.one(".place").textContent = `${where} · value ${this.windowing.number(this.volume.low + code * this.volume.step)}`;
  }

  // Draws before the next frame, once however often it is asked.
  ask() {
    if (this.asked || !this.ready) return;
    this.asked = requestAnimationFrame(() => {
      this.asked = 0;
      if (!this.gone && this.ready) this.draw();
    });
  }

  draw() {
    for (const pane of Object.values(this.panes)) pane.draw();
    this.one(".no-rulers").hidden = !this.rulers.length;
  }

  close() {
    this.gone = true;
    const { cross, main, jumped } = this;
    if (this.ready) store.place = { shape: this.data.shape.join(), cross, main, jumped };
    document.removeEventListener("keydown", this.onKey, true);
    this.watch.disconnect();
    cancelAnimationFrame(this.asked);
  }
}
