// Copies the API viewer out of node_modules into this folder. Run after `npm ci`; the result is committed.
import { copyFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const from = join(here, '../../node_modules/swagger-ui-dist');

copyFileSync(join(from, 'swagger-ui-bundle.js'), join(here, 'swagger-ui.js'));
copyFileSync(join(from, 'swagger-ui.css'), join(here, 'swagger-ui.css'));
copyFileSync(join(from, 'LICENSE'), join(here, 'swagger-ui.LICENSE.txt'));
