// Makes the packages that the built server imports dependencies in package.json, so that `npm prune --omit=dev` keeps them.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

const server = 'example-app/dist/server'
const { devDependencies, ...manifest } = JSON.parse(readFileSync('package.json', 'utf8'))
const files = readdirSync(server, { recursive: true }).filter((file) => file.endsWith('.js'))
const imported = files.flatMap((file) => [...readFileSync(`${server}/${file}`, 'utf8').matchAll(/from '([^'.][^']*)'/g)].map(([, name]) => name))
const packages = [...new Set(imported.map((name) => name.split('/', name.startsWith('@') ? 2 : 1).join('/')))].filter((name) => name in devDependencies)
for (const name of packages) {
  manifest.dependencies[name] = devDependencies[name]
  delete devDependencies[name]
}
writeFileSync('package.json', JSON.stringify({ ...manifest, devDependencies }, null, 2))
