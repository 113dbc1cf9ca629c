// The window: which values are black and which are white.
class Windowing {
  constructor(viewer) {
    this.viewer = viewer;
    this.choice = viewer.one(".window-choice");
    this.tables = new Map();
    this.choice.addEventListener("change", () => this.choose(this.choice.value));
  }

  // Takes the windows of another volume, and starts with the one that the server chose.
  take(data, volume) {
    const [low, high] = data.windows[data.model_window].bounds[0];
    this.volume = volume;
    this.tables.clear();
    this.windows = data.windows;
    this.model = data.windows[data.model_window];
    this.span = high - low || volume.step;
    const named = data.windows.map(({ name }, place) => [name, place]);
    const options = [...named, ["Own (dragged)", "own"]].map(([name, value]) => new Option(name, value));
    options.at(-1).disabled = true;
    this.choice.replaceChildren(...options);
    this.choose(data.start_window);
  }

  choose(value) {
    if (value !== "own") this.use(this.windows[value], value);
  }

  own(low, high) {
    this.use({ bounds: [[low, high]] }, "own");
  }

  use(window, value) {
    this.window = window;
    this.choice.value = value;
    const [first] = window.bounds;
    const words = window.bounds.length > 1 ? "each slice its own" : first.map((each) => this.number(each)).join(" to ");
    this.viewer.one(".window-words").textContent = words;
    this.viewer.ask();
  }

  // The values shown as black and as white in a pane. A window of the file that differs from slice to slice fits only the
  // plane of its slices; the other planes then have the model's.
  bounds(pane) {
    const { axis, bounds } = this.window;
    if (bounds.length === 1) return bounds[0];
    return pane.slicing.axis === axis ? bounds[pane.index] : this.model.bounds[0];
  }

  table(low, high) {
    const key = `${low},${high}`;
    if (!this.tables.has(key)) {
      if (this.tables.size > 12) this.tables.clear();
      this.tables.set(key, lookup(this.volume, low, high));
    }
    return this.tables.get(key);
  }

  number(value) {
    return this.volume.step === 1 ? String(Math.round(value)) : String(Number(value.toPrecision(4)));
  }
}
