// A form that was changed asks before it is left: by a link, Cancel, closing the tab, or a fragment that would take its place.
//
// It is changed where it differs from what the server sent, so that changing it back is enough; or where it was sent and the server
// showed it again, with a mistake or another's changes in it. What proves who somebody is does not count: typed again, it is no loss.
import { toast } from './shell.js';

const ENDED = 'Your session has ended. What you typed is still here: send it, sign in, and it is kept.';
const CHANGED = 'Your access has changed in another tab. What you typed is still here: copy what you need before you leave.';
const PROOFS = /password|username|one-time-code|webauthn|secret|current|proof_/;
const isShownAgain = (form) => 'answer' in document.documentElement.dataset && new URL(form.action).pathname === location.pathname;

/** Forms of which the server replaced a part: with one row more or less, or after something in it was changed. */
const altered = new WeakSet();
let sent = null;

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
  const work = [...form.elements].filter((field) => field.matches('input, select, textarea') && isWork(field));
  return work.length > 0 && (altered.has(form) || isShownAgain(form) || work.some(isChanged));
}

const unsaved = (root = document) => [...root.querySelectorAll('form[method="post"]')].filter(isUnsaved);

window.addEventListener('beforeunload', (event) => { if (unsaved().length > 0) event.preventDefault(); });
document.addEventListener('submit', (event) => { if (!event.defaultPrevented) sent = event.target; });
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
  if (!triggeringEvent?.isTrusted || !window.confirm('Leave this form? What you changed in it is not saved.')) event.preventDefault();
});

/** A page with work on it does not leave by itself where a session ended, or another account signed in: sending the form keeps it. */
let told = false;
document.addEventListener('htmx:beforeOnLoad', (event) => {
  const { xhr, requestConfig } = event.detail;
  const leaves = ['HX-Redirect', 'HX-Refresh'].some((name) => xhr.getResponseHeader(name));
  if (!leaves || requestConfig.triggeringEvent?.isTrusted || unsaved().length === 0) return;
  event.preventDefault();
  if (told) return;
  told = true;
  toast(xhr.status === 401 ? ENDED : CHANGED, 'risk', null, true);
});
