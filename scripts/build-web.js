// Builds the page of the example app into example-app/dist/web, when something that it is made of is newer than it.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'

const page = 'example-app/dist/web/index.html'
const folders = ['example-app/web', 'lib/client', 'lib/protocol']
const sources = ['example-app/vite.config.ts', 'package-lock.json',
  ...folders.flatMap((folder) => readdirSync(folder, { recursive: true }).map((name) => `${folder}/${name}`))]
const built = existsSync(page) ? statSync(page).mtimeMs : 0

if (sources.some((source) => statSync(source).mtimeMs > built)) {
  execFileSync(process.execPath, ['node_modules/vite/bin/vite.js', 'build', '--config', 'example-app/vite.config.ts', '--logLevel', 'warn'],
    { stdio: ['ignore', 'ignore', 'inherit'] })
}
