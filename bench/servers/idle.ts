// What Fastify and `ws` take for a connection by themselves: for the memory per connection only.
import websocket from '@fastify/websocket'
import Fastify from 'fastify'
import { serve } from './process.ts'

const app = Fastify({ logger: { level: 'warn' } })
await app.register(websocket)
app.get('/*', { websocket: true }, (socket) => {
  socket.on('message', () => {})
  socket.send('{"type":"document"}')
})
await app.listen({ host: '127.0.0.1', port: 0 })
serve(app.server)
