// Keyboard shortcuts, for who likes them: `?` lists them, and says how to switch them off (WCAG 2.1.4).
const OFF = 'portal-keys-off';
const GO_MS = 1_500;
const dialog = document.querySelector('[data-keys]');
const choice = dialog.querySelector('[data-keys-on]');
const isOn = () => localStorage.getItem(OFF) === null;
const isTyping = (target) => target.closest('input, textarea, select, [contenteditable]') !== null;

let going = 0;

/** `g` and a letter opens a place of the navigation; the letters stand in the dialog. */
function go(key) {
  const place = dialog.querySelector(`[data-key="${CSS.escape(key)}"]`)?.dataset.place;
  if (place) window.location.assign(place);
}

function press(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || dialog.open) return;
  if (event.key === '?') dialog.showModal();
  else if (!isOn()) return;
  else if (event.key === '/') focusSearch(event);
  else if (event.key === 'r') document.querySelector('[data-refresh]')?.click();
  else if (event.timeStamp - going < GO_MS) go(event.key);
  going = event.key === 'g' ? event.timeStamp : 0;
}

function focusSearch(event) {
  const search = document.querySelector('main input[type="search"]');
  if (!search) return;
  event.preventDefault();
  search.focus();
  search.select();
}

choice.checked = isOn();
choice.addEventListener('change', () => (choice.checked ? localStorage.removeItem(OFF) : localStorage.setItem(OFF, 'yes')));
document.addEventListener('keydown', press);
