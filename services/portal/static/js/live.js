// Keeps a page true while it stays open: one event stream per tab, and a poll only while that stream is down.
//
// A widget is an element with `data-widget`; `data-live` lists the event types that concern it and `data-project` narrows
// it to one project. Refreshing a widget means triggering `refresh` on it: HTMX fetches its fragment and swaps it whole,
// the old content staying until the new one is there.
import { toast } from './shell.js';

const POLL_MS = 60_000;
const SETTLE_MS = 400;
const ASK_MS = 1_000;
const SHORTEST_WAIT_MS = 2_000;
const SPREAD_MS = 10_000;
const FEED_TYPES = [
  'project_created', 'project_updated', 'project_status_changed', 'project_shared', 'project_withdrawn',
  'milestone_created', 'milestone_updated', 'milestone_completed', 'milestone_reopened',
  'milestone_shared', 'milestone_withdrawn',
  'document_shared', 'message_received', 'invoice_created', 'ticket_updated',
];
const WORDS = { live: 'Live', polling: 'Updating every minute' };

let stream = null;
let poll = null;
let broken = false;
let cut = false;
let wait = SHORTEST_WAIT_MS;
let returning = null;

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
  else if (isPagedOn(widget)) widget.querySelector('[data-newer]').hidden = false;
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

function refreshAll() {
  for (const widget of document.querySelectorAll('[data-widget]')) refresh(widget);
}

function refreshFor(type, project) {
  for (const widget of document.querySelectorAll(`[data-widget][data-live~="${type}"]`)) {
    if (!widget.dataset.project || !project || widget.dataset.project === project) refresh(widget);
  }
}

function show(state) {
  for (const element of document.querySelectorAll('[data-live-state]')) {
    element.dataset.state = state;
    element.querySelector('[data-live-word]').textContent = WORDS[state];
  }
}

function startPolling() {
  show('polling');
  poll ??= setInterval(refreshAll, POLL_MS);
}

function stopPolling() {
  clearInterval(poll);
  poll = null;
  show('live');
}

function onEntry(event) {
  const entry = JSON.parse(event.data);
  refreshFor(event.type, entry.project_id);
  const own = entry.actor?.id === document.body.dataset.person;
  if (event.type === 'milestone_completed' && !own) toast(`${entry.title} · ${entry.description}`, 'done');
}

function onOpen() {
  stopPolling();
  wait = SHORTEST_WAIT_MS;
  if (broken) refreshAll(); // a new stream does not know what the one before it had missed
  else if (cut) setTimeout(refreshAll, Math.random() * SPREAD_MS); // what was missed is sent again, but not what was withdrawn
  broken = cut = false;
}

/** Not at once: this may be the very tab that is being answered, and has its new cookie in a moment. */
function askWhoIsThere() {
  window.htmx.ajax('GET', `/widgets/session?person=${document.body.dataset.person}`, { swap: 'none' });
}

/** The stream ended for good. If the session is over, the server says 401 and HTMX moves the page to the sign-in page; if
 *  it is another organisation's now, to that one's dashboard. */
function connectLater() {
  stream.close();
  broken = true;
  startPolling();
  setTimeout(askWhoIsThere, ASK_MS);
  returning = setTimeout(connect, wait * (1 + Math.random()));
  wait = Math.min(wait * 2, POLL_MS);
}

/** Sent along with the answer to that question: the company closed the stream for this client, so nobody asks for it again.
 *  A widget that was closed with it has the page loaded anew. */
document.addEventListener('stream-closed', () => {
  clearTimeout(returning);
  refreshAll();
});

/** The browser reconnects by itself after a break, and the server sends what was missed; a refusal is final for it. */
function onError() {
  if (stream.readyState === EventSource.CLOSED) {
    connectLater();
    return;
  }
  cut = true;
  startPolling();
}

function connect() {
  stream = new EventSource(document.body.dataset.events);
  stream.addEventListener('open', onOpen);
  stream.addEventListener('error', onError);
  stream.addEventListener('reset', refreshAll);
  stream.addEventListener('changed', refreshAll); // something was shared with this reader, or taken back
  stream.addEventListener('closed', connectLater);
  for (const type of FEED_TYPES) stream.addEventListener(type, onEntry);
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

window.addEventListener('pagehide', () => stream?.close());
window.addEventListener('pageshow', (event) => { if (event.persisted) { refreshAll(); connect(); } });
if (document.body.dataset.events) connect();
else startPolling();
