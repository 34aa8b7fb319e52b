// Checks messages in a thread of its own: see checker.ts.
import { parentPort } from 'node:worker_threads'
import { perform, type Task } from './checker.ts'

parentPort?.on('message', (tasks: Task[]) => parentPort?.postMessage(tasks.map(perform)))
