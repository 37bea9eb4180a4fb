// Copies what the pages need out of node_modules into the repository, so that nothing is fetched or built at run time.
// Run after `npm ci --ignore-scripts` (`make vendor`); the result is committed.
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compile } from 'sass';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '../../..');
const modules = join(root, 'node_modules');
const assets = join(here, '../static/vendor');
const icons = join(here, '../icons');
const tests = join(root, 'tests/portal/vendor');

const FILES = {
  'htmx.org/dist/htmx.min.js': [assets, 'htmx.min.js'],
  'htmx.org/LICENSE': [assets, 'htmx.LICENSE.txt'],
  '@fontsource-variable/inter/files/inter-latin-opsz-normal.woff2': [assets, 'inter-latin.woff2'],
  '@fontsource-variable/inter/files/inter-latin-ext-wght-normal.woff2': [assets, 'inter-latin-ext.woff2'],
  '@fontsource-variable/inter/LICENSE': [assets, 'inter.LICENSE.txt'],
  '@tabler/icons/LICENSE': [icons, 'LICENSE.txt'],
  'axe-core/axe.min.js': [tests, 'axe.min.js'],
  'axe-core/LICENSE': [tests, 'axe.LICENSE.txt'],
};

for (const folder of [assets, icons, tests]) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
}
for (const [from, [folder, name]] of Object.entries(FILES)) copyFileSync(join(modules, from), join(folder, name));
copyFileSync(join(here, 'tabler.LICENSE.txt'), join(assets, 'tabler.LICENSE.txt'));

const tabler = compile(join(here, 'tabler.scss'), { loadPaths: [modules], style: 'compressed', quietDeps: true, charset: false });
writeFileSync(join(assets, 'tabler.css'), `/*! Tabler (MIT), the parts named in vendor/tabler.scss */\n${tabler.css}\n`);

// Inner markup only: the `icon()` template function adds the <svg> with its size and its aria attributes.
for (const name of readFileSync(join(here, 'icons.txt'), 'utf8').split(/\s+/).filter(Boolean)) {
  const svg = readFileSync(join(modules, '@tabler/icons/icons/outline', `${name}.svg`), 'utf8');
  const shapes = svg.slice(svg.indexOf('>', svg.indexOf('<svg')) + 1, svg.lastIndexOf('</svg>'));
  const drawn = shapes.split('\n').map((line) => line.trim()).filter((line) => line && !line.includes('stroke="none"'));
  writeFileSync(join(icons, `${name}.svg`), drawn.join('') + '\n');
}
