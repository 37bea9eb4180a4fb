// Passkeys. A button `data-passkey="create"` or `"get"` asks the service at `data-options` what the browser has to do, has
// it done, and sends its form, with the answer in the hidden input `data-answer` names. Without passkeys it stays as it is:
// hidden, or `inert` where its place is kept so that nothing jumps.
import { toast } from './shell.js';
import { language, say } from './words.js';

const REQUEST = { method: 'POST', headers: { 'Content-Type': 'application/json', 'Accept-Language': language }, body: '{}' };
const able = window.PublicKeyCredential?.parseCreationOptionsFromJSON && PublicKeyCredential.parseRequestOptionsFromJSON;

/** What a browser's refusal means to the person before it. It says the same of whoever cancelled, took too long, has no
 * passkey on this device, or a key without a PIN (WebAuthn, 14.5.2). */
const WORDS = { NotAllowedError: 'noPasskey', InvalidStateError: 'passkeyKnown', SecurityError: 'passkeyAddress' };

/** Options from the service; null when the person is sent to prove first that it is them. */
async function ask(url) {
  const answer = await fetch(url, REQUEST);
  if (answer.ok) return (await answer.json()).options;
  const problem = await answer.json().catch(() => ({}));
  const here = encodeURIComponent(location.pathname + location.search + location.hash);
  if (answer.status === 401) location.assign(`/sign-in?next=${here}`);
  else if (problem.code === 'auth.step_up_required') location.assign(`/prove-it?next=${here}`);
  else toast(problem.detail || say('failed'), 'over');
  return null;
}

async function perform(kind, options) {
  const credential = kind === 'create'
    ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
    : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
  return JSON.stringify(credential);
}

async function use(button) {
  const { form } = button;
  if (!button.formNoValidate && !form.reportValidity()) return;
  button.disabled = true;
  try {
    const options = await ask(button.dataset.options);
    if (!options) return;
    form.elements[button.dataset.answer].value = await perform(button.dataset.passkey, options);
    form.action = button.formAction;
    form.submit();
  } catch (error) {
    if (error.name !== 'AbortError') toast(say(WORDS[error.name] ?? 'passkeyFailed'), 'over');
  } finally {
    button.disabled = false;
  }
}

for (const button of document.querySelectorAll('[data-passkey]')) {
  if (!able) continue;
  const place = button.closest('[data-passkeys]');
  place.hidden = place.inert = false;
  document.querySelector('[data-no-passkeys]')?.remove();
  button.addEventListener('click', (event) => { event.preventDefault(); use(button); });
}
