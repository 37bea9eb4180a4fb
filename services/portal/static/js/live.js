// Keeps a page true while somebody looks at it: by events, and by a poll of what they cannot tell: everything while their stream
// is down, what could not be fetched, and now and then what is told by signals that are not sent again.
//
// A widget is an element with `data-widget`; `data-live` lists the event types that concern it and `data-project` narrows
// it to one project. Refreshing a widget means triggering `refresh` on it: HTMX fetches its fragment and swaps it whole,
// the old content staying until the new one is there.
import { isAnswering, isShown } from './own.js';
import { toast } from './shell.js';
import { follow } from './stream.js';
import { say } from './words.js';

const POLL_MS = 60_000;
const SIGNALS_MS = 300_000;
const SETTLE_MS = 400;
const ASK_MS = 1_000;
/** How long a tab that was left goes on listening: whoever comes back at once finds it as it is. */
const HIDDEN_MS = 5_000;
const SPREAD_MS = 10_000;
/** Too much was missed; or something was shared with this reader, or taken back. */
const RESETS = ['reset', 'changed'];

let leave = null;
let live = false;
let polls = [];
let followed = false;
let cut = false;
let asleep = true;
let sleeping = null;

/** Refresh at once, then at most once per SETTLE_MS however many events arrive in between. */
const pending = new Map();
function refresh(widget) {
  const key = widget.id;
  if (pending.has(key)) {
    pending.set(key, true);
    return;
  }
  pending.set(key, false);
  if (widget.querySelector('details.menu[open]')) pending.set(key, true);
  else if (isPagedOn(widget)) offerNewer(widget);
  else window.htmx.trigger(widget, 'refresh');
  setTimeout(() => {
    const again = pending.get(key);
    pending.delete(key);
    const current = document.getElementById(key);
    if (again && current) refresh(current);
  }, SETTLE_MS);
}

/** A list of which the reader has opened further pages: replacing its first page would lose or double what moved on. */
function isPagedOn(widget) {
  return 'paged' in widget.dataset && document.querySelector('[data-later]') !== null;
}

/** Not for what the reader did a moment ago in the list itself. */
function offerNewer(widget) {
  if (!isAnswering(widget)) widget.querySelector('[data-newer]').hidden = false;
}

function refreshAll(which = '') {
  for (const widget of document.querySelectorAll(`[data-widget]${which}`)) refresh(widget);
}

function refreshFor(type, entry) {
  const project = entry.project_id;
  for (const widget of document.querySelectorAll(`[data-widget][data-live~="${type}"]`)) {
    const concerned = !widget.dataset.project || !project || widget.dataset.project === project;
    if (concerned && !isShown(widget, entry)) refresh(widget);
  }
}

function show(state) {
  for (const element of document.querySelectorAll('[data-live-state]')) {
    element.dataset.state = state;
    element.querySelector('[data-live-word]').textContent = say(state);
  }
}

function isLive(now) {
  live = now;
  show(live ? 'live' : 'polling');
}

function poll() {
  refreshAll(live ? '[data-failed]' : '');
}

/** A signal has no place among the events: where one was lost, nobody knows. */
function pollSignals() {
  const { signals } = document.body.dataset;
  if (live) refreshAll(`[data-live~="${signals}"]:not(:has([data-later]))`);
}

/** What could not be fetched is fetched again. Its old content stays; a skeleton is replaced by what says that it failed. */
document.addEventListener('htmx:beforeSwap', ({ detail }) => {
  const failed = detail.xhr.getResponseHeader('X-Portal-Failed');
  if (failed && detail.target.getAttribute('aria-busy') === 'true') detail.shouldSwap = true;
});
document.addEventListener('htmx:afterRequest', ({ detail }) => {
  if (!detail.successful && 'widget' in detail.elt.dataset) detail.elt.dataset.failed = '';
});

function onEntry(type, entry) {
  refreshFor(type, entry);
  const own = entry.actor?.id === document.body.dataset.person;
  if (type.endsWith('_completed') && !own) toast(`${entry.title} · ${entry.description}`, 'done');
}

/** Not at once: this may be the very tab that is being answered, and has its new cookie in a moment. If the session is over, the
 *  server says 401 and HTMX moves the page to the sign-in page; if it is another organisation's now, to that one's dashboard. */
function askWhoIsThere() {
  window.htmx.ajax('GET', `/widgets/session?person=${document.body.dataset.person}`, { target: '[data-toasts]', swap: 'none' });
}

/** What became of the stream, or an event of it: the same in the tab that holds it and in those that are told. */
const hear = ({ kind, fresh, type, data }) => {
  if (kind === 'event') {
    if (RESETS.includes(type)) refreshAll();
    else onEntry(type, JSON.parse(data));
    return;
  }
  if (kind === 'open') {
    isLive(true);
    if (fresh && followed) refreshAll(); // a new stream does not know what the one before it had missed
    else if (cut) setTimeout(refreshAll, Math.random() * SPREAD_MS); // what was missed is sent again, but not what was withdrawn
    cut = false;
  } else {
    isLive(false);
    if (kind === 'cut') cut = true;
    else setTimeout(askWhoIsThere, ASK_MS);
  }
  followed = true;
};

/** Sent along with the answer to that question: the company closed the stream for this client, so nobody asks for it again.
 *  A widget that was closed with it has the page loaded anew. */
document.addEventListener('stream-closed', () => {
  leave?.();
  delete document.body.dataset.events;
  refreshAll();
});

function wake() {
  clearTimeout(sleeping);
  if (!asleep) return;
  asleep = false;
  polls = [setInterval(poll, POLL_MS), setInterval(pollSignals, SIGNALS_MS)];
  const { events: url, told, signals, reader } = document.body.dataset;
  if (url) leave = follow({ url, reader, types: [...told.split(' '), signals, ...RESETS], hear });
  else isLive(false);
}

/** What nobody looks at asks for nothing, and keeps no connection. */
function sleep() {
  asleep = true;
  leave?.();
  polls.forEach(clearInterval);
  followed = cut = false;
}

function wakeAndCatchUp() {
  if (asleep) refreshAll();
  wake();
}

/** What the reader opened stays open, and a menu in use is not taken away: its widget waits. */
const openParts = (root) => [...root.querySelectorAll('details[open][id]')].map((part) => part.id);
let opened = [];
document.addEventListener('htmx:beforeSwap', (event) => { opened = openParts(event.detail.target); });
document.addEventListener('htmx:afterSwap', () => {
  for (const id of opened) document.getElementById(id)?.setAttribute('open', '');
});

/** Mark what a refresh brought in, so that the eye finds it: entries that were not there before. */
let known = new Set();
const entries = () => [...document.querySelectorAll('[data-entry]')];
document.addEventListener('htmx:beforeSwap', () => { known = new Set(entries().map((entry) => entry.dataset.entry)); });
document.addEventListener('htmx:afterSwap', (event) => {
  if (!event.detail.requestConfig.triggeringEvent || event.detail.requestConfig.triggeringEvent.type !== 'refresh') return;
  for (const entry of entries()) if (known.size && !known.has(entry.dataset.entry)) entry.classList.add('is-new');
});

document.addEventListener('click', (event) => {
  if (!event.target.closest('[data-refresh]')) return;
  event.preventDefault();
  refreshAll();
});

document.addEventListener('visibilitychange', () => {
  if (document.hidden) sleeping = setTimeout(sleep, HIDDEN_MS);
  else wakeAndCatchUp();
});
document.addEventListener('freeze', sleep);
document.addEventListener('resume', () => { if (!document.hidden) wakeAndCatchUp(); });
window.addEventListener('pagehide', sleep);
window.addEventListener('pageshow', (event) => { if (event.persisted) wakeAndCatchUp(); });
if (!document.hidden) wake();
