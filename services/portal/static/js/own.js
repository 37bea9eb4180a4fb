// What this very tab changed, and already shows: the answer to a form is its widget as it is afterwards, so that widget is not
// fetched again when the event of the change arrives.
//
// The answer names what was changed (`X-Portal-Changed`). Events come in the order in which things happened, so the first one of this
// person about this thing is the one the form made; only that one is left out, whether it comes before the answer or after it.

/** An event that takes longer than this is not waited for: the widget is fetched then, as for a change of anybody else. */
const FORGET_MS = 5_000;
const underWay = new Map();
const shown = new Set();
/** When a form in a widget was sent last. */
const sent = new WeakMap();

document.addEventListener('htmx:beforeRequest', ({ detail }) => {
  if (detail.requestConfig.verb !== 'get') sent.set(detail.elt.closest('[data-widget]') ?? detail.elt, Date.now());
  if (detail.requestConfig.verb === 'get' || !('widget' in detail.target.dataset)) return;
  underWay.set(detail.xhr, { widget: detail.target.id, held: [] });
});

document.addEventListener('htmx:afterRequest', ({ detail }) => {
  const change = underWay.get(detail.xhr);
  if (!change) return;
  underWay.delete(detail.xhr);
  const { widget, held } = change;
  const thing = detail.xhr.getResponseHeader('X-Portal-Changed');
  const known = held.indexOf(thing);
  if (known >= 0) held.splice(known, 1);
  else if (thing) {
    const mark = { widget, thing };
    shown.add(mark);
    setTimeout(() => shown.delete(mark), FORGET_MS);
  }
  if (held.length) window.htmx.trigger(document.getElementById(widget), 'refresh');
});

/** Whether `widget` shows what this entry of the feed tells, or will with the answer to a form that is under way. */
export function isShown(widget, entry) {
  if (entry.actor?.id !== document.body.dataset.person) return false;
  for (const change of underWay.values()) {
    if (change.widget !== widget.id) continue;
    change.held.push(entry.target?.id);
    return true;
  }
  for (const mark of shown) {
    if (mark.widget === widget.id && mark.thing === entry.target?.id) return shown.delete(mark);
  }
  return false;
}

/** Whether the reader just sent a form in `widget`: a signal that names nothing is most likely about that. */
export function isAnswering(widget) {
  return Date.now() - (sent.get(widget) ?? 0) < FORGET_MS;
}
