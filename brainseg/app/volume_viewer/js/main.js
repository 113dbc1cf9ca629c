// Streamlit calls this for each change of the data, and the cleanup of a call that was overtaken as well as the last one.
const viewers = new WeakMap();

export default function show(component) {
  const root = component.parentElement;
  const known = viewers.get(root);
  const fresh = !known || known.viewer.element !== root.querySelector(".viewer");
  if (fresh) known?.viewer.close();
  const viewer = fresh ? new Viewer(root) : known.viewer;
  const turn = { viewer };
  viewers.set(root, turn);
  viewer.update(component);
  return () => {
    if (viewers.get(root) !== turn) return;
    viewer.close();
    viewers.delete(root);
  };
}
