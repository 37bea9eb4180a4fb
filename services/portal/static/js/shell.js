// Small comforts of every page. Without this file each of them is a link, a form or a plain date.
import { language, say } from './words.js';

const ZONE_DAYS = 365 * 86400;
const DAY = 86400;

/** "2 hours ago", "3 days ago", as the server words it (services/portal/formats.py): days are those of the calendar. */
function ago(moment) {
  const seconds = Math.max(0, (Date.now() - moment) / 1000);
  if (seconds < 60) return say('justNow');
  if (seconds < 3600) return counted.format(-Math.floor(seconds / 60), 'minute');
  if (seconds < DAY) return counted.format(-Math.floor(seconds / 3600), 'hour');
  const days = daysSince(moment);
  return days <= 1 ? named.format(-1, 'day') : counted.format(-days, 'day');
}

const counted = new Intl.RelativeTimeFormat(language);
/** "yesterday" for one day ago. */
const named = new Intl.RelativeTimeFormat(language, { numeric: 'auto' });
const daysSince = (moment) => Math.round((new Date().setHours(0, 0, 0, 0) - new Date(moment).setHours(0, 0, 0, 0)) / (DAY * 1000));
/** When each "updated" label came into the page, by this browser's clock. */
const arrivals = new WeakMap();

function tick() {
  for (const element of document.querySelectorAll('time[data-ago]')) {
    const moment = Date.parse(element.dateTime);
    if (daysSince(moment) < 7) setText(element, ago(moment));
  }
  for (const element of document.querySelectorAll('[data-updated]')) {
    if (!arrivals.has(element)) arrivals.set(element, Date.now());
    const arrived = arrivals.get(element);
    const seconds = Math.floor((Date.now() - arrived) / 1000);
    setText(element, updated(seconds, arrived));
  }
}

function updated(seconds, arrived) {
  if (seconds < 3) return say('updatedJustNow');
  return seconds < 60 ? say('updatedSecondsAgo', { seconds }) : say('updatedAgo', { ago: ago(arrived) });
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Show a short answer, for some seconds or until it is dismissed. The card is a copy of the server's own template, so it has one look. */
export function toast(text, tone = 'info', undo = null, stays = false) {
  const card = document.querySelector(`template[data-toast="${tone}"]`)?.content.firstElementChild.cloneNode(true);
  if (!card) return;
  card.querySelector('.toast-text').textContent = text;
  if (undo) offerUndo(card.querySelector('.toast-undo'), undo);
  document.querySelector('[data-toasts]').append(card);
  if (!stays) expire(card);
}

function offerUndo(form, { action, fields }) {
  form.action = action;
  for (const [name, value] of Object.entries(fields)) {
    form.append(Object.assign(document.createElement('input'), { type: 'hidden', name, value }));
  }
  form.hidden = false;
}

function expire(card) {
  setTimeout(() => { if (!card.matches(':hover, :focus-within')) card.remove(); else expire(card); }, 8000);
}

function closeMenus(except) {
  for (const menu of document.querySelectorAll('details.menu[open]')) if (menu !== except) menu.open = false;
}

document.addEventListener('click', (event) => {
  closeMenus(event.target.closest('details.menu'));
  event.target.closest('[data-dismiss]')?.closest('.toast-card').remove();
  if (event.target.closest('[data-print]')) window.print();
  copy(event.target.closest('[data-copy]'));
  const retry = event.target.closest('[data-retry]');
  if (retry && window.htmx) {
    event.preventDefault();
    window.htmx.trigger(retry.closest('[data-widget]'), 'refresh');
  }
});

document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape') return;
  const open = document.querySelector('details.menu[open]');
  closeMenus();
  open?.querySelector('summary').focus();
});

/** In the search field of a choice, Enter and the arrow lead on to what was found; the form is sent by its own button. */
document.addEventListener('keydown', (event) => {
  const found = event.target.dataset?.find;
  if (!found || (event.key !== 'Enter' && event.key !== 'ArrowDown')) return;
  event.preventDefault();
  const list = document.getElementById(found);
  (list.querySelector(':checked, [aria-current]') ?? list.querySelector('a, select, input:not([type="hidden"])'))?.focus();
});

document.addEventListener('submit', (event) => {
  const form = event.target.closest('[data-theme-choice]');
  if (form) chooseTheme(event, form);
  else if (event.target.matches('form[method="post"]')) guardAgainstTwice(event);
});

/** Change the theme at once and let the server remember it. */
function chooseTheme(event, form) {
  event.preventDefault();
  const theme = event.submitter.value;
  document.documentElement.className = `theme-${theme}`;
  for (const button of form.querySelectorAll('button')) button.setAttribute('aria-pressed', String(button === event.submitter));
  fetch(form.action, { method: 'POST', body: new URLSearchParams({ theme, next: '/' }), redirect: 'manual' });
}

/** Put what a button names on the clipboard, and say so. */
async function copy(button) {
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy).then(
    () => toast(say('copied'), 'done'),
    () => toast(say('notCopied'), 'risk'),
  );
}

/** A second click on a slow form sends nothing; a form that downloads may be sent as often as one likes. */
function guardAgainstTwice(event) {
  if ('again' in event.target.dataset) return;
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = 'yes';
}

window.addEventListener('pageshow', () => {
  for (const form of document.querySelectorAll('form[data-sent]')) delete form.dataset.sent;
});

/** A link or form with hx-target="#dialog" opens what it leads to over the page. */
const dialog = document.querySelector('#dialog');
document.addEventListener('htmx:afterSwap', (event) => { if (event.detail.target === dialog) dialog.showModal(); });
dialog?.addEventListener('click', (event) => {
  if (event.target !== dialog && !event.target.closest('[data-close]')) return;
  event.preventDefault();
  dialog.close();
});

/** Who had the focus in what a fragment replaces, and not in something that it has as well, goes on from the fragment. */
let wasInside = false;
document.addEventListener('htmx:beforeSwap', (event) => { wasInside = event.detail.target.contains(document.activeElement); });
document.addEventListener('htmx:afterSettle', (event) => {
  if (!wasInside || document.activeElement !== document.body) return;
  wasInside = false;
  event.detail.elt.tabIndex = -1;
  event.detail.elt.focus({ preventScroll: true });
});

/** Sent along with a fragment: `HX-Trigger: {"toast": {"text": ..., "tone": ...}}`. */
document.addEventListener('toast', (event) => toast(event.detail.text, event.detail.tone, event.detail.undo));

/** The place on a page that a link names (`#milestone-...`) never reaches a server: what leads on to that page takes it along. */
const place = /^#[\w-]{1,100}$/.test(location.hash) && !document.getElementById(location.hash.slice(1)) ? location.hash : '';
for (const next of document.querySelectorAll('main :is([name="next"], [name="proof_next"])')) if (!next.value.includes('#')) next.value += place;

for (const button of document.querySelectorAll('[data-copy], [data-print]')) button.hidden = false;

/** What a person did is answered. A refresh in the background fails quietly: "updated 3 minutes ago" says enough. */
const wasAsked = (event) => event.detail.requestConfig?.triggeringEvent?.isTrusted;
document.addEventListener('htmx:responseError', (event) => {
  const { status, responseText } = event.detail.xhr;
  if (wasAsked(event) && status !== 401) toast(responseText.slice(0, 200) || say('failed'), 'over');
});
document.addEventListener('htmx:sendError', (event) => {
  if (wasAsked(event)) toast(say('unreachable'), 'over');
});

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
// As the gateway names all of the portal's cookies (gateway/cookies.py).
const safe = location.protocol === "https:";
if (zone) document.cookie = `${safe ? "__Host-" : ""}portal_zone=${zone}; path=/; max-age=${ZONE_DAYS}; samesite=lax${safe ? "; secure" : ""}`;
for (const card of document.querySelectorAll('.toast-card')) expire(card);
tick();
setInterval(tick, 1000);
