// What scripts say, in the language of the page: its templates have the words (`data-words`).
const words = Object.assign({}, ...[...document.querySelectorAll('[data-words]')].map((each) => ({ ...each.dataset })));

/** The text of that name, with `values` for what stands in braces. */
export const say = (name, values = {}) => words[name].replace(/\{(\w+)\}/g, (_, place) => values[place]);

export const language = document.documentElement.lang;
