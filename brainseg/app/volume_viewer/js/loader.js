// The component without an appearance that brings a volume to the browser. Streamlit calls it again whenever something
// changes, and only the cleanup of the last call means that it is gone.
const turns = new WeakMap();

export default function load({ data, parentElement }) {
  const turn = {};
  turns.set(parentElement, turn);
  if (data) hold(parentElement, receive(data));
  return () => {
    if (turns.get(parentElement) === turn) release(parentElement);
  };
}
