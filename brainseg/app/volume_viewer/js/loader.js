// The component without an appearance that brings a volume to the browser. Streamlit calls it again whenever something
// changes, and only the cleanup of the last call is to forget what was received.
const turns = new WeakMap();

export default function load({ data, parentElement }) {
  const turn = { ids: turns.get(parentElement)?.ids ?? new Set() };
  turns.set(parentElement, turn);
  if (data) turn.ids.add(receive(data));
  return () => {
    if (turns.get(parentElement) !== turn) return;
    for (const id of turn.ids) store.kept.delete(id);
  };
}
