// What keys do: letters anywhere in the viewer or while the pointer is over it, arrows on the slice that has the focus.
const LETTERS = { n: "navigate", w: "window", d: "ruler", b: "brush", e: "eraser", f: "fill" };
const STEPS = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 10, PageDown: -10 };

function taken(event) {
  event.preventDefault();
  event.stopPropagation(); // Streamlit has keys of its own
}

function viewerKey(viewer, event) {
  const [target] = event.composedPath();
  const writes = target.matches?.("input:not([type=range]), select, textarea, [contenteditable=true]");
  const mine = event.composedPath().includes(viewer.element) || (viewer.hovered && target === document.body);
  if (!mine || writes || !viewer.ready) return;
  const letter = event.key.toLowerCase();
  if ((event.ctrlKey || event.metaKey) && letter === "z" && viewer.masks.current) viewer.masks.undo();
  else if (event.ctrlKey || event.metaKey || event.altKey) return;
  else if (letter === "m") viewer.set({ shown: !viewer.shown });
  else if (letter === "x") viewer.set({ crosshair: !viewer.crosshair });
  else if (letter in LETTERS) viewer.choose(LETTERS[letter]);
  else if (letter === "[" || letter === "]") viewer.resize(letter === "]" ? 1 : -1);
  else if (event.key === "Escape" && viewer.rulers.length) viewer.clearRulers();
  else return;
  taken(event);
}

function paneKey(pane, event) {
  if (event.ctrlKey || event.metaKey || event.altKey || !pane.viewer.ready) return;
  if (event.key in STEPS) pane.go(pane.index + STEPS[event.key]);
  else if (event.key === "Home") pane.go(0);
  else if (event.key === "End") pane.go(pane.slicing.count - 1);
  else if (event.key === "+" || event.key === "=") pane.enlargeBy(1.25);
  else if (event.key === "-") pane.enlargeBy(0.8);
  else if (event.key === "0") pane.fit();
  else return;
  taken(event);
}
