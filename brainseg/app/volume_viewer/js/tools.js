// What dragging does with each tool.
const WIDE = 300; // pixels of a drag that change the window by its own width

const brushing = (value) => ({
  down(pane, point) {
    pane.viewer.masks.editing().begin();
    pane.drag.value = value(pane.viewer);
    this.move(pane, point);
  },
  move(pane, point) {
    const { viewer, drag, slicing, index } = pane;
    viewer.masks.editing().stroke(slicing, index, drag.last, point, viewer.radius, drag.value);
    viewer.masks.changed(false);
  },
  up(pane) {
    if (pane.viewer.masks.editing().end()) pane.viewer.masks.changed();
  },
  cancel(pane) {
    this.up(pane);
  },
});

const TOOLS = {
  navigate: {
    down(pane, point) {
      if (!pane.drag.touch) pane.viewer.look(pane.voxelAt(point));
    },
    move(pane, point) {
      if (!pane.drag.touch) pane.viewer.look(pane.voxelAt(point));
    },
    // On a touch screen a drag scrolls the page, so only a tap counts; its drag ends with a cancelled pointer.
    up(pane, point) {
      pane.viewer.look(pane.voxelAt(point));
    },
  },
  pan: {
    move(pane, point, event) {
      pane.shift = [pane.shift[0] + event.clientX - pane.drag.x, pane.shift[1] + event.clientY - pane.drag.y];
      pane.viewer.ask();
    },
  },
  window: {
    down(pane) {
      const [low, high] = pane.viewer.windowing.bounds(pane);
      Object.assign(pane.drag, { low, high, x0: pane.drag.x, y0: pane.drag.y });
    },
    move(pane, point, event) {
      const { low, high, x0, y0 } = pane.drag;
      const span = pane.viewer.windowing.span / WIDE;
      const width = Math.max(pane.viewer.windowing.span / 1000, high - low + (event.clientX - x0) * span);
      const centre = (low + high) / 2 - (event.clientY - y0) * span;
      pane.viewer.windowing.own(centre - width / 2, centre + width / 2);
    },
  },
  ruler: {
    down(pane, point) {
      const { viewer, slicing, index } = pane;
      pane.drag.ruler = { axis: slicing.axis, index, from: point, to: point, slicing };
      viewer.rulers.push(pane.drag.ruler);
      viewer.ask();
    },
    move(pane, point) {
      pane.drag.ruler.to = point;
      pane.viewer.ask();
    },
    up(pane) {
      const { viewer, drag } = pane;
      const [from, to] = [drag.ruler.from, drag.ruler.to];
      if (Math.hypot(to[0] - from[0], to[1] - from[1]) < 0.5) viewer.rulers.pop();
      else viewer.say(`${viewer.measured(drag.ruler)} long`);
    },
    cancel(pane) {
      pane.viewer.rulers.pop();
    },
  },
  brush: brushing((viewer) => viewer.painted),
  eraser: brushing(() => 0),
  fill: {
    up(pane, point) {
      const { viewer, slicing, index } = pane;
      if (!pane.inside(point)) return;
      const [column, row] = [Math.floor(point[0]), Math.floor(point[1])];
      const refused = viewer.masks.editing().fill(slicing, index, column, row, viewer.painted);
      viewer.say(refused || "Filled.");
      if (!refused) viewer.masks.changed();
    },
  },
};
