// The masks of a volume: the model's, which is never changed, and a person's, which begins as a copy of it.
const MOST_KEPT = 3; // answers whose masks stay in memory, with what was painted

class Masks {
  constructor(viewer) {
    this.viewer = viewer;
    this.known = store.masks;
    this.version = 0;
    this.which = "model";
  }

  // What is known about the shown answer: the model's mask, the person's edit, and the id of what the server has of it.
  get current() {
    return this.known.get(this.data?.key);
  }

  // Takes what the server says; `still` tells whether nothing newer has been said meanwhile.
  async take(data, still) {
    let own = data && this.known.get(data.key);
    const model = data && !own ? await inflate(fromBase64(data.model)) : null;
    const person = data?.person && data.person_id !== own?.person ? await inflate(fromBase64(data.person)) : null;
    if (!still()) return;
    const other = this.data?.key !== data?.key;
    this.data = data;
    if (model) {
      own = { model, edit: null, person: "", sent: false };
      this.known.set(data.key, own);
      for (const key of [...this.known.keys()].slice(0, -MOST_KEPT)) this.known.delete(key);
    }
    if (own && data.person_id !== own.person) {
      // What comes back after a correction was kept is what is on the screen already.
      if (!own.sent && !own.edit?.dirty) own.edit = person && new Edit(person);
      if (own.sent) this.viewer.say("Your correction is kept and measured below.");
      Object.assign(own, { person: data.person_id, sent: false });
    }
    if (other && data) this.viewer.nameClasses(data.classes);
    if (other || !own?.edit) this.which = own?.edit ? "mine" : "model";
    this.changed();
  }

  // The masks to draw: the shown one in its colours, then the one whose outline is dashed.
  layers() {
    const { model, edit } = this.current;
    return this.which === "mine" && edit ? [edit.values, model] : [model];
  }

  editing() {
    const own = this.current;
    own.edit ??= new Edit(own.model.slice());
    if (this.which !== "mine") this.show("mine");
    this.viewer.showMask();
    return own.edit;
  }

  changed(ended = true) {
    this.version += 1;
    if (ended) this.viewer.count(this.current && counts(this.layers()[0], this.viewer.data.shape));
    if (ended) this.viewer.refreshTools();
    this.viewer.ask();
  }

  show(which) {
    this.which = which;
    this.changed();
  }

  undo() {
    if (this.current?.edit?.undo()) this.changed();
  }

  restart() {
    const { model, edit } = this.current;
    edit.begin();
    model.forEach((value, place) => edit.set(place, value));
    edit.end();
    this.show("mine");
  }

  // Returns the person's mask as the server takes it.
  async keep() {
    const own = this.current;
    const { key } = this.data;
    own.edit.dirty = false;
    own.sent = true;
    return { key, mask: toBase64(await deflate(own.edit.values)) };
  }
}
