// The pages: what Vite has built from web/.
import { existsSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance } from 'fastify'

const root = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../dist/web' : '../web', import.meta.url))

export default async function web (app: FastifyInstance): Promise<void> {
  if (!existsSync(root)) {
    app.get('/', async (_request, reply) => await reply.type('text/html').send(notBuilt))
    return
  }
  await app.register(fastifyStatic, {
    root,
    preCompressed: true,
    cacheControl: false,
    setHeaders (reply, path) {
      // Vite puts a hash of the content into the names in assets/.
      const isHashed = basename(dirname(path)) === 'assets'
      reply.header('cache-control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache')
    }
  })
}

const notBuilt = `<!doctype html>
<html lang="en">
<title>The pages are not built yet</title>
<h1>The pages are not built yet</h1>
<p>The server runs, and secsync clients can connect to <code>/documents</code>. For the pages, stop it and run <code>npm start</code>,
or <code>npm run build:web</code> and start it again.</p>
</html>
`
