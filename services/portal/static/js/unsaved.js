// A form that was changed asks before it is left: by a link, Cancel, closing the tab, or a fragment that would take its place.
//
// It is changed where it differs from what the server sent, so that changing it back is enough; or where it was sent and the server
// showed it again, with a mistake or another's changes in it. What proves who somebody is does not count: typed again, it is no loss.
import { toast } from './shell.js';
import { say } from './words.js';

const PROOFS = /password|username|one-time-code|webauthn|secret|current|proof_/;
const isShownAgain = (form) => 'answer' in document.documentElement.dataset && new URL(form.action).pathname === location.pathname;

/** Forms of which the server replaced a part: with one row more or less, or after something in it was changed. */
const altered = new WeakSet();
let sent = null;
let sentAt = 0;
const SENDING_MS = 15_000;
/** Whether the other forms of the page wait for it while that one is sent. */
let othersWait = false;

const isWork = (field) => !['hidden', 'search'].includes(field.type) && !PROOFS.test(`${field.type} ${field.name} ${field.autocomplete}`);

function isChanged(field) {
  if (field.type === 'checkbox' || field.type === 'radio') return field.checked !== field.defaultChecked;
  return field.options ? isChosenAnew([...field.options], field) : field.value !== field.defaultValue;
}

/** A list of which the page chose nothing shows its first entry. */
function isChosenAnew(options, { multiple }) {
  if (!multiple && !options.some((option) => option.defaultSelected)) return options.findIndex((option) => option.selected) > 0;
  return options.some((option) => option.selected !== option.defaultSelected);
}

function isUnsaved(form) {
  if (form === sent || form.closest('dialog:not([open])')) return false;
  const fields = work(form);
  return fields.length > 0 && (altered.has(form) || isShownAgain(form) || fields.some(isChanged));
}

const work = (form) => [...form.elements].filter((field) => field.matches('input, select, textarea') && isWork(field));
const unsaved = (root = document) => [...root.querySelectorAll('form[method="post"]')].filter(isUnsaved);

window.addEventListener('beforeunload', (event) => { if (!(sent && othersWait) && unsaved().length > 0) event.preventDefault(); });
document.addEventListener('submit', (event) => {
  if (event.defaultPrevented) return;
  sent = event.target;
  sentAt = Date.now();
  othersWait = sent.method === 'post' && keepOthers(sent);
});
document.addEventListener('input', () => { sent = null; });
window.addEventListener('pageshow', () => { sent = null; });

document.addEventListener('htmx:beforeSwap', ({ detail }) => {
  const form = detail.target.closest('form[method="post"]');
  if (form && (detail.requestConfig.verb === 'post' || isUnsaved(form))) altered.add(form);
});

/** A refresh by itself waits until the form is sent; what the reader asked for is asked about. */
document.addEventListener('htmx:confirm', (event) => {
  const { elt, target, triggeringEvent } = event.detail;
  if (!target || !unsaved(target).some((form) => form !== elt && !form.contains(elt))) return;
  if (!triggeringEvent?.isTrusted || !window.confirm(say('leave'))) event.preventDefault();
});

/** A page with work on it does not leave by itself where a session ended, or another account signed in: sending the form keeps it,
 *  and while it is on its way its answer is waited for. */
let told = false;
document.addEventListener('htmx:beforeOnLoad', (event) => {
  const { xhr, requestConfig } = event.detail;
  const leaves = ['HX-Redirect', 'HX-Refresh'].some((name) => xhr.getResponseHeader(name));
  const isOnItsWay = sent && Date.now() - sentAt < SENDING_MS;
  if (!leaves || requestConfig.triggeringEvent?.isTrusted || (!isOnItsWay && unsaved().length === 0)) return;
  event.preventDefault();
  if (told || isOnItsWay) return;
  told = true;
  toast(say(xhr.status === 401 ? 'ended' : 'changed'), 'risk', null, true);
});

/** What is in the place of a page that is gone does not take along what was typed there. */
document.addEventListener('htmx:beforeSwap', (event) => {
  if (event.detail.xhr.status !== 404 || unsaved(event.detail.target).length === 0) return;
  event.detail.shouldSwap = false;
  toast(say('gone'), 'risk', null, true);
});

// One form of several is sent: what was changed in the others waits in this tab, for the page that has them and for the same person
// (decision 0114).
const WAITING = 'portal-unsaved';
const AN_HOUR = 3600_000;
const whose = (form) => form.elements.opened_by?.value.split(' ')[0];
const place = (form) => new URL(form.action).pathname;
const isTicked = ({ type }) => type === 'checkbox' || type === 'radio';
const held = (field) => (isTicked(field) ? field.checked : field.options ? [...field.selectedOptions].map(({ value }) => value) : field.value);

function keepOthers(form) {
  if (!form.closest('main, dialog')) {
    if (place(form) === '/sign-out') sessionStorage.removeItem(WAITING);
    return false;
  }
  const forms = unsaved().filter((other) => other !== form).map((other) => {
    const whole = altered.has(other) || isShownAgain(other);
    const named = work(other).map((field) => ({ field, key: keyOf(other, field) }));
    return {
      whose: whose(other),
      place: place(other),
      fields: named.filter(({ field }) => whole || isChanged(field)).map(({ field, key }) => [key, held(field)]),
    };
  });
  if (forms.length > 0) sessionStorage.setItem(WAITING, JSON.stringify({ until: Date.now() + AN_HOUR, forms }));
  return true;
}

/** A field within its form: by name, and which of those it is: a tick by what it stands for. */
function keyOf(form, field) {
  const alike = [...form.elements].filter(({ name }) => name === field.name);
  return `${field.name} ${isTicked(field) ? field.value : alike.indexOf(field)}`;
}

function restore() {
  const waiting = JSON.parse(sessionStorage.getItem(WAITING));
  const here = [...document.querySelectorAll('form[method="post"]')];
  if (!waiting || !here.some(whose)) return;
  const isTheirs = waiting.forms.every((kept) => here.some((form) => whose(form) === kept.whose));
  const found = waiting.forms.map((kept) => [kept, here.find((form) => form.closest('main') && place(form) === kept.place)]);
  if (isTheirs && Date.now() < waiting.until && !found.some(([, form]) => form)) return;
  sessionStorage.removeItem(WAITING);
  if (!isTheirs || Date.now() >= waiting.until) return;
  const whole = found.map(([kept, form]) => form && kept.fields.map(([key, value]) => put(form, key, value)).every(Boolean)).every(Boolean);
  toast(say(whole ? 'restored' : 'restoredInPart'), whole ? 'info' : 'risk', null, !whole);
}

function put(form, key, value) {
  const field = work(form).find((each) => keyOf(form, each) === key);
  if (!field) return false;
  if (isTicked(field)) field.checked = value;
  else if (field.options) for (const option of field.options) option.selected = value.includes(option.value);
  else field.value = value;
  return true;
}

restore();
