// Replaces dist/protocol/typebox.js with a bundle of what it exports. Node.js takes ten times as long to load the 250 files of TypeBox.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { buildSync } from 'esbuild'

const file = 'dist/protocol/typebox.js'
const license = readFileSync('node_modules/@sinclair/typebox/license', 'utf8')
// Not from dist/: it is a bundle already, unless the compiler has just written it.
const { outputFiles: [bundle] } = buildSync({
  entryPoints: ['lib/protocol/typebox.ts'], bundle: true, minify: true, format: 'esm', platform: 'node', target: 'node20', write: false
})
writeFileSync(file, `/*! @sinclair/typebox\n${license.trim()}\n*/\n${bundle.text}`)
rmSync(`${file}.map`, { force: true })
