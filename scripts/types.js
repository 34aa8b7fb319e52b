// Tests are TypeScript: `node --import ./scripts/types.js file.ts`. Node.js 22.18 and later remove types by themselves.
import { register } from 'node:module'

if (!process.features.typescript) register('./types-hooks.js', import.meta.url)
// Where types were is now space: lines and columns are those of the file, and no source map is needed. To read those of all packages takes
// longer than many tests.
process.setSourceMapsEnabled(false)
